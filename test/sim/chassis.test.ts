/** The server behind a simulated BMC, asked as ipmi_sim asks it: by a shell that runs the function `chassis`. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { OnOff } from '../../src/core/power.ts';
import { type Chassis, type ChassisFaults, openChassis } from '../../src/sim/chassis.ts';
import { setUptime } from '../counterparts/chassis_clock.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';

/** A chassis, and shells in its folder. They find no program: what they run, they must have built in. */
interface Tested {
  readonly chassis: Chassis;
  shell(script: string): ChildProcessWithoutNullStreams;
  /** Sets the number of seconds since the start of the system. Without this the clock goes as always. */
  setUptime(seconds: string): Promise<void>;
  /** Runs a command as ipmi_sim does. Resolves with what it says, and with ` refused` if it fails. */
  ask(command: string): Promise<string>;
}

async function newChassis(t: ExecutionContext, power: OnOff, faults: Partial<ChassisFaults> = {}): Promise<Tested> {
  const cwd = await newFolder(t);
  const chassis = await openChassis(cwd, power, faults);
  const shell: Tested['shell'] = (script) => {
    const child = spawn('/bin/sh', ['-c', `. ./chassis.sh; ${script}`], { cwd, env: { PATH: '/nowhere' } });
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  };
  async function ask(command: string): Promise<string> {
    const child = shell(`chassis ${command}`);
    const ended = once(child, 'close');
    const [said, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await ended;
    t.is(complaints, '', command);
    return `${said.trim()}${code === 0 ? '' : ' refused'}`;
  }
  return { chassis, shell, ask, setUptime: (seconds) => setUptime(cwd, seconds) };
}

/** What the BMC says, which must be what is so. */
async function powerOf(t: ExecutionContext, { chassis, ask }: Tested): Promise<OnOff> {
  const power = await chassis.power();
  t.is(await ask('get power'), power === 'power on' ? 'power:1' : 'power:0');
  return power;
}

test('every command is carried out by the shell alone, without another program', async (t) => {
  const tested = await newChassis(t, 'power on');
  const { chassis, ask } = tested;
  const becomes = async (command: string, power: OnOff, says = ''): Promise<void> => {
    t.is(await ask(command), says, command);
    t.is(await powerOf(t, tested), power, command);
  };
  await becomes('set reset 1', 'power on');
  await becomes('set shutdown 1', 'power off');
  await becomes('set reset 1', 'power off', ' refused');
  await becomes('set shutdown 1', 'power off', ' refused');
  await becomes('set power 1', 'power on');
  await becomes('set power 0', 'power off');
  await chassis.configure({ refuses: true });
  await becomes('set power 1', 'power off', ' refused');
  const orders = (await chassis.received()).filter((command) => command !== 'status');
  t.deepEqual(orders, ['reset', 'soft', 'reset', 'soft', 'on', 'off', 'on']);
});

test('a command that it does not know changes nothing', async (t) => {
  const tested = await newChassis(t, 'power off');
  t.is(await tested.ask('get boot'), '');
  t.is(await tested.ask('set boot default'), '');
  t.is(await powerOf(t, tested), 'power off');
});

test('a soft power off comes true when its time is over, by the clock of the system', async (t) => {
  const tested = await newChassis(t, 'power on', { softOffDelayS: 0.2 });
  t.is(await tested.ask('set shutdown 1'), '');
  await eventually('it to be off', async () => (await tested.chassis.power()) === 'power off');
  t.is(await powerOf(t, tested), 'power off');
});

test('a soft power off takes as long as it was told to', async (t) => {
  for (const [startS, beforeS, endS] of [
    ['0.05', '2.04', '2.05'],
    ['9.99', '11.98', '11.99'],
    ['99999999.08', '100000001.07', '100000001.08'],
  ] as const) {
    const tested = await newChassis(t, 'power on', { softOffDelayS: 2 });
    await tested.setUptime(startS);
    t.is(await tested.ask('set shutdown 1'), '');
    await tested.setUptime(beforeS);
    t.is(await powerOf(t, tested), 'power on', beforeS);
    await tested.setUptime(endS);
    t.is(await powerOf(t, tested), 'power off', endS);
  }
});

test('a power on that changes nothing does not void a soft power off', async (t) => {
  const tested = await newChassis(t, 'power on', { softOffDelayS: 2 });
  await tested.setUptime('100.00');
  t.is(await tested.ask('set shutdown 1'), '');
  t.is(await tested.ask('set power 1'), '');
  await tested.setUptime('102.00');
  t.is(await powerOf(t, tested), 'power off');
});

/** What is done while a soft power off is under way. */
const isVoidAfter = test.macro({
  exec: async (t, _: string, meanwhile: (tested: Tested) => Promise<unknown>) => {
    const tested = await newChassis(t, 'power on', { softOffDelayS: 2 });
    await tested.setUptime('100.00');
    t.is(await tested.ask('set shutdown 1'), '');
    await meanwhile(tested);
    await tested.setUptime('1000.00');
    t.is(await powerOf(t, tested), 'power on');
  },
  title: (_, what) => `a soft power off is void after ${what}`,
});
test(isVoidAfter, 'a reset', ({ ask }: Tested) => ask('set reset 1'));
test(isVoidAfter, 'a power off and a power on', async ({ ask }: Tested) => [
  await ask('set power 0'),
  await ask('set power 1'),
]);
test(isVoidAfter, 'a hand at the power button', ({ chassis }: Tested) => chassis.setPower('power on'));
test(isVoidAfter, 'a hand that switches off and on', async ({ chassis }: Tested) => {
  await chassis.setPower('power off');
  await chassis.setPower('power on');
});

test('a soft power off that hangs never comes true, and one that is asked again does not begin anew', async (t) => {
  const tested = await newChassis(t, 'power on', { softOffDelayS: 'never' });
  const { chassis, ask } = tested;
  await tested.setUptime('100.00');
  t.is(await ask('set shutdown 1'), '');
  await tested.setUptime('99999999.00');
  t.is(await powerOf(t, tested), 'power on');
  for (const softOffDelayS of [20, 30, 'never'] as const) {
    await chassis.configure({ softOffDelayS });
    t.is(await ask('set shutdown 1'), '');
    t.is(await powerOf(t, tested), 'power on');
  }
  await tested.setUptime('100000019.00');
  t.is(await powerOf(t, tested), 'power off');
});

/** Each order looks, then a hand presses the button, and only then the order is carried out. */
for (const order of ['become 0 0', 'become 1 0', 'stop_softly'])
  test(`an order does not undo a press of the button that it did not see: ${order}`, async (t) => {
    const tested = await newChassis(t, 'power on');
    const child = tested.shell(`take soft; echo looked; read -r _; ${order}`);
    await once(createInterface(child.stdout), 'line');
    const ended = once(child, 'close');
    await tested.chassis.setPower('power off');
    await tested.chassis.setPower('power on');
    child.stdin.end('\n');
    t.deepEqual(await ended, [0, null]);
    t.is(await powerOf(t, tested), 'power on');
    t.is(await tested.ask('set power 0'), '');
    t.is(await powerOf(t, tested), 'power off');
  });

test('presses of the button count in the order in which they were made', async (t) => {
  const tested = await newChassis(t, 'power off');
  const presses = Array.from({ length: 20 }, (_, at) => tested.chassis.setPower(at % 2 ? 'power off' : 'power on'));
  await Promise.all([...presses, tested.chassis.setPower('power on')]);
  t.is(await powerOf(t, tested), 'power on');
});

test('an order that is held looks again at each line of its input, and gives up at its end', async (t) => {
  const tested = await newChassis(t, 'power on', { holds: true });
  const { chassis, shell } = tested;
  const received = (count: number) =>
    eventually(
      'the order',
      async () => (await chassis.received()).filter((command) => command === 'off').length === count,
    );
  const held = shell('chassis set power 0');
  await received(1);
  held.stdin.write('\n');
  t.is(await chassis.power(), 'power on');
  await chassis.configure({ holds: false });
  const ended = once(held, 'close');
  held.stdin.write('\n');
  t.deepEqual(await ended, [0, null]);
  t.is(await chassis.power(), 'power off');

  await chassis.configure({ holds: true });
  const orphan = shell('chassis set power 0');
  const gone = once(orphan, 'close');
  await received(2);
  orphan.stdin.end();
  t.deepEqual(await gone, [1, null]);
});
