/** Real sockets whose trouble comes as an event, not as the result of a call: it is told to the hearer, and ends no process. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { othersFirst, systemClock } from '../../../src/core/clock.ts';
import type { Line } from '../../../src/drivers/ipmi/rmcp/transport.ts';
import { openUdp } from '../../../src/drivers/ipmi/rmcp/udp.ts';
import { readBootStatus } from '../../../src/drivers/irmc/snmp.ts';
import { ownAddress } from '../../../src/sim/loopback.ts';
import { never } from '../../counterparts/signals.ts';

const transport = openUdp((action) => void othersFirst().then(action));

/** A port of ours that was taken and given back: what is sent there, the system refuses, a moment later. */
async function closedPort(address: string): Promise<number> {
  const socket = createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

/** Opens a way, sends something, and resolves with the first error that is told. */
function firstError(t: ExecutionContext, address: string, port: number): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve, reject) => {
    const datagram = (): void => reject(new Error('nothing listens there, and an answer came'));
    const line: Line = transport.open(address, port, { datagram, broken: resolve });
    t.teardown(() => line.close());
    line.send(Buffer.from('a question'));
  });
}

test('IPMI: what the system tells of a datagram after it was sent is the error of that BMC', async (t) => {
  const address = ownAddress();
  t.is((await firstError(t, address, await closedPort(address))).code, 'ECONNREFUSED');
});

test('IPMI: a socket that the system does not connect is the error of that BMC', async (t) => {
  t.is((await firstError(t, '255.255.255.255', 623)).code, 'EACCES');
});

test('SNMP: what the system tells of a datagram after it was sent is the error of that BMC', async (t) => {
  const address = ownAddress();
  const snmp = { version: 'v2c', port: await closedPort(address), community: 'public' } as const;
  await t.throwsAsync(readBootStatus(address, snmp, systemClock, never()), { code: 'BMC_PORT_CLOSED' } as object);
});
