/** Tokens that the conductor has made. All of them are in memory: each call asks for one. */
import { hash } from 'node:crypto';
import { failAt, failWith } from '../../core/errors.ts';
import { CANONICAL_UUID } from '../../core/uuid.ts';
import { type Also, type Touched, writeAlso } from '../store/also.ts';
import type { Store } from '../store/store.ts';
import { insertToken, isTokenName, listTokens, saveRevoked, type TokenRow } from '../store/tokens.ts';

/** What the secret of every token begins with, so that scanners of repositories and logs know one. */
export const TOKEN_PREFIX = 'countermand_';

/** These are too many bytes to guess, so a fast digest is enough. */
const SECRET_BYTES = 32;

/** The limit of stored tokens, those that have expired or were revoked included. */
const TOKENS_LIMIT = 10_000;

const NAME = /^[\w.-]{1,200}$/;
const DAYS_LIMIT = 3650;
const DAY_MS = 24 * 3600 * 1000;

/** The properties of a new token. */
interface NewToken {
  readonly name: string;
  readonly days: number;
  /** Empty: it is the token of a client. */
  readonly agentZones: readonly string[];
  /** A role that there is; null: none. */
  readonly role: string | null;
  /** The identity that makes it. */
  readonly createdBy: string;
}

/** The tokens of a conductor. */
export class Tokens {
  readonly #store: Store;
  readonly #byDigest = new Map<string, TokenRow>();

  private constructor(store: Store) {
    this.#store = store;
  }

  /** Reads those that there are. */
  static async open(store: Store): Promise<Tokens> {
    const tokens = new Tokens(store);
    for (const row of await listTokens(store.database.read)) tokens.#byDigest.set(row.digest, row);
    return tokens;
  }

  /** All of them, by name. */
  list(): TokenRow[] {
    return [...this.#byDigest.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** The token with this secret, also one that has ended; null if there is none. */
  find(secret: string): TokenRow | null {
    return this.#byDigest.get(secretDigest(secret)) ?? null;
  }

  /** The token of this name, also one that has ended; null if there is none. */
  named(name: string): TokenRow | null {
    return this.list().find((row) => row.name === name) ?? null;
  }

  /** A token as it is now. */
  current(row: TokenRow): TokenRow {
    return this.#byDigest.get(row.digest) ?? row;
  }

  /**
   * Makes a token, and answers its secret, which is kept nowhere.
   * @param also what is written with it
   * @throws ARGUMENT_INVALID, TOKEN_NAME_TAKEN
   */
  async create(wanted: NewToken, also?: Also): Promise<{ readonly row: TokenRow; readonly secret: string }> {
    check(wanted);
    if (this.#byDigest.size >= TOKENS_LIMIT)
      throw failAt('ARGUMENT_INVALID', 'name', `there are ${TOKENS_LIMIT} tokens, and no more are kept`);
    const { database, clock, chance } = this.#store;
    const { days, ...parts } = wanted;
    const secret = TOKEN_PREFIX + chance.bytes(SECRET_BYTES).toString('base64url');
    const createdAt = clock.now();
    const times = { createdAt, expiresAt: createdAt + days * DAY_MS, revokedAt: null };
    const row: TokenRow = { uuid: chance.uuid(), digest: secretDigest(secret), ...parts, ...times };
    await writeAlso(database, also, touchedBy(row), async (transaction) => {
      if (await isTokenName(row.name, transaction))
        throw failWith('TOKEN_NAME_TAKEN', `there is a token '${row.name}' already; choose another name`, {
          field: 'name',
          resource: { type: 'token', name: row.name },
        });
      await insertToken(row, transaction);
    });
    this.#byDigest.set(row.digest, row);
    return { row, secret };
  }

  /**
   * Ends a token, by name or uuid, for good. One that was revoked before stays as it is. If it throws another error than
   * TOKEN_NOT_FOUND, the token is refused until the conductor is started again, and for good only when this was repeated.
   * @throws TOKEN_NOT_FOUND
   */
  async revoke(key: string, also?: Also): Promise<TokenRow> {
    if (key === '') throw failAt('ARGUMENT_INVALID', 'token', 'no token is named; give its name or uuid');
    const { database, clock } = this.#store;
    const all = this.list();
    // A name looks like no uuid, so both cannot mean different tokens.
    const row = all.find(({ uuid }) => uuid === key) ?? all.find(({ name }) => name === key);
    if (row === undefined)
      throw failWith('TOKEN_NOT_FOUND', `there is no token '${key.slice(0, 255)}'`, {
        resource: { type: 'token', name: key.slice(0, 255) },
      });
    const revoked = { ...row, revokedAt: row.revokedAt ?? clock.now() };
    // Refused from now on, also if the write fails: then the caller is told so, and revokes it again, which writes again.
    this.#byDigest.set(row.digest, revoked);
    await writeAlso(database, also, touchedBy(row), (transaction) =>
      saveRevoked(row.uuid, revoked.revokedAt, transaction),
    );
    return revoked;
  }
}

const touchedBy =
  ({ name }: TokenRow) =>
  (): Touched => ({ token: name });

const secretDigest = (secret: string): string => hash('sha256', secret);

function check({ name, days, agentZones, role }: NewToken): void {
  if (role !== null && agentZones.length > 0)
    throw failAt('ARGUMENT_INVALID', 'role', 'role is for the token of a client; an agent attaches, and has no role');
  if (!NAME.test(name))
    throw failAt('ARGUMENT_INVALID', 'name', 'name must be 1 to 200 letters, digits, dots, dashes and underscores');
  if (CANONICAL_UUID.test(name.toLowerCase()))
    throw failAt('ARGUMENT_INVALID', 'name', 'name looks like a uuid, by which another token may be named');
  if (days < 1 || days > DAYS_LIMIT)
    throw failAt('ARGUMENT_INVALID', 'days', `days is ${days}; a token is accepted for 1 to ${DAYS_LIMIT} days`);
  for (const [at, zone] of agentZones.entries())
    if (!/^[\w.-]{1,255}$/.test(zone))
      throw failAt('ARGUMENT_INVALID', `agent_zones[${at}]`, `agent_zones[${at}] is not the name of a zone`);
}
