/** The clouds that a conductor follows while it leads, and only then. */
import { NotificationSource } from './source.ts';
import type { WatchedCloud, WatchParts } from './watched.ts';

/** One cloud that is followed. */
interface FollowedCloud {
  readonly name: string;
  /** Null: it sends no notifications. */
  readonly source: NotificationSource | null;
}

/** The clouds of a conductor. */
export class FollowedClouds {
  readonly #all: readonly FollowedCloud[];
  readonly #done: Promise<unknown>;

  /** Follows them until the shutdown. */
  constructor(watched: readonly WatchedCloud[], parts: WatchParts) {
    const { log, shutdown } = parts;
    this.#all = watched.map(({ compute: { cloud: name }, inbox }) => ({
      name,
      source: inbox === null ? null : new NotificationSource(name, inbox, parts),
    }));
    const run = (what: { run(signal: AbortSignal): Promise<void> }, cloud: string): Promise<void> =>
      what.run(shutdown).catch((error: Error) => log.error({ cloud, err: error }, 'a cloud is not followed any more'));
    this.#done = Promise.all(this.#all.flatMap(({ name, source }) => (source === null ? [] : [run(source, name)])));
  }

  /** How they stand, in the order of the configuration. */
  list(): readonly FollowedCloud[] {
    return this.#all;
  }

  /** True while something is worked on that neither a timer nor a cloud has to wake. */
  get busy(): boolean {
    return this.#all.some(({ source }) => source?.busy);
  }

  /** Resolves when nothing is followed any more. Call it after the abort of the shutdown. */
  async stop(): Promise<void> {
    await this.#done;
  }
}
