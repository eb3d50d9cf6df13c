/** Action plans: listed, started, cancelled, rolled back. */
import * as z from 'zod';
import { CountermandError } from '../../core/errors.ts';
import { type ActionPlan, UndoKind } from '../../gen/countermand/v1/action_plan.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { type Answer, ok } from '../answer.ts';
import { Refusal } from '../errors.ts';
import type { IsRecent } from '../repeated.ts';
import { type Ask, type Route, route } from '../route.ts';
import { everyOne, listRoutes, PAGE, pageOf } from './pages.ts';
import { ExpectTakenDown, StatePatch } from './patch.ts';
import { strategiesOf } from './strategies.ts';
import { PlanView, planState, toPlanView } from './view.ts';

/** Where a plan is after its start, unless it was cancelled since. */
const STARTED = ['PENDING', 'ONGOING', 'SUCCEEDED', 'FAILED'];

const ListQuery = z.strictObject({ ...PAGE, audit_uuid: z.string().optional().describe('Name or uuid of an audit.') });
const Page = z.object({ action_plans: z.array(PlanView), next: z.string().optional() });

/** Every plan, or those of one audit, the newest first. */
export const plansOf = (audit: string | undefined, { plans }: Clients): AsyncGenerator<ActionPlan> =>
  everyOne(async (pageToken) => {
    const asked = { pageSize: 1000, pageToken, audit: audit ?? '' };
    const { actionPlans: things, nextPageToken } = await plans.listActionPlans(asked);
    return { things, nextPageToken };
  });

/** The plan of an answer. */
function planIn({ actionPlan }: { readonly actionPlan?: ActionPlan | undefined }): ActionPlan {
  if (actionPlan === undefined) throw new Error('an answer without an action plan');
  return actionPlan;
}

/**
 * A plan with the strategy of its audit, or without one: who may order about a plan may see no more of its audit, and once the order is
 * durable, nothing may make it look refused.
 */
async function whole(plan: ActionPlan, base: string, conductor: Clients): Promise<z.infer<typeof PlanView>> {
  try {
    const { audit } = await conductor.audits.getAudit({ audit: plan.auditUuid });
    const strategies = await strategiesOf(conductor);
    return toPlanView(
      plan,
      strategies.find(({ name }) => name === audit?.strategy),
      base,
    );
  } catch (error) {
    if (!(error instanceof CountermandError)) throw error;
    return toPlanView(plan, undefined, base);
  }
}

async function start(
  ident: string,
  { plans }: Clients,
  isRecent: IsRecent,
  expectTakenDown?: number | undefined,
): Promise<ActionPlan> {
  try {
    return planIn(await plans.startActionPlan({ actionPlan: ident, queue: true, expectTakenDown }));
  } catch (error) {
    if (!(error instanceof CountermandError && error.code === 'ACTION_PLAN_STATE')) throw error;
    const plan = planIn(await plans.getActionPlan({ actionPlan: ident, pageSize: 1 }));
    if (!isRecent(plan.startedAt) || !STARTED.includes(planState(plan.state))) throw error;
    return plan;
  }
}

/** What a wished state asks for. The client has chosen it from an older reading, so it is no more than a wish. */
async function change(ident: string, wish: string, conductor: Clients, isRecent: IsRecent): Promise<ActionPlan> {
  if (wish === 'PENDING') return start(ident, conductor, isRecent);
  if (wish === 'CANCELLING' || wish === 'CANCELLED')
    return planIn(await conductor.plans.orderCancel({ actionPlan: ident }));
  throw new Refusal(400, `state: '${wish.slice(0, 100)}' cannot be asked for; PENDING, CANCELLING and CANCELLED can`);
}

const StartOrder = z.strictObject({ expect_taken_down: ExpectTakenDown }).optional();

const RollbackOrder = z
  .strictObject({
    skip_irreversible: z.boolean({ error: 'it is true or false' }).optional(),
    accept_drift: z.boolean({ error: 'it is true or false' }).optional(),
    request_id: z.string({ error: 'it is a text' }).optional(),
  })
  .optional();

