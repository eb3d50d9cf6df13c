/** Who may do what, for each verb of the table, over gRPC and HTTP with the real servers: a new RPC is covered as soon as it has a row. */
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { AgentServiceDefinition } from '../../src/gen/countermand/v1/agent.ts';
import type { Route } from '../../src/http/route.ts';
import { ROUTES } from '../../src/http/routes.ts';
import { isOfNodes, type Verb } from '../../src/server/access/verbs.ts';
import type { Clients } from '../../src/server/api/in_process.ts';
import { RPC_RULES, type RpcRule } from '../../src/server/api/rpc_verbs.ts';
import { SERVED } from '../../src/server/api/services.ts';
import { enrolIn, type Outcome, openRoleHouse, type RoleHouse, without } from './role_house.ts';
import { ABSENT, type Subject, samplesOf } from './role_samples.ts';

/** The RPCs that clients call, with their rules. What deletes comes last. */
const CALLED = [...RPC_RULES]
  .map(([path, rule]) => ({ path, rule, service: path.split('/')[1] ?? '', name: path.split('/')[2] ?? '' }))
  .filter(({ service }) => Object.values(SERVED).some(({ fullName }) => fullName === service))
  .sort((one, other) => Number(/Delete|Revoke/.test(one.name)) - Number(/Delete|Revoke/.test(other.name)));

const neededBy = ({ verbs, needed }: RpcRule, request: object): readonly Verb[] => needed?.(request as never) ?? verbs;

/** Open to all. */
const OPEN = ['/', '/v1', '/healthz', '/readyz', '/openapi.json'];

/** Bodies that a route accepts, where an empty one is not. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /v1/nodes': { name: 'n', driver: 'fake' },
  'PATCH /v1/nodes/{node}': [{ op: 'replace', path: '/extra/a', value: 'b' }],
  'PUT /v1/nodes/{node}/maintenance': { reason: 'rack work' },
  'PUT /v1/nodes/{node}/states/power': { target: 'power on' },
  'PUT /v1/nodes/{node}/states/provision': { target: 'abort' },
  'POST /v1/audit_templates': { name: 't', goal: 'dummy' },
  'PATCH /v1/audit_templates/{template}': [{ op: 'replace', path: '/name', value: 'u' }],
  'POST /v1/audits': { audit_type: 'ONESHOT', goal: 'dummy' },
  'PATCH /v1/audits/{audit}': [{ op: 'replace', path: '/state', value: 'CANCELLED' }],
  'PATCH /v1/action_plans/{plan}': [{ op: 'replace', path: '/state', value: 'CANCELLED' }],
};

/** Where a request says nothing of a field, the service sees its default. */
const whole = (path: string, request: object): object => {
  const [, service = '', name = ''] = path.split('/');
  const definition = Object.values(SERVED).find(({ fullName }) => fullName === service);
  const method = Object.values(definition?.methods ?? {}).find((each) => each.name === name);
  if (!method) throw new Error(`${path} is not served`);
  return (method.requestType as { fromPartial(part: object): object }).fromPartial(request);
};

test('every RPC that is served has its verbs, and each of its verbs is needed by a request', (t) => {
  for (const { fullName, methods } of [...Object.values(SERVED), AgentServiceDefinition])
    for (const { name } of Object.values(methods)) t.true(RPC_RULES.has(`/${fullName}/${name}`), `${fullName}/${name}`);
  for (const { path, rule, name } of CALLED) {
    const needed = samplesOf(name, rule, ABSENT).flatMap((request) => neededBy(rule, whole(path, request)));
    t.deepEqual([...new Set(needed)].sort(), [...rule.verbs].sort(), name);
  }
});

/** The RPCs that a route says it calls, as the paths of the table. */
function rpcsOf({ calls = '' }: Route): string[] {
  let service = '';
  return calls
    .split(', ')
    .filter((call) => call !== '')
    .map((call) => {
      const [first = '', second] = call.split('.');
      if (second !== undefined) service = first;
      return `/countermand.v1.${service}/${second ?? first}`;
    });
}

