/** `countermand sink ...`: the receivers that events are sent to. */
import type { Command } from 'commander';
import {
  CreateSinkResponse,
  DeleteSinkResponse,
  GetSinkResponse,
  Sink,
  SinkState,
  TestSinkResponse,
} from '../../gen/countermand/v1/notification.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { confirmAbout, type Yes, yesOption } from '../shared/confirming.ts';
import { readPairs, readSequence } from '../shared/flags.ts';
import { oneLine } from '../shared/harmless.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { facts } from '../shared/table.ts';
import type { Terminal } from '../shared/terminal.ts';
import { ageWords, spanWords } from '../shared/words.ts';

interface CreateOptions {
  readonly kind: string;
  readonly set?: string[];
  readonly type?: string[];
  readonly from?: string;
}

const STATES: Readonly<Record<number, string>> = {
  [SinkState.ON]: 'on',
  [SinkState.RETRYING]: 'retrying',
  [SinkState.OFF]: 'off',
};
const stateOf = ({ state }: Sink): string => STATES[state] ?? '';

const SINK_LIST: Listing<Sink> = {
  things: 'sinks',
  type: Sink,
  name: ({ name }) => name,
  columns: [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'KIND', cell: ({ kind }) => kind },
    { head: 'STATE', cell: stateOf, meaning: ({ state }) => (state === SinkState.ON ? 'good' : 'bad') },
    { head: 'POSITION', cell: ({ position }) => String(position), key: ({ position }) => Number(position), spare: 2 },
    { head: 'LAG', cell: ({ lag }) => String(lag), key: ({ lag }) => Number(lag) },
    {
      head: 'WAITING',
      cell: ({ waitingSince }, { nowMs }) => (waitingSince ? ageWords(waitingSince, nowMs) : ''),
      key: ({ waitingSince }) => -(waitingSince?.getTime() ?? 0),
      spare: 1,
    },
    { head: 'TYPES', cell: ({ eventTypes }) => eventTypes.join(', ') || 'all', cuts: true },
    { head: 'PROBLEM', cell: ({ problem }) => problem, cuts: true },
    { head: 'MADE BY', cell: ({ createdBy }) => createdBy, wide: true },
    { head: 'MADE', cell: ({ createdAt }, { time }) => time(createdAt), wide: true },
  ],
};

/** One sink, for people. */
export function sinkText(sink: Sink, nowMs: number): string {
  const { lag, waitingSince, problem, failingSince, failedAttempts, nextAttemptAt } = sink;
  const waits = waitingSince ? `, the first for ${spanWords(nowMs - waitingSince.getTime())}` : '';
  const rows: [string, string][] = [
    ['name', sink.name],
    ['kind', sink.kind],
    ...Object.entries(sink.settings).map(([key, value]): [string, string] => [key, value]),
    ['event types', sink.eventTypes.join(', ') || 'all'],
    ['state', stateOf(sink)],
    ['position', String(sink.position)],
    ['lag', lag === 0n ? 'none' : `${lag} events${waits}`],
  ];
  if (problem !== '') rows.push(['problem', oneLine(problem)]);
  if (failingSince)
    rows.push(['failing for', `${spanWords(nowMs - failingSince.getTime())}, ${failedAttempts} attempts`]);
  if (nextAttemptAt) rows.push(['next attempt', `in ${spanWords(Math.max(0, nextAttemptAt.getTime() - nowMs))}`]);
  return facts(rows);
}

async function create(name: string, options: CreateOptions, { conductor, output }: Call): Promise<void> {
  const { kind, set, type: eventTypes = [], from } = options;
  const settings = readPairs(set, '--set');
  const begin = from === undefined ? {} : { fromSequence: readSequence(from, '--from') };
  const answer = await conductor.notifications.createSink({ name, kind, settings, eventTypes, ...begin });
  output.message(CreateSinkResponse, answer, ({ sink }) => {
    const next = present(sink, 'a sink').position + 1n;
    return `sink ${name}: sends events from number ${next} on; countermand sink test ${name} tries whether they arrive`;
  });
}

async function show(name: string, _options: object, { conductor, output, clock }: Call): Promise<void> {
  const answer = await conductor.notifications.getSink({ sink: name });
  output.message(GetSinkResponse, answer, ({ sink }) => sinkText(present(sink, 'a sink'), clock.now()));
}

async function remove(name: string, { yes }: { readonly yes?: Yes }, call: Call): Promise<void> {
  const { conductor, output } = call;
  const what = `this would delete sink '${name}' for good: its position is lost, and what waits is never sent`;
  await confirmAbout(what, yes, () => conductor.notifications.getSink({ sink: name }), call);
  const answer = await conductor.notifications.deleteSink({ sink: name });
  output.message(DeleteSinkResponse, answer, () => `sink ${name}: deleted`);
}

async function test(name: string, _options: object, { conductor, output }: Call): Promise<void> {
  const answer = await conductor.notifications.testSink({ sink: name });
  output.message(TestSinkResponse, answer, () => `sink ${name}: the receiver has taken an event over`);
}

/** Adds the commands of the group `sink`. */
export function addSinkCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
A sink takes every event to a receiver, in order and each at least once. What cannot be delivered waits in the database; no order waits
for a receiver. docs/sinks.md says what receivers get, and when an event comes twice.

Examples:
  countermand sink create ops --kind webhook --set webhook_url=https://ops.example/events webhook_secret=file:ops.secret
  countermand sink create plans --kind webhook --type 'action_plan.*' --from 0 --set webhook_url=file:url webhook_secret=file:key
  countermand sink test ops
  countermand sink list`,
  );
  group
    .command('create')
    .description('send events to a receiver from now on')
    .argument('<name>', 'name of the sink: letters, digits, dots, dashes and underscores')
    .requiredOption('--kind <kind>', 'what the receiver is: webhook or rabbitmq')
    .option('--set <key=value...>', 'settings of the kind; file:NAME stands for a secret beside the conductor')
    .option('--type <glob...>', 'only events of these types, such as action_plan.*; else all')
    .option('--from <number>', 'begin with the event of this number, 0 for all that there are; else with the next one')
    .action(asking(create, terminal));
  const ask = async ({ conductor }: Call) => (await conductor.notifications.listSinks({})).sinks;
  const list = (flags: ListFlags, call: Call): Promise<void> => showList(SINK_LIST, () => ask(call), flags, call);
  addListFlags(group.command('list').description('list the sinks, and how far each is behind'), SINK_LIST).action(
    asking(list, terminal),
  );
  group.command('show').description('show one sink').argument('<sink>', 'its name').action(asking(show, terminal));
  group
    .command('delete')
    .description('send nothing more to a receiver')
    .argument('<sink>', 'its name')
    .addOption(yesOption())
    .action(asking(remove, terminal));
  group
    .command('test')
    .description('send one event to the receiver now; if it is taken over, what waits follows')
    .argument('<sink>', 'its name')
    .action(asking(test, terminal));
}
