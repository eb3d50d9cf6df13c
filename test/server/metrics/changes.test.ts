/** What the metrics make of orders, plans and nodes. */
import test, { type ExecutionContext } from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import type { Attachment, Attachments } from '../../../src/server/agents/attachments.ts';
import { countChanges } from '../../../src/server/metrics/changes.ts';
import { gaugeFleet } from '../../../src/server/metrics/fleet.ts';
import { MetricRegistry } from '../../../src/server/metrics/registry.ts';
import type { World } from '../../world/world.ts';
import { make, softOff, worldWith } from '../plan_making.ts';

/** Counts from now on, until the test ends. The result: the series whose name begins so, with their values. */
function countsOf(t: ExecutionContext, world: World) {
  const registry = new MetricRegistry();
  const cancellation = openCancellation([]);
  const { store, attachments, sinks, followed } = world.conductor;
  void countChanges(store.database, registry, cancellation.signal);
  t.teardown(() => cancellation.abort(fail('CALL_ENDED', 'the test is over')));
  return async (name: string): Promise<Record<string, number>> => {
    await gaugeFleet({ store, attachments, sinks, followed, tail: { oldest: null } }, registry);
    const lines = (await registry.text()).split('\n').filter((line) => line.startsWith(name));
    return Object.fromEntries(
      lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  };
}

test('an order that is aborted: how it ended, how long it waited, and how long the abort took', async (t) => {
  const world = await worldWith(t, 'n1');
  const counted = countsOf(t, world);
  await world.order('n1', 'soft power off');
  await world.clock.turn(5000);
  t.deepEqual(await counted('countermand_power_tasks{'), { 'state="CONFIRMING"}': 1 });
  await world.order('n1', 'abort soft power off');
  await world.clock.turn(600_000);
  t.deepEqual(await counted('countermand_power_tasks_total'), {
    '{target="soft power off",state="ABORTED"}': 1,
    '{target="abort soft power off",state="SUCCEEDED"}': 1,
  });
  t.deepEqual(await counted('countermand_power_task_sent_seconds_sum'), { '{target="soft power off"}': 20 });
  t.deepEqual(await counted('countermand_power_task_abort_seconds_sum'), { '{outcome="RECALLED"}': 15 });
  t.deepEqual(await counted('countermand_power_tasks{'), {});
});

test('an order whose node is still being read is in the queue of its zone, with its age; then its agent is lost', async (t) => {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_answer_ms: '20000' });
  const counted = countsOf(t, world);
  t.deepEqual(await counted('countermand_zone_agents'), { '{zone="default"}': 1 });
  await world.order('n1', 'power off');
  await world.clock.turn(2000);
  t.deepEqual(await counted('countermand_queue_depth'), { '{zone="default"}': 1 });
  t.deepEqual(await counted('countermand_queue_age_seconds'), { '{zone="default"}': 2 });
  await world.killAgent('a1');
  await world.clock.turn(600_000);
  t.deepEqual(await counted('countermand_queue_depth'), {});
  t.deepEqual(await counted('countermand_zone_agents'), { '{zone="default"}': 0 });
  t.like(await counted('countermand_agents'), { '{state="attached"}': 0 });
});

test('a plan that is cancelled: its actions, its end, and how long the cancel took', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const counted = countsOf(t, world);
  await make(world, 'p1', [softOff('n1'), softOff('n2', ['n1'])]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(5000);
  t.deepEqual(await counted('countermand_action_plans{'), { 'state="ONGOING"}': 1 });
  await world.conductor.plans.cancel('p1', 'wrong rack');
  await world.clock.turn(600_000);
  t.deepEqual(await counted('countermand_action_plans_total'), { '{state="CANCELLED"}': 1 });
  t.deepEqual(await counted('countermand_actions_total'), { '{state="CANCELLED"}': 2 });
  t.deepEqual(await counted('countermand_action_plan_cancel_seconds_count'), { '{state="CANCELLED"}': 1 });
  t.deepEqual(await counted('countermand_audits_total'), { '{state="SUCCEEDED"}': 1 });
});

test('sessions with BMCs are counted for all agents, and for no driver that an agent has not told of', async (t) => {
  const world = await worldWith(t);
  const { store, sinks, followed } = world.conductor;
  const agent = (sessions: Attachment['sessions']) =>
    ({ hello: { zones: [], drivers: [{ name: 'ipmi' }, { name: 'redfish' }] }, sessions }) as unknown as Attachment;
  const agents = [
    agent([{ driver: 'ipmi', open: 3 }]),
    agent([
      { driver: 'ipmi', open: 4 },
      { driver: 'redfish', open: -1 },
      { driver: 'invented', open: 9 },
    ]),
  ];
  const attachments = { list: () => agents, isAttached: () => true } as unknown as Attachments;
  const registry = new MetricRegistry();
  await gaugeFleet({ store, attachments, sinks, followed, tail: { oldest: null } }, registry);
  const lines = (await registry.text()).split('\n').filter((line) => line.startsWith('countermand_bmc_sessions'));
  t.deepEqual(lines, ['countermand_bmc_sessions{driver="ipmi"} 7', 'countermand_bmc_sessions{driver="redfish"} 0']);
});
