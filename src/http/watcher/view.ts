/** Plans, actions, audits, strategies and goals as Watcher writes them, with ours beside. */
import * as z from 'zod';
import {
  type Action,
  type ActionPlan,
  type ActionPlanState,
  actionPlanStateToJSON,
  actionStateToJSON,
} from '../../gen/countermand/v1/action_plan.ts';
import {
  type Audit,
  type AuditTemplate,
  auditStateToJSON,
  auditTypeToJSON,
  type Strategy,
} from '../../gen/countermand/v1/audit.ts';
import { linksTo } from '../pages.ts';

const text = z.string();
const maybe = text.nullable();
const nothing = z.null();
const any = z.record(text, z.unknown());
const Links = z.array(z.object({ href: text, rel: text }));
const times = { created_at: maybe, updated_at: maybe, deleted_at: nothing };

/** A goal. */
export const GoalView = z.object({
  uuid: text,
  name: text,
  display_name: text,
  efficacy_specification: z.array(z.object({ name: text, description: text, unit: maybe, schema: maybe })),
  ...times,
  links: Links,
});

/** A strategy. */
export const StrategyView = z.object({
  uuid: text,
  name: text,
  display_name: text,
  goal_uuid: text,
  goal_name: text,
  parameters_spec: any,
  ...times,
  links: Links,
});

/** An audit template. */
export const TemplateView = z.object({
  uuid: text,
  name: text,
  description: maybe,
  goal_uuid: text,
  goal_name: text,
  strategy_uuid: maybe,
  strategy_name: maybe,
  scope: z.array(any),
  ...times,
  links: Links,
});

/** An audit. */
export const AuditView = z.object({
  uuid: text,
  name: text,
  audit_type: text,
  state: text,
  goal_uuid: text,
  goal_name: text,
  strategy_uuid: maybe,
  strategy_name: maybe,
  parameters: any,
  interval: maybe.describe('Seconds, as a text.'),
  scope: z.array(any),
  auto_trigger: z.boolean(),
  next_run_time: maybe,
  hostname: nothing,
  start_time: nothing,
  end_time: nothing,
  force: z.literal(false),
  status_message: maybe,
  ...times,
  links: Links,
});

/** An action plan. */
export const PlanView = z.object({
  uuid: text,
  name: text,
  audit_uuid: text,
  strategy_uuid: maybe,
  strategy_name: maybe,
  state: text,
  global_efficacy: z.array(any),
  efficacy_indicators: z.array(z.never()),
  hostname: nothing,
  status_message: maybe,
  waits_for: maybe.describe('What it waits for now, while it is PENDING.'),
  rollback_of: maybe,
  rolled_back_by: maybe,
  rollback_until: maybe,
  error_code: maybe,
  possible: z.array(text).describe('What can be ordered now, in words of the command line.'),
  ...times,
  links: Links,
});

/** An action. */
export const ActionView = z.object({
  uuid: text,
  action_plan_uuid: text,
  action_type: text,
  state: text,
  input_parameters: any,
  parents: z.array(text),
  description: text,
  status_message: maybe,
  node_uuid: maybe,
  before_image: any.nullable(),
  result: any.nullable(),
  undoes: maybe,
  ...times,
  links: Links,
});

const orNull = (said: string): string | null => (said === '' ? null : said);
const timeOf = (at: Date | undefined): string | null => at?.toISOString() ?? null;
/** `ACTION_PLAN_STATE_ONGOING` → `ONGOING` */
const bare = (name: string, prefix: string): string => name.slice(prefix.length);

/** The state of a plan. */
export const planState = (state: ActionPlanState): string => bare(actionPlanStateToJSON(state), 'ACTION_PLAN_STATE_');

/** A strategy. */
export function toStrategyView(strategy: Strategy, base: string): z.infer<typeof StrategyView> {
  return {
    uuid: strategy.uuid,
    name: strategy.name,
    display_name: strategy.displayName,
    goal_uuid: strategy.goalUuid,
    goal_name: strategy.goal,
    parameters_spec: strategy.parametersSchema ?? {},
    created_at: null,
    updated_at: null,
    deleted_at: null,
    links: linksTo(base, `strategies/${strategy.uuid}`),
  };
}

