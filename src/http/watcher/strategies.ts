/** Goals and strategies. */
import * as z from 'zod';
import type { Strategy } from '../../gen/countermand/v1/audit.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { type Answer, ok } from '../answer.ts';
import { Refusal } from '../errors.ts';
import { type Ask, type Route, route } from '../route.ts';
import { listRoutes, PAGE, pageOf } from './pages.ts';
import { GoalView, StrategyView, toGoalView, toStrategyView } from './view.ts';

/** Every strategy. */
export const strategiesOf = async ({ audits }: Clients): Promise<readonly Strategy[]> =>
  (await audits.listStrategies({})).strategies;

/** @throws Refusal with 404 */
export function strategyNamed(ident: string, strategies: readonly Strategy[]): Strategy {
  const found = strategies.find(({ uuid, name }) => ident === uuid || ident === name);
  if (found) return found;
  const those = strategies.map(({ name }) => name).join(', ');
  throw new Refusal(404, `there is no strategy '${ident.slice(0, 100)}'; there are ${those}`);
}

/** The first strategy of a goal. @throws Refusal with 404 */
export function goalNamed(ident: string, strategies: readonly Strategy[]): Strategy {
  const found = strategies.find(({ goalUuid, goal }) => ident === goalUuid || ident === goal);
  if (found) return found;
  const those = [...new Set(strategies.map(({ goal }) => goal))].join(', ');
  throw new Refusal(404, `there is no goal '${ident.slice(0, 100)}'; there are ${those}`);
}

const Goals = z.object({ goals: z.array(GoalView), next: z.string().optional() });
const Strategies = z.object({ strategies: z.array(StrategyView), next: z.string().optional() });
const States = z.array(
  z.object({
    type: z.string(),
    state: z.union([z.string(), z.array(z.unknown())]),
    mandatory: z.boolean(),
    comment: z.string(),
  }),
);

async function listGoals(ask: Ask<z.infer<typeof GoalQuery>>): Promise<Answer> {
  const goals = new Map((await strategiesOf(ask.conductor)).map((each) => [each.goalUuid, toGoalView(each, ask.base)]));
  return pageOf('goals', goals.values(), ['uuid', 'name', 'display_name'], ask);
}

const GoalQuery = z.strictObject(PAGE);

const StrategyQuery = z.strictObject({ ...PAGE, goal: z.string().optional() });

async function listStrategies(ask: Ask<z.infer<typeof StrategyQuery>>) {
  const { query, base, conductor } = ask;
  const all = await strategiesOf(conductor);
  const goal = query.goal === undefined ? null : goalNamed(query.goal, all).goalUuid;
  const views = all
    .filter(({ goalUuid }) => goal === null || goalUuid === goal)
    .map((each) => toStrategyView(each, base));
  return pageOf('strategies', views, ['uuid', 'name', 'display_name', 'goal_uuid'], ask);
}

/** The routes of goals and strategies. */
export const STRATEGY_ROUTES: readonly Route[] = [
  ...listRoutes({
    path: '/v1/goals',
    things: 'goals',
    command: 'watcher goal list',
    calls: 'AuditService.ListStrategies',
    query: GoalQuery,
    answer: Goals,
    handle: listGoals,
  }),
  route({
    method: 'GET',
    path: '/v1/goals/{goal}',
    chapter: 'watcher',
    says: 'answers one goal, by name or uuid',
    command: 'watcher goal show',
    calls: 'AuditService.ListStrategies',
    status: 200,
    answer: GoalView,
    handle: async ({ params, base, conductor }) =>
      ok(toGoalView(goalNamed(params.goal ?? '', await strategiesOf(conductor)), base)),
  }),
  ...listRoutes({
    path: '/v1/strategies',
    things: 'strategies',
    command: 'watcher strategy list',
    calls: 'AuditService.ListStrategies',
    query: StrategyQuery,
    answer: Strategies,
    handle: listStrategies,
  }),
  route({
    method: 'GET',
    path: '/v1/strategies/{strategy}',
    chapter: 'watcher',
    says: 'answers one strategy, by name or uuid',
    command: 'watcher strategy show',
    calls: 'AuditService.ListStrategies',
    status: 200,
    answer: StrategyView,
    handle: async ({ params, base, conductor }) =>
      ok(toStrategyView(strategyNamed(params.strategy ?? '', await strategiesOf(conductor)), base)),
  }),
  route({
    method: 'GET',
    path: '/v1/strategies/{strategy}/state',
    chapter: 'watcher',
    says: 'answers what a strategy needs',
    command: 'watcher strategy state',
    calls: 'AuditService.ListStrategies',
    differs: 'A strategy here needs nothing but the nodes that the conductor knows.',
    status: 200,
    answer: States,
    async handle({ params, conductor }) {
      const { name } = strategyNamed(params.strategy ?? '', await strategiesOf(conductor));
      const comment = 'the nodes that the conductor knows';
      return ok([{ type: 'Datamodel', state: `${name}: ready`, mandatory: true, comment }] satisfies z.infer<
        typeof States
      >);
    },
  }),
];
