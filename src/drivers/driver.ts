/**
 * What a driver is: how to talk to one family of BMCs. `fake/driver.ts` is the example to read; the conformance suite
 * (test/conformance) is the list of what a driver promises.
 *
 * A driver keeps no queue: the agent gives it one command at a time per BMC, and decides when to ask again. What it keeps
 * between calls, such as sessions, it lets go of at `close`. It never sends an order twice.
 */
import * as z from 'zod';
import { type CountermandError, type ErrorCode, fail } from '../core/errors.ts';
import { PLAIN_WORDS, quotedKeys } from '../core/fault_places.ts';
import { isOtherGuid } from '../core/guid.ts';
import { type NodeTraits, type OrderTarget, type Reading, TARGETS, type Target } from '../core/power.ts';
import type { Reach } from './bounds.ts';
import type { LookupAge } from './lookups.ts';

/** A node's driver_info as it is stored: Ironic's keys, all values as text. */
export type DriverInfo = Readonly<Record<string, string>>;

/** One BMC, parsed. */
export interface Bmc<Info> {
  /** The same for the same BMC, different for different ones; unique over all nodes. */
  readonly key: string;
  readonly info: Info;
  /** The machine that an order may go to; whichever is there if left out. */
  readonly only?: RequiredIdentity;
}

/** One machine, as far as it is known. */
export interface RequiredIdentity {
  /** Its GUID; null if none is known that proves something. */
  readonly guid: string | null;
  /** Where its BMC was when it was read; null if it was not. */
  readonly place: string | null;
}

/** The machine that answers, as far as it says so. */
export type FoundIdentity = Pick<Reading, 'guid' | 'place'>;

/**
 * Why an order for one machine may not be sent to what was found; null if it may.
 * @param bmc how messages name the BMC
 */
export function objectionTo(
  found: FoundIdentity,
  only: RequiredIdentity | undefined,
  bmc: string,
): CountermandError | null {
  if (only === undefined || (only.guid !== null && only.guid === found.guid)) return null;
  if (isOtherGuid(only.guid, found.guid))
    return fail(
      'BMC_IS_ANOTHER',
      `the BMC ${bmc} is that of another server: its GUID is ${found.guid}, and that of the node is ${only.guid}. If that is right, accept it with AcceptNode`,
    );
  if (only.place === null || found.place === undefined || only.place === found.place) return null;
  return fail('BMC_MOVED', `the BMC ${bmc} is at ${found.place} now, and was read at ${only.place} a moment ago`);
}

/** What `getSupportedPowerStates` answers of one node. */
export interface Supported extends NodeTraits {
  readonly targets: readonly Target[];
  /** True if the hardware was asked, false if the list is the driver's own. */
  readonly probed: boolean;
  /** Why it is less than the driver's list, or why the hardware could not be asked. */
  readonly reason?: string;
}

/** What `abortPowerState` answers. */
export interface RecallAnswer {
  /** The BMC took the recall. It proves nothing yet: the agent goes on to watch the host. */
  readonly accepted: boolean;
  /** The BMC's own words, or why nothing can be recalled. */
  readonly reason: string;
}

/**
 * The static part: data beside the code. The conductor is told all of it when an agent attaches. `recalls` and
 * `softRebootInOneCommand` are those of a node whose hardware was not asked: what `getSupportedPowerStates` says of a node counts
 * for its orders.
 */
interface DriverTraits<Info> extends NodeTraits {
  readonly name: string;
  /** driver_info: its keys, rules and descriptions. Secrets bear `.meta({ writeOnly: true })`. */
  readonly schema: z.ZodType<Info, Record<string, unknown>>;
  /** The targets that this family can do. */
  readonly targets: readonly Target[];
  /** Rest between two commands to one BMC, unless configured otherwise. */
  readonly minCommandIntervalMs: number;
}

