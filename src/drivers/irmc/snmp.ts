/**
 * The boot status of the server behind an iRMC, over SNMP (FUJITSU-SERVERVIEW "SC2" MIB, `sc2srvCurrentBootStatus` of unit 1).
 * It sees what on and off do not: an operating system that runs, stops or starts.
 */
import {
  AuthProtocols,
  createSession,
  createV3Session,
  isVarbindError,
  ObjectType,
  PrivProtocols,
  ResponseInvalidCode,
  ResponseInvalidError,
  SecurityLevel,
  type Session,
  type Varbind,
  Version1,
  Version2c,
  Version3,
} from 'net-snmp';
import { type Clock, othersFirst } from '../../core/clock.ts';
import { CountermandError, fail } from '../../core/errors.ts';
import { BMC_LIMITS } from '../../core/limits.ts';
import { quoted } from '../../core/masking.ts';
import type { Reading } from '../../core/power.ts';
import { abortable, type Cancellation, openCancellation } from '../../core/signals.ts';
import { hostAndPort } from '../address.ts';
import { asking, udpAsked } from '../exchange_spans.ts';
import { safely } from '../ipmi/rmcp/safely.ts';
import type { Line, Transport } from '../ipmi/rmcp/transport.ts';
import { openUdp } from '../ipmi/rmcp/udp.ts';
import type { Snmp } from './info.ts';
import { WORDS_LIMIT } from './scci.ts';

/** sc2srvCurrentBootStatus of unit 1. */
const BOOT_STATUS_OID = '1.3.6.1.4.1.231.2.10.2.2.10.4.1.1.4.1';

/** What each boot status says of the host; those that say nothing are not here: 1 is unknown, which is not off. */
const READINGS: Readonly<Record<number, Reading>> = {
  2: { powerState: 'power off' },
  3: { powerState: 'power on', host: 'starting' }, // no-boot-cpu
  4: { powerState: 'power on', host: 'starting' }, // self-test
  5: { powerState: 'power on', host: 'starting' }, // setup
  6: { powerState: 'power on', host: 'starting' }, // os-boot
  7: { powerState: 'power on', host: 'starting' }, // diagnostic-boot
  8: { powerState: 'power on', host: 'running' }, // os-running
  9: { powerState: 'power on', host: 'running' }, // diagnostic-running
  10: { powerState: 'power on', host: 'stopping' }, // os-shutdown
  11: { powerState: 'power on', host: 'stopping' }, // diagnostic-shutdown
  12: { powerState: 'power on', host: 'starting' }, // reset
};

/** UDP loses datagrams: how many times it is asked, and how long each answer is waited for. */
const TRIES = 2;
const TRY_MS = 1500;
/** No timer of the package ever fires: ours close the session first. */
const NEVER_MS = 2 ** 31 - 1;

const transport: Transport = safely(openUdp((action) => void othersFirst().then(action)));

/**
 * Reads the boot status of the iRMC at an IP address.
 * @returns null if the iRMC says that it does not know
 * @throws a BMC_ code; at an abort its reason
 */
export async function readBootStatus(
  address: string,
  snmp: Snmp,
  clock: Clock,
  signal: AbortSignal,
): Promise<Reading | null> {
  const who = hostAndPort(address, snmp.port);
  for (let attempt = 1; ; attempt += 1) {
    const cancellation = openCancellation([signal], { clock, afterMs: TRY_MS, what: `SNMP at ${who}` });
    try {
      const asked = () => udpAsked('snmp', 'GET', address, snmp.port);
      return readingOf(await asking(signal, asked, () => ask(address, snmp, who, cancellation)), who);
    } catch (error) {
      signal.throwIfAborted();
      const silent = error instanceof CountermandError && error.code === 'TOOK_TOO_LONG';
      if (!silent) throw error;
      if (attempt === TRIES)
        throw fail(
          'BMC_SILENT',
          `SNMP at ${who} is silent; check irmc_snmp_port, version and community or user`,
          error,
        );
    } finally {
      cancellation.end();
    }
  }
}

