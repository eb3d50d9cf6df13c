/**
 * One run of the whole system under a seed: random plans, orders, cancels, aborts, faults and crashes, then peace; the
 * invariants are checked on the way and at the end. The same seed is the same run.
 */
import { POWER_TASK_REST } from '../../src/core/states.ts';
import { ACTION_TIMEOUT_MS } from '../../src/server/plans/check.ts';
import type { ActionPlanRow, ActionRow, AuditRow } from '../../src/server/store/plan_rows.ts';
import type { PowerTaskRow } from '../../src/server/store/rows.ts';
import { World } from '../world/world.ts';
import { AuditOrders } from './audit_orders.ts';
import { Exchanges, firstGuid, hasGuids } from './exchanges.ts';
import { Holders } from './holders.ts';
import { insist } from './insist.ts';
import { PlanChecks, type PlanRows } from './plan_invariants.ts';
import { PlanOrders } from './plan_orders.ts';
import { checkAlways, checkAtPeace } from './power_invariants.ts';
import { PowerOrders } from './power_orders.ts';
import { checkPruning } from './pruning.ts';
import { Readings } from './readings.ts';
import { RollbackOrders } from './rollback_orders.ts';
import { RollbackWitness } from './rollback_witness.ts';
import { differenceOf, severalOf } from './several_faults.ts';
import { clockSettingsOf, type Move, Simulation } from './simulation.ts';
import { Subscriber } from './subscriber.ts';
import { Witness } from './witness.ts';

const STEPS = 30;
/** After this step, it is tried what would be deleted if it were old. */
const PRUNED_AT = 15;
/** In a third of the seeds: it takes a tenth of a run. */
const isPruned = (seed: number): boolean => seed % 3 === 1;

/** What a run was like, to see that runs reach what they should. */
export interface Summary {
  readonly seed: number;
  readonly audits: readonly AuditRow[];
  readonly plans: readonly ActionPlanRow[];
  readonly actions: readonly ActionRow[];
  readonly tasks: readonly PowerTaskRow[];
  readonly crashes: number;
  readonly takeOvers: number;
  /** How often one of several conductors was elected. */
  readonly elections: number;
  readonly received: number;
  /** How many nodes were found to be what they were before a plan that was rolled back. */
  readonly found: number;
}

/** The parts of one run. */
interface Run {
  readonly world: World;
  readonly simulation: Simulation;
  readonly exchanges: Exchanges;
  readonly witness: Witness;
  readonly holders: Holders;
  readonly readings: Readings;
  readonly subscriber: Subscriber;
  readonly rollbackWitness: RollbackWitness;
  readonly audits: AuditOrders;
  readonly checks: PlanChecks;
  /** What may happen, each as often as it is likely. */
  readonly moves: readonly Move[1][];
}

/**
 * Runs one seed. @throws with the seed in the message, at the first broken invariant
 * @param everyWriteTwice every callback of a write runs twice, and must not show it
 */
