/** Sinks in virtual time: events arrive in order, each at least once, whatever becomes of receiver and conductor. */
import test, { type ExecutionContext } from 'ava';
import { statusOf } from '../../../src/server/api/status.ts';
import { announce } from '../../../src/server/events/announce.ts';
import { prune } from '../../../src/server/retention.ts';
import type { Database } from '../../../src/server/store/database.ts';
import { lastSequence } from '../../../src/server/store/events.ts';
import { never } from '../../counterparts/signals.ts';
import type { World } from '../../world/world.ts';
import { type Behaviour, Receiver, SETTINGS, worldWith } from './receiver.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

async function open(t: ExecutionContext, receiver: Receiver, more = {}): Promise<World> {
  const world = await worldWith(receiver, more);
  t.teardown(async () => {
    if (t.passed) await world.end();
    await world.close();
  });
  return world;
}

/** Stores this many events, each in a commit of its own. */
async function tell(world: World, count: number, eventType = 'test.event'): Promise<void> {
  const { store } = world.conductor;
  for (let at = 0; at < count; at += 1)
    await world.finish(
      store.database.write((transaction) =>
        announce([{ eventType, priority: 'INFO', payload: {} }], transaction, store),
      ),
    );
}

const NEW = { name: 'ops', kind: 'webhook', settings: SETTINGS, eventTypes: [], from: null, createdBy: 'jwt:a' };
const create = (world: World, more: object = {}) => world.finish(world.conductor.sinks.create({ ...NEW, ...more }));

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at);
const positionIn = async (world: World): Promise<number> => (await world.database.read('sinks').first()).position;

/** What a receiver has that forgets what it has seen before, by the id. */
const firsts = ({ taken }: Receiver): number[] => {
  const seen = new Map(taken.map(({ id, sequence }) => [id, sequence]));
  return [...seen.values()];
};

test('what is there and what comes arrives in order, once; what was taken over stays so after a restart', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver, { everyWriteTwice: true });
  await tell(world, 120);
  await create(world, { from: 0 });
  await world.clock.turn(MINUTE);
  t.deepEqual(receiver.numbers, upTo(120));
  await tell(world, 3);
  await world.clock.turn(MINUTE);
  t.deepEqual(receiver.numbers, upTo(123));
  t.is(await positionIn(world), 123);
  await world.stopConductor();
  await world.startConductor();
  await tell(world, 1);
  await world.clock.turn(MINUTE);
  t.deepEqual(receiver.numbers, upTo(124));
});

test('a sink begins with what comes next, and passes over what it does not want', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await tell(world, 2);
  await create(world, { eventTypes: ['action_plan.*'] });
  await tell(world, 1, 'node.x');
  await tell(world, 1, 'action_plan.x');
  await tell(world, 1, 'node.x');
  await world.clock.turn(MINUTE);
  t.deepEqual(receiver.numbers, [4]);
  t.is(await positionIn(world), 5);
  const { sinks } = await statusOf(world.conductor);
  t.like(sinks[0], { name: 'ops', lag: 0n, waitingSince: undefined, problem: '', settings: {} });
});

const failures: readonly (readonly [what: string, behaviour: Behaviour, told: RegExp])[] = [
  ['resets connections', 'resets', /ECONNRESET/],
  ['answers 500', { status: 500, retryAfter: null }, /answered 500/],
  ['never answers', 'silent', /longer than 15 s/],
  ['redirects', { status: 302, retryAfter: null }, /answered 302: redirects are not followed/],
];
for (const [what, behaviour, told] of failures)
  test(`a receiver that ${what} for an hour gets everything afterwards, in order, and is not asked all the time`, async (t) => {
    const receiver = new Receiver();
    const world = await open(t, receiver);
    await create(world);
    receiver.behaves = () => behaviour;
    await tell(world, 60);
    await world.clock.turn(HOUR);
    t.deepEqual(receiver.taken, []);
    // 1, 2, 4 ... 256 s, then every five minutes
    t.true(receiver.requests.length >= 15 && receiver.requests.length <= 30, `${receiver.requests.length} requests`);
    t.is(new Set(receiver.requests.map(({ id }) => id)).size, 1, 'the first event is sent until it is taken');
    const status = await statusOf(world.conductor);
    t.is(status.sinks[0]?.lag, 60n);
    t.regex(status.problems[0] ?? '', /^sink ops is behind, 60 events wait: /);
    t.regex(status.problems[0] ?? '', told);
    receiver.behaves = () => 'takes';
    await world.clock.turn(7 * MINUTE);
    t.deepEqual(receiver.numbers, upTo(60));
    t.deepEqual((await statusOf(world.conductor)).problems, []);
  });

test('no order waits for a receiver', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await world.startAgent('a1');
  await world.enrol('n1');
  await create(world);
  receiver.behaves = () => 'silent';
  const task = await world.order('n1', 'power on');
  await world.clock.turn(10_000);
  t.like(await world.database.read('power_tasks').where({ uuid: task.uuid }).first(), { state: 'SUCCEEDED' });
  t.deepEqual(receiver.taken, []);
  t.is(receiver.requests.length, 1);
});

