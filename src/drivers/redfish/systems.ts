/**
 * Which System of a BMC a node is. Never by its position: of several that can be reset, driver_info must name one.
 */
import type { Clock } from '../../core/clock.ts';
import { CountermandError, fail } from '../../core/errors.ts';
import { quoted } from '../../core/masking.ts';
import { openCancellation } from '../../core/signals.ts';
import type { Bmc } from '../driver.ts';
import { bmcName, pathIn, type RedfishInfo, systemIdOf } from './info.ts';
import { actionInfo, collection, type SystemPage, sameOriginPath, serviceRoot, system } from './pages.ts';
import type { Services } from './service.ts';

/** A System that was read. */
interface FoundSystem {
  /** Its path. */
  readonly path: string;
  readonly page: SystemPage;
  readonly etag: string | undefined;
}

/** What a System may be sent: the words that it lists, and where they stand. */
export interface Allowed {
  /** null if the BMC does not list any. */
  readonly resetTypes: readonly string[] | null;
  readonly source: 'AllowableValues' | 'ActionInfo' | 'none';
}

/** More members than any BMC has. */
const MOST_MEMBERS = 32;
/** Longer names, ids and serial numbers are cut, in characters. */
const LONGEST_WORD = 80;
/** How long the search for a System may take, in milliseconds. */
const SEARCH_LIMIT_MS = 30_000;
/** How long a list of ActionInfo is remembered, in milliseconds. It changes with the firmware only. */
const REMEMBERED_MS = 24 * 3_600_000;
/** How many BMCs are remembered. */
const MOST_REMEMBERED = 50_000;
const NO_ACTION: Allowed = { resetTypes: null, source: 'none' };

type Of = Bmc<RedfishInfo>;

/** Finds the Systems of BMCs. */
export class Systems {
  readonly #services: Services;
  readonly #clock: Clock;
  /** The paths of the Systems that were chosen, by BMC. */
  readonly #chosen = new Map<string, string>();
  readonly #listed = new Map<string, { readonly resetTypes: readonly string[]; readonly at: number }>();

  constructor(services: Services, clock: Clock) {
    this.#services = services;
    this.#clock = clock;
  }

  /**
   * Reads the System of a node.
   * @throws DRIVER_INFO_INVALID if driver_info names none that is there, or names none where there are several; one of the BMC_ codes
   */
  async read({ key, info }: Of, ip: string, signal: AbortSignal): Promise<FoundSystem> {
    const chosen = this.#chosen.get(key);
    if (chosen !== undefined) {
      const known = await this.#at(info, chosen, ip, signal);
      if (known !== null) return known;
      this.#forget(key);
    }
    const found = await this.#find(info, ip, signal);
    if (found.isCertain) remember(this.#chosen, key, found.system.path);
    return found.system;
  }

  /** Forgets where the System is and what it lists: the BMC has said that it is not there. */
  forget({ key }: Of): void {
    this.#forget(key);
  }

  /** The words that a Reset of this System may have. @throws one of the BMC_ codes */
  async allowed({ key, info }: Of, { page }: FoundSystem, ip: string, signal: AbortSignal): Promise<Allowed> {
    const action = page.Actions?.['#ComputerSystem.Reset'];
    const inLine = action?.['ResetType@Redfish.AllowableValues'];
    if (inLine && inLine.length > 0) return { resetTypes: inLine, source: 'AllowableValues' };
    const uri = action?.['@Redfish.ActionInfo'];
    if (!uri) return NO_ACTION;
    const known = this.#listed.get(key);
    if (known && this.#clock.monotonic() - known.at < REMEMBERED_MS)
      return { resetTypes: known.resetTypes, source: 'ActionInfo' };
    const answer = await this.#services.page(info, uri, ip, signal);
    const parameters = actionInfo.safeParse(answer?.page).data?.Parameters ?? [];
    const resetTypes = parameters.find(({ Name: name }) => name === 'ResetType')?.AllowableValues ?? [];
    if (resetTypes.length === 0) return NO_ACTION;
    remember(this.#listed, key, { resetTypes, at: this.#clock.monotonic() });
    return { resetTypes, source: 'ActionInfo' };
  }

  #forget(key: string): void {
    this.#chosen.delete(key);
    this.#listed.delete(key);
  }

  async #at(info: RedfishInfo, uri: string, ip: string, signal: AbortSignal): Promise<FoundSystem | null> {
    const answer = await this.#services.page(info, uri, ip, signal);
    if (answer === null) return null;
    const parsed = system.safeParse(answer.page);
    if (!parsed.success) throw fail('BMC_GARBLED', `the BMC ${bmcName(info)} answers GET ${uri} with no System`);
    const etag = answer.etag || parsed.data['@odata.etag'] || undefined;
    return { path: sameOriginPath(info, uri), page: parsed.data, etag };
  }

  /** Looks for the System, within a limit: each of many pages may be slow. */
  async #find(
    info: RedfishInfo,
    ip: string,
    signal: AbortSignal,
  ): Promise<{ system: FoundSystem; isCertain: boolean }> {
    const what = `the list of Systems of the BMC ${bmcName(info)}`;
    const cancellation = openCancellation([signal], { clock: this.#clock, afterMs: SEARCH_LIMIT_MS, what });
    try {
      return await this.#search(info, ip, cancellation.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CountermandError && error.code === 'TOOK_TOO_LONG')
        throw fail(
          'BMC_SILENT',
          `the BMC ${bmcName(info)} is too slow: ${error.message}; with redfish_system_id there is no search`,
          error,
        );
      throw error;
    } finally {
      cancellation.end();
    }
  }

  async #search(
    info: RedfishInfo,
    ip: string,
    signal: AbortSignal,
  ): Promise<{ system: FoundSystem; isCertain: boolean }> {
    const wanted = systemIdOf(info);
    if (wanted !== undefined) {
      const path = wanted.startsWith('/') ? (info.redfish_system_id ?? wanted) : pathIn(info, `Systems/${wanted}`);
      const named = await this.#at(info, path, ip, signal);
      if (named !== null) return { system: named, isCertain: true };
    }
    const { systems, unread } = await this.#all(info, ip, signal);
    if (wanted !== undefined) {
      const [same] = systems.filter(({ page }) => page.Id === wanted);
      if (same) return { system: same, isCertain: true };
      throw unknownSystem(info, wanted, systems, unread);
    }
    const able = systems.filter(({ page }) => page.Actions?.['#ComputerSystem.Reset']);
    const [only] = able;
    if (able.length > 1 || only === undefined) throw notOne(info, able, unread);
    return { system: only, isCertain: unread.length === 0 };
  }

  /** All Systems that can be read, and why the others could not be. */
  async #all(info: RedfishInfo, ip: string, signal: AbortSignal) {
    const members = await this.#members(info, ip, signal);
    const systems: FoundSystem[] = [];
    const unread: CountermandError[] = [];
    for (const uri of members) {
      try {
        const found = await this.#at(info, uri, ip, signal);
        if (found !== null) systems.push(found);
      } catch (error) {
        // NVIDIA's second System answers 503 while the host is off.
        if (!(error instanceof CountermandError) || !['BMC_BUSY', 'BMC_GARBLED'].includes(error.code)) throw error;
        unread.push(error);
      }
    }
    return { systems, unread };
  }

