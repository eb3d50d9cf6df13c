/** What the notifications say of audits and of what their plans are good for is true. */
import test from 'ava';
import { parametersSpec } from '../../../src/server/plans/strategies/strategy.ts';
import { chooseStrategy } from '../../../src/server/plans/strategies.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import type { EventRow } from '../../../src/server/store/rows.ts';
import { endWorld, worldWith } from '../plan_making.ts';

type Data = Readonly<Record<string, unknown>>;
const inside = (value: unknown): Data => (value as Data)['watcher_object.data'] as Data;

test('parameters, scope, interval, next run and efficacy stand in the payloads', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  await world.clock.turn(180_000);
  const scope = [{ baremetal: [{ nodes: ['n1'] }] }];
  await world.conductor.audits.create({
    name: 'fans',
    requestId: 'fans',
    auditType: 'CONTINUOUS',
    strategy: 'host_maintenance',
    goal: '',
    parameters: { reason: 'fans' },
    scope,
    intervalMs: 600_000,
    autoTrigger: false,
    maxParallel: 0,
    onFailure: 'STOP',
  });
  await world.conductor.audits.suspend('fans');
  const events = await readEvents(1, 1000, world.database.read);
  const about = (type: string, at = 0): Data =>
    inside((events.filter(({ eventType }) => eventType === type)[at] as EventRow).payload);
  const asked = {
    parameters: { reason: 'fans' },
    scope,
    interval: '600',
    auto_trigger: false,
    audit_type: 'CONTINUOUS',
  };
  t.like(about('audit.create'), { ...asked, state: 'PENDING', next_run_time: null });
  t.like(about('audit.update'), { ...asked, state: 'ONGOING', next_run_time: '2026-01-02T03:17:05Z' });
  t.like(about('audit.update', 1), { ...asked, state: 'SUSPENDED', next_run_time: null });
  const { goal } = chooseStrategy('host_maintenance', '');
  t.deepEqual(inside(about('audit.create').goal).efficacy_specification, [...goal.indicators]);
  const plan = about('action_plan.create');
  t.like(inside(plan.audit), { ...asked, next_run_time: '2026-01-02T03:17:05Z' });
  t.deepEqual(
    (plan.global_efficacy as Data[]).slice(0, 2).map(({ name, value, unit }) => [name, value, unit]),
    [
      ['nodes_in_maintenance', 1, null],
      ['nodes_powered_off', 1, null],
    ],
  );
  t.deepEqual(inside(about('action.create').action_plan).global_efficacy, plan.global_efficacy);
  const spec = JSON.parse(JSON.stringify(parametersSpec(chooseStrategy('host_maintenance', ''))));
  t.deepEqual(inside(plan.strategy).parameters_spec, spec);
  await endWorld(world);
});
