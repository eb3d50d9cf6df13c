/** Audit templates: the only way in which the `watcher` command gives an audit a scope. */
import * as z from 'zod';
import { CountermandError, fail } from '../../core/errors.ts';
import type { AuditTemplate, Strategy } from '../../gen/countermand/v1/audit.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { type Answer, ok } from '../answer.ts';
import { type IsRecent, isEqual } from '../repeated.ts';
import { type Ask, type Route, route } from '../route.ts';
import { everyOne, listRoutes, PAGE, pageOf } from './pages.ts';
import { goalNamed, strategiesOf, strategyNamed } from './strategies.ts';
import { TemplateView, toTemplateView } from './view.ts';

const words = (what: string) => z.string({ error: what });
const Criteria = z.array(z.record(z.string(), z.unknown()), { error: 'it is a list of objects' });

const NewTemplate = z.strictObject({
  name: z.string({ error: ({ input }) => (input === undefined ? 'it is missing' : 'it is a text') }),
  goal: words('it is the name or uuid of a goal').nullish(),
  strategy: words('it is the name or uuid of a strategy').nullish(),
  description: words('it is a text').nullish(),
  scope: Criteria.nullish(),
});

/** What can be patched. */
const FIELDS = ['name', 'description', 'goal', 'strategy', 'scope'] as const;
const PATHS = FIELDS.map((field) => `/${field}`);

const Patch = z
  .array(
    z.strictObject({
      op: z.enum(['replace', 'add', 'remove'], { error: 'it is replace, add or remove' }),
      path: z.string({ error: 'it is a text' }).refine((path) => PATHS.includes(path), `it is ${PATHS.join(', ')}`),
      value: z.unknown().optional(),
    }),
    { error: 'the body is a list of patches' },
  )
  .min(1, 'the body is a list of patches');

/** The template of an answer. */
function templateIn({ auditTemplate }: { readonly auditTemplate?: AuditTemplate | undefined }): AuditTemplate {
  if (auditTemplate === undefined) throw new Error('an answer without an audit template');
  return auditTemplate;
}

const goalOf = (ident: string | null | undefined, all: readonly Strategy[]): string =>
  ident ? goalNamed(ident, all).goal : '';
const strategyOf = (ident: string | null | undefined, all: readonly Strategy[]): string =>
  ident ? strategyNamed(ident, all).name : '';

type Wanted = Pick<AuditTemplate, 'name' | 'description' | 'goal' | 'strategy' | 'scope'>;

/** Makes a template, or finds the one that an earlier attempt of the same request has made. */
async function made(wanted: Wanted, isRecent: IsRecent, { audits }: Clients): Promise<AuditTemplate> {
  try {
    return templateIn(await audits.createAuditTemplate(wanted));
  } catch (error) {
    if (!(error instanceof CountermandError && error.code === 'AUDIT_TEMPLATE_NAME_TAKEN')) throw error;
    const template = templateIn(await audits.getAuditTemplate({ auditTemplate: wanted.name }));
    const { description, goal, strategy, scope } = template;
    const isSame =
      (wanted.goal === '' || wanted.goal === goal) &&
      isEqual([description, strategy, scope], [wanted.description, wanted.strategy, wanted.scope]);
    if (!isSame || !isRecent(template.createdAt)) throw error;
    return template;
  }
}

async function create({ body, base, isRecent, conductor }: Ask<unknown, z.infer<typeof NewTemplate>>): Promise<Answer> {
  const all = await strategiesOf(conductor);
  const wanted = {
    name: body.name,
    description: body.description ?? '',
    goal: goalOf(body.goal, all),
    strategy: strategyOf(body.strategy, all),
    scope: body.scope ?? [],
  };
  const view = toTemplateView(await made(wanted, isRecent, conductor), all, base);
  return { status: 201, body: view, headers: { Location: `${base}/v1/audit_templates/${view.uuid}` } };
}

/** @throws ARGUMENT_INVALID naming the patch */
function textIn({ op, value }: z.infer<typeof Patch>[number], at: number): string {
  if (op === 'remove') return '';
  if (typeof value === 'string') return value;
  throw fail('ARGUMENT_INVALID', `[${at}].value: it is a text`);
}

