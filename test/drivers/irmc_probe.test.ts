/** What one node behind an iRMC can do now, and what can be seen of it, by each way of looking. */
import test from 'ava';
import { TARGETS } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { Pace } from '../../src/drivers/irmc/pace.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const driver = newIrmcDriver(new PatientClock());
test.after.always(() => driver.close());

const supported = ({ info }: TestedIrmc) => driver.getSupportedPowerStates(driver.parse(info), never());
const withoutSnmp = (info: DriverInfo): DriverInfo =>
  Object.fromEntries(Object.entries(info).filter(([key]) => !key.startsWith('irmc_snmp_')));

test('all nine with an agent that is connected; it is asked again each time', async (t) => {
  const tested = await newSimIrmc(t);
  const inOne = { softRebootInOneCommand: true, probed: true };
  const soft = ['soft rebooting', 'soft power off'] as const;
  t.deepEqual(await supported(tested), { targets: TARGETS, recalls: soft, ...inOne });
  tested.irmc.faults = { ...tested.irmc.faults, agentMissing: true };
  t.deepEqual(await supported(tested), {
    targets: ['power on', 'power off', 'rebooting', 'inject nmi', 'abort inject nmi'],
    recalls: [],
    ...inOne,
    reason: 'the ServerView agent of the node is not connected',
  });
  tested.irmc.host.setPower('power off');
  t.deepEqual(await supported(tested), {
    targets: ['power on', 'power off', 'rebooting'],
    recalls: [],
    ...inOne,
    reason: 'the node is off',
  });
});

test('without IPMI over LAN no BMC can be asked: all nine, and why they are not probed', async (t) => {
  const tested = await newSimIrmc(t);
  await tested.listening.switchIpmi(false);
  const bmc = driver.parse(tested.info);
  const first = await driver.getSupportedPowerStates(bmc, never());
  t.like(first, { targets: TARGETS, probed: false, recalls: ['soft rebooting', 'soft power off'] });
  t.regex(first.reason ?? '', /its port is closed/);
  const second = await driver.getSupportedPowerStates(bmc, never());
  t.regex(second.reason ?? '', /IPMI over LAN did not answer a short while ago/);
});

test('an order that needs the agent and finds none is refused with its words, also unprobed', async (t) => {
  const tested = await newSimIrmc(t, { faults: { agentMissing: true } });
  const error = await t.throwsAsync(driver.setPowerState(driver.parse(tested.info), 'soft rebooting', never()));
  t.regex(
    error.message,
    /cannot do RequestShutdownAndReset now \(error 31: ServerView Agent not connected\); a graceful/,
  );
  t.is((error as { code?: string }).code, 'TARGET_NOT_SUPPORTED');
});

test('each way sees a reboot that never shows off', async (t) => {
  const tested = await newSimIrmc(t, { host: { selfTestMs: Number.POSITIVE_INFINITY } });
  await driver.setPowerState(driver.parse(tested.info), 'rebooting', never());
  t.is(tested.irmc.host.boot, 'self-test');
  const starting = { powerState: 'power on', host: 'starting' } as const;
  t.like(await driver.getPowerState(driver.parse(tested.info), never()), starting, 'SNMP');
  const info = withoutSnmp(tested.info);
  t.like(await driver.getPowerState(driver.parse(info), never()), starting, 'IPMI');
  await tested.listening.switchIpmi(false);
  t.like(await driver.getPowerState(driver.parse(info), never()), starting, 'Redfish');
});

test('a host on its way down is seen over SNMP', async (t) => {
  const tested = await newSimIrmc(t, { host: { softMs: Number.POSITIVE_INFINITY } });
  await driver.setPowerState(driver.parse(tested.info), 'soft power off', never());
  const seen = await driver.getPowerState(driver.parse(tested.info), never());
  t.like(seen, { powerState: 'power on', host: 'stopping' });
});

test('an iRMC rests 3 s after a command that switches, and a recall of a graceful order waits for nothing', async (t) => {
  const clock = new VirtualClock();
  const pace = new Pace(clock);
  const sentAt: number[] = [];
  const send = async (): Promise<void> => {
    sentAt.push(clock.monotonic());
  };
  const startedAt = clock.monotonic();
  await pace.hold('a', 3000, send, never());
  const second = pace.hold('a', 0, send, never());
  await pace.hold('b', 0, send, never());
  await clock.turn(2999);
  t.is(sentAt.length, 2);
  await clock.turn(1);
  await second;
  await pace.hold('a', 0, send, never());
  t.deepEqual(
    sentAt.map((at) => at - startedAt),
    [0, 0, 3000, 3000],
  );
  await pace.hold('a', 3000, send, never());
  const controller = new AbortController();
  const third = t.throwsAsync(pace.hold('a', 0, send, controller.signal), { message: 'enough' });
  controller.abort(new Error('enough'));
  await third;
  t.is(sentAt.length, 5);
  t.is(clock.timers, 0);
});