test('every route of HTTP has the verbs of the RPCs that it says it calls; one that says none calls none', async (t) => {
  const conductor = new Proxy({} as Clients, { get: () => t.fail('an RPC was called') });
  const url = new URL('http://127.0.0.1/');
  for (const route of ROUTES) {
    for (const path of rpcsOf(route)) t.true(RPC_RULES.has(path), `${route.method} ${route.path}: ${path}`);
    if (route.calls !== undefined || OPEN.includes(route.path)) continue;
    const nothing = {
      params: {},
      query: {},
      body: {},
      base: '',
      url,
      requestId: '',
      acceptsGzip: false,
      isRecent: () => false,
    };
    const metrics = async () => '';
    const { signal } = new AbortController();
    await route
      .run({ ...nothing, readiness: async () => ({ zones: 0, zonesWithoutAgent: 0 }), metrics, conductor, signal })
      .catch((error: Error) => t.is(error.name, 'Refusal', route.path));
  }
});

test('over the routes of HTTP, who has no role is refused, and what is out of sight is not there', async (t) => {
  const house = await openRoleHouse(t);
  await enrolIn(house, 'other', '8');
  await enrolIn(house, 'mine', '7');
  for (const route of ROUTES) {
    const { method, path } = route;
    const paths = rpcsOf(route);
    if (paths.length === 0) continue;
    const line = (node: string) => `${method} ${path.replaceAll('{node}', node).replaceAll(/\{\w+\}/g, 'x')}`;
    const body = BODIES[`${method} ${path}`] ?? (route.body === null ? undefined : {});
    const { status, json } = await house.http('nobody', line('mine'), body);
    t.is(status, 403, `${line('mine')} ${JSON.stringify(json)}`);
    const { verb = '' } = (json as { error_details: { metadata: Record<string, string> } }).error_details.metadata;
    const verbs = paths.flatMap((each) => RPC_RULES.get(each)?.verbs ?? []);
    t.true(verbs.includes(verb as Verb), `${line('mine')}: ${verb}`);
    if (!path.includes('{node}')) continue;
    const [hidden, absent] = [
      await house.http('rack7', line('other'), body),
      await house.http('rack7', line('absent'), body),
    ];
    t.is(
      `${hidden.status} ${hidden.sentence}`,
      `${absent.status} ${absent.sentence}`.replaceAll('absent', 'other'),
      line('other'),
    );
    t.is(hidden.status, 404, line('other'));
  }
  t.is((await house.http('rack7', 'PUT /v1/nodes/mine/states/power', { target: 'power on' })).status, 202);
  // They count all nodes.
  t.is((await house.http('rack7', 'GET /metrics')).status, 403);
  t.is((await house.http('root', 'GET /metrics')).status, 200);
});

/** A node in a rack, with a task, a plan and an audit of it. */
async function subjectIn(house: RoleHouse, node: string, rack: string): Promise<Subject> {
  await enrolIn(house, node, rack);
  const root = async (path: string, request: object) => {
    const { answer, message, code } = await house.call('root', `/countermand.v1.${path}`, request);
    if (code !== 'OK') throw new Error(`${path}: ${message}`);
    return answer as never;
  };
  const { task } = (await root('PowerService/OrderPowerState', { node, target: 1 })) as { task: { uuid: string } };
  const input = { resource_id: node, state: 'power on' };
  const actions = [{ name: 'a', actionType: 'change_node_power_state', inputParameters: input }];
  const made = (await root('ActionPlanService/CreateActionPlan', { name: `plan of ${node}`, actions })) as {
    actionPlan: { uuid: string };
  };
  const { actions: rows } = (await root('ActionPlanService/GetActionPlan', { actionPlan: made.actionPlan.uuid })) as {
    actions: { uuid: string }[];
  };
  const scope = [{ baremetal: [{ nodes: [node] }] }];
  const audited = { name: `audit of ${node}`, strategy: 'saving_energy', auditType: 2, interval: 86_400, scope };
  const { audit } = (await root('AuditService/CreateAudit', audited)) as { audit: { uuid: string } };
  return { node, task: task.uuid, plan: made.actionPlan.uuid, action: rows[0]?.uuid ?? '', audit: audit.uuid };
}

/** What is asked over both doors: a line of HTTP with its body, and the RPC for the same. `N` is a node, `P` a plan, `A` an audit. */
type Asked = readonly [line: string, body: unknown, rpc: string, request: object];

const wish = (value: string): object[] => [{ op: 'replace', path: '/state', value }];

