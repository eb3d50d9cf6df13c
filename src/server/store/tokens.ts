/** The table of tokens. */
import type { Knex } from 'knex';
import { codecOf } from './columns.ts';
import type { Transaction } from './database.ts';

/** A token. Who has its secret is who the token is for. */
export interface TokenRow {
  readonly uuid: string;
  readonly name: string;
  /** The digest of its secret. */
  readonly digest: string;
  /** Empty: it is the token of a client. */
  readonly agentZones: readonly string[];
  /** The role that it was made with; null: none. */
  readonly role: string | null;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
}

const tokenCodec = codecOf<TokenRow>({
  uuid: 'plain',
  name: 'plain',
  digest: 'plain',
  agentZones: 'json',
  role: 'plain',
  createdAt: 'plain',
  createdBy: 'plain',
  expiresAt: 'plain',
  revokedAt: 'plain',
});

/** Every token that was ever made. */
export async function listTokens(sql: Knex): Promise<TokenRow[]> {
  return (await sql('tokens')).map(tokenCodec.decode);
}

/** True if a token has this name. */
export async function isTokenName(name: string, { sql }: Transaction): Promise<boolean> {
  return (await sql('tokens').where('name', name).first('uuid')) !== undefined;
}

/** Adds a token. */
export async function insertToken(token: TokenRow, { sql }: Transaction): Promise<void> {
  await sql('tokens').insert(tokenCodec.encode(token));
}

/** Writes when a token was revoked. One that was revoked before is left alone. */
export async function saveRevoked(uuid: string, revokedAt: number, { sql }: Transaction): Promise<void> {
  await sql('tokens').where({ uuid }).whereNull('revoked_at').update({ revoked_at: revokedAt });
}
