/** The ways to look at the server behind an iRMC, the one that sees most first. */
import type { Clock } from '../../core/clock.ts';
import { CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import type { Reading } from '../../core/power.ts';
import { openScope } from '../../core/signals.ts';
import type { NativeIpmi } from '../ipmi/native.ts';
import { lookOverIpmi, type SeenOverIpmi } from './agent_over_ipmi.ts';
import type { HttpParts } from './http.ts';
import { type IrmcInfo, irmcName, snmpOf } from './info.ts';
import { readOverRedfish } from './redfish.ts';
import { readBootStatus } from './snmp.ts';

type Way = 'SNMP' | 'IPMI' | 'Redfish';

/** What reading needs. */
export interface ReadingParts extends HttpParts {
  readonly clock: Clock;
  readonly ipmi: NativeIpmi;
}

/** All ways together may take so long. */
const READ_LIMIT_MS = 15_000;
/** A way on which nobody answers is not tried again for so long, as long as there is another. */
const SHUNNED_MS = 5 * 60_000;

/** Nobody is there on this way, or it is not open to this user. A wrong password stands: to try it elsewhere locks users out. */
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
const SHUNS: readonly ErrorCode[] = ['BMC_SILENT', 'BMC_PORT_CLOSED', 'BMC_USER_UNKNOWN', 'BMC_CIPHER_REFUSED'];

/** Looks at servers behind iRMCs, and remembers on which ways nobody answers. */
export class IrmcEyes {
  readonly #parts: ReadingParts;
  readonly #shunned = new WeakMap<IrmcInfo, Map<Way, number>>();

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  /**
   * Reads the server: its boot status over SNMP where that is configured, else power and self-test over IPMI, else over
   * Redfish. A way that does not know, or on which nobody answers, leaves it to the next.
   * @throws a BMC_ code; at an abort its reason
   */
  async read(info: IrmcInfo, signal: AbortSignal): Promise<Reading> {
    const what = `reading the iRMC ${irmcName(info)}`;
    const scope = openScope([signal], { clock: this.#parts.clock, afterMs: READ_LIMIT_MS, what });
    const failures: (readonly [Way, CountermandError])[] = [];
    try {
      for (const way of this.#waysOf(info)) {
        const reading = await this.#try(way, info, failures, scope.signal);
        if (reading !== null) return reading;
      }
      throw allFailed(info, failures);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CountermandError && error.code === 'TOOK_TOO_LONG')
        throw fail('BMC_SILENT', `${what} came to no end within ${READ_LIMIT_MS / 1000} s`, error);
      throw error;
    } finally {
      scope.end();
    }
  }

  /**
   * Looks over IPMI, for what only IPMI tells.
   * @returns null, or why it cannot be had, if IPMI is not open to us
   * @throws a BMC_ code that is not about IPMI; at an abort its reason
   */
  async probe(info: IrmcInfo, signal: AbortSignal): Promise<SeenOverIpmi | string> {
    if (this.#isShunned(info, 'IPMI')) return 'IPMI over LAN did not answer a short while ago';
    try {
      return (await lookOverIpmi(info, this.#parts.ipmi, signal)) ?? 'user or password are too long for IPMI';
    } catch (error) {
      signal.throwIfAborted();
      return this.#noteFailure('IPMI', info, error).message;
    }
  }

  async #try(
    way: Way,
    info: IrmcInfo,
    failures: (readonly [Way, CountermandError])[],
    signal: AbortSignal,
  ): Promise<Reading | null> {
    try {
      return await this.#read(way, info, signal);
    } catch (error) {
      signal.throwIfAborted();
      failures.push([way, this.#noteFailure(way, info, error)]);
      return null;
    }
  }

  async #read(way: Way, info: IrmcInfo, signal: AbortSignal): Promise<Reading | null> {
    const { clock, ipmi } = this.#parts;
    const snmp = snmpOf(info);
    if (way === 'SNMP') return snmp && readBootStatus(info.irmc_address, snmp, clock, signal);
    if (way === 'IPMI') return (await lookOverIpmi(info, ipmi, signal))?.reading ?? null;
    return readOverRedfish(info, info.irmc_client_timeout * 1000, this.#parts, signal);
  }

  #waysOf(info: IrmcInfo): readonly Way[] {
    const ways: readonly Way[] = snmpOf(info) === null ? ['IPMI', 'Redfish'] : ['SNMP', 'IPMI', 'Redfish'];
    const open = ways.filter((way) => !this.#isShunned(info, way));
    // Where nobody answers on any, all are tried again.
    return open.length > 0 ? open : ways;
  }

  #isShunned(info: IrmcInfo, way: Way): boolean {
    return (this.#shunned.get(info)?.get(way) ?? Number.NEGATIVE_INFINITY) > this.#parts.clock.monotonic();
  }

  /** @throws what is the iRMC's answer, and no failure of the way */
  #noteFailure(way: Way, info: IrmcInfo, error: unknown): CountermandError {
    // SNMP has a login of its own.
    const goesOn = (code: ErrorCode): boolean =>
      NOBODY_THERE.includes(code) || (way === 'SNMP' && code === 'BMC_LOGIN_REFUSED');
    if (!(error instanceof CountermandError) || !goesOn(error.code)) throw error;
    if (SHUNS.includes(error.code) && way !== 'Redfish') {
      const until = this.#shunned.get(info) ?? new Map<Way, number>();
      until.set(way, this.#parts.clock.monotonic() + SHUNNED_MS);
      this.#shunned.set(info, until);
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
