/** The key and the certificate that a simulator shows, from files. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { fail } from '../../core/errors.ts';
import type { TlsIdentity } from '../../sim/web.ts';

/** Reads both files; null if there are none. @throws ARGUMENT_INVALID naming the flag */
export function readIdentity(files: { readonly key: string; readonly cert: string } | null): TlsIdentity | null {
  if (files === null) return null;
  const identity = { key: readPem(files.key, '--tls-key'), cert: readPem(files.cert, '--tls-cert') };
  try {
    createSecureContext(identity);
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
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fail('ARGUMENT_INVALID', `${flag}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  if (text.includes('-----BEGIN ')) return text;
  throw fail('ARGUMENT_INVALID', `${flag}: ${path} is not in PEM, which has a line that starts with -----BEGIN`);
}
