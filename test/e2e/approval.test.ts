/** A second person agrees to a plan, over every protocol; both are in the trail. */
import { writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { newFolder } from '../counterparts/folder.ts';
import { runHere } from './processes.ts';
import { ACCESS, enrolIn, openRoleHouse } from './role_house.ts';

const PLANS = '/countermand.v1.ActionPlanService';
const POWER = '/countermand.v1.PowerService';

interface Plan {
  readonly uuid: string;
  readonly state: number;
  readonly approval?: { readonly why: string; readonly whoMay: string };
}

/** A house in which plans about rack 7 wait, with one node there and one elsewhere. */
async function openWaiting(t: ExecutionContext) {
  const rules = { require_approval: [{ labels: { rack: '7' } }] };
  const house = await openRoleHouse(t, { ...ACCESS, ...rules });
  const folder = await newFolder(t);
  const command = async (token: string, ...words: readonly string[]) =>
    runHere([...words, '--conductor', house.address, '--token-file', token]);
  /** A token with the role admin, made by a user. */
  const tokenOf = async (user: string, name: string): Promise<string> => {
    const request = { name, days: 1, role: 'admin' };
    const { secret } = await house.answer<{ secret: string }>(
      user,
      '/countermand.v1.AccessService/CreateToken',
      request,
    );
    await writeFile(`${folder}/${name}`, secret, { mode: 0o600 });
    return `${folder}/${name}`;
  };
  for (const node of ['n1', 'n2']) await enrolIn(house, node, node === 'n1' ? '7' : '8');
  const planned = async (name: string): Promise<Plan> => {
    const input = { resource_id: 'n1', state: 'power on' };
    const actions = [{ name: 'a', actionType: 'change_node_power_state', inputParameters: input }];
    const made = await house.answer<{ actionPlan: Plan }>('root', `${PLANS}/CreateActionPlan`, {
      name,
      actions,
      start: true,
      queue: true,
    });
    return made.actionPlan;
  };
  return { house, command, tokenOf, planned };
}

test('a plan waits for a second person, whom the conductor knows from the first', async (t) => {
  const { house, command, tokenOf, planned } = await openWaiting(t);
  const plan = await planned('p');
  t.like(plan, { state: 2, approval: { state: 1, decidedBy: undefined } });
  t.regex(plan.approval?.whoMay ?? '', /plan.approve over its nodes, and does not count as basic:root$/);
  const alone = await house.call('root', `${POWER}/OrderPowerState`, { node: 'n1', target: 1 });
  t.is(alone.code, 'APPROVAL_NEEDED', alone.message);
  t.is((await house.call('root', `${POWER}/OrderPowerState`, { node: 'n1', target: 9 })).code, 'OK');
  t.is((await house.call('root', `${POWER}/OrderPowerState`, { node: 'n2', target: 1 })).code, 'OK');

  const own = await tokenOf('root', 'own');
  const dry = await command(own, 'node', 'power', 'n1', 'on', '--dry-run');
  t.regex(dry.stderr, /the order needs a second person: it is about 1 node with rack=7/);
  t.is(dry.exitCode, 5);
  const both = await command(own, 'node', 'power', 'n[1-2]', 'on', '--dry-run');
  t.regex(both.stdout, /\nits start would wait for a second person: it is about 1 node with rack=7/);
  t.is(both.exitCode, 0, both.stderr);
  const audit = ['audit', 'create', '--name', 'empty', '--strategy', 'host_maintenance', '--nodes', 'n[1-2]'];
  const previewed = await command(own, ...audit, '--auto-trigger', '--dry-run');
  t.regex(previewed.stdout, /\nits start would wait for a second person: it is about 1 node with rack=7/);
  t.is(previewed.exitCode, 0, previewed.stderr);
  const shown = await command(own, 'plan', 'show', 'p');
  t.regex(shown.stdout, /started +\S+ by basic:root/);
  t.regex(shown.stdout, /approval +wanted: it is about 1 node with rack=7 \(require_approval\[0\]\); from whoever has/);
  t.regex(
    (await command(own, 'node', 'why', 'n1')).stdout,
    /Plan 'p' \(\S+\) about it waits for a second person: .* may/,
  );
  const refused = await command(own, 'plan', 'approve', 'p', '--yes');
  t.regex(
    refused.stderr,
    /token:own asks, and counts as basic:root; basic:root has made or started it; another person/,
  );
  t.regex(refused.stderr, /possible: countermand .* plan cancel/);
  t.is(refused.exitCode, 5);
  const approve = async (user: string) =>
    (await house.http(user, `POST /v1/action_plans/${plan.uuid}/approve`, {})).status;
  t.deepEqual([await approve('root'), await approve('nobody'), await approve('seer')], [403, 403, 200]);

  await planned('q');
  const rejected = await house.http('rack7', 'POST /v1/action_plans/q/reject', { reason: 'wrong day' });
  t.like(rejected.json, { state: 'CANCELLED', status_message: 'rejected by basic:rack7: wrong day' });

  await planned('r');
  const other = await tokenOf('without-trail.read', 'other');
  const approved = await command(other, 'plan', 'approve', 'r', '--reason', 'as agreed', '--queue', '--yes');
  t.is(approved.exitCode, 0, approved.stderr);
  t.regex((await command(other, 'plan', 'show', 'r')).stdout, /approval +approved \S+ by token:other; it was wanted/);
  const entries = (await command(own, 'trail', 'list', '--json')).stdout.split('\n').map((line) => JSON.parse(line));
  const told = entries
    .filter(({ rpc }) => /Approve|Reject/.test(rpc))
    .map(({ rpc, identity, outcome }) => `${identity} ${rpc} ${outcome}`);
  t.deepEqual(told.sort(), [
    'basic:nobody ActionPlanService/ApproveActionPlan PERMISSION_DENIED',
    'basic:rack7 ActionPlanService/RejectActionPlan OK',
    'basic:root ActionPlanService/ApproveActionPlan SECOND_PERSON_NEEDED',
    'basic:seer ActionPlanService/ApproveActionPlan OK',
    'token:other ActionPlanService/ApproveActionPlan OK',
    'token:own ActionPlanService/ApproveActionPlan SECOND_PERSON_NEEDED',
  ]);
  t.regex(JSON.stringify(entries.find(({ identity }) => identity === 'token:other')), /as agreed/);
});
