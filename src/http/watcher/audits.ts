/** Audits: made, listed, stopped. */
import * as z from 'zod';
import { fail } from '../../core/errors.ts';
import { type Audit, AuditState, AuditType } from '../../gen/countermand/v1/audit.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { type Answer, ok } from '../answer.ts';
import { Refusal } from '../errors.ts';
import { type IsRecent, isEqual } from '../repeated.ts';
import { type Ask, type Route, route } from '../route.ts';
import { everyOne, listRoutes, PAGE, pageOf } from './pages.ts';
import { ExpectTakenDown, StatePatch } from './patch.ts';
import { goalNamed, strategiesOf, strategyNamed } from './strategies.ts';
import { AuditView, toAuditView } from './view.ts';

const words = (what: string) => z.string({ error: what });

const SECONDS = 'it is a whole number of seconds; cron is not known here';

const NewAudit = z.strictObject({
  audit_type: z.enum(['ONESHOT', 'CONTINUOUS'], { error: 'it is ONESHOT or CONTINUOUS' }),
  name: words('it is a text').nullish(),
  goal: words('it is the name or uuid of a goal').nullish(),
  strategy: words('it is the name or uuid of a strategy').nullish(),
  audit_template_uuid: words('it is the name or uuid of an audit template').nullish(),
  interval: z
    .union([z.string(), z.number()], { error: SECONDS })
    .refine((value) => /^\d{1,9}$/.test(String(value)), SECONDS)
    .nullish(),
  parameters: z.record(z.string(), z.unknown(), { error: 'it is an object' }).nullish(),
  scope: z.array(z.record(z.string(), z.unknown()), { error: 'it is a list of objects' }).nullish(),
  all: z.boolean({ error: 'it is true or false' }).optional().describe('About every node.'),
  auto_trigger: z.boolean({ error: 'it is true or false' }).optional(),
  expect_taken_down: ExpectTakenDown,
  force: z.boolean({ error: 'it is true or false' }).optional().describe('No audit is refused because a plan runs.'),
  start_time: z.null({ error: 'audits have no window of time here' }).optional(),
  end_time: z.null({ error: 'audits have no window of time here' }).optional(),
});

/** What CreateAudit is told. */
interface Wanted {
  readonly name: string;
  readonly auditType: AuditType;
  readonly strategy: string;
  readonly goal: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly scope: Record<string, unknown>[];
  readonly all: boolean;
  readonly interval: number | undefined;
  readonly autoTrigger: boolean;
}

/** The audit of an answer. */
function auditIn({ audit }: { readonly audit?: Audit | undefined }): Audit {
  if (audit === undefined) throw new Error('an answer without an audit');
  return audit;
}

/** The last audits are looked through for one that an earlier attempt of the same request has made. */
const LOOKED_THROUGH = 20;

/** The audit that an earlier attempt of this request has made, or null. Who has cancelled it since, and asks again, wants another. */
async function earlier(wanted: Wanted, isRecent: IsRecent, { audits }: Clients): Promise<Audit | null> {
  const { audits: last } = await audits.listAudits({ pageSize: LOOKED_THROUGH });
  const isSame = (audit: Audit): boolean =>
    isRecent(audit.createdAt) &&
    audit.state !== AuditState.CANCELLED &&
    isEqual(
      [audit.name, audit.auditType, audit.parameters ?? {}, audit.scope, audit.all, audit.interval, audit.autoTrigger],
      [
        wanted.name,
        wanted.auditType,
        wanted.parameters,
        wanted.scope,
        wanted.all,
        wanted.interval ?? 0,
        wanted.autoTrigger,
      ],
    ) &&
    (wanted.strategy === '' ? audit.goal === wanted.goal : audit.strategy === wanted.strategy);
  return last.find(isSame) ?? null;
}

async function create({
  body,
  base,
  requestId,
  isRecent,
  conductor,
}: Ask<unknown, z.infer<typeof NewAudit>>): Promise<Answer> {
  const strategies = await strategiesOf(conductor);
  const strategy = body.strategy ? strategyNamed(body.strategy, strategies).name : '';
  const goal = body.goal ? goalNamed(body.goal, strategies).goal : '';
  const named = body.audit_template_uuid;
  // With what the template gives, an earlier attempt is found by what it has made.
  const template = named
    ? (await conductor.audits.getAuditTemplate({ auditTemplate: named })).auditTemplate
    : undefined;
  if (strategy === '' && goal === '' && template === undefined)
    throw fail('AUDIT_INVALID', 'goal: it is missing; give a goal, a strategy or an audit template');
  const wanted = {
    name: body.name || strategy || goal || template?.name || '',
    auditType: AuditType[body.audit_type],
    strategy: strategy || template?.strategy || '',
    goal: goal || template?.goal || '',
    auditTemplate: template?.uuid ?? '',
    parameters: body.parameters ?? {},
    scope: body.scope ?? (body.all ? [] : (template?.scope ?? [])),
    all: body.all ?? false,
    interval: body.interval == null ? undefined : Number(body.interval),
    autoTrigger: body.auto_trigger ?? false,
  };
  const before = requestId === '' ? await earlier(wanted, isRecent, conductor) : null;
  const audit =
    before ??
    auditIn(await conductor.audits.createAudit({ ...wanted, requestId, expectTakenDown: body.expect_taken_down }));
  return {
    status: 201,
    body: toAuditView(audit, strategies, base),
    headers: { Location: `${base}/v1/audits/${audit.uuid}` },
  };
}

