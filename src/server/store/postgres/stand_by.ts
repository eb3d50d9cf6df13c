/** Standing by: a conductor looks after the leader, and follows it when it has gone. */
import type { Clock } from '../../../core/clock.ts';
import { CountermandError, type ErrorCode } from '../../../core/errors.ts';
import { sleep } from '../../../core/signals.ts';
import type { Migration } from '../migrations/list.ts';
import { hasEnded, type OwnProcess, thisProcess } from '../own_process.ts';
import type { SealingKeys } from '../sealing.ts';
import type { PostgresAddress } from './address.ts';
import { Candidate, type CandidateParts, openCandidate } from './candidate.ts';
import type { ConductorSelf } from './conductors.ts';
import type { LedDatabase } from './database.ts';
import { Patience } from './election.ts';
import { explainOpening } from './errors.ts';
import { keysInUse } from './keys_in_use.ts';
import type { ConductorName, OwnerRow } from './owner.ts';
import { SILENCE_LIMIT_S, within } from './silence.ts';
import { connect, type Open } from './writing_connection.ts';

/** How often it looks. A leader that dies frees its lock at once, so this is most of what a takeover takes. */
const LOOK_MS = 250;
/** After looks that have failed, each wait is twice the one before, up to this. */
const LONGEST_WAIT_MS = 2000;
/** These do not pass by themselves: whoever waits, waits for an operator. */
const FATAL: readonly ErrorCode[] = ['DATABASE_NEWER', 'DATABASE_DAMAGED', 'SECRETS_KEY_WRONG'];
/** Nor does this, as far as a process knows that has just been started. To one that has looked, it may: a server is about to be moved. */
const FATAL_AT_FIRST: readonly ErrorCode[] = [...FATAL, 'DATABASE_REFUSED'];

/** What a conductor that stands by tells its process. */
export interface StandByListener {
  /** Who leads; null if no conductor does, or if that cannot be known. @param why it cannot be known; null if it is */
  readonly seen: (leader: ConductorName | null, why: CountermandError | null) => void;
  /** The session of a leader was ended, as it did nothing for longer than its lease. */
  readonly ended: (leader: ConductorName | null) => void;
}

/** An election that this conductor has won. */
export interface Won extends LedDatabase {
  /** Who led before; null if no conductor did. */
  readonly before: OwnerRow | null;
  /** For how long what was inside the processes of those that led before may still act. */
  readonly mayActMs: number;
}

/** Everything that standing by needs. */
interface StandByParts extends Pick<CandidateParts, 'clock' | 'self' | 'leaseMs'> {
  /** Opens a session that looks. */
  readonly open: () => Promise<Pick<Candidate, 'look' | 'endLeader' | 'lead' | 'drop' | 'leave'>>;
  readonly listener: StandByListener;
}

/** A conductor on a database that others may be on. */
export class StandBy {
  readonly #parts: StandByParts;
  #candidate: Awaited<ReturnType<StandByParts['open']>> | null = null;
  #hasLooked = false;

