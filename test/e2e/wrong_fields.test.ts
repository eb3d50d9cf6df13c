/** The field that a refusal names is the one of the request that was sent, wherever in it the fault is; the thing is named beside it. */
import test, { type ExecutionContext } from 'ava';
import type { ErrorCode } from '../../src/core/errors.ts';
import { type Client, Refusal } from './client.ts';
import { openHouse } from './house.ts';
import { enrol, order, untilIn } from './orders.ts';
import { runHere } from './processes.ts';

type Call = (client: Client) => Promise<unknown>;
interface Wrong {
  readonly code: ErrorCode;
  readonly field: string;
  readonly call: Call;
}

const nop = { name: 'first', actionType: 'nop' };
const withAction = (inputParameters: Record<string, unknown>, actionType = 'change_node_power_state') => ({
  name: 'p',
  actions: [nop, { name: "it's.actions[7] 'b'", actionType, inputParameters }],
});
const PARAMETERS = 'actions[1].input_parameters';
const hard = { resource_id: 'free', state: 'power off' };

/** Plans that are wrong in one field, each by its place in a plan. */
const PLANS: readonly (readonly [ErrorCode, string, ReturnType<typeof withAction>])[] = [
  ['ACTION_PLAN_INVALID', `${PARAMETERS}.duration`, withAction({}, 'sleep')],
  ['ACTION_PLAN_INVALID', `${PARAMETERS}.durasion`, withAction({ duration: 1, durasion: 1 }, 'sleep')],
  ['ACTION_PLAN_INVALID', 'actions[1].action_type', withAction({}, 'teleport')],
  ['ACTION_PLAN_INVALID', `${PARAMETERS}.timeout`, withAction({ ...hard, timeout: -1 })],
  ['ACTION_PLAN_INVALID', `${PARAMETERS}.on_timeout`, withAction({ ...hard, on_timeout: 'FORCE' })],
  ['NODE_NOT_FOUND', `${PARAMETERS}.resource_id`, withAction({ ...hard, resource_id: 'nosuch' })],
];
const AUDITS: readonly (readonly [ErrorCode, string, Record<string, unknown>])[] = [
  ['AUDIT_INVALID', 'name', { name: '' }],
  ['AUDIT_INVALID', 'parameters.para1', { goal: 'dummy', parameters: { para1: 'x' } }],
  ['SCOPE_INVALID', 'scope[0].baremetal[0].zone', { goal: 'dummy', scope: [{ baremetal: [{ zone: 'a' }] }] }],
  [
    'AUDIT_INVALID',
    'parameters.actions[0].input_parameters.zz',
    { goal: 'manual', parameters: { actions: [{ name: 'a', action_type: 'nop', input_parameters: { zz: 1 } }] } },
  ],
  [
    'NODE_NOT_FOUND',
    'parameters.actions[0].input_parameters.resource_id',
    {
      goal: 'manual',
      parameters: {
        actions: [
          { name: 'a', action_type: 'change_node_power_state', input_parameters: { ...hard, resource_id: 'x' } },
        ],
      },
    },
  ],
];

const sink =
  (settings: Record<string, string>): Call =>
  ({ notifications }) =>
    notifications.createSink({ name: 's', kind: 'webhook', settings });
const update =
  (more: object): Call =>
  ({ nodes }) =>
    nodes.updateNode({ node: 'free', ...more });