async function rollBack({
  params,
  body,
  base,
  requestId,
  isRecent,
  conductor,
}: Ask<unknown, z.infer<typeof RollbackOrder>>): Promise<Answer> {
  const actionPlan = params.plan ?? '';
  const { plans } = conductor;
  const id = body?.request_id ?? requestId;
  const order = {
    actionPlan,
    requestId: id,
    skipIrreversible: body?.skip_irreversible,
    acceptDrift: body?.accept_drift,
  };
  try {
    return ok(await whole(planIn(await plans.orderRollback(order)), base, conductor));
  } catch (error) {
    if (!(error instanceof CountermandError && error.code === 'ROLLBACK_REFUSED') || id !== '') throw error;
    const { rolledBackBy } = planIn(await plans.getActionPlan({ actionPlan, pageSize: 1 }));
    if (rolledBackBy === '') throw error;
    const rollback = planIn(await plans.getActionPlan({ actionPlan: rolledBackBy, pageSize: 1 }));
    if (!isRecent(rollback.createdAt)) throw error;
    return ok(await whole(rollback, base, conductor));
  }
}

const Decision = z.strictObject({ reason: z.string({ error: 'it is a text' }).optional() }).optional();

const Undo = z.object({
  action_uuid: z.string(),
  description: z.string(),
  node: z.string().nullable(),
  kind: z.string(),
  what: z.string(),
  drift: z.string().nullable(),
});
const Preview = z.object({ refused: z.string().nullable(), undos: z.array(Undo) });
const KINDS: ReadonlyMap<number, string> = new Map([
  [UndoKind.ACTION, 'ACTION'],
  [UndoKind.NOTHING, 'NOTHING'],
  [UndoKind.IRREVERSIBLE, 'IRREVERSIBLE'],
]);

async function previewRollback({ params, conductor }: Ask): Promise<Answer> {
  const { refused, undos } = await conductor.plans.previewRollback({ actionPlan: params.plan ?? '' });
  return ok({
    refused: refused || null,
    undos: undos.map(({ actionUuid, actionName, nodeName, kind, what, drift }) => ({
      action_uuid: actionUuid,
      description: actionName,
      node: nodeName || null,
      kind: KINDS.get(kind) ?? '',
      what,
      drift: drift || null,
    })),
  } satisfies z.infer<typeof Preview>);
}

const COLUMNS = ['uuid', 'audit_uuid', 'state', 'name', 'created_at', 'updated_at'];

function list(ask: Ask<z.infer<typeof ListQuery>>): Promise<Answer> {
  const { query, base, conductor } = ask;
  const views = async function* () {
    for await (const plan of plansOf(query.audit_uuid, conductor)) yield toPlanView(plan, undefined, base);
  };
  return pageOf('action_plans', views(), COLUMNS, ask);
}

