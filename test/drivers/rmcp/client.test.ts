/** Kept sessions: used again, opened anew where the BMC has let go of them, and never an order twice. */
import { getEventListeners } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import {
  chassisControl,
  type Destination,
  getChassisStatus,
  getDeviceId,
} from '../../../src/drivers/ipmi/rmcp/commands.ts';
import { COMPLETION } from '../../../src/drivers/ipmi/rmcp/completion_codes.ts';
import { SEQUENCES } from '../../../src/drivers/ipmi/rmcp/message.ts';
import { DEFAULT_LIMITS } from '../../../src/drivers/ipmi/rmcp/pool.ts';
import { RmcpError } from '../../../src/drivers/ipmi/rmcp/rmcp_error.ts';
import { never } from '../../counterparts/signals.ts';
import { settle, targetOf, Wire } from './wire.ts';

function newBmc() {
  const wire = new Wire();
  wire.latencyMs = 1;
  const bmc = wire.add('bmc', { softMs: Number.POSITIVE_INFINITY });
  const pool = wire.pool();
  const read = () => settle(pool.run(targetOf('bmc'), getChassisStatus, never()), wire.clock);
  const order = (control: 'on' | 'off' | 'reset' | 'soft' | 'diag') =>
    settle(pool.run(targetOf('bmc'), chassisControl(control), never()), wire.clock);
  const orders = () => bmc.received.filter((command) => command !== 'status');
  return { wire, bmc, pool, read, order, orders };
}

function hasCause(t: ExecutionContext, error: unknown, cause: RmcpError['reason']): void {
  t.true(error instanceof RmcpError, String(error));
  if (error instanceof RmcpError) t.is(error.reason, cause, error.message);
}

test('a session is kept: the second command is one round trip', async (t) => {
  const { wire, bmc, read } = newBmc();
  await read();
  const sent = wire.sent;
  const { value, tookMs } = await read();
  t.true(value?.powerOn);
  t.is(wire.sent - sent, 1);
  t.is(tookMs, 2);
  t.is(bmc.sessions, 1);
});

test('a BMC that has forgotten the session without a word: a new one is opened, once, and the question asked again', async (t) => {
  const { bmc, read } = newBmc();
  await read();
  bmc.restart(0);
  const { value, tookMs } = await read();
  t.true(value?.powerOn);
  t.true(tookMs < 3000, `took ${tookMs} ms`);
  t.is(bmc.sessions, 1);
});

test('a session that a BMC has lost is counted, one that was closed or whose order was not answered is not', async (t) => {
  const { wire, bmc, pool, order } = newBmc();
  let lost = -1;
  const check = ({ sessionsLost }: Destination): null => {
    lost = sessionsLost;
    return null;
  };
  const look = async (): Promise<number> => {
    await settle(pool.run(targetOf('bmc'), { ...getChassisStatus, check }, never()), wire.clock);
    return lost;
  };
  t.is(await look(), 0);
  bmc.faults = { ...bmc.faults, dropsOrderAnswers: true };
  hasCause(t, (await order('on')).error, 'NO_ANSWER');
  t.is(bmc.sessions, 1);
  t.is(await look(), 0);
  bmc.restart(0);
  t.is(await look(), 1);
  // While it is idle it is found by what keeps the session.
  bmc.restart(60_000);
  await wire.clock.turn(61_000);
  t.is(await look(), 2);
  await wire.clock.turn(DEFAULT_LIMITS.keepSessionMs * 2);
  t.is(await look(), 2);
});

test('before an order into a session that was not heard of for a while, something harmless is asked', async (t) => {
  for (const control of ['soft', 'reset', 'diag', 'on'] as const) {
    const { wire, bmc, read, order, orders } = newBmc();
    await read();
    await wire.clock.turn(10_000);
    bmc.restart(0);
    const { error } = await order(control);
    t.is(error, undefined);
    t.deepEqual(orders(), [control]);
    t.is(bmc.received.at(-2), 'status');
  }
});

test('right after a reading, an order is one datagram', async (t) => {
  const { wire, read, order, orders } = newBmc();
  await read();
  const sent = wire.sent;
  await order('soft');
  t.is(wire.sent - sent, 1);
  t.deepEqual(orders(), ['soft']);
});

