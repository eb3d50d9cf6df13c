/** A conductor whose agent has more BMCs than its process may open files: the API goes on accepting connections. */
import { readdir } from 'node:fs/promises';
import test from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import { listenAll } from '../../src/sim/ipmi/fleet.ts';
import { SimBmc } from '../../src/sim/ipmi/sim_bmc.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newFolder } from '../counterparts/folder.ts';
import { SIM_LOGIN } from '../counterparts/sim_bmc.ts';
import { connect } from './client.ts';
import { startConductor } from './processes.ts';

const FILES = 256;
const BMCS = 300;
/** From one address an eighth of the files that the process may open. */
const CLIENTS = 30;

test(`${BMCS} BMCs at a process that may open ${FILES} files: all are read, and the API accepts connections`, async (t) => {
  const address = ownAddress();
  const clock = systemClock;
  const bmcs = Array.from({ length: BMCS }, () => {
    const host = new SimHost('power on', QUICK_HOST, clock);
    return new SimBmc({ login: SIM_LOGIN, host, clock, chance: systemChance });
  });
  const fleet = await listenAll(bmcs, { address, firstPort: 0 }, clock);
  t.teardown(() => fleet.stop());
  const settings = { data: await newFolder(t), listen: `${ownAddress()}:0`, sync_power_state_interval: 0 };
  const within = ['prlimit', `--nofile=${FILES}:${FILES}`];
  const conductor = await startConductor(t, { ...settings, abort_timeout: 600 }, true, {}, within);
  const client = connect(conductor.address);
  t.teardown(() => client.close());
  const names = fleet.bmcs.map((_, at) => `n${at}`);
  for (const [at, { port }] of fleet.bmcs.entries()) {
    const login = { ipmi_username: 'admin', ipmi_password: 'secret' };
    const driverInfo = { ipmi_address: address, ipmi_port: String(port), ...login };
    await client.nodes.createNode({ name: `n${at}`, driver: 'ipmi', driverInfo });
  }
  const reasons: string[] = [];
  for await (const { observed, reason } of client.nodes.refreshNodes({ nodes: names }))
    reasons.push(observed === 0 ? reason : 'read');
  t.deepEqual(new Set(reasons), new Set(['read']));
  t.is(reasons.length, BMCS);
  const open = await readdir(`/proc/${conductor.pid}/fd`);
  t.true(open.length < FILES / 2, `${open.length} files are open`);
  const clients = Array.from({ length: CLIENTS }, () => connect(conductor.address));
  const answers = await Promise.all(clients.map(({ nodes }) => nodes.getNode({ node: 'n0' })));
  for (const { close } of clients) close();
  t.is(answers.length, CLIENTS);
});
