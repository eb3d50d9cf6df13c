/** The conductor without its sockets: what owns the database, the power tasks and the agents, put together. */
import { fail } from '../core/errors.ts';
import { openScope } from '../core/signals.ts';
import type { DriverDescription } from '../gen/countermand/v1/agent.ts';
import { type AttachmentListener, Attachments } from './attachments.ts';
import { Disk } from './disk.ts';
import type { Log } from './log.ts';
import { Audits } from './plans/audits.ts';
import { Engine } from './plans/engine.ts';
import type { PlanLimits, PlanParts } from './plans/parts.ts';
import { keepPlansFresh } from './plans/staleness.ts';
import { Keeper } from './power/keeper.ts';
import type { Limits } from './power/limits.ts';
import { lookAt, type ReadingParts, Recorder, Windows } from './readings.ts';
import { retry } from './retry.ts';
import { SharedReadings } from './shared_readings.ts';
import { forgetAgents, forgetEmbeddedAgents, listAgents, saveAgent } from './store/agents.ts';
import type { DriverRow } from './store/rows.ts';
import { explainSqlite } from './store/sqlite_errors.ts';
import type { Store } from './store/store.ts';
import { readServedAgain, syncPowerStates } from './sync.ts';
import { noteUnservedLater } from './unserved.ts';
import { fromTarget } from './wire.ts';

/** What a conductor is made from. */
export interface ConductorParts {
  readonly store: Store;
  readonly limits: Limits & PlanLimits;
  /** Without contact for so long, an agent sends nothing more. */
  readonly agentLeaseMs: number;
  readonly log: Log;
}

/** A running conductor, as its services use it. */
export interface Conductor extends PlanParts {
  readonly plans: Engine;
  readonly audits: Audits;
  readonly readings: ReadingParts;
  readonly windows: Windows;
  readonly attachments: Attachments;
  readonly disk: Disk;
  /** True while it works on something that no timer or agent has to wake. */
  busy(): boolean;
  /** Stops all work, without recalling anything; the rows are carried on with after the next start. */
  stop(): Promise<void>;
}

/**
 * Starts a conductor over a store: what an earlier process left unsettled is taken up at once. A start that fails rejects
 * with the reason and leaves no work behind.
 */
