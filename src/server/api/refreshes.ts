/**
 * RefreshNodes: nodes that are read side by side for all who ask. The places for readings are shared among callers, and among
 * the calls of one caller, so that neither many calls nor hung BMCs keep others from theirs. What a call has not begun ends with it.
 */
import { type Channel, openChannel } from '../../core/channel.ts';
import { fail } from '../../core/errors.ts';
import { type LimitRow, OPEN_LIMITS } from '../../core/limits.ts';
import { nextPortion } from '../../core/long_work.ts';
import { onAbort } from '../../core/signals.ts';
import { type ReadingParts, type ReadResult, readNode } from '../power/readings.ts';
import type { NodeRow } from '../store/rows.ts';

/** At most this many readings are waited for at the same time. A caller has at most as many places as it leaves to others. */
const PLACES = 16_384;
/** At most this many of them by one call. What they answer together is recorded together. */
const PLACES_OF_CALL = 512;
/** At most this many results wait for a client that does not read them; after that, no more of its nodes are read. */
const UNREAD = 1000;
/** At most this many readings begin before others are served. */
const PORTION = 128;

/** One call. */
interface Refresh {
  readonly nodes: readonly NodeRow[];
  /** How many of them have been begun. */
  begun: number;
  reading: number;
  readonly results: Channel<ReadResult>;
  readonly signal: AbortSignal;
}

/** Who calls. */
interface Caller {
  readonly who: string;
  calls: number;
  /** Those that its calls name, until they have been read. */
  nodes: number;
  reading: number;
  /** The calls with nodes to be begun, in the order of their turns. */
  readonly ready: Set<Refresh>;
}

/** One call that has been let in. */
interface Admitted {
  /**
   * Reads nodes side by side and gives each result as it comes. An abort ends it with its reason.
   * @throws TOO_MANY_STREAMS; then none was read
   */
  read(nodes: readonly NodeRow[]): AsyncIterable<ReadResult>;
  /** The call is over. */
  leave(): void;
}

/** The RefreshNodes calls of one conductor. */
export class Refreshes {
  readonly #readings: ReadingParts;
  /** In the order of their turns. */
  readonly #callers = new Map<string, Caller>();
  #calls = 0;
  #nodes = 0;
  #free = PLACES;
  #isBeginning = false;

  constructor(readings: ReadingParts) {
    this.#readings = readings;
  }

  /**
   * Lets a call of this caller in, until it leaves or is aborted.
   * @throws TOO_MANY_STREAMS; the reason of the abort if that has come already
   */
  enter(who: string, signal: AbortSignal): Admitted {
    signal.throwIfAborted();
    const caller: Caller = this.#callers.get(who) ?? { who, calls: 0, nodes: 0, reading: 0, ready: new Set() };
    if (caller.calls >= OPEN_LIMITS.refreshes_of_caller.limit) throw tooMany(OPEN_LIMITS.refreshes_of_caller);
    if (this.#calls >= OPEN_LIMITS.refreshes.limit) throw tooMany(OPEN_LIMITS.refreshes);
    this.#callers.set(who, caller);
    caller.calls += 1;
    this.#calls += 1;
    let held: Refresh | null = null;
    let hasLeft = false;
    // At once, also if the client reads nothing and so never reaches the end of the generator.
    const leave = (): void => {
      if (hasLeft) return;
      hasLeft = true;
      unlink();
      caller.calls -= 1;
      this.#calls -= 1;
      if (held) this.#drop(held, caller);
      this.#forget(caller);
      this.#begin();
    };
    const unlink = onAbort(signal, leave);
    return {
      read: (nodes) => {
        held = this.#take(nodes, caller, signal);
        return this.#resultsOf(held, caller);
      },
      leave,
    };
  }

  #take(nodes: readonly NodeRow[], caller: Caller, signal: AbortSignal): Refresh {
    signal.throwIfAborted();
    const { refreshed_nodes_of_caller: ofCaller, refreshed_nodes: ofAll } = OPEN_LIMITS;
    if (caller.nodes + nodes.length > ofCaller.limit) throw tooMany(ofCaller);
    if (this.#nodes + nodes.length > ofAll.limit) throw tooMany(ofAll);
    const refresh: Refresh = { nodes, begun: 0, reading: 0, results: openChannel(signal), signal };
    this.#count(nodes.length, caller);
    caller.ready.add(refresh);
    this.#begin();
    return refresh;
  }

  #drop(refresh: Refresh, caller: Caller): void {
    caller.ready.delete(refresh);
    // Those that are being read are counted until they have been.
    this.#count(refresh.begun - refresh.nodes.length, caller);
    refresh.begun = refresh.nodes.length;
    refresh.results.end(refresh.signal.aborted ? refresh.signal.reason : undefined);
  }

  #count(more: number, caller: Caller): void {
    caller.nodes += more;
    this.#nodes += more;
  }

  async *#resultsOf(refresh: Refresh, caller: Caller): AsyncGenerator<ReadResult> {
    for await (const result of refresh.results) {
      yield result;
      this.#ready(refresh, caller);
      this.#begin();
    }
  }

  /** The call waits for its turn, if it has nodes to be begun and its client reads. */
  #ready(refresh: Refresh, caller: Caller): void {
    const { begun, nodes, reading, results } = refresh;
    if (begun < nodes.length && reading < PLACES_OF_CALL && results.size + reading < UNREAD) caller.ready.add(refresh);
  }

  /** What is still being read counts against its caller, also after its calls. */
  #forget(caller: Caller): void {
    if (caller.calls === 0 && caller.reading === 0) this.#callers.delete(caller.who);
  }

  /** Begins readings while there are places, in portions. */
  #begin(): void {
    if (this.#isBeginning) return;
    for (let begun = 0; begun < PORTION; begun += 1) if (!this.#beginOne()) return;
    this.#isBeginning = true;
    void nextPortion().then(() => {
      this.#isBeginning = false;
      this.#begin();
    });
  }

  /** Callers have turns, and the calls of a caller. @returns false if no caller has a place and a node */
  #beginOne(): boolean {
    for (const caller of this.#callers.values()) {
      const [refresh] = caller.ready;
      if (refresh === undefined || caller.reading >= this.#free) continue;
      this.#callers.delete(caller.who);
      this.#callers.set(caller.who, caller);
      caller.ready.delete(refresh);
      this.#read(refresh, caller);
      return true;
    }
    return false;
  }

  #read(refresh: Refresh, caller: Caller): void {
    const node = refresh.nodes[refresh.begun] as NodeRow;
    const change = (more: number): void => {
      refresh.reading += more;
      caller.reading += more;
      this.#free -= more;
    };
    refresh.begun += 1;
    change(1);
    this.#ready(refresh, caller);
    const over = (): void => {
      change(-1);
      this.#count(-1, caller);
      if (refresh.begun === refresh.nodes.length && refresh.reading === 0) refresh.results.end();
      this.#ready(refresh, caller);
      this.#forget(caller);
      this.#begin();
    };
    readNode(node, 'operator', this.#readings, refresh.signal)
      .then(
        (result) => refresh.results.push(result),
        (error: unknown) => refresh.results.end(error),
      )
      .finally(over);
  }
}

const tooMany = ({ limit, unit, what }: LimitRow): Error =>
  fail('TOO_MANY_STREAMS', `${what}: at most ${limit} ${unit}; let some end first, or name fewer nodes`);
