/** The clouds that a conductor follows while it leads, and only then. */
import { ServicePoll } from './poll.ts';
import { NotificationSource } from './source.ts';
import type { WatchedCloud, WatchParts } from './watched.ts';

/** One cloud that is followed. */
export interface FollowedCloud {
  readonly name: string;
  /** Null: it sends no notifications. */
  readonly source: NotificationSource | null;
  /** Null: its services are not looked at. */
  readonly poll: ServicePoll | null;
}

/** The clouds of a conductor. */
export class FollowedClouds {
  readonly #all: readonly FollowedCloud[];
  readonly #done: Promise<unknown>;

  /** Follows them until the shutdown. */
  constructor(watched: readonly WatchedCloud[], parts: WatchParts) {
    const { log, shutdown } = parts;
    this.#all = watched.map(({ compute, inbox, pollMs }) => ({
      name: compute.cloud,
      source: inbox === null ? null : new NotificationSource(compute.cloud, inbox, parts),
      poll: pollMs === 0 ? null : new ServicePoll(compute, pollMs, parts),
    }));
    const works = this.#all.flatMap(({ source, poll }) => [source, poll].filter((work) => work !== null));
    this.#done = Promise.all(
      works.map((work) =>
        work.run(shutdown).catch((error: Error) => {
          log.error({ cloud: work.cloud, err: error }, 'a cloud is not followed any more');
        }),
      ),
    );
  }

  /** How they stand, in the order of the configuration. */
  list(): readonly FollowedCloud[] {
    return this.#all;
  }

  /** True while something is worked on that neither a timer nor a cloud has to wake. */
  get busy(): boolean {
    return this.#all.some(({ source, poll }) => source?.busy || poll?.busy);
  }

  /** Resolves when nothing is followed any more. Call it after the abort of the shutdown. */
  async stop(): Promise<void> {
    await this.#done;
  }
}
