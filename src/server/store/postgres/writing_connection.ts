/**
 * The one connection that writes, and that holds the lock of the database. If it breaks, it is made anew, and goes on where no
 * other conductor has taken the database over.
 */
import createKnex, { type Knex } from 'knex';
import pg from 'pg';
import type { Clock } from '../../../core/clock.ts';
import { CountermandError, fail } from '../../../core/errors.ts';
import type { Migration } from '../migrations/list.ts';
import type { OwnProcess } from '../own_process.ts';
import type { SealingKeys } from '../sealing.ts';
import type { PostgresAddress } from './address.ts';
import { explainOpening } from './errors.ts';
import { keysInUse } from './keys_in_use.ts';
import { migrate } from './migrate.ts';
import { POSTGRES_MIGRATIONS } from './migrations.ts';
import {
  type ConductorName,
  endSession,
  findOwner,
  isSessionThere,
  lockForLife,
  MIGRATING,
  type OwnerRow,
  taken,
  takeOwnership,
  tryLock,
  waitForLock,
} from './owner.ts';
import { connectionTo, type Found, prepareWriting } from './session.ts';
import { breakOffIfSilent, SILENCE_LIMIT_S, within } from './silence.ts';
import { leadershipLost } from './tenure.ts';

/** What knex logs is thrown as well, and said once. */
export const SILENT = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} };

/** What PostgreSQL says of a session in which no transaction is open, and of one in which there is. */
const IDLE = 'I';
const OPEN = 'T';

/** In seconds: how long it may take to set a session up. */
const SET_UP_LIMIT_S = 10;

/** What every commit begins with. */
const CLAIM = 'update database_owner set last_write = $1 where id = 1 and generation = $2';

/**
 * A commit that changes nothing. A session that was ended while it waited for a synchronous replica has committed on its own server
 * only; once a later commit is answered, the replica has both.
 */
const CONFIRM = 'update database_owner set last_write = last_write where id = 1';

/** A connection that is open, and what its session found. */
export interface Open {
  readonly client: pg.Client;
  readonly found: Found;
}

/** Use `openWriting`. */
export class WritingConnection {
  /** Builds statements; it has no connection of its own. */
  readonly #knex: Knex;
  readonly #address: PostgresAddress;
  readonly #generation: number;
  #number: number;
  #open: Open | null = null;
  /** The session before, which the server may still believe in. */
  #former: Found;
  #reconnecting: Promise<pg.Client> | null = null;
  /** Why there will be no connection any more. */
  #over: CountermandError | null = null;
  readonly #clock: Clock;
  readonly #brokeOff: () => void;
  readonly #leads: boolean;

  constructor(
    { open, knex, owner }: { open: Open; knex: Knex; owner: Pick<OwnerRow, 'generation' | 'lastWrite'> },
    address: PostgresAddress,
    { clock, brokeOff, conductor = null }: WritingParts,
  ) {
    this.#leads = conductor !== null;
    this.#address = address;
    this.#knex = knex;
    this.#generation = owner.generation;
    this.#number = owner.lastWrite;
    this.#former = open.found;
    this.#clock = clock;
    this.#brokeOff = brokeOff;
    this.#adopt(open);
  }

  /** How often a conductor has had the database, with this one. */
  get generation(): number {
    return this.#generation;
  }

  /** A number for the next commit, which no other has. */
  nextNumber(): number {
    this.#number += 1;
    return this.#number;
  }

