/** Continuous audits whose conductor dies, and audits that are asked for together. */
import anyTest, { type ExecutionContext } from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { Audits } from '../../../src/server/audits/audits.ts';
import type { WantedAudit } from '../../../src/server/audits/request.ts';
import { changeNode } from '../../../src/server/nodes/enrolment.ts';
import type { PlanParts } from '../../../src/server/plans/parts.ts';
import { getAudit, listPlansOf } from '../../../src/server/store/audits.ts';
import { EVERY_NODE } from '../../../src/server/store/plans.ts';
import type { World } from '../../world/world.ts';
import { openCloudWorld } from '../compute/cloud_world.ts';
import { endWorld, make, softOff, standing, wanted, worldWith } from '../plan_making.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

const EVERY_MS = 60_000;
/** Ends a hang. */
const HANG_MS = 30 * 60_000;

function asked(more: Partial<WantedAudit> = {}): WantedAudit {
  return {
    name: 'look',
    requestId: 'look',
    auditType: 'CONTINUOUS',
    strategy: 'dummy',
    goal: '',
    parameters: { para1: 1 },
    scope: [],
    intervalMs: EVERY_MS,
    autoTrigger: false,
    maxParallel: 0,
    onFailure: 'STOP',
    ...more,
  };
}

async function statesOf(world: World): Promise<string[]> {
  const { read } = world.database;
  const audit = await getAudit('look', read);
  const plans = await listPlansOf(audit.uuid, [], 100, read);
  return [audit.state, ...plans.map(({ state }) => state)];
}

/** Lets a run come due in a conductor that dies at its touch of this number. Null if it has fewer. */
async function crashRun(t: ExecutionContext, touch: number, autoTrigger: boolean): Promise<World | null> {
  const world = await worldWith(t);
  await world.conductor.audits.create(asked({ autoTrigger: false }));
  if (autoTrigger) await world.database.write(({ sql }) => sql('audits').update({ auto_trigger: 1 }));
  await world.clock.turn(EVERY_MS - 1000);
  world.conductorProcess.dieAtTouch(touch);
  await world.clock.turn(2000);
  const died = !world.conductorAlive;
  if (!died) {
    await endWorld(world);
    return null;
  }
  await world.startConductor();
  await world.clock.turn(10_000);
  return world;
}

for (const autoTrigger of [false, true]) {
  test(`a conductor that dies at any touch of a run makes one plan of it${autoTrigger ? ', and runs it' : ''}`, async (t) => {
    t.timeout(HANG_MS);
    let touches = 0;
    for (let touch = 1; ; touch += 1) {
      const world = await crashRun(t, touch, autoTrigger);
      if (world === null) break;
      touches = touch;
      const made = autoTrigger ? 'SUCCEEDED' : 'RECOMMENDED';
      t.deepEqual(await statesOf(world), ['ONGOING', made, 'SUPERSEDED'], `touch ${touch}`);
      await endWorld(world);
    }
    t.true(touches > 10, `only ${touches} touches`);
  });
}

test('a conductor that dies at any touch of a creation leaves the audit whole or not at all', async (t) => {
  t.timeout(HANG_MS);
  for (let touch = 1; ; touch += 1) {
    const world = await worldWith(t);
    world.conductorProcess.dieAtTouch(touch);
    const done = await world.conductor.audits.create(asked()).then(
      () => true,
      () => false,
    );
    const died = !world.conductorAlive;
    if (died) await world.startConductor();
    world.conductorProcess.dieAtTouch(Number.POSITIVE_INFINITY);
    // A client that got no answer asks again with the same id.
    const { audit, plan } = await world.conductor.audits.create(asked());
    t.is(audit.state, 'ONGOING');
    t.is(plan?.state, 'RECOMMENDED');
    t.deepEqual(await statesOf(world), ['ONGOING', 'RECOMMENDED'], `touch ${touch}`);
    await endWorld(world);
    if (done && !died) break;
  }
});

