/** One run of `countermand sim irmc`, from the first socket to the last. */
import { onAbort } from '../../core/signals.ts';
import { SimHost } from '../../sim/host.ts';
import { type IrmcFleet, type IrmcPorts, type ListeningIrmc, listenIrmcs } from '../../sim/irmc/fleet.ts';
import { SimIrmc } from '../../sim/irmc/sim_irmc.ts';
import type { Terminal } from '../shared/terminal.ts';
import { readIdentity } from './identity.ts';
import type { SimIrmcSettings } from './irmc_flags.ts';
import { enrolCommand, faultyText, printNodes, type SimNode } from './text.ts';

/** Where an agent looks for secrets that are not the usual ones. */
const SECRETS = {
  password: 'COUNTERMAND_SECRET_SIM',
  community: 'COUNTERMAND_SECRET_SIM_SNMP_COMMUNITY',
  authPassword: 'COUNTERMAND_SECRET_SIM_SNMP_AUTH',
  privPassword: 'COUNTERMAND_SECRET_SIM_SNMP_PRIV',
} as const;

/** Pretends iRMCs until the terminal's signal is aborted. @throws LISTEN_FAILED, ARGUMENT_INVALID for an unreadable file */
export async function runSimIrmc(settings: SimIrmcSettings, json: boolean, terminal: Terminal): Promise<void> {
  const { fleet: wanted, faulty, faults, firstPorts } = settings;
  terminal.becomeDaemon(() => {});
  const tls = readIdentity(settings.tls);
  const irmcs = Array.from({ length: wanted.nodes }, (_, index) => newIrmc(settings, faulty.has(index + 1), terminal));
  const fleet = await listenIrmcs(irmcs, { address: wanted.address, firstPorts, tls });
  if (faults?.ipmiIsClosed)
    await Promise.all(fleet.irmcs.filter((_, index) => faulty.has(index + 1)).map((each) => each.switchIpmi(false)));
  const nodes = fleet.irmcs.map((irmc, index) => nodeOf(irmc, index + 1, settings));
  printNodes(nodes, linesAbout(nodes, fleet, settings), json, terminal);
  await new Promise<void>((resolve) => onAbort(terminal.signal, () => resolve()));
  await fleet.stop();
}

function newIrmc(settings: SimIrmcSettings, isFaulty: boolean, { clock, chance }: Terminal): SimIrmc {
  const { host: server, fleet, method, snmp, generation } = settings;
  const faults = isFaulty ? settings.faults : null;
  const softMs = faults?.hangs ? Number.POSITIVE_INFINITY : server.settings.softMs;
  const host = new SimHost(server.power, { ...server.settings, softMs }, clock);
  const login = { username: fleet.username, password: fleet.password, methods: [method] };
  const irmc = new SimIrmc({ host, login, snmp, generation, clock, chance });
  if (faults !== null) irmc.faults = faults.irmc;
  return irmc;
}

function nodeOf({ address, ports }: ListeningIrmc, number: number, settings: SimIrmcSettings): SimNode {
  const { fleet, method, tls, faulty } = settings;
  return {
    name: `sim${number}`,
    driver: 'irmc',
    driverInfo: {
      irmc_address: address,
      irmc_port: String(ports.web),
      irmc_protocol: tls === null ? 'http' : 'https',
      irmc_username: fleet.username,
      irmc_password: fleet.passwordIsSecret ? `env:${SECRETS.password}` : fleet.password,
      ...(method === 'digest' && { irmc_auth_method: method }),
      // An authority that Node.js knows does not vouch for what is pretended.
      ...(tls !== null && { irmc_verify_ca: 'false' }),
      ...snmpInfo(ports, settings),
      irmc_ipmi_port: String(ports.ipmi),
    },
    faulty: faulty.has(number),
  };
}

function snmpInfo({ snmp: port }: IrmcPorts, { snmp, snmpVersion, snmpSecrets }: SimIrmcSettings) {
  const word = (name: 'community' | 'authPassword' | 'privPassword', value: string): string =>
    snmpSecrets.has(name) ? `env:${SECRETS[name]}` : value;
  const where = { irmc_snmp_version: snmpVersion, irmc_snmp_port: String(port) };
  if (snmpVersion !== 'v3') return { ...where, irmc_snmp_community: word('community', snmp.community) };
  const { name, authProtocol, authPassword, privPassword } = snmp.user;
  return {
    ...where,
    irmc_snmp_user: name,
    irmc_snmp_auth_proto: authProtocol,
    irmc_snmp_auth_password: word('authPassword', authPassword),
    irmc_snmp_priv_password: word('privPassword', privPassword),
  };
}

function linesAbout(nodes: readonly SimNode[], { irmcs }: IrmcFleet, settings: SimIrmcSettings): string[] {
  const { fleet, firstPorts, generation } = settings;
  const [first] = nodes;
  const count = nodes.length;
  const span = (of: keyof IrmcPorts): string => {
    if (count > 1 && firstPorts[of] === 0) return 'on ports that were free';
    const [from, to] = [irmcs[0]?.ports[of], irmcs.at(-1)?.ports[of]];
    return from === to ? `on ${from}` : `on ${from} to ${to}`;
  };
  const protocol = settings.tls === null ? 'http' : 'https';
  const secrets = secretsIn(first?.driverInfo ?? {});
  return [
    `countermand: ${count} ${count === 1 ? 'iRMC' : 'iRMCs'} ${generation} at ${fleet.address}: ${protocol} ${span('web')}, ` +
      `SNMP ${span('snmp')}, IPMI ${span('ipmi')}`,
    faultyText(nodes),
    secrets.length === 0 ? '' : `whoever runs the agent gives it ${secrets.join(', ')}`,
    `enrol ${count === 1 ? 'it' : 'the first'}:\n  ${first === undefined ? '' : enrolCommand(first)}`,
    ...othersText(nodes, firstPorts),
  ];
}

/** The variables that an agent needs for a driver_info. */
function secretsIn(info: SimNode['driverInfo']): string[] {
  return Object.values(info).flatMap((value) => (value.startsWith('env:') ? [value.slice('env:'.length)] : []));
}

/** How the others follow: as a loop of the shell, if their ports can be counted. */
function othersText(nodes: readonly SimNode[], firstPorts: IrmcPorts): string[] {
  const [first] = nodes;
  if (first === undefined || nodes.length === 1) return [];
  if (Object.values(firstPorts).includes(0)) return ['the others are listed by --json'];
  const places = { irmc_port: firstPorts.web, irmc_snmp_port: firstPorts.snmp, irmc_ipmi_port: firstPorts.ipmi };
  let each = enrolCommand(first).replace(`create ${first.name} `, 'create sim$i ');
  for (const [key, port] of Object.entries(places))
    each = each.replace(` ${key}=${port}`, ` ${key}=$((${port - 1} + i))`);
  return [`the others:\n  for i in $(seq 2 ${nodes.length}); do ${each}; done`];
}
