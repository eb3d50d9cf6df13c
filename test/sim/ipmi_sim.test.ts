/** The simulated BMC itself, asked with the real driver. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import { type IpmiSim, startIpmiSim } from '../../src/sim/ipmi_sim.ts';
import { setUptime } from '../counterparts/chassis_clock.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, newIpmiSim, sharedIpmiSims } from '../counterparts/ipmi_sim.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { processesOfGroup, processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';

const START_SIM = fileURLToPath(new URL('./start_sim.ts', import.meta.url));
const borrowSim = sharedIpmiSims(4);
const driver = newIpmiDriver({ clock: new PatientClock() });
test.after.always(() => driver.close());
const order = (sim: IpmiSim, target: OrderTarget): Promise<string> =>
  driver.setPowerState(driver.parse(infoOf(sim)), target, never());

test('simulators do not share a port, and each has a server of its own', async (t) => {
  const sims = await Promise.all(Array.from({ length: 4 }, () => newIpmiSim(t)));
  t.is(new Set(sims.map(({ address, port }) => `${address}:${port}`)).size, sims.length);
  const [first, ...others] = sims;
  if (first) await order(first, 'power off');
  t.is(await first?.power(), 'power off');
  for (const other of others) t.is(await other.power(), 'power on');
});

test('a port that is in use is refused', async (t) => {
  const { address, port } = await borrowSim(t);
  const second = startIpmiSim({ directory: await newFolder(t), address, port }, systemClock, never());
  await t.throwsAsync(second, { code: 'LISTEN_FAILED', message: new RegExp(`${address}:${port}`) });
});

test('every command is noted, in order', async (t) => {
  const sim = await borrowSim(t);
  const bmc = driver.parse(infoOf(sim));
  t.deepEqual(await sim.received(), []);
  await driver.getPowerState(bmc, never());
  for (const target of ['power off', 'power on', 'rebooting', 'soft power off'] as const) await order(sim, target);
  t.deepEqual(await sim.received(), ['status', 'off', 'on', 'reset', 'soft']);
});

/** A simulator whose operating system takes 2 s of a clock that stands still. */
async function newSlowSim(t: ExecutionContext): Promise<{ sim: IpmiSim; later: () => Promise<void> }> {
  const sim = await borrowSim(t, { softOffDelayS: 2 });
  await setUptime(sim.folder, '100.00');
  return { sim, later: () => setUptime(sim.folder, '1000.00') };
}

const isVoidAfter = test.macro({
  exec: async (t, ...orders: OrderTarget[]) => {
    const { sim, later } = await newSlowSim(t);
    await order(sim, 'soft power off');
    for (const target of orders) await order(sim, target);
    await later();
    t.is(await sim.power(), 'power on');
    t.like(await driver.getPowerState(driver.parse(infoOf(sim)), never()), { powerState: 'power on' });
  },
  title: (_, ...orders) => `a soft power off is void after ${orders.join(', ')}`,
});
test(isVoidAfter, 'rebooting');
test(isVoidAfter, 'power off', 'power on');

test('a soft power off goes on after a power on that changes nothing', async (t) => {
  const { sim, later } = await newSlowSim(t);
  await order(sim, 'soft power off');
  await order(sim, 'power on');
  t.is(await sim.power(), 'power on');
  await later();
  t.is(await sim.power(), 'power off');
  t.like(await driver.getPowerState(driver.parse(infoOf(sim)), never()), { powerState: 'power off' });
});

test('a node that is off is neither reset nor stopped', async (t) => {
  const sim = await borrowSim(t, { power: 'power off' });
  for (const target of ['rebooting', 'soft power off'] as const)
    await t.throwsAsync(order(sim, target), { code: 'BMC_REFUSED' });
  t.is(await sim.power(), 'power off');
});

test('it ends with all that it has under way', async (t) => {
  const sim = await newIpmiSim(t, { holds: true });
  const controller = new AbortController();
  const held = driver.setPowerState(driver.parse(infoOf(sim)), 'rebooting', controller.signal).catch((error) => error);
  await sim.untilReceived('reset', 1, never());
  t.is((await processesOfGroup(sim.pid)).length, 2);
  await sim.stop();
  // All of them are killed at once; one may be in the middle of a write to the disk.
  await eventually('its processes to be gone', async () => (await processesOfGroup(sim.pid)).length === 0);
  controller.abort(fail('ABORT_REQUESTED', 'no BMC is there'));
  t.is((await held).code, 'ABORT_REQUESTED');
  await sim.stop();
});

test('an abort ends its start', async (t) => {
  const reason = fail('ABORT_REQUESTED', 'enough');
  const directory = await newFolder(t);
  const start = startIpmiSim({ directory }, systemClock, AbortSignal.abort(reason));
  t.is(await start.catch((error) => error), reason);
});

async function startElsewhere(t: ExecutionContext, path: string) {
  const child = spawn(process.execPath, [START_SIM, await newFolder(t)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: path },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, line };
}

test('it dies with the process that started it', async (t) => {
  const { child, line } = await startElsewhere(t, process.env.PATH ?? '');
  const [, pid] = line.split(' ');
  const alive = async () => (await processesWith('ipmi_sim')).some((found) => found.pid === Number(pid));
  t.true(await alive());
  child.kill('SIGKILL');
  await eventually('it to be gone', async () => !(await alive()));
});

test('without ipmi_sim it says what to install', async (t) => {
  const folder = await newFolder(t);
  await symlink('/usr/bin/setpriv', join(folder, 'setpriv'));
  for (const path of [folder, '/nowhere']) {
    const { line } = await startElsewhere(t, path);
    t.regex(line, /^COMMAND_MISSING .*apt-get install openipmi/);
  }
});

test('names and passwords that its configuration cannot hold are refused', async (t) => {
  const directory = await newFolder(t);
  for (const password of ['a"b', 'a\\b', 'a\nb'])
    await t.throwsAsync(startIpmiSim({ directory, password }, systemClock, never()), { code: 'ARGUMENT_INVALID' });
});