test('a clock that is set back does not keep an audit from running at its interval', async (t) => {
  const world = await worldWith(t);
  await world.conductor.audits.create(asked());
  await world.clock.turn(EVERY_MS / 2);
  world.clock.jump(-24 * 3_600_000);
  await world.clock.turn(EVERY_MS / 2);
  t.deepEqual(await statesOf(world), ['ONGOING', 'SUPERSEDED', 'RECOMMENDED']);
  await world.clock.turn(EVERY_MS);
  t.is((await statesOf(world)).length, 4);
  const { nextRunAt } = await getAudit('look', world.database.read);
  t.is((nextRunAt ?? 0) - world.clock.now(), EVERY_MS);
  await endWorld(world);
});

test('a later run supersedes what an earlier one left unstarted, and not what an operator has started', async (t) => {
  const world = await worldWith(t, 'n1');
  const { audits, plans } = world.conductor;
  await make(world, 'runs', [wanted('nap', 'sleep', { duration: 3600 }), softOff('n1', ['nap'])]);
  await plans.start('runs', false);
  const scope = [{ baremetal: [{ nodes: ['n1'] }] }];
  const { plan } = await audits.create(asked({ strategy: 'host_maintenance', parameters: {}, scope }));
  await plans.start(plan?.uuid ?? '', true);
  await world.clock.turn(2 * EVERY_MS + 1000);
  t.deepEqual((await statesOf(world)).sort(), ['ONGOING', 'PENDING', 'RECOMMENDED', 'SUPERSEDED']);
  await endWorld(world);
});

test('an audit starts no plan about a frozen node, in its first run and in later ones', async (t) => {
  const world = await worldWith(t, 'n1');
  const { audits, plans, orders } = world.conductor;
  await make(world, 'runs', [wanted('nap', 'sleep', { duration: 3600 }), softOff('n1', ['nap'])]);
  await plans.start('runs', false);
  const scope = [{ baremetal: [{ nodes: ['n1'] }] }];
  const about = { strategy: 'host_maintenance', parameters: {}, scope, autoTrigger: true };
  await audits.create(asked(about));
  const { inTheWay, supersedes } = (await audits.previewRun('look')).effect;
  t.deepEqual(
    [inTheWay, supersedes].map((met) => met.map(({ name, state }) => `${name} ${state}`)),
    [['runs ONGOING'], ['look PENDING']],
  );
  const freeze = { zone: 'default', labels: {}, reason: 'work', until: null, createdBy: 'jwt:zoe' };
  const { uuid } = await orders.freezes.add(freeze);
  await t.throwsAsync(audits.create(asked({ ...about, requestId: 'other' })), { code: 'NODE_FROZEN' } as object);
  await world.clock.turn(EVERY_MS + 1000);
  t.deepEqual(await statesOf(world), ['ONGOING', 'PENDING']);
  t.regex(
    (await getAudit('look', world.database.read)).statusMessage,
    /^no plan could be made at .*: node n1 is frozen/,
  );
  await orders.freezes.lift(uuid);
  await world.clock.turn(EVERY_MS);
  t.deepEqual((await statesOf(world)).sort(), ['ONGOING', 'PENDING', 'SUPERSEDED']);
  await endWorld(world);
});

test('the same audit asked for twice at once is one', async (t) => {
  const world = await worldWith(t);
  const answers = await Promise.all([1, 2, 3].map(() => world.conductor.audits.create(asked())));
  t.is(new Set(answers.map(({ audit }) => audit.uuid)).size, 1);
  t.is(new Set(answers.map(({ plan }) => plan?.uuid)).size, 1);
  t.deepEqual(await statesOf(world), ['ONGOING', 'RECOMMENDED']);
  await endWorld(world);
});

