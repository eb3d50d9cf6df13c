/** What the conductors have stored beside what the BMCs have received: what is lost, what was done twice, and what is stuck. */
import type { Client } from '../../src/cli/shared/connection.ts';
import { type ActionPlan, ActionPlanState, actionPlanStateToJSON } from '../../src/gen/countermand/v1/action_plan.ts';
import {
  PowerState,
  PowerTarget,
  type PowerTask,
  PowerTaskState,
  powerTaskStateToJSON,
} from '../../src/gen/countermand/v1/power.ts';
import type { ChassisCommand } from '../../src/sim/chassis.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import type { Done } from './lane.ts';

/** What was found. Each list is empty when all is well. */
export interface Verdict {
  /** How many power tasks are stored. */
  readonly tasks: number;
  /** How many of them have failed, by the code of the error. */
  readonly failed: ReadonlyMap<string, number>;
  /** How many orders the real BMCs have received. */
  readonly received: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly stuck: readonly string[];
}

const UNSETTLED: readonly PowerTaskState[] = [
  PowerTaskState.QUEUED,
  PowerTaskState.SENDING,
  PowerTaskState.CONFIRMING,
  PowerTaskState.ABORTING,
];
const UNDER_WAY: readonly ActionPlanState[] = [
  ActionPlanState.PENDING,
  ActionPlanState.ONGOING,
  ActionPlanState.CANCELLING,
];

/** Looks at everything, when nothing more is ordered and every node was powered on. */
export async function audit(client: Client, done: Done, bmcs: ReadonlyMap<string, IpmiSim>): Promise<Verdict> {
  const tasks = await allTasks(client);
  const plans = await allPlans(client);
  const lost = [...missing('plan', done.plans, plans), ...missing('order', done.orders, tasks)];
  const doubled: string[] = [];
  const stuck = [
    ...plans
      .filter(({ state }) => UNDER_WAY.includes(state))
      .map(({ uuid, state }) => `plan ${uuid} is ${actionPlanStateToJSON(state)}`),
    ...tasks
      .filter(({ state }) => UNSETTLED.includes(state))
      .map(({ uuid, state }) => `order ${uuid} is ${powerTaskStateToJSON(state)}`),
  ];
  let received = 0;
  for (const [name, bmc] of bmcs) {
    const commands = (await bmc.received()).filter((command) => command !== 'status');
    received += commands.length;
    const own = tasks.filter(({ nodeName }) => nodeName === name);
    const found = compare(name, commands, own);
    lost.push(...found.lost);
    doubled.push(...found.doubled);
    const power = await bmc.power();
    if (power !== 'power on') lost.push(`${name} is in state '${power}' after the last power on`);
  }
  await checkEvents(client, tasks, { lost, doubled });
  const failed = new Map<string, number>();
  for (const { state, errorCode } of tasks)
    if (state === PowerTaskState.FAILED) failed.set(errorCode, (failed.get(errorCode) ?? 0) + 1);
  return { tasks: tasks.length, failed, received, lost, doubled, stuck };
}

/** What `compare` must know of an order. */
export type Ordered = Pick<PowerTask, 'target' | 'state' | 'beforePowerState' | 'sendingAt'>;

/**
 * The commands that a BMC has received beside the orders for its node, by the kinds that must not be sent twice. Nothing orders a hard
 * power off. A power on is idempotent and may be repeated, so it is not counted.
 */
export function compare(
  name: string,
  commands: readonly ChassisCommand[],
  orders: readonly Ordered[],
): { lost: string[]; doubled: string[] } {
  const soft = orders.filter(({ target }) => target === PowerTarget.SOFT_POWER_OFF);
  // One for a node that is off powers it on.
  const reset = orders.filter(
    ({ target, beforePowerState }) => target === PowerTarget.REBOOT && beforePowerState === PowerState.ON,
  );
  const found = { lost: [] as string[], doubled: [] as string[] };
  for (const [command, expected] of Object.entries({ soft, reset, off: [] })) {
    const count = commands.filter((one) => one === command).length;
    const { least, most } = boundsOf(expected);
    if (count < least) found.lost.push(`${name} has received ${count} x ${command}; ${least} orders have succeeded`);
    if (count > most) found.doubled.push(`${name} has received ${count} x ${command}; ${most} orders were sent`);
  }
  return found;
}

/** How many commands such orders have cost: one each that has succeeded, and at most one each of the others that were sent. */
function boundsOf(orders: readonly Ordered[]): { least: number; most: number } {
  const sent = orders.filter(({ sendingAt }) => sendingAt !== undefined);
  return { least: sent.filter(({ state }) => state === PowerTaskState.SUCCEEDED).length, most: sent.length };
}

function missing(what: string, accepted: readonly string[], stored: readonly { readonly uuid: string }[]): string[] {
  const known = new Set(stored.map(({ uuid }) => uuid));
  return accepted.filter((uuid) => !known.has(uuid)).map((uuid) => `${what} ${uuid} was accepted, and is not stored`);
}

/** Every order has one start, and one end or error. */
async function checkEvents(
  { notifications }: Client,
  tasks: readonly PowerTask[],
  { lost, doubled }: { readonly lost: string[]; readonly doubled: string[] },
): Promise<void> {
  const told = new Map<string, number>();
  for await (const { event } of notifications.subscribe({ fromSequence: 0n, stopAtPresent: true })) {
    const uuid = event?.payload?.['ironic_object.data']?.power_task?.uuid;
    const phase = /power_(?:set|abort)\.(start|end|error)$/.exec(event?.eventType ?? '')?.[1];
    if (uuid === undefined || phase === undefined) continue;
    const key = `${uuid} ${phase === 'start' ? 'start' : 'end'}`;
    told.set(key, (told.get(key) ?? 0) + 1);
  }
  for (const { uuid } of tasks)
    for (const phase of ['start', 'end']) {
      const times = told.get(`${uuid} ${phase}`) ?? 0;
      if (times === 0) lost.push(`the ${phase} of order ${uuid} was not told`);
      if (times > 1) doubled.push(`the ${phase} of order ${uuid} was told ${times} times`);
    }
}

async function allTasks({ power }: Client): Promise<PowerTask[]> {
  const all: PowerTask[] = [];
  for (let pageToken = ''; ; ) {
    const { tasks, nextPageToken } = await power.listPowerTasks({ pageSize: 1000, pageToken });
    all.push(...tasks);
    if (nextPageToken === '') return all;
    pageToken = nextPageToken;
  }
}

async function allPlans({ plans }: Client): Promise<ActionPlan[]> {
  const all: ActionPlan[] = [];
  for (let pageToken = ''; ; ) {
    const { actionPlans, nextPageToken } = await plans.listActionPlans({ pageSize: 1000, pageToken });
    all.push(...actionPlans);
    if (nextPageToken === '') return all;
    pageToken = nextPageToken;
  }
}
