/** What was committed, told at once to those in this process who watch it. Everything told here can also be read. */
import { type Channel, openChannel } from '../../core/channel.ts';
import { onAbort } from '../../core/signals.ts';
import type { ActionPlanRow, ActionRow } from './plan_rows.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from './rows.ts';

/** One committed change. */
export type Change =
  | { readonly kind: 'node'; readonly node: NodeRow; readonly deleted: boolean }
  | { readonly kind: 'task'; readonly task: PowerTaskRow }
  | { readonly kind: 'driver'; readonly driver: DriverRow }
  /** A plan, and those of its actions that changed with it. */
  | { readonly kind: 'plan'; readonly plan: ActionPlanRow; readonly actions: readonly ActionRow[] }
  /** There are more events. */
  | { readonly kind: 'events' };

/** The topics under which a change is told. */
export function topicsOf(change: Change): string[] {
  switch (change.kind) {
    case 'node':
      return ['node', `node ${change.node.uuid}`];
    case 'task':
      return [`task ${change.task.uuid}`];
    case 'plan':
      return [`plan ${change.plan.uuid}`, ...(hasLeftTheQueue(change.plan) ? ['left the queue'] : [])];
    default:
      return [change.kind];
  }
}

/** A plan that others may have waited for, and that will never run. */
function hasLeftTheQueue({ state, previousState }: ActionPlanRow): boolean {
  return state === 'SUPERSEDED' && previousState === 'PENDING';
}

/** Channels by topic. */
export class Feed {
  readonly #watchers = new Map<string, Set<Channel<Change>>>();

  /** How many channels are open; none may be left when nobody watches. */
  get size(): number {
    return [...this.#watchers.values()].reduce((sum, channels) => sum + channels.size, 0);
  }

  /** Tells the watchers of its topics. */
  publish(change: Change): void {
    for (const topic of topicsOf(change)) {
      for (const channel of this.#watchers.get(topic) ?? []) channel.push(change);
    }
  }

  /**
   * All changes of a topic from the call on, until `signal` is aborted, which throws its reason. Call it before you read
   * the present state, so that nothing falls between. Leaving the loop lets go. With `latestOnly` a change that was not read
   * yet gives way to the next.
   */
  watch(topic: string, signal: AbortSignal, latestOnly = false): AsyncGenerator<Change> {
    signal.throwIfAborted();
    const channel = openChannel<Change>(signal, latestOnly);
    const channels = this.#watchers.get(topic) ?? new Set();
    this.#watchers.set(topic, channels.add(channel));
    const close = (): void => {
      unlink();
      channels.delete(channel);
      // It may come twice, and meanwhile others may have begun to watch the same topic.
      if (channels.size === 0 && this.#watchers.get(topic) === channels) this.#watchers.delete(topic);
    };
    const unlink = onAbort(signal, () => close());
    return closedOnReturn(readThenClose(channel, close), close);
  }
}

/** A reader that leaves before it has begun never comes to its `finally`. */
function closedOnReturn(changes: AsyncGenerator<Change>, close: () => void): AsyncGenerator<Change> {
  const leave = changes.return.bind(changes);
  changes.return = (value) => {
    close();
    return leave(value);
  };
  return changes;
}

async function* readThenClose(channel: Channel<Change>, close: () => void): AsyncGenerator<Change> {
  try {
    yield* channel;
  } finally {
    close();
  }
}
