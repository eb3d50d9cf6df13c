/** What all simulators can be told: how many nodes, where, who may log in, and what their servers are like. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import type { OnOff } from '../../core/power.ts';
import type { HostSettings } from '../../sim/host.ts';
import { readCount } from '../shared/flags.ts';
import type { Environment } from '../shared/terminal.ts';

/** The only user's password. It comes from the environment, as every user of the system can read a command line. */
export const PASSWORD_VARIABLE = 'COUNTERMAND_SIM_PASSWORD';
const DEFAULT_PASSWORD = 'secret';

/** More is taken for a slip: no process can have more sockets. */
const MOST_NODES = 65_535;
const LAST_PORT = 65_535;

/** The flags of a fleet, as commander gives them. */
export interface FleetOptions {
  readonly nodes: string;
  readonly address: string;
  readonly firstPort: string;
  readonly username: string;
}

/** Pretended nodes: how many, where, and who may log in. */
export interface FleetSettings {
  readonly nodes: number;
  /** An IP address. */
  readonly address: string;
  /** The port of the first node; 0 for any free ones. */
  readonly firstPort: number;
  readonly username: string;
  readonly password: string;
  /** The user chose it, so it is not shown. */
  readonly passwordIsSecret: boolean;
}

/** Adds the flags of a fleet to a simulator whose nodes begin at port `firstPort` unless something else is said. */
export function addFleetOptions(command: Command, firstPort: number): Command {
  return command
    .option('--nodes <count>', 'how many', '1')
    .option('--address <ip>', 'where they listen; beyond loopback everybody there can reach them', '127.0.0.1')
    .option('--first-port <port>', 'the port of the first, the others follow; 0 takes any free ones', String(firstPort))
    .option('--username <name>', `who may log in; the password is that in ${PASSWORD_VARIABLE}, else secret`, 'admin');
}

/** Reads the flags of a fleet. @throws ARGUMENT_INVALID naming the flag and what is possible */
export function readFleet(options: FleetOptions, environment: Environment): FleetSettings {
  const { address, username } = options;
  const nodes = readNumber(options.nodes, 1, MOST_NODES, '--nodes');
  const firstPort = readNumber(options.firstPort, 0, LAST_PORT, '--first-port');
  mustBeAddress(address);
  const places = LAST_PORT - firstPort + 1;
  if (firstPort > 0 && nodes > places)
    throw fail(
      'ARGUMENT_INVALID',
      `--nodes: ${nodes} do not fit on the ports from ${firstPort} to ${LAST_PORT}, only ${places} do; take a lower ` +
        '--first-port, or a second simulator with another --address',
    );
  const given = environment[PASSWORD_VARIABLE];
  const password = given ?? DEFAULT_PASSWORD;
  return { nodes, address, firstPort, username, password, passwordIsSecret: given !== undefined };
}

/** @throws ARGUMENT_INVALID naming `--address` for what is not one address */
export function mustBeAddress(text: string): void {
  if (!isIpAddress(text))
    throw fail('ARGUMENT_INVALID', `--address: '${text}' is no IP address such as 127.0.0.1 or ::1`);
  if (/^[0.:]+$/.test(text))
    throw fail('ARGUMENT_INVALID', `--address: '${text}' means all of them; name the one at which nodes are enrolled`);
}

/** An IPv4 address in four numbers, or an IPv6 address without a zone. */
function isIpAddress(text: string): boolean {
  if (text.includes(':')) return URL.canParse(`http://[${text}]`);
  return URL.canParse(`http://${text}`) && new URL(`http://${text}`).hostname === text && /^[\d.]+$/.test(text);
}

/** @throws ARGUMENT_INVALID if it has more bytes than the protocol has room for */
export function mustHaveBytes(text: string, most: number, what: string): void {
  if (Buffer.byteLength(text) > most)
    throw fail('ARGUMENT_INVALID', `${what} has more than ${most} bytes, and the protocol has no more`);
}

/** The flags of the servers behind the BMCs, as commander gives them. */
export interface HostOptions {
  readonly power: 'on' | 'off';
  readonly softOff: string;
  readonly pending: string;
  readonly selfTest: string;
  readonly osBoot: string;
  readonly nmi: HostSettings['nmi'];
}