test('many audits that are due at once all run, in their order', async (t) => {
  const world = await worldWith(t);
  const names = Array.from({ length: 20 }, (_, at) => `look ${at}`);
  for (const name of names) await world.conductor.audits.create(asked({ name, requestId: name }));
  await world.clock.turn(3 * EVERY_MS + 1000);
  const { read } = world.database;
  for (const name of names) {
    const plans = await listPlansOf((await getAudit(name, read)).uuid, [], 100, read);
    t.deepEqual(plans.map(({ state }) => state).sort(), ['RECOMMENDED', 'SUPERSEDED', 'SUPERSEDED', 'SUPERSEDED']);
  }
  await endWorld(world);
});

test('a strategy that this version does not know ends the audit FAILED', async (t) => {
  const world = await worldWith(t);
  await world.conductor.audits.create(asked());
  await world.database.write(({ sql }) => sql('audits').update({ strategy: 'of_tomorrow' }));
  await world.clock.turn(EVERY_MS);
  const audit = await getAudit('look', world.database.read);
  t.is(audit.state, 'FAILED');
  t.regex(audit.statusMessage, /no plan could be made at .*: strategy: this version has no strategy 'of_tomorrow'/);
  await endWorld(world);
});

test('a run that makes no plan because of what the fleet is now says so, and the next one tries again', async (t) => {
  const { world } = await openCloudWorld(t, 1);
  const { audits } = world.conductor;
  const relabel = (setLabels: Record<string, string>) =>
    world.finish(
      changeNode({ node: 'n1', setLabels, removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] }, world.conductor),
    );
  await relabel({ rack: '7' });
  const scope = [{ baremetal: [{ labels: { rack: '7' } }] }, { baremetal: [{ labels: { rack: '8' } }] }];
  await world.enrol('n2', {}, { rack: '7' });
  const action = {
    name: 'in',
    action_type: 'set_node_maintenance',
    input_parameters: { resource_id: 'n1', maintenance: true },
  };
  await audits.create(asked({ strategy: 'manual', parameters: { actions: [action] }, scope }));
  const host = { name: 'host', requestId: 'host', strategy: 'host_maintenance', parameters: {}, scope };
  await world.finish(audits.create(asked(host)));
  const said = () =>
    Promise.all(
      ['look', 'host'].map(async (name) => {
        const { state, statusMessage } = await getAudit(name, world.database.read);
        return `${state} ${/outside of the scope|no nova-compute/.exec(statusMessage)?.[0] ?? statusMessage}`;
      }),
    );
  await relabel({ rack: '9', compute_host: 'cmp9' });
  t.regex((await audits.previewRun('look')).noPlan, /outside of the scope/);
  t.is((await world.finish(audits.previewRun('host'))).noPlan, '');
  await world.clock.turn(EVERY_MS + 1000);
  t.deepEqual(await said(), ['ONGOING outside of the scope', 'ONGOING ']);
  await relabel({ rack: '8' });
  await world.clock.turn(EVERY_MS);
  t.deepEqual(await said(), ['ONGOING ', 'ONGOING no nova-compute']);
  await relabel({ compute_host: 'cmp1' });
  await world.clock.turn(EVERY_MS);
  t.deepEqual(await said(), ['ONGOING ', 'ONGOING ']);
  await endWorld(world);
});

test('a plan outside of its scope is refused; one within is about the whole scope', async (t) => {
  const world = await worldWith(t, 'n1', 'n2', 'n3');
  const scope = [{ baremetal: [{ nodes: ['n[1-2]'] }] }];
  const actions = (name: string) => [
    { name: 'a', action_type: 'set_node_maintenance', input_parameters: { resource_id: name, maintenance: true } },
  ];
  const create = (name: string, requestId: string) =>
    world.conductor.audits.create(
      asked({ requestId, strategy: 'manual', parameters: { actions: actions(name) }, scope }),
    );
  await t.throwsAsync(create('n3', 'outside'), {
    message: /^parameters.actions\[0\] 'a'.input_parameters.resource_id: node 'n3' is outside of the scope/,
  });
  await make(world, 'beside', [softOff('n2')]);
  const inside = asked({ strategy: 'manual', parameters: { actions: actions('n1') }, scope });
  const { effect } = await world.conductor.audits.preview(inside);
  t.deepEqual([effect.nodes, effect.supersedes.map(({ name }) => name)], [1, ['beside']]);
  const { plan } = await create('n1', 'inside');
  const rows = await world.database.read('plan_nodes').where('plan_uuid', plan?.uuid ?? '');
  t.is(rows.length, 2);
  await endWorld(world);
});

