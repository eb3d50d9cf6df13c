/**
 * Bad calls about audits, and what each gets. They speak of a node `n1`, of an audit `done` that has run once, of a `runs`
 * that is continuous, and of two that are called `twin`.
 */
import type { CreateAuditRequest, DeepPartial } from '../../src/gen/countermand/v1/audit.ts';
import { AuditType } from '../../src/gen/countermand/v1/audit.ts';
import type { BadCall } from './bad_calls.ts';
import type { Client } from './client.ts';

const INVALID = { status: 'INVALID_ARGUMENT', code: 'AUDIT_INVALID' } as const;
const SCOPE = { status: 'INVALID_ARGUMENT', code: 'SCOPE_INVALID' } as const;
const ARGUMENT = { status: 'INVALID_ARGUMENT', code: 'ARGUMENT_INVALID' } as const;
const STATE = { status: 'FAILED_PRECONDITION', code: 'AUDIT_STATE' } as const;
const NOT_FOUND = { status: 'NOT_FOUND', code: 'AUDIT_NOT_FOUND' } as const;

type NewAudit = DeepPartial<CreateAuditRequest>;

/** Makes an audit that would do, but for what is given. */
const createAudit =
  (more: NewAudit) =>
  ({ audits }: Client): Promise<unknown> =>
    audits.createAudit({ name: 'new', strategy: 'dummy', ...more });

const audit = (what: string, more: NewAudit, says: RegExp): BadCall => ({
  what,
  call: createAudit(more),
  ...INVALID,
  says,
});
const whole = (what: string, which: NewAudit, list: object[]): BadCall => ({
  what: `${what} of ${which.strategy || which.goal}, which acts on nodes`,
  call: createAudit({ ...which, scope: list as never, autoTrigger: true }),
  ...SCOPE,
  says: /^scope: .* would act on every node; name nodes, zones or labels, or say all: true$/,
});
const scope = (what: string, list: readonly object[], says: RegExp): BadCall => ({
  ...audit(what, { scope: [...list] }, says),
  ...SCOPE,
});

const AUDITS: readonly BadCall[] = [
  audit('every node and a scope', { all: true, scope: [{ baremetal: [{ nodes: ['n1'] }] }] }, /^all: the scope names/),
  ...[{ strategy: 'host_maintenance' }, { strategy: 'saving_energy' }, { goal: 'saving_energy', strategy: '' }].flatMap(
    (which) => [
      whole('no scope', which, []),
      whole('a scope that only excludes', which, [{ baremetal: [{ exclude: [{ nodes: ['n1'] }] }] }]),
      whole('a section that only excludes', which, [
        { baremetal: [{ nodes: ['n1'] }] },
        { baremetal: [{ exclude: [{ zones: ['default'] }] }] },
      ]),
    ],
  ),
  audit('no name', { name: '' }, /^name: it has 1 to 255 characters/),
  audit('a name with a line break', { name: 'a\nb' }, /^name: it has a control character/),
  audit('a long request_id', { requestId: 'x'.repeat(256) }, /^request_id: it has 1 to 255 characters/),
  audit(
    'neither strategy nor goal',
    { strategy: '' },
    /^strategy: none is named, and no goal; there are manual, dummy/,
  ),
  audit(
    'an unknown strategy',
    { strategy: 'weather' },
    /^strategy: there is no strategy 'weather'; there are manual, d/,
  ),
  audit('an unknown goal', { strategy: '', goal: 'weather' }, /^goal: there is no goal 'weather'; there are manual, d/),
  audit('a strategy for another goal', { goal: 'saving_energy' }, /^strategy: .* 'dummy' for goal 'saving_energy'/),
  audit('an unknown type', { auditType: 99 as never }, /^audit_type: it is unknown; it is ONESHOT or CONTINUOUS/),
  audit('an unknown policy', { onFailure: 99 as never }, /^on_failure: it is unknown; it is STOP or CONTINUE/),
  audit('a huge max_parallel', { maxParallel: 10_001 }, /^max_parallel: it is 10001/),
  audit('a negative max_parallel', { maxParallel: -1 }, /^max_parallel: it is -1/),
  audit('an interval of one that runs once', { interval: 60 }, /^interval: an ONESHOT audit runs once; leave it out/),
  audit('no interval', { auditType: AuditType.CONTINUOUS }, /^interval: a CONTINUOUS audit needs one/),
  audit('an interval of zero', { auditType: AuditType.CONTINUOUS, interval: 0 }, /^interval: it is 0; .* from 1 to/),
  audit('a negative interval', { auditType: AuditType.CONTINUOUS, interval: -5 }, /^interval: it is -5/),
  audit(
    'an interval of ten years',
    { auditType: AuditType.CONTINUOUS, interval: 315_360_000 },
    /^interval: it is 315360000/,
  ),
  {
    what: 'a request_id of another audit',
    call: createAudit({ requestId: 'done' }),
    status: 'ALREADY_EXISTS',
    code: 'REQUEST_ID_TAKEN',
    says: /request_id 'done' was used for another audit, 'done'/,
  },
];

