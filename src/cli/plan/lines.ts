/** A plan and its actions in sentences, each on one line, and what its end means for the exit code. */
import { type CountermandError, fail, isErrorCode } from '../../core/errors.ts';
import { abortTargetOf, findTarget, TARGET_TABLE } from '../../core/power.ts';
import {
  type Action,
  type ActionPlan,
  ActionPlanState,
  ActionState,
  ApprovalState,
} from '../../gen/countermand/v1/action_plan.ts';
import { oneLine } from '../shared/harmless.ts';
import { line } from '../shared/lines.ts';
import { shortId } from '../shared/short_ids.ts';
import { enumName, firstNames, spanWords } from '../shared/words.ts';
import { firstOf, neverBegan, type PlanView } from './view.ts';

/** How many actions are named in a list of a line or a screen. */
const NAMED = 4;
/** How many lines tell at the end which actions did not succeed. */
const ENDS_SHOWN = 20;

const textOf = (value: unknown): string => (value === undefined ? '' : String(value));

/** What an action does, by its parameters. */
export function actionWords({ actionType, inputParameters = {} }: Action): string {
  const { resource_id: node, state, maintenance, duration, instance } = inputParameters;
  if (actionType === 'change_node_power_state') return `${node} ${findTarget(textOf(state)) ?? textOf(state)}`;
  if (actionType === 'set_node_maintenance') return `${node} maintenance ${maintenance ? 'on' : 'off'}`;
  if (actionType === 'change_compute_service_state') return `${node} compute service ${textOf(state)}`;
  if (instance !== undefined) return `${node} ${actionType} ${textOf(instance)}`;
  if (actionType === 'sleep') return `sleep ${textOf(duration)} s`;
  return actionType;
}

/** An action by its name and what it does; a name that says the node already is not repeated. */
function actionTitle(action: Action): string {
  const words = actionWords(action);
  const rest = words.startsWith(`${action.name} `) ? words.slice(action.name.length + 1) : words;
  return oneLine(`${action.name}: ${rest}`);
}

/** A plan by its name. */
export const planTitle = ({ name }: ActionPlan): string => oneLine(`plan '${name}'`);

/** The name of a plan's state. */
export const planState = ({ state }: ActionPlan): string => enumName(ActionPlanState, state);

/** True for a plan that waits for a second person. */
export const waitsForApproval = ({ state, approval }: ActionPlan): boolean =>
  state === ActionPlanState.PENDING && approval?.state === ApprovalState.WANTED;

/** The first line: the plan, and how it will be run. */
export function planLine(plan: ActionPlan): string {
  const { size, maxParallel, canary, uuid } = plan;
  return line(
    `${planTitle(plan)} (${shortId(uuid)}) ${planState(plan)}`,
    `${size} ${size === 1 ? 'action' : 'actions'}, at most ${maxParallel} at once`,
    canary > 0 && `the first ${canary} must succeed before the others begin`,
    waitsForApproval(plan) && plan.statusMessage,
  );
}

/** One change of an action, for those who do not look at a terminal. */
export function actionLine(action: Action): string {
  const { startedAt, endedAt, errorMessage, statusMessage } = action;
  const took = startedAt && endedAt ? ` after ${spanWords(endedAt.getTime() - startedAt.getTime())}` : '';
  return line(`${actionTitle(action)} ${enumName(ActionState, action.state)}${took}`, errorMessage || statusMessage);
}

/** How many actions are where. */
export function countsLine(view: PlanView): string {
  const { plan, done, running, known } = view;
  const parts: (readonly [number, string])[] = [
    [running, plan.state === ActionPlanState.CANCELLING ? 'are being taken back' : 'run'],
    [view.count(ActionState.PENDING), 'wait'],
    [view.count(ActionState.FAILED), 'failed'],
    [view.count(ActionState.CANCELLED) - view.neverBegan, 'cancelled'],
    [view.neverBegan, 'never begun'],
  ];
  const others = parts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  return [`${done} of ${Math.max(plan.size, known)} done`, ...others].join(', ');
}

