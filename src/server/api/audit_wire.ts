/** Between the rows of audits, the list of strategies and the messages of the proto. */
import { FailurePolicy } from '../../gen/countermand/v1/action_plan.ts';
import * as proto from '../../gen/countermand/v1/audit.ts';
import { auditPossible } from '../plans/possible.ts';
import { parametersSpec, type Strategy } from '../plans/strategies/strategy.ts';
import { strategyOf } from '../plans/strategies.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import { possibleFields } from './possible.ts';
import { date, toActor } from './wire.ts';

/** An audit for an answer. @param isFull the disk is full: what begins work is refused */
export function toAudit(audit: AuditRow, isFull: boolean): proto.Audit {
  return {
    uuid: audit.uuid,
    name: audit.name,
    auditType: proto.AuditType[audit.auditType],
    state: proto.AuditState[audit.state],
    statusMessage: audit.statusMessage,
    goal: strategyOf(audit.strategy).goal.name,
    strategy: audit.strategy,
    parameters: { ...audit.parameters },
    scope: audit.scope as { [key: string]: unknown }[],
    interval: (audit.intervalMs ?? 0) / 1000,
    nextRunAt: audit.state === 'ONGOING' ? date(audit.nextRunAt) : undefined,
    autoTrigger: audit.autoTrigger,
    all: audit.everyNode,
    maxParallel: audit.maxParallel,
    onFailure: FailurePolicy[audit.onFailure],
    requestId: audit.requestId ?? '',
    ...possibleFields(auditPossible(audit, isFull)),
    createdAt: date(audit.createdAt),
    updatedAt: date(audit.updatedAt),
    revision: audit.revision,
    createdBy: toActor(audit.createdBy, audit.createdFor),
  };
}

/** A strategy for an answer. */
export function toStrategy(strategy: Strategy): proto.Strategy {
  const { uuid, name, displayName, meaning, goal } = strategy;
  return {
    uuid,
    name,
    displayName,
    meaning,
    goal: goal.name,
    goalUuid: goal.uuid,
    goalDisplayName: goal.displayName,
    parametersSchema: parametersSpec(strategy) as { [key: string]: unknown },
    actsOnScope: strategy.actsOnScope,
    indicators: goal.indicators.map((indicator) => ({ ...indicator, unit: indicator.unit ?? '' })),
  };
}
