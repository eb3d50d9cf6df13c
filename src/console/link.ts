/**
 * The link of the page to its conductor: one question that is asked again and again, and what follows from its answers.
 *
 * Streams do not open themselves again. A stream that breaks tells the link; when the conductor has answered again, the number of
 * the connection is another one, and everything that hangs on it begins anew.
 */
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { type Cancellation, openCancellation, sleep } from '../core/signals.ts';

/** Why a call failed: no credentials are accepted, the conductor is away, or it has refused this one call. */
export interface Failure {
  readonly kind: 'signed out' | 'lost' | 'refused';
  /** What is told to a person. */
  readonly sentence: string;
  /** Our code of the error; empty if the conductor has not answered. */
  readonly code: string;
  /** What was ordered may have been done all the same. */
  readonly mayBeDone: boolean;
}

/** How the link stands. */
export interface LinkState<Answer> {
  readonly state: 'connecting' | 'connected' | 'disconnected' | 'signed out';
  /** Since when, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** One more with each new connection. */
  readonly connection: number;
  /** The last answer; null before the first, and where it was refused. */
  readonly answer: Answer | null;
  /** Why it is as it is; empty while it is connected. */
  readonly sentence: string;
}

/** How often a conductor that answers is asked. */
const ASK_AGAIN_MS = 5000;
/** One that has not answered in this time is away. */
const ANSWER_LIMIT_MS = 10_000;
/** The pauses between two questions to a conductor that is away. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/** What a link asks with. */
interface LinkParts<Answer> {
  /** The question. */
  ask(signal: AbortSignal): Promise<Answer>;
  failureOf(error: unknown): Failure;
  readonly clock: Clock;
}

/** The link. It is paused when it is made; `run` begins it. */
export class Link<Answer> {
  readonly #parts: LinkParts<Answer>;
  readonly #listeners = new Set<() => void>();
  #state: LinkState<Answer>;
  #running: Cancellation | null = null;
  #rest: Cancellation | null = null;
  /** How often in a row it was lost; none once it has held from one question to the next. */
  #losses = 0;
  /** A stream was lost since the last question. */
  #lost = false;

  constructor(parts: LinkParts<Answer>) {
    this.#parts = parts;
    this.#state = { state: 'connecting', sinceMs: parts.clock.now(), connection: 0, answer: null, sentence: '' };
  }

  /** How it stands now. */
  get now(): LinkState<Answer> {
    return this.#state;
  }

  /** Calls `listener` after each change. Returns how to stop that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins, or goes on after a pause, with a new connection. */
  run(): void {
    if (this.#running !== null) return;
    this.#running = openCancellation([]);
    this.#set({ state: 'connecting', sentence: '' });
    void this.#keepAsking(this.#running.signal);
  }

  /** Asks no more until `run`. */
  pause(): void {
    this.#running?.abort(fail('CALL_ENDED', 'the link is paused'));
    this.#running = null;
  }

  /** A stream broke. It is asked at once whether the conductor is there, or after a pause if that happens again and again. */
  lost({ sentence }: Pick<Failure, 'sentence'>): void {
    if (this.#state.state !== 'connected') return;
    this.#lost = true;
    this.#set({ state: 'disconnected', sentence });
    this.#rest?.abort(fail('CALL_ENDED', 'a stream broke'));
  }

  async #keepAsking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await this.#askOnce(signal);
      if (pauseMs === null) return;
      await this.#pauseFor(pauseMs, signal);
      if (!this.#lost) continue;
      this.#lost = false;
      await this.#pauseFor(this.#lossPauseMs(), signal);
    }
  }

  /** Asks once. Answers after how many milliseconds to ask again; null: no more. */
  async #askOnce(signal: AbortSignal): Promise<number | null> {
    const { ask, failureOf, clock } = this.#parts;
    const limited = openCancellation([signal], { clock, afterMs: ANSWER_LIMIT_MS, what: 'the answer' });
    try {
      const answer = await ask(limited.signal);
      if (signal.aborted) return null;
      this.#connected(answer);
      return ASK_AGAIN_MS;
    } catch (error) {
      if (signal.aborted) return null;
      return this.#failed(failureOf(error));
    } finally {
      limited.end();
    }
  }

  #connected(answer: Answer | null): void {
    if (this.#state.state === 'connected') {
      this.#losses = 0;
      this.#set({ answer });
      return;
    }
    this.#set({ state: 'connected', connection: this.#state.connection + 1, answer, sentence: '' });
  }

  #failed({ kind, sentence }: Failure): number | null {
    if (kind === 'signed out') {
      this.#running = null;
      this.#set({ state: 'signed out', answer: null, sentence });
      return null;
    }
    if (kind === 'refused') {
      // It answers; that this caller may not ask this is no break.
      this.#connected(null);
      return ASK_AGAIN_MS;
    }
    this.#set({ state: 'disconnected', sentence });
    return this.#lossPauseMs();
  }

  #lossPauseMs(): number {
    this.#losses += 1;
    return Math.min(FIRST_PAUSE_MS * 2 ** (this.#losses - 1), LONGEST_PAUSE_MS);
  }

  /** Waits; a stream that breaks ends it, and so does the pause of the link. */
  async #pauseFor(ms: number, signal: AbortSignal): Promise<void> {
    const rest = openCancellation([signal]);
    this.#rest = rest;
    await sleep(ms, this.#parts.clock, rest.signal).catch(() => {});
    rest.end();
    this.#rest = null;
  }

  #set(change: Partial<LinkState<Answer>>): void {
    const moved = change.state !== undefined && change.state !== this.#state.state;
    const sinceMs = moved ? this.#parts.clock.now() : this.#state.sinceMs;
    this.#state = { ...this.#state, sinceMs, ...change };
    for (const listener of this.#listeners) listener();
  }
}
