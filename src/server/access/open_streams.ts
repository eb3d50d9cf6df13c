/** The streams of clients that are open: they end with the identity, or when what it may do has changed. */
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { sleep } from '../../core/signals.ts';
import type { Access } from './access.ts';
import type { Identity } from './identity.ts';

/** How often it is looked whether an identity is still good. */
const LOOK_MS = 5000;

/** One open stream. */
interface OpenStream {
  readonly identity: Identity;
  /** The text of its rights as it began. */
  readonly rights: string;
  end(reason: CountermandError): void;
}

/** The streams of one conductor. */
export class OpenStreams {
  readonly #open = new Set<OpenStream>();
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  /** Takes a stream in until the returned call. */
  enter(stream: OpenStream): () => void {
    this.#open.add(stream);
    return () => void this.#open.delete(stream);
  }

  /** Ends the streams whose callers are not good any more, and those that may do something else now: they begin anew as what they are. */
  look(): void {
    for (const { identity, rights, end } of [...this.#open]) {
      const objection = identity.objection?.() ?? null;
      if (objection !== null) end(fail('UNAUTHENTICATED', `${objection}; the stream has ended, and the work goes on`));
      else if (this.#access.rightsOf(identity).text !== rights)
        end(
          fail(
            'PERMISSION_DENIED',
            `what ${identity.name} may do has changed; the stream has ended, and the work goes on`,
          ),
        );
    }
  }

  /** Looks every few seconds, and whenever the rights of callers change, until the abort. */
  async lookOn(clock: Clock, signal: AbortSignal): Promise<void> {
    const unlink = this.#access.onChange(() => this.look());
    while (!signal.aborted) {
      await sleep(LOOK_MS, clock, signal).catch(() => {});
      if (!signal.aborted) this.look();
    }
    unlink();
  }
}
