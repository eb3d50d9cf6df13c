/** What is done to a conductor in a soak: power orders at a steady pace, and plans that are cancelled. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/core/clock.ts';
import { asCountermandError } from '../../src/core/errors.ts';
import { sleep } from '../../src/core/signals.ts';
import { ActionPlanState } from '../../src/gen/countermand/v1/action_plan.ts';
import { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import type { Fleet } from '../fleet.ts';

/** Orders are given in portions, this often. */
const TICK_MS = 50;
/** How many orders may be unanswered. At more, the conductor does not keep up, and no more are given: they are counted as missed. */
const UNANSWERED = 500;

/** How the orders went. */
export interface Orders {
  readonly accepted: number;
  /** Those that were not given, because too many were unanswered. */
  readonly missed: number;
  /** What was refused, by its code: how often, and one sentence. */
  readonly refused: ReadonlyMap<string, { readonly count: number; readonly sentence: string }>;
}

/** Gives orders until `until` is over: off and on in turn, one node after the other. Resolves when all were answered. */
export async function giveOrders(
  nodes: readonly string[],
  perSecond: number,
  until: { readonly ms: number },
  { conductor, signal }: Fleet,
): Promise<Orders> {
  const refused = new Map<string, { readonly count: number; readonly sentence: string }>();
  const unanswered = new Set<Promise<void>>();
  let [accepted, missed, given] = [0, 0, 0];
  const order = async (at: number): Promise<void> => {
    const target = Math.floor(at / nodes.length) % 2 === 0 ? PowerTarget.OFF : PowerTarget.ON;
    try {
      await conductor.power.orderPowerState({ node: nodes[at % nodes.length] as string, target });
      accepted += 1;
    } catch (error) {
      const { code, message } = asCountermandError(error);
      refused.set(code, { count: (refused.get(code)?.count ?? 0) + 1, sentence: message });
    }
  };
  const begun = systemClock.monotonic();
  for (;;) {
    const passed = systemClock.monotonic() - begun;
    if (passed >= until.ms) break;
    for (const due = Math.floor((passed / 1000) * perSecond); given + missed < due; ) {
      if (unanswered.size >= UNANSWERED) {
        missed += 1;
        continue;
      }
      const answer = order(given).finally(() => unanswered.delete(answer));
      unanswered.add(answer);
      given += 1;
    }
    await sleep(TICK_MS, systemClock, signal);
  }
  await Promise.all(unanswered);
  return { accepted, missed, refused };
}

/** How the cancelled plans went. */
export interface Cancels {
  /** From each cancel to its end, in milliseconds. */
  readonly times: readonly number[];
  /** The states in which plans have come to rest that are not CANCELLED. */
  readonly others: readonly string[];
}

/** Runs one plan after the other of soft power offs that never end, and cancels each while it is under way, until `until` is over. */
export async function cancelPlans(
  nodes: readonly string[],
  until: { readonly ms: number },
  { conductor: { plans }, signal }: Fleet,
): Promise<Cancels> {
  const [times, others]: [number[], string[]] = [[], []];
  const orders = nodes.map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state: 'soft power off' },
  }));
  const waiting = nodes.map((node) => ({ name: `after ${node}`, actionType: 'nop', parents: [node] }));
  const begun = systemClock.monotonic();
  while (systemClock.monotonic() - begun < until.ms) {
    const wanted = { name: 'soak', requestId: randomUUID(), actions: [...orders, ...waiting] };
    const { actionPlan: plan, takesDown } = await plans.createActionPlan(wanted);
    const actionPlan = plan?.uuid ?? '';
    await plans.startActionPlan({ actionPlan, expectTakenDown: takesDown?.count });
    await sleep(UNDER_WAY_MS, systemClock, signal);
    const cancelled = systemClock.monotonic();
    let state: ActionPlanState | undefined;
    for await (const answer of plans.cancelActionPlan({ actionPlan })) state = answer.actionPlan?.state ?? state;
    times.push(systemClock.monotonic() - cancelled);
    if (state !== ActionPlanState.CANCELLED) others.push(String(state));
  }
  return { times, others };
}

/** Then some of its orders are at their BMCs. */
const UNDER_WAY_MS = 500;
