/**
 * Power states and targets: Ironic's words, and what each target goes through.
 *
 * power state  what a node is
 * target       what an order asks for, or which order the task aborts
 * phase        one half of a power task: one command, one state to wait for
 *
 * Everything here is data and pure functions; conductor, agent and drivers read the same rows.
 */

/** What a node can be. Unknown is null. `error` stands from an abort until the next good reading. */
export const POWER_STATES = ['power on', 'power off', 'error'] as const;
export type PowerState = (typeof POWER_STATES)[number];

/** What hardware can answer. */
export type OnOff = 'power on' | 'power off';

/** The nine targets, by Ironic's names. */
export const TARGETS = [
  'power on',
  'power off',
  'rebooting',
  'soft rebooting',
  'soft power off',
  'inject nmi',
  'abort soft rebooting',
  'abort soft power off',
  'abort inject nmi',
] as const;
export type Target = (typeof TARGETS)[number];

/** A target that aborts another. */
export type AbortTarget = 'abort soft rebooting' | 'abort soft power off' | 'abort inject nmi';
/** A target that changes hardware. */
export type OrderTarget = Exclude<Target, AbortTarget>;

/** How far an order can be taken back (the column "can it be recalled" of the table of targets), and what is said of it. */
export const RECALL_WORDS = {
  IRREVOCABLE_ONCE_SENT: 'cannot be taken back once sent',
  STOP_WAITING_ONLY: 'cannot be taken back; an abort only stops the waiting',
  BY_HARDWARE: 'can be taken back while the host still runs',
} as const;
export type Recall = keyof typeof RECALL_WORDS;

/** What the hardware of one node can do beside its targets. */
export interface NodeTraits {
  /** The orders that it can take back. */
  readonly recalls: readonly Target[];
  /** It does a soft reboot on one command; otherwise the conductor orders a soft power off, then a power on. */
  readonly softRebootInOneCommand: boolean;
}

/** The phases of a power task. */
export const PHASES = ['WHOLE', 'DOWN', 'FORCED_DOWN', 'UP'] as const;
export type Phase = (typeof PHASES)[number];

/** The names of the power states in the proto enum, without prefix. */
export const POWER_STATE_NAMES: Readonly<Record<PowerState, 'ON' | 'OFF' | 'ERROR'>> = {
  'power on': 'ON',
  'power off': 'OFF',
  error: 'ERROR',
};

/** The names of the targets in the proto enum, without prefix. */
export type TargetName =
  | 'ON'
  | 'OFF'
  | 'REBOOT'
  | 'SOFT_REBOOT'
  | 'SOFT_POWER_OFF'
  | 'INJECT_NMI'
  | 'ABORT_SOFT_REBOOT'
  | 'ABORT_SOFT_POWER_OFF'
  | 'ABORT_INJECT_NMI';

/** One row per target: its names and what can be said of it beforehand. */
interface TargetRow {
  /** Its name in the proto enum, without prefix. */
  readonly name: TargetName;
  /** Its word on the command line. */
  readonly word: string;
  /** The state in which an order settles; null for aborts. */
  readonly settlesIn: OnOff | null;
  /** Sending it twice is the same as sending it once. */
  readonly idempotent: boolean;
  /** How an operating system takes it: a soft target may take minutes and can hang. */
  readonly soft: boolean;
  /** It stops or interrupts an operating system that runs, for good or for a moment. */
  readonly takesDown: boolean;
  /** For an abort, what it aborts. */
  readonly aborts: OrderTarget | null;
  /** What it does, for people. */
  readonly meaning: string;
}

const order = (name: TargetName, word: string, settlesIn: OnOff, meaning: string, flags: Partial<TargetRow> = {}) => ({
  name,
  word,
  settlesIn,
  idempotent: false,
  soft: false,
  takesDown: true,
  aborts: null,
  meaning,
  ...flags,
});
const abort = (name: TargetName, word: string, aborts: OrderTarget, meaning: string) => ({
  name,
  word,
  settlesIn: null,
  idempotent: true,
  soft: false,
  takesDown: false,
  aborts,
  meaning,
});

