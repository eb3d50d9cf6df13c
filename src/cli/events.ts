/** `countermand events`: the notifications of the conductor, from the first or from any other. */
import type { Command } from 'commander';
import { Event } from '../gen/countermand/v1/notification.ts';
import { asking, type Call, present } from './asking.ts';
import { eventLine } from './event_line.ts';
import { readSequence } from './flags.ts';
import type { Terminal } from './terminal.ts';

interface EventOptions {
  readonly from: string;
  readonly type?: string[];
  readonly follow?: boolean;
}

async function events(options: EventOptions, { conductor, output }: Call): Promise<void> {
  const stream = conductor.notifications.subscribe({
    fromSequence: readSequence(options.from, '--from'),
    eventTypes: options.type,
    stopAtPresent: !options.follow,
  });
  for await (const { event } of stream) output.message(Event, present(event, 'an event'), eventLine);
}

const EXAMPLES = `
Examples:
  countermand events --type 'baremetal.node.power_abort.*'
  countermand events --from 4711 --follow --json`;

/** Adds the command `events`. */
export function addEventsCommand(program: Command, terminal: Terminal): void {
  program
    .command('events')
    .description('print the events: every change, numbered, from the beginning to the present')
    .option('--from <sequence>', 'begin with this number', '1')
    .option('--type <glob...>', 'only types that match one of these, such as baremetal.node.power_abort.*')
    .option('--follow', 'go on with what comes from now on')
    .addHelpText('after', EXAMPLES)
    .action(asking(events, terminal));
}