/** An audit that names no node, and whether its plan keeps every node. */
const NAMELESS: readonly [what: string, more: Partial<WantedAudit>, everywhere: boolean | 'refused'][] = [
  ['dummy', {}, false],
  ['dummy, all', { all: true }, true],
  ['dummy, all but n1', { scope: [{ baremetal: [{ exclude: [{ nodes: ['n1'] }] }] }] }, 'refused'],
  ['manual', { strategy: 'manual', parameters: { actions: [] } }, false],
  ['manual, all', { strategy: 'manual', parameters: { actions: [] }, all: true }, true],
  ['manual, all but n1', { strategy: 'manual', scope: [{ baremetal: [{ exclude: [{ nodes: ['n1'] }] }] }] }, 'refused'],
  ['host_maintenance', { strategy: 'host_maintenance', parameters: {} }, 'refused'],
  ['saving_energy', { strategy: 'saving_energy', parameters: {} }, 'refused'],
];
for (const [what, more, everywhere] of NAMELESS)
  for (const auditType of ['ONESHOT', 'CONTINUOUS'] as const)
    test(`${what}, ${auditType}, without nodes: every node is ${everywhere === true ? 'said' : 'not implied'}`, async (t) => {
      const world = await worldWith(t, 'n1', 'n2');
      const off = { resource_id: 'n1', state: 'soft power off' };
      const actions = [{ name: 'off', action_type: 'change_node_power_state', input_parameters: off }];
      const parameters = { ...more.parameters, ...(more.strategy === 'manual' && { actions }) };
      await make(world, 'waits', [softOff('n2')]);
      const intervalMs = auditType === 'CONTINUOUS' ? EVERY_MS : null;
      const wanted = asked({
        ...more,
        parameters: more.strategy ? parameters : {},
        auditType,
        intervalMs,
        autoTrigger: true,
      });
      const given = world.conductor.audits.create(wanted);
      if (everywhere === 'refused') {
        await t.throwsAsync(given, { code: 'SCOPE_INVALID' } as object);
        await endWorld(world);
        return;
      }
      const { plan } = await given;
      await world.clock.turn(1000);
      const { read } = world.database;
      const about = await read('plan_nodes').where('plan_uuid', plan?.uuid ?? '');
      t.is(
        about.some(({ node_uuid: uuid }) => uuid === EVERY_NODE),
        everywhere,
      );
      // The launch of a plan about every node supersedes what waits; that of one about n1 leaves the plan about n2 alone.
      t.is((await standing(world, 'waits')).plan.state, everywhere ? 'SUPERSEDED' : 'RECOMMENDED');
      await world.clock.turn(2 * EVERY_MS);
      const plans = await listPlansOf((await getAudit('look', read)).uuid, [], 100, read);
      t.is(plans.length > 1, auditType === 'CONTINUOUS', 'later runs are about the same');
      t.is((await standing(world, 'waits')).plan.state, everywhere ? 'SUPERSEDED' : 'RECOMMENDED');
      await endWorld(world);
    });

