/** What must be true of the power tasks of a simulated world, whatever happened. */
import { isDeepStrictEqual } from 'node:util';
import { isAbort, isIdempotent, type OrderTarget, phaseSettlesIn } from '../../src/core/power.ts';
import { isAtRest, POWER_TASK_UNSETTLED } from '../../src/core/states.ts';
import type { Database } from '../../src/server/store/database.ts';
import { keptBehind } from '../../src/server/store/kept.ts';
import { eventCodec, type NodeRow, nodeCodec, type PowerTaskRow, powerTaskCodec } from '../../src/server/store/rows.ts';
import type { Received } from '../world/heard.ts';
import type { World } from '../world/world.ts';
import { decodedOnce } from './decoded.ts';
import { insist } from './insist.ts';
import type { Witness } from './witness.ts';

/** What the rows say. */
export interface PowerRows {
  readonly nodes: readonly NodeRow[];
  readonly tasks: readonly PowerTaskRow[];
}

/** True for a row whose driver_info only its conductor can open. */
const isSealed = (row: { readonly driver_info: string }): boolean => row.driver_info.startsWith('sealed:');

/** Reads all nodes and power tasks. Those whose driver_info is sealed are read without it. */
export async function readPowerRows({ read }: Pick<Database, 'read'>): Promise<PowerRows> {
  const node = decodedOnce(read, nodeCodec);
  return {
    nodes: (await read('nodes')).map((row) => node(isSealed(row) ? { ...row, driver_info: '{}' } : row)),
    tasks: (await read('power_tasks').orderBy('created_at')).map(decodedOnce(read, powerTaskCodec)),
  };
}

/** After every step. */
export async function checkAlways(world: World): Promise<PowerRows> {
  const rows = await readPowerRows(world.database);
  checkHolders(rows);
  checkGivenOnce(rows);
  checkKept(rows, world);
  insist(world.faults.length === 0, `a fault of ours was logged: ${world.faults[0]}`);
  return rows;
}

/** At most one unsettled task holds a node, and the node says which; each task was ordered by one. */
export function checkHolders({ nodes, tasks }: PowerRows): void {
  for (const node of nodes) {
    const holders = tasks.filter(
      (task) => task.nodeUuid === node.uuid && !isAbort(task.target) && POWER_TASK_UNSETTLED.includes(task.state),
    );
    insist(holders.length <= 1, `${node.name} is held by ${holders.length} tasks`);
    insist(
      (holders[0]?.uuid ?? null) === node.heldBy,
      `${node.name} says it is held by ${node.heldBy}, but ${holders[0]?.uuid} holds it`,
    );
  }
  for (const task of tasks) {
    const who = [task.requestId, task.actionUuid, task.abortsActionUuid].filter((id) => id !== null);
    insist(who.length === 1, `power task ${task.uuid} was ordered by ${who.join(' and ')}`);
    insist((task.planUuid === null) === (task.requestId !== null), `power task ${task.uuid} is of ${task.planUuid}`);
  }
}

/** However often a client gives one order, and to whichever conductor, it is one task. Each has a reason of its own. */
function checkGivenOnce({ tasks }: PowerRows): void {
  const reasons = tasks
    .filter(({ requestId, reason }) => requestId !== null && reason !== '')
    .map(({ reason }) => reason);
  const twice = reasons.find((reason, at) => reasons.indexOf(reason) !== at);
  insist(twice === undefined, `the order ${twice} was given again, and has become another power task`);
}

/** What a conductor keeps in memory of the rows is what they are. */
function checkKept({ nodes, tasks }: PowerRows, world: World): void {
  // One that sleeps, or waits for an answer, does not know yet what it has committed.
  if (!world.conductorAlive) return;
  const kept = keptBehind(world.conductor.store.database.read);
  const pairs = [
    ...nodes.map((node) => [node.name, node, kept.node(node.uuid)] as const),
    ...tasks.map((task) => [`power task ${task.uuid}`, task, kept.task(task.uuid)] as const),
  ];
  for (const [what, row, known] of pairs) {
    if (known === undefined || isDeepStrictEqual(known, row)) continue;
    insist(false, `${what} is kept as it is not: ${differences(row, known)}`);
  }
}

