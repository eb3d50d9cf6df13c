/** The conductor without its sockets: what owns the database, the power tasks and the agents, put together. */

import { NO_CLOUDS } from '../compute/client.ts';
import type { Clouds } from '../compute/compute.ts';
import { type CountermandError, fail } from '../core/errors.ts';
import { openCancellation } from '../core/signals.ts';
import { NO_TRACES } from '../core/tracing.ts';
import { Access } from './access/access.ts';
import { Approvals } from './access/approvals.ts';
import { Tokens } from './access/tokens.ts';
import { listenerOf } from './agent_listener.ts';
import { Admission, type SecondAgent } from './agents/admission.ts';
import { Attachments } from './agents/attachments.ts';
import { ALONE, type Leading } from './agents/leading.ts';
import { Audits } from './audits/audits.ts';
import { FollowedClouds } from './clouds/clouds.ts';
import type { WatchedCloud } from './clouds/watched.ts';
import { Disk } from './disk.ts';
import { logChanges } from './events/logged.ts';
import { traceChanges } from './events/traced.ts';
import type { Log, LogLevel } from './log.ts';
import { Engine } from './plans/engine.ts';
import type { PlanLimits, PlanParts } from './plans/parts.ts';
import { keepPlansFresh } from './plans/staleness.ts';
import { supersedeStale } from './plans/supersede.ts';
import { Freezes } from './power/freezes.ts';
import { Keeper } from './power/keeper.ts';
import type { Limits } from './power/limits.ts';
import { lookAt, type ReadingParts, Recorder, Windows } from './power/readings.ts';
import { SharedReadings } from './power/shared_readings.ts';
import { syncPowerStates } from './power/sync.ts';
import { UnservedLooks } from './power/unserved.ts';
import { endWhatABackupHolds } from './restored.ts';
import { keepWithin, type RetentionRules } from './retention.ts';
import { NO_SINKS, type SinkMakers, Sinks } from './sinks/sinks.ts';
import { forgetEmbeddedAgents, listAgents } from './store/agents.ts';
import { Deadlines } from './store/deadlines.ts';
import type { Store } from './store/store.ts';

/** The store of a conductor: the plans that a change of the cluster model makes stale are superseded with it. */
export function openStore(parts: Omit<Store, 'deadlines' | 'modelChanged' | 'traces'> & Partial<Store>): Store {
  return { traces: NO_TRACES, ...parts, deadlines: new Deadlines(parts.clock), modelChanged: supersedeStale };
}

/** What a conductor is made from. */
interface ConductorParts {
  readonly store: Store;
  readonly limits: Limits & PlanLimits;
  /** Without contact for this time, an agent sends nothing more. */
  readonly agentLeaseMs: number;
  /** The compute services that plans may speak to; none without them. */
  readonly clouds?: Clouds;
  /** Those of them whose changes are followed; absent: none. */
  readonly watched?: readonly WatchedCloud[];
  /** How long what is stored is kept. Absent: for ever. */
  readonly retention?: RetentionRules;
  readonly log: Log;
  /** How much it logs. Absent: all of it, as `info`, which cannot be changed. */
  readonly logLevel?: LogLevel;
  /** What callers may do; absent: everything. */
  readonly access?: Access;
  /** What becomes of a second agent with the identity of one that is attached. */
  readonly secondAgent?: SecondAgent;
  /** By what it leads, where others may take its place. */
  readonly leading?: Leading;
  /** The kinds of sinks; absent: there are none. */
  readonly sinks?: SinkMakers;
  /** For how long agents inside the conductors before may still act, in milliseconds. Absent: their processes have ended. */
  readonly embeddedMayActMs?: number;
}

const SHUT_DOWN = fail('SHUTTING_DOWN', 'the conductor is shutting down; its work is carried on after the next start');

/** The level of a log that has none. */
const USUAL_LEVEL: LogLevel = { now: () => 'info', configured: () => 'info', set: () => {} };

/** A running conductor, as its services use it. */
export interface Conductor extends PlanParts {
  readonly store: Store;
  readonly plans: Engine;
  readonly audits: Audits;
  readonly readings: ReadingParts;
  readonly windows: Windows;
  readonly attachments: Attachments;
  readonly disk: Disk;
  readonly tokens: Tokens;
  readonly sinks: Sinks;
  /** The clouds whose changes are followed. */
  readonly followed: FollowedClouds;
  readonly logLevel: LogLevel;
  /** When it was started. */
  readonly startedAt: number;
  /** What was under way when it was started. */
  readonly takenUp: { readonly powerTasks: number; readonly plans: number };
  /** True while it works on something that no timer or agent has to wake. */
  busy(): boolean;
  /**
   * Stops all work, without recalling anything; the rows are carried on with after the next start. Calls end with the reason: that of
   * the first call of `stop`, or else SHUTTING_DOWN.
   */
  stop(reason?: CountermandError): Promise<void>;
}

/**
 * Starts a conductor over a store: what an earlier process left unsettled is taken up at once. A start that fails rejects
 * with the reason and leaves no work behind.
 */
