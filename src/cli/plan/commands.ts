/** `countermand plan ...`: action plans. */
import type { Command } from 'commander';
import { type Action, type ActionPlan, WatchActionPlanResponse } from '../../gen/countermand/v1/action_plan.ts';
import { asking, type Call, everyPage, PAGE_SIZE, present } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addCancel } from './cancel.ts';
import { addDecisions } from './decide.ts';
import { addList } from './list.ts';
import { addCreate, addDelete, addStart, addWatch } from './orders.ts';
import { addRollback } from './rollback.ts';
import { actionTable, planText, WHICH_PLAN } from './text.ts';

async function show(name: string, _options: object, { conductor, output, clock }: Call): Promise<void> {
  const ask = (pageToken: string) =>
    conductor.plans.getActionPlan({ actionPlan: name, pageSize: PAGE_SIZE, pageToken });
  const actions: Action[] = [];
  let plan: ActionPlan | undefined;
  for await (const page of everyPage(ask)) {
    plan ??= page.actionPlan;
    actions.push(...page.actions);
  }
  const text = (found: ActionPlan): string => `${planText(found, output.time)}\n\n${actionTable(actions, clock.now())}`;
  const actionPlan = present(plan, 'an action plan');
  output.message(WatchActionPlanResponse, { actionPlan, actions }, () => text(actionPlan));
}

function addShow(group: Command, terminal: Terminal): void {
  group
    .command('show')
    .description('show all that is known of a plan and its actions')
    .argument('<plan>', WHICH_PLAN)
    .action(asking(show, terminal));
}

const COMMANDS = [addCreate, addList, addShow, addStart, addWatch, addDecisions, addCancel, addRollback, addDelete];

const EXAMPLES = `
With --json, what is about one plan prints lines of {"actionPlan": ..., "actions": [...]}: create and show one line,
start, watch, cancel and rollback first the plan with all its actions, then those that have changed; and so on with the
plan that undoes it. rollback --dry-run prints one line of {"actionPlan": ..., "undos": [...]}.

Examples:
  countermand plan create rack7.yaml --start
  countermand plan cancel 'rack 7 down' --reason "wrong rack"
  countermand plan rollback 'rack 7 down' --dry-run
  countermand plan list --state ONGOING CANCELLING`;

/** Adds the commands of the group `plan`. */
export function addPlanCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', EXAMPLES);
  for (const add of COMMANDS) add(group, terminal);
}
