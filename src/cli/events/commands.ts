/** `countermand events`: the notifications of the conductor, from the first or from any other. */
import type { Command } from 'commander';
import { asCountermandError, type ErrorCode } from '../../core/errors.ts';
import { Event, GetNewestSequenceResponse } from '../../gen/countermand/v1/notification.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { readSequence } from '../shared/flags.ts';
import type { Terminal } from '../shared/terminal.ts';
import { eventLine } from './line.ts';
import { asText, eventData, isOfNode, isOfPlan, planOfEvent, type Wanted } from './payload.ts';

interface EventOptions {
  readonly from: string;
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
  const { conductor, output } = call;
  const fromSequence = readSequence(options.from, '--from');
  const plan = options.plan === undefined ? null : await findPlan(options.plan, call);
  const node = options.node === undefined ? null : await findNode(options.node, call);
  const names = new Map<string, string>();
  const { type: eventTypes, database: databaseId, follow } = options;
  const request = { fromSequence, eventTypes, stopAtPresent: !follow, databaseId };
  for await (const answer of conductor.notifications.subscribe(request)) {
    const event = present(answer.event, 'an event');
    if ((plan && !isOfPlan(event, plan)) || (node && !isOfNode(event, node))) continue;
    if (!output.json) await learnName(event, names, call);
    output.message(Event, event, () => eventLine(event, names, output.time));
  }
}

/** The plan of a name, or of a uuid: one that is not there any more has left its events. */
async function findPlan(name: string, { conductor }: Call): Promise<Wanted> {
  const gone = onlyByUuid('ACTION_PLAN_NOT_FOUND', name, (actionPlan) => ({ actionPlan }));
  const answer = await conductor.plans.getActionPlan({ actionPlan: name, pageSize: 1 }).catch(gone);
  return present(answer.actionPlan, 'an action plan');
}

async function findNode(name: string, { conductor }: Call): Promise<Wanted> {
  const gone = onlyByUuid('NODE_NOT_FOUND', name, (node) => ({ node }));
  const answer = await conductor.nodes.getNode({ node: name }).catch(gone);
  return present(answer.node, 'a node');
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** What is not found is known by its uuid all the same; a name that nothing bears is a slip. */
function onlyByUuid<T>(code: ErrorCode, name: string, answer: (wanted: Wanted) => T): (thrown: unknown) => T {
  return (thrown) => {
    if (asCountermandError(thrown).code === code && UUID.test(name)) return answer({ uuid: name, name });
    throw thrown;
  };
}

/** An event of an action has its plan's uuid only; the name is asked for once. */
async function learnName(event: Event, names: Map<string, string>, call: Call): Promise<void> {
  const uuid = planOfEvent(event);
  if (uuid === '' || names.has(uuid)) return;
  const own = event.eventType.startsWith('action_plan.') ? asText(eventData(event).name) : '';
  names.set(uuid, own || (await findPlan(uuid, call)).name);
}

const EXAMPLES = `
Examples:
  countermand events --type 'baremetal.node.power_abort.*'
  countermand events --plan 'rack 7 down' --type 'action.cancel.*' 'action_plan.cancel.*'
  countermand events --position
  countermand events --from 4711 --follow --json`;

/** Gives the command `events` its options and its action. */
export function setUpEvents(command: Command, terminal: Terminal): void {
  command
    .option('--from <sequence>', 'begin with this number', '1')
    .option('--type <glob...>', "only types that match one of these, such as 'baremetal.node.power_abort.*'")
    .option('--plan <plan>', 'only what happened to this plan, its actions and their power tasks (name or uuid)')
    .option('--node <node>', 'only what happened to this node, and to actions about it (name or uuid)')
    .option('--follow', 'go on with what comes from now on')
    .option('--database <id>', 'refuse if --from is a number of another database than this one')
    .option('--position', 'print the number of the newest event and the id of the database, and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(asking(events, terminal));
}
