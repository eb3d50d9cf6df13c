/** `countermand plan cancel`: one plan by its name, or whatever runs on some nodes, or the plan that was started last. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { expandRanges } from '../../core/ranges.ts';
import type { ActionPlan, TakesDown } from '../../gen/countermand/v1/action_plan.ts';
import { asking, type Call, everyPage, PAGE_SIZE } from '../shared/asking.ts';
import { confirmTakenDown, type Yes, yesOrNumberOption } from '../shared/confirming.ts';
import { takesDownWords } from '../shared/effect_text.ts';
import { quoted } from '../shared/pasting.ts';
import { rangesIn } from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';
import { cancelMany } from './cancel_many.ts';
import { dryRunOption, tellCancel } from './dry_run.ts';
import { followPlan } from './following.ts';
import { findLast, UNDER_WAY } from './last.ts';
import { planTitle } from './lines.ts';
import { WHICH_PLAN } from './text.ts';

interface CancelOptions {
  readonly node?: readonly string[];
  readonly last?: boolean;
  readonly reason?: string;
  readonly rollback?: boolean;
  readonly wait: boolean;
  readonly yes?: Yes;
  readonly dryRun?: boolean;
}

async function cancel(name: string | undefined, options: CancelOptions, call: Call): Promise<void> {
  const { node, last = false } = options;
  if ([name !== undefined, node !== undefined, last].filter(Boolean).length !== 1)
    throw fail('ARGUMENT_INVALID', 'name one plan, or give --node NODES for the plans at these nodes, or --last');
  if (name !== undefined) return cancelOne(name, options, call);
  const plans = node === undefined ? [await findLast(call)] : await plansAt(node, call);
  const [first, ...others] = plans;
  if (first !== undefined && others.length === 0) return cancelOne(first.uuid, options, call);
  await cancelAll(plans, options, call);
}

/** Cancels one plan and follows it. */
async function cancelOne(name: string, options: CancelOptions, call: Call): Promise<void> {
  const { reason = '', rollback = false, wait, yes } = options;
  if (options.dryRun) return tellCancel(name, rollback, call);
  if (rollback) await confirmCancel(name, yes, call);
  // The plan runs on while a person reads the question: the number of then does not hold up the stop. One that was stated does.
  const expectTakenDown = rollback && typeof yes === 'number' ? yes : undefined;
  const stream = call.conductor.plans.cancelActionPlan({ actionPlan: name, reason, rollback, expectTakenDown });
  await followPlan(stream, { name, gives: 'cancel', rollsBack: rollback, wait }, call);
}

async function confirmCancel(name: string, yes: Yes, call: Call): Promise<void> {
  const preview = async () => (await call.conductor.plans.previewRollback({ actionPlan: name })).takesDown;
  const words = (down: TakesDown | undefined): string =>
    `this would cancel plan '${name}' and roll it back: as far as it has run, ${takesDownWords(down)}. To stop it without a rollback: ${call.command} plan cancel ${quoted(name)}`;
  await confirmTakenDown(words, yes, preview, call);
}

/** A list of plans is asked for about this many nodes at once. */
const NODES_AT_ONCE = 500;

async function* underWay(nodes: readonly string[], { conductor }: Call): AsyncGenerator<ActionPlan> {
  const ask = (pageToken: string) =>
    conductor.plans.listActionPlans({ pageSize: PAGE_SIZE, pageToken, states: [...UNDER_WAY], nodes: [...nodes] });
  for await (const { actionPlans } of everyPage(ask)) yield* actionPlans;
}

/** The plans that run or wait with an action about one of these nodes. @throws ACTION_PLAN_NOT_FOUND if there is none */
async function plansAt(ranges: readonly string[], call: Call): Promise<ActionPlan[]> {
  const nodes = expandRanges(rangesIn(ranges));
  const found = new Map<string, ActionPlan>();
  for (let at = 0; at < nodes.length; at += NODES_AT_ONCE)
    for await (const plan of underWay(nodes.slice(at, at + NODES_AT_ONCE), call)) found.set(plan.uuid, plan);
  if (found.size > 0) return [...found.values()];
  throw fail('ACTION_PLAN_NOT_FOUND', `no plan runs or waits at ${ranges.join(', ')}; nothing was cancelled`);
}

async function cancelAll(plans: readonly ActionPlan[], options: CancelOptions, call: Call): Promise<void> {
  const { reason = '', rollback = false, wait } = options;
  if (rollback)
    throw fail(
      'ARGUMENT_INVALID',
      `--rollback is about one plan, and ${plans.length} run or wait there: ${plans.map(planTitle).join(', ')}; nothing was cancelled`,
    );
  if (options.dryRun) {
    for (const { uuid } of plans) await tellCancel(uuid, false, call);
    return;
  }
  await cancelMany(plans, { reason, wait }, call);
}

/** Adds `plan cancel`. */
export function addCancel(group: Command, terminal: Terminal): void {
  group
    .command('cancel')
    .description('cancel a plan: no further action begins, and running ones are aborted; watch it until it has ended')
    .argument('[plan]', WHICH_PLAN)
    .option('--node <nodes...>', "instead of a plan: every plan that runs or waits at these nodes, such as 'r7n[1-16]'")
    .option(
      '--last',
      'instead of a plan: the plan that was started last; refused if it has ended, or waits for a second person while others run',
    )
    .option('--reason <text>', 'why; recorded with the plan')
    .option('--rollback', 'then undo what has run, and watch that too; the exit code says how the rollback ended')
    .option('--no-wait', 'end as soon as the cancel is committed; it goes on')
    .addOption(dryRunOption())
    .addOption(yesOrNumberOption('with --rollback: '))
    .action(asking(cancel, terminal));
}
