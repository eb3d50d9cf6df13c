/** The native transport of the driver `ipmi`: the RMCP+ client, and what its errors mean to us. */
import type { Chance } from '../../core/chance.ts';
import { type Clock, othersFirst } from '../../core/clock.ts';
import { type CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import { guidFrom } from '../../core/guid.ts';
import { OPEN_LIMITS } from '../../core/limits.ts';
import type { Reading } from '../../core/power.ts';
import { endOf, openCancellation } from '../../core/signals.ts';
import { objectionAt } from '../bounds.ts';
import { type FoundIdentity, objectionTo, type RequiredIdentity } from '../driver.ts';
import { asking, udpAsked } from '../exchange_spans.ts';
import type { Lookups } from '../lookups.ts';
import { bmcName, type IpmiInfo, ipmiPlace } from './info.ts';
import type { CipherSuiteId } from './rmcp/cipher_suites.ts';
import type { Endpoint } from './rmcp/client.ts';
import {
  type ChassisControl,
  type Command,
  chassisControl,
  type Destination,
  getChassisStatus,
} from './rmcp/commands.ts';
import { COMPLETION, completionRow } from './rmcp/completion_codes.ts';
import { DEFAULT_LIMITS, Pool } from './rmcp/pool.ts';
import { type RmcpCause, RmcpError } from './rmcp/rmcp_error.ts';
import { openUdp } from './rmcp/udp.ts';
import { Suites } from './suites.ts';

/** What the transport needs. */
interface NativeParts {
  readonly clock: Clock;
  readonly chance: Chance;
  /** A session that has been idle for this long is closed; 0 keeps none. */
  readonly keepSessionMs: number;
  readonly lookups: Lookups;
  /** What is known of the suites of BMCs; nothing at first if left out. */
  readonly suites?: Suites;
  /** At most this many sessions are open at the same time, each with a socket; by default as many as `bmc_sessions` allows. */
  readonly maxSessions?: number;
}

/** How BMCs are spoken to without ipmitool. */
export interface NativeIpmi {
  /** The power state, and which machine it was read from. @throws a BMC_ code */
  read(info: IpmiInfo, signal: AbortSignal): Promise<Reading>;
  /** Sends one order, at most once, and to one machine only. @throws as `setPowerState` of driver.ts says */
  order(
    info: IpmiInfo,
    control: ChassisControl,
    only: RequiredIdentity | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  /** Any command that may be asked again: of a vendor, for example. @throws a BMC_ code */
  ask<Answer>(info: IpmiInfo, command: Command<Answer>, signal: AbortSignal): Promise<Answer>;
  /** How many sessions are open or being opened. */
  sessions(): number;
  /** Lets go of all sessions. */
  close(): void;
}

/**
 * A fleet that is larger than `maxSessions` shares the sessions. BMCs let go of a session after 60 s, some after 30, unless
 * they are asked something.
 */
const LIMITS = {
  maxSessions: OPEN_LIMITS.bmc_sessions.limit,
  keepAliveMs: 20_000,
  maxAgeMs: DEFAULT_LIMITS.maxAgeMs,
};

/** A signal that nothing aborts. */
const NEVER = openCancellation([]).signal;

/** Opens the transport. It holds sockets and a timer from the first command on, until `close`. */
export function openNativeIpmi({
  clock,
  chance,
  keepSessionMs,
  lookups,
  suites = new Suites(),
  maxSessions = LIMITS.maxSessions,
}: NativeParts): NativeIpmi {
  const random = (count: number): Buffer => chance.bytes(count);
  // Not every wait for a name is called off: its time is limited, and others may use what it finds.
  const resolve = (host: string, anew: boolean): Promise<string> => lookups.find(host, anew ? 'anew' : 'recent', NEVER);
  const transport = { ...openUdp((action) => void othersFirst().then(action)), resolve };
  const pool = new Pool({ transport, clock, random, limits: { ...LIMITS, maxSessions, keepSessionMs } });
  const native: NativeIpmi = {
    async read(info, signal) {
      let found: FoundIdentity = {};
      let sessionsLost = 0;
      const note = (destination: Destination): null => {
        found = identityAt(destination);
        sessionsLost = destination.sessionsLost;
        return null;
      };
      const { powerOn } = await native.ask(info, { ...getChassisStatus, check: note }, signal);
      return { powerState: powerOn ? 'power on' : 'power off', ...found, sessionsLost };
    },
    async order(info, control, only, signal) {
      // Asked when its session is open, right before it is sent.
      const check = (destination: Destination): Error | null =>
        endOf(signal) ?? objectionTo(identityAt(destination), only, bmcName(info));
      await run(info, { ...chassisControl(control), check }, orderFault, signal);
    },
    ask: (info, command, signal) => run(info, command, questionFault, signal),
    sessions: () => pool.sessions,
    close: () => pool.close(),
  };
  async function run<Answer>(
    info: IpmiInfo,
    command: Command<Answer>,
    faultOf: (error: RmcpError, bmc: string) => CountermandError,
    signal: AbortSignal,
  ): Promise<Answer> {
    const speak = async (suite: CipherSuiteId): Promise<Answer> => {
      try {
        const asked = () => udpAsked('ipmi', command.name, info.ipmi_address, info.ipmi_port);
        return await asking(signal, asked, () => pool.run(targetOf(info, suite), command, signal));
      } catch (error) {
        if (error instanceof RmcpError) throw faultOf(error, bmcName(info));
        throw error;
      }
    };
    return suites.attempt(info, bmcName(info), speak, signal);
  }
  return native;
}

/** The machine behind a session. */
function identityAt({ address, port, guid }: Destination): FoundIdentity {
  return { guid: guidFrom(guid.toString('hex')), place: ipmiPlace(address, port) };
}

/** Targets are made once for each driver_info and suite. */
const targets: Readonly<Record<CipherSuiteId, WeakMap<IpmiInfo, Endpoint>>> = { 3: new WeakMap(), 17: new WeakMap() };

function targetOf(info: IpmiInfo, suite: CipherSuiteId): Endpoint {
  const known = targets[suite].get(info);
  if (known) return known;
  const target = newTarget(info, suite);
  targets[suite].set(info, target);
  return target;
}

function newTarget(info: IpmiInfo, cipherSuite: CipherSuiteId): Endpoint {
  const kg = info.ipmi_hex_kg_key;
  return {
    host: info.ipmi_address,
    port: info.ipmi_port,
    objection: (address) => objectionAt(info, address),
    login: {
      username: Buffer.from(info.ipmi_username),
      password: Buffer.from(info.ipmi_password),
      kg: kg === undefined || kg.length === 0 ? null : kg,
      privilege: info.ipmi_priv_level,
      cipherSuite,
    },
  };
}

/** A row: the code, and a sentence in which `$` is what exactly was seen. */
type Row = readonly [code: ErrorCode, sentence: string];

/** Every cause but those of an answer to the command itself. None of these has sent an order. */
const FAULTS: Readonly<Record<Exclude<RmcpCause, 'NO_ANSWER' | 'REFUSED'>, Row>> = {
  NAME_NOT_FOUND: ['BMC_NAME_UNKNOWN', 'has no address ($); check ipmi_address, or give the IP address itself'],
  NO_ROUTE: ['BMC_NO_ROUTE', 'cannot be reached: $; check ipmi_address and the routes to it'],
  PORT_CLOSED: [
    'BMC_PORT_CLOSED',
    'cannot be reached: its port is closed; check ipmi_port, and that IPMI over LAN is on',
  ],
  SILENT: ['BMC_SILENT', 'is silent: $; nothing was sent to it'],
  NO_IPMI_2: ['BMC_PROTOCOL_VIOLATION', 'does not speak IPMI 2.0: $; this driver needs it'],
  UNKNOWN_USER: ['BMC_USER_UNKNOWN', 'does not know the user ($); check ipmi_username'],
  WRONG_PASSWORD: ['BMC_PASSWORD_WRONG', 'has another password for the user ($); check ipmi_password'],
  WRONG_KG: ['BMC_KG_WRONG', 'has another K_g ($); check ipmi_hex_kg_key'],
  CIPHER_REFUSED: ['BMC_CIPHER_REFUSED', 'refuses the cipher suite ($); see ipmi_cipher_suite'],
  NO_SESSION_SLOT: ['BMC_NO_SESSION', 'has no session left ($); wait, or close sessions of others'],
  PRIVILEGE_TOO_LOW: ['BMC_PRIVILEGE_TOO_LOW', 'does not let the user do it ($); see ipmi_priv_level'],
  PROTOCOL_VIOLATION: ['BMC_PROTOCOL_VIOLATION', 'does not keep to the protocol: $; check ipmi_address and ipmi_port'],
  GARBLED: ['BMC_GARBLED', 'gave an answer that cannot be read: $'],
  CLOSED: ['SHUTTING_DOWN', 'was not asked: $'],
};

/** How a refusal of the command itself is told. What it proves stands in `rmcp/completion_codes.ts`. */
function refusalOf(code: number): Row {
  if (completionRow(code).proves === 'not now') return ['BMC_BUSY', 'did not take the command ($); try again later'];
  if (code === COMPLETION.notInPresentState) return ['BMC_WRONG_STATE', 'cannot do that in its present state ($)'];
  return ['BMC_REFUSED', 'refuses: $'];
}

const questionFault = (error: RmcpError, bmc: string): CountermandError =>
  error.reason === 'NO_ANSWER'
    ? fail('BMC_SILENT', `the BMC ${bmc} stopped answering: ${error.message}`, error)
    : faultOf(error, error.reason, bmc);

const orderFault = (error: RmcpError, bmc: string): CountermandError =>
  error.reason === 'NO_ANSWER'
    ? fail('NO_ANSWER', `the BMC ${bmc} gave ${error.message}; it may have carried it out`, error)
    : faultOf(error, error.reason, bmc);

function faultOf(error: RmcpError, reason: Exclude<RmcpCause, 'NO_ANSWER'>, bmc: string): CountermandError {
  const [code, sentence] = reason === 'REFUSED' ? refusalOf(error.completionCode ?? 0) : FAULTS[reason];
  return fail(code, `the BMC ${bmc} ${sentence.replace('$', () => error.message)}`, error);
}
