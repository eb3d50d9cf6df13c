/** Is the BMC there? Against real sockets. */
import { createSocket } from 'node:dgram';
import { getEventListeners, once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { fail } from '../../src/core/errors.ts';
import { findBmc, SILENCE_MS } from '../../src/drivers/ipmi/ipmitool/probe.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const at = (host: string, port: number) => ({ host, port, name: `${host}:${port}` });

/** A socket that counts what it hears and answers with `answer`, if it is given one. */
async function newSocket(t: ExecutionContext, answer?: Buffer, address = ownAddress()) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4').bind(0, address);
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  const heard: Buffer[] = [];
  socket.on('message', (datagram, from) => {
    heard.push(datagram);
    if (answer) socket.send(answer, from.port, from.address);
  });
  return { heard, bmc: at(address, socket.address().port) };
}

test('a BMC is found at its address', async (t) => {
  const sim = await newIpmiSim(t);
  t.is(await findBmc(at(sim.address, sim.port), new PatientClock(), never()), sim.address);
});

test('a closed port is told at once', async (t) => {
  const address = ownAddress();
  const bmc = at(address, await takePort(address));
  await t.throwsAsync(findBmc(bmc, new VirtualClock(), never()), {
    code: 'BMC_PORT_CLOSED',
    message: /port is closed/,
  });
});

test('a name without address is told', async (t) => {
  await t.throwsAsync(findBmc(at('bmc.invalid', 623), new PatientClock(), never()), {
    code: 'BMC_NAME_UNKNOWN',
    message: /bmc\.invalid .*ENOTFOUND|bmc\.invalid .*EAI_AGAIN/,
  });
});

test('silence is told after 3 s and three questions', async (t) => {
  const clock = new VirtualClock();
  const { heard, bmc } = await newSocket(t);
  const found = findBmc(bmc, clock, never()).catch((error) => error);
  for (const [turnMs, questions] of [
    [0, 1],
    [500, 2],
    [1000, 3],
  ] as const) {
    await eventually(`question ${questions}`, async () => {
      await clock.turn(heard.length < questions ? turnMs : 0);
      return heard.length >= questions;
    });
  }
  await clock.turn(SILENCE_MS);
  const error = await found;
  t.is(error.code, 'BMC_SILENT');
  t.is(heard.length, 3);
  t.is(clock.timers, 0);
});

test('what is no answer of a BMC does not count as one', async (t) => {
  for (const answer of ['', '00', '0600ff06', '0600ff07', 'ff'.repeat(40), `0600ff07${'00'.repeat(30)}`]) {
    const clock = new VirtualClock();
    const { heard, bmc } = await newSocket(t, Buffer.from(answer, 'hex'));
    const found = findBmc(bmc, clock, never()).catch((error) => error);
    await eventually('the question', () => heard.length > 0);
    await eventually('the time to pass', async () => {
      await clock.turn(100);
      return clock.timers === 0;
    });
    t.regex((await found).code, /BMC_PROTOCOL_VIOLATION|BMC_SILENT/);
  }
});

test('an abort ends it at once, and leaves nothing', async (t) => {
  const clock = new VirtualClock();
  const { heard, bmc } = await newSocket(t);
  const controller = new AbortController();
  const reason = fail('ABORT_REQUESTED', 'enough');
  const found = findBmc(bmc, clock, controller.signal).catch((error) => error);
  await eventually('the question', () => heard.length > 0);
  controller.abort(reason);
  t.is(await found, reason);
  t.is(clock.timers, 0);
  t.is(getEventListeners(controller.signal, 'abort').length, 0);
  t.is(await findBmc(bmc, clock, controller.signal).catch((error) => error), reason);
});
