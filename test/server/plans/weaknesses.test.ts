/** What went wrong in Watcher, each shown not to happen here. The table is docs/watcher.md. */
import { readFileSync } from 'node:fs';
import anyTest from 'ava';
import { ACTION_PLAN_STATES, type ActionPlanState } from '../../../src/core/states.ts';
import type { ActionType } from '../../../src/server/plans/actions/action_type.ts';
import { findActionType } from '../../../src/server/plans/actions/list.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import { endWorld, make, softOff, standing, story, wanted, worldWith } from '../plan_making.ts';
import { crashRack, RACK, runRack, times, unpaired } from '../plan_rack.ts';
import { actionRow, auditRow, planRow, putPlan } from '../rows.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

test('a: a cancel during the last action ends CANCELLED, and says so', async (t) => {
  const world = await worldWith(t, 'n1');
  await make(world, 'p1', [softOff('n1')]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(5000);
  await world.conductor.plans.cancel('p1', '');
  await world.clock.turn(60_000);
  t.like(await standing(world, 'p1'), { plan: { state: 'CANCELLED' }, actions: { n1: 'CANCELLED' } });
  t.deepEqual(
    (await story(world)).filter((line) => line.includes('cancel')),
    [
      'action_plan.cancel.start p1 CANCELLING',
      'action.cancel.start n1 CANCELLING',
      'action.cancel.end n1 CANCELLED',
      'action_plan.cancel.end p1 CANCELLED',
    ],
  );
  await endWorld(world);
});

test('b: a plan cancelled while its turn comes never runs an action that is CANCELLED', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans } = world.conductor;
  const at = async (name: string, ...orders: (() => Promise<unknown>)[]): Promise<void> => {
    await make(world, name, [softOff('n1')]);
    await Promise.allSettled(orders.map((order) => order()));
    await world.clock.turn(60_000);
    t.like(await standing(world, name), { plan: { state: 'CANCELLED' }, actions: { n1: 'CANCELLED' } }, name);
  };
  await at(
    'p1',
    () => plans.start('p1', false),
    () => plans.cancel('p1', ''),
  );
  await at(
    'p2',
    () => plans.cancel('p2', ''),
    () => plans.start('p2', false),
  );
  await make(world, 'runs', [softOff('n1')]);
  await plans.start('runs', false);
  world.onChange = (change) => {
    if (change.kind === 'plan' && change.plan.name === 'runs' && change.plan.state === 'CANCELLED')
      void plans.cancel('p3', '');
  };
  await at(
    'p3',
    () => plans.start('p3', true),
    () => plans.cancel('runs', ''),
  );
  t.false((await story(world)).includes('action.execution.end n1 SUCCEEDED'));
  await endWorld(world);
});

/** What a cancel is answered, and where its plan ends. */
const ENDS = ['ACTION_PLAN_STATE SUCCEEDED', 'accepted CANCELLED', 'accepted FAILED'];

test('c: a cancel at any moment of a run is refused or carried out; the plan never stays CANCELLING', async (t) => {
  const seen = new Set<string>();
  for (let touch = 1; ; touch += 1) {
    let answer: Promise<string> = Promise.resolve('none');
    const world = await runRack(t, touch, ({ conductor }) => {
      answer = conductor.plans.cancel('p1', '').then(
        () => 'accepted',
        ({ code }) => code,
      );
    });
    if (!world) break;
    const { plan } = await standing(world, 'p1');
    const told = await story(world);
    const came = `${await answer} ${plan.state}`;
    seen.add(came);
    t.true(ENDS.includes(came), `touch ${touch}: ${came}`);
    // Only an order that the hardware could not take back makes it FAILED: the cancel came when the host was on its way.
    t.is(plan.state === 'FAILED', told.includes('action.cancel.error n1 FAILED'), `touch ${touch}`);
    t.deepEqual(unpaired(told), [], `touch ${touch}`);
    const cancelled = told.indexOf('action_plan.cancel.start p1 CANCELLING');
    const begun = told.slice(Math.max(0, cancelled)).filter((line) => line.startsWith('action.execution.start'));
    if (cancelled >= 0) t.deepEqual(begun, [], `touch ${touch}: begun after the cancel`);
    await endWorld(world);
  }
  t.deepEqual([...seen].sort(), ENDS);
});

test('d: a conductor that dies at any moment of a cancel carries on with it', async (t) => {
  for (let touch = 1; ; touch += 1) {
    const world = await crashRack(t, touch, true);
    if (!world) break;
    const { plan } = await standing(world, 'p1');
    const told = await story(world);
    // It died before the cancel was committed, or the cancel was carried out.
    const ordered = told.includes('action_plan.cancel.start p1 CANCELLING');
    t.is(plan.state, ordered ? 'CANCELLED' : 'SUCCEEDED', `touch ${touch}`);
    t.deepEqual(unpaired(told), [], `touch ${touch}`);
    await endWorld(world);
    t.true(touch < 500);
  }
});

