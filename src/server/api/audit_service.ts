/** AuditService: audits made, run and stopped, and the strategies that they run. */

import { failAt } from '../../core/errors.ts';
import type { AuditState } from '../../core/states.ts';
import { FailurePolicy } from '../../gen/countermand/v1/action_plan.ts';
import {
  type AuditServiceImplementation,
  AuditState as AuditStates,
  AuditType,
  type CreateAuditRequest,
  type ListAuditsRequest,
} from '../../gen/countermand/v1/audit.ts';
import { nameOf } from '../agents/wire.ts';
import { reportClusterEvent } from '../audits/cluster_events.ts';
import type { WantedAudit } from '../audits/request.ts';
import type { Conductor } from '../conductor.ts';
import { partsAlso } from '../plans/parts.ts';
import { STRATEGIES } from '../plans/strategies.ts';
import { takesDownOfPlan } from '../plans/takes_down.ts';
import { getAudit, listAudits, listPlansOf } from '../store/audits.ts';
import { isNewestMark } from '../store/newest.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import { permitOf, previewPermitOf, refuseHidden, refuseUnwatched } from './audit_rights.ts';
import { templatesOf } from './audit_templates.ts';
import { toAudit, toStrategy } from './audit_wire.ts';
import { inWanted, withFields } from './fields.ts';
import { fullPage, nextToken, pageMark, pageSize } from './pages.ts';
import { expectedOf, LISTED_ACTIONS, statedIn, toActionPlans, toEffect, toTakesDown } from './plan_wire.ts';
import { seenEffect } from './seen_effect.ts';
import type { Recorded } from './trail.ts';
import type { View, Viewed } from './view.ts';

/** The number of plans of an audit that are shown with it. */
const PLANS_SHOWN = 100;

/** The service over a conductor. */
export function createAuditService(conductor: Conductor): AuditServiceImplementation<Viewed & Recorded> {
  const { orders, audits, planLimits } = conductor;
  const { store } = orders;
  const { read } = store.database;
  const answer = (audit: AuditRow) => toAudit(audit, store.database.isFull);
  return {
    async createAudit(request, { view, record }) {
      const expected = expectedOf(request);
      if (expected !== null && !request.autoTrigger)
        throw failAt(
          'AUDIT_INVALID',
          'expect_taken_down',
          'expect_taken_down: it goes with auto_trigger; else the plan is not started',
        );
      await refuseHidden(request, view, conductor);
      const { audit, plan } = await audits.create(
        toWanted(request, conductor),
        request.autoTrigger ? statedIn(request, planLimits) : null,
        permitOf(request, view),
        record,
      );
      const takesDown = plan ? toTakesDown(await takesDownOfPlan(plan, read), planLimits) : undefined;
      const [actionPlan] = await toActionPlans(plan ? [plan] : [], conductor);
      return { audit: answer(audit), actionPlan, takesDown };
    },

    async previewAudit({ wanted, audit }, { view, record: { actor } }) {
      if (wanted && audit !== '')
        throw failAt('ARGUMENT_INVALID', 'wanted', 'wanted: name an audit, or describe a wanted one, not both');
      if (!wanted && audit === '')
        throw failAt(
          'ARGUMENT_INVALID',
          'wanted',
          'wanted: it is missing; describe the audit as for CreateAudit, or name one',
        );
      const { takesDown, effect, refused, approvalWhy, noPlan } = wanted
        ? await withFields(inWanted, async () => {
            await refuseHidden(wanted, view, conductor);
            return audits.preview(toWanted(wanted, conductor), previewPermitOf(wanted, view), actor);
          })
        : await audits.previewRun(audit, actor);
      return {
        takesDown: toTakesDown(takesDown, planLimits),
        effect: toEffect(await seenEffect(effect, view)),
        refused: refused?.message ?? '',
        approvalWhy: approvalWhy ?? '',
        noPlan,
      };
    },

    async getAudit({ audit: key }, { view }) {
      const audit = await getAudit(key, read);
      const plans = await view.plans(await listPlansOf(audit.uuid, [], PLANS_SHOWN, read));
      return { audit: answer(audit), actionPlans: await toActionPlans(plans, conductor, LISTED_ACTIONS) };
    },

    listAudits: (request, { view }) => pageOfAudits(request, conductor, view),

    ...movesOf(conductor),
    ...templatesOf(conductor),

    listStrategies: async () => ({ strategies: STRATEGIES.map(toStrategy) }),

    async reportClusterEvent({ payload = {}, ...event }, { record }) {
      const parts = partsAlso(conductor, record, () => ({}));
      const { revision, changed } = await reportClusterEvent({ ...event, payload }, parts);
      return { modelRevision: BigInt(revision), changed };
    },
  };
}

