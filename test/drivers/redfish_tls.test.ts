/** TLS: verified by default, and each thing that goes wrong has an error that names the key to set. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { ServerTls } from '../../src/sim/web.ts';
import { newAuthority, selfSigned } from '../counterparts/certificates.ts';
import { newFolder } from '../counterparts/folder.ts';
import { never } from '../counterparts/signals.ts';
import { newSpokenRedfish } from '../counterparts/sim_redfish.ts';

/** Tries an order. @returns the error; null if it was carried out */
async function ordered(t: ExecutionContext, tls: ServerTls, more: DriverInfo): Promise<CountermandError | null> {
  const { redfish, driver, info } = await newSpokenRedfish(t, { tls });
  const sent = driver.setPowerState(driver.parse({ ...info, ...more }), 'power off', never());
  const error = await sent.then(
    () => null,
    (thrown: CountermandError) => thrown,
  );
  t.is(redfish.received.length, error === null ? 1 : 0);
  return error;
}

async function isRefused(t: ExecutionContext, tls: ServerTls, more: DriverInfo, code: ErrorCode, says: RegExp) {
  const error = await ordered(t, tls, more);
  t.is(error?.code, code, error?.message);
  t.regex(error?.message ?? '', says);
}

test('an authority that is named, and the certificate itself', async (t) => {
  const authority = await newAuthority(t);
  t.is(await ordered(t, await authority.issue(ownAddress()), { redfish_verify_ca: authority.file }), null);
  const own = await selfSigned(t, ownAddress());
  const file = join(await newFolder(t), 'bmc.pem');
  await writeFile(file, own.cert);
  t.is(await ordered(t, own, { redfish_verify_ca: file }), null);
  t.is(await ordered(t, own, { redfish_verify_ca: 'false' }), null);
});

test('one that vouches for itself, of another host, expired; a file that is not there', async (t) => {
  const authority = await newAuthority(t);
  const own = await selfSigned(t, ownAddress());
  const other = await authority.issue('bmc.example.org');
  const old = await authority.issueExpired(ownAddress());
  const trusted = { redfish_verify_ca: authority.file };
  await isRefused(t, own, {}, 'BMC_CERTIFICATE_REFUSED', /DEPTH_ZERO_SELF_SIGNED_CERT.*redfish_verify_ca/);
  await isRefused(t, other, trusted, 'BMC_CERTIFICATE_REFUSED', /ERR_TLS_CERT_ALTNAME_INVALID/);
  await isRefused(t, old, trusted, 'BMC_CERTIFICATE_REFUSED', /CERT_HAS_EXPIRED/);
  const missing = { redfish_verify_ca: '/nowhere/ca.pem' };
  await isRefused(t, own, missing, 'DRIVER_INFO_INVALID', /redfish_verify_ca: the agent cannot read \/nowhere/);
});

test('a weak key, an old TLS, no cipher in common: each names the key to set, and setting it helps', async (t) => {
  const own = await selfSigned(t, ownAddress());
  const any = { redfish_verify_ca: 'false' };
  const old: ServerTls = { ...own, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  await isRefused(t, old, any, 'BMC_PROTOCOL_VIOLATION', /older TLS only .*redfish_tls_minimum_version to 1\.0/);
  const set = { redfish_tls_minimum_version: '1.0', redfish_tls_ciphers: 'DEFAULT@SECLEVEL=0' };
  t.is(await ordered(t, old, { ...any, ...set }), null);

  const odd: ServerTls = { ...own, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' };
  const few = { ...any, redfish_tls_ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' };
  await isRefused(t, odd, few, 'BMC_CIPHER_REFUSED', /no TLS cipher in common .*redfish_tls_ciphers/);
  t.is(await ordered(t, odd, { ...any, redfish_tls_ciphers: 'ECDHE-ECDSA-AES128-SHA' }), null);
  const none = { ...any, redfish_tls_ciphers: 'NO-SUCH-CIPHER' };
  await isRefused(t, own, none, 'DRIVER_INFO_INVALID', /redfish_tls_ciphers: OpenSSL knows none/);

  const weak = await weakKey(t);
  const file = join(await newFolder(t), 'weak.pem');
  await writeFile(file, weak.cert);
  const server = { ...weak, ciphers: 'DEFAULT@SECLEVEL=0' };
  await isRefused(t, server, { redfish_verify_ca: file }, 'BMC_CERTIFICATE_REFUSED', /too weak.*redfish_tls_ciphers/);
  const low = { redfish_verify_ca: file, redfish_tls_ciphers: 'DEFAULT@SECLEVEL=0' };
  t.is(await ordered(t, server, low), null);
});

/** A certificate with an RSA key of 1024 bits, as old BMCs have it. */
async function weakKey(t: ExecutionContext): Promise<ServerTls> {
  const folder = await newFolder(t);
  const name = ['-subj', `/CN=${ownAddress()}`, '-addext', `subjectAltName=IP:${ownAddress()}`];
  const files = ['-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '365'];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:1024', ...files, ...name], { cwd: folder });
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  return { key: await read('key.pem'), cert: await read('cert.pem') };
}

test('http where https was expected', async (t) => {
  const { driver, info, redfish } = await newSpokenRedfish(t);
  const address = String(info.redfish_address).replace('http:', 'https:');
  const bmc = driver.parse({ ...info, redfish_address: address });
  const error = await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), { instanceOf: CountermandError });
  t.is(error.code, 'BMC_PROTOCOL_VIOLATION');
  t.regex(error.message, /does not speak TLS .*check redfish_address/);
  t.deepEqual(redfish.received, []);
});