test('e: a conductor that dies at any moment of a run carries on, begins nothing twice, and calls nothing cancelled', async (t) => {
  for (let touch = 1; ; touch += 1) {
    const world = await crashRack(t, touch, false);
    if (!world) break;
    const { plan, actions } = await standing(world, 'p1');
    const told = await story(world);
    const label = `touch ${touch}`;
    const started = plan.state !== 'RECOMMENDED';
    t.is(plan.state, started ? 'SUCCEEDED' : 'RECOMMENDED', label);
    t.true(
      Object.values(actions).every((state) => state === (started ? 'SUCCEEDED' : 'PENDING')),
      label,
    );
    for (const { name } of RACK) t.is(times(told, `action.execution.start ${name} ONGOING`), started ? 1 : 0, label);
    t.deepEqual(new Set(world.received.map(({ target }) => target)), new Set(started ? ['power off'] : []), label);
    t.false(
      told.some((line) => line.includes('.cancel.')),
      label,
    );
    await endWorld(world);
    t.true(touch < 500);
  }
});

test('f: a plan that is started twice at once, or taken up twice, runs once', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans } = world.conductor;
  await make(world, 'p1', RACK);
  const answers = await Promise.allSettled([plans.start('p1', false), plans.start('p1', false)]);
  t.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  t.is((answers[1] as PromiseRejectedResult).reason.code, 'ACTION_PLAN_STATE');
  await plans.recover();
  t.is(plans.size, 1);
  await world.clock.turn(3 * 60_000);
  t.is((await standing(world, 'p1')).plan.state, 'SUCCEEDED');
  const told = await story(world);
  t.is(times(told, 'action_plan.execution.start p1 ONGOING'), 1);
  t.is(times(told, 'action_plan.execution.end p1 SUCCEEDED'), 1);
  t.is(world.received.length, 1);
  await endWorld(world);
});

test('g: a plan in any state but RECOMMENDED is not started, also not by a conductor that starts', async (t) => {
  const world = await worldWith(t);
  const states = (Object.keys(ACTION_PLAN_STATES) as ActionPlanState[]).filter(
    (state) => !['RECOMMENDED', 'PENDING', 'ONGOING', 'CANCELLING'].includes(state),
  );
  const plans = states.map((state) => planRow(auditRow(), { state, endedAt: 2000, startOrder: 1 }));
  for (const plan of plans) {
    await putPlan(world.database, auditRow({ uuid: plan.auditUuid }), plan, [actionRow(plan)]);
    await t.throwsAsync(world.conductor.plans.start(plan.uuid, true), { code: 'ACTION_PLAN_STATE' } as object);
  }
  await world.killConductor();
  await world.startConductor();
  t.is(world.conductor.plans.size, 0);
  await world.clock.turn(60_000);
  t.deepEqual(await story(world), []);
  for (const { uuid, state } of plans) {
    t.is((await standing(world, uuid)).plan.state, state);
    t.deepEqual(Object.values((await standing(world, uuid)).actions), ['PENDING']);
  }
  await endWorld(world);
});

test('h: the postcondition of an action that never began is not asked', async (t) => {
  const nop = findActionType('nop') as { postCondition: ActionType['postCondition'] };
  const asked: string[] = [];
  nop.postCondition = async (_parameters, { action }) => {
    if (action.name.startsWith('asked')) asked.push(action.name);
  };
  const world = await worldWith(t);
  const actions = [
    wanted('asked1', 'nop'),
    wanted('nap', 'sleep', { duration: 60 }, ['asked1']),
    wanted('asked2', 'nop', {}, ['nap']),
  ];
  await make(world, 'p1', actions);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(1000);
  await world.conductor.plans.cancel('p1', '');
  await world.clock.turn(1000);
  t.deepEqual(asked, ['asked1']);
  t.like(await standing(world, 'p1'), { plan: { state: 'CANCELLED' }, actions: { asked2: 'CANCELLED' } });
  await endWorld(world);
});

test('i: what depends on a FAILED action never runs, whatever the policy', async (t) => {
  for (const onFailure of ['STOP', 'CONTINUE'] as const) {
    const world = await worldWith(t);
    await world.enrol('n1', { fake_fault: 'refuse' });
    const actions = [softOff('n1'), wanted('child', 'nop', {}, ['n1']), wanted('grandchild', 'nop', {}, ['child'])];
    await make(world, 'p1', actions, { onFailure });
    await world.conductor.plans.start('p1', false);
    await world.clock.turn(60_000);
    const ended = { n1: 'FAILED', child: 'CANCELLED', grandchild: 'CANCELLED' };
    t.like(await standing(world, 'p1'), { plan: { state: 'FAILED' }, actions: ended });
    t.deepEqual(
      (await story(world)).filter((line) => line.startsWith('action.execution.start')),
      ['action.execution.start n1 ONGOING'],
    );
    await endWorld(world);
  }
});

