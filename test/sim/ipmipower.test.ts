/** Our simulator as ipmipower of FreeIPMI sees it, which talks to many BMCs at once. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { SimNode } from '../../src/cli/sim/text.ts';
import { newFolder } from '../counterparts/folder.ts';
import { run, startSimIpmi } from './sim_command.ts';

const NODES = 20;

/** ipmipower against all of them; its login is in a file, as a command line can be read by everybody. */
async function ipmipowerAt(t: ExecutionContext, nodes: readonly SimNode[], suite: string, password = 'secret') {
  const file = join(await newFolder(t), 'freeipmi.conf');
  await writeFile(file, `username admin\npassword ${password}\n`, { mode: 0o600 });
  const hosts = nodes.map(({ driverInfo }) => `${driverInfo.ipmi_address}:${driverInfo.ipmi_port}`).join(',');
  const how = ['--config-file', file, '--driver-type', 'LAN_2_0', '--cipher-suite-id', suite, '--hostname', hosts];
  return async (order: string): Promise<Record<string, number>> => {
    const { stdout, stderr, exitCode } = await run('/usr/sbin/ipmipower', [...how, order]);
    if (stderr !== '') throw new Error(`ipmipower ended with ${exitCode}, and said: ${stderr}`);
    const tally: Record<string, number> = {};
    for (const line of stdout.split('\n').filter((text) => text !== '')) {
      const answer = line.split(': ')[1] ?? line;
      tally[answer] = (tally[answer] ?? 0) + 1;
    }
    return tally;
  };
}

type Ipmipower = Awaited<ReturnType<typeof ipmipowerAt>>;

/** FreeIPMI 1.6.10 ends without what it has not written yet, on a busy computer: it is asked until it has shown every node. */
async function states(ipmipower: Ipmipower): Promise<Record<string, number>> {
  for (;;) {
    const tally = await ipmipower('--stat');
    if (Object.values(tally).reduce((sum, count) => sum + count, 0) === NODES) return tally;
  }
}

for (const suite of ['3', '17'])
  test(`ipmipower, suite ${suite}: twenty BMCs are read, switched, and stopped softly`, async (t) => {
    const quick = ['--soft-off', '0', '--self-test', '0', '--os-boot', '0'];
    const nodes = await startSimIpmi(t, ['--nodes', String(NODES), ...quick]);
    const ipmipower = await ipmipowerAt(t, nodes, suite);
    // An order is not given again for the sake of an answer that was not shown: those that are shown are good.
    const order = async (flag: string) => t.deepEqual(Object.keys({ ok: 1, ...(await ipmipower(flag)) }), ['ok'], flag);
    t.deepEqual(await states(ipmipower), { on: NODES });
    await order('--off');
    t.deepEqual(await states(ipmipower), { off: NODES });
    await order('--on');
    t.deepEqual(await states(ipmipower), { on: NODES });
    for (const flag of ['--reset', '--pulse', '--cycle']) await order(flag);
    await order('--soft');
    t.deepEqual(await states(ipmipower), { off: NODES });
  });

test('ipmipower is told that the password is wrong, or the suite', async (t) => {
  const nodes = await startSimIpmi(t, ['--nodes', '3', '--suites', '17']);
  t.deepEqual(await (await ipmipowerAt(t, nodes, '17', 'wrong'))('--stat'), { 'password invalid': 3 });
  t.deepEqual(await (await ipmipowerAt(t, nodes, '3'))('--stat'), { 'cipher suite id unavailable': 3 });
});
