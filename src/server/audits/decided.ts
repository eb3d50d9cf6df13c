/**
 * What an audit proposes: decided before the transaction that writes it, and held there to what has changed since. A transaction that read
 * the nodes of an audit would last as long as the fleet is large.
 *
 * The transaction reads the nodes that have changed since they were read, and asks the strategy again if there are any. So the plan is that of
 * the fleet as it is in the transaction, however often nodes change: an audit of every node of a busy fleet is not decided again and again.
 * The history of the cluster model has no new names and no readings that failed: these are compared for the nodes that the proposal names,
 * whose rows are read anyway, and an audit that was decided on others is decided again.
 */

import { digestOf } from '../../core/digest.ts';
import { failAt } from '../../core/errors.ts';
import { openCancellation } from '../../core/signals.ts';
import { asOfNow, everyNodeAsOf, type NodesAsOf, refusedMeanwhile } from '../plans/nodes_as_of.ts';
import type { PlanParts } from '../plans/parts.ts';
import { PERMIT_ALL, type Permit } from '../plans/permit.ts';
import { readCandidates, scopeAmong } from '../plans/scope.ts';
import type { Looked } from '../plans/strategies/seen.ts';
import { type Proposal, parseStrategyParameters, type Strategy } from '../plans/strategies/strategy.ts';
import { STRATEGIES } from '../plans/strategies.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { isRefusal } from '../store/failures.ts';
import { findNodesByUuid } from '../store/nodes.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import type { NodeRow } from '../store/rows.ts';

/** What an audit is run by. */
type Asked = Pick<AuditRow, 'name' | 'strategy' | 'parameters' | 'scope'>;

/** What an audit proposes, and what that was decided on. */
export interface Decided {
  readonly asked: Asked;
  readonly permit: Permit;
  readonly strategy: Strategy;
  /** What its strategy has seen outside of the conductor. */
  readonly looked: Looked;
  /** Null if it looks at no node. */
  readonly known: NodesAsOf | null;
  /** The nodes of its scope; null if it has none. */
  readonly scoped: readonly NodeRow[] | null;
  /** Those that its strategy was given. */
  readonly nodes: readonly NodeRow[];
  readonly proposal: Proposal;
}

/** A look takes no longer. */
const LOOK_LIMIT_MS = 120_000;
const NOTHING_SEEN: Looked = new Map();

/**
 * Decides what an audit proposes, outside of any transaction: reads the nodes of its scope, and lets its strategy look at what is outside
 * of the conductor. Nothing is written.
 * @param permit of the caller who makes the audit; later runs have none, and are held back by nothing
 * @throws AUDIT_INVALID for a strategy or parameters that this version does not know, SCOPE_INVALID, and as the look of the strategy
 */
export async function decide(asked: Asked, parts: PlanParts, permit: Permit = PERMIT_ALL): Promise<Decided> {
  const { read } = parts.orders.store.database;
  const strategy = strategyNamed(asked.strategy);
  const parameters = parseStrategyParameters(strategy, asked.parameters);
  const known = await readNodes(strategy, asked.scope, read);
  const about = { asked, permit, strategy, looked: NOTHING_SEEN };
  if (!strategy.look) return proposed(about, known);
  const { nodes } = amongWhich(about, known);
  const looked = await lookAt(strategy, nodes, parameters, parts);
  return proposed({ ...about, looked }, known && (await asOfNow(known, read)));
}

/**
 * What an audit proposes by what has changed since it was decided. Call it in the transaction that writes its plan.
 * @param asked the audit as it is in the transaction
 * @throws OVERTAKEN if this is not what was decided on, and as `decide`
 */
export async function decidedNow(decided: Decided | null, asked: Asked, sql: Transaction['sql']): Promise<Decided> {
  if (decided === null || keyOf(decided.asked) !== keyOf(asked)) throw overtaken(`audit '${asked.name}'`);
  const { known } = decided;
  if (known === null) return decided;
  const now = await asOfNow(known, sql);
  if (now === known) return decided;
  try {
    return proposed(decided, now);
  } catch (thrown) {
    throw refusedMeanwhile(thrown, `audit '${asked.name}'`);
  }
}

const keyOf = ({ strategy, parameters, scope }: Asked): string => digestOf({ strategy, parameters, scope });