for (const control of ['soft', 'reset', 'diag', 'on', 'off'] as const) {
  test(`the answer to ${control} is lost: it is not sent again, and its outcome is unknown`, async (t) => {
    const { wire, bmc, read, order, orders } = newBmc();
    await read();
    wire.tamper = () => null;
    const { error, tookMs } = await order(control);
    hasCause(t, error, 'NO_ANSWER');
    t.true(tookMs < 11_000);
    t.deepEqual(orders(), [control]);
    wire.tamper = (datagram) => datagram;
    t.is((await read()).value?.powerOn, control !== 'off');
    t.deepEqual(orders(), [control]);
    t.is(bmc.sessions, 1);
  });

  test(`a BMC that takes 5 s for each answer gets one ${control}`, async (t) => {
    const { bmc, order, orders } = newBmc();
    bmc.faults = { ...bmc.faults, answerMs: 5000 };
    const { error } = await order(control);
    t.is(error, undefined);
    t.deepEqual(orders(), [control]);
  });
}

test('our own process stalls: what has arrived meanwhile is read before anything is sent again or given up', async (t) => {
  const { wire, read, order, orders } = newBmc();
  wire.stalled = true;
  const { value } = await read();
  t.true(value?.powerOn);
  const asked = wire.sent;
  const { error } = await order('soft');
  t.is(error, undefined);
  t.deepEqual(orders(), ['soft']);
  t.is(wire.sent, asked + 1);
  wire.stalled = false;
  const fresh = newBmc();
  await fresh.read();
  t.is(asked, fresh.wire.sent, 'nothing was asked twice');
});

test('lost datagrams of questions are made up for, and their answers that come twice count once', async (t) => {
  const { wire, bmc, read } = newBmc();
  await read();
  bmc.faults = { ...bmc.faults, loss: 0.2, duplicates: 0.3, reorders: 0.3 };
  let failures = 0;
  for (let round = 0; round < 200; round += 1) {
    const { value, error } = await read();
    if (error) failures += 1;
    else t.true(value?.powerOn);
    await wire.clock.turn(50);
  }
  t.true(failures < 10, `${failures} of 200 readings failed`);
});

test('a late answer is not taken for that of another question', async (t) => {
  const { wire, bmc, pool, read } = newBmc();
  await read();
  bmc.faults = { ...bmc.faults, answerMs: 1000 };
  const controller = new AbortController();
  const given = pool.run(targetOf('bmc'), getChassisStatus, controller.signal).catch((error) => error);
  await wire.clock.turn(500);
  controller.abort(new Error('enough'));
  t.is((await given).message, 'enough');
  bmc.host.setPower('power off');
  bmc.faults = { ...bmc.faults, answerMs: 0 };
  const device = settle(pool.run(targetOf('bmc'), getDeviceId, never()), wire.clock);
  const { value } = await read();
  t.false(value?.powerOn);
  t.is((await device).value?.ipmiVersion, '2.0');
});

test('a late answer is not taken for that of the same question, asked again', async (t) => {
  const { wire, bmc, pool, read } = newBmc();
  await read();
  bmc.faults = { ...bmc.faults, answerMs: 1000 };
  const controller = new AbortController();
  const given = pool.run(targetOf('bmc'), getChassisStatus, controller.signal).catch((error) => error);
  await wire.clock.turn(500);
  controller.abort(new Error('enough'));
  t.is((await given).message, 'enough');
  // The answer that says on is still under way when the same is asked again, and comes first.
  bmc.host.setPower('power off');
  const { value } = await read();
  t.is(value?.powerOn, false);
});

test('an answer that was recorded is not believed when the number of its question comes again', async (t) => {
  const { wire, bmc, read } = newBmc();
  await read();
  const asItIs = wire.tamper;
  const recorded: Buffer[] = [];
  wire.tamper = (datagram) => {
    recorded.push(Buffer.from(datagram));
    return datagram;
  };
  t.true((await read()).value?.powerOn);
  wire.tamper = asItIs;
  bmc.host.setPower('power off');
  for (let others = 1; others < SEQUENCES; others += 1) await read();
  // The BMC's own answer is lost.
  wire.tamper = () => {
    wire.tamper = asItIs;
    return recorded.pop() ?? null;
  };
  const { value } = await read();
  t.is(recorded.length, 0);
  t.is(value?.powerOn, false);
});

