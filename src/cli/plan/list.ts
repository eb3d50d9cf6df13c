/** `countermand plan list`. */
import { type Command, Option } from 'commander';
import { ACTION_PLAN_STATES, type ActionPlanState as StateName } from '../../core/states.ts';
import { ActionPlan, ActionPlanState, ActionState } from '../../gen/countermand/v1/action_plan.ts';
import { asking, type Call, everyPage, PAGE_SIZE } from '../shared/asking.ts';
import { stateMeaning } from '../shared/colours.ts';
import { addListFlags, countStates, type ListFlags, type Listing, listText, showList } from '../shared/listing.ts';
import { shortId } from '../shared/short_ids.ts';
import type { Terminal } from '../shared/terminal.ts';
import { utcTime } from '../shared/times.ts';
import { ageWords, enumName } from '../shared/words.ts';
import { planState } from './lines.ts';

/** How many actions are in each state. */
export const countsWords = ({ counts }: ActionPlan): string =>
  counts.map(({ state, count }) => `${count} ${enumName(ActionState, state)}`).join(', ');

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
    { head: 'MESSAGE', cell: (plan) => plan.errorMessage || plan.statusMessage, cuts: true },
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
}

async function list(options: ListOptions, call: Call): Promise<void> {
  const states = (options.state ?? []).map((name) => ActionPlanState[name]);
  const ask = async (): Promise<ActionPlan[]> => {
    const plans: ActionPlan[] = [];
    const page = (pageToken: string) =>
      call.conductor.plans.listActionPlans({ pageSize: PAGE_SIZE, pageToken, states });
    for await (const answer of everyPage(page)) plans.push(...answer.actionPlans);
    return plans;
  };
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
    );
  addListFlags(command, PLAN_LIST).action(asking(list, terminal));
}
