/** One test for each guard of rights that others would cover up: it is taken away, and one of these fails. */
import test, { type ExecutionContext } from 'ava';
import { ACCESS, enrolIn, openRoleHouse, type RoleHouse } from './role_house.ts';

const POWER = '/countermand.v1.PowerService';
const PLANS = '/countermand.v1.ActionPlanService';
const AUDITS = '/countermand.v1.AuditService';
const ROLLBACK = 3;

interface Named {
  readonly uuid: string;
  readonly name: string;
}

/** Who has all that a plan does everywhere, and may make plans in rack 7 alone. */
const MAKER = [
  { identities: ['basic:nobody'], role: 'doer' },
  { identities: ['basic:nobody'], role: 'maker', labels: { rack: '7' } },
];
const ROLES = {
  doer: { verbs: ['*.read', 'power.*', 'node.maintenance'] },
  maker: { verbs: ['plan.create', 'plan.read'] },
};

/** Two racks with a node each. */
async function openRacks(t: ExecutionContext): Promise<RoleHouse> {
  const access = { ...ACCESS, roles: { ...ACCESS.roles, ...ROLES }, bindings: [...ACCESS.bindings, ...MAKER] };
  const house = await openRoleHouse(t, access);
  await enrolIn(house, 'mine', '7');
  await enrolIn(house, 'other', '8');
  return house;
}

const powers = (nodes: readonly string[], state = 'power on'): object[] =>
  nodes.map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state },
  }));

const scopeOf = (...nodes: string[]) => [{ baremetal: [{ nodes }] }];

async function made({ answer }: RoleHouse, name: string, actions: readonly object[], more = {}): Promise<string> {
  const { actionPlan } = await answer<{ actionPlan: Named }>('root', `${PLANS}/CreateActionPlan`, {
    name,
    actions,
    ...more,
  });
  return actionPlan.uuid;
}

test('a plan and an audit are held to what is needed over each of their nodes, and to what may undo them', async (t) => {
  const house = await openRacks(t);
  const { call } = house;
  const lacking = async (user: string, path: string, request: object): Promise<string> => {
    const { code, verb, node, message } = await call(user, path, request);
    if (user === 'rack7') t.notRegex(message, /\bother\b/, path);
    return `${code} ${verb} ${node}`;
  };
  const create = (user: string, request: object) =>
    lacking(user, `${PLANS}/CreateActionPlan`, { name: 'p', ...request });
  t.is(await create('nobody', { actions: powers(['other']) }), 'PERMISSION_DENIED plan.create other');
  t.is(await create('nobody', { actions: powers(['mine']) }), 'OK  ');
  const wide = { actions: powers(['mine']), scope: [{ baremetal: [{ zones: ['default'] }] }] };
  t.is(await create('rack7', wide), 'PERMISSION_DENIED node.read *');
  const undone = { actions: powers(['mine']), start: true, onFailure: ROLLBACK };
  t.is(await create('without-plan.rollback', undone), 'PERMISSION_DENIED plan.rollback mine');
  t.is(await create('without-power.off', undone), 'PERMISSION_DENIED power.off mine');
  t.is(await create('without-power.off', { ...undone, onFailure: 0, queue: true }), 'OK  ');
  const audit = { name: 'a', strategy: 'host_maintenance', scope: scopeOf('mine'), onFailure: ROLLBACK };
  const started = { ...audit, autoTrigger: true };
  t.is(
    await lacking('without-plan.rollback', `${AUDITS}/CreateAudit`, started),
    'PERMISSION_DENIED plan.rollback mine',
  );
  t.is(await lacking('without-plan.rollback', `${AUDITS}/CreateAudit`, audit), 'OK  ');
  const down = await made(house, 'down', powers(['mine'], 'power off'));
  const undo = (verb: string, more = {}) =>
    lacking('without-power.on', `${PLANS}/${verb}`, { actionPlan: down, ...more });
  t.is(await undo('OrderRollback'), 'PERMISSION_DENIED power.on mine');
  t.is(await undo('OrderCancel', { rollback: true }), 'PERMISSION_DENIED power.on mine');
  const forced = { node: 'mine', target: 5, onTimeout: 2 };
  t.is(await lacking('without-power.off', `${POWER}/OrderPowerState`, forced), 'PERMISSION_DENIED power.off mine');
  t.is(await lacking('without-power.off', `${POWER}/OrderPowerState`, { ...forced, onTimeout: 1 }), 'OK  ');
  const news = { eventType: 'instance.update', nodes: [] };
  t.is(await lacking('rack7', `${AUDITS}/ReportClusterEvent`, news), 'PERMISSION_DENIED event.report *');
});

