/** The audit trail: an entry for every call that changes something or is refused, in a chain that cannot be mended unseen. */
import { join } from 'node:path';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { openHouse } from './house.ts';
import { runHere } from './processes.ts';
import { openRoleHouse, type RoleHouse } from './role_house.ts';

const TRAIL = '/countermand.v1.AccessService/ListTrail';
const NODES = '/countermand.v1.NodeService';
const POWER = '/countermand.v1.PowerService';
const PLANS = '/countermand.v1.ActionPlanService';
const AUDITS = '/countermand.v1.AuditService';
const ACCESS = '/countermand.v1.AccessService';

interface Listed {
  readonly entries: readonly {
    readonly rpc: string;
    readonly outcome: string;
    readonly node: string;
    readonly entry: string;
  }[];
}

/** The entries since the beginning, the oldest first, with what their JSON says. */
async function trailOf({ answer }: RoleHouse, filter: object = {}) {
  const { entries } = await answer<Listed>('root', TRAIL, { oldestFirst: true, ...filter });
  return entries.map(({ entry, ...row }) => ({ ...row, said: JSON.parse(entry) }));
}

test('each change has an entry with who, what, why, and what was before and after; secrets are in none', async (t) => {
  const house = await openRoleHouse(t);
  const { answer } = house;
  const info = { fake_address: 'n1', fake_password: 'open-sesame', fake_soft_ms: 'never' };
  const root = (path: string, request: object) => answer<Record<string, { uuid: string }>>('root', path, request);
  await root(`${NODES}/CreateNode`, { name: 'n1', driver: 'fake', driverInfo: info, labels: { rack: '7' } });
  await root(`${NODES}/UpdateNode`, {
    node: 'n1',
    setLabels: { row: 'a' },
    setDriverInfo: { fake_password: 'swordfish' },
  });
  await root(`${NODES}/UpdateNode`, { node: 'n1', maintenance: true, maintenanceReason: 'new fan' });
  const order = { node: 'n1', target: 1, reason: 'rack 7 is back', requestId: 'r1' };
  const { task } = await root(`${POWER}/OrderPowerState`, order);
  await root(`${POWER}/OrderPowerState`, order);
  const input = { resource_id: 'n1', state: 'power on' };
  const actions = [{ name: 'a', actionType: 'change_node_power_state', inputParameters: input }];
  const { actionPlan } = await root(`${PLANS}/CreateActionPlan`, { name: 'p', actions, reason: 'spring' });
  await root(`${PLANS}/OrderCancel`, { actionPlan: actionPlan?.uuid, reason: 'not today' });
  await root(`${PLANS}/DeleteActionPlan`, { actionPlan: actionPlan?.uuid });
  const { audit } = await root(`${AUDITS}/CreateAudit`, { name: 'x', strategy: 'dummy' });
  await root(`${AUDITS}/DeleteAudit`, { audit: audit?.uuid });
  await root(`${AUDITS}/CreateAuditTemplate`, { name: 't', goal: 'dummy' });
  await root(`${AUDITS}/ReportClusterEvent`, { nodes: ['n1'], eventType: 'instance.update', reason: 'moved' });
  await root(`${ACCESS}/CreateToken`, { name: 'ci', days: 1, role: 'observer' });
  await root(`${ACCESS}/RevokeToken`, { token: 'ci' });
  const entries = await trailOf(house);
  t.deepEqual(
    entries.map(({ rpc, outcome }) => `${rpc} ${outcome}`),
    [
      'NodeService/CreateNode OK',
      'NodeService/UpdateNode OK',
      'NodeService/UpdateNode OK',
      'PowerService/OrderPowerState OK',
      'PowerService/OrderPowerState OK',
      'ActionPlanService/CreateActionPlan OK',
      'ActionPlanService/OrderCancel OK',
      'ActionPlanService/DeleteActionPlan OK',
      'AuditService/CreateAudit OK',
      'AuditService/DeleteAudit OK',
      'AuditService/CreateAuditTemplate OK',
      'AuditService/ReportClusterEvent OK',
      'AccessService/CreateToken OK',
      'AccessService/RevokeToken OK',
    ],
  );
  const [created, labelled, maintained, ordered, repeated, planned, cancelled] = entries.map(({ said }) => said);
  t.like(created, { identity: 'basic:root', node: 'n1', verbs: ['node.write', 'node.credentials'] });
  t.regex(created.peer, /^127\./);
  t.like(created.after, { labels: { rack: '7' }, driver_info: { fake_address: 'n1' } });
  t.deepEqual(created.request.driverInfo, ['fake_address', 'fake_password', 'fake_soft_ms']);
  t.deepEqual([labelled.before.labels, labelled.after.labels], [{ rack: '7' }, { rack: '7', row: 'a' }]);
  t.deepEqual(labelled.new_secrets, ['fake_password']);
  t.like(maintained, { before: { maintenance: false }, after: { maintenance: true, maintenance_reason: 'new fan' } });
  t.like(ordered, { task: task?.uuid, node: 'n1', reason: 'rack 7 is back', verbs: ['power.on'] });
  t.false(repeated.changed);
  t.like(planned, { plan: actionPlan?.uuid, reason: 'spring', request: { actions: 1 } });
  t.like(cancelled, { plan: actionPlan?.uuid, plan_state: 'CANCELLED', reason: 'not today' });
  t.notRegex(JSON.stringify(entries.map(({ said }) => said)), /open-sesame|swordfish|countermand_/);
  const about = await trailOf(house, { node: 'n1', rpc: 'PowerService/OrderPowerState' });
  for (const rpc of ['OrderPowerState', 'PowerService/OrderPowerSate'])
    await t.throwsAsync(trailOf(house, { rpc }), {
      message: new RegExp(`ARGUMENT_INVALID: rpc: there is no RPC '${rpc}'; one is named as`),
    });
  t.is(about.length, 2);
});

