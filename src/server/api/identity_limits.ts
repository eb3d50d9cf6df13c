/** What each identity is held to, the same for every protocol: how much it calls, has open, and has made. */
import { type CountermandError, failWith } from '../../core/errors.ts';
import { IDENTITY_LIMITS } from '../../core/limits.ts';
import type { Access } from '../access/access.ts';
import type { Budgets } from '../access/budgets.ts';
import type { Asked } from '../access/identity.ts';
import type { Rights } from '../access/rights.ts';
import type { Verb } from '../access/verbs.ts';
import type { Also, Touched } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import { countNodesOf, countPlansOf, ownNode } from '../store/owners.ts';
import type { Guard } from './guards.ts';
import { RPC_RULES } from './rpc_verbs.ts';
import type { Recorded } from './trail.ts';

/** The limits of each identity, by their keys. */
export type IdentityLimits = Readonly<Record<keyof typeof IDENTITY_LIMITS, number>>;

/** The limits where none are configured. */
export const USUAL_LIMITS: IdentityLimits = {
  identity_calls: IDENTITY_LIMITS.identity_calls.limit,
  identity_streams: IDENTITY_LIMITS.identity_streams.limit,
  identity_plans: IDENTITY_LIMITS.identity_plans.limit,
  identity_actions: IDENTITY_LIMITS.identity_actions.limit,
  identity_nodes: IDENTITY_LIMITS.identity_nodes.limit,
};

/** Calls that take something back are never refused to a caller who may make them: they make the conductor's work less. */
const TAKE_BACK: readonly Verb[] = ['power.abort', 'plan.cancel', 'plan.rollback', 'audit.cancel'];

function takesBack(path: string, request: unknown, rights: () => Rights): boolean {
  const rule = RPC_RULES.get(path);
  const verbs = rule?.needed?.(request as never) ?? rule?.verbs ?? [];
  return verbs.length > 0 && verbs.every((verb) => TAKE_BACK.includes(verb) && rights().may(verb));
}

/** Counts calls and streams. @throws IDENTITY_LIMIT; then the service was not called */
export function holdCallers(budgets: Budgets, access: Access): Guard<Asked> {
  return ({ method, request, requestStream, responseStream, context: { identity } }) => {
    // An agent has one stream, and is held to limits of its own.
    if (requestStream || takesBack(method.path, request, () => access.rightsOf(identity))) return;
    budgets.spend(identity.name);
    if (responseStream) return { end: budgets.enter(identity.name) };
  };
}

const CREATE_NODE = '/countermand.v1.NodeService/CreateNode';
const CREATE_PLAN = '/countermand.v1.ActionPlanService/CreateActionPlan';
const CREATE_AUDIT = '/countermand.v1.AuditService/CreateAudit';
const CREATE: readonly string[] = [CREATE_NODE, CREATE_PLAN, CREATE_AUDIT];

/**
 * Counts nodes, plans and actions, in the transaction that makes them.
 * @throws IDENTITY_LIMIT; then nothing was written
 */
export function holdMakers(limits: IdentityLimits): Guard<Asked & Recorded> {
  return ({ method, context: { identity, record } }) =>
    CREATE.includes(method.path) ? { context: { record: counted(record, identity.name, limits) } } : undefined;
}

/** What is written with a change, and counted for who makes it. */
function counted(record: Also, name: string, limits: IdentityLimits): Also {
  return {
    actor: record.actor,
    async note(transaction, touched) {
      await count(transaction, touched, name, limits);
      await record.note(transaction, touched);
    },
    done: (noted) => record.done(noted),
  };
}

async function count(
  transaction: Transaction,
  { before, after, plan, audit }: Touched,
  name: string,
  limits: IdentityLimits,
): Promise<void> {
  const { sql } = transaction;
  if (after && !before) {
    await ownNode(after.uuid, name, transaction);
    hold('identity_nodes', await countNodesOf(name, sql), name, limits);
  }
  if (!plan && !audit) return;
  const { plans, actions } = await countPlansOf(name, sql);
  hold('identity_plans', plans, name, limits);
  hold('identity_actions', actions, name, limits);
}

/** What ends by itself, or by an operator, is soon worth another look. */
const RETRY_MS = 10_000;

function hold(key: keyof IdentityLimits, found: number, name: string, limits: IdentityLimits): void {
  if (found > limits[key]) throw exceeded(key, limits[key], name);
}

function exceeded(key: keyof IdentityLimits, limit: number, name: string): CountermandError {
  const { unit, what } = IDENTITY_LIMITS[key];
  return failWith('IDENTITY_LIMIT', `${name} may have ${limit} ${unit} (${key}): ${what}; nothing was written`, {
    facts: { limit: key },
    retryAfterMs: RETRY_MS,
  });
}
