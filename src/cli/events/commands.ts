/** `countermand events`: the notifications of the conductor, from the first or from any other. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { unknownEventType } from '../../core/event_types.ts';
import { type Event, GetNewestSequenceResponse } from '../../gen/countermand/v1/notification.ts';
import { asking, type Call } from '../shared/asking.ts';
import { readCount, readSeconds, readSequence } from '../shared/flags.ts';
import type { Terminal } from '../shared/terminal.ts';
import { printEventsOfNode } from './of_node.ts';
import { isOfPlan } from './payload.ts';
import { findPlan, printEvents, type WantedEvents } from './printing.ts';

interface EventOptions {
  readonly from?: string;
  readonly since?: string;
  readonly tail?: string;
  readonly type?: string[];
  readonly plan?: string;
  readonly node?: string;
  readonly follow?: boolean;
  readonly database?: string;
  readonly position?: boolean;
}

/** Where the events are now: what a consumer remembers before it reads what is there. */
async function position({ conductor, output }: Call): Promise<void> {
  const answer = await conductor.notifications.getNewestSequence({});
  const words = (): string => `newest event ${answer.newestSequence}, database ${answer.databaseId}`;
  output.message(GetNewestSequenceResponse, answer, words);
}

async function events(options: EventOptions, call: Call): Promise<void> {
  if (options.position) return position(call);
  const { type: eventTypes, database: databaseId, follow = false } = options;
  const plan = options.plan === undefined ? null : await findPlan(options.plan, call);
  const isWanted = plan === null ? undefined : (event: Event): boolean => isOfPlan(event, plan);
  if (follow) call.watchReader();
  warnOfType(eventTypes ?? [], call);
  const wanted = { ...rangeOf(options), eventTypes, databaseId, follow, isWanted };
  if (options.node === undefined) await printEvents(wanted, call);
  else await printEventsOfNode(options.node, wanted, call);
}

/** A misspelt type would wait for ever, without a word. A conductor of a newer version may know it all the same. */
function warnOfType(globs: readonly string[], { output, stderr }: Call): void {
  const unknown = unknownEventType(globs);
  if (unknown === null) return;
  const message = `--type: no event has the type '${unknown.glob}'; nearest are ${unknown.nearest.join(', ')}`;
  stderr.write(output.json ? `${JSON.stringify({ warning: { message } })}\n` : `warning: ${message}\n`);
}

/** Which events, as the flags say. @throws ARGUMENT_INVALID for flags that contradict each other */
function rangeOf({ from, since, tail }: EventOptions): Pick<WantedEvents, 'from' | 'sinceS' | 'tail'> {
  if (from !== undefined && since !== undefined)
    throw fail('ARGUMENT_INVALID', '--from and --since both say where to begin; give one of them');
  return {
    from: from === undefined ? undefined : readSequence(from, '--from'),
    sinceS: readSeconds(since, '--since'),
    tail: readCount(tail, 1, '--tail'),
  };
}

const EXAMPLES = `
Examples:
  countermand events --type 'baremetal.node.power_abort.*'
  countermand events --plan 'rack 7 down' --type 'action.cancel.*' 'action_plan.cancel.*'
  countermand events --node r7n1 --since 10m
  countermand events --tail 20 --follow
  countermand events --position
  countermand events --from 4711 --follow --json`;

/** Gives the command `events` its options and its action. */
export function setUpEvents(command: Command, terminal: Terminal): void {
  command
    .option('--from <sequence>', 'begin with this number; the oldest event that is kept if not given')
    .option('--since <time>', 'begin this long ago, such as 90s, 10m or 2h')
    .option('--tail <n>', 'only the last n of the events that the other flags choose')
    .option('--type <glob...>', "only types that match one of these, such as 'baremetal.node.power_abort.*'")
    .option('--plan <plan>', 'only what happened to this plan, its actions and their power tasks (name or uuid)')
    .option(
      '--node <node>',
      'only what happened to this node, and to actions about it (name or uuid); it may have been deleted',
    )
    .option('--follow', 'go on with what comes from now on')
    .option('--database <id>', 'refuse if --from is a number of another database than this one')
    .option('--position', 'print the number of the newest event and the id of the database, and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(asking(events, terminal));
}