test('a receiver that asks for a rest has it', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await create(world);
  receiver.behaves = () => ({ status: 503, retryAfter: '600' });
  await tell(world, 1);
  await world.clock.turn(599_000);
  t.is(receiver.requests.length, 1);
  await world.clock.turn(2000);
  t.is(receiver.requests.length, 2);
});

test('one that is gone is sent nothing, also by the next conductor, until a test event is taken; then all that waits follows', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await create(world);
  receiver.behaves = () => ({ status: 410, retryAfter: null });
  await tell(world, 3);
  await world.clock.turn(HOUR);
  t.is(receiver.requests.length, 1);
  await world.killConductor();
  await world.startConductor();
  await world.clock.turn(HOUR);
  t.is(receiver.requests.length, 1);
  t.regex(
    (await statusOf(world.conductor)).problems[0] ?? '',
    /sink ops is off, 3 events wait: the webhook answered 410/,
  );
  const never = new AbortController().signal;
  await t.throwsAsync(world.finish(world.conductor.sinks.test('ops', never)), { message: /sink ops: .*410/ });
  receiver.behaves = () => 'takes';
  await world.finish(world.conductor.sinks.test('ops', never));
  await world.clock.turn(MINUTE);
  t.deepEqual(
    receiver.taken.map(({ type, sequence }) => [type, sequence]),
    [['io.countermand.sink.test', 0], ...upTo(3).map((at) => ['io.countermand.test.event', at])],
  );
  t.is((await world.database.read('sinks').first()).off_reason, null);
});

test('on a backup, nothing is sent to the receivers of the installation that it is of, until a sink is tested', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await create(world);
  receiver.behaves = () => 'resets';
  await tell(world, 2);
  await world.stopConductor();
  const sent = receiver.requests.length;
  await world.database.write(({ sql }) => sql('database_id').update({ backed_up_at: 1 }));
  receiver.behaves = () => 'takes';
  await world.startConductor();
  await world.clock.turn(HOUR);
  t.is(receiver.requests.length, sent);
  t.regex((await statusOf(world.conductor)).problems[0] ?? '', /sink ops is off, 2 events wait: .* backup of 1970/);
  await world.finish(world.conductor.sinks.test('ops', new AbortController().signal));
  await world.clock.turn(MINUTE);
  t.deepEqual(receiver.numbers, [0, 1, 2]);
});

test('what comes twice has the same id, and the receiver that keeps ids has each event once, in order', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await create(world);
  let calls = 0;
  receiver.behaves = () => {
    calls += 1;
    return calls % 5 === 0 ? 'resets after it has taken' : 'takes';
  };
  for (let round = 1; round <= 6; round += 1) {
    await tell(world, 20);
    // In the middle of what is sent and not yet written.
    await world.clock.turn(900);
    if (round % 2 === 0) {
      await world.killConductor();
      await world.startConductor();
    } else await world.takeOver();
  }
  await world.clock.turn(HOUR);
  t.true(receiver.taken.length > 120);
  t.deepEqual(
    [...firsts(receiver)].sort((one, other) => one - other),
    upTo(120),
  );
  const inOrder = receiver.taken.filter(({ id }, at) => receiver.taken.findIndex((other) => other.id === id) === at);
  t.deepEqual(
    inOrder.map(({ sequence }) => sequence),
    upTo(120),
  );
});

test('a sink that is deleted sends nothing more, and its secret is in the database no more', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await create(world);
  await t.throwsAsync(create(world), { message: /there is a sink 'ops' already/ });
  await world.finish(world.conductor.sinks.delete('ops'));
  await tell(world, 2);
  await world.clock.turn(HOUR);
  t.deepEqual(receiver.requests, []);
  t.deepEqual(await world.database.read('sinks'), []);
  t.throws(() => world.conductor.sinks.get('ops'), { message: /there is no sink 'ops'/ });
});

test('a test that fails is told until a test or an event arrives; nothing waits for it', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await create(world);
  const { signal } = new AbortController();
  const problems = async () => (await statusOf(world.conductor)).problems;
  receiver.behaves = () => ({ status: 500, retryAfter: null });
  await t.throwsAsync(world.finish(world.conductor.sinks.test('ops', signal)), { message: /answered 500/ });
  t.deepEqual(await problems(), ['sink ops: a test failed: the webhook answered 500']);
  t.like((await statusOf(world.conductor)).sinks[0], { problem: 'a test failed: the webhook answered 500', lag: 0n });
  receiver.behaves = () => 'takes';
  await tell(world, 1);
  await world.clock.turn(MINUTE);
  t.deepEqual(await problems(), []);
  receiver.behaves = () => 'resets';
  await t.throwsAsync(world.finish(world.conductor.sinks.test('ops', signal)));
  t.is((await problems()).length, 1);
  receiver.behaves = () => 'takes';
  await world.finish(world.conductor.sinks.test('ops', signal));
  t.deepEqual(await problems(), []);
});