const ASKED: readonly Asked[] = [
  ...['nodes', 'nodes/detail', 'nodes?associated=true', 'nodes?owner=x', 'data_model'].map(
    (path): Asked => [`GET /v1/${path}`, undefined, 'NodeService/ListNodes', {}],
  ),
  ['GET /v1/nodes/N', undefined, 'NodeService/GetNode', { node: 'N' }],
  ['GET /v1/nodes/N/states', undefined, 'NodeService/GetSupportedPowerStates', { node: 'N' }],
  ['GET /v1/nodes/N/validate', undefined, 'NodeService/ValidateNode', { node: 'N' }],
  [
    'PATCH /v1/nodes/N',
    [{ op: 'add', path: '/extra/a', value: 'b' }],
    'NodeService/UpdateNode',
    { node: 'N', setLabels: { a: 'b' } },
  ],
  ['PUT /v1/nodes/N/maintenance', undefined, 'NodeService/UpdateNode', { node: 'N', maintenance: true }],
  ['PUT /v1/nodes/N/states/power', { target: 'power on' }, 'PowerService/OrderPowerState', { node: 'N', target: 1 }],
  ['GET /v1/drivers', undefined, 'ConductorService/ListDrivers', {}],
  ['GET /v1/conductors', undefined, 'ConductorService/ListAgents', {}],
  ['GET /v1/services', undefined, 'ConductorService/ListAgents', {}],
  ['GET /v1/strategies', undefined, 'AuditService/ListStrategies', {}],
  ['GET /v1/audits', undefined, 'AuditService/ListAudits', {}],
  ['GET /v1/audits/A', undefined, 'AuditService/GetAudit', { audit: 'A' }],
  ['PATCH /v1/audits/A', wish('SUSPENDED'), 'AuditService/SuspendAudit', { audit: 'A' }],
  ['PATCH /v1/audits/A', wish('ONGOING'), 'AuditService/ResumeAudit', { audit: 'A' }],
  ['PATCH /v1/audits/A', wish('CANCELLED'), 'AuditService/CancelAudit', { audit: 'A' }],
  ['DELETE /v1/audits/A', undefined, 'AuditService/DeleteAudit', { audit: 'A' }],
  ['GET /v1/action_plans', undefined, 'ActionPlanService/ListActionPlans', {}],
  ['GET /v1/action_plans/P', undefined, 'ActionPlanService/GetActionPlan', { actionPlan: 'P' }],
  ['GET /v1/actions?action_plan_uuid=P', undefined, 'ActionPlanService/GetActionPlan', { actionPlan: 'P' }],
  ['GET /v1/action_plans/P/rollback', undefined, 'ActionPlanService/PreviewRollback', { actionPlan: 'P' }],
  ['POST /v1/action_plans/P/approve', {}, 'ActionPlanService/ApproveActionPlan', { actionPlan: 'P' }],
  ['POST /v1/action_plans/P/rollback', {}, 'ActionPlanService/OrderRollback', { actionPlan: 'P' }],
  ['PATCH /v1/action_plans/P', wish('PENDING'), 'ActionPlanService/StartActionPlan', { actionPlan: 'P', queue: true }],
  ['PATCH /v1/action_plans/P', wish('CANCELLED'), 'ActionPlanService/OrderCancel', { actionPlan: 'P' }],
  ['DELETE /v1/action_plans/P', undefined, 'ActionPlanService/DeleteActionPlan', { actionPlan: 'P' }],
];

