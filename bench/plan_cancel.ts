/**
 * How long does a cancel take, from the call until everything that waited is CANCELLED and everything that ran is being
 * taken back? A tenth of the actions run: soft power offs that never end, on nodes of the driver `fake`, or sleeps.
 */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/core/clock.ts';
import { sleep } from '../src/core/signals.ts';
import { type Action, ActionState } from '../src/gen/countermand/v1/action_plan.ts';
import { PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import { durableWrite } from './durable_write.ts';
import type { Row } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';

const SIZES = [100, 1000, 10_000];
/** Until the last is being taken back. */
const AIM = { median: 500 };

/** The rows: for each size, the last action written off, and the last that ran being taken back. */
export async function planCancel(signal: AbortSignal): Promise<Row[]> {
  const write = await durableWrite();
  const rows = await withFleet(['--start-timeout', '600'], ask, signal);
  return [write, ...rows];
}

async function ask(fleet: Fleet): Promise<Row[]> {
  const nodes = await fleet.enrolFake((SIZES.at(-1) ?? 0) / 10, { fake_soft_ms: 'never' });
  const sleeps = nodes.map((node) => ({ name: node, actionType: 'sleep', inputParameters: { duration: 3600 } }));
  const orders = nodes.map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state: 'soft power off' },
  }));
  await cancelOf(orders.slice(0, 100), 1000, fleet);
  return [...(await askAbout('sleeps', sleeps, fleet)), ...(await askAbout('soft power offs', orders, fleet))];
}

async function askAbout(what: string, running: readonly Running[], fleet: Fleet): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SIZES) {
    const { writtenOff, takingBack } = await cancelOf(running.slice(0, size / 10), size, fleet);
    const aim = size === 10_000 ? AIM : undefined;
    const both = `${size / 10} ${what} under way, ${size - size / 10} actions waiting`;
    rows.push({ what: `${both}: the last is CANCELLED`, times: [writtenOff] });
    rows.push({ what: `${both}: the last is being taken back`, times: [takingBack], aim });
  }
  return rows;
}

interface Running {
  readonly name: string;
  readonly actionType: string;
  readonly inputParameters: Readonly<Record<string, unknown>>;
}

/** The milliseconds from the call to both. */
async function cancelOf(running: readonly Running[], size: number, fleet: Fleet) {
  const waiting = Array.from({ length: size - running.length }, (_, at) => ({ name: `nop ${at}`, actionType: 'nop' }));
  const { plans } = fleet.conductor;
  const wanted = { name: `cancel ${size}`, requestId: randomUUID(), maxParallel: running.length };
  const { actionPlan: plan, takesDown } = await plans.createActionPlan({
    ...wanted,
    actions: [...running, ...waiting],
  });
  const actionPlan = plan?.uuid ?? '';
  await plans.startActionPlan({ actionPlan, expectTakenDown: takesDown?.count });
  await untilUnderWay(actionPlan, running, fleet);
  return timeCancel(actionPlan, running.length, size, fleet);
}

/** Resolves when everything that is to run does, and its orders are under way at their BMCs. */
async function untilUnderWay(
  actionPlan: string,
  running: readonly Running[],
  { conductor, signal }: Fleet,
): Promise<void> {
  const orders = running.filter(({ actionType }) => actionType !== 'sleep').length;
  for (;;) {
    const { actionPlan: plan } = await conductor.plans.getActionPlan({ actionPlan, pageSize: 1 });
    const begun = plan?.counts.find(({ state }) => state === ActionState.ONGOING)?.count;
    const { tasks } = await conductor.power.listPowerTasks({ unsettled: true, pageSize: 1000 });
    const sent = tasks.filter(({ state }) => state === PowerTaskState.CONFIRMING).length;
    if (begun === running.length && sent === orders) return;
    await sleep(200, systemClock, signal);
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
