/** `countermand plan approve|reject`: what a second person says about a plan that waits for one. */
import type { Command } from 'commander';
import { asCountermandError, fail } from '../../core/errors.ts';
import { type ActionPlan, type TakesDown, WatchActionPlanResponse } from '../../gen/countermand/v1/action_plan.ts';
import { actorWords } from '../shared/actors.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { confirmTakenDown, type Yes, yesOrNumberOption } from '../shared/confirming.ts';
import { takesDownWords } from '../shared/effect_text.ts';
import { inDoubt } from '../shared/following.ts';
import { oneLine } from '../shared/harmless.ts';
import { quoted } from '../shared/pasting.ts';
import type { Terminal } from '../shared/terminal.ts';
import { followPlan } from './following.ts';
import { planLine, planState, planTitle, waitsForApproval } from './lines.ts';
import { WHICH_PLAN } from './text.ts';

interface DecideOptions {
  readonly reason?: string;
  readonly queue?: boolean;
  readonly wait?: boolean;
  readonly yes?: Yes;
}

/** The plan as it is: the revision that is shown to a person is the one that is decided on. */
async function planNamed(name: string, { conductor }: Call): Promise<ActionPlan> {
  return present((await conductor.plans.getActionPlan({ actionPlan: name, pageSize: 1 })).actionPlan, 'an action plan');
}

function question(plan: ActionPlan, down: TakesDown | undefined): string {
  const by = [
    ['made by', actorWords(plan.createdBy)],
    ['started by', actorWords(plan.startedBy)],
  ];
  const who = by.flatMap(([words, name]) => (name === '' ? [] : [`${words} ${name}`])).join(', ');
  const why = plan.reason === '' ? '' : ` (${plan.reason})`;
  return oneLine(
    `${planTitle(plan)}${why}, ${who || 'of an unknown maker'}, is approved and begins: ${takesDownWords(down)}`,
  );
}

async function approve(
  name: string,
  { reason = '', queue = false, wait = true, yes }: DecideOptions,
  call: Call,
): Promise<void> {
  const { conductor, command, output } = call;
  const plan = await planNamed(name, call);
  const preview = async () => (await conductor.plans.previewActionPlan({ actionPlan: plan.uuid, queue })).takesDown;
  if (waitsForApproval(plan)) {
    const count = await confirmTakenDown((down) => question(plan, down), yes, preview, call);
    const found = typeof yes === 'number' ? ((await preview())?.count ?? 0) : count;
    // Its number of running nodes is part of the cluster model: a change of it supersedes the plan, or makes another revision.
    if (found !== count)
      throw fail(
        'TAKES_DOWN_MISMATCH',
        `--yes=${count}: ${planTitle(plan)} takes ${found} running ${found === 1 ? 'node' : 'nodes'} down; nothing was done`,
      );
  }
  const request = {
    actionPlan: plan.uuid,
    reason,
    queue,
    revision: waitsForApproval(plan) ? plan.revision : undefined,
  };
  const answer = await conductor.plans.approveActionPlan(request).catch((thrown: unknown) => {
    throw inDoubt(asCountermandError(thrown), 'the plan was approved', `${command} plan show ${quoted(name)}`);
  });
  const approved = present(answer.actionPlan, 'an action plan');
  if (!wait)
    return output.message(WatchActionPlanResponse, { actionPlan: approved, actions: [] }, () => planLine(approved));
  const stream = conductor.plans.watchActionPlan({ actionPlan: approved.uuid });
  await followPlan(stream, { name: approved.uuid, gives: 'nothing', wait: true, plan: approved }, call);
}

async function reject(name: string, { reason = '' }: DecideOptions, call: Call): Promise<void> {
  const { conductor, command, output } = call;
  const answer = await conductor.plans.rejectActionPlan({ actionPlan: name, reason }).catch((thrown: unknown) => {
    throw inDoubt(asCountermandError(thrown), 'the plan was rejected', `${command} plan show ${quoted(name)}`);
  });
  const rejected = present(answer.actionPlan, 'an action plan');
  output.message(WatchActionPlanResponse, { actionPlan: rejected, actions: [] }, () =>
    oneLine(`${planTitle(rejected)} ${planState(rejected)}; ${rejected.statusMessage}`),
  );
}

/** Adds `plan approve` and `plan reject`. */
export function addDecisions(group: Command, terminal: Terminal): void {
  group
    .command('approve')
    .description('agree to a plan that waits for a second person, and watch it until it has ended')
    .argument('<plan>', WHICH_PLAN)
    .option('--reason <text>', 'why; recorded with the plan')
    .option('--queue', 'wait behind the plans that run or wait on the same nodes, instead of being refused')
    .option('--no-wait', 'end as soon as it is approved; the plan goes on')
    .addOption(yesOrNumberOption())
    .addHelpText(
      'after',
      `
Whoever has made or started the plan cannot approve it, nor by a token of theirs, nor for another.
countermand plan list --state PENDING shows what waits, and plan show what for.`,
    )
    .action(asking(approve, terminal));
  group
    .command('reject')
    .description('do not agree to a plan that waits for a second person: it ends CANCELLED')
    .argument('<plan>', WHICH_PLAN)
    .option('--reason <text>', 'why; recorded with the plan')
    .action(asking(reject, terminal));
}
