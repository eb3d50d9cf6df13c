/** The ways to look at the server behind an iRMC, the one that sees most first. */
import type { Clock } from '../../core/clock.ts';
import { CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import type { Reading } from '../../core/power.ts';
import { openCancellation } from '../../core/signals.ts';
import type { FoundIdentity, RequiredIdentity } from '../driver.ts';
import { Guids } from '../guids.ts';
import type { NativeIpmi } from '../ipmi/native.ts';
import { accountOf, snmpAccountOf } from './accounts.ts';
import { lookOverIpmi, type SeenOverIpmi } from './agent_over_ipmi.ts';
import type { HttpParts } from './http.ts';
import { type IrmcInfo, irmcName, irmcPlace, snmpOf } from './info.ts';
import { REDFISH, readOverRedfish } from './redfish.ts';

type Way = 'SNMP' | 'IPMI' | 'Redfish';

/** What reading needs. */
interface IrmcReadingParts extends HttpParts {
  readonly clock: Clock;
  readonly ipmi: NativeIpmi;
}

/** The ways that do not answer, at the address where that was seen. */
interface Shunned {
  readonly address: string;
  readonly until: Map<Way, number>;
}

/** The time limit of all ways together. */
const READ_LIMIT_MS = 15_000;
/** How long a way without an answer is not tried again, as long as there is another. */
const SHUNNED_MS = 5 * 60_000;

/** Nothing answers on this way, or it is not open to this user. A wrong password stands: to try it elsewhere locks users out. */
const NOBODY_THERE: readonly ErrorCode[] = [
  'BMC_SILENT',
  'BMC_BUSY',
  'BMC_PORT_CLOSED',
  'BMC_NO_ROUTE',
  'BMC_USER_UNKNOWN',
  'BMC_NO_SESSION',
  'BMC_CIPHER_REFUSED',
  'BMC_PROTOCOL_VIOLATION',
  'BMC_PRIVILEGE_TOO_LOW',
  'BMC_REFUSED',
  'BMC_GARBLED',
];
/** These do not pass by themselves: a way that fails so is shunned. */
const SHUNS: readonly ErrorCode[] = ['BMC_SILENT', 'BMC_PORT_CLOSED', 'BMC_CIPHER_REFUSED'];

/** Looks at servers behind iRMCs, and remembers which ways do not answer. */
export class IrmcEyes {
  readonly #parts: IrmcReadingParts;
  /** The way on which each was last read. */
  readonly #lastWays = new WeakMap<IrmcInfo, Way>();
  readonly #shunned = new WeakMap<IrmcInfo, Shunned>();
  readonly #guids: Guids;

  constructor(parts: IrmcReadingParts) {
    this.#parts = parts;
    this.#guids = new Guids(parts.clock);
  }

  /**
   * Reads the server: its boot status over SNMP where that is configured, else power and self-test over IPMI, else over
   * Redfish. A way that does not know, or does not answer, leaves it to the next.
   * @throws a BMC_ code; at an abort its reason
   */
  async read(info: IrmcInfo, signal: AbortSignal): Promise<Reading> {
    const what = `reading the iRMC ${irmcName(info)}`;
    const cancellation = openCancellation([signal], { clock: this.#parts.clock, afterMs: READ_LIMIT_MS, what });
    const failures: (readonly [Way, CountermandError])[] = [];
    try {
      const address = await this.#addressOf(info, cancellation.signal);
      for (const way of this.#waysOf(info, address)) {
        const reading = await this.#try(way, info, address, failures, cancellation.signal);
        if (reading === null) continue;
        const place = irmcPlace(info, address);
        // SNMP does not tell which server it is.
        const ask = () => this.#askForGuid(info, address, cancellation.signal);
        const guid = way === 'SNMP' ? await this.#guids.at(place, 'recent', ask) : reading.guid;
        const left = this.#lastWays.get(info);
        this.#lastWays.set(info, way);
        // The way that worked before does not: perhaps the iRMC starts anew, and does not know yet what its server is.
        const isAnew = failures.some(([failed]) => failed === left);
        return { ...reading, guid, place, ...(isAnew ? { doubt: { before: null } } : {}) };
      }
      throw allFailed(info, failures);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CountermandError && error.code === 'TOOK_TOO_LONG')
        throw fail('BMC_SILENT', `${what} did not end within ${READ_LIMIT_MS / 1000} s`, error);
      throw error;
    } finally {
      cancellation.end();
    }
  }

  /**
   * The machine that is at an address now, for an order to go there: its GUID, over IPMI or Redfish, as that of the node was
   * read. A GUID that cannot be had on a way that is not open proves nothing, and holds up no order.
   * @throws a BMC_ code that is the iRMC's answer; at an abort its reason
   */
  async identityAt(
    info: IrmcInfo,
    address: string,
    only: RequiredIdentity | undefined,
    signal: AbortSignal,
  ): Promise<FoundIdentity> {
    const place = irmcPlace(info, address);
    if (!only?.guid) return { place };
    const way = only.guid.startsWith(`${REDFISH}:`) ? 'Redfish' : 'IPMI';
    const ask = async (): Promise<string | undefined> => (await this.#read(way, info, address, signal))?.guid;
    try {
      return { place, guid: await this.#guids.at(place, 'anew', ask) };
    } catch (error) {
      signal.throwIfAborted();
      this.#noteFailure(way, info, address, error);
      return { place };
    }
  }

  /** The GUID for a reading that has none: what it costs is no reason to fail it. */
  async #askForGuid(info: IrmcInfo, address: string, signal: AbortSignal): Promise<string | undefined> {
    const isHeld = this.#parts.logins.isHeld(accountOf(info, address, 'IPMI'));
    const ways: readonly Way[] = isHeld || this.#isShunned(info, address, 'IPMI') ? ['Redfish'] : ['IPMI', 'Redfish'];
    for (const way of ways) {
      try {
        return (await this.#read(way, info, address, signal))?.guid;
      } catch {
        signal.throwIfAborted();
      }
    }
    return undefined;
  }

  #addressOf(info: IrmcInfo, signal: AbortSignal): Promise<string> {
    return this.#parts.lookups.findBmc(info.irmc_address, 'irmc_address', info, 'recent', signal);
  }

  /**
   * Looks over IPMI, for what only IPMI tells.
   * @returns null, or why it cannot be had, if IPMI is not open to us
   * @throws a BMC_ code that is not about IPMI; at an abort its reason
   */
  async probe(info: IrmcInfo, signal: AbortSignal): Promise<SeenOverIpmi | string> {
    const address = await this.#addressOf(info, signal);
    if (this.#isShunned(info, address, 'IPMI')) return 'IPMI over LAN did not answer a short while ago';
    try {
      return (await lookOverIpmi(info, address, this.#parts, signal)) ?? 'user or password are too long for IPMI';
    } catch (error) {
      signal.throwIfAborted();
      return this.#noteFailure('IPMI', info, address, error).message;
    }
  }

  async #try(
    way: Way,
    info: IrmcInfo,
    address: string,
    failures: (readonly [Way, CountermandError])[],
    signal: AbortSignal,
  ): Promise<Reading | null> {
    try {
      return await this.#read(way, info, address, signal);
    } catch (error) {
      signal.throwIfAborted();
      failures.push([way, this.#noteFailure(way, info, address, error)]);
      return null;
    }
  }

  async #read(way: Way, info: IrmcInfo, address: string, signal: AbortSignal): Promise<Reading | null> {
    if (way === 'SNMP') return this.#readOverSnmp(info, address, signal);
    if (way === 'IPMI') return (await lookOverIpmi(info, address, this.#parts, signal))?.reading ?? null;
    return readOverRedfish(info, info.irmc_client_timeout * 1000, this.#parts, signal);
  }

  async #readOverSnmp(info: IrmcInfo, address: string, signal: AbortSignal): Promise<Reading | null> {
    const { clock, logins } = this.#parts;
    const snmp = snmpOf(info);
    if (snmp === null) return null;
    // Few nodes are read over SNMP, and its package costs a fiftieth of a start.
    const { readBootStatus } = await import('./snmp.ts');
    const read = (): Promise<Reading | null> => readBootStatus(address, snmp, clock, signal);
    const account = snmpAccountOf(info, address);
    return account === null ? read() : logins.attempt(account, read);
  }

  #waysOf(info: IrmcInfo, address: string): readonly Way[] {
    const ways: readonly Way[] = snmpOf(info) === null ? ['IPMI', 'Redfish'] : ['SNMP', 'IPMI', 'Redfish'];
    const open = ways.filter((way) => !this.#isShunned(info, address, way));
    // Where none answers, all are tried again.
    return open.length > 0 ? open : ways;
  }

  #isShunned(info: IrmcInfo, address: string, way: Way): boolean {
    return (this.#shunnedAt(info, address).get(way) ?? Number.NEGATIVE_INFINITY) > this.#parts.clock.monotonic();
  }

  /** What was seen at another address says nothing of this one. */
  #shunnedAt(info: IrmcInfo, address: string): ReadonlyMap<Way, number> {
    const shunned = this.#shunned.get(info);
    return shunned?.address === address ? shunned.until : new Map();
  }

  /** @throws what is the iRMC's answer, and no failure of the way */
  #noteFailure(way: Way, info: IrmcInfo, address: string, error: unknown): CountermandError {
    // SNMP has a login of its own.
    const goesOn = (code: ErrorCode): boolean =>
      NOBODY_THERE.includes(code) || (way === 'SNMP' && code === 'BMC_LOGIN_REFUSED');
    if (!(error instanceof CountermandError) || !goesOn(error.code)) throw error;
    if (SHUNS.includes(error.code) && way !== 'Redfish') {
      const until = new Map(this.#shunnedAt(info, address));
      until.set(way, this.#parts.clock.monotonic() + SHUNNED_MS);
      this.#shunned.set(info, { address, until });
    }
    return error;
  }
}

/** One error of several: with the code of the way that said most, and the words of all. */
function allFailed(info: IrmcInfo, failures: readonly (readonly [Way, CountermandError])[]): CountermandError {
  const telling = failures.find(([, { code }]) => !['BMC_SILENT', 'BMC_PORT_CLOSED', 'BMC_NO_ROUTE'].includes(code));
  // Else that of the last: Redfish is where orders go as well.
  const [, error] = telling ?? failures.at(-1) ?? [];
  const words = failures.map(([way, { message }]) => `over ${way}: ${message}`).join('; ');
  const said = words === '' ? 'it says on no way whether it is on or off' : words;
  return fail(error?.code ?? 'BMC_GARBLED', `the iRMC ${irmcName(info)} could not be read: ${said}`, error);
}