/** One family of BMCs. */
export interface Driver<Info = unknown> extends DriverTraits<Info> {
  /**
   * Checks a driver_info, without any contact with the BMC.
   * @throws DRIVER_INFO_INVALID naming the key
   */
  parse(driverInfo: DriverInfo): Bmc<Info>;
  /** Where a driver_info leads, and how; left out where there is no network. */
  reach?(info: Info): Reach;
  /**
   * Where the BMC is now: its address, looked up, and its port, in one spelling for each place. Whatever two nodes are called,
   * what is at one place is one BMC.
   * @param age `anew` before an order
   * @throws BMC_NAME_UNKNOWN; the reason of the abort, at once
   */
  locate(bmc: Bmc<Info>, age: LookupAge, signal: AbortSignal): Promise<string>;
  /**
   * What this node supports: the static lists, narrowed by a probe where the hardware can be asked.
   * Rejects as `getPowerState` does.
   */
  getSupportedPowerStates(bmc: Bmc<Info>, signal: AbortSignal): Promise<Supported>;
  /**
   * Reads the hardware. Settles soon after an abort with its reason.
   * @throws one of the BMC_ codes; a reading that is not on or off is BMC_GARBLED
   */
  getPowerState(bmc: Bmc<Info>, signal: AbortSignal): Promise<Reading>;
  /**
   * Sends one order, at most once, and resolves when the BMC has accepted it; it does not wait for the effect. A host name is
   * looked up again first. What is there is compared with `bmc.only` at the last moment.
   * An abort stops the sending if it still can, and rejects soon with the reason, which leaves open what was sent. `throwIfOver` is asked
   * right before the command goes out: the time for it may be over, though no timer has told it. After an order whose outcome is unknown it is
   * not asked again: what it throws proves that nothing was sent.
   * @returns the command that was sent, in the words of its protocol, such as `Reset GracefulShutdown`; empty if it has no words
   * @throws one of PROVES_NOT_SENT or PROVES_REFUSED if that is certain; with any other error the outcome is unknown
   */
  setPowerState(bmc: Bmc<Info>, target: OrderTarget, signal: AbortSignal): Promise<string>;
  /**
   * Asks the BMC to take back an order of this target. Never called while that order is in flight. It is kept to `bmc.only`.
   * Rejects as `getPowerState` does.
   */
  abortPowerState(bmc: Bmc<Info>, target: OrderTarget, signal: AbortSignal): Promise<RecallAnswer>;
  /**
   * An operator asks: the next login at the BMC is tried, even if one was refused a moment ago (`logins.ts`).
   * @throws BMC_NAME_UNKNOWN; the reason of the abort, at once
   */
  allowLogin(bmc: Bmc<Info>, signal: AbortSignal): Promise<void>;
  /** How many sessions with BMCs are open, or being opened; left out by a driver that keeps none between two calls. */
  sessions?(): number;
  /** Lets go of everything that it keeps between calls. No call is made after it. */
  close(): void;
}

/** Errors of `setPowerState` after which the BMC certainly has no order. */
export const PROVES_NOT_SENT: readonly ErrorCode[] = [
  'NOT_SENT_IN_TIME',
  'BMC_SILENT',
  'BMC_NAME_UNKNOWN',
  'BMC_MOVED',
  'BMC_OUT_OF_BOUNDS',
  'BMC_IS_ANOTHER',
  'BMC_NO_ROUTE',
  'BMC_PORT_CLOSED',
  'BMC_PROTOCOL_VIOLATION',
  'BMC_LOGIN_REFUSED',
  'BMC_USER_UNKNOWN',
  'BMC_PASSWORD_WRONG',
  'BMC_KG_WRONG',
  'BMC_CIPHER_REFUSED',
  'BMC_CERTIFICATE_REFUSED',
  'BMC_NO_SESSION',
  'BMC_BUSY',
  'COMMAND_MISSING',
  'SECRET_UNREADABLE',
  'DRIVER_INFO_INVALID',
  'TARGET_NOT_SUPPORTED',
];

