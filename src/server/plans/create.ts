/** Accepting plans: everything that can be checked is checked before anything is written, at creation and not later. */
import { digestOf } from '../../core/digest.ts';
import { fail } from '../../core/errors.ts';
import { findDriver } from '../store/agents.ts';
import type { Transaction } from '../store/database.ts';
import { findNodes } from '../store/nodes.ts';
import type { ActionPlanRow, FailurePolicy } from '../store/plan_rows.ts';
import { createAudit, createPlan, moveAudit, type NewAction } from '../store/plan_transition.ts';
import { findPlanByRequestId } from '../store/plans.ts';
import type { DriverRow, NodeRow } from '../store/rows.ts';
import { type ActionType, parseParameters } from './actions/action_type.ts';
import { ACTION_TYPES, findActionType } from './actions/list.ts';
import { buildGraph, type Graph } from './graph.ts';
import type { PlanParts } from './parts.ts';
import { MANUAL } from './strategies.ts';

/** One action, as a client writes it. */
export interface WantedAction {
  readonly name: string;
  readonly actionType: string;
  readonly inputParameters: Readonly<Record<string, unknown>>;
  readonly parents: readonly string[];
  /** How long it may take, waiting included; null is the default. */
  readonly timeoutMs: number | null;
}

/** One plan, as a client writes it. */
export interface WantedPlan {
  readonly name: string;
  /** The same id twice is one plan. */
  readonly requestId: string;
  /** 0 is the default. */
  readonly maxParallel: number;
  readonly canary: number;
  readonly onFailure: FailurePolicy;
  readonly actions: readonly WantedAction[];
}

/** More actions than this are not taken in one plan. */
export const ACTIONS_LIMIT = 50_000;
/** More parents than this are not taken, all actions together. */
export const PARENTS_LIMIT = 500_000;
/** What max_parallel is if it is not given, and at most. */
export const MAX_PARALLEL = { fallback: 10, limit: 10_000 };
/** What the timeout of an action is if it is not given, and at most. */
export const ACTION_TIMEOUT_MS = { fallback: 3_600_000, limit: 2_592_000_000 };
const NAME_LIMIT = 255;

/** An action whose parameters hold and whose node is there. */
interface CheckedAction {
  readonly wanted: WantedAction;
  readonly type: ActionType;
  readonly node: NodeRow | null;
}

/**
 * Accepts a plan, or finds the one that this request_id made before. It is durable and RECOMMENDED when this resolves,
 * with an ONESHOT audit behind it.
 * @throws ACTION_PLAN_INVALID naming the place, NODE_NOT_FOUND, TARGET_NOT_SUPPORTED, REQUEST_ID_TAKEN; then nothing was
 *   written
 */
export async function createActionPlan(wanted: WantedPlan, parts: PlanParts): Promise<ActionPlanRow> {
  checkPlan(wanted);
  const { store } = parts.orders;
  const digest = digestOf(wanted);
  const earlier = await findPlanByRequestId(wanted.requestId, store.database.read);
  if (earlier) return joined(earlier, digest);
  const graph = buildGraph(wanted.actions);
  const actions = await checkActions(wanted.actions, parts);
  return store.database.write(async (transaction) => {
    const meanwhile = await findPlanByRequestId(wanted.requestId, transaction.sql);
    return meanwhile ? joined(meanwhile, digest) : write(wanted, digest, actions, graph, transaction, parts);
  });
}

function joined(earlier: ActionPlanRow, digest: string): ActionPlanRow {
  if (earlier.requestDigest === digest) return earlier;
  throw fail(
    'REQUEST_ID_TAKEN',
    `request_id '${earlier.requestId}' was used for another plan, '${earlier.name}' (${earlier.uuid}); choose another`,
  );
}

function invalid(place: string, rule: string): Error {
  return fail('ACTION_PLAN_INVALID', `${place}: ${rule}`);
}

function checkName(name: string, place: string): void {
  if (name.length === 0 || name.length > NAME_LIMIT) throw invalid(place, `it has 1 to ${NAME_LIMIT} characters`);
  // Names are shown in terminals and kept in databases that know no such characters.
  if (/\p{Cc}/u.test(name)) throw invalid(place, 'it has a control character, a line break for example; leave it out');
}

function checkWhole(value: number, least: number, most: number, place: string): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw invalid(place, `it is ${value}; it is a whole number from ${least} to ${most}`);
}

function checkPlan({ name, requestId, maxParallel, canary, actions }: WantedPlan): void {
  checkName(name, 'name');
  checkName(requestId, 'request_id');
  if (actions.length === 0) throw invalid('actions', 'the plan has none; give at least one');
  if (actions.length > ACTIONS_LIMIT)
    throw invalid('actions', `there are ${actions.length}; at most ${ACTIONS_LIMIT} are taken, make several plans`);
  checkWhole(maxParallel, 0, MAX_PARALLEL.limit, 'max_parallel');
  checkWhole(canary, 0, actions.length, 'canary');
  const parents = actions.reduce((sum, action) => sum + action.parents.length, 0);
  if (parents > PARENTS_LIMIT)
    throw invalid('actions', `they have ${parents} parents together; at most ${PARENTS_LIMIT} are taken`);
  for (const [at, action] of actions.entries()) checkAction(action, `actions[${at}]`);
}