/** Adds the flags of the servers behind the BMCs, which are like `usual` unless something else is said. */
export function addHostOptions(command: Command, usual: HostSettings): Command {
  return command
    .addOption(new Option('--power <on|off>', 'what they are at first').choices(['on', 'off']).default('on'))
    .option('--soft-off <ms>', 'how long an operating system takes to stop; never: it goes on', spanText(usual.softMs))
    .option('--pending <ms>', 'how long before that a request can be taken back', spanText(usual.pendingMs))
    .option('--self-test <ms>', 'how long the firmware takes at a start', spanText(usual.selfTestMs))
    .option('--os-boot <ms>', 'how long the operating system then takes to start', spanText(usual.osBootMs))
    .addOption(
      new Option('--nmi <reboots|ignored>', 'what an NMI does to an operating system')
        .choices(['reboots', 'ignored'])
        .default(usual.nmi),
    );
}

const NEVER = 'never';
const spanText = (spanMs: number): string => (Number.isFinite(spanMs) ? String(spanMs) : NEVER);

/** Reads the flags of the servers; what has no flag is as in `usual`. @throws ARGUMENT_INVALID naming the flag */
export function readHost(options: HostOptions, usual: HostSettings): { power: OnOff; settings: HostSettings } {
  const settings = {
    ...usual,
    softMs: options.softOff === NEVER ? Number.POSITIVE_INFINITY : readSpanMs(options.softOff, '--soft-off'),
    pendingMs: readSpanMs(options.pending, '--pending'),
    selfTestMs: readSpanMs(options.selfTest, '--self-test'),
    osBootMs: readSpanMs(options.osBoot, '--os-boot'),
    nmi: options.nmi,
  };
  return { power: `power ${options.power}`, settings };
}

/** Milliseconds. @throws ARGUMENT_INVALID naming the flag */
export function readSpanMs(word: string, flag: string): number {
  return readCount(word, 0, flag) ?? 0;
}

/** A whole number. @throws ARGUMENT_INVALID naming the flag */
export function readNumber(word: string, least: number, most: number, flag: string): number {
  const number = /^\d{1,10}$/.test(word) ? Number(word) : -1;
  if (number >= least && number <= most) return number;
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not a whole number from ${least} to ${most}`);
}

/** A share from 0 to 1, as `0.1` or as `10%`. @throws ARGUMENT_INVALID naming the flag */
export function readShare(word: string, flag: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(word);
  const share = match === null ? -1 : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (share >= 0 && share <= 1) return share;
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is no share from 0 to 1, such as 0.1 or 10%`);
}

/** 29 % of 100 is 28.999999999999996. */
const ROUNDING = 1e-9;

/**
 * The numbers of the nodes, from 1, that have the faults: all if `word` is undefined; else a share, which is spread evenly,
 * or a list such as `3,7-9`.
 * @throws ARGUMENT_INVALID naming `--faulty`, also for a share that is less than one node
 */
export function readFaulty(word: string | undefined, nodes: number, flag = '--faulty'): ReadonlySet<number> {
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
  if (word === undefined) return new Set(numbers);
  if (!/[%.]/.test(word)) return new Set(word.split(',').flatMap((part) => readPart(part, nodes, flag)));
  const share = readShare(word, flag);
  const upTo = (number: number): number => Math.floor(number * share + ROUNDING);
  const faulty = numbers.filter((number) => upTo(number) > upTo(number - 1));
  if (faulty.length > 0) return new Set(faulty);
  throw fail('ARGUMENT_INVALID', `${flag}: ${word} of ${nodes} is none; name a larger share, or numbers`);
}

function readPart(part: string, nodes: number, flag: string): number[] {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
  const first = Number(match?.[1] ?? 0);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last < first || last > nodes)
    throw fail(
      'ARGUMENT_INVALID',
      `${flag}: '${part}' names none of 1 to ${nodes}; possible are a share such as 10%, and numbers such as 3,7-9`,
    );
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
