/** What can be known to be wrong with a plan is found before anything is written: names, sizes, graph, parameters, nodes. */

import { type ErrorCode, failAt, failWith } from '../../core/errors.ts';
import { pathOf } from '../../core/fault_places.ts';
import { exceeded, SENT_LIMITS } from '../../core/limits.ts';
import type { Limits } from '../power/limits.ts';
import type { Transaction } from '../store/database.ts';
import { findDriversOf } from '../store/drivers.ts';
import { findNodes, listBriefly } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';
import { type ActionType, parseParameters } from './actions/action_type.ts';
import { ACTION_TYPES, findActionType } from './actions/list.ts';
import { buildGraph, type Graph } from './graph.ts';
import { PERMIT_ALL, type Permit } from './permit.ts';
import type { WantedAction, WantedPlan } from './wanted.ts';

/** What max_parallel is if it is not given, and at most. */
export const MAX_PARALLEL = { fallback: 10, limit: SENT_LIMITS.max_parallel.limit };
/** What the timeout of an action is if it is not given, and at most. */
export const ACTION_TIMEOUT_MS = { fallback: 3_600_000, limit: SENT_LIMITS.action_timeout_s.limit * 1000 };
const NAME_LIMIT = SENT_LIMITS.name.limit;

/** An action whose parameters hold and whose node is there. */
interface CheckedAction {
  readonly wanted: WantedAction;
  readonly type: ActionType;
  readonly node: NodeRow | null;
}

/** A plan about which nothing is wrong. */
export interface CheckedPlan {
  readonly wanted: WantedPlan;
  readonly actions: readonly CheckedAction[];
  readonly graph: Graph;
  /** The nodes that it is about: those of its scope, else those of its actions. */
  readonly nodeUuids: readonly string[];
}

/**
 * Checks a plan whole, against the nodes of its scope, or null if it is not limited to any.
 * @param limits those of orders; null for a plan that the conductor makes itself, which names no timeouts
 * @param permit of the caller for whom it is made
 * @throws ACTION_PLAN_INVALID naming the place, NODE_NOT_FOUND, TARGET_NOT_SUPPORTED, PERMISSION_DENIED
 */
export async function checkPlan(
  wanted: WantedPlan,
  scoped: readonly NodeRow[] | null,
  sql: Transaction['sql'],
  limits: Limits | null,
  permit: Permit = PERMIT_ALL,
): Promise<CheckedPlan> {
  checkSizes(wanted);
  const graph = buildGraph(wanted.actions);
  const actions = await checkActions(wanted.actions, sql, limits, permit);
  const steps = actions.map(({ wanted: action, node }) => ({ ...action, node }));
  permit.allow(steps, scoped);
  return { wanted, actions, graph, nodeUuids: nodesOf(actions, scoped) };
}

/** The nodes of a plan's scope and of its actions, which are among them. */
function nodesOf(actions: readonly CheckedAction[], scoped: readonly NodeRow[] | null): string[] {
  const uuids = new Set(scoped?.map(({ uuid }) => uuid));
  for (const [at, { node, wanted }] of actions.entries()) {
    if (node === null) continue;
    if (scoped !== null && !uuids.has(node.uuid)) {
      const place = `${placeOf(wanted, at)}.input_parameters.resource_id`;
      throw invalid(place, `node '${node.name}' is outside of the scope; widen the scope, or leave it out`);
    }
    uuids.add(node.uuid);
  }
  return [...uuids];
}

function invalid(place: string, rule: string): Error {
  return failAt('ACTION_PLAN_INVALID', pathOf(place), `${place}: ${rule}`, rule);
}

/** @throws the code, for a name that is empty, too long, or not to be shown */
export function checkName(name: string, place: string, code: ErrorCode = 'ACTION_PLAN_INVALID'): void {
  if (name.length === 0 || name.length > NAME_LIMIT)
    throw failAt(code, place, `${place}: it has 1 to ${NAME_LIMIT} characters`);
  // Names are shown in terminals and kept in databases that know no such characters.
  if (/\p{Cc}/u.test(name))
    throw failAt(code, place, `${place}: it has a control character, a line break for example; leave it out`);
}

function checkWhole(value: number, least: number, most: number, place: string): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw invalid(place, `it is ${value}; it is a whole number from ${least} to ${most}`);
}

/**
 * Checks what needs no more than the plan itself.
 * @throws ACTION_PLAN_INVALID naming the place
 */
export function checkSizes({ name, requestId, maxParallel, canary, actions }: WantedPlan): void {
  checkName(name, 'name');
  checkName(requestId, 'request_id');
  if (actions.length === 0) throw invalid('actions', 'the plan has none; give at least one');
  if (actions.length > SENT_LIMITS.actions.limit) throw exceeded(SENT_LIMITS.actions, 'actions', actions.length);
  checkWhole(maxParallel, 0, MAX_PARALLEL.limit, 'max_parallel');
  checkWhole(canary, 0, actions.length, 'canary');
  const parents = actions.reduce((sum, action) => sum + action.parents.length, 0);
  if (parents > SENT_LIMITS.parents.limit) throw exceeded(SENT_LIMITS.parents, 'actions', parents);
  for (const [at, action] of actions.entries()) checkAction(action, `actions[${at}]`);
}

function checkAction({ name, timeoutMs }: WantedAction, place: string): void {
  checkName(name, `${place}.name`);
  if (timeoutMs !== null) checkWhole(timeoutMs / 1000, 1, ACTION_TIMEOUT_MS.limit / 1000, `${place}.timeout`);
}

async function checkActions(
  wanted: readonly WantedAction[],
  sql: Transaction['sql'],
  limits: Limits | null,
  permit: Permit,
): Promise<CheckedAction[]> {
  const parsed = wanted.map((action, at) => parse(action, placeOf(action, at)));
  const nodes = await findNodesOf(parsed, wanted, sql, permit);
  const drivers = await findDriversOf([...nodes.values()], sql);
  return parsed.map(({ type, parameters, nodeName }, at) => {
    const node = nodeName === null ? null : (nodes.get(nodeName) as NodeRow);
    const driver = node ? (drivers.get(node.uuid) ?? null) : null;
    type.check(parameters, { node, driver, limits }, placeOf(wanted[at] as WantedAction, at));
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
  sql: Transaction['sql'],
  permit: Permit,
): Promise<Map<string, NodeRow>> {
  const names = new Set(parsed.map(({ nodeName }) => nodeName).filter((name) => name !== null));
  const nodes = await findNodes([...names], sql);
  const isMissing = (name: string): boolean => {
    const node = nodes.get(name);
    return node === undefined || !permit.sees(node);
  };
  for (const [at, { nodeName }] of parsed.entries()) {
    if (nodeName === null || !isMissing(nodeName)) continue;
    const place = `${placeOf(wanted[at] as WantedAction, at)}.input_parameters.resource_id`;
    const rule = `there is no node ${listBriefly([...names].filter(isMissing))}`;
    throw failWith('NODE_NOT_FOUND', `${place}: ${rule}`, {
      field: pathOf(place),
      rule,
      resource: { type: 'node', name: nodeName },
    });
  }
  return nodes;
}
