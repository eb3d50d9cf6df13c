/** Enrolling, changing and forgetting nodes: what is checked, and by whom. */
import { asCountermandError, type ErrorCode, fail } from '../core/errors.ts';
import type { CreateNodeRequest, UpdateNodeRequest } from '../gen/countermand/v1/node.ts';
import type { Attachment } from './attachments.ts';
import type { Conductor } from './conductor.ts';
import { findDriver, listDriverNames } from './store/agents.ts';
import { deleteFreeNode, getNode, insertNode, updateNode } from './store/nodes.ts';
import type { NodeRow } from './store/rows.ts';
import { MASK } from './wire.ts';

/** The zone of those who name none. */
export const DEFAULT_ZONE = 'default';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const BY_OPERATOR = { why: 'ordered by an operator', actionUuid: null };
const INFO_LIMIT = 100;
const VALUE_LIMIT = 4096;

/**
 * Enrols a node. Its BMC is not contacted before it is enrolled; its first reading is begun right after.
 * @throws ARGUMENT_INVALID, DRIVER_UNKNOWN, DRIVER_INFO_INVALID, AGENT_NOT_ATTACHED, NODE_NAME_TAKEN, BMC_TAKEN; then
 *   nothing was written
 */
export async function enrolNode(request: CreateNodeRequest, conductor: Conductor): Promise<NodeRow> {
  const { store } = conductor.orders;
  const zone = request.zone === '' ? DEFAULT_ZONE : request.zone;
  checkName('name', request.name);
  checkName('zone', zone);
  checkPairs('labels', request.labels);
  const bmcKey = await parseInfo(zone, request.driver, request.driverInfo, conductor);
  const node = await store.database.write((transaction) =>
    insertNode(freshNode(request, zone, bmcKey, store.chance.uuid()), BY_OPERATOR, transaction, store),
  );
  conductor.windows.watch(node);
  return node;
}

