/** The words of the page for enums and times of the contract. */

import { targetOf, targetWord } from '../cli/shared/words.ts';
import { isAbort, TARGET_TABLE, type Target } from '../core/power.ts';
import { ActionPlanState } from '../gen/countermand/v1/action_plan.ts';
import { PowerState, type PowerTarget } from '../gen/countermand/v1/power.ts';

const LABELS: Readonly<Partial<Record<Target, string>>> = {
  rebooting: 'Reboot',
  'soft rebooting': 'Soft reboot',
  'inject nmi': 'Inject NMI',
  'abort soft rebooting': 'Abort soft reboot',
  'abort inject nmi': 'Abort NMI',
};

/** What the button of a target says. */
export function targetLabel(value: PowerTarget): string {
  const target = targetOf(value);
  if (target === null) return targetWord(value);
  return LABELS[target] ?? `${target.charAt(0).toUpperCase()}${target.slice(1)}`;
}

/** True for an order that stops or interrupts a running system: a person is asked before it is given. */
export function isDangerous(value: PowerTarget): boolean {
  const target = targetOf(value);
  return target === null || TARGET_TABLE[target].takesDown;
}

/** True for an order that ends another one: it is sent without a question. */
export function takesBack(value: PowerTarget): boolean {
  const target = targetOf(value);
  return target !== null && isAbort(target);
}

/** A day and time in the time zone of the browser; empty for none. */
export function timeWords(at: Date | undefined): string {
  return at === undefined ? '' : at.toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' });
}

/** The labels of a node: `rack=7`. */
export function labelTexts(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

/** `1 node`, `3 nodes`. */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

/** The colour of a power state, as a class. */
export const powerTone = (state: PowerState): string =>
  state === PowerState.ON ? 'good' : state === PowerState.OFF ? 'still' : 'bad';

const TONES: Readonly<Record<string, string>> = {
  SUCCEEDED: 'good',
  SKIPPED: 'good',
  FAILED: 'bad',
  ONGOING: 'busy',
  SENDING: 'busy',
  CONFIRMING: 'busy',
  CANCELLING: 'warn',
  ABORTING: 'warn',
  CANCELLED: 'warn',
  ABORTED: 'warn',
  SUSPENDED: 'warn',
};

/** The colour of the state of a task, an action, a plan or an audit, as a class. A state always stands there in words too. */
export const stateTone = (name: string): string => TONES[name] ?? 'still';

const PLAN_REST: readonly number[] = [
  ActionPlanState.SUCCEEDED,
  ActionPlanState.FAILED,
  ActionPlanState.CANCELLED,
  ActionPlanState.SUPERSEDED,
  ActionPlanState.DELETED,
];

/** True once a plan has ended. */
export const hasEnded = (state: ActionPlanState): boolean => PLAN_REST.includes(state);
