/** Audits and strategies in tables and sentences. */

import type { ActionPlan } from '../../gen/countermand/v1/action_plan.ts';
import { type Audit, AuditState, AuditType, type Strategy } from '../../gen/countermand/v1/audit.ts';
import { planTable } from '../plan/list.ts';
import { byWords } from '../shared/actors.ts';
import { possibleCommands } from '../shared/possible.ts';
import { shortId } from '../shared/short_ids.ts';
import { facts, table } from '../shared/table.ts';
import type { TimeText } from '../shared/times.ts';
import { enumName, spanWords } from '../shared/words.ts';

/** What the argument AUDIT takes. */
export const WHICH_AUDIT = 'name, uuid or request id of the audit; the first 8 digits of its uuid are enough';

/** The name of its state. */
export const stateOf = ({ state }: Audit): string => enumName(AuditState, state);

/** How often it runs, and when next. */
export function runsCell({ auditType, interval, nextRunAt }: Audit, nowMs: number): string {
  if (auditType !== AuditType.CONTINUOUS) return 'once';
  const next = nextRunAt ? `, next in ${spanWords(nextRunAt.getTime() - nowMs)}` : '';
  return `every ${spanWords(interval * 1000)}${next}`;
}

/** One audit, all that is known of it, and its plans. */
export function auditText(audit: Audit, plans: readonly ActionPlan[], nowMs: number, time: TimeText): string {
  const known = facts([
    ['audit', audit.uuid],
    ['name', audit.name],
    ['state', stateOf(audit)],
    ['message', audit.statusMessage],
    ['goal', audit.goal],
    ['strategy', audit.strategy],
    ['parameters', JSON.stringify(audit.parameters ?? {})],
    ['scope', scopeCell(audit)],
    ['runs', runsCell(audit, nowMs)],
    ['its plans', audit.autoTrigger ? 'start as soon as they are made' : 'wait to be started'],
    ['request id', audit.requestId],
    ['made', `${time(audit.createdAt)}${byWords(audit.createdBy)}`],
    ['possible', possibleCommands(audit.possibleOrders).join('; ')],
  ]);
  return `${known}\n\n${planTable(plans, nowMs)}`;
}

function scopeCell({ scope, all }: Audit): string {
  if (scope.length > 0) return JSON.stringify(scope);
  return all ? 'every node' : 'the nodes that its actions name';
}

/** One audit in a line. */
export function auditLine(audit: Audit): string {
  const message = audit.statusMessage && `: ${audit.statusMessage}`;
  return `audit '${audit.name}' (${shortId(audit.uuid)}) ${stateOf(audit)}${message}`;
}

/** Strategies with their parameters. */
export function strategyText(strategies: readonly Strategy[]): string {
  return strategies.map(strategyLines).join('\n\n');
}

interface ParametersSchema {
  readonly properties?: Readonly<Record<string, { readonly description?: string; readonly default?: unknown }>>;
}

function strategyLines({ name, goal, meaning, parametersSchema }: Strategy): string {
  const { properties = {} } = (parametersSchema ?? {}) as ParametersSchema;
  const rows = Object.entries(properties).map(([key, { description = '', default: fallback }]) => [
    key,
    fallback === undefined ? '' : JSON.stringify(fallback),
    description,
  ]);
  return `${name} (goal ${goal}): ${meaning}\n${table(['PARAMETER', 'DEFAULT', 'MEANING'], rows).replaceAll(/^/gm, '  ')}`;
}
