/** What has come for power tasks and waits for a turn of the keeper, in its order. */
import type { Attachment } from '../agents/attachments.ts';
import type { Input } from './turn.ts';
import { firstOfEach } from './turn_rows.ts';

/** What has come for one task, and the agent that has said it. */
export interface Come {
  readonly uuid: string;
  readonly input: Input;
  readonly from: Attachment | null;
}

/** A place in the queue. */
interface Waiting {
  readonly uuid: string;
  /** Of a report; null for all else. */
  readonly key: string | null;
  come: Come;
}

/**
 * A report is the whole truth about a task, so a newer one takes the place of one of the same agent that still waits: an agent that
 * reports faster than turns are made costs no more memory, and no more turns, than others.
 */
export class Inbox {
  #waiting: Waiting[] = [];
  /** The reports that wait, by task and agent. */
  readonly #reports = new Map<string, Waiting>();

  get size(): number {
    return this.#waiting.length;
  }

  add(come: Come): void {
    const waiting = waitingOf(come);
    const { key } = waiting;
    const earlier = key === null ? undefined : this.#reports.get(key);
    if (earlier) {
      earlier.come = come;
      return;
    }
    this.#waiting.push(waiting);
    if (key !== null) this.#reports.set(key, waiting);
  }

  /** First in the next turn, before what has come since. */
  addAgain(come: Come): void {
    this.#waiting.unshift(waitingOf(come));
  }

  /** Takes what has come first for each task, up to a limit; the rest waits for the next turn. */
  take(limit: number): Come[] {
    const [taken, left] = firstOfEach(this.#waiting, ({ uuid }) => uuid, limit);
    this.#waiting = left;
    for (const each of taken)
      if (each.key !== null && this.#reports.get(each.key) === each) this.#reports.delete(each.key);
    return taken.map(({ come }) => come);
  }

  clear(): void {
    this.#waiting = [];
    this.#reports.clear();
  }
}

function waitingOf(come: Come): Waiting {
  const { uuid, input } = come;
  return { uuid, key: input.kind === 'report' ? `${uuid} ${input.agentUuid}` : null, come };
}
