/** A simulator that cannot start ends, as a process: with an error, an exit code, and nothing left that keeps it alive. */
import { createSocket } from 'node:dgram';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { selfSigned } from '../counterparts/certificates.ts';
import { newFolder } from '../counterparts/folder.ts';
import { run } from '../e2e/processes.ts';

const address = ownAddress();
const NODES = 3;

/** Holds a port until the end of the test. */
function hold(t: ExecutionContext, kind: 'tcp' | 'udp', port: number): Promise<void> {
  return new Promise((resolve) => {
    if (kind === 'tcp') {
      const server = createServer().listen({ host: address, port }, resolve);
      t.teardown(() => server.close());
    } else {
      const socket = createSocket('udp4').bind({ address, port }, resolve);
      t.teardown(() => socket.close());
    }
  });
}

/** The first ports of a fleet, far enough from each other. */
async function firstPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let at = 0; at < count * (NODES + 1); at += 1) ports.push(await takePort(address));
  return ports.filter((_, at) => at % (NODES + 1) === 0);
}

const IRMC_FLAGS = ['--first-port', '--first-snmp-port', '--first-ipmi-port'];

const ENDS = [
  ['ipmi', ['--first-port'], 0, 'udp'],
  ['redfish', ['--first-port'], 0, 'tcp'],
  ['irmc', IRMC_FLAGS, 0, 'tcp'],
  ['irmc', IRMC_FLAGS, 1, 'udp'],
  ['irmc', IRMC_FLAGS, 2, 'udp'],
] as const;

for (const [name, flags, taken, kind] of ENDS)
  test(`sim ${name} ends if the port of its last node is in use: ${flags[taken]}`, async (t) => {
    const ports = await firstPorts(flags.length);
    await hold(t, kind, (ports[taken] ?? 0) + NODES - 1);
    const where = flags.flatMap((flag, at) => [flag, String(ports[at])]);
    const ended = await run(t, ['sim', name, '--nodes', String(NODES), '--address', address, ...where]);
    t.is(ended.exitCode, 6, ended.stderr);
    t.regex(ended.stderr, /^error: a simulated \w[\w ]* cannot listen on \S+: another process does$/);
    t.is(ended.stdout, '');
  });

for (const name of ['irmc', 'redfish'])
  test(`sim ${name} ends if the key is not that of the certificate`, async (t) => {
    const folder = await newFolder(t);
    const [one, other] = [await selfSigned(t, address), await selfSigned(t, address)];
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
    await writeFile(files.key, one.key);
    await writeFile(files.cert, other.cert);
    const ended = await run(t, ['sim', name, '--address', address, '--tls-key', files.key, '--tls-cert', files.cert]);
    t.is(ended.exitCode, 2, ended.stderr);
    t.regex(ended.stderr, /^error: --tls-key and --tls-cert are no key with its certificate \(OpenSSL: .+\)$/);
  });
