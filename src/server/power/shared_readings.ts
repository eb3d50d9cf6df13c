/**
 * Readings of nodes, shared by all who ask: of each node at most one is in flight and one waits for it. A reading that
 * was begun before a caller asked is not what the caller asked for, so they share the next one.
 */

import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import type { Reading } from '../../core/power.ts';
import { openCancellation, untilAborted } from '../../core/signals.ts';
import type { Attachments } from '../agents/attachments.ts';
import { whyUnserved } from '../agents/unserved.ts';
import { fromReading } from '../agents/wire.ts';
import { toBmc } from '../nodes/bmc.ts';
import { findNode } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** Who asks. A login that was refused is tried again for an operator, and for the conductor after a back-off. */
export type Asker = 'operator' | 'conductor';

/** What one reading has found. All who share it get the same object. */
export interface Seen {
  /** The node as it was when the reading was begun. */
  readonly begun: NodeRow;
  readonly outcome: Reading | CountermandError;
}

/** One reading, and who shares it. */
interface Round {
  readonly node: NodeRow;
  readonly cancellation: ReturnType<typeof openCancellation>;
  readonly seen: PromiseWithResolvers<Seen>;
  callers: number;
  /** The most that those who share it may ask for. */
  asker: Asker;
}

/** The readings of one node. */
interface Rounds {
  inFlight: Round;
  waiting: Round | null;
}

/** Made once: to note where an error came from takes long. */
const ALL_GONE = fail('CALL_ENDED', 'all who asked for this reading have gone');

/** The readings of one conductor. */
export class SharedReadings {
  readonly #store: Store;
  readonly #attachments: Attachments;
  readonly #byNode = new Map<NodeRow['uuid'], Rounds>();

  constructor(store: Store, attachments: Attachments) {
    this.#store = store;
    this.#attachments = attachments;
  }

  /**
   * Resolves with a reading of the node that was begun after this call, or with why there is none. Rejects with the reason
   * of the abort, at once; the reading itself ends when all who share it have gone.
   */
  async read(node: NodeRow, asker: Asker, signal: AbortSignal): Promise<Seen> {
    signal.throwIfAborted();
    const round = this.#roundFor(node, asker);
    round.callers += 1;
    try {
      return await untilAborted(round.seen.promise, signal);
    } finally {
      round.callers -= 1;
      if (round.callers === 0) this.#giveUp(round);
    }
  }

  #roundFor(node: NodeRow, asker: Asker): Round {
    const rounds = this.#byNode.get(node.uuid);
    if (rounds) {
      rounds.waiting ??= newRound(node, asker);
      if (asker === 'operator') rounds.waiting.asker = asker;
      return rounds.waiting;
    }
    const inFlight = newRound(node, asker);
    this.#byNode.set(node.uuid, { inFlight, waiting: null });
    void this.#run(inFlight);
    return inFlight;
  }

  /** The last caller has left the round. One that is over is not changed by this. */
  #giveUp(round: Round): void {
    round.cancellation.abort(ALL_GONE);
    const rounds = this.#byNode.get(round.node.uuid);
    if (rounds?.waiting === round) rounds.waiting = null;
  }

  async #run(round: Round): Promise<void> {
    try {
      // Since it was read for whoever asks, the node may have been changed, ordered about or deleted: a round of power sync takes minutes.
      const begun = await findNode(round.node.uuid, this.#store.database.read);
      const outcome =
        begun === null ? deleted(round.node) : await this.#ask(begun, round.asker, round.cancellation.signal);
      round.seen.resolve({ begun: begun ?? round.node, outcome });
    } catch (error) {
      round.seen.reject(error);
    } finally {
      this.#next(round.node.uuid);
    }
  }

  #next(uuid: string): void {
    const waiting = this.#byNode.get(uuid)?.waiting;
    if (!waiting) {
      this.#byNode.delete(uuid);
      return;
    }
    this.#byNode.set(uuid, { inFlight: waiting, waiting: null });
    void this.#run(waiting);
  }

  async #ask(node: NodeRow, asker: Asker, signal: AbortSignal): Promise<Seen['outcome']> {
    const owner = this.#attachments.ownerOf(node);
    if (owner.kind !== 'attached') return whyUnserved(node, owner.kind);
    try {
      const question = { $case: 'read' as const, value: { bmc: toBmc(node), operatorAsks: asker === 'operator' } };
      const answer = await this.#attachments.ask(owner.attachment, question, signal);
      const reading = answer.$case === 'reading' ? fromReading(answer.value, this.#store.clock.now()) : null;
      return reading ?? fail('BMC_GARBLED', `the reading of node ${node.name} says neither on nor off`);
    } catch (thrown) {
      const error = asCountermandError(thrown);
      if (error.code !== 'TOOK_TOO_LONG') return error;
      return fail('BMC_SILENT', `node ${node.name} could not be read: ${error.message}; its BMC may hang`);
    }
  }
}

function newRound(node: NodeRow, asker: Asker): Round {
  return { node, cancellation: openCancellation([]), seen: Promise.withResolvers(), callers: 0, asker };
}

const deleted = ({ name }: NodeRow): CountermandError => fail('NODE_NOT_FOUND', `node ${name} was deleted meanwhile`);
