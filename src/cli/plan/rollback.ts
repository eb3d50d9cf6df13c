/** `countermand plan rollback`: undoing a plan that has ended, and what that would be. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { PreviewRollbackResponse, type TakesDown } from '../../gen/countermand/v1/action_plan.ts';
import { asking, type Call } from '../shared/asking.ts';
import { confirmTakenDown, type Yes, yesOrNumberOption } from '../shared/confirming.ts';
import { NOTHING_WRITTEN, takesDownWords } from '../shared/effect_text.ts';
import type { Terminal } from '../shared/terminal.ts';
import { dryRunOption } from './dry_run.ts';
import { followPlan } from './following.ts';
import { isRefused, previewText } from './preview_text.ts';
import { WHICH_PLAN } from './text.ts';

interface RollbackOptions {
  readonly dryRun?: boolean;
  /** An earlier name of --dry-run. */
  readonly preview?: boolean;
  readonly skipIrreversible?: boolean;
  readonly acceptDrift?: boolean;
  readonly requestId?: string;
  readonly wait: boolean;
  readonly yes?: Yes;
}

async function rollback(name: string, options: RollbackOptions, call: Call): Promise<void> {
  const { skipIrreversible = false, acceptDrift = false, wait, yes } = options;
  if (options.preview || options.dryRun) return preview(name, options, call);
  let title = name;
  const ask = async () => {
    const { actionPlan, takesDown } = await call.conductor.plans.previewRollback({ actionPlan: name });
    title = actionPlan?.name ?? name;
    return takesDown;
  };
  const words = (down: TakesDown | undefined): string =>
    `this would roll plan '${title}' back: ${takesDownWords(down)}`;
  const expectTakenDown = await confirmTakenDown(words, yes, ask, call);
  const requestId = options.requestId ?? call.chance.uuid();
  const request = { actionPlan: name, requestId, skipIrreversible, acceptDrift, expectTakenDown };
  const stream = call.conductor.plans.rollbackActionPlan(request);
  await followPlan(stream, { name: requestId, gives: 'rollback', wait }, call);
}

async function preview(name: string, options: RollbackOptions, call: Call): Promise<void> {
  const { conductor, output, command } = call;
  const { skipIrreversible = false, acceptDrift = false, requestId, wait } = options;
  if (requestId !== undefined || !wait)
    throw fail('ARGUMENT_INVALID', '--dry-run orders nothing; leave out --request-id and --no-wait');
  const answer = await conductor.plans.previewRollback({ actionPlan: name });
  output.message(PreviewRollbackResponse, answer, () =>
    [previewText(answer, { skipIrreversible, acceptDrift, command }), NOTHING_WRITTEN].join('\n'),
  );
  // The answer says why; only the exit code is missing.
  if (isRefused(answer, { skipIrreversible, acceptDrift })) throw fail('ROLLBACK_REFUSED', '');
}

const UNDOING = `
It is a plan of its own, "rollback of ...": it runs backwards, each node back to what was recorded before the plan changed
it, and can be watched, cancelled and rolled back as any other. What changed nothing is left alone. Where another order has
changed a node since, or nothing can undo an action, it is refused unless you say what to do about that.`;

/** Adds `plan rollback`. */
export function addRollback(group: Command, terminal: Terminal): void {
  group
    .command('rollback')
    .description('undo a plan that has ended, and watch that; the exit code says how it ended')
    .argument('<plan>', WHICH_PLAN)
    .addOption(
      dryRunOption(
        'only say what would be done about each action, and what that would mean; exit code 5 if it would be refused',
      ),
    )
    .addOption(new Option('--preview', 'an earlier name of --dry-run').hideHelp())
    .option('--skip-irreversible', 'leave out the actions that nothing can undo, instead of being refused')
    .option('--accept-drift', 'also undo nodes that have changed since, instead of being refused')
    .option('--request-id <id>', 'the id of the order: the same id twice is one rollback; made if not given')
    .option('--no-wait', 'end as soon as it is launched; it goes on')
    .addOption(yesOrNumberOption())
    .addHelpText('after', UNDOING)
    .action(asking(rollback, terminal));
}
