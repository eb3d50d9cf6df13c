/** Watcher's API beside what its own clients show: what is refused, a rollback, and starts that are repeated. */
import test from 'ava';
import { pageOf } from '../../src/http/watcher/pages.ts';
import { eventually } from '../counterparts/eventually.ts';
import { type House, openHouse } from '../e2e/house.ts';
import { ask, type Sent } from '../e2e/http.ts';

const MISSING = '11111111-2222-4333-8444-555555555555';
const version = (value: string): Sent => ({ headers: { 'OpenStack-API-Version': value } });
const wish = (value: unknown, op = 'replace', path = '/state'): Sent => ({ body: [{ op, path, value }] });
const AUDIT = { audit_type: 'ONESHOT', goal: 'dummy' };

const ROWS: readonly (readonly [line: string, sent: Sent, status: number, sentence: string | RegExp])[] = [
  ['GET /v1/goals', version('infra-optim 1.99'), 406, 'version 1.99 is not one of 1.0 to 1.7'],
  ['POST /v1/action_plans', { body: {} }, 405, 'POST is not a method of /v1/action_plans; it has GET, HEAD'],
  ['GET /v1/action_plans/notauuid', {}, 404, /^there is no action plan 'notauuid'/],
  ['GET /v1/action_plans?limit=-1', {}, 400, "limit: '-1' is not a whole number from 0 on"],
  ['GET /v1/action_plans?sort_key=zzz', {}, 400, /^sort_key: 'zzz' is not one of uuid, audit_uuid, state, /],
  ['GET /v1/action_plans?sort_dir=up', {}, 400, 'sort_dir: it is asc or desc'],
  ['GET /v1/action_plans?nope=1', {}, 400, /^unknown query parameter: nope; /],
  [`GET /v1/action_plans?marker=${MISSING}`, {}, 404, `marker: there is no '${MISSING}' in this list`],
  ['GET /v1/action_plans?audit_uuid=nope', {}, 404, /^there is no audit 'nope'/],
  ['PATCH /v1/action_plans/p1', { body: [] }, 400, 'the body is a list with one patch'],
  ['PATCH /v1/action_plans/p1', { body: {} }, 400, 'the body is a list with one patch'],
  ['PATCH /v1/action_plans/p1', { body: 'x' }, 400, /^the body is not valid JSON/],
  ['PATCH /v1/action_plans/p1', wish('BOGUS'), 400, /^state: 'BOGUS' cannot be asked for/],
  ['PATCH /v1/action_plans/p1', wish(7), 400, '[0].value: it is the state that is wanted, as a text'],
  ['PATCH /v1/action_plans/p1', wish('CANCELLED', 'remove'), 400, '[0].op: it is replace or add'],
  ['PATCH /v1/action_plans/p1', wish('x', 'replace', '/name'), 400, '[0].path: only /state can be changed'],
  [`PATCH /v1/action_plans/${MISSING}`, wish('CANCELLED'), 404, /^there is no action plan/],
  [`POST /v1/action_plans/${MISSING}/start`, {}, 404, /^there is no action plan/],
  ['POST /v1/action_plans/p1/start', { body: { x: 1 } }, 400, /^unknown key: x; /],
  [`POST /v1/action_plans/${MISSING}/rollback`, { body: {} }, 404, /^there is no action plan/],
  ['POST /v1/action_plans/p1/rollback', {}, 400, /RECOMMENDED/],
  ['POST /v1/action_plans/p1/rollback', { body: { accept_drift: 1 } }, 400, 'accept_drift: it is true or false'],
  ['POST /v1/action_plans/p1/rollback', { body: { x: 1 } }, 400, /takes skip_irreversible, accept_drift, request_id$/],
  ['GET /v1/audits?state=SUCCEEDED', {}, 400, /^unknown query parameter: state; /],
  ['GET /v1/audits?goal=nope', {}, 404, /^there is no goal 'nope'/],
  [
    'POST /v1/audits',
    { body: { audit_type: 'ONESHOT' } },
    400,
    'goal: it is missing; give a goal, a strategy or an audit template',
  ],
  ['POST /v1/audits', { body: { ...AUDIT, color: 'red' } }, 400, /^unknown key: color; /],
  ['POST /v1/audits', { body: { ...AUDIT, audit_type: 'EVENT' } }, 400, 'audit_type: it is ONESHOT or CONTINUOUS'],
  ['POST /v1/audits', { body: { ...AUDIT, interval: '* * * * *' } }, 400, /^interval: it is a whole number of seconds/],
  ['POST /v1/audits', { body: { ...AUDIT, audit_template_uuid: MISSING } }, 404, /^there is no audit template '/],
  ['POST /v1/audits', { body: { ...AUDIT, scope: [{ compute: [] }] } }, 400, /^scope/],
  ['POST /v1/audits', { body: { ...AUDIT, parameters: { para1: 'x' } } }, 400, /^parameters.para1: /],
  ['POST /v1/audits', { body: { ...AUDIT, goal: '', strategy: 'host_maintenance' } }, 400, /all/],
  ['PATCH /v1/audits/p1', wish('PENDING'), 400, /^state: 'PENDING' cannot be asked for/],
  [
    'GET /v1/actions?action_plan_uuid=p1&audit_uuid=p1',
    {},
    400,
    'action_plan_uuid and audit_uuid: give one of the two',
  ],
  [`GET /v1/actions/${MISSING}`, {}, 404, /^there is no action '/],
  ['GET /v1/services/nope', {}, 404, "there is no service 'nope'"],
  ['GET /v1/data_model?data_model_type=storage', {}, 400, 'data_model_type: it is compute or baremetal'],
  [`POST /v1/webhooks/${MISSING}`, { body: {} }, 501, 'countermand does not have audits of type EVENT'],
];

test('every refusal has its status, its sentence and the form that clients read, and changes nothing', async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  await client.plans.createActionPlan({ name: 'p1', actions: [{ name: 'a', actionType: 'nop' }] });
  for (const [line, sent, status, sentence] of ROWS) {
    const what = `${line} ${JSON.stringify(sent)}`;
    const answered = await ask(http, line, sent);
    t.is(answered.status, status, `${what}: ${answered.text}`);
    if (typeof sentence === 'string') t.is(answered.sentence, sentence, what);
    else t.regex(answered.sentence, sentence, what);
    t.is(answered.headers.get('content-type'), 'application/json', what);
    t.is(answered.headers.get('openstack-api-maximum-version'), '1.7', what);
  }
  const { actionPlans } = await client.plans.listActionPlans({});
  t.deepEqual(
    actionPlans.map(({ name, possible }) => [name, possible.length > 0]),
    [['p1', true]],
  );
  t.is((await client.audits.listAudits({})).audits.length, 1);
});

const stateOf = async ({ http }: House, plan: string) =>
  ((await ask(http, `GET /v1/action_plans/${plan}`)).json as { state: string }).state;

const untilPlan = (house: House, plan: string, state: string) =>
  eventually(`${plan} to be ${state}`, async () => (await stateOf(house, plan)) === state);

test('the rollback of the specification: 200 with the plan that undoes, 400, 404, and a repetition is no second one', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const { http, client } = house;
  const node = { name: 'n1', driver: 'fake', driver_info: { fake_address: 'n1' } };
  t.is((await ask(http, 'POST /v1/nodes', { body: node })).status, 201);
  await eventually('n1 to be read', async () => {
    const { json } = await ask(http, 'GET /v1/nodes/n1');
    return (json as { power_state: string | null }).power_state === 'power on';
  });
  const inputParameters = { resource_id: 'n1', state: 'power off' };
  const action = { name: 'off', actionType: 'change_node_power_state', inputParameters };
  await client.plans.createActionPlan({ name: 'down', actions: [action] });

  const started = await ask(http, 'POST /v1/action_plans/down/start', { body: {} });
  t.is(started.status, 200);
  t.is((await ask(http, 'POST /v1/action_plans/down/start')).status, 200, 'a repetition');
  await untilPlan(house, 'down', 'SUCCEEDED');
  t.like((await ask(http, 'GET /v1/action_plans/down/rollback')).json, { refused: null });

  const rolledBack = await ask(http, 'POST /v1/action_plans/down/rollback', { body: {} });
  t.is(rolledBack.status, 200, rolledBack.text);
  const { uuid, rollback_of } = rolledBack.json as { uuid: string; rollback_of: string };
  const plan = (await ask(http, 'GET /v1/action_plans/down')).json as { uuid: string; rolled_back_by: string };
  t.is(rollback_of, plan.uuid);
  t.is(plan.rolled_back_by, uuid);
  const again = await ask(http, 'POST /v1/action_plans/down/rollback');
  t.is((again.json as { uuid: string }).uuid, uuid);
  await untilPlan(house, uuid, 'SUCCEEDED');
  t.like((await ask(http, 'GET /v1/nodes/n1')).json, { power_state: 'power on' });
  t.is((await client.plans.listActionPlans({})).actionPlans.length, 2);

  const { json } = await ask(http, `GET /v1/actions?action_plan_uuid=${uuid}`);
  const { actions } = json as { actions: { uuid: string; undoes: string }[] };
  t.is(actions.length, 1);
  t.like((await ask(http, `GET /v1/actions/${actions[0]?.uuid}`)).json, { action_plan_uuid: uuid, state: 'SUCCEEDED' });
});

