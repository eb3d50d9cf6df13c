/**
 * What follows when agents come, report and go. However many come and go, their power tasks are handed out in rounds of
 * which one runs and one waits, so that none of it delays the nodes of the others.
 */

import { coalesced } from '../core/coalesced.ts';
import { failAt } from '../core/errors.ts';
import type { DriverDescription } from '../gen/countermand/v1/agent.ts';
import type { Attachment, AttachmentListener, Attachments } from './agents/attachments.ts';
import { fromTarget } from './agents/wire.ts';
import type { Keeper } from './power/keeper.ts';
import type { ReadingParts } from './power/readings.ts';
import { readServedAgain } from './power/sync.ts';
import type { UnservedLooks } from './power/unserved.ts';
import { retry } from './retry.ts';
import { forgetAgents, saveAgent } from './store/agents.ts';
import { keysOfSchema } from './store/drivers.ts';
import type { DriverRow, NodeRow } from './store/rows.ts';

/** What listening needs. */
interface ListenerParts {
  readonly readings: ReadingParts;
  readonly keeper: Keeper;
  readonly unserved: UnservedLooks;
  readonly agentLeaseMs: number;
}

/** The rest between two rounds of handing out that follow each other at once. */
const ROUND_REST_MS = 100;

/** @param working what is under way, for whoever waits until the database is let go of */
export function listenerOf(parts: ListenerParts, working: Set<Promise<unknown>>): AttachmentListener {
  const { readings, keeper, unserved, agentLeaseMs } = parts;
  const { store, log, shutdown } = readings;
  const { database, clock } = store;
  const inBackground = (work: Promise<unknown>): void => {
    const settled = work.catch(() => {}).finally(() => working.delete(settled));
    working.add(settled);
  };
  const round = handingOut(parts);
  const gone = (agentUuids: readonly string[], graceMs: number): void => {
    unserved.lookAfter(graceMs);
    inBackground(round([], agentUuids));
  };
  return {
    async attaching(hello, identity) {
      const { agentUuid: uuid, name, embedded } = hello;
      const agent = { uuid, name, embedded, identity, attachedAt: clock.now(), leaseMs: agentLeaseMs };
      const drivers = hello.zones.flatMap((zone) =>
        hello.drivers.map((driver) => driverRow(hello.agentUuid, zone, driver, clock.now())),
      );
      await database.write((transaction) => saveAgent(agent, drivers, transaction));
    },
    attached(attachment) {
      const { name, agentUuid } = attachment.hello;
      log.info(fieldsOf(attachment), 'agent attached');
      inBackground(round([agentUuid], []));
      const retried = { message: 'nodes could not be read', fields: { agent: name } };
      inBackground(retry(() => readServedAgain(attachment, readings), retried, { clock, log }, attachment.signal));
    },
    // One that restarts comes back within its lease.
    left: (attachment) => {
      if (!shutdown.aborted) log.info(fieldsOf(attachment), 'agent left');
      gone([attachment.hello.agentUuid], agentLeaseMs);
    },
    lost: (attachment, reason) => {
      if (!shutdown.aborted) log.warn({ ...fieldsOf(attachment), reason }, 'agent lost');
    },
    movable: (agentUuids) => {
      log.warn({ agent_uuids: agentUuids }, 'agents were lost and have not come back: others may serve their nodes');
      gone(agentUuids, 0);
    },
    reported: (report, attachment) => keeper.reported(report, attachment),
  };
}

/** What the log says of an agent. Who it is and where it came from is not said of one in this process. */
function fieldsOf({ hello: { name, agentUuid, zones }, identity, peer }: Attachment): object {
  const from = { ...(identity !== null && { identity: identity.name }), ...(peer !== '' && { peer }) };
  return { agent: name, agent_uuid: agentUuid, zones, ...from };
}

/** Hands out the tasks of agents that have come, and those of agents that have gone, which are forgotten. */
function handingOut({ readings, keeper }: ListenerParts) {
  const { store, attachments, log, shutdown } = readings;
  const { database, clock } = store;
  const come = new Set<string>();
  const gone = new Set<string>();
  const work = async (): Promise<void> => {
    const arrived = new Set(come);
    // One may have attached again before the database could be written.
    const left = [...gone].filter((agentUuid) => !attachments.isAttached(agentUuid));
    if (left.length > 0) await database.write((transaction) => forgetAgents(left, transaction));
    await keeper.handOut((node) => wasServedBy(left, node) || isServedBy(arrived, node, attachments));
    for (const agentUuid of arrived) come.delete(agentUuid);
    for (const agentUuid of left) gone.delete(agentUuid);
  };
  const retried = { message: 'power tasks could not be handed out', fields: {} };
  const run = coalesced(() => retry(work, retried, { clock, log }, shutdown), ROUND_REST_MS, clock, shutdown);
  return (arrived: readonly string[], left: readonly string[]): Promise<void> => {
    for (const agentUuid of arrived) come.add(agentUuid);
    for (const agentUuid of left) gone.add(agentUuid);
    return run();
  };
}

const wasServedBy = (agentUuids: readonly string[], { agentUuid }: NodeRow): boolean =>
  agentUuid !== null && agentUuids.includes(agentUuid);

function isServedBy(agentUuids: ReadonlySet<string>, node: NodeRow, attachments: Attachments): boolean {
  const owner = attachments.ownerOf(node);
  return owner.kind === 'attached' && agentUuids.has(owner.attachment.hello.agentUuid);
}

function driverRow(agentUuid: string, zone: string, driver: DriverDescription, now: number): DriverRow {
  const infoSchema = parseSchema(driver);
  return {
    agentUuid,
    zone,
    name: driver.name,
    infoSchema,
    secretKeys: keysOfSchema(infoSchema).marked,
    targets: driver.targets.map(fromTarget).filter((target) => target !== null),
    recalls: driver.recalls.map(fromTarget).filter((target) => target !== null),
    softRebootInOneCommand: driver.softRebootInOneCommand,
    since: now,
  };
}

function parseSchema({ name, driverInfoSchema }: DriverDescription): DriverRow['infoSchema'] {
  const schema = parseJson(driverInfoSchema);
  if (typeof schema === 'object' && schema !== null) return schema as DriverRow['infoSchema'];
  throw failAt(
    'ARGUMENT_INVALID',
    'hello',
    `hello: the driver_info_schema of driver ${name} is not JSON, or not an object`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
