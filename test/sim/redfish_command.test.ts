/** `countermand sim redfish`: its flags, what it prints, how its nodes are reached. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runCommandLine } from '../../src/cli/program.ts';
import type { SimNode } from '../../src/cli/sim/text.ts';
import { CountermandError } from '../../src/core/errors.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { openCaptured } from '../cli/captured.ts';
import { selfSigned } from '../counterparts/certificates.ts';
import { newFolder } from '../counterparts/folder.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';
import { never } from '../counterparts/signals.ts';
import { nodesIn, startSimCommand } from './sim_command.ts';

const address = ownAddress();
const driver = newRedfishDriver(new PatientClock());
test.after.always(() => driver.close());

const start = async (t: ExecutionContext, words: readonly string[], environment?: Record<string, string>) => {
  const command = await startSimCommand(
    t,
    ['redfish', '--address', address, '--first-port', '0', '--json', ...words],
    environment,
  );
  return nodesIn(command.stdout());
};
const order = (node: SimNode | undefined, target: OrderTarget): Promise<string> =>
  driver.setPowerState(driver.parse(node?.driverInfo ?? {}), target, never()).then(
    () => 'done',
    (error: unknown) => (error instanceof CountermandError ? error.code : String(error)),
  );
const read = async (node: SimNode | undefined) =>
  (await driver.getPowerState(driver.parse(node?.driverInfo ?? {}), never())).powerState;

// Before the others, which take ports too.
test.serial(
  'it says where it listens, the command that enrols the first node, and how the others follow',
  async (t) => {
    const first = await takePort(address);
    const flags = ['--nodes', '3', '--address', address, '--first-port', String(first), '--faulty', '2'];
    const command = await startSimCommand(t, ['redfish', ...flags, '--order', 'task-exception']);
    const info = (port: string) =>
      `--driver redfish --info redfish_address=http://${address}:${port} redfish_username=admin redfish_password=secret`;
    t.is(
      command.stdout(),
      `countermand: 3 BMCs with Redfish at ${address}: http on ${first} to ${first + 2}
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

test('for programs: a line for each node, which the driver takes as it is', async (t) => {
  const nodes = await start(t, ['--nodes', '2', '--faulty', '2', '--order', 'masked']);
  t.deepEqual(
    nodes.map(({ name, faulty }) => [name, faulty]),
    [
      ['sim1', false],
      ['sim2', true],
    ],
  );
  t.is(await order(nodes[0], 'power off'), 'done');
  t.is(await read(nodes[0]), 'power off');
  t.is(await order(nodes[1], 'power off'), 'BMC_REFUSED');
  t.is(await read(nodes[1]), 'power on');
});

test('like a recorded BMC, with several Systems, with few ResetTypes', async (t) => {
  const [dell] = await start(t, ['--like', 'dell-idrac9']);
  t.is(await order(dell, 'rebooting'), 'done');
  t.is(dell?.driverInfo.redfish_system_id, undefined);
  const [cray] = await start(t, ['--like', 'cray-ex4252-four-nodes']);
  t.is(cray?.driverInfo.redfish_system_id, 'Node3');
  t.is(await order(cray, 'rebooting'), 'TARGET_NOT_SUPPORTED');
  t.is(await order(cray, 'power off'), 'done');
  const [several] = await start(t, ['--systems', '4', '--listing', 'action-info', '--reset-types', 'On,ForceOff']);
  t.is(several?.driverInfo.redfish_system_id, '1');
  t.is(await order(several, 'soft power off'), 'TARGET_NOT_SUPPORTED');
  t.is(await order(several, 'power off'), 'done');
});

test('with TLS, sessions only, and a secret that is not shown', async (t) => {
  const folder = await newFolder(t);
  const { key, cert } = await selfSigned(t, address);
  await writeFile(join(folder, 'key.pem'), key);
  await writeFile(join(folder, 'cert.pem'), cert);
  const flags = ['--tls-key', join(folder, 'key.pem'), '--tls-cert', join(folder, 'cert.pem'), '--no-basic'];
  const [node] = await start(t, [...flags, '--power', 'off'], { COUNTERMAND_SIM_PASSWORD: 'not to be seen' });
  t.notRegex(JSON.stringify(node), /not to be seen/);
  const driverInfo = node?.driverInfo ?? {};
  t.like(driverInfo, { redfish_verify_ca: 'false', redfish_password: 'env:COUNTERMAND_SECRET_SIM' });
  t.regex(String(driverInfo.redfish_address), /^https:/);
  const bmc = driver.parse({ ...driverInfo, redfish_password: 'not to be seen' });
  t.is((await driver.getPowerState(bmc, never())).powerState, 'power off');
});

const isRefused = test.macro({
  exec: async (t, words: string, message: RegExp) => {
    const captured = openCaptured(false, {});
    t.is(await runCommandLine(['sim', 'redfish', '--address', address, ...words.split(' ')], captured.terminal), 2);
    t.regex(captured.stderr(), message);
    t.is(captured.stdout(), '');
  },
  title: (_, words: string) => `refused: ${words}`,
});
test(isRefused, '--order broken', /--order/);
test(isRefused, '--like hal-9000', /--like: 'hal-9000' names 0 recordings; possible are dell-idrac9-r750, /);
test(
  isRefused,
  '--like openbmc',
  /--like: 'openbmc' names 2 recordings; possible are openbmc-stock-off, openbmc-nvidia/,
);
test(isRefused, '--faulty 10%', /no fault is given/);
test(isRefused, '--systems 0', /--systems: '0' is not a whole number from 1 to 16/);
test(isRefused, '--reset-types On,;rm', /--reset-types: 'On,;rm' is no list/);
test(isRefused, '--like intel-s2600bpb --systems 2', /--systems cannot be given with --like/);
test(isRefused, '--late 5', /--late says how late an answer is, and needs --order late/);
test(isRefused, '--tls-key key.pem', /go together/);
test(isRefused, '--tls-key /nowhere/key --tls-cert /nowhere/cert', /--tls-key: \/nowhere\/key cannot be read/);
test(isRefused, '--faulty 1', /no fault is given, such as --order late/);
test(isRefused, '--tls-version 1.0', /--tls-version is about https, and needs --tls-key/);
test(isRefused, '--session-uses 0', /--session-uses: '0' is not a whole number from 1 to 1000/);
test(isRefused, '--like intel-s2600bpb --second away', /--second cannot be given with --like/);
test(isRefused, '--errors odd', /--errors/);
