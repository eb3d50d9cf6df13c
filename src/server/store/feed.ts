/** What was committed, told at once to those in this process who watch it. Everything told here can also be read. */
import { type Channel, openChannel, openFolded } from '../../core/channel.ts';
import { onAbort } from '../../core/signals.ts';
import type { Actor } from './actor.ts';
import type { ActionPlanRow, ActionRow, AuditRow } from './plan_rows.ts';
import type { KnownDriver, NodeRow, PowerTaskRow } from './rows.ts';

/** One committed change, and who called for it; absent where the conductor made it by itself. */
export type Change = What & { readonly by?: Actor };

type What =
  | { readonly kind: 'node'; readonly node: NodeRow; readonly deleted: boolean }
  | { readonly kind: 'task'; readonly task: PowerTaskRow }
  | { readonly kind: 'driver'; readonly drivers: KnownDriver }
  /** A plan, and those of its actions that changed with it. */
  | { readonly kind: 'plan'; readonly plan: ActionPlanRow; readonly actions: readonly ActionRow[] }
  | { readonly kind: 'audit'; readonly audit: AuditRow }
  /** There are more events. */
  | { readonly kind: 'events' };

/** The topics under which a change is told. */
function topicsOf(change: Change): string[] {
  switch (change.kind) {
    case 'node':
      return ['node', `node ${change.node.uuid}`];
    case 'task':
      return ['tasks', `task ${change.task.uuid}`];
    case 'plan':
      return ['plans', `plan ${change.plan.uuid}`, ...(hasLeftTheQueue(change.plan) ? ['left the queue'] : [])];
    case 'audit':
      return ['audits'];
    default:
      return [change.kind];
  }
}

/** A plan that others may have waited for, and that will never run. */
function hasLeftTheQueue({ state, previousState }: ActionPlanRow): boolean {
  return state === 'SUPERSEDED' && previousState === 'PENDING';
}

/** What the feed needs of a watcher's channel. */
type Watcher = Pick<Channel<Change, unknown>, 'push'>;

/** What `gather` answers. */
interface Gathering<Out> extends AsyncGenerator<Out> {
  /** True if something has gathered that the reader has not taken: then `next` need not wait for a change. */
  readonly hasNews: boolean;
}

/** Watchers by topic. */
export class Feed {
  readonly #watchers = new Map<string, Set<Watcher>>();

  /** How many topics are watched, each watcher counted; 0 when all watching has ended. */
  get size(): number {
    return [...this.#watchers.values()].reduce((sum, watchers) => sum + watchers.size, 0);
  }

  /** Tells the watchers of its topics, at a cost that grows with their number only. */
  publish(change: Change): void {
    for (const topic of topicsOf(change)) {
      for (const watcher of this.#watchers.get(topic) ?? []) watcher.push(change);
    }
  }

  /**
   * Every change of a topic from the call on, until `signal` is aborted, which throws its reason. Call it before you read
   * the present state, so that nothing falls between. Leaving the loop ends the watching.
   */
  watch(topic: string, signal: AbortSignal): AsyncGenerator<Change> {
    signal.throwIfAborted();
    return this.#open([topic], openChannel<Change>(signal), signal);
  }

  /** As `watch`, for several topics: the reader gets what `fold` has gathered since it last read. */
  gather<Out>(
    topics: Iterable<string>,
    fold: (waiting: Out | undefined, change: Change) => Out,
    signal: AbortSignal,
  ): Gathering<Out> {
    signal.throwIfAborted();
    const channel = openFolded(signal, fold);
    const changes = this.#open([...topics], channel, signal);
    const hasNews = { get: () => channel.size > 0 };
    return Object.defineProperties(changes, { hasNews }) as Gathering<Out>;
  }

  /**
   * Tells every change of these topics from the call on, in order, as soon as it is committed, until `signal` is aborted; then it resolves.
   * It ends with what `tell` throws, which is no fault of the write.
   */
  each(topics: readonly string[], tell: (change: Change) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const push = (change: Change): void => {
        try {
          tell(change);
        } catch (error) {
          leave();
          reject(error);
        }
      };
      const leave = this.#enter(topics, { push }, signal, resolve);
    });
  }

  /** As `gather`, for one topic of which only the last change counts. */
  latest(topic: string, signal: AbortSignal): AsyncGenerator<Change> {
    return this.gather([topic], (_, change) => change, signal);
  }

  #open<Out>(topics: readonly string[], channel: Channel<Change, Out>, signal: AbortSignal): AsyncGenerator<Out> {
    const close = this.#enter(topics, channel, signal);
    return closedOnReturn(readThenClose(channel, close), close);
  }

  /** Takes a watcher in, until the returned call or the abort, which calls `ended`. */
  #enter(topics: readonly string[], watcher: Watcher, signal: AbortSignal, ended = (): void => {}): () => void {
    for (const topic of topics) {
      const watchers = this.#watchers.get(topic) ?? new Set();
      this.#watchers.set(topic, watchers.add(watcher));
    }
    const leave = (): void => {
      for (const topic of topics) this.#leave(topic, watcher);
    };
    const unlink = onAbort(signal, () => {
      leave();
      ended();
    });
    return () => {
      unlink();
      leave();
    };
  }

  #leave(topic: string, watcher: Watcher): void {
    const watchers = this.#watchers.get(topic);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(topic);
  }
}

/** A reader that leaves before its first read never reaches its `finally`. */
function closedOnReturn<Out>(changes: AsyncGenerator<Out>, close: () => void): AsyncGenerator<Out> {
  const leave = changes.return.bind(changes);
  changes.return = (value) => {
    close();
    return leave(value);
  };
  return changes;
}

async function* readThenClose<Out>(channel: Channel<Change, Out>, close: () => void): AsyncGenerator<Out> {
  try {
    yield* channel;
  } finally {
    close();
  }
}
