/** The eighth scene: a BMC that speaks only Redfish. Each order is one ResetType, and its task says which. */
import type { Client } from '../../src/cli/shared/connection.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { PowerState } from '../../src/gen/countermand/v1/power.ts';
import { QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { listenAllRedfish, type RedfishFleet } from '../../src/sim/redfish/fleet.ts';
import { SimRedfish } from '../../src/sim/redfish/sim_redfish.ts';
import { readTree } from '../../src/sim/redfish/trees.ts';
import type { Stage } from './stage.ts';
import { PASSWORD_VARIABLE } from './story.ts';
import { expect, untilNode } from './waiting.ts';

/** What the scene is played with. */
export interface RedfishProps {
  readonly stage: Stage;
  /** For the data. */
  readonly conductor: Client;
  readonly redfish: RedfishFleet;
  readonly username: string;
}

/** How long the operating system takes to stop, and the server to start. */
const SOFT_MS = 1000;
const NODE = 'r10n1';

/** Starts a BMC with the pages of an iDRAC9. */
export async function startRedfish({
  username,
  password,
}: Pick<IpmiSim, 'username' | 'password'>): Promise<RedfishFleet> {
  const [clock, chance] = [systemClock, systemChance];
  const tree = await readTree('dell-idrac9-r750');
  const systems = tree.systems.map((system) => ({
    ...system,
    uuid: chance.uuid(),
    host: new SimHost('power on', { ...QUICK_HOST, softMs: SOFT_MS }, clock),
  }));
  const redfish = new SimRedfish({ systems, login: { username, password }, clock, chance, tree });
  redfish.faults = tree.healthy;
  return listenAllRedfish([redfish], { address: ownAddress(), firstPort: 0, tls: null });
}

/** Plays the scene. @throws an Error with one sentence that says what did not happen; the reason of the abort */
export async function rebootOverRedfish(props: RedfishProps, signal: AbortSignal): Promise<void> {
  const { stage, conductor, redfish, username } = props;
  const [service] = redfish.services;
  expect(service !== undefined, 'the Redfish service does not listen');
  stage.heading('8. A BMC that speaks only Redfish: each order is one ResetType, sent once');
  const address = `redfish_address=http://${service.address}:${service.port}`;
  const login = `redfish_username=${username} redfish_password=env:${PASSWORD_VARIABLE}`;
  const enrolled = await stage.run(
    `countermand node create ${NODE} --driver redfish --info ${address} ${login}`,
    signal,
  );
  expect(enrolled === 0, 'the node was not enrolled');
  await untilNode(NODE, ({ powerState }) => powerState === PowerState.ON, 'the first reading', conductor, signal);
  await stage.run(`countermand node supported ${NODE}`, signal);
  const rebooted = await stage.run(`countermand node power ${NODE} soft_reboot`, signal);
  expect(rebooted === 0, 'the soft reboot did not succeed');
  const { tasks } = await conductor.power.listPowerTasks({ node: NODE });
  const message = tasks[0]?.message ?? '';
  stage.say(`What the task says: ${message}.`);
  const received = service.redfish.received.map(({ resetType }) => resetType);
  stage.say(`What the BMC received, by its own log: ${received.join(', ')}.`);
  expect(
    message === 'sent: Reset GracefulShutdown, then Reset On' && received.join() === 'GracefulShutdown,On',
    `the BMC did not receive one GracefulShutdown and one On, but ${received.join(', ')}`,
  );
}
