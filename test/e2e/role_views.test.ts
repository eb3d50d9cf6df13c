/** What a caller may not see is in no list, count, event or error; and what a caller may do ends when it is taken back. */
import test, { type ExecutionContext } from 'ava';
import type { AccessRight } from '../../src/gen/countermand/v1/access.ts';
import type { Refusal } from './client.ts';
import { ACCESS, basic, enrolIn, openRoleHouse, type RoleHouse } from './role_house.ts';
import { Watch } from './watching.ts';

const NODES = '/countermand.v1.NodeService';
const PLANS = '/countermand.v1.ActionPlanService';
const POWER = '/countermand.v1.PowerService';
const AUDITS = '/countermand.v1.AuditService';

interface Named {
  readonly uuid: string;
  readonly name: string;
}

/** Makes a plan that powers these nodes on. */
async function planOn({ answer }: RoleHouse, user: string, name: string, nodes: readonly string[], more = {}) {
  const actions = nodes.map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state: 'power on' },
  }));
  const made = await answer<{ actionPlan: Named }>(user, `${PLANS}/CreateActionPlan`, { name, actions, ...more });
  return made.actionPlan.uuid;
}

/** Two racks with two nodes each, a task on each node, and a plan on each rack and on both. */
async function openRacks(t: ExecutionContext) {
  const house = await openRoleHouse(t);
  for (const name of ['mine1', 'other1', 'mine2', 'other2'])
    await enrolIn(house, name, name.startsWith('mine') ? '7' : '8');
  for (const node of ['other1', 'mine1', 'other2', 'mine2'])
    await house.answer('root', `${POWER}/OrderPowerState`, { node, target: 1 });
  const mine = await planOn(house, 'root', 'of mine', ['mine1']);
  const other = await planOn(house, 'root', 'of others', ['other1']);
  const both = await planOn(house, 'root', 'of both', ['mine1', 'other1']);
  return { ...house, house, mine, other, both };
}

/** Every page of a list, of one row each. */
async function listed<Row>(
  { answer }: Pick<RoleHouse, 'answer'>,
  user: string,
  path: string,
  key: string,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let pageToken = ''; ; ) {
    const page = await answer<Record<string, Row[]> & { nextPageToken: string }>(user, path, {
      pageSize: 1,
      pageToken,
    });
    rows.push(...(page[key] ?? []));
    pageToken = page.nextPageToken;
    if (pageToken === '') return rows;
  }
}

