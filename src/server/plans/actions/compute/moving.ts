/** One order to move an instance, from its sending to its end: followed by looking, taken back where the service can. */
import type { Compute, InstanceMigration, InstanceOrder, Sent } from '../../../../compute/compute.ts';
import { asCountermandError, type CountermandError, fail } from '../../../../core/errors.ts';
import { sleep } from '../../../../core/signals.ts';
import type { ActionContext, End, Result } from '../action_type.ts';
import { computeOf, LOOK_MS, steadily } from './host.ts';
import { type Image, numberOf, textOf } from './image.ts';
import { type InstanceMove, judge, type Shown, type Verdict } from './judge.ts';

/** An instance on its way. */
export interface Moving {
  readonly compute: Compute;
  readonly instance: string;
  readonly name: string;
  readonly move: InstanceMove;
  readonly context: ActionContext;
}

/** An order that left no trace for this long was not taken; its request has ended long before. */
const UNSEEN_MS = 60_000;
/** While a move is being taken back it is looked at more often: what can be aborted now may not be so for long. */
const LOOK_CLOSELY_MS = 1000;

/** What is known of the sending of the order of a running action. After a crash it is not known, and only looking helps. */
const sendings = new WeakMap<ActionContext, Sent>();

/** The move that a before-image describes. @throws CLOUD_UNKNOWN */
export function movingOf(image: Image, context: ActionContext): Moving {
  const kind = textOf(image, 'kind') as InstanceMove['kind'];
  const reverts = kind === 'revert' ? numberOf(image, 'reverts') : null;
  const move = { kind, host: textOf(image, 'host'), after: numberOf(image, 'after'), reverts };
  const compute = computeOf(image, context);
  return { compute, instance: textOf(image, 'instance'), name: textOf(image, 'name'), move, context };
}

/**
 * Sends the order of a move, once.
 * @throws the error of a refusal, after which nothing happens
 */
export async function sendMove(moving: Moving, order: InstanceOrder, signal: AbortSignal): Promise<void> {
  const { compute, instance, context } = moving;
  const sent = await compute.order(instance, order, context.action.uuid, signal);
  sendings.set(context, sent);
  if (sent.kind === 'refused') throw sent.error;
}

/** Where the instance is, and its migrations. */
function showMove({ compute, instance, context }: Moving, signal: AbortSignal): Promise<Shown> {
  const look = async (): Promise<Shown> => ({
    instance: await compute.instance(instance, signal),
    migrations: await compute.migrationsOf(instance, signal),
  });
  return steadily(look, context, signal);
}

/** A verdict after which nothing more happens by itself. */
type EndVerdict = Exclude<Verdict, { is: 'unseen' | 'going' }>;

/** Counts for how long nothing is seen of an order. @throws OUTCOME_UNKNOWN when that is too long */
function openPatience({ name, context }: Moving): (verdict: Verdict) => void {
  const { clock } = context.parts.orders.store;
  let since: number | null = null;
  return (verdict) => {
    if (verdict.is !== 'unseen') since = null;
    else if (since === null) since = clock.monotonic();
    else if (clock.monotonic() - since >= UNSEEN_MS)
      throw fail(
        'OUTCOME_UNKNOWN',
        `the order to move ${name} was given, and nothing of it was seen for ${UNSEEN_MS / 1000} s; it was not given again`,
      );
  };
}

/** Looks until the move has ended. @throws OUTCOME_UNKNOWN if nothing of it is ever seen */
export async function followMove(moving: Moving, signal: AbortSignal): Promise<EndVerdict> {
  const wait = openPatience(moving);
  let hasFailed = false;
  for (;;) {
    const verdict = judge(moving.move, await showMove(moving, signal));
    // Of some failures Nova shows the instance as it was for a moment, and then in ERROR.
    const isFirst = verdict.is === 'back' && verdict.how === 'failed' && !hasFailed;
    if (isFirst) hasFailed = true;
    else if (verdict.is !== 'unseen' && verdict.is !== 'going') return verdict;
    wait(verdict);
    await sleep(LOOK_MS, moving.context.parts.orders.store.clock, signal);
  }
}

