/** The verbs that the actions of a plan need, over the nodes that they are about. */
import { isAbort, type OrderTarget, type Target } from '../../core/power.ts';
import type { Verb } from '../access/verbs.ts';
import { parseParameters } from '../plans/actions/action_type.ts';
import { findActionType } from '../plans/actions/list.ts';
import type { Step } from '../plans/takes_down.ts';

const VERB_OF_TARGET = {
  'power on': 'power.on',
  'power off': 'power.off',
  rebooting: 'power.reboot',
  'soft rebooting': 'power.soft_reboot',
  'soft power off': 'power.soft_off',
  'inject nmi': 'power.inject_nmi',
} as const satisfies Record<OrderTarget, Verb>;

/** The verbs of all orders, aborts included. */
export const ORDER_VERBS: readonly Verb[] = [...Object.values(VERB_OF_TARGET), 'power.abort'];

/** All that an action of a plan can need. */
export const ACTION_VERBS: readonly Verb[] = [...Object.values(VERB_OF_TARGET), 'node.maintenance'];

/** The verbs of an order. A soft one that becomes hard when it times out needs what it becomes as well. */
export function verbsOfOrder(target: Target, forced: boolean): readonly Verb[] {
  if (isAbort(target)) return ['power.abort'];
  const verb = VERB_OF_TARGET[target as OrderTarget];
  return forced ? [verb, 'power.off'] : [verb];
}

/** The verbs of an action. */
function verbsOfStep({ actionType, inputParameters }: Step): readonly Verb[] {
  const type = findActionType(actionType);
  // What this version does not know, it does not run either.
  if (!type) return ACTION_VERBS;
  const parameters = parseParameters(type, inputParameters, actionType);
  const order = type.orders(parameters);
  if (order) return verbsOfOrder(order.target, order.forced);
  return type.nodeOf(parameters) === null ? [] : ['node.maintenance'];
}

/** What may undo each order: a power on is undone softly where the hardware can. A reset and an NMI are undone by nothing. */
const UNDONE_BY: Readonly<Partial<Record<Verb, readonly Verb[]>>> = {
  'power.on': ['power.soft_off', 'power.off'],
  'power.off': ['power.on'],
  'power.soft_off': ['power.on'],
  'node.maintenance': ['node.maintenance'],
};

/** The verbs of whatever may undo an action. */
export const undoVerbsOfStep = (step: Step): readonly Verb[] =>
  verbsOfStep(step).flatMap((verb) => UNDONE_BY[verb] ?? []);

/** The verbs of an action that is run. @param undoes it may be undone without being asked again */
export const verbsOfRun = (step: Step, undoes: boolean): readonly Verb[] =>
  undoes ? [...verbsOfStep(step), 'plan.rollback', ...undoVerbsOfStep(step)] : verbsOfStep(step);
