/** `countermand sim ipmi`: its flags, what it prints, how it ends. */
import test from 'ava';
import { runCommandLine } from '../../../src/cli/program.ts';
import { quoted } from '../../../src/cli/shared/pasting.ts';
import type { Environment } from '../../../src/cli/shared/terminal.ts';
import { readFaulty, readShare } from '../../../src/cli/sim/flags.ts';
import { enrolCommand, faultyText, type SimNode } from '../../../src/cli/sim/text.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { ownAddress, takePort } from '../../../src/sim/loopback.ts';
import { newIpmiDriver } from '../../counterparts/ipmi_driver.ts';
import { nodesIn, startSimCommand, startSimIpmi } from '../../sim/sim_command.ts';
import { openCaptured } from '../captured.ts';

const driver = newIpmiDriver();
test.after.always(() => driver.close());
const { signal } = openCancellation([]);
const address = ownAddress();

// Before the others, which take ports too.
test.serial(
  'it says where it listens, the command that enrols the first node, and how the others follow',
  async (t) => {
    const first = await takePort(address);
    for (let more = 0; more < 2; more += 1) await takePort(address);
    const command = await startSimCommand(t, [
      ...['ipmi', '--nodes', '3', '--address', address, '--first-port', String(first)],
      ...['--faulty', '2', '--hung'],
    ]);
    const info = (port: string) =>
      `--driver ipmi --info ipmi_address=${address} ipmi_port=${port} ipmi_username=admin ipmi_password=secret`;
    t.is(
      command.stdout(),
      `countermand: 3 BMCs on ${address}, UDP ports ${first} to ${first + 2}; cipher suites 3 and 17
faulty: sim2
enrol the first:
  countermand node create sim1 ${info(String(first))}
the others:
  for i in $(seq 2 3); do countermand node create sim$i ${info(`$((${first - 1} + i))`)}; done
`,
    );
    t.is(command.stderr(), '');
    t.is(await command.interrupt(), 0);
  },
);

test('one node alone, and ports that are free', async (t) => {
  const one = await startSimCommand(t, ['ipmi', '--address', address, '--first-port', '0', '--suites', '17']);
  t.regex(one.stdout(), /^countermand: 1 BMC on 127\.\S+, UDP port \d+; cipher suites 17\nenrol it:\n {2}countermand /);
  const two = await startSimCommand(t, ['ipmi', '--address', address, '--first-port', '0', '--nodes', '2']);
  t.regex(two.stdout(), /UDP ports that were free;.*\nthe others are listed by --json\n$/s);
});

test('for programs: a line for each node, which the driver takes as it is', async (t) => {
  const nodes = await startSimIpmi(t, ['--nodes', '4', '--power', 'off', '--faulty', '50%', '--refuse', 'd5']);
  t.deepEqual(
    nodes.map(({ name, faulty }) => [name, faulty]),
    [
      ['sim1', false],
      ['sim2', true],
      ['sim3', false],
      ['sim4', true],
    ],
  );
  for (const { driverInfo, faulty } of nodes) {
    const bmc = driver.parse(driverInfo);
    t.is((await driver.getPowerState(bmc, signal)).powerState, 'power off');
    const ordered = await driver.setPowerState(bmc, 'power on', signal).then(
      () => 'done',
      (error) => error.code,
    );
    t.is(ordered, faulty ? 'BMC_WRONG_STATE' : 'done');
  }
});

test('faults: no session left, a soft power off that is ignored', async (t) => {
  const flags = ['--nodes', '2', '--soft-off', '0', '--faulty', '1'];
  const [poor, healthy] = await startSimIpmi(t, [...flags, '--max-sessions', '0']);
  const read = (node?: SimNode) => driver.getPowerState(driver.parse(node?.driverInfo ?? {}), signal);
  t.is((await read(poor).catch((error) => error)).code, 'BMC_NO_SESSION');
  t.is((await read(healthy)).powerState, 'power on');
  const ignoring = await startSimIpmi(t, [...flags, '--ignore-soft-off']);
  for (const { driverInfo } of ignoring) await driver.setPowerState(driver.parse(driverInfo), 'soft power off', signal);
  t.is((await read(ignoring[0])).powerState, 'power on');
  t.is((await read(ignoring[1])).powerState, 'power off');
});

test('a password and a K_g of the environment are not shown, and work', async (t) => {
  const secrets = { COUNTERMAND_SIM_PASSWORD: 'hush-hush', COUNTERMAND_SIM_KG: '6b6579' };
  const where = ['ipmi', '--address', address, '--first-port', '0'];
  const command = await startSimCommand(t, where, secrets);
  t.regex(command.stdout(), /ipmi_password=env:COUNTERMAND_SECRET_SIM ipmi_hex_kg_key=env:COUNTERMAND_SECRET_SIM_KG\n/);
  t.regex(command.stdout(), /\nwhoever runs the agent gives it the password in COUNTERMAND_SECRET_SIM and the K_g in /);
  t.notRegex(command.stdout(), /hush|6b6579/);
  const listed = await startSimCommand(t, [...where, '--json'], secrets);
  const [node] = nodesIn(listed.stdout());
  const known = { ipmi_password: 'hush-hush', ipmi_hex_kg_key: '6b6579' };
  t.is((await driver.getPowerState(driver.parse({ ...node?.driverInfo, ...known }), signal)).powerState, 'power on');
});