export async function startConductor(given: ConductorParts): Promise<Conductor> {
  const { store, limits, agentLeaseMs, log } = given;
  const [tokens, freezes] = [await Tokens.open(store), await Freezes.open(store)];
  const { signal: shutdown, abort } = openCancellation([]);
  const attachments = openAttachments(given, shutdown);
  const readings = readingParts(given, attachments, shutdown);
  const windows = new Windows(readings);
  const keeper = new Keeper({
    store,
    attachments,
    limits,
    freezes,
    // Twice the lease until another agent may take over, then time for it to answer.
    recoveryGraceMs: 2 * agentLeaseMs + limits.abortTimeoutMs,
    log,
    look: (node) => lookAt(node, readings, shutdown),
    atRest: (task, node) => {
      const isOther = task.errorCode === 'BMC_IS_ANOTHER';
      if (node.mayChangeUntil !== null || node.powerState === 'error' || isOther) windows.watch(node);
    },
  });
  const handingOut = new Set<Promise<unknown>>();
  const unserved = new UnservedLooks(readings, handingOut);
  attachments.listen(listenerOf({ readings, keeper, unserved, agentLeaseMs }, handingOut));
  const orders = { store, attachments, keeper, limits, freezes };
  const parts: PlanParts = { orders, planLimits: limits, ...aroundPlans(given, tokens), log, shutdown };
  const plans = new Engine(parts);
  const audits = new Audits(plans, parts);
  const disk = new Disk({ store, log, shutdown });
  const background: Promise<unknown>[] = [];
  const stop = async (reason = SHUT_DOWN): Promise<void> => {
    abort(reason);
    keeper.stop();
    windows.stop();
    await Promise.all([...background, ...handingOut, sinks?.stop(), followed?.stop()]);
  };
  let [unsettled, sinks, followed]: [number, Sinks | null, FollowedClouds | null] = [0, null, null];
  try {
    background.push(logChanges(store.database, log, shutdown), traceChanges(store, shutdown));
    await endWhatABackupHolds(store, limits, log);
    await presumeOldAgentsLost(given, attachments);
    unsettled = await keeper.recover();
    await windows.recover();
    background.push(syncPowerStates(readings));
    unserved.lookAfter(2 * agentLeaseMs);
    await plans.recover();
    await audits.recover();
    background.push(keepPlansFresh(parts), disk.watch(), keepWithin(given.retention, { store, log, shutdown }));
    sinks = await openSinks(given, shutdown);
    followed = followClouds(given, parts);
  } catch (error) {
    // A start that fails leaves no timer, which would keep the process alive.
    await stop();
    throw error;
  }
  return {
    ...parts,
    ...{ store, plans, audits },
    readings,
    windows,
    attachments,
    disk,
    tokens,
    ...{ sinks, followed, logLevel: given.logLevel ?? USUAL_LEVEL },
    startedAt: store.clock.now(),
    takenUp: { powerTasks: unsettled, plans: plans.size },
    busy: () => keeper.busy || plans.busy || audits.busy || sinks?.busy || followed?.busy || store.database.busy,
    stop,
  };
}

/** What plans are held to and may speak to. */
const aroundPlans = ({ access = new Access(null), clouds = NO_CLOUDS }: ConductorParts, tokens: Tokens) => ({
  approvals: new Approvals(access, tokens),
  clouds,
});

const followClouds = ({ watched = [], leading = ALONE }: ConductorParts, parts: PlanParts): FollowedClouds =>
  new FollowedClouds(watched, { ...parts, objection: leading.objection });

function openSinks({ store, sinks: makers = NO_SINKS, log, leading = ALONE }: ConductorParts, shutdown: AbortSignal) {
  return Sinks.open({ store, makers, log, objection: leading.objection }, shutdown);
}

function readingParts(given: ConductorParts, attachments: Attachments, shutdown: AbortSignal): ReadingParts {
  const { store, limits, log } = given;
  const shared = new SharedReadings(store, attachments);
  return { store, attachments, shared, recorder: new Recorder(store), limits, log, shutdown };
}

function openAttachments(given: ConductorParts, shutdown: AbortSignal): Attachments {
  const { store, limits, agentLeaseMs, secondAgent = 'refuse', leading } = given;
  const times = { agentLeaseMs, askTimeoutMs: limits.abortTimeoutMs };
  return new Attachments(store.chance.uuid(), times, store.clock, shutdown, new Admission(secondAgent), leading);
}

/** Agents of an earlier process may still be sending. Those inside it died with it, or stop when it knows that it leads no more. */
async function presumeOldAgentsLost(
  { store, agentLeaseMs, embeddedMayActMs = 0 }: ConductorParts,
  attachments: Attachments,
): Promise<void> {
  if (embeddedMayActMs === 0) await store.database.write(forgetEmbeddedAgents);
  const [inside, apart] = partition(await listAgents(store.database.read), ({ embedded }) => embedded);
  for (const agent of inside) attachments.presumeLost(agent, embeddedMayActMs);
  // An earlier conductor may have given it a longer lease than this one gives.
  for (const agent of apart) attachments.presumeLost(agent, 2 * Math.max(agentLeaseMs, agent.leaseMs ?? 0));
}

const partition = <T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] => [
  all.filter(is),
  all.filter((one) => !is(one)),
];
