/** A world in which everything happens that is announced: the notifications of all of it, for tests that look at them. */
import { CountermandError } from '../../src/core/errors.ts';
import type { Conductor } from '../../src/server/conductor.ts';
import { announceElected, announceResigned } from '../../src/server/events/leadership.ts';
import { changeNode, deleteNode } from '../../src/server/nodes/enrolment.ts';
import { createActionPlan } from '../../src/server/plans/create.ts';
import type { WantedAction } from '../../src/server/plans/wanted.ts';
import type { Database } from '../../src/server/store/database.ts';
import { readEvents } from '../../src/server/store/events.ts';
import type { EventRow } from '../../src/server/store/rows.ts';
import { World } from './world.ts';

/** An action of a plan, in short. */
function action(
  name: string,
  actionType: string,
  inputParameters: Readonly<Record<string, unknown>> = {},
  parents: readonly string[] = [],
): WantedAction {
  return { name, actionType, inputParameters, parents, timeoutMs: null };
}

/** An action that changes the power state of a node. */
function power(node: string, state: string): WantedAction {
  return action(`${state} ${node}`, 'change_node_power_state', { resource_id: node, state });
}

const maintain = (node: string): WantedAction =>
  action(`maintain ${node}`, 'set_node_maintenance', { resource_id: node, maintenance: true });

async function create(world: World, name: string, actions: readonly WantedAction[]): Promise<void> {
  const rules = { maxParallel: 0, canary: 0, onFailure: 'STOP' as const };
  await createActionPlan({ name, requestId: name, ...rules, actions }, world.conductor);
}

async function run(world: World, name: string, actions: readonly WantedAction[], ms = 0): Promise<void> {
  await create(world, name, actions);
  await world.conductor.plans.start(name, false);
  await world.clock.turn(ms);
}

async function cancel(world: World, name: string): Promise<void> {
  await world.conductor.plans.cancel(name, 'wrong rack');
  await world.clock.turn(60_000);
}

async function rollBack(world: World, plan: string, requestId: string, ms: number): Promise<void> {
  await world.conductor.plans.rollback({ plan, requestId, skipIrreversible: false, acceptDrift: false });
  await world.clock.turn(ms);
}

/** A rollback that succeeds, one that is cancelled while its BMC is silent, and one that fails. */
async function rollPlansBack(world: World): Promise<void> {
  await rollBack(world, 'runs', 'undoes', 5000);
  const lazy = world.server('lazy');
  lazy.settings = { ...lazy.settings, fake_fault: 'silent' };
  await rollBack(world, 'is done first', 'is cancelled', 1000);
  await cancel(world, 'is cancelled');
  lazy.settings = { ...lazy.settings, fake_fault: 'refuse' };
  await rollBack(world, 'is done first', 'is in vain', 60_000);
}

/** Plans that come to every end there is. */
async function runPlans(world: World): Promise<void> {
  await run(world, 'succeeds', [maintain('n1'), action('waits', 'sleep', { duration: 1 }, ['maintain n1'])], 5000);
  await run(world, 'skips', [maintain('n1')], 1000);
  await run(world, 'fails', [power('refuses', 'power off'), action('never', 'nop', {}, ['power off refuses'])], 90_000);

  const waits = { ...maintain('gone'), parents: ['nap'] };
  await run(world, 'is refused', [action('nap', 'sleep', { duration: 5 }), waits], 1000);
  await deleteNode('gone', world.conductor);
  await world.clock.turn(10_000);

  await create(world, 'is dropped', [action('nothing', 'nop')]);
  await cancel(world, 'is dropped');
  await run(world, 'runs', [action('long', 'sleep', { duration: 600 }), maintain('n2')], 1000);
  await create(world, 'waits', [maintain('n2')]);
  await world.conductor.plans.start('waits', true);
  await cancel(world, 'waits');
  await cancel(world, 'runs');

  const recalled = [power('slow', 'soft power off'), action('after', 'nop', {}, ['soft power off slow'])];
  await run(world, 'is taken back', recalled, 1000);
  await cancel(world, 'is taken back');
  await run(world, 'is not taken back', [power('stubborn', 'soft power off')], 1000);
  await cancel(world, 'is not taken back');
  await run(world, 'is done first', [power('lazy', 'power on')], 5000);
  await cancel(world, 'is done first');
  await rollPlansBack(world);

  for (const name of ['succeeds', 'skips', 'fails', 'is dropped', 'is taken back', 'is done first'])
    await world.conductor.plans.delete(name);
  await create(world, 'is never started', [action('nothing', 'nop')]);
  await world.conductor.plans.delete('is never started');
}

/** Power orders outside of plans: one that is too late to abort, and what a reading finds. */
async function giveOrders(world: World): Promise<void> {
  await world.order('n1', 'power on');
  await world.order('n1', 'abort soft power off');
  await world.clock.turn(10_000);
  world.server('n1').powerState = 'power off';
  await world.clock.turn(150_000);
}

/** Changes of enrolled nodes, and those that come second: another request was written between their check and their writing. */
async function changeNodes(world: World): Promise<void> {
  const { conductor } = world;
  const nothing = { setDriverInfo: {}, removeDriverInfo: [], setLabels: {}, removeLabels: [] };
  await world.finish(changeNode({ ...nothing, node: 'n2', name: 'second', setLabels: { rack: 'r7' } }, conductor));
  await Promise.all(['a', 'b'].map((fake_address) => world.enrol('third', { fake_address }).catch(refusal)));
  const ordered = world.order('slow', 'soft power off');
  const late = writingAfter(ordered, conductor);
  await Promise.all([
    ordered,
    changeNode({ ...nothing, node: 'slow', name: 'other', maintenance: true }, late).catch(refusal),
    deleteNode('slow', late).catch(refusal),
  ]);
  await world.clock.turn(120_000);
}

/** The conductor, for calls that check at once and write when something else is done. */
function writingAfter(done: Promise<unknown>, conductor: Conductor): Conductor {
  const { store } = conductor;
  const write: Database['write'] = async (work) => {
    await done;
    return store.database.write(work);
  };
  return { ...conductor, store: { ...store, database: Object.assign(Object.create(store.database), { write }) } };
}

function refusal(thrown: unknown): void {
  if (!(thrown instanceof CountermandError)) throw thrown;
}

/** What conductors on PostgreSQL tell; here there is one only. */
async function holdElections({ conductor }: World): Promise<void> {
  const leader = { uuid: 'c1', address: 'a:7077', httpAddress: 'a:7078', epoch: 2 };
  await announceElected(leader, { address: 'b:7077', resigned: false }, conductor.store);
  await announceResigned(leader, 'it is told to stop', conductor.store);
}

/** The notifications of a world in which everything has happened, in their order. */
export async function everyNotification(): Promise<EventRow[]> {
  const world = await World.create();
  await world.startAgent('a1');
  for (const name of ['n1', 'n2', 'gone']) await world.enrol(name);
  await world.enrol('refuses', { fake_fault: 'refuse' });
  await world.enrol('slow', { fake_soft_ms: '60000' });
  await world.enrol('stubborn', { fake_soft_ms: '60000', fake_recall: 'refused' });
  await world.enrol('lazy', { fake_power_state: 'off', fake_answer_ms: '2000' });
  await holdElections(world);
  await runPlans(world);
  await giveOrders(world);
  await changeNodes(world);
  const events = await readEvents(1, 100_000, world.database.read);
  await world.end();
  await world.database.close();
  if (world.faults.length > 0) throw new Error(world.faults.join('; '));
  return events;
}