test('lists, counts and events tell of what may be seen, page by page', async (t) => {
  const house = await openRacks(t);
  const { answer, stream } = house;
  const names = async (user: string) =>
    (await listed<Named>(house, user, `${NODES}/ListNodes`, 'nodes')).map(({ name }) => name);
  t.deepEqual(await names('root'), ['mine1', 'mine2', 'other1', 'other2']);
  t.deepEqual(await names('rack7'), ['mine1', 'mine2']);
  const tasks = await listed<{ nodeName: string }>(house, 'rack7', `${POWER}/ListPowerTasks`, 'tasks');
  t.deepEqual(tasks.map(({ nodeName }) => nodeName).sort(), ['mine1', 'mine2']);
  const plans = await listed<Named>(house, 'rack7', `${PLANS}/ListActionPlans`, 'actionPlans');
  t.deepEqual(
    plans.map(({ name }) => name),
    ['of mine'],
  );
  const audits = await listed<Named>(house, 'rack7', `${AUDITS}/ListAudits`, 'audits');
  t.deepEqual(
    audits.map(({ name }) => name),
    ['of mine'],
  );
  const changes = await listed<{ nodeName: string }>(house, 'rack7', `${NODES}/ListModelChanges`, 'changes');
  t.true(changes.length > 0 && changes.every(({ nodeName }) => nodeName.startsWith('mine')));
  const status = (user: string) =>
    answer<{ nodes: { total: number } }>(user, '/countermand.v1.ConductorService/GetStatus', {});
  t.is((await status('root')).nodes.total, 4);
  t.is((await status('rack7')).nodes.total, 2);
  const zones = await answer<{ zones: { nodes: number }[] }>('rack7', '/countermand.v1.ConductorService/ListZones', {});
  t.deepEqual(
    zones.zones.map(({ nodes }) => nodes),
    [2],
  );
  const told: string[] = [];
  const past = { fromSequence: 1n, stopAtPresent: true };
  for await (const event of stream(basic('rack7'), '/countermand.v1.NotificationService/Subscribe', past))
    told.push(JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
  t.true(told.some((text) => text.includes('mine1')) && told.some((text) => text.includes('action_plan.create')));
  t.false(told.some((text) => text.includes('other')));
  t.false(told.some((text) => text.includes('of both')));
});

test('errors and previews name no plan that may not be seen', async (t) => {
  const house = await openRacks(t);
  const { call, answer, stream, both } = house;
  const keep = {
    name: 'k',
    actionType: 'set_node_maintenance',
    inputParameters: { resource_id: 'mine2', maintenance: true },
  };
  const kept = await planOn(house, 'root', 'kept', [], { actions: [keep], start: true });
  for await (const _ of stream(basic('root'), `${PLANS}/WatchActionPlan`, { actionPlan: kept }));
  const nap = { name: 'nap', actionType: 'sleep', inputParameters: { duration: 600 } };
  const about = ['mine2', 'other2'].map((node) => ({
    ...keep,
    name: node,
    inputParameters: { resource_id: node, maintenance: false },
    parents: ['nap'],
  }));
  await planOn(house, 'root', 'hidden', [], { actions: [nap, ...about], start: true });
  const back = (user: string) =>
    answer<{ refused: string; possibleOrders: object[] }>(user, `${PLANS}/PreviewRollback`, { actionPlan: kept });
  t.regex((await back('root')).refused, /plan 'hidden' \([\da-f-]+\) is ONGOING on some of its nodes/);
  const { refused, possibleOrders } = await back('rack7');
  t.regex(refused, /; you may not see what it is about$/);
  t.deepEqual(possibleOrders, []);
  t.notRegex((await call('rack7', `${PLANS}/OrderRollback`, { actionPlan: kept })).message, /hidden/);
  const preview = await answer<{ effect: { supersedes: object[]; inTheWay: object[] } }>(
    'rack7',
    `${PLANS}/PreviewActionPlan`,
    {
      wanted: {
        name: 'p',
        actions: [
          {
            name: 'a',
            actionType: 'change_node_power_state',
            inputParameters: { resource_id: 'mine1', state: 'power on' },
          },
        ],
      },
    },
  );
  t.deepEqual(
    [...preview.effect.supersedes, ...preview.effect.inTheWay].map((plan) => (plan as Named).name),
    ['of mine'],
  );
  for (const verb of ['GetActionPlan', 'StartActionPlan', 'OrderCancel', 'OrderRollback', 'DeleteActionPlan'])
    t.is((await call('rack7', `${PLANS}/${verb}`, { actionPlan: both })).code, 'ACTION_PLAN_NOT_FOUND', verb);
  const taken = await call('rack7', `${NODES}/CreateNode`, {
    name: 'other1',
    driver: 'fake',
    driverInfo: { fake_address: 'x' },
    labels: { rack: '7' },
  });
  t.is(taken.code, 'NODE_NAME_TAKEN');
  t.notRegex(taken.message, /other1/);
  const { node } = await answer<{ node: Named }>('root', `${NODES}/GetNode`, { node: 'other1' });
  for (const validateOnly of [false, true]) {
    const used = { name: 'new', uuid: node.uuid, driver: 'fake', driverInfo: { fake_address: 'y' }, validateOnly };
    const known = await call('rack7', `${NODES}/CreateNode`, { ...used, labels: { rack: '7' } });
    t.is(known.code, 'NODE_NAME_TAKEN');
    t.notRegex(known.message, /other1/);
    t.regex((await call('root', `${NODES}/CreateNode`, used)).message, /node 'other1' has the uuid/);
  }
  const moved = await call('rack7', `${NODES}/UpdateNode`, { node: 'mine1', setLabels: { rack: '8' } });
  t.is(`${moved.code} ${moved.node}`, 'PERMISSION_DENIED mine1');
});

test('a plan is checked for who starts it as well, and one that undoes by itself for what undoes it', async (t) => {
  const house = await openRacks(t);
  const { call } = house;
  const plan = await planOn(house, 'root', 'p', ['mine1']);
  const start = await call('without-power.on', `${PLANS}/StartActionPlan`, { actionPlan: plan });
  t.is(`${start.verb} ${start.node}`, 'power.on mine1');
  const undoing = await planOn(house, 'root', 'q', ['mine1'], { onFailure: 3 });
  t.is(
    (await call('without-plan.rollback', `${PLANS}/StartActionPlan`, { actionPlan: undoing })).verb,
    'plan.rollback',
  );
  t.is((await call('without-power.off', `${PLANS}/StartActionPlan`, { actionPlan: undoing })).verb, 'power.off');
  t.is((await call('without-power.off', `${PLANS}/StartActionPlan`, { actionPlan: plan })).code, 'OK');
  const hourly = { name: 'h', strategy: 'saving_energy', auditType: 2, interval: 3600, autoTrigger: true };
  const scope = [{ baremetal: [{ labels: { rack: '7' } }] }];
  t.is((await call('rack7', `${AUDITS}/CreateAudit`, { ...hourly, scope })).node, '*');
  t.is((await call('rack7', `${AUDITS}/CreateAudit`, { ...hourly, autoTrigger: false, scope })).code, 'OK');
  const zone = [{ baremetal: [{ zones: ['default'] }] }];
  t.is(
    (await call('rack7', `${AUDITS}/CreateAudit`, { ...hourly, autoTrigger: false, scope: zone })).code,
    'PERMISSION_DENIED',
  );
});

test('a request_id that is repeated starts no plan for who may not do what it does', async (t) => {
  const house = await openRacks(t);
  const { call, answer } = house;
  const input = { resource_id: 'mine1', state: 'power off' };
  const actions = [{ name: 'a', actionType: 'change_node_power_state', inputParameters: input }];
  const made = { name: 'down', requestId: 'r1', actions };
  const { actionPlan } = await answer<{ actionPlan: Named }>('root', `${PLANS}/CreateActionPlan`, made);
  const start = (user: string) => call(user, `${PLANS}/CreateActionPlan`, { ...made, start: true });
  const refused = await start('without-power.off');
  t.is(`${refused.code} ${refused.verb} ${refused.node}`, 'PERMISSION_DENIED power.off mine1');
  t.is((await start('without-plan.start')).verb, 'plan.start');
  const plan = async () =>
    (await answer<{ actionPlan: { state: number } }>('root', `${PLANS}/GetActionPlan`, { actionPlan: actionPlan.uuid }))
      .actionPlan;
  t.is((await plan()).state, 1);
  t.is((await start('rack7')).code, 'OK');
  t.not((await plan()).state, 1);
});

test('a cancel is not lost because a node was deleted or has other labels; a rollback is checked over every node', async (t) => {
  const house = await openRoleHouse(t);
  const { call, answer, http } = house;
  const cancel = (user: string, actionPlan: string, more = {}) =>
    call(user, `${PLANS}/OrderCancel`, { actionPlan, ...more });
  const started = async (maker: string, starter: string, nodes: readonly string[]) => {
    const idle = { name: 'idle', actionType: 'sleep', inputParameters: { duration: 3600 } };
    const input = (node: string) => ({ resource_id: node, maintenance: true, reason: 'rack' });
    const actions = nodes.map((node) => ({
      name: node,
      actionType: 'set_node_maintenance',
      inputParameters: input(node),
      parents: ['idle'],
    }));
    const plan = await planOn(house, maker, 'waits', [], { actions: [idle, ...actions] });
    await answer(starter, `${PLANS}/StartActionPlan`, { actionPlan: plan, queue: true });
    return plan;
  };
  for (const name of ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7']) await enrolIn(house, name, '7');
  const running = await started('root', 'rack7', ['m1', 'm2']);
  const gone = await started('root', 'root', ['m3', 'm4']);
  const own = await started('rack7', 'root', ['m5']);
  const byHttp = await started('rack7', 'root', ['m6']);
  const others = await started('root', 'root', ['m7']);
  for (const node of ['m2', 'm4']) await answer('root', `${NODES}/DeleteNode`, { node });
  t.is((await cancel('rack7', gone, { rollback: true })).code, 'ACTION_PLAN_NOT_FOUND');
  const refused = await cancel('without-plan.cancel', gone);
  t.is(`${refused.code} ${refused.verb}`, 'PERMISSION_DENIED plan.cancel');
  t.is((await cancel('rack7', gone)).code, 'OK');
  for (const node of ['m1', 'm5', 'm6', 'm7'])
    await answer('root', `${NODES}/UpdateNode`, { node, setLabels: { rack: '8' } });
  t.is((await cancel('rack7', others)).code, 'ACTION_PLAN_NOT_FOUND');
  t.is((await cancel('nobody', running)).code, 'PERMISSION_DENIED');
  t.is((await cancel('rack7', running)).code, 'OK', 'they started it');
  t.is((await cancel('rack7', own)).code, 'OK', 'they made it');
  const wish = [{ op: 'replace', path: '/state', value: 'CANCELLED' }];
  t.is((await http('rack7', `PATCH /v1/action_plans/${byHttp}`, wish)).status, 200);
});

test('a node that goes out of the view was deleted, as far as its watcher is told', async (t) => {
  const { answer, stream } = await openRacks(t);
  const watch = new Watch(
    stream(basic('rack7'), `${NODES}/WatchNodes`, {}) as AsyncIterable<{ node: Named; deleted: boolean }>,
  );
  await watch.until('both nodes', ({ node }) => node.name === 'mine2');
  await answer('root', `${NODES}/UpdateNode`, { node: 'mine1', setLabels: { rack: '8' } });
  await watch.until('its going', ({ node, deleted }) => node.name === 'mine1' && deleted);
  await answer('root', `${NODES}/UpdateNode`, { node: 'other1', setLabels: { rack: '7' } });
  await watch.until('another to come', ({ node, deleted }) => node.name === 'other1' && !deleted);
  t.false(watch.seen.some(({ node }) => node.name === 'other2'));
});

test('a name means the node that has it now, also when it was looked up while another had it', async (t) => {
  const house = await openRacks(t);
  const { answer, call } = house;
  const get = (node: string) => call('rack7', `${NODES}/GetNode`, { node });
  const uuidOf = async (node: string) => ((await get(node)).answer as { node: Named }).node.uuid;
  const first = await uuidOf('mine1');
  await answer('root', `${NODES}/UpdateNode`, { node: 'mine1', name: 'renamed' });
  t.is((await get('mine1')).code, 'NODE_NOT_FOUND');
  await answer('root', `${NODES}/UpdateNode`, { node: 'other1', name: 'mine1' });
  t.is((await get('mine1')).code, 'NODE_NOT_FOUND');
  t.is(await uuidOf('renamed'), first);
});

test('a stream ends with the token that it began with', async (t) => {
  const { answer, stream } = await openRoleHouse(t);
  const { secret } = await answer<{ secret: string }>('root', '/countermand.v1.AccessService/CreateToken', {
    name: 'ci',
    days: 1,
  });
  const watch = new Watch(stream(`Bearer ${secret}`, `${NODES}/WatchNodes`, {}));
  await answer('root', `${NODES}/CreateNode`, { name: 'mine', driver: 'fake', driverInfo: { fake_address: 'mine' } });
  await watch.until('the node', () => true);
  await answer('root', '/countermand.v1.AccessService/RevokeToken', { token: 'ci' });
  const error = (await watch.ended) as Refusal;
  t.is(error.code, 'UNAUTHENTICATED');
  t.regex(error.message, /^the token ci was revoked; the stream has ended, and the work goes on/);
});

test('a token has the role that it was made with, over every node', async (t) => {
  const { answer, call, stream } = await openRoleHouse(t);
  const path = '/countermand.v1.AccessService/CreateToken';
  const { secret } = await answer<{ secret: string }>('root', path, { name: 'watcher', days: 1, role: 'observer' });
  const { events, error } = await listWith(`Bearer ${secret}`, stream);
  t.deepEqual([events, error], [0, '']);
  const abort = stream(`Bearer ${secret}`, `${POWER}/SetPowerState`, { node: 'n', target: 7 });
  const refused = await new Watch(abort).ended;
  t.is((refused as Refusal).code, 'PERMISSION_DENIED');
  const wrong = await call('root', path, { name: 'other', days: 1, role: 'boss' });
  t.regex(wrong.message, /^role: there is no role 'boss'; there are observer, operator, admin, without-/);
  t.is(
    (await call('root', path, { name: 'a', days: 1, role: 'admin', agentZones: ['north'] })).code,
    'ARGUMENT_INVALID',
  );
});

/** How many events there are for a caller, and how the stream ended. */
async function listWith(authorization: string, stream: RoleHouse['stream']) {
  const request = { fromSequence: 1n, stopAtPresent: true };
  const watch = new Watch(stream(authorization, '/countermand.v1.NotificationService/Subscribe', request));
  const error = (await watch.ended) as Error | null;
  return { events: watch.seen.length, error: error?.message ?? '' };
}

test('what an identity may do is told, with the binding that lets it', async (t) => {
  const house = await openRacks(t);
  const path = '/countermand.v1.AccessService/CheckAccess';
  const check = async (request: object) => {
    const { rights } = await house.answer<{ rights: AccessRight[] }>('root', path, request);
    return rights.map(({ verb, allowed, everywhere, places }) => `${verb} ${allowed} ${everywhere} ${places.join()}`);
  };
  const own = ACCESS.bindings.findIndex(({ identities }) => identities.includes('basic:rack7'));
  const off = { verb: 'power.off' };
  t.deepEqual(await check({ identity: 'basic:rack7', ...off }), [`power.off true false bindings[${own}]`]);
  t.deepEqual(await check({ identity: 'basic:rack7', ...off, node: 'other1' }), ['power.off false false ']);
  t.deepEqual(await check({ identity: 'basic:rack7', verb: 'access.admin' }), ['access.admin false false ']);
  t.is((await check({ identity: 'basic:nobody' })).filter((right) => right.includes('true')).length, 0);
  t.deepEqual(await check({ identity: 'agent:north', verb: 'agent.attach' }), ['agent.attach true true agent']);
  const old = { name: 'old', role: 'operator', days: 1 };
  const { token } = await house.answer<{ token: { uuid: string } }>(
    'root',
    '/countermand.v1.AccessService/CreateToken',
    old,
  );
  t.deepEqual(await check({ identity: 'token:old', ...off }), ['power.off true true role operator of the token']);
  await house.answer('root', '/countermand.v1.AccessService/RevokeToken', { token: token.uuid });
  t.deepEqual(await check({ identity: 'token:old', ...off }), ['power.off false false ']);
  t.is(
    (await house.answer<{ objection: string }>('root', path, { identity: 'token:old' })).objection,
    'the token old was revoked',
  );
  t.is((await house.call('root', path, { identity: 'x', verb: 'node.fly' })).code, 'ARGUMENT_INVALID');
});
