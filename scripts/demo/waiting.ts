/** What the demo waits for. */
import type { Client } from '../../src/cli/shared/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openCancellation } from '../../src/core/signals.ts';
import type { Action, ActionPlan } from '../../src/gen/countermand/v1/action_plan.ts';
import type { Node } from '../../src/gen/countermand/v1/node.ts';
import { PowerTaskState } from '../../src/gen/countermand/v1/power.ts';

/** Ends a hang. */
const PATIENCE_MS = 300_000;

/** @throws an Error with one sentence unless it has happened */
export function expect(happened: boolean, otherwise: string): asserts happened {
  if (!happened) throw new Error(otherwise);
}

/** Waits until a node is as `so` says. @throws an Error that says what did not come */
export async function untilNode(
  name: string,
  so: (node: Node) => boolean,
  what: string,
  { nodes }: Client,
  signal: AbortSignal,
): Promise<Node> {
  const cancellation = openCancellation([signal], { clock: systemClock, afterMs: PATIENCE_MS, what });
  try {
    for await (const { node } of nodes.watchNodes({ nodes: [name] }, { signal: cancellation.signal }))
      if (node && so(node)) return node;
    throw new Error(`the conductor stopped telling about ${name}`);
  } finally {
    cancellation.end();
  }
}

/** Waits until the order of a power task was sent and its end is awaited. */
export async function untilConfirming(uuid: string, { power }: Client, signal: AbortSignal): Promise<void> {
  const cancellation = openCancellation([signal], {
    clock: systemClock,
    afterMs: PATIENCE_MS,
    what: `sending power task ${uuid}`,
  });
  try {
    for await (const { task } of power.watchPowerTask({ task: uuid }, { signal: cancellation.signal }))
      if (task?.state === PowerTaskState.CONFIRMING) return;
    throw new Error(`power task ${uuid} ended before it could be watched`);
  } finally {
    cancellation.end();
  }
}

/** Waits until there is, or was, an event of this type. */
export async function untilEvent(type: string, { notifications }: Client, signal: AbortSignal): Promise<void> {
  const cancellation = openCancellation([signal], {
    clock: systemClock,
    afterMs: PATIENCE_MS,
    what: `waiting for ${type}`,
  });
  try {
    const request = { fromSequence: 1n, eventTypes: [type] };
    for await (const _ of notifications.subscribe(request, { signal: cancellation.signal })) return;
    throw new Error(`the conductor stopped telling events before ${type}`);
  } finally {
    cancellation.end();
  }
}

/** Waits until a plan, with all its actions by name, is as `so` says. @throws an Error that says what did not come */
export async function untilPlan(
  name: string,
  so: (plan: ActionPlan, actions: ReadonlyMap<string, Action>) => boolean,
  what: string,
  { plans }: Client,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Action>> {
  const cancellation = openCancellation([signal], { clock: systemClock, afterMs: PATIENCE_MS, what });
  const actions = new Map<string, Action>();
  try {
    for await (const message of plans.watchActionPlan({ actionPlan: name }, { signal: cancellation.signal })) {
      for (const action of message.actions) actions.set(action.name, action);
      if (message.actionPlan && so(message.actionPlan, actions)) return actions;
    }
    throw new Error(`plan '${name}' ended before ${what}`);
  } finally {
    cancellation.end();
  }
}
