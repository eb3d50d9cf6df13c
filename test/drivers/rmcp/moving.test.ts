/** Names that move, sessions that grow old, and looks at a session before something is sent over it. */
import test from 'ava';
import { chassisControl, type Destination, getChassisStatus } from '../../../src/drivers/ipmi/rmcp/commands.ts';
import type { RmcpError } from '../../../src/drivers/ipmi/rmcp/rmcp_error.ts';
import { never } from '../../counterparts/signals.ts';
import { settle, targetOf, Wire } from './wire.ts';

/** A network in which `name` can move from one BMC to another. */
function newNetwork(limits: Parameters<Wire['pool']>[0] = {}) {
  const wire = new Wire();
  const [first, second] = [wire.add('10.0.0.1'), wire.add('10.0.0.2')];
  const asked: boolean[] = [];
  let address = '10.0.0.1';
  wire.resolve = async (host, anew) => {
    asked.push(anew);
    return host === 'name' ? address : host;
  };
  const pool = wire.pool(limits);
  const read = (host = 'name') => settle(pool.run(targetOf(host), getChassisStatus, never()), wire.clock);
  const order = (host = 'name') => settle(pool.run(targetOf(host), chassisControl('off'), never()), wire.clock);
  const move = (): void => {
    address = '10.0.0.2';
  };
  return { wire, first, second, pool, asked, read, order, move };
}

const orders = ({ received }: { received: readonly string[] }) => received.filter((command) => command !== 'status');

test('a kept session with an address that the name has no more is closed, and the order goes to the new one', async (t) => {
  const { wire, first, second, pool, asked, read, order, move } = newNetwork();
  await read();
  t.is(first.sessions, 1);
  move();
  await order();
  await wire.clock.turn(10);
  t.deepEqual([orders(first), orders(second)], [[], ['off']]);
  t.deepEqual([first.sessions, second.sessions, pool.sessions, wire.lines], [0, 1, 1, 1]);
  t.deepEqual(asked, [false, true], 'an order says that it needs the name looked up now');
});

test('a name and its address share one session', async (t) => {
  const { first, pool, read } = newNetwork();
  await read('name');
  await read('10.0.0.1');
  t.is(first.sessions, 1);
  t.is(pool.sessions, 1);
});

test('a session that is in use when its name moves away is closed after that', async (t) => {
  const { wire, first, second, pool, read, order, move } = newNetwork();
  await read();
  first.faults = { ...first.faults, answerMs: 1000 };
  const byAddress = pool.run(targetOf('10.0.0.1'), getChassisStatus, never());
  await wire.clock.turn(100);
  move();
  await order();
  t.deepEqual(orders(second), ['off']);
  t.true((await settle(byAddress, wire.clock)).value?.powerOn);
  await wire.clock.turn(2000);
  t.is(first.sessions, 0);
  t.is(pool.sessions, 1);
});

test('a lookup that fails sends nothing, whatever session is kept', async (t) => {
  const { wire, first, read, order } = newNetwork();
  await read();
  wire.resolve = async () => {
    throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  };
  const { error } = await order();
  t.is((error as RmcpError).reason, 'NAME_NOT_FOUND');
  wire.resolve = () => new Promise(() => {});
  const hanging = await order();
  t.is((hanging.error as RmcpError).reason, 'NAME_NOT_FOUND');
  t.is(hanging.tookMs, 5000);
  t.deepEqual(orders(first), []);
});

test('no session grows older than its age, though it is used all the time', async (t) => {
  const { wire, first, pool, read } = newNetwork({ maxAgeMs: 600_000 });
  const guids = new Set<string>();
  const note = ({ guid }: Destination): null => {
    guids.add(guid.toString('hex'));
    return null;
  };
  const readNoting = () =>
    settle(pool.run(targetOf('name'), { ...getChassisStatus, check: note }, never()), wire.clock);
  await readNoting();
  first.guid = Buffer.alloc(16, 7);
  for (let minute = 1; minute < 10; minute += 1) {
    await readNoting();
    await wire.clock.turn(60_000);
  }
  t.is(guids.size, 1);
  await wire.clock.turn(60_000);
  await readNoting();
  t.true(guids.has('07'.repeat(16)));
  t.is(first.sessions, 1);
  await read();
});

test('an idle session is closed when it is too old, though it could be kept', async (t) => {
  const { wire, first, pool, read } = newNetwork({ keepSessionMs: 3_600_000, maxAgeMs: 600_000 });
  await read();
  await wire.clock.turn(590_000);
  t.is(pool.sessions, 1);
  await wire.clock.turn(20_000);
  t.is(pool.sessions, 0);
  t.is(first.sessions, 0);
  t.is(wire.clock.timers, 0);
});

test('what a command objects to is not sent; what waits behind it is', async (t) => {
  const { wire, first, pool, read } = newNetwork();
  first.guid = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  const objection = new Error('not this one');
  let seen: Destination | null = null;
  const check = (destination: Destination): Error => {
    seen = destination;
    return objection;
  };
  const refused = pool.run(targetOf('name'), { ...chassisControl('off'), check }, never()).catch((error) => error);
  const behind = read();
  t.true((await behind).value?.powerOn);
  t.is(await refused, objection);
  t.deepEqual(seen, { address: '10.0.0.1', port: 623, guid: first.guid, sessionsLost: 0 });
  t.deepEqual(orders(first), []);
  await wire.clock.turn(10);
});