function freshNode(
  { name, driver, driverInfo, labels }: CreateNodeRequest,
  zone: string,
  bmcKey: string,
  uuid: string,
) {
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
export async function parseInfo(
  zone: string,
  driver: string,
  driverInfo: NodeRow['driverInfo'],
  conductor: Conductor,
): Promise<string> {
  checkPairs('driver_info', driverInfo);
  const attachment = await agentWith(zone, driver, conductor);
  const question = { $case: 'parse' as const, value: { driver, driverInfo: { ...driverInfo } } };
  const answer = await conductor.attachments.ask(attachment, question, conductor.shutdown);
  if (answer.$case !== 'parsed' || answer.value.bmcKey === '')
    throw fail('INTERNAL', 'the agent did not say which BMC it is');
  return answer.value.bmcKey;
}

/** Lets the driver check the stored driver_info of a node again. @throws AGENT_NOT_ATTACHED if nobody can */
export async function validateInfo(node: NodeRow, conductor: Conductor): Promise<{ valid: boolean; reason: string }> {
  try {
    await parseInfo(node.zone, node.driver, node.driverInfo, conductor);
    return { valid: true, reason: '' };
  } catch (thrown) {
    const error = asCountermandError(thrown);
    if (error.code !== 'DRIVER_INFO_INVALID' && error.code !== 'SECRET_UNREADABLE') throw error;
    return { valid: false, reason: error.message };
  }
}

async function agentWith(zone: string, driver: string, { attachments, orders }: Conductor): Promise<Attachment> {
  const { read } = orders.store.database;
  if (driver === '') throw fail('ARGUMENT_INVALID', 'driver is empty; name one, such as ipmi');
  const attachment = attachments.anyWith(zone, driver);
  if (attachment) return attachment;
  const known = await findDriver(zone, driver, read);
  const offered = await listDriverNames(zone, read);
  if (known === null && offered.length > 0) {
    throw fail(
      'DRIVER_UNKNOWN',
      `there is no driver '${driver}' in zone ${zone}; its agents offer ${offered.join(', ')}`,
    );
  }
  throw fail(
    'AGENT_NOT_ATTACHED',
    `no agent with driver '${driver}' is attached for zone ${zone}; start one with \`countermand agent --zone ${zone}\``,
  );
}

/**
 * Changes what the request names. Name, zone and driver_info can be changed of a free node only.
 * @throws as `enrolNode`, NODE_NOT_FOUND, NODE_HELD
 */
export async function changeNode(request: UpdateNodeRequest, conductor: Conductor): Promise<NodeRow> {
  const { store } = conductor.orders;
  const node = await getNode(request.node, store.database.read);
  if (request.name !== undefined) checkName('name', request.name);
  if (request.zone !== undefined) checkName('zone', request.zone);
  checkPairs('labels', request.setLabels);
  const labels = without({ ...node.labels, ...request.setLabels }, request.removeLabels);
  const patch: Partial<NodeRow> = {
    labels,
    ...(request.maintenance === undefined ? {} : { maintenance: request.maintenance }),
    ...(request.maintenance === false ? { maintenanceReason: '' } : {}),
    ...(request.maintenanceReason === undefined ? {} : { maintenanceReason: request.maintenanceReason.slice(0, 1000) }),
  };
  const identity = await identityPatch(node, request, conductor);
  const onlyFree = Object.keys(identity).length > 0;
  const changed = await store.database.write((transaction) =>
    updateNode(node.uuid, { ...patch, ...identity }, BY_OPERATOR, transaction, store, onlyFree),
  );
  if (changed === null) throw held(node, 'name, zone and driver_info can be changed when it is at rest');
  return changed;
}

/** What changes how the node is called or reached; the driver checks it whole. */
async function identityPatch(
  node: NodeRow,
  request: UpdateNodeRequest,
  conductor: Conductor,
): Promise<Partial<NodeRow>> {
  const name = request.name === undefined || request.name === node.name ? {} : { name: request.name };
  const moves = request.zone !== undefined && request.zone !== node.zone;
  const rewired = Object.keys(request.setDriverInfo).length > 0 || request.removeDriverInfo.length > 0;
  if (!moves && !rewired) return name;
  const zone = request.zone ?? node.zone;
  const driverInfo = without({ ...node.driverInfo, ...request.setDriverInfo }, request.removeDriverInfo);
  const bmcKey = await parseInfo(zone, node.driver, driverInfo, conductor);
  return { ...name, zone, driverInfo, bmcKey };
}

/** Forgets a free node. @throws NODE_NOT_FOUND, NODE_HELD */
export async function deleteNode(nameOrUuid: string, { orders }: Conductor): Promise<void> {
  const { database } = orders.store;
  const node = await getNode(nameOrUuid, database.read);
  if (await database.write((transaction) => deleteFreeNode(node, BY_OPERATOR, transaction, orders.store))) return;
  const now = await getNode(node.uuid, database.read);
  throw held(now, 'it can be deleted when that is at rest');
}

function held(node: NodeRow, instead: string): Error {
  return fail('NODE_HELD', `node ${node.name} is held by power task ${node.heldBy ?? ''}; ${instead}`);
}

function without(pairs: Record<string, string>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(pairs).filter(([key]) => !keys.includes(key)));
}

function checkName(field: string, name: string): void {
  if (name === '') throw fail('ARGUMENT_INVALID', `${field} is empty`);
  if (!NAME.test(name)) {
    throw fail(
      'ARGUMENT_INVALID',
      `${field} '${name.slice(0, 300)}' is not a name: it has 1 to 255 letters, digits, dots, dashes and underscores`,
    );
  }
  if (UUID.test(name))
    throw fail('ARGUMENT_INVALID', `${field} '${name}' looks like a uuid; choose a name that does not`);
}

function checkPairs(field: string, pairs: Readonly<Record<string, string>>): void {
  const code: ErrorCode = field === 'driver_info' ? 'DRIVER_INFO_INVALID' : 'ARGUMENT_INVALID';
  const entries = Object.entries(pairs);
  if (entries.length > INFO_LIMIT) throw fail(code, `${field} has more than ${INFO_LIMIT} keys`);
  for (const [key, value] of entries) {
    if (key === '') throw fail(code, `${field} has an empty key`);
    if (key.length > 255 || value.length > VALUE_LIMIT) throw fail(code, `${field}.${key.slice(0, 255)} is too long`);
    if (field === 'driver_info' && value === MASK)
      throw fail(code, `${field}.${key} is the mask that stands for a secret, not the secret`);
  }
}