/** Why the service did not do it, in its own words; empty if it does not say. */
async function whyNot({ compute, instance, context }: Moving, signal: AbortSignal): Promise<string> {
  const sent = sendings.get(context);
  const known = sent?.kind === 'accepted' ? sent.requestId : null;
  const look = async (): Promise<string> => {
    const requestId = known ?? (await compute.actionsOf(instance, signal)).find(isMove)?.requestId ?? null;
    const action = requestId === null ? null : await compute.actionOf(instance, requestId, signal);
    return action?.why ?? '';
  };
  return look().catch(() => '');
}

const isMove = ({ action }: { readonly action: string }): boolean =>
  ['live-migration', 'migrate', 'evacuate'].includes(action);

/** A move that did not end where it should, as an error. */
export async function failure(moving: Moving, verdict: EndVerdict, signal: AbortSignal): Promise<CountermandError> {
  const { name } = moving;
  if (verdict.is === 'elsewhere')
    return fail('MIGRATION_FAILED', `${name} is on ${verdict.host ?? 'no host'}, and not by this order`);
  const why = await whyNot(moving, signal);
  const because = why === '' ? '' : `: ${why}`;
  if (verdict.is === 'broken')
    return fail(
      'MIGRATION_FAILED',
      `${name} is in ERROR on ${verdict.host ?? 'no host'}${because}; its guest may run: look at it before its state is reset`,
    );
  const how = verdict.is === 'back' ? `migration ${verdict.migration.id} ${HOW[verdict.how]}` : verdict.is;
  return fail('MIGRATION_FAILED', `${name} is still on ${moving.move.host}: ${how}${because}`);
}

const HOW = { cancelled: 'was cancelled by the service or another client', failed: 'failed', reverted: 'was reverted' };

/** What a move left, as it is stored with the action. */
export function resultOf(
  moving: Moving,
  outcome: string,
  message: string,
  migration: InstanceMigration | null,
): Result {
  const { instance, name, move } = moving;
  return {
    outcome,
    message,
    instance,
    name,
    from: move.host,
    to: migration?.dest ?? null,
    migration: migration?.id ?? null,
  };
}

/**
 * Takes a move back. A live migration is aborted as soon as it can be; a cold one cannot be stopped, and is reverted when it arrives. What
 * has ended is not touched. Looks until the end, at the longest until the abort of the signal.
 */
export async function takeBackMove(moving: Moving, signal: AbortSignal): Promise<End> {
  const sent = sendings.get(moving.context);
  if (sent?.kind === 'refused') {
    const message = `NOT_SENT: ${moving.name} was not moved: ${sent.error.message}`;
    return { kind: 'taken_back', message, result: resultOf(moving, 'NOT_SENT', message, null) };
  }
  const back = new TakingBack(moving);
  try {
    return await back.run(signal);
  } catch (thrown) {
    const error = asCountermandError(thrown);
    if (error.code === 'ACTION_STILL_RUNNING') return back.stillRunning(error);
    if (error.code !== 'OUTCOME_UNKNOWN') throw thrown;
    return { kind: 'failed', error, result: resultOf(moving, 'UNKNOWN', error.message, null) };
  }
}

/** One taking back, with what was ordered for it. */
class TakingBack {
  readonly #moving: Moving;
  /** The migration whose abort, or revert, was accepted: it is not ordered again. */
  #ordered: InstanceMigration | null = null;
  #last: Verdict = { is: 'unseen' };
  #isDown = false;

  constructor(moving: Moving) {
    this.#moving = moving;
  }

