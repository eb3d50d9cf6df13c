/** Orders that are about several nodes: one action plan with an action for each, as the command line makes it. */

import { targetOf } from '../cli/shared/words.ts';
import { nodesInWords } from '../core/folded_names.ts';
import { TARGET_TABLE } from '../core/power.ts';
import { type CreateActionPlanRequest, FailurePolicy } from '../gen/countermand/v1/action_plan.ts';
import type { PowerTarget } from '../gen/countermand/v1/power.ts';

const NAME_LIMIT = 255;

/** The plan of one order for these nodes. */
export function planFor(nodes: readonly string[], value: PowerTarget, requestId: string): CreateActionPlanRequest {
  const target = targetOf(value);
  const word = target === null ? '' : TARGET_TABLE[target].word;
  return {
    name: `${word} ${nodesInWords(nodes)}`.slice(0, NAME_LIMIT),
    reason: '',
    uuid: '',
    actions: nodes.map((node) => ({
      name: node,
      actionType: 'change_node_power_state',
      inputParameters: { resource_id: node, state: target },
      parents: [],
    })),
    scope: [],
    maxParallel: 0,
    canary: 0,
    onFailure: FailurePolicy.STOP,
    requestId,
    start: false,
    queue: false,
  };
}

/** The number that a person has to type before an order: where more running nodes go down than one look confirms. */
export function typedNumber(
  takesDown: { readonly count: number; readonly confirmAbove: number } | undefined,
): number | undefined {
  return takesDown !== undefined && takesDown.count > takesDown.confirmAbove ? takesDown.count : undefined;
}

/** Does something for each of many, a few at a time: a browser has six connections to one origin. */
export async function forEach<T>(things: readonly T[], work: (thing: T) => Promise<void>, atOnce = 3): Promise<void> {
  const left = [...things].values();
  const worker = async (): Promise<void> => {
    for (const thing of left) await work(thing);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
