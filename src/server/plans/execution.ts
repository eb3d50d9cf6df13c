/** One execution of one action: begun, or gone on with after a crash; taken back on demand; told when it has ended. */
import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import { type Cancellation, onAbort, openCancellation, sleep, untilAborted } from '../../core/signals.ts';
import type { ActionEvent, ActionState } from '../../core/states.ts';
import { RETRY_MS } from '../retry.ts';
import { isStorageFailure } from '../store/failures.ts';
import type { ActionPlanRow, ActionRow } from '../store/plan_rows.ts';
import { type ActionContext, type ActionType, type End, parseParameters, type Result } from './actions/action_type.ts';
import { findActionType } from './actions/list.ts';
import type { PlanParts } from './parts.ts';
import type { ActionMove } from './transition.ts';

/** An execution that has ended, and its outcome. Nothing of this is written yet. */
export interface Ended {
  readonly uuid: string;
  /** It was taken back because the plan is cancelled. */
  readonly aborted: boolean;
  readonly end: End;
}

/** The move of the state table that writes the outcome of an action in this state. */
export function endMove({ uuid, end }: Ended, state: ActionState): ActionMove {
  const cancelling = state === 'CANCELLING';
  const { result } = end;
  if (end.kind === 'failed') {
    const { code: errorCode, message: errorMessage } = end.error;
    const patch = { errorCode, errorMessage, statusMessage: errorMessage, result };
    return { event: cancelling ? 'cancel_fail' : 'fail', uuid, patch };
  }
  const done: ActionEvent = cancelling ? 'cancel_late' : 'succeed';
  const event = end.kind === 'taken_back' && cancelling ? 'cancel_end' : done;
  return { event, uuid, patch: { result, statusMessage: end.message } };
}

/**
 * How an action begins: it starts, or its precondition says that it is skipped or fails.
 * @throws what the database throws if it failed
 */
export async function beginMove(context: ActionContext): Promise<ActionMove> {
  const { action, parts } = context;
  const { uuid } = action;
  try {
    const { type, parameters } = typeOf(action);
    const skip = await type.preCondition(parameters, context);
    if (skip !== null) return { event: 'skip', uuid, patch: { statusMessage: skip } };
    return { event: 'start', uuid, patch: { startedAt: parts.orders.store.clock.now() } };
  } catch (thrown) {
    // The run goes wrong, and is begun again.
    if (isStorageFailure(thrown)) throw thrown;
    const { code: errorCode, message: errorMessage } = asCountermandError(thrown);
    return { event: 'refuse', uuid, patch: { errorCode, errorMessage, statusMessage: errorMessage } };
  }
}

function typeOf({ actionType, inputParameters, name }: ActionRow): { type: ActionType; parameters: unknown } {
  const type = findActionType(actionType);
  if (!type) throw fail('ACTION_REFUSED', `this version has no action type '${actionType}'`);
  return { type, parameters: parseParameters(type, inputParameters, `action '${name}'`) };
}

/** Made once: to note where an error came from takes long, and thousands of actions may be taken back at once. */
const CANCELLED = fail('ACTION_PLAN_CANCELLED', 'the plan was cancelled');

/** One action on its way. When `run` is aborted it stops waiting, takes nothing back and tells nothing. */
export class Execution {
  #context: ActionContext;
  readonly #tell: (ended: Ended) => void;
  readonly #run: AbortSignal;
  /** Aborted to end the waiting of `execute`. */
  readonly #cancellation: Cancellation;
  /** The outcome of executing; null if its waiting was ended. */
  #work: Promise<End | null> = Promise.resolve(null);
  #takenBack = false;
  #cancelled = false;

  constructor(context: ActionContext, tell: (ended: Ended) => void, run: AbortSignal) {
    this.#context = context;
    this.#tell = tell;
    this.#run = run;
    this.#cancellation = openCancellation([run]);
  }

