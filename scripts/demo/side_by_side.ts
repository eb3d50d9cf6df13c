/** The seventh scene: the same abort on an iRMC, which can take an order back, and on a BMC that knows only IPMI. */

import type { Client } from '../../src/cli/shared/connection.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ERROR_TABLE } from '../../src/core/errors.ts';
import { sleep } from '../../src/core/signals.ts';
import type { Node } from '../../src/gen/countermand/v1/node.ts';
import { AbortOutcome, PowerState, PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { type IrmcFleet, listenIrmcs } from '../../src/sim/irmc/fleet.ts';
import { SimIrmc } from '../../src/sim/irmc/sim_irmc.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { Running, Stage } from './stage.ts';
import { infoOf, PASSWORD_VARIABLE } from './story.ts';
import { expect, untilConfirming, untilNode } from './waiting.ts';

/** What the scene is played with. */
export interface SideBySideProps {
  readonly stage: Stage;
  /** For the data. */
  readonly conductor: Client;
  readonly irmc: IrmcFleet;
  /** A BMC that knows only IPMI. Its operating system hangs. */
  readonly bmc: IpmiSim;
}

/** How long the iRMC can take a graceful order back, and how long the operating system then takes to stop. */
const HALF_MS = 300_000;
/** How long the viewer looks at the orders. */
const WATCHED_FOR_MS = 2000;

const [BY_IRMC, BY_IPMI] = ['r9n1', 'r9n2'] as const;

/** Starts the iRMC. */
export function startIrmc({ username, password }: Pick<IpmiSim, 'username' | 'password'>): Promise<IrmcFleet> {
  const [clock, chance] = [systemClock, systemChance];
  const host = new SimHost('power on', { ...QUICK_HOST, pendingMs: HALF_MS, softMs: HALF_MS }, clock);
  const login = { username, password, methods: ['basic' as const] };
  const irmc = new SimIrmc({ host, login, snmp: { community: 'public', user: null }, generation: 'S5', clock, chance });
  return listenIrmcs([irmc], { address: ownAddress(), firstPorts: { web: 0, snmp: 0, ipmi: 0 }, tls: null });
}

/** Plays the scene. @throws an Error with one sentence that says what did not happen; the reason of the abort */
export async function abortSideBySide(props: SideBySideProps, signal: AbortSignal): Promise<void> {
  const { stage, conductor } = props;
  stage.heading('7. The same abort on an iRMC, which takes orders back, and on a BMC that knows only IPMI');
  await enrolBoth(props, signal);

  const watching: Running[] = [];
  for (const name of [BY_IRMC, BY_IPMI]) {
    watching.push(stage.begin(`countermand node power ${name} soft_off`, signal));
    const { heldBy } = await untilNode(name, ({ heldBy }) => heldBy !== '', 'the soft power off', conductor, signal);
    await untilConfirming(heldBy, conductor, signal);
  }
  await sleep(WATCHED_FOR_MS, systemClock, signal);
  for (const each of watching) each.hold();
  stage.say('Both were sent, and neither has ended. In another terminal, meanwhile:');
  const aborted = await stage.run(`countermand node power 'r9n[1-2]' abort_soft_off`, signal);
  expect(aborted === ERROR_TABLE.ABORT_STOPPED_WAITING.exitCode, 'an abort that only stops waiting was not told apart');
  stage.say('Back in the terminals of the orders:');
  for (const each of watching) {
    each.release();
    await each.ended;
  }
  await expectOutcome(BY_IRMC, AbortOutcome.RECALLED, conductor);
  await expectOutcome(BY_IPMI, AbortOutcome.STOPPED_WAITING, conductor);
  await showWhatBecameOfThem(props, signal);
}

async function enrolBoth({ stage, conductor, irmc, bmc }: SideBySideProps, signal: AbortSignal): Promise<void> {
  const [listening] = irmc.irmcs;
  expect(listening !== undefined, 'the iRMC does not listen');
  const { address, ports } = listening;
  const infos = {
    [BY_IRMC]: {
      irmc_address: address,
      irmc_port: ports.web,
      irmc_protocol: 'http',
      irmc_username: bmc.username,
      irmc_password: `env:${PASSWORD_VARIABLE}`,
      irmc_snmp_port: ports.snmp,
      irmc_ipmi_port: ports.ipmi,
    },
    [BY_IPMI]: infoOf(bmc),
  };
  const codes: number[] = [];
  for (const [name, info] of Object.entries(infos)) {
    const pairs = Object.entries(info).map(([key, value]) => `${key}=${value}`);
    const driver = name === BY_IRMC ? 'irmc' : 'ipmi';
    codes.push(await stage.run(`countermand node create ${name} --driver ${driver} --info ${pairs.join(' ')}`, signal));
    await untilNode(name, ({ powerState }) => powerState === PowerState.ON, 'the first reading', conductor, signal);
  }
  expect(
    codes.every((code) => code === 0),
    'a node was not enrolled',
  );
  await stage.run(`countermand node supported ${BY_IRMC}`, signal);
}

async function expectOutcome(node: string, outcome: AbortOutcome, { power }: Client): Promise<void> {
  const { tasks } = await power.listPowerTasks({ node });
  const soft = tasks.find(({ target }) => target === PowerTarget.SOFT_POWER_OFF);
  const reason = soft?.abort?.reason;
  expect(soft?.abort?.outcome === outcome, `the abort on ${node} has another outcome than shown: ${reason}`);
}

/** One goes on running. The other may still go down, and does. */
async function showWhatBecameOfThem(props: SideBySideProps, signal: AbortSignal): Promise<void> {
  const { stage, conductor, irmc, bmc } = props;
  stage.say(`${BY_IRMC} goes on running. The operating system of ${BY_IPMI} gives in after all:`);
  await bmc.setPower('power off');
  const isOff = ({ powerState }: Node): boolean => powerState === PowerState.OFF;
  await untilNode(BY_IPMI, isOff, `the late change of ${BY_IPMI}`, conductor, signal);
  const isOn = ({ powerState }: Node): boolean => powerState === PowerState.ON;
  await untilNode(BY_IRMC, isOn, `the reading of ${BY_IRMC}`, conductor, signal);
  await stage.run(`countermand node list | grep -E 'NAME|r9'`, signal);
  const received = irmc.irmcs[0]?.irmc.received.map(({ command }) => command) ?? [];
  stage.say(`What the iRMC received, by its own log: ${received.join(', ')}.`);
  expect(
    received.join() === 'RequestShutdownAndOff,ShutdownRequestCancelled' && irmc.irmcs[0]?.irmc.host.boots === 0,
    `the iRMC did not receive one order and its recall, but ${received.join(', ')}`,
  );
}
