/** What an agent does with messages that come late, twice, in another order, or from a time that is over: it sends no order twice, and none that was taken back. */
import test from 'ava';
import { Lease } from '../../src/agent/lease.ts';
import { Work } from '../../src/agent/work.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { NO_TRACES } from '../../src/core/tracing.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createFakeDriver } from '../../src/drivers/fake/driver.ts';
import type { FakeHardware } from '../../src/drivers/fake/hardware.ts';
import { AttachResponse, Sending, type TaskReport } from '../../src/gen/countermand/v1/agent.ts';
import { AbortOutcome, PowerTarget, PowerTaskPhase } from '../../src/gen/countermand/v1/power.ts';
import { seededChance } from '../world/chance.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const TOMBSTONES = 10_000;

/** An agent at work, with one BMC behind `n1`. */
function atWork() {
  const clock = new VirtualClock();
  const hardware: FakeHardware = new Map();
  const lease = new Lease(clock);
  lease.attach();
  lease.setLength(3_600_000);
  lease.renew();
  const reports: TaskReport[] = [];
  const work = new Work({
    drivers: [createFakeDriver({ clock, hardware, softRebootInOneCommand: false }) as Driver],
    secrets: { folder: null, environment: {} },
    bmcAccess: null,
    minCommandIntervalMs: 0,
    lease,
    clock,
    shutdown: openCancellation([]).signal,
    spans: { traces: NO_TRACES, clock, chance: seededChance(1) },
    say: (message) => message.$case === 'report' && reports.push(message.value),
  });
  const about = (taskUuid: string, fence: number) => ({
    taskUuid,
    bmc: { nodeUuid: 'node', driver: 'fake', driverInfo: { fake_address: 'n1', fake_soft_ms: '60000' }, fence },
    target: PowerTarget.INJECT_NMI,
    phase: PowerTaskPhase.WHOLE,
  });
  const take = (message: object): Promise<void> => {
    work.take(AttachResponse.fromPartial({ message } as never).message as never);
    return clock.settle();
  };
  return {
    work,
    take,
    about,
    clock,
    received: () => hardware.get('n1')?.received ?? [],
    start: (task: string, fence: number) => take({ $case: 'start', value: about(task, fence) }),
    abort: (task: string, fence: number) => take({ $case: 'abort', value: about(task, fence) }),
    go: (taskUuid: string, fence: number) =>
      take({ $case: 'go', value: { ...about(taskUuid, fence), fence, command: PowerTarget.INJECT_NMI } }),
    /** The orders that the server has had. */
    sent: () => hardware.get('n1')?.received.length ?? 0,
    lastOf: (task: string) => reports.findLast(({ taskUuid }) => taskUuid === task),
  };
}

test('leave to send counts under the fence of the work, once', async (t) => {
  const { start, go, sent, lastOf } = atWork();
  await start('t1', 2);
  t.is(lastOf('t1')?.sending, Sending.READY);
  for (const other of [1, 3, 0]) await go('t1', other);
  await go('t2', 2);
  t.is(sent(), 0);
  await start('t1', 3);
  await go('t1', 2);
  t.is(sent(), 0, 'the fence that was before');
  await go('t1', 3);
  t.is(sent(), 1);
  await go('t1', 3);
  await start('t1', 3);
  await go('t1', 3);
  t.is(sent(), 1);
});

test('what carries an older fence of its node than one that was seen does nothing', async (t) => {
  const { start, abort, go, sent, lastOf } = atWork();
  await start('t1', 3);
  await start('t2', 2);
  t.is(lastOf('t2'), undefined);
  await abort('t1', 2);
  t.is(lastOf('t1')?.abort, undefined);
  await go('t1', 3);
  t.is(sent(), 1);
});

test('an order whose abort was here first is never prepared, nor one that was taken back while it waited', async (t) => {
  const { start, abort, go, sent, lastOf } = atWork();
  await abort('t1', 1);
  await start('t1', 1);
  await start('t2', 1);
  await abort('t2', 1);
  await start('t2', 1);
  for (const task of ['t1', 't2']) {
    await go(task, 1);
    t.is(lastOf(task)?.abort?.outcome, AbortOutcome.NOT_SENT);
  }
  t.is(sent(), 0);
});

test('an order that was taken back in its first half has no second one', async (t) => {
  const { take, about, clock, received, lastOf } = atWork();
  const reboot = { ...about('t1', 1), target: PowerTarget.SOFT_REBOOT, mayHaveBeenSent: true };
  const [down, up] = [PowerTaskPhase.DOWN, PowerTaskPhase.UP];
  await take({ $case: 'start', value: { ...reboot, phase: down } });
  await take({ $case: 'go', value: { ...reboot, fence: 1, command: PowerTarget.SOFT_POWER_OFF, phase: down } });
  await take({ $case: 'abort', value: { ...reboot, phase: down } });
  await clock.turn(5000);
  t.is(lastOf('t1')?.abort?.outcome, AbortOutcome.RECALLED);
  await take({ $case: 'start', value: { ...reboot, phase: up, keepTrying: true } });
  await take({ $case: 'go', value: { ...reboot, fence: 1, command: PowerTarget.ON, phase: up } });
  t.deepEqual(received(), ['soft power off', 'abort soft power off']);
  t.is(lastOf('t1')?.phase, down);
});

test('of what was taken back before it was sent, a limited number is remembered: the last', async (t) => {
  const { work, start, abort, go, sent } = atWork();
  for (let at = 0; at < TOMBSTONES + 5; at += 1) await abort(`t${at}`, 1);
  t.is(work.size, TOMBSTONES);
  const last = `t${TOMBSTONES + 4}`;
  await start(last, 1);
  await go(last, 1);
  t.is(sent(), 0);
});