/** One change from all patches; a later one wins. @throws ARGUMENT_INVALID, Refusal with 404 for an unknown goal or strategy */
function changeFrom(patches: z.infer<typeof Patch>, all: readonly Strategy[]) {
  const change: Partial<Wanted> & { setScope?: boolean } = {};
  for (const [at, patch] of patches.entries()) {
    if (patch.path === '/scope') {
      const scope = Criteria.safeParse(patch.op === 'remove' ? [] : patch.value);
      if (!scope.success) throw fail('ARGUMENT_INVALID', `[${at}].value: it is a list of objects`);
      Object.assign(change, { scope: scope.data, setScope: true });
    } else if (patch.path === '/goal') change.goal = goalOf(textIn(patch, at), all);
    else if (patch.path === '/strategy') change.strategy = strategyOf(textIn(patch, at), all);
    else if (patch.path === '/name') change.name = textIn(patch, at);
    else change.description = textIn(patch, at);
  }
  return change;
}

const ListQuery = z.strictObject({ ...PAGE, goal: z.string().optional(), strategy: z.string().optional() });
const Page = z.object({ audit_templates: z.array(TemplateView), next: z.string().optional() });

async function list(ask: Ask<z.infer<typeof ListQuery>>): Promise<Answer> {
  const { query, base, conductor } = ask;
  const all = await strategiesOf(conductor);
  const filter = { goal: goalOf(query.goal, all), strategy: strategyOf(query.strategy, all) };
  const views = async function* () {
    const every = everyOne(async (pageToken) => {
      const asked = { ...filter, pageSize: 1000, pageToken };
      const { auditTemplates: things, nextPageToken } = await conductor.audits.listAuditTemplates(asked);
      return { things, nextPageToken };
    });
    for await (const template of every) yield toTemplateView(template, all, base);
  };
  const columns = ['uuid', 'name', 'goal_uuid', 'strategy_uuid', 'created_at', 'updated_at'];
  return pageOf('audit_templates', views(), columns, ask);
}

/** The routes of audit templates. */
export const TEMPLATE_ROUTES: readonly Route[] = [
  ...listRoutes({
    path: '/v1/audit_templates',
    things: 'audit templates, the newest first',
    command: 'watcher audittemplate list',
    calls: 'AuditService.ListAuditTemplates, ListStrategies',
    query: ListQuery,
    answer: Page,
    handle: list,
  }),
  route({
    method: 'POST',
    path: '/v1/audit_templates',
    chapter: 'watcher',
    says: 'keeps a goal, a strategy and a scope under a name',
    command: 'watcher audittemplate create',
    calls: 'AuditService.CreateAuditTemplate, ListStrategies',
    differs:
      'The scope has `baremetal` sections (docs/scope.md). A template that equals one made less than `repetition_window` ago is that one.',
    status: 201,
    body: NewTemplate,
    answer: TemplateView,
    handle: create,
  }),
  route({
    method: 'GET',
    path: '/v1/audit_templates/{template}',
    chapter: 'watcher',
    says: 'answers one audit template, by name or uuid',
    command: 'watcher audittemplate show',
    calls: 'AuditService.GetAuditTemplate, ListStrategies',
    status: 200,
    answer: TemplateView,
    async handle({ params, base, conductor }) {
      const template = templateIn(await conductor.audits.getAuditTemplate({ auditTemplate: params.template ?? '' }));
      return ok(toTemplateView(template, await strategiesOf(conductor), base));
    },
  }),
  route({
    method: 'PATCH',
    path: '/v1/audit_templates/{template}',
    chapter: 'watcher',
    says: 'changes a template; all patches are one change. Audits that were made from it stay as they are',
    command: 'watcher audittemplate update',
    calls: 'AuditService.UpdateAuditTemplate, ListStrategies',
    status: 200,
    body: Patch,
    answer: TemplateView,
    async handle({ params, body, base, conductor }) {
      const all = await strategiesOf(conductor);
      const asked = { auditTemplate: params.template ?? '', ...changeFrom(body, all) };
      return ok(toTemplateView(templateIn(await conductor.audits.updateAuditTemplate(asked)), all, base));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/audit_templates/{template}',
    chapter: 'watcher',
    says: 'forgets a template; audits that were made from it stay',
    command: 'watcher audittemplate delete',
    calls: 'AuditService.DeleteAuditTemplate',
    status: 204,
    async handle({ params, conductor }) {
      await conductor.audits.deleteAuditTemplate({ auditTemplate: params.template ?? '' });
      return { status: 204 };
    },
  }),
];