const action = { name: 'a', action_type: 'nop' };
const PARAMETERS: readonly BadCall[] = [
  audit('a parameter of another kind', { parameters: { para1: 'long' } }, /^parameters\.para1: .*takes: para1, para2/),
  audit('an unknown parameter', { parameters: { para9: 1 } }, /^parameters: there is no parameter 'para9'/),
  audit('a parameter over its limit', { parameters: { para1: 1e9 } }, /^parameters\.para1: /),
  audit(
    'a wave of no nodes',
    { strategy: 'host_maintenance', parameters: { wave_size: 0 } },
    /^parameters\.wave_size: /,
  ),
  audit('a negative reserve', { strategy: 'saving_energy', parameters: { reserve: -1 } }, /^parameters\.reserve: /),
  audit('no actions at all', { strategy: 'manual' }, /^parameters\.actions: /),
  audit(
    'an action that is none',
    { strategy: 'manual', parameters: { actions: [action, { name: 'b' }] } },
    /^parameters\.actions\[1\]\.action_type: /,
  ),
  audit(
    'an action of an unknown type',
    { strategy: 'manual', parameters: { actions: [{ ...action, action_type: 'teleport' }] } },
    /^parameters\.actions\[0\] 'a'\.action_type: there is no action type 'teleport'/,
  ),
  audit(
    'actions in a circle',
    { strategy: 'manual', parameters: { actions: [{ ...action, parents: ['a'] }] } },
    /^parameters\.actions: the parents form a cycle: 'a' needs 'a'/,
  ),
  {
    ...audit(
      'an action on an unknown node',
      {
        strategy: 'manual',
        parameters: {
          actions: [
            {
              name: 'a',
              action_type: 'set_node_maintenance',
              input_parameters: { resource_id: 'n9', maintenance: true },
            },
          ],
        },
      },
      /^parameters\.actions\[0\] 'a'\.input_parameters\.resource_id: there is no node 'n9'/,
    ),
    status: 'NOT_FOUND',
    code: 'NODE_NOT_FOUND',
  },
];

const SCOPES: readonly BadCall[] = [
  scope('a scope that is none', [{ nodes: ['n1'] }], /^scope\[0\]/),
  scope('a scope of another kind', [{ compute: [] }], /^scope\[0\]/),
  scope('a scope of nothing', [{ baremetal: [] }], /^scope\[0\]\.baremetal: /),
  scope('an unknown node', [{ baremetal: [{ nodes: ['n[1-2]'] }] }], /nodes\[0\]: there is no node 'n2'/),
  scope('a label that no node has', [{ baremetal: [{ labels: { rack: '9' } }] }], /^scope: it means no node/),
  scope(
    'no node left',
    [{ baremetal: [{ nodes: ['n1'] }, { exclude: [{ nodes: ['n1'] }] }] }],
    /^scope: it means no node/,
  ),
  {
    ...scope(
      'a plan with an unknown node in its scope',
      [],
      /^scope\[0\]\.baremetal\[0\]\.nodes\[0\]: there is no node/,
    ),
    call: ({ plans }) =>
      plans.createActionPlan({
        name: 'p',
        actions: [{ name: 'a', actionType: 'nop' }],
        scope: [{ baremetal: [{ nodes: ['n9'] }] }],
      }),
  },
];

const ORDERS: readonly BadCall[] = (['cancelAudit', 'suspendAudit', 'resumeAudit', 'deleteAudit'] as const).flatMap(
  (order): BadCall[] => {
    const give = (name: string) => (client: Client) => client.audits[order]({ audit: name });
    return [
      { what: `${order} of none`, call: give('nosuch'), ...NOT_FOUND, says: /there is no audit 'nosuch'/ },
      { what: `${order} that names none`, call: give(''), ...ARGUMENT, says: /no audit is named/ },
      { what: `${order} of one of two`, call: give('twin'), ...ARGUMENT, says: /more than one audit is called 'twin'/ },
    ];
  },
);

const STATES: readonly BadCall[] = [
  {
    what: 'a suspend of what is done',
    call: ({ audits }) => audits.suspendAudit({ audit: 'done' }),
    ...STATE,
    says: /is SUCCEEDED; it cannot be suspended; possible: delete it/,
  },
  {
    what: 'a delete of what runs',
    call: ({ audits }) => audits.deleteAudit({ audit: 'runs' }),
    ...STATE,
    says: /is ONGOING; it cannot be deleted; possible: suspend it, cancel it/,
  },
  {
    what: 'a state that is none',
    call: ({ audits }) => audits.listAudits({ states: [99 as never] }),
    ...ARGUMENT,
    says: /^states: 99 is unknown/,
  },
  {
    what: 'a forged token',
    call: ({ audits }) => audits.listAudits({ pageToken: 'x' }),
    status: 'INVALID_ARGUMENT',
    code: 'PAGE_TOKEN_INVALID',
    says: /begin again without one/,
  },
];

const report =
  (eventType: string, nodes: string[]) =>
  ({ audits }: Client): Promise<unknown> =>
    audits.reportClusterEvent({ eventType, nodes });
const EVENTS: readonly BadCall[] = [
  {
    what: 'an unknown event',
    call: report('instance.dance', ['n1']),
    ...ARGUMENT,
    says: /there is no event 'instance.dance'; there are instance.update/,
  },
  { what: 'an event about no node', call: report('instance.update', []), ...ARGUMENT, says: /no node is named/ },
  {
    what: 'an event about an unknown node',
    call: report('instance.update', ['n[1-2]']),
    status: 'NOT_FOUND',
    code: 'NODE_NOT_FOUND',
    says: /there is no node 'n2'/,
  },
];

/** All of them. */
export const BAD_AUDIT_CALLS: readonly BadCall[] = [
  ...AUDITS,
  ...PARAMETERS,
  ...SCOPES,
  ...ORDERS,
  ...STATES,
  ...EVENTS,
];
