/** Orders without a stream, the revision that a change was decided on, and lists by filter and order. */
import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import { ActionPlanState } from '../../src/gen/countermand/v1/action_plan.ts';
import { AuditType } from '../../src/gen/countermand/v1/audit.ts';
import { AbortOutcome, PowerTarget, PowerTaskState } from '../../src/gen/countermand/v1/power.ts';
import { eventually } from '../counterparts/eventually.ts';
import { type Client, Refusal } from './client.ts';
import { openHouse } from './house.ts';

const IMAGE = new URL('../../src/gen/image.binpb', import.meta.url);
const UNARY = [
  ['SetPowerState', 'OrderPowerState'],
  ['CancelActionPlan', 'OrderCancel'],
  ['RollbackActionPlan', 'OrderRollback'],
] as const;

test('an order without a stream takes what the streaming one takes', (t) => {
  const contract = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(IMAGE)));
  const fieldsOf = (name: string) =>
    (contract.getMessage(`countermand.v1.${name}Request`) as DescMessage).fields.map((field) => [
      field.name,
      field.number,
      field.toString().replace(/^.*\./, ''),
      field.proto.type,
      field.proto.proto3Optional,
    ]);
  for (const [streaming, unary] of UNARY) t.deepEqual(fieldsOf(unary), fieldsOf(streaming), unary);
});

const enrol = (client: Client, name: string) =>
  client.nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name, fake_soft_ms: 'never' } });

/** The code of a refusal. */
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'not refused',
    (error) => (error instanceof Refusal ? error.code : String(error)),
  );

test('orders, aborts, cancels and rollbacks are answered when they are durable, and joined by their request_id', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const { power, plans } = client;
  await enrol(client, 'n1');
  const order = { node: 'n1', target: PowerTarget.SOFT_POWER_OFF, requestId: 'soft' };
  const { task } = await power.orderPowerState(order);
  t.is(task?.requestId, 'soft');
  t.is((await power.orderPowerState(order)).task?.uuid, task?.uuid);
  for await (const joined of power.setPowerState(order)) {
    t.is(joined.task?.uuid, task?.uuid, 'over a stream it is the same order');
    break;
  }
  t.is(await codeOf(power.orderPowerState({ node: 'n1', target: PowerTarget.ON })), 'NODE_HELD');
  t.is(await codeOf(power.orderPowerState({ node: 'n1' })), 'ARGUMENT_INVALID');
  await power.orderPowerState({ node: 'n1', target: PowerTarget.ABORT_SOFT_POWER_OFF });
  for await (const last of power.watchPowerTask({ task: task?.uuid ?? '' }))
    if (last.task?.state === PowerTaskState.ABORTED) t.not(last.task.abort?.outcome, AbortOutcome.FAILED);

  const sleep = { name: 'a', actionType: 'sleep', inputParameters: { duration: 3600 } };
  await plans.createActionPlan({ name: 'long', actions: [sleep] });
  await plans.startActionPlan({ actionPlan: 'long' });
  t.is(await codeOf(plans.orderCancel({ actionPlan: 'long', expectTakenDown: 1 })), 'ARGUMENT_INVALID');
  t.is((await plans.orderCancel({ actionPlan: 'long' })).actionPlan?.state, ActionPlanState.CANCELLING);
  await eventually('the plan to be at rest', async () => {
    const { actionPlan } = await plans.getActionPlan({ actionPlan: 'long' });
    return actionPlan?.state === ActionPlanState.CANCELLED;
  });

  const off = {
    name: 'off',
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: 'n1', state: 'power off' },
  };
  await plans.createActionPlan({ name: 'down', actions: [off] });
  await plans.startActionPlan({ actionPlan: 'down' });
  for await (const _ of plans.watchActionPlan({ actionPlan: 'down' }));
  const rollback = { actionPlan: 'down', requestId: 'undo' };
  const { actionPlan: undoing } = await plans.orderRollback(rollback);
  const { actionPlan: down } = await plans.getActionPlan({ actionPlan: 'down' });
  t.is(undoing?.rollbackOf, down?.uuid);
  t.is((await plans.orderRollback(rollback)).actionPlan?.uuid, undoing?.uuid);
  t.true((down?.updatedAt?.getTime() ?? 0) >= (down?.endedAt?.getTime() ?? Number.POSITIVE_INFINITY));
});