type Moves = 'cancelAudit' | 'suspendAudit' | 'resumeAudit' | 'deleteAudit';

/** The RPCs that move an audit from one state to another. */
function movesOf({
  audits,
  orders,
  planLimits,
}: Conductor): Pick<AuditServiceImplementation<Viewed & Recorded>, Moves> {
  const { database } = orders.store;
  const answer = (audit: AuditRow) => toAudit(audit, database.isFull);
  return {
    async cancelAudit({ audit, revision }, { record }) {
      return { audit: answer(await audits.cancel(audit, revision, record)) };
    },

    async suspendAudit({ audit, revision }, { record }) {
      return { audit: answer(await audits.suspend(audit, revision, record)) };
    },

    async resumeAudit(request, { view, record }) {
      refuseUnwatched(await getAudit(request.audit, database.read), view);
      return {
        audit: answer(await audits.resume(request.audit, statedIn(request, planLimits), request.revision, record)),
      };
    },

    async deleteAudit({ audit, revision }, { record }) {
      await audits.delete(audit, revision, record);
      return {};
    },
  };
}

async function pageOfAudits(request: ListAuditsRequest, { orders }: Conductor, view: View) {
  const { database } = orders.store;
  const limit = pageSize(request.pageSize);
  const states = request.states.map(toState);
  const { goal, strategy, oldestFirst } = request;
  const list = ['audits', states, goal, strategy, oldestFirst];
  const filter = { states, oldestFirst, strategies: strategiesFor(strategy, goal) };
  const rows = await fullPage(
    { limit, after: pageMark(list, request.pageToken, isNewestMark) },
    (mark, atOnce) => listAudits(filter, mark, atOnce, database.read),
    (audit) => audit,
    view.isWhole ? undefined : (audits) => view.audits(audits),
  );
  const audits = rows.map((audit) => toAudit(audit, database.isFull));
  return { audits, nextPageToken: nextToken(list, rows, limit) };
}

/** The names of the strategies that a list is about; null: of all. An unknown name is that of no audit. */
function strategiesFor(strategy: string, goal: string): string[] | null {
  if (strategy === '' && goal === '') return null;
  const wanted = STRATEGIES.filter((each) => strategy === '' || each.name === strategy);
  return wanted.filter((each) => goal === '' || each.goal.name === goal).map(({ name }) => name);
}

function toState(value: AuditStates): AuditState {
  const state = nameOf(AuditStates, value);
  if (state === null)
    throw failAt('ARGUMENT_INVALID', 'states', `states: ${value} is unknown; they are those of AuditState`);
  return state;
}

function toWanted(request: CreateAuditRequest, { orders }: Conductor): WantedAudit {
  const { interval, requestId, auditTemplate } = request;
  return {
    name: request.name,
    ...(request.uuid !== '' && { uuid: request.uuid }),
    requestId: requestId === '' ? orders.store.chance.uuid() : requestId,
    auditType: named(AuditType, request.auditType, 'ONESHOT', 'audit_type'),
    ...(auditTemplate !== '' && { template: auditTemplate }),
    strategy: request.strategy,
    goal: request.goal,
    parameters: request.parameters ?? {},
    scope: request.scope,
    ...(request.all && { all: true }),
    intervalMs: interval === undefined ? null : interval * 1000,
    autoTrigger: request.autoTrigger,
    maxParallel: request.maxParallel,
    onFailure: named(FailurePolicy, request.onFailure, 'STOP', 'on_failure'),
  };
}

/** The name of an enum value; the default for UNSPECIFIED. @throws AUDIT_INVALID naming the place */
function named<Name extends string>(
  members: Readonly<Record<Name, number>>,
  value: number,
  fallback: EnumName<Name>,
  place: string,
): EnumName<Name> {
  const name = value === 0 ? fallback : nameOf(members, value);
  if (name !== null) return name;
  const names = Object.keys(members).filter((each) => !each.startsWith('UN'));
  throw failAt('AUDIT_INVALID', place, `${place}: it is unknown; it is ${names.join(' or ')}`);
}

type EnumName<Name> = Exclude<Name, 'UNSPECIFIED' | 'UNRECOGNIZED'>;
