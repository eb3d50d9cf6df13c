/** The table of sinks. */
import type { Knex } from 'knex';
import { codecOf } from './columns.ts';
import type { Transaction } from './database.ts';
import { openText, sealText } from './sealing.ts';

/** Where events leave the installation. */
export interface SinkRow {
  readonly uuid: string;
  readonly name: string;
  readonly kind: string;
  /** As they were given: secrets, or references to them. Null: what is stored does not open. */
  readonly settings: Readonly<Record<string, string>> | null;
  /** Globs of event types; empty: all. */
  readonly eventTypes: readonly string[];
  /** The number of the last event that the receiver has taken over, or that it does not want. */
  readonly position: number;
  readonly createdAt: number;
  readonly createdBy: string;
  /** Why nothing is sent any more; null while it is. */
  readonly offReason: string | null;
}

const sinkCodec = codecOf<Omit<SinkRow, 'settings'> & { readonly settings: string }>({
  uuid: 'plain',
  name: 'plain',
  kind: 'plain',
  settings: 'plain',
  eventTypes: 'json',
  position: 'plain',
  createdAt: 'plain',
  createdBy: 'plain',
  offReason: 'plain',
});

/** What the settings are sealed as. */
export const SINK_SETTINGS = 'sinks.settings';

/** All sinks. */
export async function listSinks(sql: Knex): Promise<SinkRow[]> {
  return (await sql('sinks')).map((row) => {
    const { settings, ...sink } = sinkCodec.decode(row);
    const opened = openText(settings, SINK_SETTINGS, sink.uuid, sql);
    return { ...sink, settings: opened === null ? null : JSON.parse(opened) };
  });
}

/** The number up to which every sink has delivered, also those that are off; null if there is none. */
export async function readBySinks(sql: Knex): Promise<number | null> {
  const row = await sql('sinks').min({ position: 'position' }).first();
  return row?.position ?? null;
}

/** The names of all sinks. */
export const sinkNames = ({ sql }: Transaction): Promise<string[]> => sql('sinks').pluck('name');

/** Adds a sink. */
export async function insertSink({ settings, ...sink }: SinkRow, { sql }: Transaction): Promise<void> {
  const sealed = sealText(JSON.stringify(settings ?? {}), SINK_SETTINGS, sink.uuid, sql);
  await sql('sinks').insert(sinkCodec.encode({ ...sink, settings: sealed }));
}

/** Writes how far a sink has got. One that has got further is left alone. */
export async function savePosition(uuid: string, position: number, { sql }: Transaction): Promise<void> {
  await sql('sinks').where({ uuid }).where('position', '<', position).update({ position });
}

/** Writes why a sink is off, or that it is on. One that is not off for the reason that this was decided on is left alone. */
export async function saveOffReason(
  before: Pick<SinkRow, 'uuid' | 'offReason'>,
  offReason: string | null,
  { direct }: Transaction,
): Promise<void> {
  await direct.update('sinks', { off_reason: offReason }, { uuid: before.uuid, off_reason: before.offReason });
}

/** Removes a sink, with its secrets. */
export async function deleteSink(uuid: string, { sql, scrub }: Transaction): Promise<void> {
  await sql('sinks').where('uuid', uuid).delete();
  scrub();
}