const OTHERS: readonly Wrong[] = [
  { code: 'SINK_INVALID', field: 'settings.url', call: sink({ url: 'https://a.example/' }) },
  { code: 'SINK_INVALID', field: 'settings.webhook_url', call: sink({ webhook_url: 'x', webhook_secret: 'y' }) },
  { code: 'SINK_INVALID', field: 'settings.webhook_secret', call: sink({ webhook_url: 'https://a.example/' }) },
  { code: 'DRIVER_INFO_INVALID', field: 'set_driver_info', call: update({ setDriverInfo: { fake_adress: 'x' } }) },
  { code: 'BMC_TAKEN', field: 'set_driver_info', call: update({ setDriverInfo: { fake_address: 'held' } }) },
  { code: 'DRIVER_INFO_INVALID', field: 'set_driver_info.a', call: update({ setDriverInfo: { a: '******' } }) },
  { code: 'ARGUMENT_INVALID', field: 'set_labels', call: update({ setLabels: { '': 'x' } }) },
  { code: 'NODE_NAME_TAKEN', field: 'name', call: update({ name: 'held' }) },
  {
    code: 'DRIVER_INFO_INVALID',
    field: 'driver_info',
    call: ({ nodes }) => nodes.createNode({ name: 'new', driver: 'fake', driverInfo: {} }),
  },
  {
    code: 'REQUEST_ID_TAKEN',
    field: 'request_id',
    call: ({ power }) => power.orderPowerState({ node: 'free', target: 1, requestId: 'the-holder' }),
  },
  {
    code: 'REQUEST_ID_TAKEN',
    field: 'wanted.request_id',
    call: async ({ plans }) => {
      await plans.createActionPlan({ name: 'p', actions: [nop], requestId: 'used' });
      return plans.previewActionPlan({ wanted: { name: 'q', actions: [nop], requestId: 'used' } });
    },
  },
  {
    code: 'TAKES_DOWN_MISMATCH',
    field: 'expect_taken_down',
    call: ({ plans }) => plans.createActionPlan({ name: 'p', actions: [nop], start: true, expectTakenDown: 7 }),
  },
  {
    code: 'ARGUMENT_INVALID',
    field: 'request_id',
    call: ({ plans }) => plans.orderRollback({ actionPlan: 'used', requestId: 'a\x07' }),
  },
  { code: 'ARGUMENT_INVALID', field: 'guid', call: ({ nodes }) => nodes.acceptNode({ node: 'free', guid: 'nosuch' }) },
  { code: 'ARGUMENT_INVALID', field: 'action', call: ({ plans }) => plans.getAction({}) },
  { code: 'ARGUMENT_INVALID', field: 'freeze', call: ({ nodes }) => nodes.liftFreeze({}) },
  { code: 'ARGUMENT_INVALID', field: 'sink', call: ({ notifications }) => notifications.testSink({}) },
];

async function refusal(t: ExecutionContext, call: Promise<unknown>, what: string): Promise<Refusal> {
  const error = await t.throwsAsync(call, { instanceOf: Refusal }, what);
  return error as Refusal;
}

test('the wrong field is named by its path in the request', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  for (const name of ['free', 'held']) await enrol(client, name, 'fake', { fake_address: name, fake_soft_ms: 'never' });
  await untilIn(order(client, 'held', 'SOFT_POWER_OFF', { requestId: 'the-holder' }), 'CONFIRMING');
  const plans: Wrong[] = PLANS.flatMap(([code, field, wanted]) => [
    { code, field, call: () => client.plans.createActionPlan(wanted) },
    { code, field: `wanted.${field}`, call: () => client.plans.previewActionPlan({ wanted }) },
  ]);
  const audits: Wrong[] = AUDITS.flatMap(([code, field, more]) => {
    const wanted = { name: 'a', ...more };
    return [
      { code, field, call: () => client.audits.createAudit(wanted) },
      { code, field: `wanted.${field}`, call: () => client.audits.previewAudit({ wanted }) },
    ];
  });
  for (const { code, field, call } of [...plans, ...audits, ...OTHERS]) {
    const { code: got, info, message } = await refusal(t, call(client), field);
    t.deepEqual([got, info?.metadata.field], [code, field], message);
  }
});