  /** Does the action, or goes on with what an earlier process began. */
  begin(): void {
    const { action, parts } = this.#context;
    const { clock } = parts.orders.store;
    const leftMs = (action.startedAt ?? clock.now()) + action.timeoutMs - clock.now();
    const timer = clock.after(Math.max(0, leftMs), () =>
      this.#cancellation.abort(fail('ACTION_TIMED_OUT', `it was not done within ${action.timeoutMs / 1000} s`)),
    );
    const unlink = onAbort(this.#cancellation.signal, () => timer.cancel());
    this.#work = this.#execute().finally(() => {
      unlink();
      timer.cancel();
    });
    this.#work.then((end) => this.#executed(end));
  }

  /** The plan is cancelled, and this is its row now: takes the action back, at the longest until `signal` is aborted. */
  abort(plan: ActionPlanRow, signal: AbortSignal): void {
    this.#cancelled = true;
    this.#context = { ...this.#context, plan };
    // Its time was over, so it is being taken back already; the outcome of that is now the end of the cancel.
    if (this.#takenBack) return;
    this.#takenBack = true;
    this.#cancellation.abort(CANCELLED);
    this.#takeBack(signal).then((end) => this.#ended(end, true));
  }

  /** Never rejects. */
  async #execute(): Promise<End | null> {
    try {
      const { type, parameters } = typeOf(this.#context.action);
      const result = await type.execute(parameters, this.#context, this.#cancellation.signal);
      await type.postCondition(parameters, this.#context, result);
      return { kind: 'done', message: typeof result.message === 'string' ? result.message : '', result };
    } catch (thrown) {
      if (await this.#outlasts(thrown, this.#cancellation.signal)) return this.#execute();
      const error = asCountermandError(thrown);
      // Something was refused because the cancel is committed: the abort is on its way.
      if (error.code === 'ACTION_PLAN_CANCELLED') await untilAbort(this.#cancellation.signal);
      return this.#cancellation.signal.aborted ? null : failed(error);
    }
  }

  /** Executing has ended by itself, or the time of the action is over. */
  #executed(end: End | null): void {
    if (this.#takenBack || this.#run.aborted) return;
    if (end) this.#ended(end, false);
    else this.#timedOut();
  }

  #timedOut(): void {
    this.#takenBack = true;
    const reason = this.#cancellation.signal.reason as CountermandError;
    const { parts } = this.#context;
    const cancellation = openTakingBack(parts.planLimits.cancelDeadlineMs, parts, this.#run);
    this.#takeBack(cancellation.signal).then((end) => {
      cancellation.end();
      const isFailure = end.kind === 'taken_back' && !this.#cancelled;
      this.#ended(isFailure ? failed(because(reason, end.message), end.result) : end, this.#cancelled);
    });
  }

  /** The outcome of taking it back. Never rejects. */
  async #takeBack(signal: AbortSignal): Promise<End> {
    try {
      const executed = await untilAborted(this.#work, signal);
      if (executed) return executed;
      const { type, parameters } = typeOf(this.#context.action);
      return await type.abort(parameters, this.#context, signal);
    } catch (thrown) {
      if (await this.#outlasts(thrown, signal)) return this.#takeBack(signal);
      return failed(asCountermandError(thrown));
    }
  }

  /**
   * A database that fails for a while ends no action: what it had begun is found again, and gone on with. Resolves after a
   * pause with whether to try it.
   */
  async #outlasts(thrown: unknown, signal: AbortSignal): Promise<boolean> {
    if (!isStorageFailure(thrown) || signal.aborted) return false;
    const { action, parts } = this.#context;
    parts.log.error({ err: thrown, action: action.uuid }, 'an action could not go on; it is tried again');
    return sleep(RETRY_MS, parts.orders.store.clock, signal).then(
      () => true,
      () => false,
    );
  }

  #ended(end: End, aborted: boolean): void {
    this.#cancellation.end();
    if (!this.#run.aborted) this.#tell({ uuid: this.#context.action.uuid, aborted, end });
  }
}

/** The cancellation of taking back: aborted with ACTION_STILL_RUNNING after `afterMs`, and with its parent. */
export function openTakingBack(afterMs: number, { orders, planLimits }: PlanParts, parent: AbortSignal): Cancellation {
  const cancellation = openCancellation([parent]);
  const seconds = planLimits.cancelDeadlineMs / 1000;
  const timer = orders.store.clock.after(Math.max(0, afterMs), () =>
    cancellation.abort(fail('ACTION_STILL_RUNNING', `still running: it could not be taken back within ${seconds} s`)),
  );
  return {
    ...cancellation,
    end() {
      timer.cancel();
      cancellation.end();
    },
  };
}

function because(error: CountermandError, why: string): CountermandError {
  return why === '' ? error : fail(error.code, `${error.message}; ${why}`);
}

function untilAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, () => resolve()));
}

function failed(error: CountermandError, result: Result = {}): End {
  return { kind: 'failed', error, result };
}
