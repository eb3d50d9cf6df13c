/** Who did something, and on whose behalf, stands in tasks, plans, audits, changes of nodes, events and the trail. */
import { request } from 'node:http';
import test from 'ava';
import { basic, openRoleHouse, type RoleHouse } from './role_house.ts';

const SERVICE = '/countermand.v1';
const SAID = { 'countermand-on-behalf-of': 'jwt:alice' };
const ALICE = { identity: 'basic:root', on_behalf_of: 'jwt:alice' };
const ROOT = { identity: 'basic:root', on_behalf_of: null };

interface Told {
  readonly event: { readonly eventType: string; readonly payload: Readonly<Record<string, object>> };
}

/** Each type of event with who called for it, without repetitions. */
async function actorsOf(house: RoleHouse): Promise<Map<string, unknown>> {
  const told = new Map<string, unknown>();
  const request = { fromSequence: 1n, stopAtPresent: true };
  for await (const message of house.stream(basic('root'), `${SERVICE}.NotificationService/Subscribe`, request)) {
    const { eventType, payload } = (message as Told).event;
    const data = Object.entries(payload).find(([key]) => key.endsWith('_object.data'))?.[1];
    told.set(eventType, (data as { readonly actor: unknown }).actor);
  }
  return told;
}

/** Sends headers as they stand: `fetch` would merge those that are there twice. */
const statusOf = (url: string, headers: Readonly<Record<string, string | string[]>>) =>
  new Promise<number | undefined>((resolve, reject) => {
    const isRpc = url.includes(SERVICE);
    const all = { ...(isRpc && { 'content-type': 'application/json' }), ...headers };
    const asked = request(url, { agent: false, method: isRpc ? 'POST' : 'GET', headers: all }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode));
    });
    asked.once('error', reject).end(isRpc ? '{}' : undefined);
  });

test('a caller with access.delegate says on whose behalf it calls, and everything names both', async (t) => {
  const house = await openRoleHouse(t);
  const order = async (path: string, request: object, said: object = SAID) => {
    const { code, message, answer } = await house.call('root', `${SERVICE}.${path}`, request, said);
    t.is(code, 'OK', message);
    return answer as Record<string, Record<string, unknown>>;
  };
  await order('NodeService/CreateNode', { name: 'n1', driver: 'fake', driverInfo: { fake_address: 'n1' } });
  await order('NodeService/UpdateNode', { node: 'n1', setLabels: { rack: '7' } }, {});
  const { task } = await order('PowerService/OrderPowerState', { node: 'n1', target: 1 });
  t.like(task, { orderedBy: { identity: 'basic:root', onBehalfOf: 'jwt:alice' } });
  const actions = [{ name: 'a', actionType: 'nop' }];
  const { actionPlan } = await order('ActionPlanService/CreateActionPlan', { name: 'p', actions });
  t.like(actionPlan, { createdBy: { onBehalfOf: 'jwt:alice' }, startedBy: undefined });
  const started = await order('ActionPlanService/StartActionPlan', { actionPlan: 'p' }, {});
  t.like(started.actionPlan, { startedBy: { identity: 'basic:root', onBehalfOf: '' } });
  const { audit } = await order('AuditService/CreateAudit', { name: 'x', strategy: 'dummy' });
  t.like(audit, { createdBy: { onBehalfOf: 'jwt:alice' } });
  const { changes } = await order('NodeService/ListModelChanges', {}, {});
  t.deepEqual(
    (changes as unknown as { what: string; changedBy?: object }[]).map(({ what, changedBy }) => [what, changedBy]),
    [
      ['labels', { identity: 'basic:root', onBehalfOf: '' }],
      ['node', { identity: 'basic:root', onBehalfOf: 'jwt:alice' }],
    ],
  );
  const told = await actorsOf(house);
  t.deepEqual(told.get('baremetal.node.create.end'), ALICE);
  t.deepEqual(told.get('baremetal.node.update.end'), ROOT);
  t.deepEqual(told.get('baremetal.node.power_set.start'), ALICE);
  t.deepEqual(told.get('action_plan.create'), ALICE);
  t.deepEqual(told.get('action_plan.execution.start'), ROOT);
  t.is(told.get('action.execution.start'), null, 'the conductor by itself');
  t.deepEqual(told.get('audit.create'), ALICE);
  const { entries } = await order('AccessService/ListTrail', { oldestFirst: true }, {});
  const said = (entries as unknown as { entry: string }[]).map(({ entry }) => JSON.parse(entry));
  t.deepEqual(
    said.map(({ rpc, on_behalf_of: other }) => `${rpc.split('/')[1]} ${other ?? '-'}`),
    [
      'CreateNode jwt:alice',
      'UpdateNode -',
      'OrderPowerState jwt:alice',
      'CreateActionPlan jwt:alice',
      'StartActionPlan -',
      'CreateAudit jwt:alice',
    ],
  );
  const hers = await order('AccessService/ListTrail', { identity: 'jwt:alice' }, {});
  t.is((hers.entries as unknown as object[]).length, 4, 'who is looked for is the caller, or whom it acted for');
});