/** What a cancel would do now. */
export function cancelLine(view: PlanView): string {
  const running = new Map<string, number>();
  for (const action of view.runningActions()) {
    const kind = takingBackWords(action);
    running.set(kind, (running.get(kind) ?? 0) + 1);
  }
  const waiting = view.count(ActionState.PENDING);
  const parts = [
    ...[...running].map(([kind, count]) => kind.replace('N', String(count))),
    waiting > 0 && `never begin ${waiting}`,
    view.done > 0 && `leave ${view.done} that are done`,
  ].filter((part) => part !== false);
  return `a cancel would ${parts.join('; ') || 'change no action'}`;
}

/** What a cancel does to an action that runs; N stands for how many there are of it. */
function takingBackWords({ actionType, inputParameters }: Action): string {
  const target = actionType === 'change_node_power_state' ? findTarget(textOf(inputParameters?.state)) : null;
  if (target === null) return `stop N × ${actionType}`;
  if (abortTargetOf(target) === null) return `wait for N × ${target}, which cannot be taken back once sent`;
  if (!TARGET_TABLE[target].soft) return `stop waiting for N × ${target}, which cannot be taken back`;
  return `abort N × ${target}: taken back if its BMC can, else only no longer waited for`;
}

/** What an action that has not begun waits for. */
function waitingWords(action: Action, view: PlanView): string {
  const missing = view.missingParents(action);
  const names = missing.slice(0, NAMED).map(({ name }) => name);
  if (names.length > 0) return firstNames(names, NAMED, missing.length);
  const { canary, maxParallel } = view.plan;
  if (view.done < canary && view.done + view.running >= canary) return `the first ${canary} to succeed`;
  return view.running >= maxParallel ? `room: at most ${maxParallel} run at once` : 'its turn';
}

/** Rows beside those that name actions: the head, what a cancel does, two times how many more there are, and the prompt. */
const OTHER_ROWS = 5;
/** A terminal whose size is not known. */
const USUAL_ROWS = 2 * NAMED + OTHER_ROWS;

/** How many running and how many waiting actions are named: as many as the terminal has rows for. */
function shareOf(view: PlanView, rows: number): { readonly running: number; readonly waiting: number } {
  const free = Math.max(2, rows - OTHER_ROWS);
  const waiting = Math.min(view.count(ActionState.PENDING), Math.floor(free / 2));
  return { running: free - waiting, waiting: Math.max(waiting, free - view.running) };
}

/** `62%, about 3m left`: measured by the actions that have ended; empty before the first has. */
function partWords(view: PlanView, nowMs: number): string {
  const { plan, ended } = view;
  if (ended === 0 || plan.launchedAt === undefined || plan.state !== ActionPlanState.ONGOING) return '';
  const leftMs = ((nowMs - plan.launchedAt.getTime()) / ended) * (plan.size - ended);
  return `${Math.floor((ended * 100) / plan.size)}%, about ${spanWords(leftMs)} left`;
}

/**
 * What goes on, for a text that is written over again and again: as many lines as the terminal has rows, however large the plan is.
 */
