/** What operators and plans do to enrolled nodes makes events, in the transaction of the change; docs/notifications has the schemas. */
import test, { type ExecutionContext } from 'ava';
import { changeNode, deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { createActionPlan } from '../../../src/server/plans/create.ts';
import type { Database } from '../../../src/server/store/database.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import { World } from '../../world/world.ts';

type Data = Readonly<Record<string, unknown>>;
interface Told {
  readonly type: string;
  readonly priority: string;
  readonly data: Data;
}

async function open(t: ExecutionContext) {
  const world = await World.open(t);
  await world.startAgent('a1');
  let from = 1;
  /** The events about nodes since the last call. */
  const told = async (): Promise<Told[]> => {
    const events = await readEvents(from, 1000, world.database.read);
    from = (events.at(-1)?.sequence ?? from - 1) + 1;
    const about = events.filter(({ eventType }) => /\.(create|update|delete|maintenance_set)\./.test(eventType));
    return about.map(({ eventType, priority, payload }) => ({
      type: eventType.replace('baremetal.node.', ''),
      priority,
      data: payload['ironic_object.data'] as Data,
    }));
  };
  return { world, told };
}

/** The conductor's database, whose writes wait. */
function writingAfter(wait: Promise<void>, { store: { database } }: World['conductor']): Database {
  const write: Database['write'] = async (work) => {
    await wait;
    return database.write(work);
  };
  return { read: database.read, feed: database.feed, write } as Database;
}

test('what an action of a plan changes names the plan as data, whatever an operator writes', async (t) => {
  const { world, told } = await open(t);
  await world.enrol('n1');
  await told();
  const actions = [
    {
      name: 'maintain',
      actionType: 'set_node_maintenance',
      inputParameters: { resource_id: 'n1', maintenance: true },
      parents: [],
      timeoutMs: null,
    },
  ];
  const rules = { maxParallel: 0, canary: 0, onFailure: 'STOP' as const };
  const { uuid } = await createActionPlan({ name: 'p1', requestId: 'p1', ...rules, actions }, world.conductor);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(1000);
  t.deepEqual(
    (await told()).map(({ type, data }) => [type, data.plan_uuid]),
    [
      ['maintenance_set.start', uuid],
      ['maintenance_set.end', uuid],
    ],
  );
  const off = { ...NOTHING, node: 'n1', maintenance: false, maintenanceReason: `(${uuid})` };
  await world.finish(changeNode(off as Parameters<typeof changeNode>[0], world.conductor));
  for (const { data } of await told()) t.is(data.plan_uuid, null);
});

const NOTHING = { setDriverInfo: {}, removeDriverInfo: [], setLabels: {}, removeLabels: [] };
const typesOf = (told: readonly Told[]): string[] => told.map(({ type }) => type);

test('enrolment, each change and the deletion are told, each with a start and an end; secrets are masked', async (t) => {
  const { world, told } = await open(t);
  await world.enrol('n1', { fake_password: 'open-sesame' });
  const [start, end] = await told();
  t.deepEqual([start?.type, end?.type, end?.priority], ['create.start', 'create.end', 'INFO']);
  t.like(end?.data, { name: 'n1', driver: 'fake', driver_info: { fake_address: 'n1', fake_password: '******' } });

  const changes = [
    [{ name: 'n2' }, ['update.start', 'update.end'], ['name']],
    [{ setLabels: { rack: 'r7' } }, ['update.start', 'update.end'], ['labels']],
    [
      { setDriverInfo: { fake_soft_ms: '5', fake_password: 'open-sesame' } },
      ['update.start', 'update.end'],
      ['driver_info'],
    ],
    [
      { maintenance: true, maintenanceReason: 'fan' },
      ['maintenance_set.start', 'maintenance_set.end'],
      ['maintenance', 'maintenance_reason'],
    ],
    [{ maintenance: true, maintenanceReason: 'fan' }, [], []],
    [{ setLabels: { rack: 'r7' } }, [], []],
    [
      { maintenance: false, removeLabels: ['rack'] },
      ['update.start', 'update.end', 'maintenance_set.start', 'maintenance_set.end'],
      ['labels'],
    ],
  ] as const;
  let node = 'n1';
  for (const [change, types, changed] of changes) {
    await world.finish(
      changeNode({ ...NOTHING, node, ...change } as Parameters<typeof changeNode>[0], world.conductor),
    );
    if ('name' in change) node = change.name;
    const events = await told();
    t.deepEqual(typesOf(events), [...types], JSON.stringify(change));
    if (changed.length > 0) t.deepEqual(events[0]?.data.changed, [...changed]);
    t.false(JSON.stringify(events).includes('open-sesame'));
  }
  await deleteNode('n2', world.conductor);
  t.deepEqual(typesOf(await told()), ['delete.start', 'delete.end']);
  await world.end();
});

test('a change that comes second is told with its error; what is refused beforehand makes no event', async (t) => {
  const { world, told } = await open(t);
  const { conductor } = world;
  const twins = ['a', 'b'].map((fake_address) => world.enrol('n1', { fake_address, fake_soft_ms: 'never' }));
  const settled = await Promise.allSettled(twins);
  t.is(settled.filter(({ status }) => status === 'fulfilled').length, 1);
  const [first, end, start, error] = await told();
  t.deepEqual([first?.type, end?.type, start?.type], ['create.start', 'create.end', 'create.start']);
  t.like(error, { type: 'create.error', priority: 'ERROR' });
  t.like(error?.data, { name: 'n1', error_code: 'NODE_NAME_TAKEN', created_at: null });
  t.is(start?.data.error_code, null);

  const both = { ...NOTHING, node: 'n1', name: 'n2', maintenance: true };
  // Both changes have read the node before it is ordered about, and are written afterwards.
  const ordered = Promise.withResolvers<void>();
  const late = { ...conductor, store: { ...conductor.store, database: writingAfter(ordered.promise, conductor) } };
  const changing = Promise.allSettled([changeNode(both, late), deleteNode('n1', late)]);
  const order = await world.order('n1', 'soft power off');
  t.is(order.nodeName, 'n1');
  ordered.resolve();
  const changes = await world.finish(changing);
  t.true(changes.every(({ status }) => status === 'rejected'));
  const refused = await told();
  t.deepEqual(typesOf(refused).toSorted(), [
    'delete.error',
    'delete.start',
    'maintenance_set.error',
    'maintenance_set.start',
    'update.error',
    'update.start',
  ]);
  for (const { type, data } of refused) t.is(data.error_code, type.endsWith('.error') ? 'NODE_HELD' : null);

  await t.throwsAsync(world.enrol('n1', { fake_address: 'other' }), { message: /there is a node 'n1' already/ });
  await t.throwsAsync(world.enrol('not a name'));
  await t.throwsAsync(changeNode(both, conductor), { message: /held/ });
  await t.throwsAsync(deleteNode('n1', conductor), { message: /held/ });
  t.deepEqual(await told(), []);
  await world.end();
});