test('events that are kept no more are not promised', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await tell(world, 9);
  await world.database.write(async ({ sql }) => {
    await sql('events').where('sequence', '<=', 5).delete();
    await sql('database_id').update({ events_gone_to: 5 });
  });
  await t.throwsAsync(create(world, { from: 5 }), { message: /the oldest event that is kept is 6; begin with that/ });
  await t.throwsAsync(create(world, { from: 1 }), { message: /the oldest event that is kept is 6/ });
  t.deepEqual(await world.database.read('sinks'), []);
  await create(world, { from: 0 });
  await world.clock.turn(MINUTE);
  t.deepEqual(receiver.numbers, upTo(9, 6));
});

const PRUNING = { log: { info: () => {}, warn: () => {}, error: () => {} }, deleted: () => {}, shutdown: never() };
const KEEP = { forMs: HOUR, rows: 0 };
const FOR_EVER = { forMs: 0, rows: 0 };
const keep = () => ({ events: KEEP, tasks: FOR_EVER, plans: FOR_EVER, audits: FOR_EVER, trail: FOR_EVER });

test('what a sink was promised stays, at whichever moment of the deleting it is made; what is gone is not promised', async (t) => {
  let made = 0;
  for (let write = 1; write <= 2; write += 1) {
    const receiver = new Receiver();
    const world = await open(t, receiver);
    await tell(world, 120);
    await world.clock.turn(2 * HOUR);
    await tell(world, 1);
    const { store } = world.conductor;
    const { database } = store;
    let writes = 0;
    const late: Database = Object.assign(Object.create(database), {
      async write<T>(work: Parameters<typeof database.write<T>>[0]): Promise<T> {
        writes += 1;
        if (writes === write) await world.conductor.sinks.create({ ...NEW, from: 1 }).catch(() => {});
        return database.write(work);
      },
    });
    await world.finish(prune({ ...PRUNING, keep, store: { ...store, database: late } }));
    await world.clock.turn(MINUTE);
    const sinks = (await world.database.read('sinks')).length;
    made += sinks;
    t.deepEqual(receiver.numbers, sinks === 0 ? [] : upTo(121), `made at write ${write}`);
  }
  t.true(made > 0);
});

test('an event that is deleted while a sink is made that should begin with it is refused', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await tell(world, 9);
  await world.clock.turn(2 * HOUR);
  const { store } = world.conductor;
  const { database } = store;
  const write = database.write.bind(database);
  const pruned = { ...store, database: Object.assign(Object.create(database), { write }) };
  Object.assign(database, {
    async write<T>(work: Parameters<typeof write<T>>[0]): Promise<T> {
      await prune({ ...PRUNING, keep, store: pruned });
      return write(work);
    },
  });
  await t.throwsAsync(create(world, { from: 1 }), { message: /the oldest event that is kept is 9/ });
  Object.assign(database, { write });
  t.deepEqual(await world.database.read('sinks'), []);
});

test('what cannot be a sink is refused, and nothing is written', async (t) => {
  const receiver = new Receiver();
  const world = await open(t, receiver);
  await tell(world, 1);
  const wrong = (settings: object) => ({ settings: { ...SETTINGS, ...settings } });
  const bad: readonly (readonly [more: object, message: RegExp])[] = [
    [{ name: 'a b' }, /name must be/],
    [{ kind: 'pigeon' }, /no kind of sinks 'pigeon'; there are webhook/],
    [{ settings: {} }, /webhook needs webhook_url/],
    [wrong({ webhook_url: 'ftp://x' }), /webhook_url must be an https URL/],
    [wrong({ webhook_url: 'https://u:p@x/' }), /webhook_url must be/],
    [wrong({ webhook_secret: 'short' }), /webhook_secret must be whsec_ and 24 to 64 bytes/],
    [wrong({ webhook_timeout: '61' }), /webhook_timeout must be/],
    [wrong({ webhook_timeout: 'file:x' }), /webhook_timeout is none/],
    [wrong({ toString: 'x' }), /has no setting 'toString'/],
    [wrong({ webhook_url: `https://x/${'a'.repeat(4097)}` }), /at most 4096 are allowed/],
    [{ from: 3 }, /from_sequence is 3, and the newest event is 1/],
    [{ eventTypes: Array.from({ length: 101 }, () => 'a') }, /at most 100/],
    [
      { eventTypes: ['action.*', 'action_plan.cancle.start'] },
      /event_types: no event has the type 'action_plan\.cancle\.start'; nearest are action_plan\.cancel\.start/,
    ],
    [
      { eventTypes: ['no.such.type'] },
      /nearest are audit\.\*, action_plan\.\*, action\.\*, baremetal\.\*, conductor\.\*$/,
    ],
  ];
  for (const [more, message] of bad) await t.throwsAsync(create(world, more), { message });
  t.deepEqual(await world.database.read('sinks'), []);
  // All at once, so that each looks before the others are written.
  const made = await world.finish(
    Promise.allSettled(upTo(21).map((at) => world.conductor.sinks.create({ ...NEW, name: `s${at}` }))),
  );
  const refused = made.filter((each) => each.status === 'rejected').map(({ reason }) => reason.message);
  t.deepEqual(refused.length, 1);
  t.regex(refused[0], /21 sinks; at most 20 are allowed/);
  t.is(await lastSequence(world.database.read), 1);
});