const everyAudit = ({ audits }: Clients) =>
  everyOne(async (pageToken) => {
    const { audits: things, nextPageToken } = await audits.listAudits({ pageSize: 1000, pageToken });
    return { things, nextPageToken };
  });

const ListQuery = z.strictObject({ ...PAGE, goal: z.string().optional(), strategy: z.string().optional() });
const Page = z.object({ audits: z.array(AuditView), next: z.string().optional() });

async function list(ask: Ask<z.infer<typeof ListQuery>>): Promise<Answer> {
  const { query, base, conductor } = ask;
  const strategies = await strategiesOf(conductor);
  const strategy = query.strategy === undefined ? null : strategyNamed(query.strategy, strategies).name;
  const goal = query.goal === undefined ? null : goalNamed(query.goal, strategies).goal;
  const views = async function* () {
    for await (const audit of everyAudit(conductor))
      if ((strategy === null || audit.strategy === strategy) && (goal === null || audit.goal === goal))
        yield toAuditView(audit, strategies, base);
  };
  const columns = [
    'uuid',
    'name',
    'audit_type',
    'state',
    'goal_uuid',
    'strategy_uuid',
    'auto_trigger',
    'created_at',
    'updated_at',
  ];
  return pageOf('audits', views(), columns, ask);
}

/** What a wished state asks for. @throws Refusal with 400 for one that cannot be wished */
async function change(ident: string, wish: string, { audits }: Clients): Promise<Audit> {
  const audit = ident;
  if (wish === 'CANCELLED') return auditIn(await audits.cancelAudit({ audit }));
  if (wish === 'SUSPENDED') return auditIn(await audits.suspendAudit({ audit }));
  if (wish === 'ONGOING') return auditIn(await audits.resumeAudit({ audit }));
  throw new Refusal(400, `state: '${wish.slice(0, 100)}' cannot be asked for; CANCELLED, SUSPENDED and ONGOING can`);
}

/** The routes of audits. */
export const AUDIT_ROUTES: readonly Route[] = [
  ...listRoutes({
    path: '/v1/audits',
    things: 'audits, the newest first',
    command: 'watcher audit list',
    calls: 'AuditService.ListAudits, ListStrategies',
    query: ListQuery,
    answer: Page,
    handle: list,
  }),
  route({
    method: 'POST',
    path: '/v1/audits',
    chapter: 'watcher',
    says: 'makes an audit and runs it for the first time; its plan is RECOMMENDED, unless it is started by `auto_trigger`',
    command: 'watcher audit create',
    calls: 'AuditService.CreateAudit, ListStrategies',
    differs:
      'The first run is a part of the creation. An audit that equals one made less than `repetition_window` ago is that one, unless it was cancelled. Several audits may have one name; without a name it is that of the strategy, or of the template. A strategy that acts on nodes needs a `scope` (docs/scope.md) or `all: true`. EVENT, cron, start and end times are refused.',
    status: 201,
    body: NewAudit,
    answer: AuditView,
    handle: create,
  }),
  route({
    method: 'GET',
    path: '/v1/audits/{audit}',
    chapter: 'watcher',
    says: 'answers one audit, by uuid or by its name if no other has it',
    command: 'watcher audit show',
    calls: 'AuditService.GetAudit, ListStrategies',
    status: 200,
    answer: AuditView,
    async handle({ params, base, conductor }) {
      const audit = auditIn(await conductor.audits.getAudit({ audit: params.audit ?? '' }));
      if (audit.state === AuditState.DELETED) throw new Refusal(404, `audit '${audit.name}' was deleted`);
      return ok(toAuditView(audit, await strategiesOf(conductor), base));
    },
  }),
  route({
    method: 'PATCH',
    path: '/v1/audits/{audit}',
    chapter: 'watcher',
    says: 'cancels (CANCELLED), suspends (SUSPENDED) or resumes (ONGOING) a continuous audit',
    command: 'watcher audit update replace state=',
    calls: 'AuditService.CancelAudit, SuspendAudit, ResumeAudit, ListStrategies',
    differs: 'Nothing but `/state` can be changed.',
    status: 200,
    body: StatePatch,
    answer: AuditView,
    async handle({ params, body, base, conductor }) {
      const strategies = await strategiesOf(conductor);
      const audit = await change(params.audit ?? '', body[0]?.value ?? '', conductor);
      return ok(toAuditView(audit, strategies, base));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/audits/{audit}',
    chapter: 'watcher',
    says: 'deletes an audit that does not run any more',
    command: 'watcher audit delete',
    calls: 'AuditService.DeleteAudit',
    status: 204,
    async handle({ params, conductor }) {
      await conductor.audits.deleteAudit({ audit: params.audit ?? '' });
      return { status: 204 };
    },
  }),
];
