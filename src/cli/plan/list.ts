/** `countermand plan list`. */
import { type Command, Option } from 'commander';
import { ACTION_PLAN_STATES, type ActionPlanState as StateName } from '../../core/states.ts';
import { ActionPlan, ActionPlanState, ActionState } from '../../gen/countermand/v1/action_plan.ts';
import { asking, type Call, upTo } from '../shared/asking.ts';
import { stateMeaning } from '../shared/colours.ts';
import { readCount } from '../shared/flags.ts';
import { addListFlags, countStates, type ListFlags, type Listing, listText, showList } from '../shared/listing.ts';
import { rangesIn } from '../shared/selection.ts';
import { shortId } from '../shared/short_ids.ts';
import type { Terminal } from '../shared/terminal.ts';
import { utcTime } from '../shared/times.ts';
import { ageWords, enumName } from '../shared/words.ts';
import { planState } from './lines.ts';

/** How many actions are in each state. */
export const countsWords = ({ counts }: ActionPlan): string =>
  counts.map(({ state, count }) => `${count} ${enumName(ActionState, state)}`).join(', ');

function messageOf({ errorMessage, statusMessage, waitsFor }: ActionPlan): string {
  return errorMessage || statusMessage || (waitsFor && `waits for ${waitsFor}`);
}

/** The list of plans. */
const PLAN_LIST: Listing<ActionPlan> = {
  things: 'action plans',
  type: ActionPlan,
  name: ({ uuid }) => uuid,
  summary: (plans) => countStates(plans.map(planState), 'action plan'),
  columns: [
    { head: 'NAME', cell: ({ name }) => name, cuts: true },
    { head: 'PLAN', cell: ({ uuid }) => shortId(uuid), narrow: true },
    { head: 'PLAN', cell: ({ uuid }) => uuid, wide: true },
    { head: 'STATE', cell: planState, meaning: (plan) => stateMeaning(planState(plan)) },
    { head: 'ACTIONS', cell: countsWords, cuts: true },
    {
      head: 'AGE',
      cell: ({ createdAt }, { nowMs }) => ageWords(createdAt, nowMs),
      key: ({ createdAt }) => -(createdAt?.getTime() ?? 0),
      spare: 1,
    },
    { head: 'MESSAGE', cell: messageOf, cuts: true },
    { head: 'MADE', cell: ({ createdAt }, { time }) => time(createdAt), wide: true },
    { head: 'ENDED', cell: ({ endedAt }, { time }) => time(endedAt), wide: true },
    { head: 'REASON', cell: ({ reason }) => reason, wide: true },
    { head: 'AUDIT', cell: ({ auditUuid }) => auditUuid, wide: true },
  ],
};

/** Plans, one per row. */
export function planTable(plans: readonly ActionPlan[], nowMs: number): string {
  return listText({ ...PLAN_LIST, summary: () => '' }, plans, {}, { nowMs, time: utcTime });
}

interface ListOptions extends ListFlags {
  readonly state?: readonly StateName[];
  readonly node?: readonly string[];
  readonly limit?: string;
}

async function list(options: ListOptions, call: Call): Promise<void> {
  const states = (options.state ?? []).map((name) => ActionPlanState[name]);
  const limit = readCount(options.limit, 1, '--limit');
  const nodes = options.node === undefined ? [] : rangesIn(options.node);
  const ask = (): Promise<ActionPlan[]> =>
    upTo(limit, async (pageToken, pageSize) => {
      const answer = await call.conductor.plans.listActionPlans({ pageSize, pageToken, states, nodes });
      return { items: answer.actionPlans, nextPageToken: answer.nextPageToken };
    });
  await showList(PLAN_LIST, ask, options, call);
}

/** Adds `plan list`. */
export function addList(group: Command, terminal: Terminal): void {
  const command = group
    .command('list')
    .description('list the plans, the newest first')
    .addOption(
      new Option('--state <state...>', 'only plans in these states; all but DELETED if left out').choices(
        Object.keys(ACTION_PLAN_STATES),
      ),
    )
    .option('--node <nodes...>', "only plans with an action about these nodes, such as 'r7n[1-16]'")
    .option('--limit <n>', 'only the newest n');
  addListFlags(command, PLAN_LIST).action(asking(list, terminal));
}