test('pages go from marker to marker, and keep their filters and their order', async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  for (const name of ['b', 'c', 'a', 'e', 'd'])
    await client.plans.createActionPlan({ name, actions: [{ name: `of ${name}`, actionType: 'nop' }] });
  const walk = async (list: string, query: string, column: string): Promise<string[][]> => {
    const pages: string[][] = [];
    for (let url: string | undefined = `/v1/${list}?${query}`; url !== undefined; ) {
      const { json } = await ask(http, `GET ${url}`);
      const page = json as Record<string, Record<string, string>[]> & { next?: string };
      pages.push((page[list] ?? []).map((row) => String(row[column])));
      url = page.next?.slice(http.length);
    }
    return pages;
  };
  t.deepEqual(await walk('action_plans', 'limit=2&sort_key=name&sort_dir=asc', 'name'), [
    ['a', 'b'],
    ['c', 'd'],
    ['e'],
  ]);
  t.deepEqual(await walk('action_plans', 'limit=3', 'name'), [
    ['d', 'e', 'a'],
    ['c', 'b'],
  ]);
  t.deepEqual(await walk('audits', 'limit=4&sort_key=name&sort_dir=desc&strategy=manual', 'name'), [
    ['e', 'd', 'c', 'b'],
    ['a'],
  ]);
  t.deepEqual(await walk('actions', 'limit=5', 'description'), [['of d', 'of e', 'of a', 'of c', 'of b']]);
  t.deepEqual(await walk('actions', 'audit_uuid=a', 'description'), [['of a']]);
});

