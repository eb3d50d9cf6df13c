/** What an audit was decided on can change before it is written; and its transaction reads no more nodes than it is about. */
import anyTest, { type ExecutionContext } from 'ava';
import type { CountermandError } from '../../../src/core/errors.ts';
import type { WantedAudit } from '../../../src/server/audits/request.ts';
import { changeAuditTemplate, createAuditTemplate } from '../../../src/server/audits/templates.ts';
import { changeNode, deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { listActions } from '../../../src/server/store/actions.ts';
import type { Transaction } from '../../../src/server/store/database.ts';
import { WriteQueue } from '../../../src/server/store/groups.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import type { ActionPlanRow } from '../../../src/server/store/plan_rows.ts';
import type { World } from '../../world/world.ts';
import { openCloudWorld } from '../compute/cloud_world.ts';
import { endWorld, make, softOff, worldWith } from '../plan_making.ts';

/** One test after the other: each watches the writes of the process. */
const test = anyTest.serial;

type Add = <T>(this: WriteQueue, work: (transaction: Transaction) => Promise<T>) => Promise<T>;

/** Lets `change` happen when the next write is asked for, before it: after all that was read for it. */
function beforeNextWrite(change: () => Promise<unknown>): void {
  const add: Add = WriteQueue.prototype.add;
  WriteQueue.prototype.add = async function <T>(this: WriteQueue, work: (transaction: Transaction) => Promise<T>) {
    WriteQueue.prototype.add = add;
    await change();
    return add.call(this, work) as Promise<T>;
  };
}

/** Lets `change` happen before each write that it does not make itself. @returns the function that ends that */
function beforeEachWrite(change: () => Promise<unknown>): () => void {
  const add: Add = WriteQueue.prototype.add;
  let changing = false;
  WriteQueue.prototype.add = async function <T>(this: WriteQueue, work: (transaction: Transaction) => Promise<T>) {
    if (!changing) {
      changing = true;
      await change().finally(() => {
        changing = false;
      });
    }
    return add.call(this, work) as Promise<T>;
  };
  return () => {
    WriteQueue.prototype.add = add;
  };
}

/** How many rows of nodes the writes of `work` have read. */
async function nodesReadInWrites(work: () => Promise<unknown>): Promise<number> {
  const add: Add = WriteQueue.prototype.add;
  let rows = 0;
  const counted = (answer: unknown, { sql }: { readonly sql: string }): void => {
    if (/from .nodes./.test(sql) && Array.isArray(answer)) rows += answer.length;
  };
  WriteQueue.prototype.add = function <T>(this: WriteQueue, own: (transaction: Transaction) => Promise<T>) {
    const watched = async (transaction: Transaction): Promise<T> => {
      transaction.sql.on('query-response', counted);
      return own(transaction).finally(() => transaction.sql.off('query-response', counted));
    };
    return add.call(this, watched) as Promise<T>;
  };
  try {
    await work();
    return rows;
  } finally {
    WriteQueue.prototype.add = add;
  }
}

const IDLE = [{ baremetal: [{ labels: { idle: 'true' } }] }];

function asked(more: Partial<WantedAudit> = {}): WantedAudit {
  return {
    name: 'save',
    requestId: 'save',
    auditType: 'ONESHOT',
    strategy: 'saving_energy',
    goal: '',
    parameters: {},
    scope: IDLE,
    intervalMs: null,
    autoTrigger: false,
    maxParallel: 0,
    onFailure: 'STOP',
    ...more,
  };
}

/** n1 to n3 are idle, n4 is not. */
async function worldOfFour(t: ExecutionContext): Promise<World> {
  const world = await worldWith(t);
  for (const name of ['n1', 'n2', 'n3']) await world.enrol(name, {}, { idle: 'true' });
  await world.enrol('n4');
  // They are read, and are on.
  await world.clock.turn(60_000);
  return world;
}

async function actionsOf(plan: ActionPlanRow | null, world: World): Promise<string[]> {
  if (plan === null) return [];
  return (await listActions(plan.uuid, -1, 100, world.database.read)).map(({ name }) => name);
}

const same = { setLabels: {}, removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
const change = (world: World, node: string, more: object) =>
  world.finish(changeNode({ ...same, node, ...more }, world.conductor));

const CHANGES: Readonly<Record<string, { readonly does: (world: World) => Promise<unknown>; readonly off: string[] }>> =
  {
    'nothing happens': { does: async () => {}, off: ['n1', 'n2', 'n3'] },
    'a node is not idle any more': {
      does: (world) => change(world, 'n2', { removeLabels: ['idle'] }),
      off: ['n1', 'n3'],
    },
    'a node becomes idle': {
      does: (world) => change(world, 'n4', { setLabels: { idle: 'true' } }),
      off: ['n1', 'n2', 'n3', 'n4'],
    },
    'a node goes into maintenance': { does: (world) => change(world, 'n1', { maintenance: true }), off: ['n2', 'n3'] },
    'a node is enrolled': {
      async does(world) {
        await world.enrol('n0', {}, { idle: 'true' });
        await world.clock.turn(10_000);
      },
      off: ['n0', 'n1', 'n2', 'n3'],
    },
    'a node is deleted': { does: (world) => deleteNode('n3', world.conductor), off: ['n1', 'n2'] },
    'a node has another name': {
      does: (world) => change(world, 'n2', { name: 'm2' }),
      off: ['m2', 'n1', 'n3'],
    },
    'two nodes swap their names': {
      async does(world) {
        await change(world, 'n3', { name: 'n5' });
        await change(world, 'n4', { name: 'n3' });
      },
      off: ['n1', 'n2', 'n5'],
    },
  };

for (const [what, { does, off }] of Object.entries(CHANGES)) {
  for (const scope of [IDLE, []]) {
    const about = scope.length === 0 ? 'every node' : 'a scope';
    test(`while an audit of ${about} waits to be written, ${what}: its plan is that of the nodes as they are then`, async (t) => {
      const world = await worldOfFour(t);
      beforeNextWrite(() => does(world));
      const wanted = asked(scope.length === 0 ? { scope, all: true } : {});
      const { plan } = await world.conductor.audits.create(wanted);
      t.deepEqual(
        await actionsOf(plan, world),
        off.map((name) => `power off ${name}`),
      );
      await endWorld(world);
    });
  }
}

test('a reading that fails while an audit waits to be written lets it be decided again', async (t) => {
  const world = await worldOfFour(t);
  beforeNextWrite(() =>
    world.database.write(({ sql }) => sql('nodes').where('name', 'n2').update({ power_state: null })),
  );
  const { plan } = await world.conductor.audits.create(asked());
  t.deepEqual(await actionsOf(plan, world), ['power off n1', 'power off n3']);
  await endWorld(world);
});

test('an audit whose template changes while it waits to be written is made of the template as it is then', async (t) => {
  const world = await worldOfFour(t);
  const { store } = world.conductor;
  const template = { name: 'idle', description: '', goal: '', strategy: 'saving_energy', scope: IDLE, uuid: '' };
  await createAuditTemplate(template, store);
  const scope = [{ baremetal: [{ nodes: ['n1'] }] }];
  beforeNextWrite(() => changeAuditTemplate('idle', { scope }, null, store));
  const { plan } = await world.conductor.audits.create(asked({ template: 'idle', strategy: '', scope: [] }));
  t.deepEqual(await actionsOf(plan, world), ['power off n1']);
  await endWorld(world);
});

test('an audit that is resumed is held to the number of nodes that its plan takes down then', async (t) => {
  const world = await worldOfFour(t);
  const continuous = { auditType: 'CONTINUOUS', intervalMs: 60_000, autoTrigger: true } as const;
  await world.conductor.audits.create(asked({ ...continuous, parameters: { reserve: 3 } }));
  await world.conductor.audits.suspend('save');
  beforeNextWrite(() => change(world, 'n4', { setLabels: { idle: 'true' } }));
  const error = await t.throwsAsync<CountermandError>(world.conductor.audits.resume('save', 0));
  t.is(error?.code, 'TAKES_DOWN_MISMATCH');
  await world.conductor.audits.resume('save', 1);
  await endWorld(world);
});

test('an audit that could make no plan when it was looked at is held to the number of nodes that its plan takes down then', async (t) => {
  const world = await worldOfFour(t);
  const scope = [{ baremetal: [{ nodes: ['n3'] }] }];
  const continuous = { auditType: 'CONTINUOUS', intervalMs: 60_000, autoTrigger: true } as const;
  await world.conductor.audits.create(asked({ ...continuous, scope, parameters: { reserve: 1 } }));
  await world.conductor.audits.suspend('save');
  await deleteNode('n3', world.conductor);
  await world.database.write(({ sql }) => sql('audits').update({ parameters: '{}' }));
  beforeNextWrite(async () => {
    await world.enrol('n3', {}, { idle: 'true' });
    await world.clock.turn(10_000);
  });
  const error = await t.throwsAsync<CountermandError>(world.conductor.audits.resume('save', 0));
  t.is(error?.code, 'TAKES_DOWN_MISMATCH');
  await endWorld(world);
});

test('an audit that is resumed counts a node that has another name since it was looked at', async (t) => {
  const world = await worldOfFour(t);
  const continuous = { auditType: 'CONTINUOUS', intervalMs: 60_000, autoTrigger: true } as const;
  await world.conductor.audits.create(asked({ ...continuous, parameters: { reserve: 3 } }));
  await world.conductor.audits.suspend('save');
  await world.database.write(({ sql }) => sql('audits').update({ parameters: '{}' }));
  beforeNextWrite(() => change(world, 'n2', { name: 'm2' }));
  t.is((await world.conductor.audits.resume('save', 3)).state, 'ONGOING');
  await endWorld(world);
});

/** The name that a scope has is another node's now. Its first owner has changed as well, which the history tells. */
async function swapNames(world: World): Promise<void> {
  await change(world, 'n1', { name: 'n9', setLabels: { row: '7' } });
  await change(world, 'n2', { name: 'n1' });
}

const NAMED = [{ baremetal: [{ nodes: ['n1'] }] }];

test('an audit whose scope names a node is about the node that has the name when it is written', async (t) => {
  const world = await worldOfFour(t);
  beforeNextWrite(() => swapNames(world));
  const { plan } = await world.conductor.audits.create(asked({ scope: NAMED }));
  t.deepEqual(await actionsOf(plan, world), ['power off n1']);
  await endWorld(world);
});

test('a plan whose scope names a node is about the node that has the name when it is written', async (t) => {
  const world = await worldOfFour(t);
  beforeNextWrite(() => swapNames(world));
  const plan = await make(world, 'down', [softOff('n1')], { scope: NAMED });
  const [action] = await listActions(plan.uuid, -1, 1, world.database.read);
  t.is(action?.nodeUuid, (await getNode('n1', world.database.read)).uuid);
  await endWorld(world);
});

test('a run of an audit before which another write comes each time is made a moment later, and not left out', async (t) => {
  const world = await worldOfFour(t);
  await world.conductor.audits.create(asked({ auditType: 'CONTINUOUS', intervalMs: 60_000 }));
  let renamed = 0;
  const rename = (): Promise<unknown> => {
    const node = renamed === 0 ? 'n2' : `n2-${renamed}`;
    renamed += 1;
    return changeNode({ ...same, node, name: `n2-${renamed}` }, world.conductor);
  };
  const plans = async (): Promise<number> => (await world.database.read('action_plans').select('uuid')).length;
  await world.clock.turn(59_500);
  const end = beforeEachWrite(rename);
  await world.clock.turn(1000).finally(end);
  t.is(await plans(), 1);
  t.true(renamed > 5);
  await world.clock.turn(1000);
  t.is(await plans(), 2);
  await endWorld(world);
});

test('a plan with a scope is held to the nodes that are in it when it is written', async (t) => {
  const world = await worldOfFour(t);
  beforeNextWrite(() => change(world, 'n2', { removeLabels: ['idle'] }));
  const error = await t.throwsAsync<CountermandError>(make(world, 'down', [softOff('n2')], { scope: IDLE }));
  t.is(error?.code, 'ACTION_PLAN_INVALID');
  t.regex(error?.message ?? '', /outside of the scope/);
  await endWorld(world);
});

test('the writes of audits and plans read the nodes that they name and that have changed, however many there are', async (t) => {
  const world = await worldOfFour(t);
  for (let at = 10; at < 60; at += 1) await world.enrol(`n${at}`);
  await world.clock.turn(60_000);
  const { audits } = world.conductor;
  const reserve = { reserve: 2 };
  const every = { auditType: 'CONTINUOUS', intervalMs: 60_000, parameters: reserve, autoTrigger: true } as const;
  const relabel = () => change(world, 'n20', { setLabels: { row: '7' } });
  const all = { all: true, scope: [] } as const;
  const cases: Readonly<Record<string, () => Promise<unknown>>> = {
    create: () => audits.create(asked({ ...all, parameters: reserve })),
    'create of a continuous one': () => audits.create(asked({ ...all, ...every, name: 'often', requestId: 'often' })),
    run: () => world.clock.turn(60_000),
    suspend: () => audits.suspend('often'),
    resume: () => audits.resume('often', { atMost: 1 }),
    plan: () => make(world, 'down', [softOff('n1')], { scope: IDLE }),
  };
  for (const [name, work] of Object.entries(cases)) {
    const read = await nodesReadInWrites(() => {
      if (name !== 'run') beforeNextWrite(relabel);
      return work();
    });
    t.true(read <= 20, `${name} has read ${read} nodes`);
  }
  await endWorld(world);
});

test('audits and plans that are made at once share what they read of the fleet', async (t) => {
  const world = await worldOfFour(t);
  const { audits, store } = world.conductor;
  const { read } = store.database;
  let readings = 0;
  const counted = ({ sql }: { readonly sql: string }): void => {
    if (/from .nodes. order by .uuid./.test(sql)) readings += 1;
  };
  read.on('query', counted);
  const numbers = Array.from({ length: 20 }, (_, at) => at);
  const all = { all: true, scope: [] } as const;
  const made = await Promise.all([
    ...numbers.map((at) => audits.create(asked({ ...all, name: `a${at}`, requestId: `a${at}` }))),
    ...numbers.map((at) => make(world, `p${at}`, [softOff('n1')], { scope: IDLE })),
  ]);
  read.off('query', counted);
  t.is(made.length, 40);
  t.is(readings, 2);
  await endWorld(world);
});

test('a request that is repeated while its audit is made is answered by that audit, though the fleet would not do any more', async (t) => {
  const { world, hooks, vm } = await openCloudWorld(t);
  const { audits } = world.conductor;
  const wanted = asked({ strategy: 'host_maintenance', scope: [{ baremetal: [{ nodes: ['n1'] }] }] });
  const written = Promise.withResolvers<void>();
  let second = null as ReturnType<typeof audits.create> | null;
  // The second one has not found the audit, and looks at the host: until the first one has written it.
  const repeat = async (): Promise<void> => {
    const looks = Promise.withResolvers<void>();
    hooks.before = () => {
      looks.resolve();
      return written.promise;
    };
    second = audits.create(wanted);
    await looks.promise;
  };
  hooks.after = ({ url }) => {
    if (url.includes('migrations') && second === null) beforeNextWrite(repeat);
  };
  const first = await world.finish(audits.create(wanted));
  // An instance that is built is in the way of a drain.
  vm('new', 'cmp1', 'building');
  written.resolve();
  const again = await world.finish(second as NonNullable<typeof second>);
  t.truthy(first.plan);
  t.deepEqual([again.audit.uuid, again.plan?.uuid], [first.audit.uuid, first.plan?.uuid]);
  const other = world.finish(audits.create({ ...wanted, requestId: 'other' }));
  t.is((await t.throwsAsync<CountermandError>(() => other))?.code, 'HOST_NOT_READY');
  await endWorld(world);
});

test('an audit whose plans do not start by themselves is resumed while its cloud is away', async (t) => {
  const { world, sim } = await openCloudWorld(t, 1);
  const { audits } = world.conductor;
  const about = {
    strategy: 'host_maintenance',
    scope: [],
    all: true,
    auditType: 'CONTINUOUS',
    intervalMs: 60_000,
  } as const;
  await world.finish(audits.create(asked(about)));
  await audits.suspend('save');
  Object.assign(sim.traits, { unavailable: true });
  t.is((await world.finish(audits.resume('save', { atMost: 0 }))).state, 'ONGOING');
  await endWorld(world);
});
