/** Which plan `plan cancel --last` means: the one that was started last, and never an older one in its place. */
import test from 'ava';
import { lastStarted } from '../../../src/cli/plan/last.ts';
import { asCountermandError } from '../../../src/core/errors.ts';
import { ActionPlan, ActionPlanState, ApprovalState } from '../../../src/gen/countermand/v1/action_plan.ts';

/** A plan in a state, started at this second. */
function plan(name: string, state: keyof typeof ActionPlanState, startedAt: number, approval?: Approval): ActionPlan {
  const decided =
    approval === undefined ? undefined : { state: ApprovalState[approval[0]], decidedAt: at(approval[1]) };
  return ActionPlan.fromPartial({
    uuid: `${name.repeat(8)}-0000`,
    name,
    state: ActionPlanState[state],
    startedAt: at(startedAt),
    ...(decided && { approval: decided }),
  });
}
type Approval = readonly [state: keyof typeof ApprovalState, decidedAt?: number];
const at = (seconds?: number): Date | undefined => (seconds === undefined ? undefined : new Date(seconds * 1000));

const WANTED: Approval = ['WANTED'];
const CASES: readonly (readonly [why: string, plans: readonly ActionPlan[], chosen: string | RegExp])[] = [
  ['the newest that runs', [plan('a', 'ONGOING', 1), plan('b', 'ONGOING', 3), plan('c', 'ONGOING', 2)], 'b'],
  ['one that waits in the queue', [plan('a', 'ONGOING', 1), plan('b', 'PENDING', 2)], 'b'],
  ['one that is being cancelled', [plan('a', 'ONGOING', 1), plan('b', 'CANCELLING', 2)], 'b'],
  ['older ends do not matter', [plan('a', 'SUCCEEDED', 1), plan('b', 'ONGOING', 2)], 'b'],
  [
    'the last has ended',
    [plan('a', 'ONGOING', 1), plan('b', 'SUCCEEDED', 2)],
    /^plan 'b' \(b{8}\) was started last, and has ended: SUCCEEDED; nothing was cancelled; under way: plan 'a' \(a{8}\) ONGOING$/,
  ],
  [
    'the last was rejected',
    [plan('a', 'ONGOING', 1), plan('b', 'CANCELLED', 2, ['REFUSED', 3])],
    /has ended: CANCELLED/,
  ],
  ['the last was deleted', [plan('a', 'ONGOING', 1), plan('b', 'DELETED', 2)], /has ended: DELETED/],
  ['an older one waits for a second person', [plan('a', 'PENDING', 1, WANTED), plan('b', 'ONGOING', 2)], 'b'],
  [
    'the last waits for a second person while another runs',
    [plan('a', 'ONGOING', 1), plan('b', 'PENDING', 2, WANTED)],
    /^plan 'b' .* waits for a second person while others run; nothing was cancelled; under way: .*'b' .* PENDING, .*'a'/,
  ],
  ['all wait for a second person', [plan('a', 'PENDING', 1, WANTED), plan('b', 'PENDING', 2, WANTED)], 'b'],
  ['an approval is the start', [plan('a', 'ONGOING', 1, ['GIVEN', 3]), plan('b', 'ONGOING', 2)], 'a'],
  [
    'an approved one has ended',
    [plan('a', 'FAILED', 1, ['GIVEN', 3]), plan('b', 'ONGOING', 2)],
    /'a' .* ended: FAILED/,
  ],
  ['at the same moment', [plan('a', 'ONGOING', 1), plan('b', 'ONGOING', 1)], /'a' .* and plan 'b' were started at the/],
  ['nothing is under way', [plan('a', 'SUCCEEDED', 1)], /^no plan runs or waits; nothing was cancelled$/],
  ['nothing at all', [], /^no plan runs or waits/],
];

for (const [why, plans, chosen] of CASES)
  test(`--last: ${why}`, (t) => {
    if (typeof chosen === 'string') return void t.is(lastStarted(plans).name, chosen);
    const error = asCountermandError(t.throws(() => lastStarted(plans)));
    t.regex(error.message, chosen);
    const isUnderWay = ({ state }: ActionPlan) =>
      state <= ActionPlanState.ONGOING || state === ActionPlanState.CANCELLING;
    const open = plans.filter(isUnderWay).map(({ uuid }) => uuid);
    t.deepEqual((error.details.possible ?? []).map(({ resource }) => resource).sort(), open.sort());
    t.is(error.row.exitCode, open.length === 0 ? 3 : 5);
  });
