/** How a person sees a plan go on: live text on a terminal; elsewhere a line per change, or per tenth of a large plan. */
import {
  type Action,
  type ActionPlan,
  ActionPlanState,
  ActionState,
  WatchActionPlanResponse,
} from '../../gen/countermand/v1/action_plan.ts';
import type { Call } from '../shared/asking.ts';
import { harmless } from '../shared/harmless.ts';
import { openLiveText } from '../shared/live_text.ts';
import { actionLine, cancelLine, countsLine, endLines, liveText, planLine, planState, planTitle } from './lines.ts';
import { isRunning, neverBegan, type PlanMessage, PlanView, planHasEnded } from './view.ts';

/** In a plan with more actions than this, not each of them is told. */
const SMALL = 100;

/** The display of one plan. */
export interface PlanProgress {
  /** Shows what a message tells. */
  show(message: PlanMessage & { readonly actionPlan: ActionPlan }): void;
  /** Stops repainting. The last state of a plan that goes on stays. Must be called, whatever happens. */
  end(): void;
}

/** Lines for those who do not look at a terminal. */
interface Lines {
  /** The ends of actions that have been told. */
  readonly told: ReadonlySet<string>;
  tell(view: PlanView, changed: readonly Action[]): void;
}

function openLines({ output }: Call): Lines {
  const told = new Set<string>();
  let lastState: string | null = null;
  let tenths = 0;
  const tellPlan = (view: PlanView): void => {
    const state = planState(view.plan);
    if (lastState === null) output.say(planLine(view.plan));
    else if (state !== lastState) output.say(`${planTitle(view.plan)} ${state}`);
    if (lastState === null && view.plan.state !== ActionPlanState.CANCELLING) output.say(cancelLine(view));
    lastState = state;
  };
  const tellActions = (changed: readonly Action[]): void => {
    for (const action of changed) {
      if (action.state === ActionState.PENDING || neverBegan(action)) continue;
      output.say(actionLine(action));
      if (!isRunning(action)) told.add(action.uuid);
    }
  };
  const tellTenths = (view: PlanView): void => {
    const reached = Math.floor((view.ended * 10) / view.plan.size);
    if (reached > tenths) output.say(countsLine(view));
    tenths = Math.max(tenths, reached);
  };
  return {
    told,
    tell(view, changed) {
      tellPlan(view);
      if (view.plan.size <= SMALL) tellActions(changed);
      else tellTenths(view);
    },
  };
}

/** Opens the display. With --json each message is a line of JSON. */
export async function openPlanProgress(call: Call): Promise<PlanProgress> {
  const { output, clock } = call;
  const live = output.live ? await openLiveText(call) : null;
  const lines = openLines(call);
  let view: PlanView | null = null;
  let ended = false;
  const showView = (known: PlanView, changed: readonly Action[]): void => {
    if (!known.isComplete) live?.show(() => harmless(`reading the plan: ${known.known} of ${known.plan.size} actions`));
    else if (planHasEnded(known.plan)) {
      ended = true;
      live?.end();
      for (const text of endLines(known, lines.told, call.command)) output.say(text);
    } else if (live) live.show(() => harmless(liveText(known, clock.now(), call.stdout.rows)));
    else lines.tell(known, changed);
  };
  return {
    show(message) {
      if (output.json) return output.message(WatchActionPlanResponse, messageOf(message), () => '');
      view ??= new PlanView(message.actionPlan);
      const changed = view.take(message);
      if (!ended) showView(view, changed);
    },
    end: () => live?.stay(),
  };
}

const messageOf = ({ actionPlan, actions = [] }: PlanMessage) => ({ actionPlan, actions: [...actions] });
