/** `countermand sim irmc`: its flags, what it prints, how its nodes are reached. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { runCommandLine } from '../../src/cli/program.ts';
import type { SimNode } from '../../src/cli/sim/text.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { openCaptured } from '../cli/captured.ts';
import { selfSigned } from '../counterparts/certificates.ts';
import { newFolder } from '../counterparts/folder.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { nodesIn, startSimCommand } from './sim_command.ts';

const address = ownAddress();
const { signal } = openCancellation([]);
const driver = newIrmcDriver(new PatientClock());
test.after.always(() => driver.close());

const FREE = ['--first-port', '0', '--first-snmp-port', '0', '--first-ipmi-port', '0'];
const start = async (...args: Parameters<typeof startSimCommand>): Promise<SimNode[]> => {
  const [t, words, environment] = args;
  const command = await startSimCommand(t, ['irmc', '--address', address, ...FREE, '--json', ...words], environment);
  return nodesIn(command.stdout());
};
const order = (node: SimNode | undefined, target: 'power off' | 'soft power off'): Promise<string> =>
  driver.setPowerState(driver.parse(node?.driverInfo ?? {}), target, signal).then(
    () => 'done',
    (error) => error.code,
  );
const read = async (node: SimNode | undefined) =>
  (await driver.getPowerState(driver.parse(node?.driverInfo ?? {}), signal)).powerState;

// Before the others, which take ports too.
test.serial(
  'it says where it listens, the command that enrols the first node, and how the others follow',
  async (t) => {
    const first = await takePort(address);
    const ports = [
      '--first-port',
      String(first),
      '--first-snmp-port',
      String(first + 3000),
      '--first-ipmi-port',
      String(first + 6000),
    ];
    const command = await startSimCommand(t, [
      'irmc',
      '--nodes',
      '3',
      '--address',
      address,
      ...ports,
      '--faulty',
      '2',
      '--stall',
    ]);
    const info = (web: string, snmp: string, ipmi: string) =>
      `--driver irmc --info irmc_address=${address} irmc_port=${web} irmc_protocol=http irmc_username=admin ` +
      `irmc_password=secret irmc_snmp_version=v2c irmc_snmp_port=${snmp} irmc_snmp_community=public irmc_ipmi_port=${ipmi}`;
    const numbered = (port: number) => `$((${port - 1} + i))`;
    t.is(
      command.stdout(),
      `countermand: 3 iRMCs S5 at ${address}: http on ${first} to ${first + 2}, SNMP on ${first + 3000} to ${first + 3002}, IPMI on ${first + 6000} to ${first + 6002}
faulty: sim2
enrol the first:
  countermand node create sim1 ${info(String(first), String(first + 3000), String(first + 6000))}
the others:
  for i in $(seq 2 3); do countermand node create sim$i ${info(numbered(first), numbered(first + 3000), numbered(first + 6000))}; done
`,
    );
    t.is(command.stderr(), '');
    t.is(await command.interrupt(), 0);
  },
);

test('for programs: a line for each node, which the driver takes as it is', async (t) => {
  const nodes = await start(t, ['--nodes', '2', '--faulty', '2', '--refuse', '6']);
  t.deepEqual(
    nodes.map(({ name, faulty }) => [name, faulty]),
    [
      ['sim1', false],
      ['sim2', true],
    ],
  );
  t.is(await order(nodes[0], 'power off'), 'done');
  t.is(await read(nodes[0]), 'power off');
  t.not(await order(nodes[1], 'power off'), 'done');
  t.is(await read(nodes[1]), 'power on');
});

test('no agent, and IPMI closed', async (t) => {
  const [node] = await start(t, ['--agent-missing', '--ipmi', 'closed']);
  t.not(await order(node, 'soft power off'), 'done');
  t.is(await read(node), 'power on');
});

test('an S6 with TLS and SNMPv3, and secrets that are not shown', async (t) => {
  const folder = await newFolder(t);
  const { key, cert } = await selfSigned(t, address);
  await writeFile(join(folder, 'key.pem'), key);
  await writeFile(join(folder, 'cert.pem'), cert);
  const tls = ['--tls-key', join(folder, 'key.pem'), '--tls-cert', join(folder, 'cert.pem')];
  const environment = {
    COUNTERMAND_SIM_PASSWORD: 'not to be seen',
    COUNTERMAND_SIM_SNMP_AUTH_PASSWORD: 'nor is this',
    COUNTERMAND_SIM_SNMP_PRIV_PASSWORD: 'and not this',
  };
  const flags = ['--generation', 'S6', ...tls, '--auth', 'digest', '--snmp-version', 'v3', '--power', 'off'];
  const [node] = await start(t, flags, environment);
  t.notRegex(JSON.stringify(node), /not to be seen|nor is this|and not this/);
  const { driverInfo } = node ?? { driverInfo: {} };
  t.like(driverInfo, {
    irmc_protocol: 'https',
    irmc_auth_method: 'digest',
    irmc_password: 'env:COUNTERMAND_SECRET_SIM',
    irmc_snmp_auth_proto: 'sha256',
    irmc_snmp_auth_password: 'env:COUNTERMAND_SECRET_SIM_SNMP_AUTH',
    irmc_snmp_priv_password: 'env:COUNTERMAND_SECRET_SIM_SNMP_PRIV',
  });
  const known = {
    ...driverInfo,
    irmc_password: 'not to be seen',
    irmc_snmp_auth_password: 'nor is this',
    irmc_snmp_priv_password: 'and not this',
  };
  t.is((await driver.getPowerState(driver.parse(known), signal)).powerState, 'power off');
});

const isRefused = test.macro({
  exec: async (t, words: string, message: RegExp, environment: Record<string, string> = {}) => {
    const captured = openCaptured(false, environment);
    t.is(await runCommandLine(['sim', 'irmc', '--address', address, ...words.split(' ')], captured.terminal), 2);
    t.regex(captured.stderr(), message);
    t.is(captured.stdout(), '');
  },
  title: (_, words: string) => `refused: ${words}`,
});
test(isRefused, '--scci broken', /--scci/);
test(isRefused, '--faulty 10%', /no fault is given/);
test(isRefused, '--nothing-pending 7', /--nothing-pending: '7' is neither 0 nor 31/);
test(isRefused, '--generation S6', /an S6 speaks https only/);
test(isRefused, '--tls-key key.pem', /go together/);
test(isRefused, '--tls-key /nowhere/key --tls-cert /nowhere/cert', /--tls-key: \/nowhere\/key cannot be read/);
test(isRefused, '--nodes 200 --first-snmp-port 7000 --first-ipmi-port 7100', /overlap/);
test(isRefused, '--snmp-version v3', /AUTH_PASSWORD has less than 8/, { COUNTERMAND_SIM_SNMP_AUTH_PASSWORD: 'short' });