function differences(row: object, known: object | undefined): string {
  const other = known as Record<string, unknown> | undefined;
  return Object.entries(row)
    .filter(([key, value]) => !isDeepStrictEqual(value, other?.[key]))
    .map(([key, value]) => `${key} is ${JSON.stringify(value)}, kept as ${JSON.stringify(other?.[key])}`)
    .join(', ');
}

/** When nothing has happened for long. */
export async function checkAtPeace(world: World, witness: Witness): Promise<PowerTaskRow[]> {
  const rows = await checkAlways(world);
  const { nodes, tasks } = rows;
  await checkSettled(rows, world.database);
  for (const node of nodes) {
    checkReceived(
      node,
      tasks.filter(({ nodeUuid }) => nodeUuid === node.uuid),
      world,
      witness,
    );
    const server = world.hardware.get(node.name);
    insist(
      node.powerState === server?.powerState,
      `${node.name} is known as ${node.powerState} but is ${server?.powerState}`,
    );
    insist(node.mayChangeUntil === null, `the window of ${node.name} is still open`);
  }
  return [...tasks];
}

/** Every task is at rest, no node is held, and the events tell of each task what its row says. */
export async function checkSettled({ nodes, tasks }: PowerRows, database: Pick<Database, 'read'>): Promise<void> {
  const told = await readTold(database);
  const at = new Map([...told.keys()].map((uuid, number) => [uuid, number]));
  const inOrder = tasks.toSorted((one, other) => (at.get(one.uuid) ?? 0) - (at.get(other.uuid) ?? 0));
  for (const task of tasks) checkRest(task, inOrder);
  for (const { name, heldBy, targetPowerState } of nodes)
    insist(heldBy === null && targetPowerState === null, `${name} is still held`);
  checkTold(tasks, told);
}

/** @param inOrder all tasks in the order of their commits, which `createdAt` is not where a clock was set back, or another conductor's is behind */
function checkRest(task: PowerTaskRow, inOrder: readonly PowerTaskRow[]): void {
  insist(
    isAtRest(task.state) && task.endedAt !== null,
    `${task.target} ${task.uuid} never came to rest: ${task.state}`,
  );
  if (task.errorCode === 'TIMED_OUT' && isIdempotent(task.target, task.phase))
    insist(
      task.observedPowerState !== phaseSettlesIn(task.target, task.phase),
      `${task.target} ${task.uuid} FAILED although its end state was read`,
    );
  if (task.state === 'ABORTED') insist(task.abortOutcome !== null, `${task.uuid} is ABORTED without an outcome`);
  if (task.abortOutcome === 'NOT_SENT' && !isAbort(task.target))
    insist(task.state === 'ABORTED', `${task.uuid} NOT_SENT but ${task.state}`);
  if (!isAbort(task.target)) return;
  insist(task.abortOutcome !== null, `the abort ${task.uuid} has no outcome`);
  const aborted = inOrder.find(({ uuid }) => uuid === task.abortsTaskUuid);
  insist(
    (task.abortOutcome === 'NOTHING_TO_ABORT') === (aborted === undefined),
    `the abort ${task.uuid} and its task disagree`,
  );
  // An order that was given up may be aborted again: it tells of the last one.
  const last = inOrder.filter(({ abortsTaskUuid }) => abortsTaskUuid === task.abortsTaskUuid).at(-1);
  if (aborted && last === task)
    insist(
      aborted.abortOutcome === task.abortOutcome && aborted.abortTaskUuid === task.uuid,
      `the abort ${task.uuid} has another outcome than its task`,
    );
  if (aborted && task.abortOutcome === 'RECALLED')
    insist(aborted.mayChangeUntil === null, `${aborted.uuid} was recalled, but its window is not closed`);
}

/** What a task may have had sent, each of which at most once, if it is not idempotent. */
const COMMANDS: Readonly<Record<OrderTarget, readonly Received['target'][]>> = {
  'power on': ['power on'],
  'power off': ['power off'],
  rebooting: ['rebooting', 'power on'],
  'soft rebooting': ['soft rebooting', 'soft power off', 'power off', 'power on', 'recall'],
  'soft power off': ['soft power off', 'power off', 'recall'],
  'inject nmi': ['inject nmi'],
};