export async function startConductor({ store, limits, agentLeaseMs, log }: ConductorParts): Promise<Conductor> {
  const scope = openScope([]);
  const shutdown = scope.signal;
  const times = { agentLeaseMs, askTimeoutMs: limits.abortTimeoutMs };
  const attachments = new Attachments(store.chance.uuid(), times, store.clock, shutdown);
  const shared = new SharedReadings(store, attachments);
  const readings: ReadingParts = { store, attachments, shared, recorder: new Recorder(store), limits, log, shutdown };
  const windows = new Windows(readings);
  const keeper = new Keeper({
    store,
    attachments,
    limits,
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
  attachments.listen(listenerOf({ readings, keeper, agentLeaseMs }, handingOut));
  const parts: PlanParts = { orders: { store, attachments, keeper, limits }, planLimits: limits, log, shutdown };
  const plans = new Engine(parts);
  const audits = new Audits(plans, parts);
  const disk = new Disk({ store, log, shutdown });
  const background: Promise<unknown>[] = [];
  const stop = async (): Promise<void> => {
    scope.abort(fail('SHUTTING_DOWN', 'the conductor is shutting down; its work is carried on after the next start'));
    keeper.stop();
    windows.stop();
    await Promise.all([...background, ...handingOut]);
  };
  try {
    await presumeOldAgentsLost(store, attachments);
    await keeper.recover();
    await windows.recover();
    background.push(syncPowerStates(readings));
    noteUnservedLater(2 * agentLeaseMs, readings, handingOut);
    await plans.recover();
    await audits.recover();
    background.push(keepPlansFresh(parts), disk.watch());
  } catch (error) {
    // A start that fails leaves no timer, which would keep the process alive.
    await stop();
    throw explainSqlite(error);
  }
  return {
    ...parts,
    plans,
    audits,
    readings,
    windows,
    attachments,
    disk,
    busy: () => keeper.busy || plans.busy || audits.busy || store.database.busy,
    stop,
  };
}

/** Agents of an earlier process may still be sending; those inside it died with it. */
async function presumeOldAgentsLost(store: Store, attachments: Attachments): Promise<void> {
  await store.database.write(forgetEmbeddedAgents);
  for (const { uuid } of await listAgents(store.database.read)) attachments.presumeLost(uuid);
}

interface ListenerParts {
  readonly readings: ReadingParts;
  readonly keeper: Keeper;
  readonly agentLeaseMs: number;
}

/** @param handingOut what is under way, for whoever waits until the database is let go of */
function listenerOf(
  { readings, keeper, agentLeaseMs }: ListenerParts,
  handingOut: Set<Promise<unknown>>,
): AttachmentListener {
  const { store, attachments, log, shutdown } = readings;
  const { database, clock } = store;
  const handOut = (
    agent: string,
    work: () => Promise<unknown>,
    signal: AbortSignal,
    message = 'power tasks could not be handed out',
  ): void => {
    const settled = retry(work, { message, fields: { agent } }, { clock, log }, signal)
      .catch(() => {})
      .finally(() => handingOut.delete(settled));
    handingOut.add(settled);
  };
  const forget = (agentUuid: string, graceMs: number): void => {
    noteUnservedLater(graceMs, readings, handingOut);
    handOut(
      agentUuid,
      async () => {
        // It may have attached again before the database could be written.
        if (attachments.isAttached(agentUuid)) return;
        await database.write((transaction) => forgetAgents([agentUuid], transaction));
        await keeper.handOut((node) => node.agentUuid === agentUuid);
      },
      shutdown,
    );
  };
  return {
    async attaching(hello) {
      const agent = { uuid: hello.agentUuid, name: hello.name, embedded: hello.embedded, attachedAt: clock.now() };
      const drivers = hello.zones.flatMap((zone) =>
        hello.drivers.map((driver) => driverRow(hello.agentUuid, zone, driver, clock.now())),
      );
      await database.write((transaction) => saveAgent(agent, drivers, transaction));
    },
    attached(attachment) {
      const { name, zones, agentUuid } = attachment.hello;
      log.info({ agent: name, zones }, 'agent attached');
      const served = (node: Parameters<Attachments['ownerOf']>[0]): boolean => {
        const owner = attachments.ownerOf(node);
        return owner.kind === 'attached' && owner.attachment.hello.agentUuid === agentUuid;
      };
      handOut(name, () => keeper.handOut(served), attachment.signal);
      handOut(name, () => readServedAgain(readings), attachment.signal, 'nodes could not be read');
    },
    // One that restarts comes back within its lease.
    left: (agentUuid) => forget(agentUuid, agentLeaseMs),
    movable: (agentUuid) => forget(agentUuid, 0),
    reported: (report, attachment) => keeper.reported(report, attachment),
  };
}

function driverRow(agentUuid: string, zone: string, driver: DriverDescription, now: number): DriverRow {
  const infoSchema = parseSchema(driver);
  return {
    agentUuid,
    zone,
    name: driver.name,
    infoSchema,
    secretKeys: secretKeysOf(infoSchema),
    targets: driver.targets.map(fromTarget).filter((target) => target !== null),
    recalls: driver.recalls.map(fromTarget).filter((target) => target !== null),
    softRebootInOneCommand: driver.softRebootInOneCommand,
    since: now,
  };
}

function parseSchema({ name, driverInfoSchema }: DriverDescription): DriverRow['infoSchema'] {
  const schema = parseJson(driverInfoSchema);
  if (typeof schema === 'object' && schema !== null) return schema as DriverRow['infoSchema'];
  throw fail('ARGUMENT_INVALID', `hello: the driver_info_schema of driver ${name} is not JSON, or not an object`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The keys that a schema of driver_info marks as secret. */
function secretKeysOf({ properties }: DriverRow['infoSchema']): string[] {
  const marks = (properties ?? {}) as Record<string, { writeOnly?: boolean } | null>;
  return Object.keys(marks).filter((key) => marks[key]?.writeOnly === true);
}