test('an audit that was cancelled, or is about other nodes, is not the one that is asked for; what was deleted is gone', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  const make = async (more: object) =>
    (await ask(http, 'POST /v1/audits', { body: { ...AUDIT, ...more } })).json as { uuid: string; state: string };
  const again = { audit_type: 'CONTINUOUS', interval: 3600 };
  const first = await make(again);
  t.like(await make(again), { uuid: first.uuid });
  await ask(http, `PATCH /v1/audits/${first.uuid}`, wish('CANCELLED'));
  const second = await make(again);
  t.not(second.uuid, first.uuid);
  t.is(second.state, 'ONGOING');

  const one = await make({});
  t.not((await make({ all: true })).uuid, one.uuid);
  await ask(http, `DELETE /v1/audits/${one.uuid}`);
  t.like(await ask(http, `GET /v1/audits/${one.uuid}`), { status: 404, sentence: "audit 'dummy' was deleted" });

  const { action_plans: plans } = (await ask(http, `GET /v1/action_plans?audit_uuid=${second.uuid}`)).json as {
    action_plans: { uuid: string }[];
  };
  const actionsPath = `/v1/actions?action_plan_uuid=${plans[0]?.uuid}`;
  const { actions } = (await ask(http, `GET ${actionsPath}`)).json as { actions: { uuid: string }[] };
  t.is(actions.length, 3);
  await ask(http, `DELETE /v1/action_plans/${plans[0]?.uuid}`);
  t.deepEqual((await ask(http, `GET ${actionsPath}`)).json, { actions: [] });
  t.is((await ask(http, `GET /v1/actions/${actions[0]?.uuid}`)).status, 404);
});

test('a list is sorted by its column as texts are, and numbers as numbers are', async (t) => {
  const url = new URL('http://c/v1/things');
  const sorted = async (values: readonly unknown[]) => {
    const things = values.map((value, at) => ({ uuid: String(at), value }));
    const asked = { query: { sort_key: 'value' }, base: 'http://c', url } as unknown as Parameters<typeof pageOf>[3];
    const { body } = await pageOf('things', things, ['value'], asked);
    return (body as { things: typeof things }).things.map(({ value }) => value);
  };
  t.deepEqual(await sorted(['b', 'b c', 'a"', 'ab', null]), [null, 'a"', 'ab', 'b', 'b c']);
  t.deepEqual(await sorted([10, 9, 1]), [1, 9, 10]);
  t.deepEqual(await sorted([true, false]), [false, true]);
});

test('a plan that waits says for what: for its turn, and then for the end of a freeze', async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  await client.nodes.createNode({
    name: 'n1',
    driver: 'fake',
    driverInfo: { fake_address: 'n1' },
    labels: { rack: '1' },
  });
  const inputParameters = { resource_id: 'n1', maintenance: false };
  const stays = { name: 'stays', actionType: 'set_node_maintenance', inputParameters };
  const nap = { name: 'nap', actionType: 'sleep', inputParameters: { duration: 3600 } };
  await client.plans.createActionPlan({ name: 'first', actions: [nap, { ...stays, parents: ['nap'] }] });
  await client.plans.startActionPlan({ actionPlan: 'first' });
  await client.plans.createActionPlan({ name: 'second', actions: [stays] });
  await client.plans.startActionPlan({ actionPlan: 'second', queue: true });
  const waits = async (name: string) => {
    const { json } = await ask(http, `GET /v1/action_plans/${name}`);
    return (json as { waits_for: string | null }).waits_for;
  };
  t.is(await waits('first'), null);
  t.regex(String(await waits('second')), /^its turn: plan [-0-9a-f]{36} is ONGOING on some of its nodes$/);
  await client.nodes.freezeNodes({ labels: { rack: '1' }, reason: 'disks' });
  await client.plans.orderCancel({ actionPlan: 'first' });
  const frozen = /^the end of a freeze: node n1 is frozen until freeze .* is lifted: disks/;
  await eventually('the plan waits for the end of the freeze', async () => frozen.test(String(await waits('second'))));
  t.pass();
});
