/** A conductor that would lead: its session looks who does, and takes the lock as soon as it is free. */
import type { Clock } from '../../../core/clock.ts';
import { type CountermandError, fail } from '../../../core/errors.ts';
import { openCancellation, untilAborted } from '../../../core/signals.ts';
import type { Migration } from '../migrations/list.ts';
import type { OwnProcess } from '../own_process.ts';
import type { SealingKeys } from '../sealing.ts';
import type { PostgresAddress } from './address.ts';
import { type ConductorSelf, enterLeader, enterStandBy, leaveConductors } from './conductors.ts';
import { type LedDatabase, lead } from './database.ts';
import { explainOpening } from './errors.ts';
import { notedKeys } from './keys_in_use.ts';
import { refuseMissingRights, refuseNewer } from './migrate.ts';
import { POSTGRES_MIGRATIONS } from './migrations.ts';
import { endSession, findHolder, findOwner, type OwnerRow, tryLockBy } from './owner.ts';
import type { Found } from './session.ts';
import { connect, type Open } from './writing_connection.ts';

/** The timeout of a look; after it the session is given up. */
const LOOK_LIMIT_MS = 10_000;

/** How often it says that it is there. */
const ENTER_MS = 1000;

/**
 * The clocks of a host and of the database may differ by less than this. Deadlines stand in the rows, and the next leader may be on
 * another host: one whose clock is ahead would force, or give up, what has time left.
 */
const CLOCKS_DIFFER_MS = 60_000;

/** What one look has seen. */
export interface Sight {
  /** The lock was free, and this session has it now. */
  readonly locked: boolean;
  /** Who has led last, or leads; null in a database without one. */
  readonly owner: OwnerRow | null;
  /** The session of the leader; null if it has gone meanwhile. */
  readonly holder: Pick<Found, 'pid' | 'since'> | null;
  /** Another text each time that the leader has done something. */
  readonly pulse: string;
}

/** Who looks, and how. */
export interface CandidateParts {
  readonly clock: Clock;
  readonly self: OwnProcess;
  readonly conductor: ConductorSelf;
  readonly leaseMs: number;
  /** With which driver_info is sealed. */
  readonly keys?: SealingKeys | undefined;
  /** Those of this version unless a test plays another one. */
  readonly migrations?: readonly Migration[] | undefined;
}

/** The session of one candidate. Use `openCandidate`. */
export class Candidate {
  readonly #open: Open;
  readonly #address: PostgresAddress;
  readonly #parts: CandidateParts;
  #enteredAt = Number.NEGATIVE_INFINITY;
  #hasRights = false;

  constructor(open: Open, address: PostgresAddress, parts: CandidateParts) {
    this.#open = open;
    this.#address = address;
    this.#parts = parts;
  }

  /**
   * Looks, takes the lock if it is free, and otherwise says that this conductor is there.
   * @throws DATABASE_UNUSABLE; DATABASE_REFUSED if the clock of this host is wrong, a right is missing, or the leader's session could not be
   *   ended; DATABASE_NEWER and DATABASE_DAMAGED: then it could not lead, and nothing was written
   */
  look(): Promise<Sight> {
    return this.#limited(async () => {
      const { client } = this.#open;
      const { locked, aheadMs } = await tryLockBy(this.#parts.clock.now(), CLOCKS_DIFFER_MS, client);
      if (Math.abs(aheadMs) >= CLOCKS_DIFFER_MS) throw wrongClock(aheadMs, this.#address);
      const owner = await findOwner(client);
      const holder = locked ? null : await findHolder(client);
      if (holder && !holder.mayBeEnded) throw anothersSession(holder, this.#address);
      if (!locked) await this.#enter();
      const pulse = `${owner?.generation} ${owner?.lastWrite} ${holder?.pulse}`;
      return { locked, owner, holder, pulse };
    });
  }

  /** Ends the session of the leader: what it had not committed is undone, and the lock is free. @throws DATABASE_UNUSABLE */
  endLeader({ holder }: Sight): Promise<void> {
    return this.#limited(async () => {
      if (holder !== null) await endSession(holder, this.#open.client);
    });
  }

  /**
   * Leads, after a look that has taken the lock. The candidate is used up.
   * @throws DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, SECRETS_KEY_WRONG: then nothing was written, and the
   *   lock is free
   */
  async lead(): Promise<LedDatabase> {
    const { conductor } = this.#parts;
    try {
      const present = (sql: Parameters<typeof enterLeader>[1]) => enterLeader(conductor, sql);
      return await lead(this.#open, this.#address, { ...this.#parts, present });
    } catch (thrown) {
      this.drop();
      throw explainOpening(thrown, this.#address);
    }
  }

  /** Gives the session up; whatever waits for it fails. */
  drop(): void {
    this.#open.client.connection.stream.destroy();
  }

  /** As `drop`, in order: the conductor is not listed any more. */
  async leave(): Promise<void> {
    await this.#limited(() => leaveConductors(this.#parts.conductor, this.#open.client)).catch(() => {});
    this.drop();
  }

  async #enter(): Promise<void> {
    const now = this.#parts.clock.monotonic();
    if (now - this.#enteredAt < ENTER_MS) return;
    this.#enteredAt = now;
    const { migrations = POSTGRES_MIGRATIONS } = this.#parts;
    await refuseNewer(this.#open.client, this.#address, migrations);
    // They are looked for once in a session: what is taken away later is seen when it is needed.
    if (!this.#hasRights) await refuseMissingRights((sql) => this.#open.client.query(sql), this.#address);
    this.#hasRights = true;
    await enterStandBy(this.#parts.conductor, this.#open.client);
    // Who leads may have made its key since this conductor has started. It is told so now, and not when it is needed.
    if (this.#parts.keys) this.#parts.keys.check(await notedKeys(this.#open.client));
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#parts;
    const limit = { clock, afterMs: LOOK_LIMIT_MS, what: 'an answer of the database' };
    const cancellation = openCancellation([], limit);
    try {
      return await untilAborted(work(), cancellation.signal);
    } catch (thrown) {
      this.drop();
      const error = explainOpening(thrown, this.#address);
      throw cancellation.signal.aborted ? fail('DATABASE_UNUSABLE', 'the database does not answer', error) : error;
    } finally {
      cancellation.end();
    }
  }
}

function anothersSession(
  { user, ownUser }: { user: string; ownUser: string },
  { words }: PostgresAddress,
): CountermandError {
  return fail(
    'DATABASE_REFUSED',
    `the conductor that leads is user ${user} of the ${words}, whose session user ${ownUser} may not see and end, so that it could not be followed when it is frozen; nothing was written; run all conductors as one user, or, if ${user} is no superuser, grant: GRANT pg_read_all_stats, pg_signal_backend TO ${ownUser}`,
  );
}

function wrongClock(aheadMs: number, { words }: PostgresAddress): CountermandError {
  const differs = `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that`;
  return fail(
    'DATABASE_REFUSED',
    `the clock of this host is ${differs} of the ${words}, and must be within ${CLOCKS_DIFFER_MS / 1000} s of it, as deadlines stand in the database; nothing was written; set both clocks, for example by NTP`,
  );
}

/** Opens the session of a candidate. @throws DATABASE_REFUSED, DATABASE_UNUSABLE: then nothing was written */
export async function openCandidate(address: PostgresAddress, parts: CandidateParts): Promise<Candidate> {
  try {
    return new Candidate(await connect(address, parts.clock), address, parts);
  } catch (thrown) {
    throw explainOpening(thrown, address);
  }
}
