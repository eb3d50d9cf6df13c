/**
 * A storm: clients that call every RPC with whatever comes, agents that lie, BMCs that change their minds, nodes without a
 * route, a disk that is full or fails, and kills. Beside them one client does its work. At the end everything comes to rest,
 * the trail is whole, and the invariants of the simulation hold.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { sleep } from '../../src/core/signals.ts';
import { isAtRest } from '../../src/core/states.ts';
import { ActionPlanState } from '../../src/gen/countermand/v1/action_plan.ts';
import { AuditState } from '../../src/gen/countermand/v1/audit.ts';
import { HEALTHY } from '../../src/sim/ipmi/sim_bmc.ts';
import { never } from '../counterparts/signals.ts';
import { newSimBmc, type TestedBmc } from '../counterparts/sim_bmc.ts';
import { allTasks, type Client } from '../e2e/client.ts';
import { type House, openHouse } from '../e2e/house.ts';
import { order, untilAtRest } from '../e2e/orders.ts';
import { checkTrail } from '../e2e/trail.ts';
import { type SeededChance, seededChance } from '../world/chance.ts';
import { Caller, type Tally } from './callers.ts';
import { failWrites, healWrites, StormDisk } from './disk.ts';
import { HttpCaller } from './http_callers.ts';
import { type Checked, checkWhatIsLeft } from './invariants.ts';
import { lie } from './liars.ts';
import { Messages, methodsOf } from './messages.ts';

/** How much of a storm. */
export interface StormPlan {
  readonly seed: number;
  readonly callers: number;
  /** Calls of each caller. */
  readonly calls: number;
  /** How many times the conductor is killed and started again. */
  readonly kills: number;
}

/** The result of a storm. */
export interface StormResult {
  readonly tally: Tally;
  /** The longest hold-up of the event loop, in ms of processor time of the conductor's main thread. */
  readonly longestHoldUpMs: number;
  /** The orders of the client that does its work. */
  readonly ownOrders: number;
  /** How often the disk was full or failed. */
  readonly troubles: number;
  /** What was found to be as it must be in the database that was left. */
  readonly checked: Checked;
}

const PROBE = new URL('../../scripts/loop_probe.mjs', import.meta.url);
const BMCS = 6;
const DISK_MEGABYTES = 160;
const UNSETTLED_PLANS = [ActionPlanState.PENDING, ActionPlanState.ONGOING, ActionPlanState.CANCELLING];
/** Short, so that what hangs is over soon after the storm. */
const SETTINGS = {
  sync_power_state_interval: 1,
  start_timeout: 10,
  abort_timeout: 5,
  power_state_change_timeout: 5,
  soft_power_off_timeout: 5,
  cancel_deadline: 5,
  recall_confirm: 0.2,
  agent_lease: 30,
  log_level: 'info',
};

/**
 * Runs a storm and resolves when everything has come to rest. Throws where the product did what it must not.
 * @param folder for what the storm notes
 */
export async function storm(t: ExecutionContext, plan: StormPlan, folder: string): Promise<StormResult> {
  const chance = seededChance(plan.seed);
  const variables = {
    NODE_OPTIONS: `--import ${PROBE.href}`,
    LOOP_PROBE: join(folder, 'hold_up'),
    COUNTERMAND_SECRET_STORM: 'a-secret-of-the-storm',
  };
  const mounted = Promise.withResolvers<StormDisk>();
  const house = await openHouse(t, {
    settings: SETTINGS,
    http: true,
    variables,
    async disk(data) {
      const small = await StormDisk.mount(t, data, DISK_MEGABYTES);
      mounted.resolve(small);
      return small.within;
    },
  });
  const disk = await mounted.promise;
  const bmcs = await enrolAll(t, house);
  const tally: Tally = { calls: 0, overHttp: 0, answers: new Map(), faults: [] };
  const over: Over = { isOver: false, isRestarting: false, trouble: Promise.resolve(), troubles: 0 };
  const beside = [
    mutateBmcs(bmcs, chance, over),
    lieOnAndOn(house, chance, over),
    breakDisk(house, disk, chance, over),
  ];
  const own = workOn(house, over);
  for (let round = 0; round <= plan.kills; round += 1) {
    if (round > 0) await restart(house, disk, over);
    await callAll(house, plan, round, chance, tally);
  }
  over.isOver = true;
  await Promise.all(beside);
  const ownOrders = await own;
  for (const { bmc } of bmcs) bmc.faults = HEALTHY;
  await comeToRest(house.client);
  await checkTrail(t, house.client);
  const longestHoldUpMs = Math.max(...readFileSync(variables.LOOP_PROBE, 'utf8').trim().split('\n').map(Number));
  house.conductor.signal('SIGTERM');
  t.is(await house.conductor.ended, 0);
  const reached = bmcs.map(({ uuid, bmc }) => ({ nodeUuid: uuid, received: bmc.received }));
  const left = join(folder, 'left');
  await disk.copyTo(left);
  const checked = await checkWhatIsLeft(left, reached);
  return { tally, longestHoldUpMs, ownOrders, troubles: over.troubles, checked };
}

