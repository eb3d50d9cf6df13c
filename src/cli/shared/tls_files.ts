/** The PEM files of TLS: which they are, and what they must be. */
import { createSecureContext } from 'node:tls';
import { openSmallFile } from '../../core/small_file.ts';
import { type TlsMaterial, tlsOptions } from '../../core/tls.ts';

/** Which files there are, by path. */
export interface TlsFiles {
  readonly certificate: string | null;
  readonly key: string | null;
  readonly ca: string | null;
}

/** What the files are called where they are named: a key of the configuration, or a flag. */
type TlsFileNames = { readonly [File in keyof TlsFiles]: string };

/** As `openTlsFiles`, for files that are read once. @throws what `refuse` makes */
export const readTlsFiles = (...given: Parameters<typeof openTlsFiles>): TlsMaterial => openTlsFiles(...given)();

/**
 * Returns what reads the files, as often as it is called; a pipe among them is read once, here.
 * @param refuse makes the error that is thrown for a sentence
 * @throws what `refuse` makes, naming the file. What it returns does so too, if one cannot be read, is not PEM, or if key and certificate do
 *   not belong together
 */
export function openTlsFiles(
  files: TlsFiles,
  names: TlsFileNames,
  refuse: (sentence: string) => Error,
): () => TlsMaterial {
  const { certificate, key } = files;
  if ((certificate === null) !== (key === null))
    throw refuse(`${names.certificate} and ${names.key} go together, and only one of them is given`);
  const open = (file: keyof TlsFiles): (() => string | null) => {
    const path = files[file];
    return path === null ? () => null : openPem(path, names[file], refuse);
  };
  const [certificateNow, keyNow, caNow] = [open('certificate'), open('key'), open('ca')];
  return () => {
    const [ownCertificate, ownKey, ca] = [certificateNow(), keyNow(), caNow()];
    const own = ownCertificate === null || ownKey === null ? null : { certificate: ownCertificate, key: ownKey };
    // Without files there is nothing to check, and OpenSSL would read the authorities of the world for each command.
    if (own) check({ own, ca: null }, `${certificate} and ${key} are no certificate with its key`, refuse);
    if (ca !== null) check({ own: null, ca }, `${names.ca}: ${files.ca} is no certificate`, refuse);
    return { own, ca };
  };
}

function openPem(path: string, name: string, refuse: (sentence: string) => Error): () => string {
  const textNow = openSmallFile(path, ({ code }) => refuse(`${name}: ${path} cannot be read (${code})`));
  return () => {
    const text = textNow();
    if (text.includes('-----BEGIN ')) return text;
    throw refuse(`${name}: ${path} is not in PEM, which has a line that starts with -----BEGIN`);
  };
}

function check(material: TlsMaterial, otherwise: string, refuse: (sentence: string) => Error): void {
  try {
    createSecureContext(tlsOptions(material));
  } catch (error) {
    throw refuse(`${otherwise} (OpenSSL: ${(error as Error).message})`);
  }
}
