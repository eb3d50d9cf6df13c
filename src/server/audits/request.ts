/** What a client asks of an audit, and what can be said of it without looking at the fleet. */
import { failAt, failWith } from '../../core/errors.ts';
import { SENT_LIMITS } from '../../core/limits.ts';
import { checkName, MAX_PARALLEL } from '../plans/check.ts';
import { checkChosenUuid } from '../plans/chosen_uuid.ts';
import { coversEveryNode, parseScope } from '../plans/scope.ts';
import { parseStrategyParameters, type Strategy } from '../plans/strategies/strategy.ts';
import { chooseStrategy } from '../plans/strategies.ts';
import type { AuditRow, FailurePolicy } from '../store/plan_rows.ts';

/** One audit, as a client writes it. */
export interface WantedAudit {
  readonly name: string;
  /** Chosen by the client; absent: the conductor chooses one. */
  readonly uuid?: string;
  /** The same id twice is one audit. */
  readonly requestId: string;
  readonly auditType: AuditRow['auditType'];
  /** The name or uuid of a template that gives what is left out; absent: none. */
  readonly template?: string;
  /** Empty: the only strategy for the goal. */
  readonly strategy: string;
  readonly goal: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Empty: every node if `all` says so, else the nodes that the actions name. */
  readonly scope: readonly unknown[];
  /** It says that the scope is every node, less what it excludes. Absent if it does not say so. */
  readonly all?: true;
  /** How often a CONTINUOUS audit runs; null for one that runs once. */
  readonly intervalMs: number | null;
  /** Its plans are started as soon as they are made, and queue. */
  readonly autoTrigger: boolean;
  /** 0 is the default. */
  readonly maxParallel: number;
  readonly onFailure: FailurePolicy;
}

/** The limit of an interval: a year. */
const INTERVAL_LIMIT_S = SENT_LIMITS.audit_interval_s.limit;

/**
 * Checks an audit as far as the nodes do not matter, and answers the name of its strategy.
 * @throws AUDIT_INVALID, SCOPE_INVALID naming the place, or if every node is implied and not said
 */
export function checkAudit(wanted: WantedAudit): string {
  checkName(wanted.name, 'name', 'AUDIT_INVALID');
  checkName(wanted.requestId, 'request_id', 'AUDIT_INVALID');
  checkChosenUuid(wanted.uuid);
  checkInterval(wanted);
  if (!Number.isSafeInteger(wanted.maxParallel) || wanted.maxParallel < 0 || wanted.maxParallel > MAX_PARALLEL.limit)
    throw invalid('max_parallel', `it is ${wanted.maxParallel}; it is a whole number from 0 to ${MAX_PARALLEL.limit}`);
  const strategy = chooseStrategy(wanted.strategy, wanted.goal);
  parseStrategyParameters(strategy, wanted.parameters);
  checkScope(wanted, strategy);
  return strategy.name;
}

/** Whole fleets are said, never implied: a forgotten selector must not mean every node. */
function checkScope({ scope, all: said }: WantedAudit, strategy: Strategy): void {
  const all = said === true;
  const everyNode = coversEveryNode(parseScope(scope));
  if (all && !everyNode)
    throw invalid('all', 'the scope names nodes, so the audit is not about every node; leave out all, or the scope');
  if (all || !everyNode) return;
  // What does not look at a scope is about the nodes that its actions name.
  if (scope.length === 0 && !strategy.actsOnScope) return;
  const what = scope.length === 0 ? 'it is empty' : 'a section only excludes nodes';
  const would = strategy.actsOnScope ? `strategy ${strategy.name} would act on` : 'the audit would be about';
  throw failWith(
    'SCOPE_INVALID',
    `scope: ${what}, and ${would} every node; name nodes, zones or labels, or say all: true`,
    { field: 'scope', facts: { wants: 'all' } },
  );
}

function checkInterval({ auditType, intervalMs }: WantedAudit): void {
  if (auditType === 'ONESHOT') {
    if (intervalMs !== null)
      throw invalid('interval', 'an ONESHOT audit runs once; leave it out, or make it CONTINUOUS');
    return;
  }
  if (intervalMs === null) throw invalid('interval', 'a CONTINUOUS audit needs one, in seconds');
  const seconds = intervalMs / 1000;
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > INTERVAL_LIMIT_S)
    throw invalid('interval', `it is ${seconds}; it is a whole number of seconds from 1 to ${INTERVAL_LIMIT_S}`);
}

function invalid(place: string, rule: string): Error {
  return failAt('AUDIT_INVALID', place, `${place}: ${rule}`);
}
