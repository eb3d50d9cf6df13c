/** Where events leave the installation: what the conductor knows of webhooks and message brokers, and they of it. */
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import { type CountermandError, failAt } from './errors.ts';
import { exceeded, SINK_LIMITS } from './limits.ts';
import { isReference } from './references.ts';

/** One event, as a sink is given it. */
export interface ToldEvent {
  /** Its number among the events of the database; 0 for one that is only a test. */
  readonly sequence: number;
  readonly eventType: string;
  readonly priority: 'INFO' | 'WARNING' | 'ERROR';
  readonly publisherId: string;
  /** The same each time that the event is sent. */
  readonly messageId: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What a sink is told about its receiver, by name. */
export type Settings = Readonly<Record<string, string>>;

/** One setting of a kind of sink. */
interface Setting {
  /** What it is, for people. */
  readonly meaning: string;
  /** Its value is masked wherever it is shown. */
  readonly secret?: true;
  /** `file:`, `env:` and `vault:` are read for it, as for what is secret. */
  readonly readsFiles?: true;
  /** Without it there is no sink. */
  readonly required?: true;
  /** What holds where it is left out, for people. */
  readonly fallback?: string;
  /** What a value must be, to follow "must be". */
  readonly mustBe: string;
  isGood(value: string): boolean;
}

/** What an outlet is opened with. */
export interface OutletParts {
  /** The id of the database that the numbers of the events are of. */
  readonly databaseId: string;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Why an IP address, which the host name has, may not be reached with these settings; null if it may. */
  readonly objection: (host: string, address: string, isPlain: boolean) => string | null;
}

/** A way to one receiver. It is closed after its first failure, and another one is opened for the next attempt. */
export interface Outlet {
  /**
   * Sends events in order. Resolves when the receiver has taken all of them over; until then each may have been received or not.
   * The abort rejects with its reason, at once.
   * @throws DeliveryFailure
   */
  send(events: readonly ToldEvent[], signal: AbortSignal): Promise<void>;
  /** Lets go of connections. Never rejects. */
  close(): Promise<void>;
}

/** A kind of sink. */
export interface SinkKind {
  readonly name: string;
  /** What it sends to whom, in a sentence without its end. */
  readonly meaning: string;
  readonly settings: Readonly<Record<string, Setting>>;
  /** At most this many events are sent at once, and so come again after a failure. */
  readonly atOnce: number;
  /** What is wrong with values that are good by themselves; null if nothing is. */
  contradiction(settings: Settings): string | null;
  /** Looks at the receiver, if it is named by an IP address. @throws DeliveryFailure if that may not be reached */
  refusePlace(settings: Settings, objection: OutletParts['objection']): void;
  /** Opens a way to the receiver; nothing is sent yet. `settings` have what references stand for. @throws DeliveryFailure */
  open(settings: Settings, parts: OutletParts): Outlet;
}

/** Events were not taken over, or it is not known whether they were. The message is for people; no secret stands in it. */
export class DeliveryFailure extends Error {
  /** How long the receiver asks to be left alone, in milliseconds; null if it does not ask. */
  readonly retryAfterMs: number | null;
  /** The receiver says that it will never take anything again. */
  readonly isGone: boolean;

  constructor(
    message: string,
    { retryAfterMs = null, isGone = false }: { readonly retryAfterMs?: number | null; readonly isGone?: boolean } = {},
  ) {
    super(message);
    this.retryAfterMs = retryAfterMs;
    this.isGone = isGone;
  }
}

/** The keys whose values may be references. */
export const referringKeys = ({ settings }: SinkKind): ReadonlySet<string> =>
  new Set(Object.keys(settings).filter((key) => settings[key]?.secret || settings[key]?.readsFiles));

/**
 * Checks what can be checked before a receiver is spoken to.
 * @throws SINK_INVALID naming the setting
 */
export function checkSettings({ name, settings: known, contradiction }: SinkKind, settings: Settings): void {
  const invalid = (sentence: string, key?: string): CountermandError =>
    failAt('SINK_INVALID', key === undefined ? 'settings' : `settings.${key.slice(0, 100)}`, sentence);
  for (const [key, value] of Object.entries(settings)) {
    const setting = Object.hasOwn(known, key) ? known[key] : undefined;
    if (setting === undefined)
      throw invalid(`${name} has no setting '${key.slice(0, 100)}'; there are ${Object.keys(known).join(', ')}`, key);
    if (value.length > SINK_LIMITS.sink_setting.limit)
      throw exceeded(SINK_LIMITS.sink_setting, `settings.${key}`, value.length);
    if (isReference(value)) {
      if (setting.secret || setting.readsFiles) continue;
      throw invalid(`${key}: file:, env: and vault: stand for secrets, and ${key} is none`, key);
    }
    if (!setting.isGood(value)) throw invalid(`${key} must be ${setting.mustBe}`, key);
  }
  const missing = Object.keys(known).find((key) => known[key]?.required && !Object.hasOwn(settings, key));
  if (missing !== undefined) throw invalid(`${name} needs ${missing}: ${known[missing]?.meaning}`, missing);
  if (Object.values(settings).some(isReference)) return;
  const wrong = contradiction(settings);
  if (wrong !== null) throw invalid(wrong);
}