export async function simulate(seed: number, everyWriteTwice = seed % 8 === 5): Promise<Summary> {
  const several = severalOf(seed);
  const world = await World.create({
    seed,
    ...(several ? { several } : {}),
    latencyMs: [0, 0, 50, 900][seed % 4] as number,
    everyWriteTwice,
    softRebootInOneCommand: seed % 3 === 0,
    recalls: seed % 5 !== 0,
    limits: {
      softPowerOffTimeoutMs: 100_000,
      syncPowerStateIntervalMs: 90_000,
      cancelDeadlineMs: seed % 2 === 0 ? 15_000 : 120_000,
      rollbackWindowMs: 300_000,
      actionPlanExpiryMs: seed % 4 === 1 ? 60_000 : 600_000,
      checkPeriodicIntervalMs: 30_000,
    },
  });
  if (several) world.clock.differ(differenceOf(several));
  try {
    const run = prepare(world, seed);
    await run.simulation.begin();
    for (let step = 0; step < STEPS; step += 1) {
      await takeStep(run);
      if (step !== PRUNED_AT || !isPruned(seed)) continue;
      // It may have died at what the checks have read.
      await run.simulation.restartTheDead();
      await checkPruning(world, world.chance.pick([1000, 30_000, 120_000]));
    }
    const rows = await makePeace(run);
    const tasks = await checkAtPeace(world, run.witness);
    const isThere = new Set(tasks.map(({ uuid }) => uuid));
    for (const uuid of run.simulation.accepted)
      insist(isThere.has(uuid) || isPruned(seed), `power task ${uuid} was accepted, and is lost`);
    if (isPruned(seed)) await checkPruning(world, 1000);
    await world.end();
    if (world.clock.timers > 0) throw new Error(`${world.clock.timers} timers are left`);
    return {
      seed,
      ...rows,
      tasks,
      crashes: run.simulation.crashes,
      takeOvers: run.simulation.takeOvers,
      elections: world.several?.elections ?? 0,
      received: world.received.length,
      found: run.rollbackWitness.found,
    };
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message} (replay: npm run sim -- ${seed})`, { cause: error });
  } finally {
    await world.close();
  }
}

function prepare(world: World, seed: number): Run {
  const simulation = new Simulation(world, clockSettingsOf(seed), hasGuids(seed) ? firstGuid : () => ({}));
  const exchanges = new Exchanges(simulation);
  const witness = new Witness();
  const holders = new Holders(world);
  const readings = new Readings(world);
  const subscriber = new Subscriber(world);
  world.onSent = (sent) => holders.sent(sent);
  world.onCommand = (command) => holders.begun(command);
  world.onWelcome = (agent, epoch) => holders.welcomed(agent, epoch);
  world.onAgentDead = (agent) => holders.dead(agent);
  simulation.hear((change) => witness.hear(change));
  world.onReceived = (received) => {
    witness.see(received);
    exchanges.see(received);
  };
  const plans = new PlanOrders(simulation);
  // Every sixth seed is about power orders alone.
  const rollbacks = new RollbackOrders(simulation, plans);
  const audits = new AuditOrders(simulation, plans);
  const auditMoves = seed % 2 === 0 ? [] : audits.moves();
  const planMoves = seed % 6 === 0 ? [] : [...plans.moves(), ...rollbacks.moves(), ...auditMoves];
  const exchangeMoves = hasGuids(seed) ? exchanges.moves() : [];
  const orderMoves = [...new PowerOrders(simulation).moves(), ...planMoves];
  const weighted = [...simulation.faults(), ...orderMoves, ...exchangeMoves];
  const moves = weighted.flatMap(([weight, move]) => Array<Move[1]>(weight).fill(move));
  const rollbackWitness = new RollbackWitness(world, plans, rollbacks);
  simulation.hear((change) => {
    if (change.kind === 'node') rollbackWitness.hearNode(change.node);
    if (change.kind === 'node') exchanges.hearNode(change.node);
    if (change.kind === 'node') holders.hearNode(change.node);
    if (change.kind === 'node') readings.hearNode(change.node);
    if (change.kind === 'plan') rollbackWitness.hearPlan(change.plan);
  });
  const checks = new PlanChecks(world, witness, plans, audits, { orders: rollbacks, witness: rollbackWitness });
  return {
    world,
    simulation,
    exchanges,
    witness,
    holders,
    readings,
    subscriber,
    rollbackWitness,
    audits,
    checks,
    moves,
  };
}

async function takeStep({
  world,
  simulation,
  exchanges,
  holders,
  readings,
  subscriber,
  checks,
  moves,
}: Run): Promise<void> {
  // What has subscribed since the last step reads as well, and each read may be the one at which a conductor dies.
  await simulation.restartTheDead();
  // A conductor that is called may sleep, or wait for its database, in the middle of it.
  await world.clock.finish(Promise.resolve(world.chance.pick(moves)()));
  await world.clock.turn(world.chance.pick([0, 0, 10, 300, 2000, 7000, 20_000]));
  await simulation.afterAmbushes();
  await simulation.restartTheDead();
  subscriber.attend(world.chance.happens(0.1));
  await checkAlways(world);
  holders.check();
  readings.check();
  exchanges.check();
  await checks.always();
}

/** The last fault is over: everything must come to rest by itself, within its limits. */
async function makePeace({
  world,
  simulation,
  exchanges,
  witness,
  holders,
  readings,
  subscriber,
  audits,
  checks,
}: Run): Promise<PlanRows> {
  await simulation.makePeace();
  exchanges.end();
  await audits.endAll();
  if (world.chance.happens(0.3)) await goOnWithoutAgents(world, simulation);
  const limitMs = longestMs(await checks.always(), world);
  // What was written before the clock was set back may last longer by as much, if the conductor has died since.
  const { backMs } = world.clock.set;
  await world.clock.turnUntil(() => witness.quiet, limitMs + backMs);
  await world.clock.turn(60_000);
  // A fault that was under way may have taken the lead from a conductor, and with that the agents inside it.
  if (world.agents.size === 0) await simulation.startAgent();
  await world.clock.turn(10 * 60_000 + backMs);
  holders.check();
  readings.check();
  await subscriber.end();
  return checks.atPeace();
}

/**
 * How long the plans may take that are not at rest, if each action takes its whole time, all come one by one, and each has
 * to be undone.
 */
function longestMs({ plans, actions }: PlanRows, { limits }: World): number {
  const started = plans.filter(({ state }) => ['PENDING', 'ONGOING', 'CANCELLING'].includes(state));
  const left = started.flatMap(({ uuid }) => actions.filter(({ planUuid }) => planUuid === uuid));
  const undoMs = ACTION_TIMEOUT_MS.fallback + limits.cancelDeadlineMs;
  return left.reduce((sum, { timeoutMs }) => sum + timeoutMs + limits.cancelDeadlineMs + undoMs, 0);
}

/** With no agent left to ask, every power task still comes to rest, by its deadlines alone. */
async function goOnWithoutAgents(world: World, simulation: Simulation): Promise<void> {
  await simulation.killAgents();
  await world.clock.turn(15 * 60_000 + world.clock.set.backMs);
  const unsettled = await world.database.read('power_tasks').whereNotIn('state', [...POWER_TASK_REST]);
  if (unsettled.length > 0) throw new Error(`without agents ${unsettled[0].uuid} stays ${unsettled[0].state} for ever`);
  await simulation.startAgent();
}