export function liveText(view: PlanView, nowMs: number, rows = USUAL_ROWS): string {
  const { plan } = view;
  const since = plan.launchedAt ?? plan.startedAt ?? plan.createdAt;
  const head = `${planTitle(plan)} ${planState(plan)}${since ? ` ${spanWords(nowMs - since.getTime())}` : ''}`;
  const deadline = plan.cancelDeadlineAt?.getTime();
  const now: Partial<Record<ActionPlanState, string>> = {
    [ActionPlanState.RECOMMENDED]: `it waits to be started: plan start ${shortId(plan.uuid)}`,
    [ActionPlanState.PENDING]: waitsForApproval(plan)
      ? `it ${oneLine(plan.statusMessage)}: plan approve ${shortId(plan.uuid)}`
      : 'it waits for its turn: other plans run on its nodes, or a freeze holds one of them',
    [ActionPlanState.CANCELLING]: `what cannot be taken back is given up in ${spanWords((deadline ?? nowMs) - nowMs)}`,
  };
  const share = shareOf(view, rows);
  const actions = plan.state === ActionPlanState.ONGOING || plan.state === ActionPlanState.CANCELLING;
  return [
    line(head, partWords(view, nowMs), countsLine(view)),
    ...(actions ? [...runningLines(view, nowMs, share.running), ...waitingLines(view, share.waiting)] : []),
    `  ${now[plan.state] ?? cancelLine(view)}`,
  ].join('\n');
}

function runningLines(view: PlanView, nowMs: number, limit: number): string[] {
  const { first, more } = firstOf(view.runningActions(), limit, view.running);
  const lines = first.map((action) => {
    const since = action.startedAt ? ` for ${spanWords(nowMs - action.startedAt.getTime())}` : '';
    const verb = action.state === ActionState.CANCELLING ? 'takes back' : 'runs';
    return `  ${verb.padEnd(10)} ${actionTitle(action)}${since}`;
  });
  return more > 0 ? [...lines, `${' '.repeat(13)}and ${more} more`] : lines;
}

function waitingLines(view: PlanView, limit: number): string[] {
  const { first, more } = firstOf(view.waitingActions(), limit, view.count(ActionState.PENDING));
  const lines = first.map(
    (action) => `  waits      ${actionTitle(action)}; for ${oneLine(waitingWords(action, view))}`,
  );
  return more > 0 ? [...lines, `${' '.repeat(13)}and ${more} more`] : lines;
}

/**
 * Which actions did not do what they should, but for those that were told, and how the plan ended. `command` is the
 * beginning of a command to paste.
 */
export function endLines(view: PlanView, told: ReadonlySet<string>, command: string): string[] {
  const { plan } = view;
  const untold = [...worstFirst(view)].filter(({ uuid }) => !told.has(uuid));
  const { first, more } = firstOf(untold, ENDS_SHOWN, untold.length);
  const { launchedAt, endedAt } = plan;
  const took = launchedAt && endedAt ? ` after ${spanWords(endedAt.getTime() - launchedAt.getTime())}` : '';
  return [
    ...first.map(actionLine),
    ...(more > 0 ? [`and ${more} more; ${command} plan show ${shortId(plan.uuid)}`] : []),
    line(`${planTitle(plan)} ${planState(plan)}${took}`, countsLine(view)),
  ];
}

/** What failed, then what was taken back, then what never began. */
function* worstFirst(view: PlanView): Generator<Action> {
  for (const action of view.actions()) if (action.state === ActionState.FAILED) yield action;
  for (const action of view.actions()) if (action.state === ActionState.CANCELLED && !neverBegan(action)) yield action;
  for (const action of view.actions()) if (neverBegan(action)) yield action;
}

/** The error that a plan at rest ends its command with; null if it did what was asked, which may be to be cancelled. */
export function planFailure(plan: ActionPlan, cancels: boolean): CountermandError | null {
  const { state, errorCode, errorMessage, statusMessage } = plan;
  const { SUCCEEDED, FAILED, CANCELLED } = ActionPlanState;
  const sentence = (text: string): string => line(`${planTitle(plan)} ${planState(plan)}`, text);
  if (state === SUCCEEDED || (state === CANCELLED && cancels)) return null;
  if (state === CANCELLED) return fail('ACTION_PLAN_CANCELLED', sentence(statusMessage));
  if (state === FAILED) return fail(isErrorCode(errorCode) ? errorCode : 'ACTION_FAILED', sentence(errorMessage));
  return fail('ACTION_PLAN_STATE', sentence(statusMessage));
}
