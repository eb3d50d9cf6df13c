/** Actions, and what else Watcher's clients ask for. */
import * as z from 'zod';
import { fail } from '../../core/errors.ts';
import { type Action, ActionState } from '../../gen/countermand/v1/action_plan.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { type Answer, ok } from '../answer.ts';
import { Refusal } from '../errors.ts';
import { powerStateWord } from '../ironic/node_view.ts';
import { linksTo } from '../pages.ts';
import { type Ask, type Method, notHere, type Route, type RouteText, route } from '../route.ts';
import { everyOne, listRoutes, PAGE, pageOf } from './pages.ts';
import { plansOf } from './plans.ts';
import { ActionView, toActionView } from './view.ts';

const at = (method: Method, path: string): Pick<RouteText, 'method' | 'path' | 'chapter'> => ({
  method,
  path,
  chapter: 'watcher',
});

const ActionQuery = z.strictObject({
  ...PAGE,
  action_plan_uuid: z.string().optional(),
  audit_uuid: z.string().optional(),
});
const Actions = z.object({ actions: z.array(ActionView), next: z.string().optional() });

const isThere = ({ state }: Action): boolean => state !== ActionState.DELETED;

const actionsOf = (actionPlan: string, { plans }: Clients): AsyncGenerator<Action> =>
  everyOne(async (pageToken) => {
    const { actions, nextPageToken } = await plans.getActionPlan({ actionPlan, pageSize: 1000, pageToken });
    return { things: actions.filter(isThere), nextPageToken };
  });

function listActions(ask: Ask<z.infer<typeof ActionQuery>>): Promise<Answer> {
  const { query, base, conductor } = ask;
  if (query.action_plan_uuid !== undefined && query.audit_uuid !== undefined)
    throw fail('ARGUMENT_INVALID', 'action_plan_uuid and audit_uuid: give one of the two');
  const views = async function* () {
    if (query.action_plan_uuid !== undefined)
      for await (const action of actionsOf(query.action_plan_uuid, conductor)) yield toActionView(action, base);
    else
      for await (const { uuid } of plansOf(query.audit_uuid, conductor))
        for await (const action of actionsOf(uuid, conductor)) yield toActionView(action, base);
  };
  return pageOf('actions', views(), ['uuid', 'action_plan_uuid', 'action_type', 'state', 'updated_at'], ask);
}

const ServiceView = z.object({
  uuid: z.string(),
  id: z.int(),
  name: z.string(),
  host: z.string(),
  status: z.enum(['ACTIVE', 'FAILED']),
  last_seen_up: z.string().nullable(),
  links: z.array(z.object({ href: z.string(), rel: z.string() })),
});

async function servicesOf({ itself }: Clients, base: string): Promise<z.infer<typeof ServiceView>[]> {
  const { agents } = await itself.listAgents({});
  const conductor = { name: 'countermand-conductor', host: new URL(base).hostname, isUp: true };
  const all = [
    conductor,
    ...agents.map(({ name, attached }) => ({ name: 'countermand-agent', host: name, isUp: attached })),
  ];
  return all.map(({ name, host, isUp }, index) => ({
    uuid: String(index + 1),
    id: index + 1,
    name,
    host,
    status: isUp ? 'ACTIVE' : 'FAILED',
    last_seen_up: null,
    links: linksTo(base, `services/${index + 1}`),
  }));
}

const DataModel = z.object({
  context: z.array(
    z.object({
      node_uuid: z.string(),
      node_hostname: z.string(),
      node_state: z.string().nullable(),
      server_uuid: z.null(),
      server_name: z.null(),
      server_state: z.null(),
    }),
  ),
});

