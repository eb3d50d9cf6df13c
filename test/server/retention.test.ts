/** What is old is deleted, and nothing else; who asks for what is gone is told. */
import anyTest, { type ExecutionContext } from 'ava';
import { asCountermandError } from '../../src/core/errors.ts';
import { TrailCheck, trailDigest } from '../../src/core/trail.ts';
import { storedEvents } from '../../src/server/events/tail.ts';
import type { Keep } from '../../src/server/retention.ts';
import { eventsGoneTo, lastSequence } from '../../src/server/store/events.ts';
import { pruneEvents } from '../../src/server/store/prune.ts';
import { trailCodec } from '../../src/server/store/trail.ts';
import { never } from '../counterparts/signals.ts';
import { checkPruning, keepFor, pruneNow } from '../simulation/pruning.ts';
import { subscribeTo } from '../simulation/subscriber.ts';
import { World } from '../world/world.ts';
import { make, softOff, standing, wanted } from './plan_making.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

const DAY_MS = 24 * 3_600_000;
const FOR_EVER: Keep = { forMs: 0, rows: 0 };

async function quietWorld(t: ExecutionContext, retention?: Parameters<typeof World.open>[1]): Promise<World> {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0, actionPlanExpiryMs: 0 }, ...retention });
  await world.startAgent('a1');
  for (const node of ['n1', 'n2']) await world.enrol(node, { fake_soft_ms: '3000' });
  return world;
}

/** An order, a plan that is rolled back, one that is cancelled, and one that is never started; then ten days pass. */
async function tenDays(world: World, name: string): Promise<void> {
  const { plans } = world.conductor;
  await world.order('n1', 'power on');
  await world.clock.turn(60_000);
  await make(world, `${name} undone`, [softOff('n1'), wanted('nap', 'sleep', { duration: 1 })]);
  await plans.start(`${name} undone`, false);
  await world.clock.turn(60_000);
  await world.finish(
    plans.rollback({ plan: `${name} undone`, requestId: `${name} back`, skipIrreversible: false, acceptDrift: false }),
  );
  await world.clock.turn(60_000);
  await make(world, `${name} cancelled`, [softOff('n2')]);
  await plans.start(`${name} cancelled`, false);
  await world.clock.turn(500);
  await plans.cancel(`${name} cancelled`, '');
  await world.clock.turn(60_000);
  await make(world, `${name} made`, [wanted('nop', 'nop')]);
  world.clock.jump(10 * DAY_MS);
}

test('what is at rest and old goes, by any age, and nothing that anything else needs', async (t) => {
  const world = await quietWorld(t);
  for (const name of ['one', 'two']) await tenDays(world, name);
  for (const days of [5, 15, 25]) await t.notThrowsAsync(checkPruning(world, days * DAY_MS), `${days} days`);
  await pruneNow(world.conductor.store, world.database, keepFor(15 * DAY_MS));
  await world.killConductor();
  await world.startConductor();
  await world.clock.turn(60_000);
  t.like(await standing(world, 'two undone'), { plan: { state: 'SUCCEEDED' } });
  t.is((await world.database.read('action_plans').where('request_id', 'one made')).length, 1);
  await tenDays(world, 'three');
  t.deepEqual(world.faults, []);
});

