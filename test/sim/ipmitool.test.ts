/** Our simulator as ipmitool sees it: a client that we did not write, with either cipher suite. */
import test from 'ava';
import type { SimNode } from '../../src/cli/sim/text.ts';
import { eventually } from '../counterparts/eventually.ts';
import { WAIT_S } from '../counterparts/waits.ts';
import { type Ended, run, startSimIpmi } from './sim_command.ts';

interface Login {
  readonly suite: string | null;
  readonly username?: string;
  readonly password?: string;
}

/** ipmitool against a BMC; without a suite it takes the best that the BMC says it has. */
function ipmitoolAt({ driverInfo }: SimNode, { suite, username = 'admin', password = 'secret' }: Login) {
  const { ipmi_address: host = '', ipmi_port: port = '' } = driverInfo;
  const login = [
    '-I',
    'lanplus',
    '-H',
    host,
    '-p',
    port,
    '-U',
    username,
    '-E',
    '-N',
    String(WAIT_S.forAnswer),
    '-R',
    '1',
  ];
  const how = suite === null ? login : [...login, '-C', suite];
  return (...words: string[]): Promise<Ended> => run('ipmitool', [...how, ...words], { IPMI_PASSWORD: password });
}

for (const suite of ['3', '17'])
  test(`ipmitool, suite ${suite}: status and all six chassis controls`, async (t) => {
    const [node] = await startSimIpmi(t, ['--soft-off', '0', '--self-test', '0', '--os-boot', '0']);
    const ipmitool = ipmitoolAt(node as SimNode, { suite });
    const order = async (word: string, says: string, then: 'on' | 'off') => {
      t.like(await ipmitool('power', word), { exitCode: 0, stdout: `Chassis Power Control: ${says}\n` });
      t.is((await ipmitool('power', 'status')).stdout, `Chassis Power is ${then}\n`);
    };
    t.is((await ipmitool('power', 'status')).stdout, 'Chassis Power is on\n');
    await order('off', 'Down/Off', 'off');
    await order('on', 'Up/On', 'on');
    await order('soft', 'Soft', 'off');
    const reset = await ipmitool('power', 'reset');
    t.is(reset.exitCode, 1);
    t.regex(reset.stderr, /Set Chassis Power Control to Reset failed: Command not supported in present state/);
    await order('on', 'Up/On', 'on');
    await order('reset', 'Reset', 'on');
    t.regex((await ipmitool('chassis', 'restart_cause')).stdout, /System restart cause: chassis power control command/);
    await order('diag', 'Diag', 'on');
    await order('cycle', 'Cycle', 'on');
  });

test('a soft power off that takes its time, and one that never ends', async (t) => {
  const soft = async (softOff: string) => {
    const [node] = await startSimIpmi(t, ['--soft-off', softOff]);
    const ipmitool = ipmitoolAt(node as SimNode, { suite: '17' });
    t.is((await ipmitool('power', 'soft')).exitCode, 0);
    return async () => (await ipmitool('power', 'status')).stdout.trim();
  };
  const slow = await soft('500');
  await eventually('the node to be off', async () => (await slow()) === 'Chassis Power is off');
  t.is(await (await soft('never'))(), 'Chassis Power is on');
});

for (const suite of ['3', '17'])
  test(`ipmitool, suite ${suite}: who has no right to come in does not`, async (t) => {
    const [node] = (await startSimIpmi(t)) as [SimNode];
    for (const login of [{ password: 'wrong' }, { username: 'nobody' }]) {
      const { exitCode, stdout, stderr } = await ipmitoolAt(node, { suite, ...login })('power', 'off');
      t.is(exitCode, 1);
      t.is(stdout, '');
      t.regex(stderr, /Unable to establish IPMI v2 \/ RMCP\+ session/);
    }
    t.is((await ipmitoolAt(node, { suite })('power', 'status')).stdout, 'Chassis Power is on\n');
  });

test('a suite that the BMC does not do is refused; without one, ipmitool finds the best that it does', async (t) => {
  const [only17] = (await startSimIpmi(t, ['--suites', '17'])) as [SimNode];
  const refused = await ipmitoolAt(only17, { suite: '3' })('power', 'status');
  t.is(refused.exitCode, 1);
  const found = await ipmitoolAt(only17, { suite: null })('-v', 'power', 'status');
  t.regex(found.stdout, /Chassis Power is on/);
  t.regex(found.stderr + found.stdout, /Using best available cipher suite 17/);
});

test('password and K_g come from the environment, and are asked for', async (t) => {
  const secrets = { COUNTERMAND_SIM_PASSWORD: 'other', COUNTERMAND_SIM_KG: '6b6579' };
  const [node] = (await startSimIpmi(t, [], secrets)) as [SimNode];
  const ipmitool = ipmitoolAt(node, { suite: '17', password: 'other' });
  t.is((await ipmitool('-k', 'key', 'power', 'status')).stdout, 'Chassis Power is on\n');
  t.is((await ipmitool('-k', 'lock', 'power', 'status')).exitCode, 1);
  t.is((await ipmitoolAt(node, { suite: '17' })('-k', 'key', 'power', 'status')).exitCode, 1);
});

test('the commands of an iRMC: agent status, system status, requests to the agent', async (t) => {
  const flags = ['--soft-off', 'never', '--pending', '60000', '--irmc-agent'];
  const [node] = (await startSimIpmi(t, [...flags, 'connected'])) as [SimNode];
  const raw = (bmc: SimNode, words: string) =>
    ipmitoolAt(bmc, { suite: '3' })('raw', ...words.split(' ').map((byte) => `0x${byte}`));
  const answer = async (words: string) => (await raw(node, words)).stdout.trim();
  t.is(await answer('2e 02 80 28 00 08'), '80 28 00 01 01');
  t.is(await answer('2e f5 80 28 00 10 00 00 00 00'), '80 28 00 82 00 00 00');
  t.is(await answer('2e 02 80 28 00 05'), '80 28 00');
  t.is(await answer('2e 02 80 28 00 09'), '80 28 00');
  const [without] = (await startSimIpmi(t, [...flags, 'missing'])) as [SimNode];
  t.is((await raw(without, '2e 02 80 28 00 08')).stdout.trim(), '80 28 00 01 00');
  for (const request of ['05', '06', '09'])
    t.regex((await raw(without, `2e 02 80 28 00 ${request}`)).stderr, /rsp=0xd5/);
  const [other] = (await startSimIpmi(t)) as [SimNode];
  t.regex((await raw(other, '2e 02 80 28 00 08')).stderr, /rsp=0xc1/);
});