/** The routes that list, show and delete. */
const READINGS: readonly Route[] = [
  ...listRoutes({
    path: '/v1/action_plans',
    things: 'action plans, the newest first',
    command: 'watcher actionplan list',
    calls: 'ActionPlanService.ListActionPlans',
    differs: '`strategy_name` and `strategy_uuid` are those of the audit, and null in lists.',
    query: ListQuery,
    answer: Page,
    handle: list,
  }),
  route({
    method: 'GET',
    path: '/v1/action_plans/{plan}',
    chapter: 'watcher',
    says: 'answers one action plan, by uuid, request_id or name',
    command: 'watcher actionplan show',
    calls: 'ActionPlanService.GetActionPlan, AuditService.GetAudit',
    differs: 'Names and request_ids are accepted as well; `watcher` itself sends uuids only.',
    status: 200,
    answer: PlanView,
    async handle({ params, base, conductor }) {
      const actionPlan = params.plan ?? '';
      const plan = planIn(await conductor.plans.getActionPlan({ actionPlan, pageSize: 1 }));
      if (planState(plan.state) === 'DELETED') throw new Refusal(404, `action plan '${plan.name}' was deleted`);
      return ok(await whole(plan, base, conductor));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/action_plans/{plan}',
    chapter: 'watcher',
    says: 'deletes a plan that does not run and does not wait to',
    command: 'watcher actionplan delete',
    calls: 'ActionPlanService.DeleteActionPlan',
    status: 204,
    async handle({ params, conductor }) {
      await conductor.plans.deleteActionPlan({ actionPlan: params.plan ?? '' });
      return { status: 204 };
    },
  }),
];

/** The routes that order something. */
const ORDERS: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/action_plans/{plan}/start',
    chapter: 'watcher',
    says: 'starts a plan, which waits behind the plans that run on its nodes',
    command: 'watcher actionplan start',
    calls: 'ActionPlanService.StartActionPlan',
    differs:
      'The answer may already say ONGOING. Sent again within `repetition_window` of the start it is the same start. One that takes more than `confirm_above` running nodes down is refused without `expect_taken_down`, which `watcher` cannot say.',
    status: 200,
    body: StartOrder,
    answer: PlanView,
    handle: async ({ params, body, base, isRecent, conductor }) =>
      ok(await whole(await start(params.plan ?? '', conductor, isRecent, body?.expect_taken_down), base, conductor)),
  }),
  route({
    method: 'PATCH',
    path: '/v1/action_plans/{plan}',
    chapter: 'watcher',
    says: 'starts (PENDING) or cancels (CANCELLING, CANCELLED) a plan',
    command: 'watcher actionplan cancel, update replace state=',
    calls: 'ActionPlanService.StartActionPlan, OrderCancel',
    differs:
      'A start says no number: above `confirm_above` use `start`. The value is a wish, because the client has chosen it from an older reading: either word cancels a plan that can be cancelled, and a plan that is CANCELLING or CANCELLED is answered as it is. A cancel is durable when it is answered, and takes back what runs.',
    status: 200,
    body: StatePatch,
    answer: PlanView,
    handle: async ({ params, body, base, isRecent, conductor }) =>
      ok(await whole(await change(params.plan ?? '', body[0]?.value ?? '', conductor, isRecent), base, conductor)),
  }),
  route({
    method: 'POST',
    path: '/v1/action_plans/{plan}/rollback',
    chapter: 'watcher',
    says: 'rolls back a plan that has ended, by a new plan, which is answered',
    calls: 'ActionPlanService.OrderRollback',
    differs:
      'The specification has it, Watcher never built it. It is refused for what cannot be undone and for what was changed since unless `skip_irreversible` or `accept_drift` is true. Refused is 400, an unknown plan 404.',
    status: 200,
    body: RollbackOrder,
    answer: PlanView,
    handle: rollBack,
  }),
  route({
    method: 'POST',
    path: '/v1/action_plans/{plan}/approve',
    chapter: 'watcher',
    says: 'agrees to a plan that waits for a second person; it takes its turn',
    calls: 'ActionPlanService.ApproveActionPlan',
    differs: 'Watcher has no approvals. Whoever made or started the plan is refused with 403.',
    status: 200,
    body: Decision,
    answer: PlanView,
    handle: async ({ params, body, base, conductor }) => {
      const said = { actionPlan: params.plan ?? '', reason: body?.reason ?? '', queue: true };
      return ok(await whole(planIn(await conductor.plans.approveActionPlan(said)), base, conductor));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/action_plans/{plan}/reject',
    chapter: 'watcher',
    says: 'does not agree to a plan that waits for a second person; it ends CANCELLED',
    calls: 'ActionPlanService.RejectActionPlan',
    differs: 'As `approve`.',
    status: 200,
    body: Decision,
    answer: PlanView,
    handle: async ({ params, body, base, conductor }) => {
      const said = { actionPlan: params.plan ?? '', reason: body?.reason ?? '' };
      return ok(await whole(planIn(await conductor.plans.rejectActionPlan(said)), base, conductor));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/action_plans/{plan}/rollback',
    chapter: 'watcher',
    says: 'answers what a rollback would do now, action by action',
    calls: 'ActionPlanService.PreviewRollback',
    status: 200,
    answer: Preview,
    handle: previewRollback,
  }),
];

/** The routes of action plans. */
export const PLAN_ROUTES: readonly Route[] = [...READINGS, ...ORDERS];