test('a plan stays as long as it can be rolled back, and then as long as its rollback', async (t) => {
  const limits = { syncPowerStateIntervalMs: 0, rollbackWindowMs: 20 * DAY_MS };
  const world = await quietWorld(t, { limits });
  const kept = async (days: number): Promise<string[]> => {
    await checkPruning(world, days * DAY_MS);
    await pruneNow(world.conductor.store, world.database, keepFor(days * DAY_MS));
    return world.database.read('action_plans').orderBy('created_at').pluck('request_id');
  };
  await make(world, 'down', [softOff('n1')]);
  await world.conductor.plans.start('down', false);
  await world.clock.turn(60_000);
  world.clock.jump(10 * DAY_MS);
  t.deepEqual(await kept(5), ['down']);
  const back = { plan: 'down', requestId: 'back', skipIrreversible: false, acceptDrift: false };
  await world.finish(world.conductor.plans.rollback(back));
  await world.clock.turn(60_000);
  world.clock.jump(11 * DAY_MS);
  t.deepEqual(await kept(15), ['down', 'back']);
  // A rollback can itself be rolled back.
  world.clock.jump(8 * DAY_MS);
  t.deepEqual(await kept(15), ['down', 'back']);
  world.clock.jump(2 * DAY_MS);
  t.deepEqual(await kept(15), []);
});

test('a plan stays while a power task of it goes on, or its node may still change', async (t) => {
  const world = await quietWorld(t, { limits: { syncPowerStateIntervalMs: 0, rollbackWindowMs: 0 } });
  await world.enrol('slow', { fake_power_state: 'off', fake_powering_ms: '999999999' });
  const { plans } = world.conductor;
  const on = { resource_id: 'slow', state: 'power on', timeout: 3600 };
  await make(world, 'on', [wanted('on', 'change_node_power_state', on)]);
  await plans.start('on', false);
  await world.clock.turn(5000);
  await plans.cancel('on', '');
  const kept = async (): Promise<number> => {
    await pruneNow(world.conductor.store, world.database, keepFor(1));
    return (await world.database.read('power_tasks')).length;
  };
  await world.clock.turn(200_000);
  t.is((await standing(world, 'on')).plan.state, 'FAILED');
  await checkPruning(world, 1);
  t.is(await kept(), 1, 'it goes on');
  await world.clock.turn(3_600_000);
  t.is((await world.database.read('nodes').where('name', 'slow').first()).held_by, null);
  t.is(await kept(), 0);
});

test('a large plan goes over several portions, and its actions before itself', async (t) => {
  const world = await quietWorld(t);
  await make(
    world,
    'large',
    Array.from({ length: 450 }, (_, at) => wanted(`a${at}`, 'nop')),
  );
  await world.conductor.plans.cancel('large', '');
  world.clock.jump(2 * DAY_MS);
  await pruneNow(world.conductor.store, world.database, keepFor(DAY_MS));
  for (const table of ['action_plans', 'actions', 'plan_nodes', 'audits'])
    t.deepEqual(await world.database.read(table), [], table);
});

test('of what is too many the oldest go, but nothing of the last hour', async (t) => {
  const world = await quietWorld(t);
  for (const name of ['one', 'two']) await tenDays(world, name);
  const { read } = world.database;
  const count = async (table: string): Promise<number> => (await read(table)).length;
  const newest = await lastSequence(read);
  await world.order('n1', 'power on');
  await world.clock.turn(60_000);
  const few: Keep = { forMs: 0, rows: 1 };
  await pruneNow(world.conductor.store, world.database, {
    events: { forMs: 0, rows: 1 },
    tasks: few,
    plans: few,
    audits: few,
    trail: few,
  });
  t.is(
    await count('power_tasks').then(async (all) => all - (await read('power_tasks').whereNotNull('plan_uuid')).length),
    1,
  );
  // The two that were never started are not at rest, and the newest that is stays if it is the only one left.
  t.deepEqual((await read('action_plans').pluck('request_id')).toSorted(), ['one made', 'two made']);
  t.is(await eventsGoneTo(read), newest);
  await pruneNow(world.conductor.store, world.database, {
    events: FOR_EVER,
    tasks: FOR_EVER,
    plans: FOR_EVER,
    audits: FOR_EVER,
    trail: FOR_EVER,
  });
  t.is(await count('action_plans'), 2);
});

