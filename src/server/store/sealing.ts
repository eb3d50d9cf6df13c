/**
 * driver_info as it stands in the database: sealed as a whole, so that whoever reads the database without the key learns nothing of
 * it, and whoever writes to it cannot lead a stored password to another address. In memory it is plain.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Knex } from 'knex';
import type { Chance } from '../../core/chance.ts';
import { UNOPENED } from '../../core/references.ts';
import type { Codec } from './columns.ts';
import { type NodeRow, nodeCodec } from './rows.ts';

/** The length of a key. */
export const KEY_BYTES = 32;

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX = 'sealed:1:';
const ID_DIGITS = 16;
const DRIVER_INFO = 'nodes.driver_info';

/** A key, and the id that stands in what it has sealed. The id tells nothing of the key. */
export interface SealingKey {
  readonly id: string;
  /** Made once: Node takes four times as long to make one of bytes as to open what stands in a row. */
  readonly secret: KeyObject;
}

/** The keys of a conductor, as an implementation of the database asks for them when it is opened. */
export interface SealingKeys {
  /** Called before anything is written. @throws SECRETS_KEY_WRONG if rows are sealed by a key of another id */
  check(idsInUse: readonly string[]): void;
  /** Called after that. Makes the key if none is configured and there is none yet. */
  sealer(): Sealer;
}

/** A key of these bytes. */
export function sealingKey(bytes: Buffer): SealingKey {
  const id = createHmac('sha256', bytes).update('countermand key id').digest('hex').slice(0, ID_DIGITS);
  return { id, secret: createSecretKey(bytes) };
}

/** Seals with one key, and opens what it or another one has sealed. */
export class Sealer {
  readonly #current: SealingKey;
  readonly #known: ReadonlyMap<string, SealingKey>;
  readonly #chance: Chance;

  /** @param others with which earlier rows may have been sealed */
  constructor(current: SealingKey, others: readonly SealingKey[], chance: Chance) {
    this.#current = current;
    this.#known = new Map([...others, current].map((key) => [key.id, key]));
    this.#chance = chance;
  }

  /** The id of the key that seals now. */
  get keyId(): string {
    return this.#current.id;
  }

  /** A text that opens for this row alone: `what` names table and column. Each call answers another one. */
  seal(plain: string, uuid: string, what: string = DRIVER_INFO): string {
    const { id, secret } = this.#current;
    const nonce = this.#chance.bytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(placeOf(what, uuid, id));
    const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${PREFIX}${id}:${sealed.toString('base64')}`;
  }

  /** What was sealed; null if the key is unknown, or the text was changed or sealed for another row. */
  open(stored: string, uuid: string, what: string = DRIVER_INFO): string | null {
    const key = this.#known.get(sealedBy(stored) ?? '');
    if (key === undefined) return null;
    const sealed = Buffer.from(stored.slice(PREFIX.length + ID_DIGITS + 1), 'base64');
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, key.secret, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(placeOf(what, uuid, key.id));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return null;
    }
  }

  /** True for what is sealed with the key that seals now. */
  isCurrent(stored: string): boolean {
    return sealedBy(stored) === this.#current.id;
  }
}

/** What a text is bound to. */
const placeOf = (what: string, uuid: string, keyId: string): Buffer =>
  Buffer.from(`countermand ${what} ${uuid} ${keyId}`);

/** The id of the key that has sealed a text; null if it is plain: driver_info is JSON and begins with a brace. */
function sealedBy(stored: string): string | null {
  return stored.startsWith(PREFIX) ? stored.slice(PREFIX.length, PREFIX.length + ID_DIGITS) : null;
}

/** As much of driver_info as says which key has sealed it. */
export const HEAD_LENGTH = PREFIX.length + ID_DIGITS;

/** The ids of the keys by which texts are sealed that begin like these. */
export function keyIdsOf(heads: readonly string[]): string[] {
  return [...new Set(heads.map(sealedBy).filter((id) => id !== null))].sort();
}

const sealers = new WeakMap<Knex, Sealer>();

/** Says how the rows are sealed that are reached through `sql`; null: they are plain. */
export function sealBehind(sql: Knex, sealer: Sealer | null): void {
  if (sealer !== null) sealers.set(sql, sealer);
}

/** A row of nodes that is reached through `sql`. It has uuid and driver_info, whatever else is left out. */
export function decodeNode(row: Record<string, unknown>, sql: Knex): NodeRow {
  const stored = row.driver_info as string;
  if (sealedBy(stored) === null) return nodeCodec.decode(row);
  const opened = sealers.get(sql)?.open(stored, row.uuid as string) ?? JSON.stringify({ [UNOPENED]: stored });
  return nodeCodec.decode({ ...row, driver_info: opened });
}

/** How parts of one node are written through `sql`. */
export function nodeCodecOf(uuid: string, sql: Knex): Codec<NodeRow> {
  const sealer = sealers.get(sql);
  if (sealer === undefined) return nodeCodec;
  return {
    decode: (row) => decodeNode(row, sql),
    encode(part) {
      const encoded = nodeCodec.encode(part);
      if (typeof encoded.driver_info !== 'string') return encoded;
      return { ...encoded, driver_info: sealer.seal(encoded.driver_info, uuid) };
    },
  };
}

/** A text as it is stored in the row `uuid`, behind `sql`. @param what table and column */
export const sealText = (plain: string, what: string, uuid: string, sql: Knex): string =>
  sealers.get(sql)?.seal(plain, uuid, what) ?? plain;

/** What `sealText` has sealed, or what is plain; null if it does not open. */
export function openText(stored: string, what: string, uuid: string, sql: Knex): string | null {
  return sealedBy(stored) === null ? stored : (sealers.get(sql)?.open(stored, uuid, what) ?? null);
}
