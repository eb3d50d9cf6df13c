/** Certificates for tests, made with openssl: keys that are used nowhere else, and gone with their folder. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { TlsIdentity } from '../../src/sim/web.ts';
import { newFolder } from './folder.ts';

/** An authority for one test, and what it vouches for. */
export interface Authority {
  /** The file with its certificate. */
  readonly file: string;
  /** Its certificate in PEM. */
  readonly cert: string;
  /** A certificate for an address or a name, good for a year. */
  issue(subject: string): Promise<TlsIdentity>;
  /** One that was good until a moment ago. */
  issueExpired(subject: string): Promise<TlsIdentity>;
}

const openssl = (folder: string, ...args: readonly string[]) => promisify(execFile)('openssl', args, { cwd: folder });
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A new authority. Only who is told to trusts it. */
export async function newAuthority(t: ExecutionContext): Promise<Authority> {
  const folder = await newFolder(t);
  const subject = ['-subj', '/CN=Countermand test authority', '-days', '365'];
  await openssl(folder, 'req', '-x509', ...NEW_KEY, '-keyout', 'authority.key', '-out', 'authority.pem', ...subject);
  let issued = 0;
  const issue = async (to: string, days: number): Promise<TlsIdentity> => {
    issued += 1;
    const [key, request, cert] = ['key', 'csr', 'pem'].map((end) => `${issued}.${end}`) as [string, string, string];
    const isAddress = /^[\d.]+$|:/.test(to);
    const name = ['-subj', `/CN=${to}`, '-addext', `subjectAltName=${isAddress ? 'IP' : 'DNS'}:${to}`];
    await openssl(folder, 'req', ...NEW_KEY, '-keyout', key, '-out', request, ...name);
    const by = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-copy_extensions', 'copy', '-days', String(days)];
    await openssl(folder, 'x509', '-req', '-in', request, '-out', cert, ...by);
    return { key: await readFile(join(folder, key), 'utf8'), cert: await readFile(join(folder, cert), 'utf8') };
  };
  return {
    file: join(folder, 'authority.pem'),
    cert: await readFile(join(folder, 'authority.pem'), 'utf8'),
    issue: (to) => issue(to, 365),
    issueExpired: (to) => issue(to, -1),
  };
}

/** A certificate that vouches for itself. */
export async function selfSigned(t: ExecutionContext, subject: string): Promise<TlsIdentity> {
  const folder = await newFolder(t);
  const name = [
    '-subj',
    `/CN=${subject}`,
    '-addext',
    `subjectAltName=${/^[\d.]+$/.test(subject) ? 'IP' : 'DNS'}:${subject}`,
  ];
  await openssl(folder, 'req', '-x509', ...NEW_KEY, '-keyout', 'key.pem', '-out', 'cert.pem', ...name, '-days', '365');
  return {
    key: await readFile(join(folder, 'key.pem'), 'utf8'),
    cert: await readFile(join(folder, 'cert.pem'), 'utf8'),
  };
}