test('j: the cancel of a plan that has not run is told in pairs, and SKIPPED stays SKIPPED', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans } = world.conductor;
  await make(world, 'made', [wanted('a', 'nop')]);
  await plans.cancel('made', '');
  await make(world, 'runs', [softOff('n1')]);
  await plans.start('runs', false);
  await make(world, 'waits', [softOff('n1')]);
  await plans.start('waits', true);
  await plans.cancel('waits', '');
  const told = await story(world);
  for (const [name, action, before] of [
    ['made', 'a', 'RECOMMENDED'],
    ['waits', 'n1', 'PENDING'],
  ]) {
    const lines = [
      `action.cancel.start ${action} PENDING`,
      `action.cancel.end ${action} CANCELLED`,
      `action_plan.cancel.start ${name} ${before}`,
      `action_plan.cancel.end ${name} CANCELLED`,
    ];
    for (const line of lines) t.is(times(told, line), 1, line);
  }
  const skips = [
    wanted('skipped', 'set_node_maintenance', { resource_id: 'n1', maintenance: false }),
    wanted('nap', 'sleep', { duration: 60 }, ['skipped']),
  ];
  await plans.cancel('runs', '');
  await world.clock.turn(60_000);
  await make(world, 'skips', skips);
  await plans.start('skips', false);
  await world.clock.turn(1000);
  await plans.cancel('skips', '');
  await world.clock.turn(1000);
  const ended = { skipped: 'SKIPPED', nap: 'CANCELLED' };
  t.like(await standing(world, 'skips'), { plan: { state: 'CANCELLED' }, actions: ended });
  await endWorld(world);
});

test('k: plans that wait for their turn outlive the conductor, also one that dies as the turn comes', async (t) => {
  for (const moment of ['waiting', 'turn'] as const) {
    const world = await worldWith(t, 'n1');
    const names = ['p1', 'p2', 'p3'];
    for (const name of names) {
      await make(world, name, [softOff('n1')]);
      await world.conductor.plans.start(name, true);
    }
    if (moment === 'turn') {
      world.onChange = (change) => {
        const ends = change.kind === 'plan' && change.plan.name === 'p1' && change.plan.state === 'SUCCEEDED';
        if (ends) world.conductorProcess.kill();
      };
      await world.clock.turn(3 * 60_000);
      t.like(await standing(world, 'p2'), { plan: { state: 'PENDING' } });
    } else {
      // The order of p1 has reached its BMC: one that was about to be sent would be given up, with nothing sent.
      await world.clock.turn(1000);
      await world.killConductor();
    }
    await world.startConductor();
    await world.clock.turn(10 * 60_000);
    for (const name of names) t.is((await standing(world, name)).plan.state, 'SUCCEEDED', `${moment}: ${name}`);
    const starts = (await story(world)).filter((line) => line.startsWith('action_plan.execution.start'));
    t.deepEqual(
      starts,
      names.map((name) => `action_plan.execution.start ${name} ONGOING`),
    );
    await endWorld(world);
  }
});

test('l: the fault of a failed plan is the failure itself, and the plan fails once', async (t) => {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_fault: 'refuse' });
  await make(world, 'p1', [softOff('n1')]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(60_000);
  const events = await readEvents(0, 1000, world.database.read);
  const faults = events
    .filter(({ eventType }) => eventType.endsWith('execution.error'))
    .map(({ payload }) => payload['watcher_object.data'] as { fault: { 'watcher_object.data': object } })
    .map(({ fault }) => fault['watcher_object.data']);
  t.is(faults.length, 2);
  const refused = /fake BMC n1 refuses the command/;
  const [ofAction, ofPlan] = faults as { exception: string; exception_message: string }[];
  t.is(ofAction?.exception, 'BMC_REFUSED');
  t.regex(ofAction?.exception_message ?? '', refused);
  t.is(ofPlan?.exception, 'ACTION_FAILED');
  t.regex(ofPlan?.exception_message ?? '', refused);
  t.is(times(await story(world), 'action_plan.update p1 FAILED'), 1);
  await endWorld(world);
});

test('every weakness has a row, and every row its test or the reason why there is none', (t) => {
  const page = readFileSync(new URL('../../../docs/watcher.md', import.meta.url), 'utf8');
  const own = readFileSync(new URL(import.meta.url), 'utf8');
  const titles = new Map(
    [...own.matchAll(/^test\('([a-m]): (.*)', async/gm)].map(([, letter, title]) => [letter, title]),
  );
  const rows = [...page.matchAll(/^\| ([a-m]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
  t.deepEqual(
    rows.map(([, letter]) => letter),
    [...'abcdefghijklm'],
  );
  for (const [, letter, , , shown = ''] of rows) {
    const title = titles.get(letter as string);
    if (title === undefined) t.regex(shown, /^No counterpart: .{20,}/, letter);
    else t.is(shown.trim(), title, letter);
  }
  t.is(titles.size, 12);
});