/** Killed at any moment, also while the disk is full or fails; it starts again when the disk is back. */
async function restart(house: House, disk: StormDisk, over: Over): Promise<void> {
  over.isRestarting = true;
  await house.kill('conductor');
  await over.trouble;
  disk.free();
  await house.start('conductor');
  over.isRestarting = false;
}

/** A BMC, and the node behind which it stands. */
interface EnrolledBmc extends TestedBmc {
  readonly uuid: string;
}

async function enrolAll(t: ExecutionContext, { client }: House): Promise<EnrolledBmc[]> {
  const bmcs: EnrolledBmc[] = [];
  for (let at = 1; at <= BMCS; at += 1) {
    const bmc = await newSimBmc(t);
    const { node } = await client.nodes.createNode({
      name: `n${at}`,
      driver: 'ipmi',
      driverInfo: { ...bmc.info },
      labels: { rack: '7' },
    });
    bmcs.push({ ...bmc, uuid: node?.uuid ?? '' });
  }
  const nowhere = { ipmi_address: '255.255.255.255', ipmi_username: 'u', ipmi_password: 'p' };
  await client.nodes.createNode({ name: 'routeless', driver: 'ipmi', driverInfo: nowhere });
  await client.nodes.createNode({ name: 'own', driver: 'fake', driverInfo: { fake_address: 'own' }, zone: 'default' });
  // Where the disk is full for most of a storm, its callers may make none of these.
  const name = 'before the storm';
  const actions = [{ name: 'a', actionType: 'nop', inputParameters: {} }];
  await client.plans.createActionPlan({ name, actions });
  await client.audits.createAudit({ name, strategy: 'dummy' });
  return bmcs;
}

/** All callers, until each has made its calls; beside them, one calls over HTTP until then. */
async function callAll(
  house: House,
  plan: StormPlan,
  round: number,
  chance: SeededChance,
  tally: Tally,
): Promise<void> {
  const methods = methodsOf();
  const names = ['routeless', 'default', 'fake', 'ipmi', 'nop', 'sleep', 'dummy', 'host_maintenance', 'rack', '7'];
  const words = [...names, ...Array.from({ length: BMCS }, (_, at) => `n${at + 1}`)];
  const work = async (at: number): Promise<void> => {
    const own = seededChance(plan.seed + 1000 * round + at);
    const caller = new Caller(house.address, methods, new Messages(own, words), own, tally);
    for (let count = 0; count < plan.calls; count += 1) await caller.call();
    caller.close();
  };
  let isOver = false;
  const beside = async (at: number): Promise<void> => {
    const own = seededChance(plan.seed + 1000 * round + at);
    const caller = new HttpCaller(house.http, new Messages(own, words), own, tally);
    while (!isOver) await caller.call();
    caller.close();
  };
  const overHttp = beside(501);
  await Promise.all(Array.from({ length: plan.callers }, (_, at) => work(at + chance.between(1, 9) * 100)));
  isOver = true;
  await overHttp;
}

interface Over {
  isOver: boolean;
  /** The conductor is being started: the disk is left alone. */
  isRestarting: boolean;
  /** Resolves when the disk is whole again. */
  trouble: Promise<void>;
  /** How often the disk was full or failed. */
  troubles: number;
}

/** A storm has a pace: what it does is not waited for. */
const pause = (ms: number): Promise<void> => sleep(ms, systemClock, never());

