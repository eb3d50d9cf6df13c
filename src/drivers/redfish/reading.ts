/** What the PowerState of a System means, and when it is not believed. */
import type { Clock } from '../../core/clock.ts';
import { CountermandError, fail } from '../../core/errors.ts';
import { guidFrom } from '../../core/guid.ts';
import type { Host, Reading } from '../../core/power.ts';
import type { Bmc } from '../driver.ts';
import { bmcName, type RedfishInfo } from './info.ts';
import { chassis, type SystemPage } from './pages.ts';
import type { Services } from './service.ts';

/** Where a GUID was read, as `guid.ts` has it. */
const SOURCE = 'redfish';

/** A System in transition is what it leaves, and on its way out of it: it has arrived nowhere. */
const READINGS: Readonly<Record<string, Reading>> = {
  On: { powerState: 'power on' },
  Paused: { powerState: 'power on' },
  PoweringOff: { powerState: 'power on', host: 'stopping' },
  Off: { powerState: 'power off' },
  PoweringOn: { powerState: 'power off', host: 'starting' },
};

/** BootProgress while the firmware or the boot loader runs. */
const EARLY: readonly string[] = [
  'PrimaryProcessorInitializationStarted',
  'BusInitializationStarted',
  'MemoryInitializationStarted',
  'SecondaryProcessorInitializationStarted',
  'PCIResourceConfigStarted',
  'SystemHardwareInitializationComplete',
  'SetupEntered',
  'OSBootStarted',
];

/** How long after a System was first seen off its Chassis is asked as well. After that it is not believed: some say On for ever. */
const DOUBT_MS = 20_000;
const MOST_REMEMBERED = 50_000;

/** What was seen of a System before. */
interface Past {
  /** When it was first seen off without a break; null if it was not off. */
  readonly offSince: number | null;
  /** It has said OSRunning once. One that never does stays at an early state while its operating system runs. */
  readonly tellsRunning: boolean;
}

/** The GUID of a System, if it has one that proves something. */
export function guidOf(page: SystemPage): string | undefined {
  return page.UUID ? guidFrom(page.UUID, SOURCE) : undefined;
}

/** Makes readings from pages. It remembers what was seen of each System. */
export class Readings {
  readonly #services: Services;
  readonly #clock: Clock;
  readonly #past = new Map<string, Past>();

  constructor(services: Services, clock: Clock) {
    this.#services = services;
    this.#clock = clock;
  }

  /**
   * The reading of a System whose page was just read.
   * @throws BMC_GARBLED if it is neither on nor off; as `page` of Services if the Chassis is asked
   */
  async of({ key, info }: Bmc<RedfishInfo>, page: SystemPage, ip: string, signal: AbortSignal): Promise<Reading> {
    const { PowerState: word } = page;
    const known = typeof word === 'string' && Object.hasOwn(READINGS, word) ? READINGS[word] : undefined;
    if (known === undefined)
      throw fail(
        'BMC_GARBLED',
        `the BMC ${bmcName(info)} says that the power state is ${shown(word)}, which is neither on nor off; it may be in transition`,
      );
    const guid = guidOf(page);
    const past = this.#note(key, word === 'Off', page);
    if (word === 'Off' && past.offSince !== null && this.#clock.monotonic() - past.offSince < DOUBT_MS) {
      // Some BMCs say Off while the power supply still has to go off; what is ordered then is lost.
      if (await this.#isChassisOn(info, page, ip, signal)) return { powerState: 'power on', host: 'stopping', guid };
    }
    const host = known.host ?? (word === 'On' ? hostOf(page, past) : undefined);
    return { ...known, ...(host !== undefined && { host }), guid };
  }

  #note(key: string, isOff: boolean, page: SystemPage): Past {
    const before = this.#past.get(key);
    const offSince = isOff ? (before?.offSince ?? this.#clock.monotonic()) : null;
    const tellsRunning = before?.tellsRunning === true || page.BootProgress?.LastState === 'OSRunning';
    const past = { offSince, tellsRunning };
    this.#past.delete(key);
    this.#past.set(key, past);
    const [oldest] = this.#past.keys();
    if (this.#past.size > MOST_REMEMBERED && oldest !== undefined) this.#past.delete(oldest);
    return past;
  }

  /** Only of a Chassis that is the System's alone, as far as the page tells. */
  async #isChassisOn(info: RedfishInfo, page: SystemPage, ip: string, signal: AbortSignal): Promise<boolean> {
    const links = page.Links?.Chassis ?? [];
    const [uri] = links;
    if (uri === undefined || links.length > 1) return false;
    try {
      const answer = await this.#services.page(info, uri, ip, signal);
      return chassis.safeParse(answer?.page).data?.PowerState === 'On';
    } catch (error) {
      signal.throwIfAborted();
      // The System itself has answered: a Chassis that cannot be read changes nothing.
      if (error instanceof CountermandError) return false;
      throw error;
    }
  }
}

function hostOf({ BootProgress: progress }: SystemPage, { tellsRunning }: Past): Host | undefined {
  const state = progress?.LastState;
  if (state === 'OSRunning') return 'running';
  return tellsRunning && EARLY.includes(state ?? '') ? 'starting' : undefined;
}

/** A value of theirs, for people. */
function shown(word: unknown): string {
  return typeof word === 'string'
    ? `'${word.slice(0, 40).replace(/[\p{Cc}\p{Cf}]+/gu, ' ')}'`
    : word === null
      ? 'null'
      : 'missing';
}
