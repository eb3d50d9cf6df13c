/** Where an agent reads `vault:` values, from its configuration. */
import { Vault, type VaultLogin } from '../../agent/vault.ts';
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { openSmallFile, readAtStart } from '../../core/small_file.ts';
import { isLoopback } from '../shared/address.ts';
import { isOpenUrl } from '../shared/open_url.ts';

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
  if (!isOpenUrl(text)) return false;
  const { protocol, host, port, pathname, search, hash } = new URL(text);
  if (pathname !== '/' || search !== '' || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(port === '' ? `${host}:80` : host));
}

/**
 * The Vault of an agent; null without an address. Call it at a start: a pipe with a login is read once, here.
 * @throws CONFIGURATION_INVALID if there is no login, or a file cannot be read
 */
export function openVault(place: VaultPlace, clock: Clock): Vault | null {
  const { address, ca, namespace, timeoutMs, cacheMs } = place;
  if (address === null) return null;
  const login = loginOf(place);
  const pem = ca === null ? null : readCa(ca);
  return new Vault({ address, login, ca: pem, namespace, timeoutMs, cacheMs, clock });
}

function loginOf({ tokenFile, roleIdFile, secretIdFile }: VaultPlace): VaultLogin {
  if (tokenFile !== null && roleIdFile === null && secretIdFile === null)
    return { kind: 'token', token: open('vault_token_file', tokenFile) };
  if (tokenFile === null && roleIdFile !== null && secretIdFile !== null)
    return {
      kind: 'approle',
      roleId: open('vault_role_id_file', roleIdFile),
      secretId: open('vault_secret_id_file', secretIdFile),
    };
  throw fail(
    'CONFIGURATION_INVALID',
    'vault_address needs a login: give vault_token_file, or vault_role_id_file and vault_secret_id_file',
  );
}

function open(key: string, path: string): () => string {
  let code: 'CONFIGURATION_INVALID' | 'SECRET_UNREADABLE' = 'CONFIGURATION_INVALID';
  const textNow = openSmallFile(path, ({ message }) => fail(code, `${key} cannot be read: ${message}`));
  code = 'SECRET_UNREADABLE';
  return textNow;
}

function readCa(path: string): string {
  try {
    return readAtStart(path);
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `vault_ca cannot be read: ${(error as Error).message}`);
  }
}