test('without the verb it is refused, over gRPC, Connect and HTTP, and so is what is no identity', async (t) => {
  const house = await openRoleHouse(t);
  const user = 'without-access.delegate';
  t.like(await house.call(user, `${SERVICE}.NodeService/ListNodes`, {}, SAID), {
    code: 'PERMISSION_DENIED',
    verb: 'access.delegate',
  });
  t.is((await house.call(user, `${SERVICE}.NodeService/ListNodes`, {})).code, 'OK');
  // To name oneself is no delegation.
  const own = { 'countermand-on-behalf-of': `basic:${user}` };
  t.is((await house.call(user, `${SERVICE}.NodeService/ListNodes`, {}, own)).code, 'OK');
  for (const line of ['GET /v1/nodes', 'POST /countermand.v1.NodeService/ListNodes'])
    t.is((await house.http(user, line, line.startsWith('POST') ? {} : undefined, SAID)).status, 403, line);
  // What is sent twice is one invented person to HTTP/2, and to HTTP/1 as well.
  const twice = { 'countermand-on-behalf-of': ['token:al', 'zzz'] };
  const refused = await house.call('root', `${SERVICE}.NodeService/ListNodes`, {}, twice);
  t.is(refused.code, 'ARGUMENT_INVALID');
  t.regex(refused.message, /^countermand-on-behalf-of: 'token:al, zzz' is not the name of exactly one identity/);
  for (const [path, said] of [
    ['/v1/nodes', twice],
    ['/v1/nodes', { 'countermand-on-behalf-of': ['jwt:al', 'jwt:al'] }],
    [`${SERVICE}.NodeService/ListNodes`, twice],
    ['/v1/nodes', { 'countermand-on-behalf-of': 'token:al, token:zzz' }],
  ] as [string, Record<string, string | string[]>][])
    t.is(await statusOf(`${house.base}${path}`, { authorization: basic('root'), ...said }), 400, path);
  for (const path of ['/v1/nodes', `${SERVICE}.NodeService/ListNodes`])
    t.is(await statusOf(`${house.base}${path}`, { authorization: basic('root'), ...SAID }), 200, path);
  const authorization = [basic('root'), basic('nobody')];
  t.is(await statusOf(`${house.base}/v1/nodes`, { authorization }), 400);
  t.is(await statusOf(`${house.base}/v1/nodes`, { authorization: authorization.join(', ') }), 401);
  for (const name of ['alice', 'agent:north', 'anonymous@127.0.0.1', 'jwt:', `jwt:${'x'.repeat(300)}`])
    t.is(
      (await house.call('root', `${SERVICE}.NodeService/ListNodes`, {}, { 'countermand-on-behalf-of': name })).code,
      'ARGUMENT_INVALID',
      name,
    );
});
