/**
 * Which orders are possible, as data. The API answers them as `Possible`; each client words them for its own people. The
 * sentences of errors name them in words of the API.
 */
import type { AbortTarget, Target } from './power.ts';

/** The RPCs that an answer can name as possible. */
export type PossibleVerb =
  | 'SET_POWER_STATE'
  | 'WITHDRAW_POWER_TASK'
  | 'START_ACTION_PLAN'
  | 'CANCEL_ACTION_PLAN'
  | 'ROLLBACK_ACTION_PLAN'
  | 'PREVIEW_ROLLBACK'
  | 'WATCH_ACTION_PLAN'
  | 'DELETE_ACTION_PLAN'
  | 'APPROVE_ACTION_PLAN'
  | 'REJECT_ACTION_PLAN'
  | 'SUSPEND_AUDIT'
  | 'RESUME_AUDIT'
  | 'CANCEL_AUDIT'
  | 'DELETE_AUDIT'
  | 'ACCEPT_NODE';

/** The flags of a request without which the order would be refused, by their names in the API. */
export const POSSIBLE_FLAGS = [
  'stopWaiting',
  'queue',
  'force',
  'rollback',
  'skipIrreversible',
  'acceptDrift',
] as const satisfies readonly string[];

export type PossibleFlag = (typeof POSSIBLE_FLAGS)[number];

/** An order that would be accepted now. */
export interface Possible extends Readonly<Partial<Record<PossibleFlag, boolean>>> {
  readonly verb: PossibleVerb;
  /** What it is about: the name of a node, the uuid of anything else. */
  readonly resource: string;
  /** Of SET_POWER_STATE: the target to order. */
  readonly target?: Target;
  /** Of SET_POWER_STATE with an abort: the power task that it aborts. */
  readonly abortsTaskUuid?: string;
}

/** An abort that would be accepted. */
export function possibleAbort(
  task: { readonly uuid: string; readonly nodeName: string },
  target: AbortTarget,
): Possible {
  return { verb: 'SET_POWER_STATE', resource: task.nodeName, target, abortsTaskUuid: task.uuid };
}

const VERB_WORDS: Readonly<Record<PossibleVerb, string>> = {
  SET_POWER_STATE: 'order',
  WITHDRAW_POWER_TASK: 'withdraw it',
  START_ACTION_PLAN: 'start it',
  CANCEL_ACTION_PLAN: 'cancel it',
  ROLLBACK_ACTION_PLAN: 'roll it back',
  PREVIEW_ROLLBACK: 'preview its rollback',
  WATCH_ACTION_PLAN: 'watch it',
  DELETE_ACTION_PLAN: 'delete it',
  APPROVE_ACTION_PLAN: 'approve it',
  REJECT_ACTION_PLAN: 'reject it',
  SUSPEND_AUDIT: 'suspend it',
  RESUME_AUDIT: 'resume it',
  CANCEL_AUDIT: 'cancel it',
  DELETE_AUDIT: 'delete it',
  ACCEPT_NODE: 'accept it',
};

/** A flag as the API writes it: skip_irreversible. */
export const flagName = (flag: PossibleFlag): string => flag.replaceAll(/[A-Z]/g, (big) => `_${big.toLowerCase()}`);

/** One order in words of the API, for the sentence of an error: "start it with queue", "abort soft power off". */
function wordsOf(possible: Possible): string {
  const flags = POSSIBLE_FLAGS.filter((flag) => possible[flag] === true).map(flagName);
  const order = possible.target ?? VERB_WORDS[possible.verb];
  return flags.length === 0 ? order : `${order} with ${flags.join(' and ')}`;
}

/** What is possible with the thing that a sentence is about, as its end: "possible: cancel it, delete it". */
export function possibleWords(
  possible: readonly Possible[],
  instead: Partial<Record<PossibleVerb, string>> = {},
): string {
  return `possible: ${possible.map((each) => instead[each.verb] ?? wordsOf(each)).join(', ')}`;
}