/** Errors of `setPowerState` after which the BMC had the order and will not carry it out. */
export const PROVES_REFUSED: readonly ErrorCode[] = ['BMC_REFUSED', 'BMC_WRONG_STATE', 'BMC_PRIVILEGE_TOO_LOW'];

/** The targets of a driver that does not say otherwise: those of the abort spec. */
const DEFAULT_TARGETS: readonly Target[] = [
  'power on',
  'power off',
  'rebooting',
  'abort soft rebooting',
  'abort soft power off',
];

/** The targets of hardware that does all but take back an NMI: that is over when it is sent. */
export const ALL_BUT_NMI_ABORT: readonly Target[] = TARGETS.filter((target) => target !== 'abort inject nmi');

/** What a driver has to say; all else has a default. */
type DriverParts<Info> = Pick<Driver<Info>, 'name' | 'schema' | 'getPowerState' | 'setPowerState'> &
  Partial<Driver<Info>> & {
    /** What makes the BMC one of its own, for example address and port. */
    keyOf(info: Info): string;
  };

/** A driver from its parts. Defaults: the targets of the spec, nothing to recall, nothing to probe. */
export function defineDriver<Info>({ keyOf, ...parts }: DriverParts<Info>): Driver<Info> {
  const traits = { targets: DEFAULT_TARGETS, recalls: [], softRebootInOneCommand: false, minCommandIntervalMs: 200 };
  const driver: Driver<Info> = {
    ...traits,
    locate: async ({ key }) => key,
    parse: (driverInfo) => parseWith(driver.schema, driverInfo, keyOf),
    getSupportedPowerStates: async () => ({ ...traitsOf(driver), targets: driver.targets, probed: false }),
    abortPowerState: async (_bmc, target) => ({ accepted: false, reason: `${driver.name} cannot recall a ${target}` }),
    allowLogin: async () => {},
    close: () => {},
    ...parts,
  };
  return driver;
}

/** What a node of this driver can do whose hardware was not asked. */
export function traitsOf({ recalls, softRebootInOneCommand }: NodeTraits): NodeTraits {
  return { recalls, softRebootInOneCommand };
}

function parseWith<Info>(schema: z.ZodType<Info>, driverInfo: DriverInfo, keyOf: (info: Info) => string): Bmc<Info> {
  const parsed = schema.safeParse(driverInfo, PLAIN_WORDS);
  if (!parsed.success)
    throw fail('DRIVER_INFO_INVALID', parsed.error.issues.map((issue) => describeIssue(issue, driverInfo)).join('; '));
  return { key: keyOf(parsed.data), info: parsed.data };
}

/** One finding of zod as a sentence. It never repeats the value, which may be a secret. */
function describeIssue(issue: z.core.$ZodIssue, driverInfo: DriverInfo): string {
  if (issue.code === 'unrecognized_keys') return `driver_info has no key ${quotedKeys(issue.keys)}`;
  const key = issue.path.join('.');
  return issue.code === 'invalid_type' && !(key in driverInfo)
    ? `driver_info.${key} is missing`
    : `driver_info.${key}: ${issue.message}`;
}

/** Made once for each schema: that takes a millisecond. */
const infoSchemas = new WeakMap<z.ZodType, Readonly<Record<string, unknown>>>();

/** The JSON Schema of a driver's driver_info, as agents report it. */
export function infoSchemaOf({ schema }: Driver): Readonly<Record<string, unknown>> {
  const made = infoSchemas.get(schema) ?? z.toJSONSchema(schema, { io: 'input' });
  infoSchemas.set(schema, made);
  return made;
}

/** The keys of a driver's driver_info that are secret. */
export function secretKeysOf(driver: Driver): ReadonlySet<string> {
  const properties = (infoSchemaOf(driver).properties ?? {}) as Record<string, { writeOnly?: boolean }>;
  return new Set(Object.keys(properties).filter((key) => properties[key]?.writeOnly === true));
}
