/** Audit templates: a goal, a strategy and a scope under a name. Audits keep nothing of the template that they were made from. */
import { failAt } from '../../core/errors.ts';
import { exceeded, SENT_LIMITS } from '../../core/limits.ts';
import { CANONICAL_UUID } from '../../core/uuid.ts';
import { checkName } from '../plans/check.ts';
import { parseScope } from '../plans/scope.ts';
import { chooseStrategy, STRATEGIES } from '../plans/strategies.ts';
import {
  deleteAuditTemplateRow,
  getAuditTemplate,
  insertAuditTemplate,
  refuseKnownUuid,
  refuseNamesake,
  saveAuditTemplate,
} from '../store/audit_templates.ts';
import { holdToRevision, overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { AuditTemplateRow } from '../store/plan_rows.ts';
import type { Store } from '../store/store.ts';
import type { WantedAudit } from './request.ts';

/** One template, as a client writes it. */
type WantedTemplate = Pick<AuditTemplateRow, 'name' | 'description' | 'goal' | 'strategy' | 'scope'>;

/** @throws AUDIT_INVALID, SCOPE_INVALID, ARGUMENT_INVALID naming the place */
function checkTemplate(wanted: WantedTemplate): WantedTemplate {
  const { name, description, goal, strategy, scope } = wanted;
  checkName(name, 'name', 'AUDIT_INVALID');
  if (description.length > SENT_LIMITS.text.limit) throw exceeded(SENT_LIMITS.text, 'description', description.length);
  parseScope(scope);
  if (strategy === '' && STRATEGIES.some((each) => each.goal.name === goal)) return wanted;
  const chosen = chooseStrategy(strategy, goal);
  return { ...wanted, goal: chosen.goal.name, strategy: chosen.name };
}

/** Makes a template; an empty `uuid` becomes a new one. @throws as `checkTemplate`, AUDIT_TEMPLATE_NAME_TAKEN; then nothing was written */
export async function createAuditTemplate(
  { uuid: chosen, ...wanted }: WantedTemplate & { readonly uuid: string },
  { clock, chance, database }: Store,
): Promise<AuditTemplateRow> {
  if (chosen !== '' && !CANONICAL_UUID.test(chosen))
    throw failAt('ARGUMENT_INVALID', 'uuid', `uuid '${chosen.slice(0, 100)}' is not a uuid in lower case`);
  const now = clock.now();
  const stamps = { uuid: chosen === '' ? chance.uuid() : chosen, revision: 1, createdAt: now, updatedAt: now };
  const template = { ...checkTemplate(wanted), ...stamps };
  await database.write(async (transaction) => {
    await refuseNamesake(template.name, template.uuid, transaction.sql);
    await refuseKnownUuid(template.uuid, transaction.sql);
    await insertAuditTemplate(template, transaction);
  });
  return template;
}

/**
 * Changes a template.
 * @param revision the one that it has to be at; null for any
 * @throws as `createAuditTemplate`, AUDIT_TEMPLATE_NOT_FOUND, REVISION_MISMATCH; then nothing was written
 */
export function changeAuditTemplate(
  key: string,
  patch: Partial<WantedTemplate>,
  revision: number | null,
  { clock, database }: Store,
): Promise<AuditTemplateRow> {
  return database.write(async (transaction) => {
    const before = await getAuditTemplate(key, transaction.sql);
    const what = `audit template '${before.name}'`;
    holdToRevision(revision, before, what);
    const { name, description, goal, strategy, scope } = { ...before, ...patch };
    const wanted = checkTemplate({ name, description, goal, strategy, scope });
    await refuseNamesake(name, before.uuid, transaction.sql);
    const saved = await saveAuditTemplate(before, { ...wanted, updatedAt: clock.now() }, transaction);
    if (saved === null) throw overtaken(what);
    return saved;
  });
}

/**
 * Forgets a template.
 * @param revision the one that it has to be at; null for any
 * @throws AUDIT_TEMPLATE_NOT_FOUND, REVISION_MISMATCH; then nothing was written
 */
export function deleteAuditTemplate(key: string, revision: number | null, { database }: Store): Promise<void> {
  return database.write(async (transaction) => {
    const template = await getAuditTemplate(key, transaction.sql);
    holdToRevision(revision, template, `audit template '${template.name}'`);
    await deleteAuditTemplateRow(template, transaction);
  });
}

/**
 * A wanted audit with what its template gives it, if it names one.
 * @throws AUDIT_TEMPLATE_NOT_FOUND; AUDIT_INVALID if the audit names a goal or strategy of its own that is not the template's
 */
export async function withTemplate(
  { template: key, ...wanted }: WantedAudit,
  sql: Transaction['sql'],
): Promise<WantedAudit> {
  if (key === undefined) return wanted;
  const template = await getAuditTemplate(key, sql);
  for (const place of ['goal', 'strategy'] as const)
    if (wanted[place] !== '' && template[place] !== '' && wanted[place] !== template[place])
      throw failAt(
        'AUDIT_INVALID',
        place,
        `${place}: audit template '${template.name}' has ${template[place]}; leave it out, or the template`,
      );
  const goal = wanted.goal === '' ? template.goal : wanted.goal;
  const strategy = wanted.strategy === '' ? template.strategy : wanted.strategy;
  const scope = wanted.scope.length > 0 || wanted.all ? wanted.scope : template.scope;
  return { ...wanted, goal, strategy, scope };
}
