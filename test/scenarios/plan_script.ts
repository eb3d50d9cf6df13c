/** The commands of scenarios that are about plans, and how plans are told. */

import { createActionPlan } from '../../src/server/plans/create.ts';
import { previewRollback } from '../../src/server/plans/rollback_order.ts';
import type { WantedAction } from '../../src/server/plans/wanted.ts';
import { listActions } from '../../src/server/store/actions.ts';
import type { ActionPlanRow, ActionRow, FailurePolicy } from '../../src/server/store/plan_rows.ts';
import { getPlan } from '../../src/server/store/plans.ts';
import type { World } from '../world/world.ts';

/** What the commands use of the one who plays a scenario. */
export interface Playing {
  readonly world: World;
  /** The actions of the plan that is being written. */
  readonly draft: WantedAction[];
  say(line: string): void;
}

type PlanCommand = (playing: Playing, words: readonly string[]) => Promise<void> | void;

function split(words: readonly string[], keys: readonly string[]) {
  const pairs = words.map((word) => word.split('=') as [string, string]);
  const named = Object.fromEntries(pairs.filter(([key]) => keys.includes(key)));
  return { named, rest: Object.fromEntries(pairs.filter(([key]) => !keys.includes(key))) };
}

function toValue(word: string): unknown {
  if (word === 'true' || word === 'false') return word === 'true';
  return word !== '' && Number.isFinite(Number(word)) ? Number(word) : word.replaceAll('_', ' ');
}

/** The commands about plans. */
export const PLAN_COMMANDS: Readonly<Record<string, PlanCommand>> = {
  /** `action down change_node_power_state resource_id=n1 state=soft_power_off after=drain within=300`: for the next plan. */
  action: ({ draft }, [name = '', actionType = '', ...words]) => {
    const { named, rest } = split(words, ['after', 'within']);
    const inputParameters = Object.fromEntries(Object.entries(rest).map(([key, word]) => [key, toValue(word)]));
    const parents = named.after?.split(',') ?? [];
    const timeoutMs = named.within === undefined ? null : Number(named.within) * 1000;
    draft.push({ name, actionType, inputParameters, parents, timeoutMs });
  },
  /** `plan p1 max_parallel=2 canary=1 on_failure=CONTINUE id=abc`: creates a plan of the actions since the last one. */
  plan: async ({ world, draft }, [name = '', ...words]) => {
    const { named } = split(words, ['max_parallel', 'canary', 'on_failure', 'id']);
    const wanted = {
      name,
      requestId: named.id ?? world.chance.uuid(),
      maxParallel: Number(named.max_parallel ?? 0),
      canary: Number(named.canary ?? 0),
      onFailure: (named.on_failure ?? 'STOP') as FailurePolicy,
      actions: draft.splice(0),
    };
    await createActionPlan(wanted, world.conductor);
  },
  /** `start p1`, `start p1 queue`, `start p1 force`. */
  start: async ({ world }, [name = '', ...how]) => {
    await world.conductor.plans.start(name, how.includes('queue'), how.includes('force'));
  },
  /** `cancel p1`, with a reason or without; `cancel p1 rollback` goes on to undo it. */
  cancel: async ({ world, say }, [name = '', ...reason]) => {
    const rollback = reason[0] === 'rollback';
    const plan = await world.conductor.plans.cancel(name, reason.slice(rollback ? 1 : 0).join(' '), rollback);
    say(`answer: ${plan.name} ${plan.state}`);
  },
  /** `rollback p1`, `rollback p1 id=abc skip accept`: undoes it; `skip` leaves what is irreversible, `accept` takes drift. */
  rollback: async ({ world, say }, [name = '', ...words]) => {
    const { named } = split(words, ['id']);
    const requestId = named.id ?? world.chance.uuid();
    const options = { skipIrreversible: words.includes('skip'), acceptDrift: words.includes('accept') };
    const plan = await world.conductor.plans.rollback({ plan: name, requestId, ...options });
    say(`answer: ${plan.name} ${plan.state}`);
  },
  /** `preview p1`: what a rollback would do. */
  preview: async ({ world, say }, [name = '']) => {
    const { undoings, refused } = await previewRollback(name, world.conductor);
    for (const { action, undo } of undoings) {
      const drift = undo.kind === 'action' && undo.drift !== null ? `; drift: ${undo.drift}` : '';
      say(`${action.name}: ${undo.kind === 'action' ? undo.what : `${undo.kind}, ${undo.why}`}${drift}`);
    }
    if (refused) say(`refused: ${refused.message}`);
  },
  /** `delete p1`. */
  delete: async ({ world }, [name = '']) => {
    await world.conductor.plans.delete(name);
  },
  /** `show p1`: the plan and its actions as the rows have them. */
  show: async ({ world, say }, [name = '']) => {
    const { read } = world.database;
    const plan = await getPlan(name, read);
    say(planLine(plan));
    for (const action of await listActions(plan.uuid, -1, 100, read)) say(`  ${actionLine(action)}`);
  },
};

/** A plan in one line. */
export function planLine({ name, state, statusMessage }: ActionPlanRow): string {
  return `${name} ${state}${statusMessage === '' ? '' : `: ${statusMessage}`}`;
}

/** An action in one line. */
export function actionLine({ name, state, statusMessage, beforeImage }: ActionRow): string {
  const before = beforeImage === null ? '' : ` before ${JSON.stringify(beforeImage)}`;
  return `${name} ${state}${statusMessage === '' ? '' : `: ${statusMessage}`}${before}`;
}

interface WatcherData {
  readonly name: string;
  readonly state: string;
  readonly state_update?: { 'watcher_object.data': { old_state: string | null } };
  readonly fault?: { 'watcher_object.data': { exception: string } } | null;
}

/** What a notification about a plan, an action or an audit says. */
export function watcherLine(payload: Record<string, unknown>): string {
  const data = payload['watcher_object.data'] as WatcherData | undefined;
  if (data === undefined) return '';
  const old = data.state_update?.['watcher_object.data'].old_state;
  const fault = data.fault ? ` ${data.fault['watcher_object.data'].exception}` : '';
  return ` ${data.name} ${old ? `${old} -> ` : ''}${data.state}${fault}`;
}
