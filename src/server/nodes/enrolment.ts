/** Enrolling, changing and forgetting nodes: what is checked, and by whom. */
import { asCountermandError, fail, failAt, failWith } from '../../core/errors.ts';
import { CANONICAL_UUID } from '../../core/uuid.ts';
import type { CreateNodeRequest, UpdateNodeRequest } from '../../gen/countermand/v1/node.ts';
import type { Attachment, Attachments } from '../agents/attachments.ts';
import { patched } from '../store/columns.ts';
import { decideAgain, holdToRevision, overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { findPureSecretKeys, findSecretKeys, listDriverNames } from '../store/drivers.ts';
import { findNode, getNode, refuseTwins } from '../store/nodes.ts';
import { findRecall, highestFence } from '../store/power_tasks.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { wayTo } from './bmc.ts';
import { nodeChanges } from './notifications.ts';
import { tellingRefusal } from './refusals.ts';
import { isSecretKey } from './secrets.ts';
import { checkName, checkPairs, refuseBoth } from './sent.ts';
import { noteSharing } from './sharing.ts';
import { deleteFreeNode, insertNode, refuseKnown, updateNode } from './write.ts';

/** A node to be enrolled. */
type NewNode = Omit<CreateNodeRequest, 'validateOnly'>;
/** What is to change of a node. */
type NodeUpdate = Omit<UpdateNodeRequest, 'validateOnly'>;

/** Whether a change of a node may be made, as the node is and as it will be. It throws if not. */
export type NodePermit = (before: NodeRow, after: NodeRow) => void;

/** What enrolling needs. */
interface EnrolmentParts {
  readonly store: Store;
  readonly attachments: Attachments;
  /** Reads nodes beside their orders, the new ones soon. */
  readonly windows: { watch(node: NodeRow): void };
  readonly shutdown: AbortSignal;
}

/** The zone of those who name none. */
const DEFAULT_ZONE = 'default';

const BY_OPERATOR = { why: 'ordered by an operator', planUuid: null };

/**
 * Enrols a node. Its BMC is not contacted before it is enrolled; its first reading is begun right after. An abort while the
 * driver checks driver_info rejects with its reason; later it changes nothing.
 * @throws ARGUMENT_INVALID, DRIVER_UNKNOWN, DRIVER_INFO_INVALID, AGENT_NOT_ATTACHED, NODE_NAME_TAKEN, BMC_TAKEN; then
 *   nothing was written
 */
export async function enrolNode(
  request: NewNode,
  parts: EnrolmentParts,
  signal: AbortSignal = parts.shutdown,
): Promise<NodeRow> {
  const { store } = parts;
  const fresh = await checkEnrolment(request, parts, signal);
  const wanted = { ...fresh, createdAt: null, updatedAt: null };
  const node = await tellingRefusal(
    store.database.write(async (transaction) => {
      const fence = await firstFence(request, transaction, store);
      return insertNode({ ...fresh, fence }, BY_OPERATOR, transaction, store);
    }),
    [['create', []]],
    wanted,
    BY_OPERATOR,
    store,
  );
  parts.windows.watch(node);
  return node;
}

/**
 * The fence that a new node begins with. A uuid that its client has chosen may have been that of a node that was deleted: agents drop
 * what carries an older fence than they have seen of that. Its tasks may be kept no more, and no node is ordered about each minute.
 */
async function firstFence({ uuid }: NewNode, { sql }: Transaction, { clock }: Store): Promise<number> {
  return uuid === '' ? 0 : Math.max((await highestFence(uuid, sql)) + 1, Math.floor(clock.now() / 60_000));
}

/**
 * Checks all that can be checked of a node before it is enrolled. Nothing is written.
 * @returns the node as it would be
 * @throws as `enrolNode`
 */
export async function checkEnrolment(
  request: NewNode,
  parts: EnrolmentParts,
  signal: AbortSignal = parts.shutdown,
): Promise<ReturnType<typeof freshNode>> {
  const { store } = parts;
  const zone = request.zone === '' ? DEFAULT_ZONE : request.zone;
  checkName('name', request.name);
  checkName('zone', zone);
  checkPairs('labels', request.labels);
  if (request.uuid !== '' && !CANONICAL_UUID.test(request.uuid))
    throw failAt('ARGUMENT_INVALID', 'uuid', `uuid '${request.uuid.slice(0, 100)}' is not a uuid in lower case`);
  const bmcKey = await parseInfo(zone, request.driver, request.driverInfo, parts, signal);
  const fresh = freshNode(request, zone, bmcKey, request.uuid === '' ? store.chance.uuid() : request.uuid);
  await refuseTwins(fresh, store.database.read);
  if (request.uuid !== '') refuseKnown(await findNode(fresh.uuid, store.database.read), fresh.uuid);
  return fresh;
}

function freshNode({ name, driver, driverInfo, labels }: NewNode, zone: string, bmcKey: string, uuid: string) {
  return {
    uuid,
    name,
    driver,
    driverInfo,
    zone,
    labels,
    bmcKey,
    maintenance: false,
    maintenanceReason: '',
    powerState: null,
    targetPowerState: null,
    powerStateReadAt: null,
    lastError: '',
    problem: null,
    agentUuid: null,
    fence: 0,
    heldBy: null,
    mayChangeUntil: null,
  };
}

/**
 * Lets a driver check a driver_info, without any contact with the BMC.
 * @returns which BMC it means
 */
async function parseInfo(
  zone: string,
  driver: string,
  driverInfo: NodeRow['driverInfo'],
  parts: EnrolmentParts,
  signal: AbortSignal,
): Promise<string> {
  checkPairs('driver_info', driverInfo);
  const attachment = await agentWith(zone, driver, parts);
  const question = { $case: 'parse' as const, value: { driver, driverInfo: { ...driverInfo } } };
  const answer = await parts.attachments.ask(attachment, question, signal).catch((thrown: unknown) => {
    throw atDriverInfo(thrown);
  });
  if (answer.$case !== 'parsed' || answer.value.bmcKey === '')
    throw fail('INTERNAL', 'the agent did not say which BMC it is');
  return answer.value.bmcKey;
}

/** An agent says what is wrong with a driver_info, and does not know the request that brought it. */
function atDriverInfo(thrown: unknown): unknown {
  const { code, message, details } = asCountermandError(thrown);
  if (code !== 'DRIVER_INFO_INVALID') return thrown;
  return failWith(code, message, { ...details, field: 'driver_info' }, { cause: thrown });
}

/** Lets the driver check the stored driver_info of a node again. @throws AGENT_NOT_ATTACHED if no agent can */
export async function validateInfo(
  node: NodeRow,
  parts: EnrolmentParts,
  signal: AbortSignal,
): Promise<{ valid: boolean; reason: string }> {
  try {
    await parseInfo(node.zone, node.driver, node.driverInfo, parts, signal);
    return { valid: true, reason: '' };
  } catch (thrown) {
    const error = asCountermandError(thrown);
    if (error.code !== 'DRIVER_INFO_INVALID' && error.code !== 'SECRET_UNREADABLE') throw error;
    return { valid: false, reason: error.message };
  }
}

async function agentWith(zone: string, driver: string, { attachments, store }: EnrolmentParts): Promise<Attachment> {
  const { read } = store.database;
  if (driver === '') throw failAt('ARGUMENT_INVALID', 'driver', 'driver is empty; name one, such as ipmi');
  const attachment = attachments.anyWith(zone, driver);
  if (attachment) return attachment;
  const offered = await listDriverNames(zone, read);
  if (!offered.includes(driver) && offered.length > 0) {
    throw failAt(
      'DRIVER_UNKNOWN',
      'driver',
      `there is no driver '${driver}' in zone ${zone}; its agents offer ${offered.join(', ')}`,
    );
  }
  throw failWith('AGENT_NOT_ATTACHED', `no agent with driver '${driver}' is attached for zone ${zone}; start one`, {
    facts: { zone, driver },
  });
}

/**
 * Changes what the request names. Name, zone and driver_info can be changed of a free node only. An abort while the driver
 * checks driver_info rejects with its reason; later it changes nothing.
 * @throws as `enrolNode`, NODE_NOT_FOUND, NODE_HELD, REVISION_MISMATCH
 */
export async function changeNode(
  request: NodeUpdate,
  parts: ChangeParts,
  signal: AbortSignal = parts.shutdown,
): Promise<NodeRow> {
  // Another change can come between the question to the driver and the write: both must hold.
  return decideAgain(() => changeOnce(request, parts, signal));
}

/** What a change needs; without a permit, it is one of our own. */
interface ChangeParts extends EnrolmentParts {
  readonly permit?: NodePermit;
}

async function changeOnce(request: NodeUpdate, parts: ChangeParts, signal: AbortSignal): Promise<NodeRow> {
  const { store } = parts;
  const { node, patch, identity } = await checkOnce(request, parts, signal);
  const change = async (): Promise<NodeRow> => {
    const written = await store.database.write((transaction) =>
      writeChange(node, request, identity, transaction, parts),
    );
    if (written === null) throw heldNow(await getNode(node.uuid, store.database.read));
    if (written.before.fence !== written.after.fence) parts.windows.watch(written.after);
    return written.after;
  };
  const wanted = patched(node, { ...patch, ...identity });
  return tellingRefusal(change(), nodeChanges(node, wanted), wanted, BY_OPERATOR, store);
}

/** The result of a change, after all that can be checked before it is written. */
async function checkOnce(request: NodeUpdate, parts: ChangeParts, signal: AbortSignal) {
  const { store } = parts;
  const node = await getNode(request.node, store.database.read);
  holdToRevision(request.revision, node, `node ${node.name}`);
  refuseBoth('driver_info', request.setDriverInfo, request.removeDriverInfo);
  refuseBoth('labels', request.setLabels, request.removeLabels);
  if (request.name !== undefined) checkName('name', request.name);
  if (request.zone !== undefined) checkName('zone', request.zone);
  const patch = setPatch(node, request);
  parts.permit?.(node, changed(node, request, patch));
  const identity = await identityPatch(node, request, parts, signal);
  const onlyFree = Object.keys(identity).length > 0;
  if (onlyFree && node.heldBy !== null) throw heldNow(node);
  if (onlyFree) await refuseTwins({ uuid: node.uuid, name: '', bmcKey: '', ...identity }, store.database.read);
  return { node, patch, identity };
}

/**
 * Checks a change. Nothing is written.
 * @returns the node as it is, and the BMC that it would have
 * @throws as `changeNode`
 */
export async function checkChange(
  request: NodeUpdate,
  parts: ChangeParts,
  signal: AbortSignal = parts.shutdown,
): Promise<{ readonly node: NodeRow; readonly bmcKey: string }> {
  const { node, identity } = await checkOnce(request, parts, signal);
  return { node, bmcKey: identity.bmcKey ?? node.bmcKey };
}

/** The node as it will be, as far as rights look at it. */
const changed = (node: NodeRow, { name, zone }: NodeUpdate, patch: Partial<NodeRow>): NodeRow => ({
  ...node,
  ...patch,
  name: name ?? node.name,
  zone: zone ?? node.zone,
});

/** What is set beside name, zone and driver_info. Labels are added to those that the node has. */
function setPatch(node: NodeRow, request: NodeUpdate): Partial<NodeRow> {
  const labels = without({ ...node.labels, ...request.setLabels }, request.removeLabels);
  // The labels as they will be: those of earlier requests count as well.
  if (Object.keys(request.setLabels).length > 0) checkPairs('labels', labels);
  return {
    labels,
    ...(request.maintenance === undefined ? {} : { maintenance: request.maintenance }),
    ...(request.maintenance === false ? { maintenanceReason: '' } : {}),
    ...(request.maintenanceReason === undefined ? {} : { maintenanceReason: request.maintenanceReason }),
  };
}

/**
 * Writes a change to the node as it is now; what the driver has checked, only if it was checked for that.
 * @param node as it was when `identity` was decided on
 * @throws OVERTAKEN if it is reached otherwise by now
 */
async function writeChange(
  node: NodeRow,
  request: NodeUpdate,
  identity: Partial<NodeRow>,
  transaction: Transaction,
  { store, permit }: ChangeParts,
): Promise<{ readonly before: NodeRow; readonly after: NodeRow } | null> {
  const { uuid } = node;
  const before = await findNode(uuid, transaction.sql);
  if (before === null) return null;
  holdToRevision(request.revision, before, `node ${before.name}`);
  const onlyFree = Object.keys(identity).length > 0;
  if (onlyFree && (before.heldBy !== null || (await findRecall(uuid, transaction.sql)) !== null)) return null;
  if (onlyFree && wayTo(before) !== wayTo(node)) throw overtaken(`node ${node.name}`);
  const wanted = setPatch(before, request);
  permit?.(before, changed(before, request, wanted));
  const patch = { ...wanted, ...identity };
  const now = await updateNode(before, patch, BY_OPERATOR, transaction, store);
  return { before, after: (await noteSharing(before, now, transaction, store)) ?? now };
}

/** What changes how the node is called or reached; the driver checks it whole. */
async function identityPatch(
  node: NodeRow,
  request: NodeUpdate,
  parts: EnrolmentParts,
  signal: AbortSignal,
): Promise<Partial<NodeRow>> {
  const name = request.name === undefined || request.name === node.name ? {} : { name: request.name };
  const moves = request.zone !== undefined && request.zone !== node.zone;
  const rewired = Object.keys(request.setDriverInfo).length > 0 || request.removeDriverInfo.length > 0;
  if (!moves && !rewired) return name;
  const zone = request.zone ?? node.zone;
  const driverInfo = without({ ...node.driverInfo, ...request.setDriverInfo }, request.removeDriverInfo);
  await refuseOldSecrets(node, { zone, driverInfo }, request, parts);
  const bmcKey = await parseInfo(zone, node.driver, driverInfo, parts, signal);
  return { ...name, zone, driverInfo, bmcKey };
}

/**
 * A stored secret is for the BMC, and the way to it, that it was given for. Whoever changes where or how it is sent has to
 * know it: otherwise an editor could have it sent to a server of their own. Any key may be a part of the way, unless its value is
 * certainly a secret and nothing else: an agent that calls an address secret hides it, but does not open the way.
 * @throws DRIVER_INFO_INVALID naming the secrets that have to be given again
 */
async function refuseOldSecrets(
  node: NodeRow,
  changed: Pick<NodeRow, 'zone' | 'driverInfo'>,
  request: NodeUpdate,
  { store }: EnrolmentParts,
): Promise<void> {
  const { read } = store.database;
  const secretKeys = await findSecretKeys(node.driver, read);
  const pureKeys = await findPureSecretKeys(node, read);
  const keys = new Set([...Object.keys(node.driverInfo), ...Object.keys(changed.driverInfo)]);
  const ways = [...keys].filter((key) => !pureKeys.has(key) && node.driverInfo[key] !== changed.driverInfo[key]);
  if (changed.zone !== node.zone) ways.push('zone');
  const isStored = (key: string): boolean => isSecretKey(key, secretKeys) && !Object.hasOwn(request.setDriverInfo, key);
  const kept = Object.keys(changed.driverInfo).filter(isStored);
  if (ways.length === 0 || kept.length === 0) return;
  throw failAt(
    'DRIVER_INFO_INVALID',
    'set_driver_info',
    `${ways.join(', ')} would change, and the stored ${kept.join(', ')} would be sent there; give ${kept.length === 1 ? 'it' : 'them'} again in the same request`,
  );
}

/**
 * Forgets a free node.
 * @param revision the one that it has to be at; null for any
 * @param allow has a last word, in the transaction too: what it throws refuses the deletion
 * @throws NODE_NOT_FOUND, NODE_HELD, REVISION_MISMATCH, what `allow` throws
 */
export async function deleteNode(
  nameOrUuid: string,
  { store, attachments }: EnrolmentParts,
  revision: number | null = null,
  allow: (node: NodeRow) => void = () => {},
): Promise<void> {
  const { database } = store;
  const node = await getNode(nameOrUuid, database.read);
  const what = `node ${node.name}`;
  holdToRevision(revision, node, what);
  if (node.heldBy !== null) throw held(node, TO_DELETE);
  allow(node);
  const deletion = async (): Promise<void> => {
    const deleted = await database.write(async (transaction) => {
      const present = await findNode(node.uuid, transaction.sql);
      if (present === null) return false;
      holdToRevision(revision, present, what);
      allow(present);
      const gone = await deleteFreeNode(present, BY_OPERATOR, transaction, store);
      if (gone) await noteSharing(present, null, transaction, store);
      return gone;
    });
    if (!deleted) throw held(await getNode(node.uuid, database.read), TO_DELETE);
    attachments.forgetNode(node.uuid);
  };
  await tellingRefusal(deletion(), [['delete', []]], node, BY_OPERATOR, store);
}

const TO_DELETE = 'it can be deleted when that is at rest';

function heldNow(node: NodeRow): Error {
  return held(node, 'name, zone and driver_info can be changed when it is at rest');
}

function held(node: NodeRow, instead: string): Error {
  const by = node.heldBy === null ? 'an abort that takes back an older order' : `power task ${node.heldBy}`;
  return failWith('NODE_HELD', `node ${node.name} is held by ${by}; ${instead}`, {
    resource: { type: 'node', name: node.name },
    ...(node.heldBy !== null && { facts: { power_task: node.heldBy } }),
  });
}

function without(pairs: Record<string, string>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(pairs).filter(([key]) => !keys.includes(key)));
}
