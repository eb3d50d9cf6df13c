/** One run of `countermand sim ipmi`, from the first socket to the last. */
import { onAbort } from '../../core/signals.ts';
import { SimHost } from '../../sim/host.ts';
import type { SimLogin } from '../../sim/ipmi/bmc_session.ts';
import { listenAll, type SimFleet } from '../../sim/ipmi/fleet.ts';
import { irmcCommands } from '../../sim/ipmi/irmc_oem.ts';
import { keepRestarting } from '../../sim/ipmi/restarts.ts';
import { SimBmc } from '../../sim/ipmi/sim_bmc.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { SimIpmiSettings } from './ipmi_flags.ts';
import { enrolCommand, faultyText, printNodes, type SimNode } from './text.ts';

/** What a healthy BMC has. */
const MAX_SESSIONS = 16;
/** A session that is not used for this time is forgotten (IPMI 2.0 section 6.12.15). */
const IDLE_MS = 60_000;
/** What has arrived is never asked for: the history is kept short, as a simulator may run for weeks. */
const REMEMBERS = 16;

/** Where an agent looks for secrets that are not the usual ones. */
const SECRETS = { password: 'COUNTERMAND_SECRET_SIM', kg: 'COUNTERMAND_SECRET_SIM_KG' };

/** Pretends BMCs until the terminal's signal is aborted. @throws LISTEN_FAILED */
export async function runSimIpmi(settings: SimIpmiSettings, json: boolean, terminal: Terminal): Promise<void> {
  const { clock, chance, signal } = terminal;
  terminal.becomeDaemon(() => {});
  const { fleet: wanted, faulty, faults } = settings;
  const bmcs = Array.from({ length: wanted.nodes }, (_, index) => newBmc(settings, faulty.has(index + 1), terminal));
  const fleet = await listenAll(bmcs, wanted, clock);
  const sick = bmcs.filter((_, index) => faulty.has(index + 1));
  const stopRestarting = faults?.restart ? keepRestarting(sick, faults.restart, clock, chance) : () => {};
  const nodes = fleet.bmcs.map((bmc, index) => nodeOf(bmc, index + 1, settings));
  printNodes(nodes, linesAbout(nodes, fleet, settings), json, terminal);
  await new Promise<void>((resolve) => onAbort(signal, () => resolve()));
  stopRestarting();
  await fleet.stop();
}

function newBmc(settings: SimIpmiSettings, isFaulty: boolean, { clock, chance }: Terminal): SimBmc {
  const { host: server, irmcAgent } = settings;
  const faults = isFaulty ? settings.faults : null;
  const softMs = faults?.ignoresSoftOff ? Number.POSITIVE_INFINITY : server.settings.softMs;
  const host = new SimHost(server.power, { ...server.settings, softMs }, clock);
  const more = irmcAgent === null ? undefined : irmcCommands(host, () => irmcAgent);
  const login = loginOf(settings, faults?.maxSessions ?? MAX_SESSIONS);
  const bmc = new SimBmc({ login, host, clock, chance, remembers: REMEMBERS, ...(more && { more }) });
  if (faults !== null) bmc.faults = faults.bmc;
  return bmc;
}

function loginOf({ fleet, kg, suites }: SimIpmiSettings, maxSessions: number): SimLogin {
  const { username: name, password } = fleet;
  const users = [{ name, password, privilege: 'ADMINISTRATOR' as const }];
  return { users, kg, cipherSuites: suites, maxSessions, idleMs: IDLE_MS };
}

function nodeOf({ address, port }: SimFleet['bmcs'][number], number: number, settings: SimIpmiSettings): SimNode {
  const { fleet, kg, faulty } = settings;
  return {
    name: `sim${number}`,
    driver: 'ipmi',
    driverInfo: {
      ipmi_address: address,
      ipmi_port: String(port),
      ipmi_username: fleet.username,
      ipmi_password: fleet.passwordIsSecret ? `env:${SECRETS.password}` : fleet.password,
      ...(kg !== null && { ipmi_hex_kg_key: `env:${SECRETS.kg}` }),
    },
    faulty: faulty.has(number),
  };
}

function linesAbout(nodes: readonly SimNode[], { bmcs }: SimFleet, settings: SimIpmiSettings): string[] {
  const { fleet, kg, suites } = settings;
  const [first] = nodes;
  const count = nodes.length;
  const ports = count === 1 ? `port ${bmcs[0]?.port}` : `ports ${bmcs[0]?.port} to ${bmcs.at(-1)?.port}`;
  const where = fleet.firstPort === 0 && count > 1 ? 'ports that were free' : ports;
  const secrets = [
    fleet.passwordIsSecret && `the password in ${SECRETS.password}`,
    kg !== null && `the K_g in ${SECRETS.kg}`,
  ].filter((secret) => secret !== false);
  return [
    `countermand: ${count} ${count === 1 ? 'BMC' : 'BMCs'} on ${fleet.address}, UDP ${where}; cipher suites ${suites.join(' and ')}`,
    faultyText(nodes),
    secrets.length === 0 ? '' : `whoever runs the agent gives it ${secrets.join(' and ')}`,
    `enrol ${count === 1 ? 'it' : 'the first'}:\n  ${first === undefined ? '' : enrolCommand(first)}`,
    ...othersText(nodes, fleet.firstPort),
  ];
}

/** How the others follow: as a loop of the shell, if their ports can be counted. */
function othersText(nodes: readonly SimNode[], firstPort: number): string[] {
  const [first] = nodes;
  if (first === undefined || nodes.length === 1) return [];
  if (firstPort === 0) return ['the others are listed by --json'];
  const { ipmi_port: port = '' } = first.driverInfo;
  const each = enrolCommand(first)
    .replace(`create ${first.name} `, 'create sim$i ')
    .replace(`ipmi_port=${port}`, `ipmi_port=$((${firstPort - 1} + i))`);
  return [`the others:\n  for i in $(seq 2 ${nodes.length}); do ${each}; done`];
}
