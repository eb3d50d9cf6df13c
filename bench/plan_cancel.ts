/**
 * How long does a cancel take, from the call until everything that waited is CANCELLED and everything that ran is being
 * taken back? A tenth of the actions run: soft power offs that never end, on nodes of the driver `fake`, or sleeps.
 */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/core/clock.ts';
import { type Action, ActionState } from '../src/gen/countermand/v1/action_plan.ts';
import { PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import { durableWrite } from './durable_write.ts';
import type { Row } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';

const SIZES = [100, 1000, 10_000];
const AIM = { median: 1000 };

/** The rows: for each size, the last action written off, and the last order being taken back. */
export async function planCancel(signal: AbortSignal): Promise<Row[]> {
  const write = await durableWrite();
  const rows = await withFleet(['--recall-confirm', '0', '--start-timeout', '600'], ask, signal);
  return [write, ...rows];
}

async function ask(fleet: Fleet): Promise<Row[]> {
  const nodes = await fleet.enrolFake((SIZES.at(-1) ?? 0) / 10, { fake_soft_ms: 'never' });
  await cancelOf(nodes.slice(0, 100), 1000, fleet);
  const rows: Row[] = [];
  for (const size of SIZES) {
    const { writtenOff, takingBack } = await cancelOf(nodes.slice(0, size / 10), size, fleet);
    const what = `${size / 10} soft power offs under way, ${size - size / 10} actions waiting`;
    const aim = size === 10_000 ? AIM : undefined;
    rows.push({ what: `${what}: the last is CANCELLED`, times: [writtenOff], aim });
    rows.push({ what: `${what}: the last abort is on its way`, times: [takingBack], aim });
  }
  return rows;
}

/** The milliseconds from the call to both. */
async function cancelOf(nodes: readonly string[], size: number, fleet: Fleet) {
  const running = nodes.map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state: 'soft power off' },
  }));
  const waiting = Array.from({ length: size - nodes.length }, (_, at) => ({ name: `nop ${at}`, actionType: 'nop' }));
  const actions = [...running, ...waiting];
  const { plans } = fleet.conductor;
  const wanted = { name: `cancel ${size}`, requestId: randomUUID(), maxParallel: nodes.length, actions };
  const actionPlan = (await plans.createActionPlan(wanted)).actionPlan?.uuid ?? '';
  await plans.startActionPlan({ actionPlan });
  await untilConfirming(nodes.length, fleet);
  return timeCancel(actionPlan, nodes.length, size, fleet);
}

/** Resolves when so many orders are under way at their BMCs. */
async function untilConfirming(count: number, { conductor }: Fleet): Promise<void> {
  for (;;) {
    const { tasks } = await conductor.power.listPowerTasks({ unsettled: true, pageSize: 1000 });
    if (tasks.filter(({ state }) => state === PowerTaskState.CONFIRMING).length === count) return;
  }
}

async function timeCancel(actionPlan: string, running: number, size: number, { conductor }: Fleet) {
  const startedAt = systemClock.monotonic();
  const times = { writtenOff: 0, takingBack: 0 };
  const dropped = new Set<string>();
  const taken = new Set<string>();
  for await (const { actions } of conductor.plans.cancelActionPlan({ actionPlan })) {
    for (const action of actions) (ranWhen(action) ? taken : dropped).add(isOver(action) ? action.uuid : '');
    dropped.delete('');
    taken.delete('');
    if (dropped.size === size - running) times.writtenOff ||= systemClock.monotonic() - startedAt;
    if (taken.size === running) times.takingBack ||= systemClock.monotonic() - startedAt;
  }
  return times;
}

const ranWhen = ({ startedAt }: Action): boolean => startedAt !== undefined;
const isOver = ({ state }: Action): boolean => state === ActionState.CANCELLED || state === ActionState.CANCELLING;