  async run(signal: AbortSignal): Promise<End> {
    const wait = openPatience(this.#moving);
    const { clock } = this.#moving.context.parts.orders.store;
    for (;;) {
      const verdict = judge(this.#moving.move, await showMove(this.#moving, signal));
      this.#last = verdict;
      wait(verdict);
      const end = await this.#step(verdict, signal);
      if (end !== null) return end;
      await sleep(LOOK_CLOSELY_MS, clock, signal);
    }
  }

  /** What follows from a verdict; null to look again. */
  async #step(verdict: Verdict, signal: AbortSignal): Promise<End | null> {
    const { move } = this.#moving;
    switch (verdict.is) {
      case 'unseen':
        return null;
      case 'going':
        if (verdict.migration && verdict.abortable) await this.#abort(verdict.migration, signal);
        await this.#lookAtSource(signal);
        return null;
      case 'arrived':
        return this.#revert(verdict.migration, signal);
      case 'moved':
        return this.#done('TOO_LATE', `is on ${verdict.host}`, verdict.migration);
      case 'gone':
        return this.#done('GONE', 'was deleted meanwhile', null);
      case 'back':
        return move.kind === 'revert'
          ? this.#done('REVERTED', `is on ${verdict.migration.source}`, verdict.migration)
          : this.#recalled(verdict.migration);
      default: {
        const error = await failure(this.#moving, verdict, signal);
        return { kind: 'failed', error, result: resultOf(this.#moving, 'FAILED', error.message, null) };
      }
    }
  }

  /** Asked again only if the answer was lost, or no: then it may be possible a moment later. */
  async #abort(migration: InstanceMigration, signal: AbortSignal): Promise<void> {
    if (this.#ordered !== null) return;
    const sent = await this.#order({ kind: 'abort', migration: migration.id }, signal);
    if (sent.kind === 'accepted') this.#ordered = migration;
  }

  async #revert(migration: InstanceMigration, signal: AbortSignal): Promise<End | null> {
    if (this.#ordered !== null) return null;
    const sent = await this.#order({ kind: 'revert' }, signal);
    if (sent.kind === 'accepted') this.#ordered = migration;
    if (sent.kind !== 'refused' || signal.aborted || sent.error.row.retryable) return null;
    const sentence = `${this.#moving.name} waits on ${migration.dest} to be confirmed or reverted, and the revert is refused: ${sent.error.message}`;
    return {
      kind: 'failed',
      error: fail(sent.error.code, sentence),
      result: resultOf(this.#moving, 'FAILED', sentence, migration),
    };
  }

  #order(order: InstanceOrder, signal: AbortSignal): Promise<Sent> {
    const { compute, instance, context } = this.#moving;
    return compute.order(instance, order, context.action.uuid, signal);
  }

  /** Without its source a migration stands still, and an abort waits for it. */
  async #lookAtSource(signal: AbortSignal): Promise<void> {
    const { compute, move } = this.#moving;
    const service = await compute.service(move.host, signal).catch(() => null);
    if (service !== null) this.#isDown = service.state === 'down';
  }

  #done(outcome: string, what: string, migration: InstanceMigration | null): End {
    const came = this.#ordered !== null && outcome === 'TOO_LATE' ? '; its abort was accepted, and did not end it' : '';
    const message = `${outcome}: ${this.#moving.name} ${what}${came}`;
    return { kind: 'done', message, result: resultOf(this.#moving, outcome, message, migration) };
  }

  #recalled(migration: InstanceMigration): End {
    const message = `RECALLED: ${this.#moving.name} is on ${this.#moving.move.host}; migration ${migration.id} ${migration.status}`;
    return { kind: 'taken_back', message, result: resultOf(this.#moving, 'RECALLED', message, migration) };
  }

  /** It was waited for long enough. */
  stillRunning({ code, message }: CountermandError): End {
    const { name, move } = this.#moving;
    const verdict = this.#last;
    const migration = verdict.is === 'going' || verdict.is === 'arrived' ? verdict.migration : null;
    const where = migration
      ? `migration ${migration.id} of ${name} is ${migration.status}`
      : `the move of ${name} goes on`;
    const abort = this.#ordered === null ? '' : '; its abort was accepted, and has not ended it yet';
    const down = this.#isDown ? `; nova-compute of ${move.host} is down, and nothing ends before it runs again` : '';
    const sentence = `${message}; ${where}${abort}${down}`;
    return {
      kind: 'failed',
      error: fail(code, sentence),
      result: resultOf(this.#moving, 'STILL_RUNNING', sentence, migration),
    };
  }
}