test('an event that a reader has yet to read stays, and so does the newest', async (t) => {
  const world = await quietWorld(t);
  await tenDays(world, 'one');
  const { read } = world.database;
  const newest = await lastSequence(read);
  await pruneNow(world.conductor.store, world.database, keepFor(DAY_MS), 7);
  t.is((await read('events').orderBy('sequence').first()).sequence, 8);
  await pruneNow(world.conductor.store, world.database, keepFor(DAY_MS));
  t.deepEqual(await read('events').pluck('sequence'), [newest]);
  t.is(await lastSequence(read), newest);
});

test('an event that a sink has not delivered stays, also while the sink is off', async (t) => {
  const world = await quietWorld(t, { retention: keepFor(DAY_MS) });
  const sink = {
    ...{ uuid: 's1', name: 's1', kind: 'webhook', settings: '', event_types: '[]' },
    position: 9,
    created_at: 1,
  };
  await world.database.write(({ sql }) => sql('sinks').insert({ ...sink, created_by: 'test', off_reason: 'off' }));
  await tenDays(world, 'one');
  await world.clock.turn(3_600_000);
  t.is((await world.database.read('events').orderBy('sequence').first()).sequence, 10);
});

test('who subscribes from an event that is gone is told the oldest, and 0 begins with it', async (t) => {
  const world = await quietWorld(t);
  await tenDays(world, 'one');
  await pruneNow(world.conductor.store, world.database, keepFor(DAY_MS), 7);
  const heard = async (from: number): Promise<number> =>
    (await subscribeTo(world.conductor, from).next()).value.sequence;
  const told = asCountermandError(await heard(7).catch((error) => error));
  t.is(told.code, 'EVENTS_OUT_OF_RANGE');
  t.is(told.details.facts?.oldest, '8');
  t.regex(told.message, /the events before 8 are kept no more/);
  t.is(await heard(8), 8);
  t.is(await heard(0), 8);
});

test('a reader from under whom events are deleted is told, and misses none in silence', async (t) => {
  const world = await quietWorld(t);
  await tenDays(world, 'one');
  const { database } = world;
  const events = storedEvents({ from: 1, globs: [] }, Number.POSITIVE_INFINITY, database, never());
  t.like((await events.next()).value, { sequence: 1 });
  const all = { before: Number.MAX_SAFE_INTEGER, limit: null, limitBefore: 0, readTo: null };
  await database.write((transaction) => pruneEvents(all, transaction));
  let last = 1;
  const rest = (async () => {
    for await (const { sequence } of events) {
      t.is(sequence, last + 1);
      last = sequence;
    }
  })();
  await t.throwsAsync(rest, { code: 'EVENTS_OUT_OF_RANGE' } as never);
  t.true(last >= 2);
});

test('a conductor deletes what is old by itself, a minute after its start and then every hour', async (t) => {
  const world = await quietWorld(t, { retention: keepFor(DAY_MS) });
  await tenDays(world, 'one');
  const { read } = world.database;
  t.true((await read('action_plans')).length > 1);
  await world.clock.turn(3_600_000);
  t.deepEqual(await read('action_plans').pluck('request_id'), ['one made']);
});