/** The table of targets. */
export const TARGET_TABLE: Readonly<Record<Target, TargetRow>> = {
  'power on': order('ON', 'on', 'power on', 'power the node on', { idempotent: true, takesDown: false }),
  'power off': order('OFF', 'off', 'power off', 'power the node off, hard', { idempotent: true }),
  rebooting: order('REBOOT', 'reboot', 'power on', 'reset the node, hard; a node that is off is powered on'),
  'soft rebooting': order(
    'SOFT_REBOOT',
    'soft_reboot',
    'power on',
    'ask the operating system to stop, then start the node again',
    { soft: true },
  ),
  'soft power off': order('SOFT_POWER_OFF', 'soft_off', 'power off', 'ask the operating system to stop', {
    soft: true,
  }),
  'inject nmi': order(
    'INJECT_NMI',
    'inject_nmi',
    'power on',
    'interrupt the processor, usually to make it write a dump',
  ),
  'abort soft rebooting': abort('ABORT_SOFT_REBOOT', 'abort_soft_reboot', 'soft rebooting', 'abort a soft reboot'),
  'abort soft power off': abort('ABORT_SOFT_POWER_OFF', 'abort_soft_off', 'soft power off', 'abort a soft power off'),
  'abort inject nmi': abort('ABORT_INJECT_NMI', 'abort_inject_nmi', 'inject nmi', 'abort an NMI that has not settled'),
};

/** True for the three targets that abort another. */
export function isAbort(target: Target): target is AbortTarget {
  return TARGET_TABLE[target].aborts !== null;
}

/** The order that a target is, or that it aborts. */
export function orderOf(target: Target): OrderTarget {
  return TARGET_TABLE[target].aborts ?? (target as OrderTarget);
}

/** The abort target that aborts `target`, or null if it cannot be aborted once sent. */
export function abortTargetOf(target: Target): AbortTarget | null {
  return (TARGETS.find((candidate) => TARGET_TABLE[candidate].aborts === target) as AbortTarget) ?? null;
}

/** The target of a command-line word, a field name or an enum name; null if there is none. */
export function findTarget(word: string): Target | null {
  return (
    TARGETS.find((target) => [target, TARGET_TABLE[target].word, TARGET_TABLE[target].name].includes(word)) ?? null
  );
}

/**
 * How far an order can be taken back on hardware that takes back `recalls`.
 * NMI never can; soft targets by driver; hard targets not once they are sent.
 */
export function recallOf(target: Target, recalls: readonly Target[]): Recall {
  if (abortTargetOf(target) === null) return 'IRREVOCABLE_ONCE_SENT';
  return recalls.includes(target) ? 'BY_HARDWARE' : 'STOP_WAITING_ONLY';
}

/** The phase in which a task of this target begins. */
export function firstPhase(target: Target): Phase {
  return TARGET_TABLE[target].soft ? 'DOWN' : 'WHOLE';
}

/**
 * What the node shows as `target_power_state` while a task of this target is in this phase. This is the key of the
 * abort table: a soft target shows `soft power off` only while it can be aborted.
 */
export function shownTarget(target: Target, phase: Phase): Target {
  if (phase === 'DOWN') return 'soft power off';
  if (phase === 'FORCED_DOWN') return 'power off';
  if (phase === 'UP' || target === 'rebooting') return 'power on';
  return target;
}

/** True if the command of this phase may be sent again after an unknown outcome. */
export function isIdempotent(target: Target, phase: Phase): boolean {
  return phase === 'FORCED_DOWN' || phase === 'UP' || (phase === 'WHOLE' && TARGET_TABLE[target].idempotent);
}

/** What a BMC may know of the operating system, beyond on and off. */
export type Host = 'running' | 'stopping' | 'starting';

/** One look at the hardware. `host` is absent where the BMC has no view of the operating system. */
export interface Reading {
  readonly powerState: OnOff;
  readonly host?: Host | undefined;
  /** How often the host has started, where the BMC counts it: it shows a restart that no poll has seen. */
  readonly boots?: number | undefined;
  /** The GUID of the server that was read, where the BMC has one that proves something (`guid.ts`). */
  readonly guid?: string | undefined;
  /** Where what was read really is: resolved address and port of the BMC, and which server it is if the BMC has several. */
  readonly place?: string | undefined;
  /**
   * When it was taken: at the agent by its clock that never jumps, at the conductor in milliseconds since 1970. Drivers leave
   * it out; the agent notes it.
   */
  readonly readAt?: number | undefined;
  /** How often the BMC has lost a session of ours, where sessions are kept. One that has may have started anew. */
  readonly sessionsLost?: number | undefined;
  /**
   * The BMC was away, and this is not confirmed yet: it may say what is not so for a while. Nothing ends because of it. `before` is
   * what the BMC last said for certain.
   */
  readonly doubt?: { readonly before: OnOff | null } | undefined;
}