async function ask(
  address: string,
  snmp: Snmp,
  who: string,
  { signal, abort }: Cancellation,
): Promise<Varbind | undefined> {
  const garbled = (): void => abort(fail('BMC_GARBLED', `SNMP at ${who} answered something that cannot be read`));
  const closed = (error: NodeJS.ErrnoException): void =>
    abort(
      error.code === 'ECONNREFUSED'
        ? fail('BMC_PORT_CLOSED', `SNMP at ${who}: the port is closed; check irmc_snmp_port`)
        : fail('BMC_NO_ROUTE', `SNMP at ${who} cannot be reached (${error.code})`),
    );
  const socket = new SnmpSocket(address, snmp.port, { garbled, closed });
  const session = openSession(address, snmp, socket);
  try {
    session.on('error', garbled);
    const varbinds = await abortable<Varbind[]>((resolve, reject) => {
      session.get([BOOT_STATUS_OID], (error, found) =>
        error ? reject(refusalOf(error, snmp, who)) : resolve(found ?? []),
      );
      return () => {};
    }, signal);
    return varbinds[0];
  } finally {
    session.close();
  }
}

function openSession(address: string, snmp: Snmp, socket: SnmpSocket): Session {
  const common = { port: snmp.port, retries: 0, timeout: NEVER_MS, dgramModule: { createSocket: () => socket } };
  if (snmp.version !== 'v3') {
    const version = snmp.version === 'v1' ? Version1 : Version2c;
    return createSession(address, snmp.community, { ...common, version });
  }
  const user = {
    name: snmp.user,
    level: SecurityLevel.authPriv,
    authProtocol: AuthProtocols[snmp.authProtocol],
    authKey: snmp.authPassword,
    privProtocol: PrivProtocols.aes,
    privKey: snmp.privacyPassword,
  };
  return createV3Session(address, user, { ...common, version: Version3 });
}

function readingOf(varbind: Varbind | undefined, who: string): Reading | null {
  if (varbind === undefined || varbind.oid !== BOOT_STATUS_OID)
    throw fail('BMC_GARBLED', `SNMP at ${who} answered something else than it was asked`);
  if (isVarbindError(varbind)) throw fail('BMC_REFUSED', `SNMP at ${who} has no boot status`);
  const { type, value } = varbind;
  if (type !== ObjectType.Integer || typeof value !== 'number')
    throw fail('BMC_GARBLED', `SNMP at ${who} has a boot status that is no number`);
  return READINGS[value] ?? null;
}

/** What the other side refuses: its own words are few. */
function refusalOf(error: Error, snmp: Snmp, who: string): CountermandError {
  const secrets = snmp.version === 'v3' ? [snmp.authPassword, snmp.privacyPassword] : [snmp.community];
  const words = quoted(error.message, secrets, WORDS_LIMIT);
  const login: readonly unknown[] = [ResponseInvalidCode.EAuthFailure, ResponseInvalidCode.ECouldNotDecrypt];
  if (error instanceof ResponseInvalidError && login.includes(error.code))
    return fail(
      'BMC_LOGIN_REFUSED',
      `SNMP at ${who} refuses the login (${words}); check irmc_snmp_user and its passwords`,
      error,
    );
  if (error instanceof ResponseInvalidError)
    return fail('BMC_GARBLED', `SNMP at ${who} gave an answer that is none (${words})`, error);
  return fail('BMC_REFUSED', `SNMP at ${who} has no boot status (${words})`, error);
}

/** How a socket tells that something is wrong. */
interface Complaints {
  garbled(): void;
  closed(error: NodeJS.ErrnoException): void;
}

/**
 * The package's socket, on a connected one of ours: it hears only the one it asked, learns of closed ports, and what it
 * cannot read does not end the process.
 */
class SnmpSocket {
  readonly #line: Line;
  readonly #listeners = new Map<string, (bytes?: Buffer) => void>();

  constructor(address: string, port: number, { garbled, closed }: Complaints) {
    this.#line = transport.open(address, port, {
      datagram: (bytes) => {
        if (bytes.length > BMC_LIMITS.snmp_answer_bytes.limit) return garbled();
        try {
          this.#listeners.get('message')?.(bytes);
        } catch {
          garbled();
        }
      },
      broken: closed,
    });
  }

  on(event: string, listener: (bytes?: Buffer) => void): void {
    this.#listeners.set(event, listener);
  }

  send(
    bytes: Buffer,
    from: number,
    length: number,
    _port: number,
    _address: string,
    sent: (error: null) => void,
  ): void {
    this.#line.send(bytes.subarray(from, from + length));
    sent(null);
  }

  close(): void {
    this.#line.close();
    this.#listeners.get('close')?.();
  }

  ref(): void {}

  unref(): void {}
}