test('a change that was decided on an older revision is refused, and changes nothing', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const { nodes, plans, audits } = client;
  await enrol(client, 'n1');
  await plans.createActionPlan({ name: 'p', actions: [{ name: 'a', actionType: 'nop' }] });
  const again = { name: 'again', strategy: 'dummy', auditType: AuditType.CONTINUOUS, interval: 3600 };
  await audits.createAudit(again);
  const OLD = { revision: 0 };
  const refused = [
    nodes.updateNode({ node: 'n1', maintenance: true, ...OLD }),
    nodes.deleteNode({ node: 'n1', ...OLD }),
    plans.startActionPlan({ actionPlan: 'p', ...OLD }),
    plans.deleteActionPlan({ actionPlan: 'p', ...OLD }),
    audits.suspendAudit({ audit: 'again', ...OLD }),
    audits.cancelAudit({ audit: 'again', ...OLD }),
    audits.deleteAudit({ audit: 'again', ...OLD }),
  ];
  for (const call of refused) t.is(await codeOf(call), 'REVISION_MISMATCH');
  const { node } = await nodes.getNode({ node: 'n1' });
  t.false(node?.maintenance);

  // A reading may come between: it raises the revision as well.
  await eventually('a change at the revision of a moment ago', async () => {
    const { node: now } = await nodes.getNode({ node: 'n1' });
    const changed = nodes.updateNode({ node: 'n1', maintenance: true, revision: now?.revision });
    return (await codeOf(changed)) === 'not refused';
  });
  const { actionPlan } = await plans.getActionPlan({ actionPlan: 'p' });
  t.is((await plans.startActionPlan({ actionPlan: 'p', revision: actionPlan?.revision })).actionPlan?.name, 'p');
  const { audit } = await audits.getAudit({ audit: 'again' });
  const suspended = await audits.suspendAudit({ audit: 'again', revision: audit?.revision });
  t.is(await codeOf(audits.resumeAudit({ audit: 'again', ...OLD })), 'REVISION_MISMATCH');
  t.is(await codeOf(audits.suspendAudit({ audit: 'again', ...OLD })), 'not refused', 'it already is');
  t.is(suspended.audit?.name, 'again');
});

test('lists are filtered, and go in both orders from page to page', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const { power, plans, audits } = client;
  for (const name of ['n1', 'n2', 'n3']) {
    await enrol(client, name);
    await power.orderPowerState({ node: name, target: name === 'n2' ? PowerTarget.OFF : PowerTarget.SOFT_POWER_OFF });
  }
  const walk = async (filter: object): Promise<string[]> => {
    const names: string[] = [];
    let pageToken = '';
    do {
      const page = await power.listPowerTasks({ ...filter, pageSize: 1, pageToken });
      names.push(...page.tasks.map(({ nodeName }) => nodeName));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return names;
  };
  t.deepEqual(await walk({}), ['n3', 'n2', 'n1']);
  t.deepEqual(await walk({ oldestFirst: true }), ['n1', 'n2', 'n3']);
  t.deepEqual(await walk({ oldestFirst: true, targets: [PowerTarget.SOFT_POWER_OFF] }), ['n1', 'n3']);
  t.deepEqual(await walk({ states: [PowerTaskState.ABORTED] }), []);
  t.is(await codeOf(power.listPowerTasks({ states: [99 as never] })), 'ARGUMENT_INVALID');
  t.is(await codeOf(power.listPowerTasks({ targets: [99 as never] })), 'ARGUMENT_INVALID');

  const names = (found: { readonly name: string }[]): string[] => found.map(({ name }) => name);
  for (const name of ['one', 'two']) await audits.createAudit({ name, strategy: 'dummy' });
  await plans.createActionPlan({ name: 'direct', actions: [{ name: 'a', actionType: 'nop' }] });
  t.deepEqual(names((await plans.listActionPlans({ audit: 'two' })).actionPlans), ['two']);
  t.deepEqual(names((await plans.listActionPlans({ oldestFirst: true })).actionPlans), ['one', 'two', 'direct']);
  t.is(await codeOf(plans.listActionPlans({ audit: 'nope' })), 'AUDIT_NOT_FOUND');
  t.deepEqual(names((await audits.listAudits({ strategy: 'dummy', oldestFirst: true })).audits), ['one', 'two']);
  t.deepEqual(names((await audits.listAudits({ goal: 'dummy' })).audits), ['two', 'one']);
  t.deepEqual(names((await audits.listAudits({ strategy: 'manual' })).audits), ['direct']);
  t.deepEqual(names((await audits.listAudits({ strategy: 'manual', goal: 'dummy' })).audits), []);
});

test('a plan and an audit bear the uuid that the client chose, unless it may mean another', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const [plan, audit] = ['5e0c9b0a-0000-4000-8000-000000000001', '5e0c9b0a-0000-4000-8000-000000000002'];
  const actions = [{ name: 'a', actionType: 'nop' }];
  const wanted = { name: 'p', uuid: plan, requestId: 'once', actions };
  t.is((await client.plans.createActionPlan(wanted)).actionPlan?.uuid, plan);
  t.is((await client.plans.createActionPlan(wanted)).actionPlan?.uuid, plan, 'the same request joins');
  await client.plans.createActionPlan({ name: 'other', requestId: audit, actions });
  const once = { name: 'a', uuid: audit, strategy: 'dummy', parameters: { para1: 0 }, scope: [], all: true };
  t.is((await client.audits.createAudit({ ...once, requestId: 'once' })).audit?.uuid, audit);

  const plansBefore = (await client.plans.listActionPlans({})).actionPlans.length;
  const ofPlan = (uuid: string) => codeOf(client.plans.createActionPlan({ name: 'q', uuid, requestId: '', actions }));
  t.is(await ofPlan(plan), 'UUID_TAKEN');
  t.is(await ofPlan(audit), 'UUID_TAKEN', 'it is the request_id of another plan');
  t.is(await ofPlan('ABC'), 'ARGUMENT_INVALID');
  t.is(await codeOf(client.audits.createAudit({ ...once, requestId: 'twice' })), 'UUID_TAKEN');
  t.is((await client.plans.listActionPlans({})).actionPlans.length, plansBefore, 'nothing was written');
});