test('a preview is refused in the words of the order, with the path in its own request', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const long = 'x'.repeat(1200);
  const rows: readonly (readonly [string, { readonly actions?: (typeof nop)[] } & Record<string, unknown>])[] = [
    ['reason', { reason: long }],
    ['request_id', { requestId: long }],
    ['actions[0].name', { actions: [{ ...nop, name: long }] }],
    ['name', { name: 'a\0' }],
  ];
  for (const [field, more] of rows) {
    const wanted = { name: 'p', actions: [nop], ...more };
    const { message } = await refusal(t, client.plans.createActionPlan(wanted), field);
    const preview = await refusal(t, client.plans.previewActionPlan({ wanted }), field);
    t.true(message.startsWith(field), message);
    t.is(preview.message, message);
    t.is(preview.info?.metadata.field, `wanted.${field}`);
  }
});

test('what is held, and what is not withdrawn, is named as data', async (t) => {
  const { client } = await openHouse(t, { here: true });
  await enrol(client, 'held', 'fake', { fake_address: 'held', fake_soft_ms: 'never' });
  const { uuid } = await untilIn(order(client, 'held', 'SOFT_POWER_OFF'), 'CONFIRMING');
  for (const call of [
    client.nodes.deleteNode({ node: 'held' }),
    client.nodes.updateNode({ node: 'held', name: 'b' }),
    client.nodes.acceptNode({ node: 'held' }),
  ]) {
    const { info } = await refusal(t, call, 'a held node');
    t.like(info?.metadata, { resource_type: 'node', resource_name: 'held', power_task: uuid });
  }
  const { info } = await refusal(t, client.power.withdrawPowerTask({ task: uuid }), 'a task whose order was sent');
  t.like(info?.metadata, { resource_type: 'power_task', resource_name: uuid, state: 'CONFIRMING' });
  const action = await refusal(t, client.plans.getAction({ action: uuid }), 'no action');
  t.like(action.info?.metadata, { resource_type: 'action', resource_name: uuid });
});

test('what contradicts itself, or would hold nothing, is refused and changes nothing', async (t) => {
  const { client } = await openHouse(t, { here: true });
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  const scope = [{ baremetal: [{ nodes: ['n1'] }] }];
  await client.audits.createAuditTemplate({ name: 'rack', goal: 'dummy', scope });
  const wrong: readonly (readonly [string, Promise<unknown>])[] = [
    ['zone', client.nodes.freezeNodes({ zone: 'rack[1-3]', reason: 'r' })],
    ['zone', client.nodes.freezeNodes({ zone: ' ', reason: 'r' })],
    ['labels', client.nodes.freezeNodes({ labels: { '': 'x' }, reason: 'r' })],
    ['reason', client.nodes.freezeNodes({ zone: 'default', reason: ' ' })],
    ['remove_labels[1]', client.nodes.updateNode({ node: 'n1', setLabels: { a: '1' }, removeLabels: ['b', 'a'] })],
    [
      'remove_driver_info[0]',
      client.nodes.updateNode({ node: 'n1', setDriverInfo: { fake_soft_ms: '5' }, removeDriverInfo: ['fake_soft_ms'] }),
    ],
    ['scope', client.audits.updateAuditTemplate({ auditTemplate: 'rack', name: 'row', scope })],
  ];
  for (const [field, call] of wrong) t.is((await refusal(t, call, field)).info?.metadata.field, field);
  t.deepEqual((await client.nodes.listFreezes({})).freezes, []);
  t.is((await client.audits.getAuditTemplate({ auditTemplate: 'rack' })).auditTemplate?.revision, 1);
  t.deepEqual((await client.nodes.getNode({ node: 'n1' })).node?.labels, {});
});

test('what is no identity has no rights to be told of', async (t) => {
  const house = await openHouse(t, { here: true });
  const check = (...words: readonly string[]) => runHere(['access', 'check', ...words, '--conductor', house.address]);
  for (const wrong of ['tokens:ci', 'alice', 'basic:']) {
    const { exitCode, stderr } = await check(wrong);
    t.is(exitCode, 2, wrong);
    t.regex(stderr, /is not the name of one: that begins with certificate:, token:, /, wrong);
  }
  for (const good of ['token:ci', 'anonymous@127.0.0.1', 'agent:a', 'certificate:CN=al,O=x'])
    t.is((await check(good, 'power.off')).exitCode, 0, good);
});