const DATA: readonly Route[] = [
  ...listRoutes({
    path: '/v1/services',
    things: 'the conductor and its agents',
    command: 'watcher service list',
    calls: 'ConductorService.ListAgents',
    differs: 'The conductor is 1, and the agents follow by name.',
    query: z.strictObject(PAGE),
    answer: z.object({ services: z.array(ServiceView), next: z.string().optional() }),
    handle: async (ask) =>
      pageOf('services', await servicesOf(ask.conductor, ask.base), ['id', 'name', 'host', 'status'], ask),
  }),
  route({
    ...at('GET', '/v1/services/{service}'),
    says: 'answers one of them, by its number or the name of its host',
    command: 'watcher service show',
    calls: 'ConductorService.ListAgents',
    status: 200,
    answer: ServiceView,
    async handle({ params, base, conductor }) {
      const services = await servicesOf(conductor, base);
      const found = services.find(({ id, host, name }) => [String(id), host, name].includes(params.service ?? ''));
      if (!found) throw new Refusal(404, `there is no service '${(params.service ?? '').slice(0, 100)}'`);
      return ok(found);
    },
  }),
  route({
    ...at('GET', '/v1/data_model'),
    says: 'answers the nodes and what they are',
    command: 'watcher datamodel list',
    calls: 'NodeService.ListNodes',
    differs: 'No servers run on the nodes, as far as countermand knows. `audit_uuid` changes nothing.',
    status: 200,
    query: z.strictObject({
      data_model_type: z.enum(['compute', 'baremetal'], { error: 'it is compute or baremetal' }).optional(),
      audit_uuid: z.string().optional(),
      audit: z.string().optional(),
    }),
    answer: DataModel,
    async handle({ conductor }) {
      const context: z.infer<typeof DataModel>['context'] = [];
      const nodes = everyOne(async (pageToken) => {
        const page = await conductor.nodes.listNodes({ pageSize: 1000, pageToken });
        return { things: page.nodes, nextPageToken: page.nextPageToken };
      });
      for await (const { uuid, name, powerState } of nodes)
        context.push({
          node_uuid: uuid,
          node_hostname: name,
          node_state: powerStateWord(powerState),
          server_uuid: null,
          server_name: null,
          server_state: null,
        });
      return ok({ context });
    },
  }),
];

const empty = (path: string, name: string, command: string): Route =>
  route({
    ...at('GET', path),
    says: 'an empty list',
    command,
    status: 200,
    query: z.looseObject({}),
    answer: z.object({ [name]: z.array(z.never()) }),
    handle: () => ok({ [name]: [] }),
  });

const unknown = (path: string, one: string, command: string): Route =>
  route({
    ...at('GET', path),
    says: `404: countermand keeps no ${one}`,
    command,
    status: 404,
    handle({ params }) {
      throw new Refusal(404, `there is no ${one} '${(params.ident ?? '').slice(0, 100)}'; countermand keeps none`);
    },
  });

const ABSENT: readonly Route[] = [
  empty('/v1/scoring_engines', 'scoring_engines', 'watcher scoringengine list'),
  empty('/v1/scoring_engines/detail', 'scoring_engines', 'watcher scoringengine list --detail'),
  unknown('/v1/scoring_engines/{ident}', 'scoring engine', 'watcher scoringengine show'),
  notHere({ ...at('POST', '/v1/webhooks/{audit}'), says: 'have audits of type EVENT' }),
];

/** The routes of actions, services, the data model, and what is not here. */
export const ACTION_ROUTES: readonly Route[] = [
  ...listRoutes({
    path: '/v1/actions',
    things: 'the actions of a plan, of an audit, or all',
    command: 'watcher action list',
    calls: 'ActionPlanService.GetActionPlan, ListActionPlans',
    query: ActionQuery,
    answer: Actions,
    handle: listActions,
  }),
  route({
    ...at('GET', '/v1/actions/{action}'),
    says: 'answers one action',
    command: 'watcher action show',
    calls: 'ActionPlanService.GetAction',
    status: 200,
    answer: ActionView,
    async handle({ params, base, conductor }) {
      const { action } = await conductor.plans.getAction({ action: params.action ?? '' });
      if (action && !isThere(action)) throw new Refusal(404, `action '${action.name}' was deleted with its plan`);
      return ok(toActionView(action as Action, base));
    },
  }),
  ...DATA,
  ...ABSENT,
];
