/** `countermand plan ...`: action plans. */
import { type Command, Option } from 'commander';
import { ACTION_PLAN_STATES, type ActionPlanState as StateName } from '../../core/states.ts';
import {
  type Action,
  ActionPlan,
  ActionPlanState,
  WatchActionPlanResponse,
} from '../../gen/countermand/v1/action_plan.ts';
import { asking, type Call, everyPage, PAGE_SIZE, present } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addCancel, addCreate, addDelete, addStart, addWatch } from './orders.ts';
import { addRollback } from './rollback.ts';
import { actionTable, planTable, planText, WHICH_PLAN } from './text.ts';

interface ListOptions {
  readonly state?: readonly StateName[];
}

async function list({ state = [] }: ListOptions, { conductor, output, clock }: Call): Promise<void> {
  const states = state.map((name) => ActionPlanState[name]);
  const plans: ActionPlan[] = [];
  const ask = (pageToken: string) => conductor.plans.listActionPlans({ pageSize: PAGE_SIZE, pageToken, states });
  for await (const page of everyPage(ask)) plans.push(...page.actionPlans);
  output.messages(ActionPlan, plans, () => planTable(plans, clock.now()));
}

async function show(name: string, _options: object, { conductor, output, clock }: Call): Promise<void> {
  const ask = (pageToken: string) =>
    conductor.plans.getActionPlan({ actionPlan: name, pageSize: PAGE_SIZE, pageToken });
  const actions: Action[] = [];
  let plan: ActionPlan | undefined;
  for await (const page of everyPage(ask)) {
    plan ??= page.actionPlan;
    actions.push(...page.actions);
  }
  const text = (found: ActionPlan): string => `${planText(found)}\n\n${actionTable(actions, clock.now())}`;
  const actionPlan = present(plan, 'an action plan');
  output.message(WatchActionPlanResponse, { actionPlan, actions }, () => text(actionPlan));
}

function addList(group: Command, terminal: Terminal): void {
  group
    .command('list')
    .description('list the plans, the newest first')
    .addOption(
      new Option('--state <state...>', 'only plans in these states; all but DELETED if left out').choices(
        Object.keys(ACTION_PLAN_STATES),
      ),
    )
    .action(asking(list, terminal));
}

function addShow(group: Command, terminal: Terminal): void {
  group
    .command('show')
    .description('show all that is known of a plan and its actions')
    .argument('<plan>', WHICH_PLAN)
    .action(asking(show, terminal));
}

const COMMANDS = [addCreate, addList, addShow, addStart, addWatch, addCancel, addRollback, addDelete];

const EXAMPLES = `
With --json, what is about one plan prints lines of {"actionPlan": ..., "actions": [...]}: create and show one line,
start, watch, cancel and rollback first the plan with all its actions, then those that have changed; and so on with the
plan that undoes it. rollback --preview prints one line of {"actionPlan": ..., "undos": [...]}.

Examples:
  countermand plan create rack7.yaml --start
  countermand plan cancel 'rack 7 down' --reason "wrong rack"
  countermand plan rollback 'rack 7 down' --preview
  countermand plan list --state ONGOING CANCELLING`;

/** Adds the commands of the group `plan`. */
export function addPlanCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', EXAMPLES);
  for (const add of COMMANDS) add(group, terminal);
}