  /**
   * The connection. If it has broken, that of a conductor which leads is gone for good: another one may lead already. Any other is made
   * anew.
   * @throws LEADERSHIP_LOST; DATABASE_UNUSABLE while the server cannot be reached; DATABASE_TAKEN from the time on that another
   *   conductor has the database
   */
  async connected(): Promise<pg.Client> {
    if (this.#over) throw this.#over;
    // What a transaction has left open must not become part of another one.
    if (this.#open && this.#open.client.getTransactionStatus() !== IDLE) this.abandon();
    if (this.#open) return this.#open.client;
    if (this.#leads) throw this.end(leadershipLost('has lost the connection to its database'));
    this.#reconnecting ??= this.#reconnect().finally(() => {
      this.#reconnecting = null;
    });
    return this.#reconnecting;
  }

  /** Lets the connection go, as it has broken or cannot be trusted. */
  abandon(): void {
    const { client } = this.#open ?? {};
    this.#open = null;
    client?.end().catch(() => {});
  }

  /**
   * Runs `work` in a transaction that is the commit of this number.
   * @throws DATABASE_TAKEN if another conductor has the database; what `work` and the server throw
   */
  async transaction<T>(client: pg.Client, number: number, work: (sql: Knex) => Promise<T>): Promise<T> {
    return this.#knex.transaction(
      async (sql) => {
        // knex goes on here even if its BEGIN has failed: each statement would then be a commit of its own.
        if (client.getTransactionStatus() !== OPEN) throw fail('DATABASE_UNUSABLE', 'no transaction was begun');
        const { rowCount } = await client.query({ name: 'claim', text: CLAIM, values: [number, this.#generation] });
        if (rowCount !== 1) throw this.end(taken(await findOwner(client)));
        return work(sql);
      },
      { connection: client },
    );
  }

  /** True if the commit of this number was done, and no later one can be. @throws as `connected` */
  async wasCommitted(number: number): Promise<boolean> {
    const client = await this.connected();
    if ((await findOwner(client))?.lastWrite !== number) return false;
    await client.query(CONFIRM);
    return true;
  }

  /** Gives the lock up. May be called while there is no connection. */
  async close(): Promise<void> {
    this.#over ??= fail('DATABASE_UNUSABLE', 'the database is closed');
    await this.#reconnecting?.catch(() => {});
    const { client } = this.#open ?? {};
    this.#open = null;
    await client
      ?.query('update database_owner set ended_cleanly = true where generation = $1', [this.#generation])
      .catch(() => {});
    await client?.end().catch(() => {});
    await this.#knex.destroy();
  }

  #adopt(open: Open): void {
    this.#open = open;
    this.#former = open.found;
    const gone = (): void => {
      if (this.#open !== open) return;
      this.#open = null;
      this.#brokeOff();
    };
    open.client.once('error', gone).once('end', gone);
  }

  async #reconnect(): Promise<pg.Client> {
    try {
      const open = await connect(this.#address, this.#clock);
      breakOffIfSilent(open.client, this.#clock);
      try {
        await this.#lockAgain(open.client);
        if (this.#over) throw this.#over;
      } catch (error) {
        await open.client.end().catch(() => {});
        throw error;
      }
      this.#adopt(open);
      return open.client;
    } catch (thrown) {
      throw this.#explained(thrown);
    }
  }

  /** @throws DATABASE_TAKEN if another conductor has the lock, or had it meanwhile; DATABASE_UNUSABLE while our former session has it */
  async #lockAgain(client: pg.Client): Promise<void> {
    const locked = await tryLock(client);
    const owner = await findOwner(client);
    if (owner?.generation !== this.#generation) throw this.end(taken(owner));
    if (locked) return;
    await endSession(this.#former, client);
    if (await waitForLock(client)) return;
    if (!(await isSessionThere(this.#former, client))) throw this.end(taken(null));
    throw fail(
      'DATABASE_UNUSABLE',
      `the ${this.#address.words} has not ended the former session of this conductor; nothing was written; try again`,
    );
  }

  /** The connection is not made again; the first reason stays, and is the answer. */
  end(error: CountermandError): CountermandError {
    this.#over ??= error;
    // What waits for an answer fails now, also if the server does not hear that the session is over.
    this.#open?.client.connection.stream.destroy();
    this.#open = null;
    return this.#over;
  }

  /** What an operator must change when a conductor starts may pass while it runs: the server is about to be moved, for example. */
  #explained(thrown: unknown): unknown {
    const error = explainOpening(thrown, this.#address);
    if (!(error instanceof CountermandError) || error.code !== 'DATABASE_REFUSED') return error;
    return fail('DATABASE_UNUSABLE', error.message, error);
  }
}

/** A connection that is set up, and closed again if that fails or takes 10 s. What is asked over it then has no limit. */
export async function connect(address: PostgresAddress, clock: Clock): Promise<Open> {
  const client = new pg.Client({ ...connectionTo(address), pipeline: true });
  // Whoever waits for an answer hears of it; without a listener it would end the process.
  client.on('error', () => {});
  try {
    const setUp = async (): Promise<Found> => {
      await client.connect();
      return prepareWriting(client, address);
    };
    return { client, found: await within(SET_UP_LIMIT_S, client, clock, setUp) };
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

/** What the connection is opened with beside the address. */
interface WritingParts {
  readonly clock: Clock;
  readonly self: OwnProcess;
  /** A database without our tables is refused. */
  readonly mustExist: boolean;
  /** Who leads from now on; absent: no listener is told, and a connection that breaks is made anew. */
  readonly conductor?: ConductorName | null;
  /** How long it may lead without an answer of the database. */
  readonly leaseMs?: number;
  readonly keys?: SealingKeys | undefined;
  /** Those of this version unless a test plays another one. */
  readonly migrations?: readonly Migration[] | undefined;
  /** Called each time that the connection has ended by itself. */
  readonly brokeOff: () => void;
}

/**
 * Opens the connection that writes: takes the lock, brings the schema up to date, makes this process the owner.
 * @throws DATABASE_IN_USE, DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, SECRETS_KEY_WRONG: then
 *   nothing was written
 */
export async function openWriting(address: PostgresAddress, parts: WritingParts): Promise<WritingConnection> {
  try {
    const open = await connect(address, parts.clock);
    try {
      await lockForLife(open.client, parts.self, address);
      return await takeWriting(open, address, parts);
    } catch (error) {
      await open.client.end().catch(() => {});
      throw error;
    }
  } catch (thrown) {
    throw explainOpening(thrown, address);
  }
}

/** Makes the connection that writes of one that has the lock: brings the schema up to date, and makes this process the owner. */
export async function takeWriting(
  open: Open,
  address: PostgresAddress,
  parts: WritingParts,
): Promise<WritingConnection> {
  const { client } = open;
  const { self, mustExist, keys, clock, migrations = POSTGRES_MIGRATIONS } = parts;
  const { conductor = null, leaseMs = null } = parts;
  const knex = createKnex({ client: 'pg', compileSqlOnError: false, log: SILENT });
  try {
    await within(SILENCE_LIMIT_S, client, clock, async () => {
      keys?.check(await keysInUse(client));
      await client.query(`set application_name = '${MIGRATING}'`);
    });
    // A migration of many rows takes its time.
    await knex.transaction((sql) => migrate(sql, address, migrations, mustExist), { connection: client });
    breakOffIfSilent(client, clock);
    await client.query("set application_name = 'countermand'");
    const owner = await takeOwnership(self, { conductor, leaseMs }, client);
    return new WritingConnection({ open, knex, owner }, address, parts);
  } catch (error) {
    await knex.destroy();
    throw error;
  }
}