  constructor(parts: StandByParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when this conductor leads. The abort rejects with its reason. A database that is away, slow or full is waited for.
   * @throws DATABASE_NEWER as soon as a newer version has led, DATABASE_DAMAGED, SECRETS_KEY_WRONG; while it has not been able to look
   *   once, also DATABASE_REFUSED
   */
  async won(signal: AbortSignal): Promise<Won> {
    const { clock, leaseMs } = this.#parts;
    const patience = new Patience(leaseMs);
    let waitMs = LOOK_MS;
    for (;;) {
      signal.throwIfAborted();
      try {
        const won = await this.#tryOnce(patience);
        this.#hasLooked = true;
        if (won) return won;
        waitMs = LOOK_MS;
      } catch (error) {
        this.#candidate?.drop();
        this.#candidate = null;
        if (!(error instanceof CountermandError) || this.#isFatal(error)) throw error;
        this.#parts.listener.seen(null, error);
        waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
      }
      await sleep(waitMs, clock, signal);
    }
  }

  /** Leaves: it is listed no more. */
  async close(): Promise<void> {
    await this.#candidate?.leave();
    this.#candidate = null;
  }

  #isFatal({ code }: CountermandError): boolean {
    return (this.#hasLooked ? FATAL : FATAL_AT_FIRST).includes(code);
  }

  async #tryOnce(patience: Patience): Promise<Won | null> {
    const { clock, listener, self, open } = this.#parts;
    this.#candidate ??= await open();
    const candidate = this.#candidate;
    const sight = await candidate.look();
    if (sight.locked) {
      this.#candidate = null;
      const won = await candidate.lead();
      const hasEnded = await endsSoon(sight.owner, self, clock);
      const { predecessorsEnded, leaseMs } = sight.owner ?? { predecessorsEnded: true, leaseMs: null };
      const mayActMs = patience.mayActMs(clock.monotonic(), { hasEnded, predecessorsEnded, leaseMs });
      won.tenure.predecessorsEnd(mayActMs);
      return { ...won, before: sight.owner, mayActMs };
    }
    if (patience.saw(sight.pulse, clock.monotonic(), sight.owner?.leaseMs ?? null) === 'end') {
      await candidate.endLeader(sight);
      listener.ended(sight.owner?.conductor ?? null);
    }
    listener.seen(sight.owner?.conductor ?? null, null);
    return null;
  }
}

/** True if nothing of a former leader can act: it has said so, it was in this process, or its process on this host has died. */
function hasStopped(owner: OwnerRow | null, self: OwnProcess): boolean {
  if (owner === null || owner.endedCleanly) return true;
  return hasEnded(owner, self);
}

/** A process that was killed lets go of the database before it is gone. How often, and how many times, it is looked for. */
const LOOK_EVERY_MS = 50;
const LOOKS = 10;

/** As `hasStopped`, a little later: what it leaves is then taken up at once, and not when its lease is over. */
async function endsSoon(owner: OwnerRow | null, self: OwnProcess, clock: Clock): Promise<boolean> {
  for (let look = 0; look < LOOKS; look += 1) {
    if (hasStopped(owner, self)) return true;
    if (owner?.host !== self.host) return false;
    await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve));
  }
  return hasStopped(owner, self);
}

/** Where the conductors on one database are elected. */
export interface Elections {
  /** The database in words, without the password. */
  readonly where: string;
  /** Lets this process stand by, once. */
  standBy(conductor: ConductorSelf, listener: StandByListener): StandBy;
  /** Ends the session, where no conductor stands by. */
  close(): void;
}

/** What a conductor connects with, beside the address. */
interface ElectionParts {
  readonly clock: Clock;
  readonly leaseMs: number;
  /** With which driver_info is sealed. */
  readonly keys?: SealingKeys;
  readonly self?: OwnProcess;
  /** Those of this version unless a test plays another one. */
  readonly migrations?: readonly Migration[];
}

/**
 * Connects to a database on which others may stand.
 * @throws DATABASE_REFUSED, DATABASE_UNUSABLE, SECRETS_KEY_WRONG: then nothing was written
 */
export async function openElections(
  address: PostgresAddress,
  { clock, leaseMs, keys, migrations, self = thisProcess() }: ElectionParts,
): Promise<Elections> {
  const first = await connect(address, clock).catch((thrown) => {
    throw explainOpening(thrown, address);
  });
  const close = (): void => void first.client.connection.stream.destroy();
  try {
    // A conductor that could not take over is told so at its start, not when it is needed.
    keys?.check(await within(SILENCE_LIMIT_S, first.client, clock, () => keysInUse(first.client)));
  } catch (thrown) {
    close();
    throw explainOpening(thrown, address);
  }
  /** The session that the process was started with, until it is used. */
  let unused: Open | null = first;
  const open = (parts: CandidateParts) => async (): Promise<Candidate> => {
    if (unused === null) return openCandidate(address, parts);
    const candidate = new Candidate(unused, address, parts);
    unused = null;
    return candidate;
  };
  return {
    where: address.words,
    standBy(conductor, listener) {
      const parts = { clock, leaseMs, self, keys, migrations, conductor };
      return new StandBy({ ...parts, open: open(parts), listener });
    },
    close,
  };
}