  async #members(info: RedfishInfo, ip: string, signal: AbortSignal): Promise<readonly string[]> {
    const who = `the BMC ${bmcName(info)}`;
    const root = await this.#services.root(info, ip, signal);
    const page = serviceRoot.safeParse(root).data;
    const isRedfish = page !== undefined && (page.RedfishVersion || page.Systems || page['@odata.id']);
    if (root !== undefined && !isRedfish)
      throw fail('BMC_PROTOCOL_VIOLATION', `what answers at ${who} is no Redfish service; check redfish_address`);
    const uri = page?.Systems?.['@odata.id'] ?? pathIn(info, 'Systems');
    const answer = await this.#services.page(info, uri, ip, signal);
    if (answer === null)
      throw fail('BMC_PROTOCOL_VIOLATION', `${who} has no Systems: it is perhaps the controller of a chassis`);
    const parsed = collection.safeParse(answer.page);
    if (!parsed.success) throw fail('BMC_GARBLED', `${who} answers GET ${uri} with no list of Systems`);
    const members = parsed.data.Members ?? [];
    // For two minutes after a restart some list none.
    if (members.length === 0) throw fail('BMC_BUSY', `${who} lists no System now; it may have just restarted`);
    if (members.length > MOST_MEMBERS)
      throw fail(
        'DRIVER_INFO_INVALID',
        `driver_info.redfish_system_id is missing: ${who} lists ${members.length} Systems, and at most ${MOST_MEMBERS} are read`,
      );
    return members;
  }
}

function remember<Value>(known: Map<string, Value>, key: string, value: Value): void {
  known.delete(key);
  known.set(key, value);
  const [oldest] = known.keys();
  if (known.size > MOST_REMEMBERED && oldest !== undefined) known.delete(oldest);
}

/** The Systems as a person can tell them apart. */
function listOf(info: RedfishInfo, systems: readonly FoundSystem[]): string {
  const said = (text: string | null | undefined): string => quoted(text ?? '', [info.redfish_password], LONGEST_WORD);
  return systems
    .map(({ path, page }) => {
      const [id, name, serial, uuid] = [page.Id ?? path, page.Name, page.SerialNumber, page.UUID].map(said);
      const more = [name, serial && `serial number ${serial}`, uuid && `UUID ${uuid}`].filter(Boolean);
      return `${id}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
    })
    .join('; ');
}

const unreadText = (unread: readonly CountermandError[]): string =>
  unread.length === 0 ? '' : `; ${unread.length} could not be read: ${unread[0]?.message}`;

function unknownSystem(
  info: RedfishInfo,
  wanted: string,
  systems: readonly FoundSystem[],
  unread: readonly CountermandError[],
): CountermandError {
  const there = systems.length === 0 ? 'none that can be read' : listOf(info, systems);
  return fail(
    'DRIVER_INFO_INVALID',
    `driver_info.redfish_system_id: the BMC ${bmcName(info)} has no System ${wanted}; it has ${there}${unreadText(unread)}`,
  );
}

function notOne(
  info: RedfishInfo,
  able: readonly FoundSystem[],
  unread: readonly CountermandError[],
): CountermandError {
  const who = `the BMC ${bmcName(info)}`;
  if (able.length > 0)
    return fail(
      'DRIVER_INFO_INVALID',
      `driver_info.redfish_system_id is missing: ${who} has ${able.length} Systems that can be reset: ${listOf(info, able)}${unreadText(unread)}`,
    );
  const [first] = unread;
  if (first) return fail('BMC_BUSY', `${who} has no System that can be reset now${unreadText(unread)}`, first);
  return fail('BMC_PROTOCOL_VIOLATION', `${who} has no System that can be reset`);
}
