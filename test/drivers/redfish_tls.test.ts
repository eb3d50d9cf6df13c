/** TLS: verified by default, and each thing that goes wrong has an error that names the key to set. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { ServerTls } from '../../src/sim/web.ts';
import { newAuthority, selfSigned } from '../counterparts/certificates.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { never } from '../counterparts/signals.ts';
import { newSpokenRedfish } from '../counterparts/spoken_redfish.ts';

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
  const missing = { redfish_verify_ca: 'nowhere/ca.pem' };
  await isRefused(t, own, missing, 'DRIVER_INFO_INVALID', /redfish_verify_ca: the agent cannot use nowhere\/ca.pem/);
  const outside = { redfish_verify_ca: '/proc/kmsg' };
  await isRefused(t, own, outside, 'DRIVER_INFO_INVALID', /redfish_verify_ca names no file below bmc_ca_dir/);
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

  const weak = await rsaKey(t, 1024);
  const file = join(await newFolder(t), 'weak.pem');
  await writeFile(file, weak.cert);
  const server = { ...weak, ciphers: 'DEFAULT@SECLEVEL=0' };
  await isRefused(t, server, { redfish_verify_ca: file }, 'BMC_CERTIFICATE_REFUSED', /too weak.*redfish_tls_ciphers/);
  const low = { redfish_verify_ca: file, redfish_tls_ciphers: 'DEFAULT@SECLEVEL=0' };
  t.is(await ordered(t, server, low), null);
});

/** A certificate with an RSA key. Old BMCs have one of 1024 bits. */
async function rsaKey(t: ExecutionContext, bits: number): Promise<ServerTls> {
  const folder = await newFolder(t);
  const name = ['-subj', `/CN=${ownAddress()}`, '-addext', `subjectAltName=IP:${ownAddress()}`];
  const files = ['-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '365'];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', `rsa:${bits}`, ...files, ...name], { cwd: folder });
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  return { key: await read('key.pem'), cert: await read('cert.pem') };
}

test('RSA key exchange only, and AES256-SHA only, need no key', async (t) => {
  const rsa = await rsaKey(t, 2048);
  for (const ciphers of ['AES256-GCM-SHA384', 'AES256-SHA'])
    t.is(await ordered(t, { ...rsa, maxVersion: 'TLSv1.2', ciphers }, { redfish_verify_ca: 'false' }), null, ciphers);
});

/** The kinds of TLS records; 21 is an alert, of which one says that nothing more comes. */
const ALERT = 21;

/** A way to a port on which the kinds of the records that the client sends are noted. */
async function tap(t: ExecutionContext, port: number): Promise<{ port: number; kinds: number[]; open: () => number }> {
  const kinds: number[] = [];
  let open = 0;
  const server = createServer((client) => {
    open += 1;
    let rest = Buffer.alloc(0);
    const onwards = connect(port, ownAddress());
    client.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let length = 5; rest.length >= length; length = 5) {
        length += rest.readUInt16BE(3);
        if (rest.length < length) break;
        kinds.push(rest.readUInt8(0));
        rest = rest.subarray(length);
      }
    });
    client.pipe(onwards).pipe(client);
    for (const socket of [client, onwards]) socket.on('error', () => {});
    client.on('close', () => {
      open -= 1;
      onwards.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, ownAddress(), resolve));
  t.teardown(() => server.close());
  return { port: (server.address() as { port: number }).port, kinds, open: () => open };
}

test('TLS is ended properly: a BMC that waits for the end of a torn connection has few of them', async (t) => {
  const tls: ServerTls = { ...(await selfSigned(t, ownAddress())), maxVersion: 'TLSv1.2' };
  const { redfish, driver, info } = await newSpokenRedfish(t, { tls });
  const { port } = new URL(String(info.redfish_address));
  const tapped = await tap(t, Number(port));
  const address = `https://${ownAddress()}:${tapped.port}`;
  const bmc = driver.parse({ ...info, redfish_address: address, redfish_verify_ca: 'false', redfish_system_id: '1' });
  for (const call of [
    () => driver.getPowerState(bmc, never()),
    () => driver.setPowerState(bmc, 'rebooting', never()),
  ]) {
    tapped.kinds.splice(0);
    await call();
    await eventually('the connections to be closed', () => tapped.open() === 0);
    t.is(tapped.kinds.at(-1), ALERT);
  }
  t.is(redfish.received.length, 1);
});

test('http where https was expected', async (t) => {
  const { driver, info, redfish } = await newSpokenRedfish(t);
  const address = String(info.redfish_address).replace('http:', 'https:');
  const bmc = driver.parse({ ...info, redfish_address: address });
  const error = await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), { instanceOf: CountermandError });
  t.is(error.code, 'BMC_PROTOCOL_VIOLATION');
  t.regex(error.message, /does not speak TLS .*check redfish_address/);
  t.deepEqual(redfish.received, []);
});
