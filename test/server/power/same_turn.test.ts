/** An order that takes a task back in the same turn of the keeper as a report about it: what the report said of the task before is not acted on. */
import test, { type ExecutionContext } from 'ava';
import type { OrderTarget } from '../../../src/core/power.ts';
import type { Report } from '../../../src/core/report.ts';
import type { Attachment } from '../../../src/server/agents/attachments.ts';
import { withdrawOrder } from '../../../src/server/power/orders.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { World } from '../../world/world.ts';

/** A world with a task that is CONFIRMING, whose agent says nothing more but what comes in the turn of the next order. */
async function confirming(t: ExecutionContext, target: OrderTarget, said: Partial<Report>) {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('n1', {
    fake_soft_ms: 'never',
    fake_powering_ms: '999999999',
    fake_power_state: target === 'power on' ? 'off' : 'on',
  });
  const { keeper } = world.conductor.orders;
  const last: [Report, Attachment][] = [];
  const reported = keeper.reported.bind(keeper);
  keeper.reported = (...come) => {
    last.push(come);
    reported(...come);
  };
  const { uuid } = await world.order('n1', target, { timeoutMs: 3_600_000 });
  await world.clock.turn(5000);
  const read = () => getPowerTask(uuid, world.database.read);
  t.is((await read()).state, 'CONFIRMING');
  keeper.reported = () => {};
  const order = keeper.order.bind(keeper);
  keeper.order = (each) => {
    const [report, attachment] = last.at(-1) as [Report, Attachment];
    reported({ ...report, ...said }, attachment);
    return order(each);
  };
  return { world, uuid, read };
}

test('an abort ends in its own time, though its order, which a report has just told nothing new of, had more', async (t) => {
  const { world, read } = await confirming(t, 'soft power off', {});
  await world.order('n1', 'abort soft power off');
  t.is((await read()).state, 'ABORTING');
  await world.clock.turn(world.limits.abortTimeoutMs);
  t.like(await read(), { state: 'ABORTED', abortOutcome: 'FAILED' });
});

test('no leave to send is given for a task that was given up in that turn', async (t) => {
  const off = { powerState: 'power off' } as const;
  const { world, uuid, read } = await confirming(t, 'power on', { sending: 'READY', before: off, observed: off });
  const sent: string[] = [];
  world.onSent = ({ message }) => sent.push(message.$case);
  await world.finish(withdrawOrder(uuid, '', world.conductor.orders, true));
  await world.clock.settle();
  t.like(await read(), { state: 'ABORTED', abortOutcome: 'STOPPED_WAITING' });
  t.deepEqual([...new Set(sent)], ['abort', 'forget']);
});