/** What a reading means for a phase: it has been reached, or not yet. */
interface Seen {
  readonly reading: Reading;
  /** The host was seen down or restarting since the order was sent. */
  readonly seenDown: boolean;
}

/** The state in which a phase ends. */
export function phaseSettlesIn(target: Target, phase: Phase): OnOff {
  if (phase === 'UP') return 'power on';
  if (phase === 'DOWN' || phase === 'FORCED_DOWN') return 'power off';
  return TARGET_TABLE[target].settlesIn ?? 'power on';
}

/** True if the host is on its way out of the power state that the reading shows. Such a state is never one that was reached. */
export function isLeaving({ powerState, host }: Reading): boolean {
  return host === (powerState === 'power on' ? 'stopping' : 'starting');
}

/** True if a node that reads so before an order has nothing to be ordered to. A reboot and an NMI always have. */
export function isAlreadyThere(target: OrderTarget, before: Reading): boolean {
  if (before.doubt) return false;
  const { settlesIn, idempotent } = TARGET_TABLE[target];
  if (!idempotent && target !== 'soft power off') return false;
  return before.powerState === settlesIn && !isLeaving(before);
}

/**
 * True if the command of a phase would be void now, because the host is on its way to where the command is needed: a power on
 * waits until the host has stopped, and a soft power off until it has started. A hard power off ends what is starting.
 */
export function mustWait(target: Target, phase: Phase, before: Reading): boolean {
  if (!isLeaving(before)) return false;
  if (target === 'power on' || phase === 'UP') return before.powerState === 'power on';
  return target === 'soft power off' && phase === 'DOWN' && before.powerState === 'power off';
}

/**
 * True if an order has to wait until a doubtful reading is confirmed: as it would end the order, or be its before-image. One that
 * says on, as before the BMC was away, is no news.
 * @param first nothing was sent yet
 */
export function mustConfirm(target: Target, phase: Phase, before: Reading, first: boolean): boolean {
  const { doubt, ...said } = before;
  if (doubt === undefined) return false;
  const ends = isIdempotent(target, phase) || target === 'soft power off';
  if (ends && isReached(target, phase, { reading: said, seenDown: false })) return true;
  return first && (said.powerState === 'power off' || doubt.before !== said.powerState);
}

/**
 * True if the command of an idempotent phase was sent to a host in transition, which has ended in the other state: the
 * command was lost on it and has to be sent again.
 */
export function wasOvertaken(target: Target, phase: Phase, before: Reading | null, seen: Reading): boolean {
  if (before === null || !isIdempotent(target, phase) || !isLeaving(before) || isLeaving(seen) || seen.doubt)
    return false;
  return seen.powerState !== phaseSettlesIn(target, phase);
}

/**
 * True if the reading shows that a sent phase has settled. A doubtful one shows nothing. A host that is still on its way out of the state has not. One that
 * is on and starts has: servers test themselves for minutes, and `power on` promises no operating system. An NMI is over when
 * the host runs.
 */
export function isReached(target: Target, phase: Phase, seen: Seen): boolean {
  const { reading } = seen;
  if (reading.doubt) return false;
  // A soft reboot only goes down on its way up again: whatever is off, or was, will do.
  if (target === 'soft rebooting' && phase !== 'UP')
    return reading.powerState === 'power off' || (phase === 'DOWN' && seen.seenDown);
  if (reading.powerState !== phaseSettlesIn(target, phase) || isLeaving(reading)) return false;
  return target !== 'inject nmi' || reading.host !== 'starting';
}

/**
 * True if a reading shows that the host went down, or restarted, after the reading `before`. With the reading that came last
 * before this one, a restart between the two is seen as well: an operating system that was stopping runs again only so.
 */
export function showsDown(reading: Reading, before: Reading | null, last: Reading | null): boolean {
  if (reading.doubt) return false;
  if (reading.powerState === 'power off' || reading.host === 'starting') return true;
  if (last?.host === 'stopping' && !last.doubt && reading.host === 'running') return true;
  return before?.boots !== undefined && reading.boots !== undefined && reading.boots > before.boots;
}