/** The goal of a strategy. */
export function toGoalView(strategy: Strategy, base: string): z.infer<typeof GoalView> {
  return {
    uuid: strategy.goalUuid,
    name: strategy.goal,
    display_name: strategy.goalDisplayName,
    efficacy_specification: strategy.indicators.map(({ name, description, unit }) => ({
      name,
      description,
      unit: orNull(unit),
      schema: null,
    })),
    created_at: null,
    updated_at: null,
    deleted_at: null,
    links: linksTo(base, `goals/${strategy.goalUuid}`),
  };
}

/** An audit. */
export function toAuditView(audit: Audit, strategies: readonly Strategy[], base: string): z.infer<typeof AuditView> {
  const strategy = strategies.find(({ name }) => name === audit.strategy);
  return {
    uuid: audit.uuid,
    name: audit.name,
    audit_type: bare(auditTypeToJSON(audit.auditType), 'AUDIT_TYPE_'),
    state: bare(auditStateToJSON(audit.state), 'AUDIT_STATE_'),
    goal_uuid: strategy?.goalUuid ?? '',
    goal_name: audit.goal,
    strategy_uuid: strategy?.uuid ?? null,
    strategy_name: orNull(audit.strategy),
    parameters: audit.parameters ?? {},
    interval: audit.interval === 0 ? null : String(audit.interval),
    scope: audit.scope,
    auto_trigger: audit.autoTrigger,
    next_run_time: timeOf(audit.nextRunAt),
    hostname: null,
    start_time: null,
    end_time: null,
    force: false,
    status_message: orNull(audit.statusMessage),
    created_at: timeOf(audit.createdAt),
    updated_at: timeOf(audit.updatedAt),
    deleted_at: null,
    links: linksTo(base, `audits/${audit.uuid}`),
  };
}

/** A plan. @param strategy that of its audit, if it was asked for */
export function toPlanView(plan: ActionPlan, strategy: Strategy | undefined, base: string): z.infer<typeof PlanView> {
  return {
    uuid: plan.uuid,
    name: plan.name,
    audit_uuid: plan.auditUuid,
    strategy_uuid: strategy?.uuid ?? null,
    strategy_name: strategy?.name ?? null,
    state: planState(plan.state),
    global_efficacy: plan.globalEfficacy.map((efficacy) => ({ ...efficacy, unit: orNull(efficacy.unit) })),
    efficacy_indicators: [],
    hostname: null,
    status_message: orNull(plan.statusMessage),
    waits_for: orNull(plan.waitsFor),
    rollback_of: orNull(plan.rollbackOf),
    rolled_back_by: orNull(plan.rolledBackBy),
    rollback_until: timeOf(plan.rollbackUntil),
    error_code: orNull(plan.errorCode),
    possible: plan.possible,
    created_at: timeOf(plan.createdAt),
    updated_at: timeOf(plan.updatedAt),
    deleted_at: null,
    links: linksTo(base, `action_plans/${plan.uuid}`),
  };
}

/** An audit template. @param strategies every strategy */
export function toTemplateView(
  template: AuditTemplate,
  strategies: readonly Strategy[],
  base: string,
): z.infer<typeof TemplateView> {
  const { uuid, name, description, goal, strategy, scope, createdAt, updatedAt } = template;
  return {
    uuid,
    name,
    description: orNull(description),
    goal_uuid: strategies.find((each) => each.goal === goal)?.goalUuid ?? '',
    goal_name: goal,
    strategy_uuid: strategies.find((each) => each.name === strategy)?.uuid ?? null,
    strategy_name: orNull(strategy),
    scope,
    created_at: timeOf(createdAt),
    updated_at: timeOf(updatedAt),
    deleted_at: null,
    links: linksTo(base, `audit_templates/${uuid}`),
  };
}

/** An action. */
export function toActionView(action: Action, base: string): z.infer<typeof ActionView> {
  return {
    uuid: action.uuid,
    action_plan_uuid: action.actionPlanUuid,
    action_type: action.actionType,
    state: bare(actionStateToJSON(action.state), 'ACTION_STATE_'),
    input_parameters: action.inputParameters ?? {},
    parents: action.parents,
    description: action.name,
    status_message: orNull(action.statusMessage),
    node_uuid: orNull(action.nodeUuid),
    before_image: action.beforeImage ?? null,
    result: action.result ?? null,
    undoes: orNull(action.undoes),
    created_at: timeOf(action.createdAt),
    updated_at: timeOf(action.updatedAt),
    deleted_at: null,
    links: linksTo(base, `actions/${action.uuid}`),
  };
}
