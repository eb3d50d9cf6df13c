/** The RPCs of AuditService about audit templates. */
import { failAt } from '../../core/errors.ts';
import type { AuditServiceImplementation, AuditTemplate } from '../../gen/countermand/v1/audit.ts';
import { changeAuditTemplate, createAuditTemplate, deleteAuditTemplate } from '../audits/templates.ts';
import type { Conductor } from '../conductor.ts';
import { storeAlso } from '../store/also.ts';
import { getAuditTemplate, listAuditTemplates, noAuditTemplate } from '../store/audit_templates.ts';
import { isNewestMark } from '../store/newest.ts';
import type { AuditTemplateRow } from '../store/plan_rows.ts';
import { nextToken, pageMark, pageSize } from './pages.ts';
import type { Recorded } from './trail.ts';
import type { Viewed } from './view.ts';
import { date } from './wire.ts';

type TemplateRpcs = Pick<
  AuditServiceImplementation<Viewed & Recorded>,
  'createAuditTemplate' | 'getAuditTemplate' | 'listAuditTemplates' | 'updateAuditTemplate' | 'deleteAuditTemplate'
>;

/** The RPCs over a conductor. */
export function templatesOf({ orders: { store } }: Conductor): TemplateRpcs {
  const { read } = store.database;
  return {
    async createAuditTemplate(request, { record }) {
      const noting = storeAlso(store, record, () => ({ template: request.name }));
      return { auditTemplate: toTemplate(await createAuditTemplate(request, noting)) };
    },

    async getAuditTemplate({ auditTemplate }, { view }) {
      if (!view.rights.everywhere('audit.read')) throw noAuditTemplate(auditTemplate);
      return { auditTemplate: toTemplate(await getAuditTemplate(auditTemplate, read)) };
    },

    async listAuditTemplates({ pageSize: size, pageToken, ...filter }, { view }) {
      if (!view.rights.everywhere('audit.read')) return { auditTemplates: [], nextPageToken: '' };
      const limit = pageSize(size);
      const list = ['audit_templates', filter.goal, filter.strategy, filter.oldestFirst];
      const rows = await listAuditTemplates(filter, pageMark(list, pageToken, isNewestMark), limit, read);
      return { auditTemplates: rows.map(toTemplate), nextPageToken: nextToken(list, rows, limit) };
    },

    async updateAuditTemplate({ auditTemplate, scope, setScope, revision = null, ...named }, { record }) {
      // Unsaid, the template would stay about the nodes that it was about, and the answer would look like a success.
      if (scope.length > 0 && !setScope)
        throw failAt(
          'ARGUMENT_INVALID',
          'scope',
          'scope: it goes with set_scope; say that too, or leave out the scope',
        );
      const given = Object.entries(named).filter(([, value]) => value !== undefined);
      const patch = { ...Object.fromEntries(given), ...(setScope && { scope }) };
      const noting = storeAlso(store, record, (row) => ({ template: (row as AuditTemplateRow).name }));
      return { auditTemplate: toTemplate(await changeAuditTemplate(auditTemplate, patch, revision, noting)) };
    },

    async deleteAuditTemplate({ auditTemplate, revision = null }, { record }) {
      const noting = storeAlso(store, record, () => ({ template: auditTemplate }));
      await deleteAuditTemplate(auditTemplate, revision, noting);
      return {};
    },
  };
}

function toTemplate({ scope, createdAt, updatedAt, ...template }: AuditTemplateRow): AuditTemplate {
  return {
    ...template,
    scope: scope as { [key: string]: unknown }[],
    createdAt: date(createdAt),
    updatedAt: date(updatedAt),
  };
}
