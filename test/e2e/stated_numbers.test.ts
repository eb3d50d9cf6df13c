/** Above confirm_above, what takes running nodes down states how many: over gRPC, and over HTTP. What takes back need not. */
import test from 'ava';
import type { Refusal } from './client.ts';
import { openHouse } from './house.ts';
import { ask } from './http.ts';
import { enrol } from './orders.ts';

test('an order that does not state its number is refused above confirm_above, and says where to state it', async (t) => {
  const house = await openHouse(t, { here: true, http: true, settings: { confirm_above: 1 } });
  const { plans, audits, power } = house.client;
  for (const node of ['n1', 'n2']) {
    await enrol(house.client, node, 'fake', { fake_address: node, fake_soft_ms: 'never' });
    for await (const _ of power.setPowerState({ node, target: 1 }));
  }
  const actions = ['n1', 'n2'].map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state: 'soft power off' },
  }));
  const refused = async (order: Promise<unknown>) => {
    const error = await t.throwsAsync<Refusal>(order, { code: 'TAKES_DOWN_UNSTATED' } as never);
    t.regex(error.message, /takes 2 running nodes down \(n1, n2\), which is more than 1 \(confirm_above\)/);
    t.regex(error.message, /If 2 is right, state it in expect_taken_down$/);
  };
  await refused(plans.createActionPlan({ name: 'p', actions, start: true }));
  t.deepEqual((await plans.listActionPlans({})).actionPlans, []);
  await plans.createActionPlan({ name: 'p', actions });
  await refused(plans.startActionPlan({ actionPlan: 'p' }));
  const scope = [{ baremetal: [{ nodes: ['n[1-2]'] }] }];
  await refused(audits.createAudit({ name: 'a', strategy: 'host_maintenance', scope, autoTrigger: true }));
  const start = (body?: object) => ask(house.http, 'POST /v1/action_plans/p/start', { body });
  const unstated = await start();
  t.is(unstated.status, 400);
  t.regex(JSON.stringify(unstated.json), /state it in expect_taken_down/);
  t.is(
    (await ask(house.http, 'PATCH /v1/action_plans/p', { body: [{ op: 'replace', path: '/state', value: 'PENDING' }] }))
      .status,
    400,
  );
  t.is((await start({ expect_taken_down: 3 })).status, 400);
  t.is((await start({ expect_taken_down: 2 })).status, 200);
  t.like((await plans.orderCancel({ actionPlan: 'p', rollback: true })).actionPlan, { name: 'p' });
});