async function refusal(line: string, environment: Environment = {}) {
  const captured = openCaptured(false, environment);
  const exitCode = await runCommandLine(['sim', 'ipmi', ...line.split(' ').filter(Boolean)], captured.terminal);
  return { exitCode, stdout: captured.stdout(), stderr: captured.stderr() };
}

const refused = test.macro({
  async exec(t, line: string, says: RegExp, environment: Environment = {}) {
    const { exitCode, stdout, stderr } = await refusal(line, environment);
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.regex(stderr, says);
    t.true(stderr.startsWith('error: '));
  },
  title: (title, line) => `refused: ${title ?? line}`,
});
test(refused, '--nodes 0', /--nodes: '0' is not a whole number from 1 to 65535/);
test(refused, '--nodes many', /--nodes: 'many' is not/);
test(refused, '--nodes 60000', /60000 do not fit on the ports from 6230 to 65535, only 59306 do; take a lower --first/);
test(refused, '--first-port 65536', /--first-port: '65536' is not a whole number from 0 to 65535/);
test(refused, '--address localhost', /--address: 'localhost' is no IP address such as 127\.0\.0\.1 or ::1/);
test(refused, '--address 127.0.0.300', /'127\.0\.0\.300' is no IP address/);
test(refused, '--address 0x7f.1', /'0x7f\.1' is no IP address/);
test(refused, '--address fe80::1%lo', /'fe80::1%lo' is no IP address/);
test(refused, '--address ::', /'::' means all of them/);
test(refused, '--address 0.0.0.0', /'0\.0\.0\.0' means all of them/);
test(refused, '--username seventeen-letters', /--username has more than 16 bytes/);
test(refused, '--suites 0', /--suites: '0' is not 3, 17 or 3,17/);
test(refused, '--suites 3,3', /--suites: '3,3' is not/);
test(refused, '--power maybe', /Allowed choices are on, off/);
test(refused, '--soft-off soon', /--soft-off: 'soon' is not a whole number/);
test(refused, '--nmi boom', /Allowed choices are reboots, ignored/);
test(refused, '--answer -1', /--answer: '-1' is not a whole number from 0/);
test(refused, '--refuse 00', /--refuse: '00' is no completion code from 01 to ff/);
test(refused, '--refuse 1d5', /'1d5' is no completion code/);
test(refused, '--loss 1.5', /--loss: '1\.5' is no share from 0 to 1, such as 0\.1 or 10%/);
test(refused, '--loss 101%', /'101%' is no share/);
test(refused, '--max-sessions few', /--max-sessions: 'few' is not/);
test(refused, '--restart-every 0', /--restart-every: '0' is not a time; give seconds, or units as in 90s/);
test(refused, '--faulty 10%', /--faulty says which nodes have faults, but no fault is given, such as --hung/);
test(refused, '--faulty 10% --hung', /--faulty: 10% of 1 is none/);
test(refused, '--nodes 4 --faulty 3-5 --hung', /--faulty: '3-5' names none of 1 to 4/);
test(refused, '--nodes 4 --faulty 3-2 --hung', /'3-2' names none/);
test(refused, '--irmc-agent maybe', /Allowed choices are connected, missing/);
test(refused, '--password secret', /unknown option '--password'/);
test('a password that is too long', refused, '', /^error: the password has more than 20 bytes/, {
  COUNTERMAND_SIM_PASSWORD: 'x'.repeat(21),
});
test('a K_g that is none', refused, '', /^error: COUNTERMAND_SIM_KG is not 1 to 20 bytes in hexadecimal/, {
  COUNTERMAND_SIM_KG: 'key',
});

test.serial('a port that is in use, an address that is not here: an error, and nothing is left', async (t) => {
  const taken = await takePort(address);
  await startSimCommand(t, ['ipmi', '--address', address, '--first-port', String(taken)]);
  const second = await refusal(`--address ${address} --first-port ${taken - 1} --nodes 2`);
  t.is(second.exitCode, 6);
  t.regex(second.stderr, /^error: a simulated BMC cannot listen on 127\.\S+: another process does\n$/);
  t.regex((await refusal('--address 192.0.2.1')).stderr, /on 192\.0\.2\.1:6230: the address is none of this system/);
});

test('a share of the nodes is spread evenly', (t) => {
  t.deepEqual([...readFaulty('10%', 30)], [10, 20, 30]);
  t.deepEqual([...readFaulty('0.5', 5)], [2, 4]);
  t.is(readFaulty('29%', 100).size, 29);
  t.is(readFaulty('10%', 10_000).size, 1000);
  t.deepEqual([...readFaulty('3,7-9', 10)], [3, 7, 8, 9]);
  t.is(readFaulty(undefined, 7).size, 7);
  t.is(readShare('12.5%', '--loss'), 0.125);
  t.is(readShare('1', '--loss'), 1);
});

test('words of a shell', (t) => {
  t.is(quoted('ipmi_address=::1'), 'ipmi_address=::1');
  t.is(quoted("ipmi_username=o'neill $x"), "'ipmi_username=o'\\''neill $x'");
  const node = { name: 'sim1', driver: 'ipmi', driverInfo: { a: '1', b: 'x y' }, faulty: false };
  t.is(enrolCommand(node), "countermand node create sim1 --driver ipmi --info a=1 'b=x y'");
  const many = Array.from({ length: 20 }, (_, at) => ({ ...node, name: `sim${at + 1}`, faulty: at % 2 === 1 }));
  t.is(faultyText(many), 'faulty: sim2, sim4, sim6, sim8, sim10 and 5 more');
});