/** Everything that reached the BMC was ordered, within the task that ordered it, and nothing twice that must not be. */
function checkReceived(node: NodeRow, tasks: readonly PowerTaskRow[], world: World, witness: Witness): void {
  const { forwardMs, backMs } = world.clock.set;
  const wasSet = forwardMs + backMs > 0;
  const start = world.clock.now() - world.clock.monotonic();
  const counts = new Map<string, number>();
  for (const received of world.received.filter(({ address }) => address === node.name)) {
    const at = start + received.at;
    if (received.target === 'recall' && isOfLateAbort(at, tasks, wasSet)) continue;
    const underWay = tasks.filter(
      // If the clock was set, times say nothing; then the order of the commits alone tells which task it was.
      ({ sendingAt, endedAt }) => sendingAt !== null && (wasSet || (sendingAt <= at && at <= (endedAt ?? 0))),
    );
    // Within one millisecond one task may end and the next begin; then the order of the commits tells them apart.
    const fitting = underWay.filter(({ target }) => COMMANDS[target as OrderTarget].includes(received.target));
    const cause = fitting.find(({ uuid }) => uuid === witness.causeOf(received));
    const unserved = fitting.find(({ uuid }) => !counts.has(`${uuid} ${received.target}`));
    const task = cause ?? unserved ?? fitting[0] ?? underWay[0];
    const what = `${received.target} at ${received.at} ms reached ${node.name}`;
    insist(task !== undefined, `${what} although no task had it on its way`);
    insist(COMMANDS[task.target as OrderTarget].includes(received.target), `${what} within a ${task.target}`);
    const key = `${task.uuid} ${received.target}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (!received.target.startsWith('power') && received.target !== 'recall')
      insist(counts.get(key) === 1, `${what} twice for task ${task.uuid}`);
    const denied = task.errorMessage.startsWith('nothing was sent') || task.abortOutcome === 'NOT_SENT';
    insist(
      !denied || isIdempotent(task.target, task.phase),
      `${what}, but task ${task.uuid} says that nothing was sent`,
    );
    if (received.target === 'power on' && task.target === 'soft rebooting')
      insist(task.state !== 'ABORTED', `${what} within an aborted soft reboot`);
    if (received.target === 'recall')
      insist(
        tasks.some(({ abortsTaskUuid, createdAt }) => abortsTaskUuid === task.uuid && (wasSet || createdAt <= at)),
        `${what} but no abort was asked for`,
      );
  }
}

/** An abort that takes back what was given up is a task of its own, and no other is under way. */
function isOfLateAbort(at: number, tasks: readonly PowerTaskRow[], wasSet: boolean): boolean {
  return tasks.some(
    ({ abortsTaskUuid, abortDeadlineAt, createdAt, endedAt }) =>
      abortsTaskUuid !== null &&
      abortDeadlineAt !== null &&
      (wasSet || (createdAt <= at && at <= (endedAt ?? Number.POSITIVE_INFINITY))),
  );
}

/** What the events tell of one power task. */
interface Told {
  readonly phases: readonly string[];
  readonly state: string;
}

/** What the events tell of each power task, in the order in which each was told of first. */
async function readTold({ read }: Pick<Database, 'read'>): Promise<ReadonlyMap<string, Told>> {
  const told = new Map<string, Told>();
  let last = 0;
  const events = (await read('events').orderBy('sequence')).map(decodedOnce(read, eventCodec, 'sequence'));
  for (const { sequence, eventType, payload } of events) {
    insist(sequence > last, `event ${sequence} came after ${last}`);
    last = sequence;
    const data = payload['ironic_object.data'] as { power_task?: { uuid: string; state: string } } | undefined;
    if (!data?.power_task) continue;
    const { uuid, state } = data.power_task;
    told.set(uuid, { phases: [...(told.get(uuid)?.phases ?? []), eventType.split('.').at(-1) as string], state });
  }
  return told;
}

/** Each start has exactly one end or error, and replaying the events gives the states of the rows. */
function checkTold(tasks: readonly PowerTaskRow[], told: ReadonlyMap<string, Told>): void {
  for (const task of tasks) {
    const { phases = [], state } = told.get(task.uuid) ?? {};
    const ending = task.state === 'SUCCEEDED' ? 'end' : 'error';
    insist(
      phases.join(' ') === `start ${ending}`,
      `the events of ${task.target} ${task.uuid} (${task.state}) are: ${phases.join(' ')}`,
    );
    insist(state === task.state, `the events leave ${task.uuid} ${state}, the row says ${task.state}`);
  }
}