test('an audit of every node, and one of which no plan is left, are for those who may see every node', async (t) => {
  const house = await openRoleHouse(t);
  await enrolIn(house, 'mine', '7');
  const { answer, call } = house;
  const create = async (request: object) => {
    const all = await answer<{ audit: Named; actionPlan: Named }>('root', `${AUDITS}/CreateAudit`, request);
    return { audit: all.audit.uuid, plan: all.actionPlan.uuid };
  };
  const sees = async (audit: string) => (await call('rack7', `${AUDITS}/GetAudit`, { audit })).code;
  const all = await create({ name: 'all', strategy: 'host_maintenance', all: true });
  t.is(await sees(all.audit), 'AUDIT_NOT_FOUND');
  const loose = await create({ name: 'loose', strategy: 'dummy' });
  t.is(await sees(loose.audit), 'OK');
  await answer('root', `${PLANS}/OrderCancel`, { actionPlan: loose.plan });
  await answer('root', `${PLANS}/DeleteActionPlan`, { actionPlan: loose.plan });
  t.is(await sees(loose.audit), 'AUDIT_NOT_FOUND');
  const often = { strategy: 'host_maintenance', auditType: 2, interval: 86_400, autoTrigger: true };
  const scope = scopeOf('mine');
  const { audit } = await create({ name: 'often', ...often, scope });
  await answer('root', `${AUDITS}/SuspendAudit`, { audit });
  const resumed = await call('rack7', `${AUDITS}/ResumeAudit`, { audit });
  t.is(`${resumed.code} ${resumed.node}`, 'PERMISSION_DENIED *');
  await answer('root', `${AUDITS}/CreateAuditTemplate`, { name: 'known', goal: 'dummy', scope });
  const by = async (auditTemplate: string) => {
    const { code, message } = await call('rack7', `${AUDITS}/CreateAudit`, { name: 't', auditTemplate });
    return `${code}: ${message}`;
  };
  t.is(await by('known'), (await by('absent')).replaceAll('absent', 'known'));
  t.regex(await by('known'), /^AUDIT_TEMPLATE_NOT_FOUND/);
  t.is(
    (await call('rack7', `${AUDITS}/GetAuditTemplate`, { auditTemplate: 'known' })).code,
    'AUDIT_TEMPLATE_NOT_FOUND',
  );
  const templates = (user: string) => answer<{ auditTemplates: Named[] }>(user, `${AUDITS}/ListAuditTemplates`, {});
  t.deepEqual((await templates('rack7')).auditTemplates, []);
  t.is((await templates('seer')).auditTemplates.length, 1);
});

test('a request_id, a name and a queue tell nothing of what has them', async (t) => {
  const house = await openRacks(t);
  const { answer, call } = house;
  const hides = async (path: string, request: object, code: string): Promise<void> => {
    const refused = await call('rack7', path, request);
    t.is(refused.code, code, `${path}: ${refused.message}`);
    t.notRegex(refused.message, /\bother\b|hidden/, path);
  };
  const order = { node: 'other', target: 1, requestId: 'taken' };
  await answer('root', `${POWER}/OrderPowerState`, order);
  await hides(`${POWER}/OrderPowerState`, { ...order, node: 'mine' }, 'REQUEST_ID_TAKEN');
  const plan = { name: 'hidden', actions: powers(['other']), requestId: 'plan' };
  const audit = { name: 'hidden', strategy: 'saving_energy', scope: scopeOf('other'), requestId: 'audit' };
  await answer('root', `${PLANS}/CreateActionPlan`, plan);
  await answer('root', `${AUDITS}/CreateAudit`, audit);
  // Word for word what the other caller said: it is not joined.
  await hides(`${PLANS}/CreateActionPlan`, plan, 'REQUEST_ID_TAKEN');
  await hides(`${PLANS}/PreviewActionPlan`, { wanted: plan }, 'REQUEST_ID_TAKEN');
  await hides(`${AUDITS}/CreateAudit`, audit, 'REQUEST_ID_TAKEN');

  t.is((await call('rack7', '/countermand.v1.NodeService/ListNodes', { after: 'other' })).code, 'NODE_NOT_FOUND');

  await made(house, 'same', powers(['mine']));
  await made(house, 'same', powers(['other']));
  const named = await call('rack7', `${PLANS}/GetActionPlan`, { actionPlan: 'same' });
  t.is(named.code, 'ACTION_PLAN_NOT_FOUND');

  const idle = { name: 'idle', actionType: 'sleep', inputParameters: { duration: 3600 } };
  const waits = powers(['mine', 'other']).map((action) => ({ ...action, parents: ['idle'] }));
  await made(house, 'hidden too', [idle, ...waits], { start: true, queue: true });
  const own = await made(house, 'own', powers(['mine']));
  await hides(`${PLANS}/StartActionPlan`, { actionPlan: own }, 'ACTION_PLAN_OVERLAPS');
});