test('old entries of the trail go, a day after they are old, and the chain is whole', async (t) => {
  const world = await quietWorld(t);
  const { database, clock } = world;
  const append = async (many: number): Promise<void> => {
    for (let at = 0; at < many; at += 1) {
      const common = { at: clock.now(), identity: 'jwt:alice', rpc: 'A/B', node: null, outcome: 'OK' };
      const entry = trailCodec.encode({ ...common, entry: JSON.stringify(common) });
      await database.write((transaction) => transaction.append('trail', [entry]));
    }
  };
  /** The RPCs of the entries that are left, which fit each other. */
  const left = async (): Promise<string[]> => {
    const rows = await database.read('trail').orderBy('sequence');
    const check = new TrailCheck();
    t.deepEqual(
      [...rows.map((row) => check.add(row)), check.end()].filter((problem) => problem !== null),
      [],
    );
    return rows.map(({ rpc }) => rpc);
  };
  const kept = async (keep: Keep): Promise<string[]> => {
    const rules = { events: FOR_EVER, tasks: FOR_EVER, plans: FOR_EVER, audits: FOR_EVER, trail: keep };
    await pruneNow(world.conductor.store, database, rules);
    return left();
  };
  const tenDaysLong: Keep = { forMs: 10 * DAY_MS, rows: 0 };
  await append(3);
  clock.jump(10.5 * DAY_MS);
  await append(2);
  t.is((await kept(tenDaysLong)).length, 5, 'it is old for half a day');
  clock.jump(DAY_MS);
  t.deepEqual(await kept(tenDaysLong), ['A/B', 'A/B', 'Retention']);
  t.is((await kept(tenDaysLong)).length, 3);
  await append(3);
  t.is(
    (await kept({ forMs: 0, rows: 2 })).length,
    5,
    'the last hour stays: the anchor and three, and an anchor for two',
  );
  // A trail whose beginning was taken away by someone else.
  await database.write(({ sql }) =>
    sql('trail')
      .orderBy('sequence')
      .limit(1)
      .pluck('sequence')
      .then(([first]) => sql('trail').where('sequence', first).delete())
      .then(() => {}),
  );
  const rows = await database.read('trail').orderBy('sequence');
  const check = new TrailCheck();
  t.true(rows.every((row) => check.add(row) === null));
  t.regex(check.end() ?? '', /does not fit the newest anchor/);
});

/** A trail of this many entries, and what deletes the first of them, as `pruneTrail` does. */
function chain(length: number) {
  const rows: { sequence: number; entry: string; digest: string }[] = [];
  const add = (entry: object): void => {
    const text = JSON.stringify(entry);
    rows.push({
      sequence: (rows.at(-1)?.sequence ?? 0) + 1,
      entry: text,
      digest: trailDigest(rows.at(-1)?.digest ?? '', text),
    });
  };
  for (let at = 1; at <= length; at += 1) add({ rpc: 'A/B', at });
  const prune = (to: number): void => {
    const { sequence, digest } = rows.find((row) => row.sequence === to) as (typeof rows)[0];
    rows.splice(0, rows.findIndex((row) => row.sequence === to) + 1);
    add({ rpc: 'Retention', pruned: { sequence, digest } });
  };
  return { rows, add, prune };
}

/** Reads a trail from the oldest on, two entries at a time, with something done after the first page and after the last but one. */
function readWhile(rows: ReturnType<typeof chain>['rows'], between: (page: number) => void): string | null {
  const check = new TrailCheck();
  let after = 0;
  for (let page = 0; ; page += 1) {
    const read = rows.filter(({ sequence }) => sequence > after).slice(0, 2);
    for (const row of read) {
      const problem = check.add(row);
      if (problem !== null) return problem;
    }
    if (read.length < 2) return check.end();
    after = (read.at(-1) as (typeof rows)[0]).sequence;
    between(page);
  }
}

for (const [what, page, to] of [
  ['what was read', 2, 3],
  ['all that was read, and what comes next', 1, 7],
] as const)
  test(`a trail that is pruned while it is read is whole: ${what}`, (t) => {
    const { rows, prune, add } = chain(9);
    t.is(
      readWhile(rows, (at) => {
        if (at === page) prune(to);
        if (at === page + 1 && to === 7) prune(8);
      }),
      null,
    );
    add({ rpc: 'A/B' });
    t.is(
      readWhile(rows, () => {}),
      null,
    );
  });

test('entries that are taken out while a trail is read, or before, are missed, also where others are pruned', (t) => {
  for (const isPruned of [false, true]) {
    const { rows, prune } = chain(12);
    const problem = readWhile(rows, (at) => {
      if (at === 0) rows.splice(3, 2);
      if (at === 2 && isPruned) prune(9);
    });
    t.is(problem, 'entry 6 does not fit what is before it: one was changed, added or taken out');
  }
});
