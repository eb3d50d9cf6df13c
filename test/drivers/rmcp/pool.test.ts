/** Many BMCs: sockets, sessions and timers are bounded, sessions are kept alive, and nothing is left. */
import test from 'ava';
import { chassisControl, getChassisStatus } from '../../../src/drivers/ipmi/rmcp/commands.ts';
import type { RmcpError } from '../../../src/drivers/ipmi/rmcp/rmcp_error.ts';
import { never } from '../../counterparts/signals.ts';
import { settle, targetOf, Wire } from './wire.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `bmc${at}`);

function newFleet(count: number, limits: Parameters<Wire['pool']>[0] = {}) {
  const wire = new Wire();
  const bmcs = names(count).map((name) => wire.add(name));
  const pool = wire.pool(limits);
  const readAll = (some = names(count)) =>
    settle(Promise.all(some.map((name) => pool.run(targetOf(name), getChassisStatus, never()))), wire.clock);
  return { wire, bmcs, pool, readAll };
}

test('a session is kept for its time and kept alive, then closed, and the BMC is told', async (t) => {
  const { wire, bmcs, pool, readAll } = newFleet(20, { keepSessionMs: 180_000, keepAliveMs: 20_000 });
  await readAll();
  await wire.clock.turn(170_000);
  t.is(pool.sessions, 20);
  for (const bmc of bmcs) t.is(bmc.sessions, 1);
  const sent = wire.sent;
  await readAll();
  t.is(wire.sent - sent, 20);
  await wire.clock.turn(190_000);
  t.is(pool.sessions, 0);
  t.is(wire.lines, 0);
  for (const bmc of bmcs) t.is(bmc.sessions, 0);
  t.is(wire.clock.timers, 0);
});

test('keeping alive costs one question in each keep-alive time, and is no use of the session', async (t) => {
  const { wire, pool, readAll } = newFleet(1, { keepSessionMs: 100_000, keepAliveMs: 20_000 });
  await readAll();
  const sent = wire.sent;
  await wire.clock.turn(99_000);
  t.true(wire.sent - sent >= 4 && wire.sent - sent <= 7, `${wire.sent - sent} questions in 99 s`);
  await wire.clock.turn(10_000);
  t.is(pool.sessions, 0);
});

test('however many sessions there are, one timer looks after them', async (t) => {
  const { wire, readAll } = newFleet(300);
  await readAll();
  t.is(wire.clock.timers, 1);
});

test('without keeping, each command has a session of its own', async (t) => {
  const { wire, bmcs, pool, readAll } = newFleet(3, { keepSessionMs: 0 });
  await readAll();
  await readAll();
  await wire.clock.turn(10);
  t.is(pool.sessions, 0);
  t.is(wire.lines, 0);
  for (const bmc of bmcs) t.is(bmc.sessions, 0);
});

test('there are never more sessions than allowed; the longest unused one makes room', async (t) => {
  const { wire, bmcs, pool, readAll } = newFleet(50, { maxSessions: 10 });
  let most = 0;
  const watched = wire.open.bind(wire);
  wire.open = (...words) => {
    const line = watched(...words);
    most = Math.max(most, wire.lines);
    return line;
  };
  const { value } = await readAll();
  t.is(value?.length, 50);
  t.is(most, 10);
  t.is(pool.sessions, 10);
  await wire.clock.turn(10);
  t.is(bmcs.filter(({ sessions }) => sessions > 0).length, 10);
  await readAll(['bmc49']);
  const sent = wire.sent;
  await readAll(['bmc49']);
  t.is(wire.sent - sent, 1);
});

test('where all sessions are in use, others wait their turn, and can be called off', async (t) => {
  const { wire, bmcs, pool } = newFleet(4, { maxSessions: 1 });
  for (const bmc of bmcs) bmc.faults = { ...bmc.faults, answerMs: 300 };
  const controller = new AbortController();
  const [first, second, third] = ['bmc0', 'bmc1', 'bmc2'].map((name, at) => {
    const signal = at === 1 ? controller.signal : never();
    return pool.run(targetOf(name), getChassisStatus, signal).catch((error) => error);
  });
  await wire.clock.turn(100);
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await second, reason);
  const { value } = await settle(Promise.all([first, third]), wire.clock);
  t.deepEqual(
    value?.map((status) => status?.powerOn),
    [true, true],
  );
});

test('one in ten hangs: the others are answered as if nothing were', async (t) => {
  const { wire, bmcs, pool } = newFleet(100);
  wire.latencyMs = 1;
  bmcs.forEach((bmc, at) => {
    if (at % 10 === 0) bmc.faults = { ...bmc.faults, silent: true };
  });
  const startedAt = wire.clock.monotonic();
  const took = new Map<string, number>();
  const all = names(100).map(async (name) => {
    await pool.run(targetOf(name), getChassisStatus, never()).catch(() => {});
    took.set(name, wire.clock.monotonic() - startedAt);
  });
  await settle(Promise.all(all), wire.clock);
  for (const [name, tookMs] of took) t.is(tookMs > 100, Number(name.slice(3)) % 10 === 0, `${name}: ${tookMs} ms`);
});

test('another password is another session', async (t) => {
  const { wire, bmcs, pool, readAll } = newFleet(1);
  await readAll();
  const wrong = targetOf('bmc0', { password: Buffer.from('wrong') });
  const { error } = await settle(pool.run(wrong, getChassisStatus, never()), wire.clock);
  t.is((error as RmcpError).reason, 'WRONG_PASSWORD');
  t.is((await readAll()).value?.length, 1);
  t.is(bmcs[0]?.sessions, 1);
});

test('a keep-alive that is not answered lets go of the session; the next command opens one', async (t) => {
  const { wire, bmcs, pool, readAll } = newFleet(1, { keepAliveMs: 20_000 });
  await readAll();
  bmcs[0]?.restart(30_000);
  await wire.clock.turn(60_000);
  t.is(pool.sessions, 0);
  t.is((await readAll()).value?.length, 1);
});

test('closed: every BMC is told, an order that was under way is in doubt, and nothing more is asked', async (t) => {
  const { wire, bmcs, pool, readAll } = newFleet(5);
  await readAll();
  const [first] = bmcs;
  if (first) first.faults = { ...first.faults, answerMs: 1000 };
  const order = pool.run(targetOf('bmc0'), chassisControl('reset'), never()).catch((error) => error);
  const waits = pool.run(targetOf('bmc0'), getChassisStatus, never()).catch((error) => error);
  await wire.clock.turn(100);
  pool.close();
  t.is((await order).reason, 'NO_ANSWER');
  t.is((await waits).reason, 'CLOSED');
  const { error } = await settle(pool.run(targetOf('bmc1'), getChassisStatus, never()), wire.clock);
  t.is((error as RmcpError).reason, 'CLOSED');
  await wire.clock.turn(2000);
  t.deepEqual(
    bmcs.map(({ sessions }) => sessions),
    [0, 0, 0, 0, 0],
  );
  t.is(wire.lines, 0);
  t.is(wire.clock.timers, 0);
});
