/** The key and the certificate that a simulator shows, from files. */
import { createSecureContext } from 'node:tls';
import { fail } from '../../core/errors.ts';
import { readAtStart } from '../../core/small_file.ts';
import type { TlsIdentity } from '../../sim/web.ts';

/** The files of a key and its certificate. */
export interface IdentityFiles {
  readonly key: string;
  readonly cert: string;
}

/** The files that the flags name; null if they name none. @throws ARGUMENT_INVALID if only one of them is given */
export function readFiles({ tlsKey: key, tlsCert: cert }: { tlsKey?: string; tlsCert?: string }): IdentityFiles | null {
  if (key !== undefined && cert !== undefined) return { key, cert };
  if (key === undefined && cert === undefined) return null;
  throw fail('ARGUMENT_INVALID', '--tls-key and --tls-cert go together, and only one of them is given');
}

/** What OpenSSL takes of a key: any, also one that is too weak for the clients of today, as old BMCs have it. */
export const ANY_KEY = 'DEFAULT@SECLEVEL=0';

/** Reads both files; null if there are none. @throws ARGUMENT_INVALID naming the flag */
export function readIdentity(files: IdentityFiles | null): TlsIdentity | null {
  if (files === null) return null;
  const identity = { key: readPem(files.key, '--tls-key'), cert: readPem(files.cert, '--tls-cert') };
  try {
    createSecureContext({ ...identity, ciphers: ANY_KEY });
  } catch (error) {
    const { message } = error as Error;
    throw fail(
      'ARGUMENT_INVALID',
      `--tls-key and --tls-cert are no key with its certificate (OpenSSL: ${message})`,
      error,
    );
  }
  return identity;
}

function readPem(path: string, flag: string): string {
  let text: string;
  try {
    text = readAtStart(path);
  } catch (error) {
    throw fail('ARGUMENT_INVALID', `${flag}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  if (text.includes('-----BEGIN ')) return text;
  throw fail('ARGUMENT_INVALID', `${flag}: ${path} is not in PEM, which has a line that starts with -----BEGIN`);
}