function checkAction({ name, timeoutMs }: WantedAction, place: string): void {
  checkName(name, `${place}.name`);
  if (timeoutMs !== null) checkWhole(timeoutMs / 1000, 1, ACTION_TIMEOUT_MS.limit / 1000, `${place}.timeout`);
}

async function checkActions(wanted: readonly WantedAction[], parts: PlanParts): Promise<CheckedAction[]> {
  const parsed = wanted.map((action, at) => parse(action, placeOf(action, at)));
  const nodes = await findNodesOf(parsed, wanted, parts);
  const drivers = await findDriversOf([...nodes.values()], parts);
  return parsed.map(({ type, parameters, nodeName }, at) => {
    const node = nodeName === null ? null : (nodes.get(nodeName) as NodeRow);
    const driver = node ? (drivers.get(driverKey(node)) ?? null) : null;
    type.check(parameters, { node, driver }, placeOf(wanted[at] as WantedAction, at));
    return { wanted: wanted[at] as WantedAction, type, node };
  });
}

const placeOf = ({ name }: WantedAction, at: number): string => `actions[${at}] '${name}'`;

function parse({ actionType, inputParameters }: WantedAction, place: string) {
  const type = findActionType(actionType);
  if (!type) {
    const names = ACTION_TYPES.map(({ name }) => name).join(', ');
    throw invalid(`${place}.action_type`, `there is no action type '${actionType}'; there are ${names}`);
  }
  const parameters = parseParameters(type, inputParameters, place);
  return { type, parameters, nodeName: type.nodeOf(parameters) };
}

async function findNodesOf(
  parsed: readonly { readonly nodeName: string | null }[],
  wanted: readonly WantedAction[],
  parts: PlanParts,
): Promise<Map<string, NodeRow>> {
  const names = new Set(parsed.map(({ nodeName }) => nodeName).filter((name) => name !== null));
  const nodes = await findNodes([...names], parts.orders.store.database.read);
  for (const [at, { nodeName }] of parsed.entries()) {
    if (nodeName === null || nodes.has(nodeName)) continue;
    const place = placeOf(wanted[at] as WantedAction, at);
    throw fail('NODE_NOT_FOUND', `${place}.input_parameters.resource_id: there is no node '${nodeName}'`);
  }
  return nodes;
}

const driverKey = ({ zone, driver }: NodeRow): string => `${zone} ${driver}`;

async function findDriversOf(nodes: readonly NodeRow[], parts: PlanParts): Promise<Map<string, DriverRow | null>> {
  const drivers = new Map<string, DriverRow | null>();
  for (const node of nodes) {
    const key = driverKey(node);
    if (drivers.has(key)) continue;
    drivers.set(key, await findDriver(node.zone, node.driver, parts.orders.store.database.read));
  }
  return drivers;
}

async function write(
  wanted: WantedPlan,
  digest: string,
  actions: readonly CheckedAction[],
  graph: Graph,
  transaction: Transaction,
  { orders: { store } }: PlanParts,
): Promise<ActionPlanRow> {
  const uuid = store.chance.uuid();
  const parameters = { actions: actions.length };
  const named = { uuid: store.chance.uuid(), name: wanted.name, auditType: 'ONESHOT' as const, statusMessage: '' };
  const audit = await createAudit({ ...named, strategy: MANUAL.name, parameters, scope: [] }, transaction, store);
  const ongoing = (await moveAudit('begin', audit.uuid, transaction, store)) ?? audit;
  const plan = {
    uuid,
    name: wanted.name,
    auditUuid: audit.uuid,
    statusMessage: '',
    errorCode: null,
    errorMessage: '',
    requestId: wanted.requestId,
    requestDigest: digest,
    maxParallel: wanted.maxParallel === 0 ? MAX_PARALLEL.fallback : wanted.maxParallel,
    canary: wanted.canary,
    onFailure: wanted.onFailure,
    size: actions.length,
    startedAt: null,
    startOrder: null,
    launchedAt: null,
    endedAt: null,
    cancelDeadlineAt: null,
  };
  const rows = newActions(uuid, actions, graph, () => store.chance.uuid());
  const created = await createPlan(plan, rows, ongoing, transaction, store);
  await moveAudit('succeed', audit.uuid, transaction, store);
  return created;
}

function newActions(
  planUuid: string,
  actions: readonly CheckedAction[],
  graph: Graph,
  newUuid: () => string,
): NewAction[] {
  const uuids = actions.map(newUuid);
  return actions.map(({ wanted, type, node }, at) => ({
    uuid: uuids[at] as string,
    planUuid,
    name: wanted.name,
    actionType: type.name,
    inputParameters: wanted.inputParameters,
    parents: (graph.parents[at] ?? []).map((parent) => uuids[parent] as string),
    position: at,
    rank: graph.ranks[at] ?? 0,
    statusMessage: '',
    errorCode: null,
    errorMessage: '',
    nodeUuid: node?.uuid ?? null,
    timeoutMs: wanted.timeoutMs ?? ACTION_TIMEOUT_MS.fallback,
    beforeImage: null,
    result: null,
    startedAt: null,
    endedAt: null,
  }));
}