/**
 * Holds the actions of a proposal to the nodes that its strategy was given: they have the names and the power states that it was decided on.
 * @param actions with their nodes as they are in the transaction
 * @throws OVERTAKEN
 */
export function holdToNodes(decided: Decided, actions: readonly { readonly node: NodeRow | null }[]): void {
  const found = new Map(actions.flatMap(({ node }) => (node ? [[node.name, node] as const] : [])));
  const other = givenAndNamed(decided).find(({ name, uuid, powerState }) => {
    const now = found.get(name);
    return now?.uuid !== uuid || now.powerState !== powerState;
  });
  if (other) throw overtaken(`node ${other.name}`);
}

/**
 * What a refusal of the plan is: OVERTAKEN if a node has another name than the one by which it was proposed; else as it was thrown. The
 * strategy knows nodes by what they were when they were read.
 */
export async function unlessRenamed(decided: Decided, thrown: unknown, sql: Transaction['sql']): Promise<unknown> {
  // A transaction in which the database has failed answers no more queries.
  if (!isRefusal(thrown)) return thrown;
  const given = givenAndNamed(decided);
  const uuids = given.map(({ uuid }) => uuid);
  const now = await findNodesByUuid(uuids, sql);
  const renamed = given.find(({ uuid, name }) => now.get(uuid)?.name !== name);
  return renamed ? overtaken(`node ${renamed.name}`) : thrown;
}

/** The nodes that the strategy was given, and that its actions name. */
function givenAndNamed({ nodes, proposal }: Decided): NodeRow[] {
  const named = new Set(proposal.actions.map(({ inputParameters }) => inputParameters.resource_id));
  return nodes.filter(({ name }) => named.has(name));
}

function proposed(about: Pick<Decided, 'asked' | 'permit' | 'strategy' | 'looked'>, known: NodesAsOf | null): Decided {
  const { strategy, asked, looked } = about;
  const { asked: _asked, ...rest } = about;
  const parameters = parseStrategyParameters(strategy, asked.parameters);
  const among = amongWhich(about, known);
  return { ...rest, asked, known, ...among, proposal: strategy.propose(among.nodes, parameters, looked) };
}

/** The nodes of its scope, and those that its strategy is given. */
function amongWhich(
  { asked: { scope }, permit }: Pick<Decided, 'asked' | 'permit'>,
  known: NodesAsOf | null,
): Pick<Decided, 'scoped' | 'nodes'> {
  if (known === null) return { scoped: null, nodes: [] };
  const scoped = scope.length === 0 ? null : scopeAmong(scope, known.nodes, permit.sees);
  return { scoped, nodes: scoped ?? known.nodes };
}

/** A strategy that does not act on its scope is given no fleet to look at: that would cost as much as the fleet is large. */
async function readNodes(
  { actsOnScope }: Strategy,
  scope: unknown,
  sql: Transaction['sql'],
): Promise<NodesAsOf | null> {
  const candidates = await readCandidates(scope, sql);
  return candidates ?? (actsOnScope ? everyNodeAsOf(sql) : null);
}

async function lookAt(
  strategy: Strategy,
  nodes: readonly NodeRow[],
  parameters: unknown,
  { orders, clouds, shutdown }: PlanParts,
): Promise<Looked> {
  const limit = { clock: orders.store.clock, afterMs: LOOK_LIMIT_MS, what: 'the look at the compute services' };
  const cancellation = openCancellation([shutdown], limit);
  try {
    return (await strategy.look?.(nodes, parameters, clouds, cancellation.signal)) ?? NOTHING_SEEN;
  } finally {
    cancellation.end();
  }
}

/** False if this version does not know the strategy, or no such parameters of it: then no later run makes a plan either, however the fleet is. */
export function isKnown({ strategy, parameters }: Asked): boolean {
  try {
    parseStrategyParameters(strategyNamed(strategy), parameters);
    return true;
  } catch {
    return false;
  }
}

function strategyNamed(name: string): Strategy {
  const strategy = STRATEGIES.find((each) => each.name === name);
  if (!strategy) throw failAt('AUDIT_INVALID', 'strategy', `strategy: this version has no strategy '${name}'`);
  return strategy;
}