test('one command at a time, in the order in which they were asked', async (t) => {
  const { wire, bmc, pool } = newBmc();
  bmc.faults = { ...bmc.faults, answerMs: 100 };
  const ended: number[] = [];
  const askedAt: number[] = [];
  const receive = bmc.receive.bind(bmc);
  bmc.receive = (datagram) => {
    askedAt.push(wire.clock.monotonic());
    return receive(datagram);
  };
  const asked = Array.from({ length: 10 }, async (_, at) => {
    await pool.run(targetOf('bmc'), getChassisStatus, never());
    ended.push(at);
  });
  await settle(Promise.all(asked), wire.clock);
  t.true(askedAt.every((at, index) => index === 0 || at - (askedAt[index - 1] ?? 0) >= 100));
  t.deepEqual(
    ended,
    [...ended].sort((one, other) => one - other),
  );
  t.is(bmc.received.length, 10);
  t.is(bmc.sessions, 1);
});

test('an abort ends what waits and what is under way, at once, and leaves no listener', async (t) => {
  const { wire, bmc, pool, read } = newBmc();
  bmc.faults = { ...bmc.faults, silent: true };
  const reason = new Error('enough');
  const controllers = Array.from({ length: 3 }, () => new AbortController());
  const given = controllers.map(({ signal }) =>
    pool.run(targetOf('bmc'), getChassisStatus, signal).catch((error) => error),
  );
  await wire.clock.turn(100);
  for (const controller of [controllers[1], controllers[0], controllers[2]]) controller?.abort(reason);
  t.deepEqual(await Promise.all(given), [reason, reason, reason]);
  for (const { signal } of controllers) t.is(getEventListeners(signal, 'abort').length, 0);
  bmc.faults = { ...bmc.faults, silent: false };
  t.true((await read()).value?.powerOn);
  t.is(await pool.run(targetOf('bmc'), getChassisStatus, AbortSignal.abort(reason)).catch((error) => error), reason);
});

test('refusals: each by its code, and the session goes on', async (t) => {
  const { bmc, order, read, wire } = newBmc();
  await read();
  const cases: [number, RmcpError['reason']][] = [
    [COMPLETION.notInPresentState, 'REFUSED'],
    [COMPLETION.nodeBusy, 'REFUSED'],
    [COMPLETION.invalidData, 'REFUSED'],
    [0x99, 'REFUSED'],
    [COMPLETION.insufficientPrivilege, 'PRIVILEGE_TOO_LOW'],
    [COMPLETION.timeout, 'NO_ANSWER'],
    [COMPLETION.noResponse, 'NO_ANSWER'],
    [0xca, 'NO_ANSWER'],
    [0xcf, 'NO_ANSWER'],
    [0xd1, 'REFUSED'],
    [COMPLETION.unspecified, 'REFUSED'],
  ];
  for (const [code, cause] of cases) {
    bmc.faults = { ...bmc.faults, refusesWith: code };
    const { error } = await order('reset');
    hasCause(t, error, cause);
    if (error instanceof RmcpError && cause !== 'NO_ANSWER') t.is(error.completionCode, code);
  }
  const sent = wire.sent;
  await read();
  t.is(wire.sent - sent, 1);
});

test('a user who may only look is told so, and not when he looks', async (t) => {
  const wire = new Wire();
  wire.add('bmc');
  const pool = wire.pool();
  const watcher = { username: Buffer.from('watcher'), password: Buffer.from('look'), privilege: 'USER' } as const;
  const target = targetOf('bmc', watcher);
  t.true((await settle(pool.run(target, getChassisStatus, never()), wire.clock)).value?.powerOn);
  hasCause(t, (await settle(pool.run(target, chassisControl('off'), never()), wire.clock)).error, 'PRIVILEGE_TOO_LOW');
});

test('the port is closed while a session is kept: a question says so, an order is in doubt', async (t) => {
  const { wire, read, order } = newBmc();
  await read();
  wire.broken.set('bmc', 'ECONNREFUSED');
  hasCause(t, (await order('reset')).error, 'NO_ANSWER');
  hasCause(t, (await read()).error, 'PORT_CLOSED');
  wire.broken.clear();
  t.true((await read()).value?.powerOn);
});