test('what is counted and listed of a conductor is what may be seen', async (t) => {
  const house = await openRacks(t);
  const { answer } = house;
  const settings = {
    webhook_url: 'http://127.0.0.1:9/',
    webhook_secret: `whsec_${Buffer.alloc(24).toString('base64')}`,
  };
  await answer('root', '/countermand.v1.NotificationService/CreateSink', { name: 'ops', kind: 'webhook', settings });
  const idle = { name: 'idle', actionType: 'sleep', inputParameters: { duration: 3600 } };
  for (const [name, queue] of [
    ['runs', false],
    ['waits', true],
  ] as const) {
    const later = powers(['other']).map((action) => ({ ...action, parents: ['idle'] }));
    await made(house, name, [idle, ...later], { start: true, queue });
  }
  const slow = { name: 'slow', driver: 'fake', labels: { rack: '8' } };
  const driverInfo = { fake_address: 'slow', fake_soft_ms: 'never' };
  await answer('root', '/countermand.v1.NodeService/CreateNode', { ...slow, driverInfo });
  await answer('root', `${POWER}/OrderPowerState`, { node: 'slow', target: 5 });
  await answer('root', '/countermand.v1.NodeService/FreezeNodes', { labels: { rack: '8' }, reason: 'hidden' });
  const told = async (user: string): Promise<object> => {
    const status = await answer<Record<string, unknown>>(user, '/countermand.v1.ConductorService/GetStatus', {});
    const { freezes } = await answer<{ freezes: object[] }>(user, '/countermand.v1.NodeService/ListFreezes', {});
    const { ongoingActionPlans: runs, pendingActionPlans: waits, unsettledPowerTasks: tasks } = status;
    const sinks = (status.sinks as object[]).length;
    return { runs, waits, tasks, sinks, frozen: status.freezes, freezes: freezes.length };
  };
  t.deepEqual(await told('root'), { runs: 1, waits: 1, tasks: 1, sinks: 1, frozen: 1, freezes: 1 });
  t.deepEqual(await told('rack7'), { runs: 0, waits: 0, tasks: 0, sinks: 0, frozen: 0, freezes: 0 });
});

test('a node and an audit tell of no plan that is about other nodes as well', async (t) => {
  const house = await openRoleHouse(t, { ...ACCESS, require_approval: [{ labels: { rack: '8' } }] });
  for (const name of ['mine', 'leaving']) await enrolIn(house, name, '7');
  await enrolIn(house, 'other', '8');
  const { answer } = house;
  await made(house, 'hidden', powers(['mine', 'other']), { start: true });
  const why = async (user: string): Promise<string> => {
    const request = { node: 'mine' };
    return (
      await answer<{ explanation: string[] }>(user, '/countermand.v1.NodeService/ExplainNode', request)
    ).explanation.join();
  };
  t.regex(await why('root'), /Plan 'hidden'/);
  t.notRegex(await why('rack7'), /hidden/);
  const scope = [{ baremetal: [{ labels: { rack: '7' } }] }];
  const wanted = { name: 'rack', strategy: 'host_maintenance', scope };
  const { audit } = await answer<{ audit: Named }>('root', `${AUDITS}/CreateAudit`, wanted);
  const plansOf = async (): Promise<number> => {
    const request = { audit: audit.uuid };
    return (await answer<{ actionPlans: Named[] }>('rack7', `${AUDITS}/GetAudit`, request)).actionPlans.length;
  };
  t.is(await plansOf(), 1);
  await answer('root', '/countermand.v1.NodeService/UpdateNode', { node: 'leaving', setLabels: { rack: '8' } });
  t.is(await plansOf(), 0);
});