test('a run whose look at the compute services ends with the conductor is made by the next one', async (t) => {
  const { world, hooks } = await openCloudWorld(t, 2);
  const about = { strategy: 'host_maintenance', parameters: {}, all: true } as const;
  const { audit } = await world.finish(world.conductor.audits.create(asked(about)));
  let stopped: Promise<void> | null = null;
  hooks.before = () => {
    stopped ??= world.conductor.stop();
  };
  await world.clock.turn(EVERY_MS + 1000);
  t.truthy(stopped);
  await stopped;
  await world.clock.settle();
  t.like(await getAudit('look', world.database.read), { nextRunAt: audit.nextRunAt, statusMessage: '' });
  await world.stopConductor();
  hooks.before = () => {};
  await world.startConductor();
  await world.clock.turn(5000);
  t.deepEqual(await statesOf(world), ['ONGOING', 'RECOMMENDED', 'SUPERSEDED']);
});

test('a cloud that gives no answer keeps only audits waiting that look at one', async (t) => {
  const { world, hooks } = await openCloudWorld(t, 1);
  // The world does not wait for these: they wait for a timer.
  const audits = new Audits(world.conductor.plans, world.conductor);
  const about = { name: 'host', requestId: 'host', strategy: 'host_maintenance', parameters: {}, all: true } as const;
  await world.finish(audits.create(asked(about)));
  await audits.create(asked());
  hooks.before = () => new Promise<void>(() => {});
  await world.clock.turn(EVERY_MS + 1000);
  t.deepEqual(await statesOf(world), ['ONGOING', 'RECOMMENDED', 'SUPERSEDED']);
  await world.clock.turn(EVERY_MS);
  t.deepEqual(await statesOf(world), ['ONGOING', 'RECOMMENDED', 'SUPERSEDED', 'SUPERSEDED']);
  t.regex((await getAudit('host', world.database.read)).statusMessage, /^no plan could be made/);
});

test('an audit whose run fails each time keeps no other from its turn', async (t) => {
  const world = await worldWith(t);
  for (const name of ['look', 'second']) await world.conductor.audits.create(asked({ name, requestId: name }));
  const { database } = world.conductor.store;
  const write = database.write.bind(database);
  let failedAt = 0;
  await world.clock.turn(EVERY_MS - 1000);
  Object.assign(database, {
    write(work: Parameters<typeof write>[0]) {
      const now = world.clock.monotonic();
      if (now === failedAt) return write(work);
      failedAt = now;
      return Promise.reject(fail('DISK_FULL', 'the first write of each moment fails'));
    },
  });
  await world.clock.turn(10_000);
  Object.assign(database, { write });
  const { read } = world.database;
  t.is((await listPlansOf((await getAudit('second', read)).uuid, [], 100, read)).length, 2);
  t.is((await listPlansOf((await getAudit('look', read)).uuid, [], 100, read)).length, 1);
});

/** The parts of a conductor whose first look for the audit that is due next has its answer late. */
function partsWithLateLook({ conductor }: World, until: Promise<void>): PlanParts {
  const { orders } = conductor;
  const { database } = orders.store;
  let isFirst = true;
  const read = new Proxy(database.read, {
    apply(target, self, given: [string]) {
      const query = Reflect.apply(target, self, given);
      const { min } = query;
      query.min = (column: string) => {
        const next = min.call(query, column).first();
        const isLate = given[0] === 'audits' && isFirst;
        isFirst &&= !isLate;
        return { first: () => next.then((row: unknown) => (isLate ? until.then(() => row) : row)) };
      };
      return query;
    },
  });
  const late = Object.assign(Object.create(database), { read, write: database.write.bind(database) });
  return { ...conductor, orders: { ...orders, store: { ...orders.store, database: late } } };
}

test('an audit that is made while another one is scheduled runs at its interval', async (t) => {
  const world = await worldWith(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  const audits = new Audits(world.conductor.plans, partsWithLateLook(world, promise));
  const first = audits.create(asked({ name: 'slow', requestId: 'slow', intervalMs: 10 * EVERY_MS }));
  await world.clock.settle();
  await audits.create(asked());
  resolve();
  await first;
  await world.clock.turn(EVERY_MS + 1000);
  t.deepEqual(await statesOf(world), ['ONGOING', 'RECOMMENDED', 'SUPERSEDED']);
  await endWorld(world);
});
