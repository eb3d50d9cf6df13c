/** Ironic's own clients, unchanged, against the HTTP door. */
import test from 'ava';
import { fieldClients } from '../counterparts/field_clients.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { openHouse } from '../e2e/house.ts';
import { ordersAt } from '../e2e/orders.ts';
import { tell, untilFree } from './story.ts';

test('baremetal, openstack and openstacksdk', async (t) => {
  const house = await openHouse(t, { here: true, http: true, settings: { agent_name: 'rack7' } });
  const clients = await fieldClients(house.http);
  await tell(t, 'baremetal', { house, clients });
});

/** What the BMC of a node has been told, in order. */
const REACHED = ['off', 'on', 'reset', 'soft', 'soft'];

/** The usual flags, without the one that switches retries off. */
const WITH_RETRIES = { baremetal: (url: string) => ['--os-auth-type', 'none', '--os-endpoint', url] };
const NMI = 'baremetal node inject nmi n1';

test('baremetal against a real BMC simulator', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const sim = await newIpmiSim(t, { softOffDelayS: 'never' });
  const clients = await fieldClients(house.http);
  const info = Object.entries(infoOf(sim)).flatMap(([key, value]) => ['--driver-info', `${key}=${value}`]);
  const run = async (...words: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await clients.run(words);
    t.is(exitCode, 0, `${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const power = (...words: readonly string[]) => run('baremetal', 'node', ...words, 'n1');
  const isNow = (state: string) => untilFree(house, 'n1', state);
  await run('baremetal', 'node', 'create', '--driver', 'ipmi', '--name', 'n1', ...info);
  await isNow('power on');
  await power('power', 'off');
  await isNow('power off');
  await power('power', 'on');
  await isNow('power on');
  await power('reboot');
  await isNow('power on');
  await power('power', 'off', '--soft', '--power-timeout', '600');
  await untilFree(house, 'n1', 'confirming');
  await power('abort');
  await isNow('power on');
  // This simulator does not know the command. Ironic's client repeats a 409 and a 503, and never this.
  const nmi = await fieldClients(house.http, WITH_RETRIES).then((retrying) => retrying.run(NMI));
  t.is(nmi.exitCode, 1);
  t.regex(nmi.stderr, /^the BMC refused the order: .* Chassis Control diag \(HTTP 500\)$/m);
  await power('power', 'off', '--soft');
  await untilFree(house, 'n1', 'confirming');
  await sim.setPower('power off');
  await isNow('power off');
  t.deepEqual(await ordersAt(sim), REACHED);
  const shown = await run('baremetal', 'node', 'show', 'n1', '-f', 'json');
  t.like(JSON.parse(shown), {
    power_state: 'power off',
    target_power_state: null,
    last_error: null,
    reservation: null,
  });
  t.is(JSON.parse(shown).driver_info.ipmi_password, '******');
});
