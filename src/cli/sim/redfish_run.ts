/** One run of `countermand sim redfish`, from the first socket to the last. */
import { digestOf } from '../../core/digest.ts';
import { onAbort } from '../../core/signals.ts';
import { SimHost } from '../../sim/host.ts';
import { HEALTHY_REDFISH } from '../../sim/redfish/faults.ts';
import { type ListeningRedfish, listenAllRedfish } from '../../sim/redfish/fleet.ts';
import { SimRedfish, type SimSystem } from '../../sim/redfish/sim_redfish.ts';
import { readTree, type Tree } from '../../sim/redfish/trees.ts';
import type { ServerTls } from '../../sim/web.ts';
import type { Terminal } from '../shared/terminal.ts';
import { ANY_KEY, readIdentity } from './identity.ts';
import type { SimRedfishSettings } from './redfish_flags.ts';
import { enrolCommand, faultyText, printNodes, type SimNode } from './text.ts';

/** What stands for the origin of a service until it listens. */
const WHOLE = 'whole';
/** What Node.js calls the versions of TLS. */
const NODE_VERSIONS = { '1.0': 'TLSv1', '1.1': 'TLSv1.1', '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' } as const;

const isOld = ({ tlsVersion }: SimRedfishSettings): boolean => tlsVersion === '1.0' || tlsVersion === '1.1';

/** Where an agent looks for a password that is not the usual one. */
const SECRET = 'COUNTERMAND_SECRET_SIM';

/** Pretends BMCs until the terminal's signal is aborted. @throws LISTEN_FAILED, ARGUMENT_INVALID for an unreadable file */
export async function runSimRedfish(settings: SimRedfishSettings, json: boolean, terminal: Terminal): Promise<void> {
  const { nodes: count, address, firstPort } = settings.fleet;
  terminal.becomeDaemon(() => {});
  const tls = tlsOf(settings);
  const tree = settings.like === null ? null : await readTree(settings.like);
  const all = Array.from({ length: count }, (_, index) => newService(settings, tree, index + 1, terminal));
  const fleet = await listenAllRedfish(all, { address, firstPort, tls });
  for (const service of fleet.services) link(service, settings);
  const nodes = fleet.services.map((service, index) => nodeOf(service, index + 1, settings));
  printNodes(nodes, linesAbout(nodes, fleet.services, settings), json, terminal);
  await new Promise<void>((resolve) => onAbort(terminal.signal, () => resolve()));
  await fleet.stop();
}

/** The oldest and the weakest is still spoken where it is asked for. */
function tlsOf({ tls, tlsVersion }: SimRedfishSettings): ServerTls | null {
  const identity = readIdentity(tls);
  if (identity === null) return null;
  const version = tlsVersion === null ? null : NODE_VERSIONS[tlsVersion];
  return { ...identity, ciphers: ANY_KEY, ...(version !== null && { minVersion: version, maxVersion: version }) };
}

/** Its links become whole URLs, where that is a fault that it has. */
function link({ redfish, address, port }: ListeningRedfish, { tls, faults }: SimRedfishSettings): void {
  const isFaulty = faults?.wholeLinks === true && redfish.faults.linksTo === WHOLE;
  if (isFaulty) redfish.faults = { ...redfish.faults, linksTo: originOf(address, port, tls) };
}

function originOf(address: string, port: number, tls: SimRedfishSettings['tls']): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return `${tls === null ? 'http' : 'https'}://${host}:${port}`;
}

function newService(
  { fleet, host, traits, faults, faulty, systems: count, second, unordered }: SimRedfishSettings,
  tree: Tree | null,
  number: number,
  { clock, chance }: Terminal,
): SimRedfish {
  const usable = Array.from({ length: count }, (_, index) => ({ id: String(index + 1), hasReset: true }));
  const extra = { id: 'Baseboard', hasReset: second !== 'without-reset', away: second === 'away' };
  const own = [...(second === null ? [] : [extra]), ...(unordered ? usable.reverse() : usable)];
  const systems = (tree?.systems ?? own).map((system, index): SimSystem => {
    const uuid = uuidOf(fleet.address, fleet.firstPort, number, index);
    return { ...system, uuid, host: new SimHost(host.power, host.settings, clock) };
  });
  const login = { username: fleet.username, password: fleet.password };
  const redfish = new SimRedfish({ systems, login, clock, chance, tree });
  const healthy = { ...(tree?.healthy ?? HEALTHY_REDFISH), ...traits };
  const linked = faults?.wholeLinks ? { linksTo: WHOLE } : {};
  redfish.faults = faults !== null && faulty.has(number) ? { ...healthy, ...faults.faults, ...linked } : healthy;
  return redfish;
}

/** The same when the simulator is started again. */
function uuidOf(...parts: readonly (string | number)[]): string {
  return digestOf(parts)
    .slice(0, 32)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function nodeOf({ redfish, address, port }: ListeningRedfish, number: number, settings: SimRedfishSettings): SimNode {
  const { fleet, tls, faulty } = settings;
  const [first, second] = redfish.parts.systems.filter(({ hasReset, away }) => hasReset && away !== true);
  return {
    name: `sim${number}`,
    driver: 'redfish',
    driverInfo: {
      redfish_address: originOf(address, port, tls),
      redfish_username: fleet.username,
      redfish_password: fleet.passwordIsSecret ? `env:${SECRET}` : fleet.password,
      ...(first !== undefined && second !== undefined && { redfish_system_id: first.id }),
      // No authority that Node.js knows vouches for what is pretended.
      ...(tls !== null && { redfish_verify_ca: 'false' }),
      ...(isOld(settings) && { redfish_tls_minimum_version: '1.0', redfish_tls_ciphers: ANY_KEY }),
    },
    faulty: faulty.has(number),
  };
}

function linesAbout(
  nodes: readonly SimNode[],
  services: readonly ListeningRedfish[],
  { fleet, tls }: SimRedfishSettings,
): string[] {
  const [first] = nodes;
  const count = nodes.length;
  const [from, to] = [services[0]?.port, services.at(-1)?.port];
  const ports = from === to ? `on ${from}` : fleet.firstPort === 0 ? 'on ports that were free' : `on ${from} to ${to}`;
  const protocol = tls === null ? 'http' : 'https';
  return [
    `countermand: ${count} ${count === 1 ? 'BMC' : 'BMCs'} with Redfish at ${fleet.address}: ${protocol} ${ports}`,
    faultyText(nodes),
    fleet.passwordIsSecret ? `whoever runs the agent gives it ${SECRET}` : '',
    `enrol ${count === 1 ? 'it' : 'the first'}:\n  ${first === undefined ? '' : enrolCommand(first)}`,
    ...othersText(nodes, fleet.firstPort),
  ];
}

/** How the others follow: as a loop of the shell, if their ports can be counted. */
function othersText(nodes: readonly SimNode[], firstPort: number): string[] {
  const [first] = nodes;
  if (first === undefined || nodes.length === 1) return [];
  if (firstPort === 0) return ['the others are listed by --json'];
  const each = enrolCommand(first)
    .replace(`create ${first.name} `, 'create sim$i ')
    .replace(`:${firstPort} `, `:$((${firstPort - 1} + i)) `);
  return [`the others:\n  for i in $(seq 2 ${nodes.length}); do ${each}; done`];
}