test('the same caller is answered the same over each door, and what was done is never answered as refused', async (t) => {
  const house = await openRoleHouse(t);
  const callers = [
    'nobody',
    'seer',
    'rack7',
    ...(['node.read', 'plan.read', 'audit.read'] as const).map(without),
    'root',
  ];
  for (const rack of ['7', '8'])
    for (const caller of rack === '7' ? callers : ['seer', 'rack7']) {
      const said = (subject: Subject, value: unknown) =>
        JSON.parse(
          JSON.stringify(value ?? null)
            .replaceAll('"N"', `"${subject.node}"`)
            .replaceAll('"P"', `"${subject.plan}"`)
            .replaceAll('"A"', `"${subject.audit}"`),
        );
      const [one, other] = [
        await subjectIn(house, `http-${caller}-${rack}`, rack),
        await subjectIn(house, `grpc-${caller}-${rack}`, rack),
      ];
      for (const [line, body, rpc, request] of ASKED) {
        const path = line
          .replace('/N', `/${one.node}`)
          .replace(/[/=]P/, (p) => `${p[0]}${one.plan}`)
          .replace('/A', `/${one.audit}`);
        const { status, headers, sentence } = await house.http(
          caller,
          path,
          body === undefined ? undefined : said(one, body),
        );
        const { code, message } = await house.call(caller, `/countermand.v1.${rpc}`, said(other, request));
        const told = headers.get('countermand-error-code') ?? (status < 300 ? 'OK' : String(status));
        t.is(told, code, `${caller} ${path}: ${sentence}; ${rpc}: ${message}`);
      }
    }
});

const namesSomething = ({ named }: RpcRule): boolean => Object.keys(named).length > 0;

/** What is told of a thing, with the names of the absent one in the place of its own. */
function asAbsent({ code, message }: Pick<Outcome, 'code' | 'message'>, subject: Subject): string {
  const told = Object.entries(subject).reduce(
    (text, [key, name]) => text.replaceAll(name, ABSENT[key as keyof Subject]),
    message,
  );
  return `${code}: ${told}`;
}

test('for each verb: who lacks it is refused by its name, and no one else is', async (t) => {
  const house = await openRoleHouse(t);
  const subject = await subjectIn(house, 'mine', '7');
  for (const { path, rule, name } of CALLED) {
    for (const request of samplesOf(name, rule, subject)) {
      for (const verb of neededBy(rule, whole(path, request))) {
        const { code, verb: told } = await house.call(without(verb), path, request);
        t.is(`${code} ${told}`, `PERMISSION_DENIED ${verb}`, `${name} ${inspect(request)}`);
      }
      if (rule.verbs.length === 0) continue;
      t.is((await house.call('nobody', path, request)).code, 'PERMISSION_DENIED', name);
    }
  }
});

test('for each verb, over nodes: what is out of sight does not exist, and what is in sight only is refused by node', async (t) => {
  const house = await openRoleHouse(t);
  const hidden = await subjectIn(house, 'other', '8');
  const own = await subjectIn(house, 'mine', '7');
  for (const { path, rule, name } of CALLED) {
    const absent = samplesOf(name, rule, ABSENT);
    for (const [at, request] of samplesOf(name, rule, hidden).entries()) {
      const makes = name === 'CreateActionPlan' || name === 'CreateAudit';
      if (!namesSomething(rule) && !makes) continue;
      const hiddenAnswer = await house.call('rack7', path, request);
      const absentAnswer = await house.call('rack7', path, absent[at] ?? {});
      t.not(hiddenAnswer.code, 'OK', `${name} ${inspect(request)}`);
      t.is(asAbsent(hiddenAnswer, hidden), asAbsent(absentAnswer, ABSENT), `${name} ${inspect(request)}`);
      await refusesByNode(t, house, { path, name, rule, request });
    }
  }
  for (const { path, rule, name } of CALLED)
    for (const request of samplesOf(name, rule, own)) {
      const { code, message } = await house.call('rack7', path, request);
      const allowed = rule.verbs.every(isOfNodes) && name !== 'CreateNode';
      t.is(code === 'PERMISSION_DENIED', !allowed, `${name} ${inspect(request)}: ${message}`);
      if (namesSomething(rule) && !/Delete|Cancel/.test(name)) t.notRegex(code, /NODE_NOT_FOUND/, name);
    }
});

/** Who sees a node and has no more over it is told which verb is missing there. */
async function refusesByNode(
  t: ExecutionContext,
  { call }: RoleHouse,
  { path, name, rule, request }: { path: string; name: string; rule: RpcRule; request: object },
): Promise<void> {
  const needed = neededBy(rule, whole(path, request)).filter((verb) => !verb.endsWith('.read'));
  if (needed.length === 0) return;
  const { code, verb, node, message } = await call('seer', path, request);
  t.is(code, 'PERMISSION_DENIED', `${name} ${inspect(request)}: ${message}`);
  t.true(needed.includes(verb as Verb) || verb.startsWith('power.'), `${name}: ${verb}`);
  t.is(node, 'other', name);
}