async function mutateBmcs(bmcs: readonly TestedBmc[], chance: SeededChance, over: Over): Promise<void> {
  while (!over.isOver) {
    const { bmc } = chance.pick(bmcs);
    const faults = {
      silent: chance.happens(0.2),
      hung: chance.happens(0.1),
      loss: chance.pick([0, 0, 0.3]),
      duplicates: chance.pick([0, 0.3]),
      reorders: chance.pick([0, 0.3]),
    };
    bmc.faults = { ...HEALTHY, ...faults, holdsOrdersMs: chance.pick([0, 0, 500]) };
    if (chance.happens(0.1)) bmc.restart(200, 200, 200);
    await pause(chance.between(20, 200));
  }
}

/** The disk is full for a moment, or fails, again and again. */
async function breakDisk(house: House, disk: StormDisk, chance: SeededChance, over: Over): Promise<void> {
  while (!over.isOver) {
    await pause(chance.between(100, 1000));
    if (over.isRestarting) continue;
    over.trouble = chance.happens(0.5) ? fullForAMoment(disk, chance) : failingForAMoment(house, chance);
    over.troubles += 1;
    await over.trouble;
  }
}

async function fullForAMoment(disk: StormDisk, chance: SeededChance): Promise<void> {
  await disk.fill();
  await pause(chance.between(50, 500));
  disk.free();
}

async function failingForAMoment({ conductor: { pid } }: House, chance: SeededChance): Promise<void> {
  const isThere = failWrites(pid, chance.pick([0, 2 ** 16, 2 ** 20]));
  await pause(chance.between(50, 500));
  if (isThere) healWrites(pid);
}

async function lieOnAndOn(house: House, chance: SeededChance, over: Over): Promise<void> {
  while (!over.isOver) {
    const tasks = await allTasks(house.client).catch(() => []);
    await lie(
      house.address,
      tasks.map(({ uuid }) => uuid),
      ['elsewhere', 'nowhere'],
      chance,
    );
  }
}

/** The client that does its work: its node is served all the time. A kill of the conductor ends a stream, never an order. */
async function workOn(house: House, over: Over): Promise<number> {
  let orders = 0;
  while (!over.isOver) {
    const target = orders % 2 === 0 ? 'OFF' : 'ON';
    try {
      const task = await untilAtRest(order(house.client, 'own', target));
      if (task.state !== 'SUCCEEDED' && task.errorCode !== 'AGENT_NOT_ATTACHED')
        throw new Error(`${target} of own is ${task.state}: ${task.errorCode} ${task.errorMessage}`);
      orders += 1;
    } catch (error) {
      if (
        !['UNAVAILABLE', 'CANCELLED', 'NOT_FOUND', 'FAILED_PRECONDITION', 'RESOURCE_EXHAUSTED'].includes(
          (error as { status?: string }).status ?? '',
        )
      )
        throw error;
      // Killed, or without a disk, or a caller has deleted or ordered the node: it is enrolled again.
      await pause(20);
      await house.client.nodes
        .createNode({ name: 'own', driver: 'fake', driverInfo: { fake_address: 'own' } })
        .catch(() => {});
    }
  }
  return orders;
}

/** Ends what the storm has left to run for hours, and resolves when nothing is unsettled. */
async function comeToRest(client: Client): Promise<void> {
  for (;;) {
    const { audits } = await client.audits.listAudits({
      pageSize: 1000,
      states: [AuditState.PENDING, AuditState.ONGOING],
    });
    for (const { uuid } of audits) await client.audits.cancelAudit({ audit: uuid }).catch(() => {});
    const { actionPlans } = await client.plans.listActionPlans({ pageSize: 1000, states: UNSETTLED_PLANS });
    for (const { uuid } of actionPlans) await cancelPlan(uuid, client).catch(() => {});
    const running = (await allTasks(client)).filter(({ state }) => !isAtRest(state));
    if (audits.length + actionPlans.length + running.length === 0) return;
    for (const { uuid } of running)
      await client.power.withdrawPowerTask({ task: uuid, stopWaiting: true }).catch(() => {});
    await pause(200);
  }
}

/** Until it is cancelled, not until all of it is taken back. */
async function cancelPlan(actionPlan: string, { plans }: Client): Promise<void> {
  for await (const _ of plans.cancelActionPlan({ actionPlan })) return;
}
