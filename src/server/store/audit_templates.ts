/** The table of audit templates. */
import type { Knex } from 'knex';
import { type CountermandError, failAt, failWith } from '../../core/errors.ts';
import { AUDIT_TEMPLATES, compareAndSet } from './compare_and_set.ts';
import type { Transaction } from './database.ts';
import { byCreation, findByShortUuid, meansSeveral, type NewestMark } from './newest.ts';
import { type AuditTemplateRow, auditTemplateCodec } from './plan_rows.ts';

/** A template by uuid, else by name, else by the beginning of its uuid. @throws AUDIT_TEMPLATE_NOT_FOUND, ARGUMENT_INVALID if nothing is named, or several are */
export async function getAuditTemplate(key: string, sql: Knex): Promise<AuditTemplateRow> {
  if (key === '')
    throw failAt('ARGUMENT_INVALID', 'audit_template', 'no audit template is named; give its name or its uuid');
  const row =
    (await sql('audit_templates').where('uuid', key).first()) ??
    (await sql('audit_templates').where('name', key).first());
  if (row) return auditTemplateCodec.decode(row);
  const named = { table: 'audit_templates', codec: auditTemplateCodec } as const;
  const [byShort, ...others] = await findByShortUuid(key, named, sql);
  if (byShort && others.length > 0) throw meansSeveral(key, 'audit template', [byShort, ...others]);
  if (byShort) return byShort;
  throw noAuditTemplate(key);
}

/** The error for a key that no template has. */
export function noAuditTemplate(key: string): CountermandError {
  return failWith('AUDIT_TEMPLATE_NOT_FOUND', `there is no audit template '${key.slice(0, 255)}'`, {
    resource: { type: 'audit_template', name: key },
  });
}

/** Which templates are listed, and in which order; an empty text holds nothing back. */
interface TemplateFilter {
  readonly goal: string;
  readonly strategy: string;
  readonly oldestFirst: boolean;
}

/** At most `limit` templates after a mark. */
export async function listAuditTemplates(
  { goal, strategy, oldestFirst }: TemplateFilter,
  after: NewestMark | null,
  limit: number,
  sql: Knex,
): Promise<AuditTemplateRow[]> {
  const query = sql('audit_templates');
  if (goal !== '') query.where('goal', goal);
  if (strategy !== '') query.where('strategy', strategy);
  return (await byCreation(query, after, limit, oldestFirst)).map(auditTemplateCodec.decode);
}

/** @throws AUDIT_TEMPLATE_NAME_TAKEN if another template than that of `uuid` has the name */
export async function refuseNamesake(name: string, uuid: string, sql: Knex): Promise<void> {
  const namesake = await sql('audit_templates')
    .whereNot({ uuid })
    .where((other) => other.where({ name }).orWhere('uuid', name))
    .first('uuid');
  if (!namesake) return;
  throw failWith('AUDIT_TEMPLATE_NAME_TAKEN', `there is an audit template '${name}' already; choose another name`, {
    field: 'name',
    resource: { type: 'audit_template', name },
  });
}

/** @throws AUDIT_TEMPLATE_NAME_TAKEN if a template has this uuid, or bears it as its name: a template is found by either */
export async function refuseKnownUuid(uuid: string, sql: Knex): Promise<void> {
  const known = await sql('audit_templates').where({ uuid }).orWhere('name', uuid).first('name');
  if (!known) return;
  const sentence = `uuid ${uuid} means audit template '${known.name}' already; choose another uuid`;
  throw failWith('AUDIT_TEMPLATE_NAME_TAKEN', sentence, {
    field: 'uuid',
    resource: { type: 'audit_template', name: known.name },
  });
}

/** Adds a row. */
export async function insertAuditTemplate(template: AuditTemplateRow, { sql }: Transaction): Promise<void> {
  await sql('audit_templates').insert(auditTemplateCodec.encode(template));
}

/** Writes a part of a row anew. @returns the row as it now is, or null if another write came first */
export const saveAuditTemplate = (
  before: AuditTemplateRow,
  patch: Partial<AuditTemplateRow>,
  transaction: Transaction,
): Promise<AuditTemplateRow | null> => compareAndSet(AUDIT_TEMPLATES, before, patch, transaction);

/** Removes a row. */
export async function deleteAuditTemplateRow({ uuid }: AuditTemplateRow, { sql }: Transaction): Promise<void> {
  await sql('audit_templates').where('uuid', uuid).delete();
}
