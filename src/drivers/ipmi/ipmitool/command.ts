/** How ipmitool is called: its arguments, its environment, and how long it may take. */
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../../core/clock.ts';
import type { IpmiInfo } from '../info.ts';
import type { CipherSuiteId } from '../rmcp/cipher_suites.ts';
import { type Command, type Ending, runCaptive } from './captive.ts';

/** What a BMC can be told: the words of `ipmitool power`. */
export type PowerWord = 'status' | 'on' | 'off' | 'reset' | 'soft' | 'diag';

/**
 * How long ipmitool waits for each answer, unless it is told otherwise. That the BMC is there is known before (probe.ts), so this need not be short
 * for the sake of dead ones, and some BMCs need seconds for a power command.
 */
export const ANSWER_LIMIT_S = 5;
/** Each packet is sent once. A second try would be a new command to the BMC: a second reset, a second NMI. */
const TRIES = 1;
/**
 * An ipmitool that does not end by itself is ended after the time of this many answers. One that hears nothing waits for 7 at
 * most: 2 questions for the BMC's abilities, 4 attempts to log in, 1 for the privilege level.
 */
const MOST_ANSWERS = 9;

/**
 * ipmitool reads a list of all enterprise numbers at each start, for output that we never ask for. It prefers one below
 * $HOME, and an almost empty one there saves 20 of 25 ms of processor time.
 */
const HOME = fileURLToPath(new URL('./home', import.meta.url));

/** A K_g may hold any byte, but an environment set by us only text: the shell turns one into the other. */
const SET_KG_KEY = `IPMI_KGKEY=$(printf %b. "$KG_KEY"); export IPMI_KGKEY="\${IPMI_KGKEY%.}"; unset KG_KEY;`;

const escaped = (bytes: Buffer): string => [...bytes].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');

/** `power VERB` for ipmitool. */
export const power = (verb: PowerWord): readonly string[] => ['power', verb];
/** Get System GUID (IPMI 2.0 section 22.14): the bytes as they are, which ipmitool would else put into another order. */
export const READ_GUID: readonly string[] = ['raw', '0x06', '0x37'];

/** How ipmitool is run. */
interface IpmitoolSettings {
  /** Where ipmitool, setpriv and sh are looked for: folders as in PATH. */
  readonly searchPath: string;
  /** How long it waits for each answer of a BMC, in seconds. */
  readonly answerLimitS: number;
}

/** The command that says `words` to the BMC of `info`, which answers at `address`, with a cipher suite. */
export function ipmitoolCommand(
  info: IpmiInfo,
  address: string,
  suite: CipherSuiteId,
  words: readonly string[],
  { searchPath, answerLimitS }: IpmitoolSettings,
): Command {
  const kgKey = info.ipmi_hex_kg_key;
  const withKgKey = kgKey !== undefined && kgKey.length > 0;
  const where = ['-I', 'lanplus', '-H', address, '-p', String(info.ipmi_port)];
  const who = info.ipmi_username === '' ? [] : ['-U', info.ipmi_username];
  const how = ['-L', info.ipmi_priv_level, '-C', String(suite), '-R', `${TRIES}`, '-N', `${answerLimitS}`];
  // -v makes it say why a session was refused; -E and -K read the secrets from the environment
  const rest = ['-v', '-E', ...(withKgKey ? ['-K'] : []), ...words];
  return {
    program: 'ipmitool',
    args: [...where, ...who, ...how, ...rest],
    environment: {
      PATH: searchPath,
      LC_ALL: 'C',
      HOME,
      IPMI_PASSWORD: info.ipmi_password,
      ...(withKgKey ? { KG_KEY: escaped(kgKey) } : {}),
    },
    prologue: withKgKey ? SET_KG_KEY : '',
  };
}

/** Runs it. Rejects as `runCaptive` does. */
export function runIpmitool(
  command: Command,
  { answerLimitS }: IpmitoolSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<Ending> {
  return runCaptive(command, MOST_ANSWERS * answerLimitS * 1000, clock, signal);
}
