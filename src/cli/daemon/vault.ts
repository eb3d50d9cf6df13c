/** Where an agent reads `vault:` values, from its configuration. */
import { Vault, type VaultLogin } from '../../agent/vault.ts';
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { readSmallFile } from '../../core/small_file.ts';
import { isLoopback } from '../shared/address.ts';

/** What the configuration says of Vault. */
export interface VaultPlace {
  /** Null: there is none. */
  readonly address: string | null;
  readonly tokenFile: string | null;
  readonly roleIdFile: string | null;
  readonly secretIdFile: string | null;
  readonly ca: string | null;
  readonly namespace: string | null;
  readonly timeoutMs: number;
  readonly cacheMs: number;
}

/** True for the URL of a Vault that can be spoken to without others on the way reading its secrets. */
export function isVaultAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, host, port, pathname, search, hash, username } = new URL(text);
  if (pathname !== '/' || search !== '' || hash !== '' || username !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(port === '' ? `${host}:80` : host));
}

/** The Vault of an agent; null without an address. @throws CONFIGURATION_INVALID if there is no login, or a file cannot be read */
export function openVault(place: VaultPlace, clock: Clock): Vault | null {
  const { address, ca, namespace, timeoutMs, cacheMs } = place;
  if (address === null) return null;
  const login = loginOf(place);
  const pem = ca === null ? null : read('vault_ca', ca, 'CONFIGURATION_INVALID');
  return new Vault({ address, login, ca: pem, namespace, timeoutMs, cacheMs, clock });
}

function loginOf({ tokenFile, roleIdFile, secretIdFile }: VaultPlace): VaultLogin {
  if (tokenFile !== null && roleIdFile === null && secretIdFile === null)
    return { kind: 'token', token: () => read('vault_token_file', tokenFile, 'SECRET_UNREADABLE') };
  if (tokenFile === null && roleIdFile !== null && secretIdFile !== null)
    return {
      kind: 'approle',
      roleId: () => read('vault_role_id_file', roleIdFile, 'SECRET_UNREADABLE'),
      secretId: () => read('vault_secret_id_file', secretIdFile, 'SECRET_UNREADABLE'),
    };
  throw fail(
    'CONFIGURATION_INVALID',
    'vault_address needs a login: give vault_token_file, or vault_role_id_file and vault_secret_id_file',
  );
}

function read(key: string, path: string, code: 'CONFIGURATION_INVALID' | 'SECRET_UNREADABLE'): string {
  try {
    return readSmallFile(path);
  } catch (error) {
    throw fail(code, `${key} cannot be read: ${(error as Error).message}`);
  }
}