test('what is refused has an entry too, also a look that its caller may not take; what is only looked at has none', async (t) => {
  const house = await openRoleHouse(t);
  const { call } = house;
  await call('root', `${NODES}/CreateNode`, { name: 'n8', driver: 'fake', driverInfo: { fake_address: 'n8' } });
  await call('root', `${NODES}/ListNodes`, {});
  await call('root', `${NODES}/CreateNode`, { name: 'dry', driver: 'fake', validateOnly: true });
  await call('nobody', `${NODES}/ListNodes`, {});
  await call('seer', `${POWER}/SetPowerState`, { node: 'n8', target: 2, reason: 'heat' });
  await call('rack7', `${POWER}/SetPowerState`, { node: 'n8', target: 2 });
  await call('root', `${NODES}/DeleteNode`, { node: 'other' });
  await house.http('nobody', 'PUT /v1/nodes/n8/states/power', { target: 'power off' });
  const entries = await trailOf(house, { refused: true });
  t.deepEqual(
    entries.map(({ rpc, outcome, said }) => `${said.identity} ${rpc} ${said.node} ${outcome}`),
    [
      'basic:nobody NodeService/ListNodes null PERMISSION_DENIED',
      'basic:seer PowerService/SetPowerState n8 PERMISSION_DENIED',
      'basic:rack7 PowerService/SetPowerState n8 NODE_NOT_FOUND',
      'basic:root NodeService/DeleteNode other NODE_NOT_FOUND',
      'basic:nobody PowerService/OrderPowerState n8 PERMISSION_DENIED',
    ],
  );
  t.like(entries[1]?.said, { reason: 'heat', verbs: ['power.off'] });
  t.is((await trailOf(house)).length, 6);
  t.is((await call('rack7', TRAIL, {})).verb, 'trail.read');
});

test('the trail is verified entry by entry, and every kind of tampering is noticed', async (t) => {
  const house = await openHouse(t, { here: true });
  const command = (...words: readonly string[]) => runHere([...words, '--conductor', house.address]);
  for (const name of ['n1', 'n2', 'n3'])
    t.is((await command('node', 'create', name, '--driver', 'fake', '--info', `fake_address=${name}`)).exitCode, 0);
  const whole = await command('trail', 'verify');
  const head = /^the trail is whole: 3 entries, the last is ([0-9a-f]{64})$/.exec(whole.stdout)?.[1] ?? '';
  t.not(head, '', whole.stderr);
  t.is((await command('trail', 'verify', '--head', head)).exitCode, 0);
  t.regex((await command('trail', 'list')).stdout, /anonymous@127\S+ +NodeService\/CreateNode +n3 +OK/);
  const database = new BetterSqlite3(join(house.data, 'countermand.db'));
  t.teardown(() => database.close());
  const tampered = async (...statements: readonly string[]): Promise<string> => {
    database.exec(`create table kept as select * from trail; ${statements.join(';')}`);
    const { stderr, exitCode } = await command('trail', 'verify', '--head', head);
    database.exec('delete from trail; insert into trail select * from kept; drop table kept');
    t.is(exitCode, 1);
    return stderr;
  };
  t.regex(
    await tampered("update trail set entry = replace(entry, 'n2', 'n4') where node = 'n2'"),
    /entry 2 does not fit/,
  );
  t.regex(await tampered("delete from trail where node = 'n2'"), /entry 3 does not fit/);
  t.regex(await tampered("delete from trail where node = 'n3'"), /no entry has the digest/);
  t.regex(
    await tampered(
      'insert into trail select 9, at, identity, rpc, node, outcome, entry, digest, null from trail limit 1',
    ),
    /entry 9 does not fit/,
  );
  t.is((await command('trail', 'verify', '--head', head)).exitCode, 0);
});
