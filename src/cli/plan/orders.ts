/** `countermand plan create|start|watch|delete`: orders about whole plans. */
import type { Command } from 'commander';
import { asCountermandError, type CountermandError, type ErrorCode, fail, failWith } from '../../core/errors.ts';
import {
  type ActionPlan,
  ActionPlanState,
  type CreateActionPlanRequest,
  DeleteActionPlanResponse,
  type TakesDown,
  WatchActionPlanResponse,
} from '../../gen/countermand/v1/action_plan.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import {
  confirmAbout,
  confirmTakenDown,
  holdToNumber,
  takenDown,
  type Yes,
  yesOption,
  yesOrNumberOption,
} from '../shared/confirming.ts';
import { takesDownWords } from '../shared/effect_text.ts';
import { inDoubt } from '../shared/following.ts';
import { quoted } from '../shared/pasting.ts';
import { ordersOf, possibleCommands } from '../shared/possible.ts';
import type { Terminal } from '../shared/terminal.ts';
import { dryRunOption, tellStart } from './dry_run.ts';
import { followPlan } from './following.ts';
import { planLine } from './lines.ts';
import { WHICH_PLAN } from './text.ts';

/** How a plan is started. */
interface StartOptions {
  /** Wait behind plans on the same nodes. */
  readonly queue?: boolean;
  /** Start it however old it is. */
  readonly force?: boolean;
  /** False to end as soon as it is started. */
  readonly wait: boolean;
  /** The number of running nodes that it should take down: with another number it is not started. */
  readonly expectTakenDown?: number | undefined;
}

interface AskedOptions {
  readonly yes?: Yes;
  readonly dryRun?: boolean;
}

/** What can be done with a plan, as commands to paste. */
function waysOn({ possibleOrders }: ActionPlan, command: string): string[] {
  return possibleCommands(possibleOrders).map((words) => `  ${command} ${words}`);
}

/** A plan that was made. */
interface Made {
  readonly plan: ActionPlan;
  readonly takesDown: TakesDown | undefined;
}

/** Makes a plan and shows it. The same request id twice is one plan. */
async function makePlan(request: CreateActionPlanRequest, call: Call): Promise<Made> {
  const made = await createPlan(request, 'the plan was made', call);
  tell(made.plan, call);
  return made;
}

async function createPlan(request: CreateActionPlanRequest, what: string, { conductor, command }: Call): Promise<Made> {
  const answer = await conductor.plans.createActionPlan(request).catch((thrown: unknown) => {
    throw inDoubt(asCountermandError(thrown), what, `${command} plan show ${quoted(request.requestId)}`);
  });
  return { plan: present(answer.actionPlan, 'an action plan'), takesDown: answer.takesDown };
}

function tell(actionPlan: ActionPlan, { output }: Call): void {
  output.message(WatchActionPlanResponse, { actionPlan, actions: [] }, () => planLine(actionPlan));
}

/**
 * Makes a plan and starts it in one transaction, so that a refused order leaves no plan behind; then watches it, unless `wait` is
 * false. The same request id twice is one plan.
 * @throws whatever refuses the plan or its start; what the plan ended with
 */
export async function makeStarted(request: CreateActionPlanRequest, wait: boolean, call: Call): Promise<void> {
  const { plan } = await createPlan(request, 'the plan was made and started', call);
  if (!wait || call.output.json) tell(plan, call);
  // A conductor of an earlier version makes it only.
  await startMade(plan, { wait, queue: request.queue, expectTakenDown: request.expectTakenDown }, call);
}

/** Starts a plan that was just made, and watches it. One that an earlier order with this request id has started is watched. */
async function startMade(plan: ActionPlan, options: StartOptions, call: Call): Promise<void> {
  if (plan.state !== ActionPlanState.RECOMMENDED) return options.wait ? watchPlan(plan, call) : undefined;
  let started: ActionPlan;
  try {
    started = await startPlan(plan.uuid, options, call);
  } catch (thrown) {
    throw notStarted(asCountermandError(thrown), plan);
  }
  if (options.wait) await watchPlan(started, call);
}

/** What refuses the start of a plan and leaves it as it is. */
const LEAVES_THE_PLAN: readonly ErrorCode[] = ['ACTION_PLAN_OVERLAPS', 'TAKES_DOWN_MISMATCH', 'TAKES_DOWN_UNSTATED'];

/** What is possible with the plan that was made stands beside what the error names. */
function notStarted(error: CountermandError, plan: ActionPlan): CountermandError {
  if (!LEAVES_THE_PLAN.includes(error.code)) return error;
  const named = error.details.possible ?? [];
  const others = ordersOf(plan.possibleOrders).filter(
    ({ verb, resource }) => !named.some((one) => one.verb === verb && one.resource === resource),
  );
  return failWith(error.code, `${error.message}\nthe plan was made`, {
    ...error.details,
    possible: [...named, ...others],
  });
}

async function startPlan(
  name: string,
  { queue = false, force = false, wait, expectTakenDown }: StartOptions,
  call: Call,
): Promise<ActionPlan> {
  const { conductor, command } = call;
  const request = { actionPlan: name, queue, force, expectTakenDown };
  const answer = await conductor.plans.startActionPlan(request).catch((thrown: unknown) => {
    throw inDoubt(asCountermandError(thrown), 'the plan was started', `${command} plan show ${quoted(name)}`);
  });
  const plan = present(answer.actionPlan, 'an action plan');
  if (!wait) tell(plan, call);
  return plan;
}

function watchPlan(plan: ActionPlan, call: Call): Promise<void> {
  const stream = call.conductor.plans.watchActionPlan({ actionPlan: plan.uuid });
  return followPlan(stream, { name: plan.uuid, gives: 'nothing', wait: true, plan }, call);
}

interface CreateOptions {
  readonly start?: boolean;
  readonly queue?: boolean;
  readonly wait: boolean;
  readonly requestId?: string;
  readonly yes?: Yes;
  readonly dryRun?: boolean;
}

async function create(
  file: string,
  { start = false, queue = false, wait, requestId, yes, dryRun }: CreateOptions,
  call: Call,
): Promise<void> {
  if (queue && !start) throw fail('ARGUMENT_INVALID', '--queue says how to start; give --start as well');
  if (!wait && !start) throw fail('ARGUMENT_INVALID', '--no-wait goes with --start; without it nothing is waited for');
  const { parsePlan, readPlanText } = await import('./file.ts');
  const parsed = parsePlan(await readPlanText(file, call), file);
  const wanted = { ...parsed, uuid: '', requestId: requestId ?? call.chance.uuid(), start: false, queue: false };
  if (dryRun) return tellStart({ wanted, queue }, call, start ? 'start' : 'make');
  const expectTakenDown = start
    ? await confirmNew(wanted, { asks: true, yes, queue }, (down) => startWords(wanted.name, queue, down), call)
    : undefined;
  const { plan, takesDown } = await makePlan(wanted, call);
  if (start) return startMade(plan, { queue, wait, expectTakenDown }, call);
  for (const way of waysOn(plan, call.command)) call.output.say(way);
  if (takesDown?.count) call.output.say(takenDown(takesDown, false));
}

/**
 * Confirms a plan before it is created and started. With a number, it is compared before the plan is made, so that a
 * refused order leaves no plan.
 * @param how `asks`: it is confirmed however few nodes go down
 * @param what says what the start would do
 * @returns the number of running nodes that it should take down; undefined if an earlier order with its request_id has made it
 * @throws NOT_CONFIRMED, TAKES_DOWN_MISMATCH, and whatever refuses the plan
 */
export async function confirmNew(
  wanted: CreateActionPlanRequest,
  { asks, yes, queue }: { readonly asks: boolean; readonly yes?: Yes; readonly queue: boolean },
  what: (takesDown: TakesDown | undefined) => string,
  call: Call,
): Promise<number | undefined> {
  const { actionPlan, takesDown } = await call.conductor.plans.previewActionPlan({ wanted, queue });
  if (actionPlan && actionPlan.state !== ActionPlanState.RECOMMENDED) return undefined;
  holdToNumber(yes, takesDown);
  return confirmTakenDown(what, yes, async () => takesDown, call, asks);
}

/** What has to be said of a number with --queue. */
export const QUEUED = '; nodes that are off count too, as a plan that it waits for may power them on';

/** What a start does, in a sentence. */
function startWords(name: string, queue: boolean, takesDown: TakesDown | undefined): string {
  return `this would start plan '${name}': ${takesDownWords(takesDown)}${queue ? QUEUED : ''}`;
}

const FILE_EXAMPLE = `
A plan file, in YAML or JSON:
  name: rack 7 down
  reason: new power supplies  # for those who read it later
  max_parallel: 8             # at most 8 actions run at once; 10 if left out
  canary: 1                   # the first action must succeed before the others begin; none if left out
  on_failure: STOP            # or CONTINUE: only what depends on the failed action is left out
                              # or ROLLBACK: as STOP, and then what was done is undone
  scope: [{baremetal: [{nodes: ["r7n[1-16]"]}]}]   # the nodes that its actions name if left out
  actions:
    - name: drain
      action_type: set_node_maintenance
      nodes: "r7n[1-16]"      # one action for each: 'drain r7n1' and so on; or a list of ranges
      input_parameters: {maintenance: true, reason: rack work}
    - name: down
      action_type: change_node_power_state
      nodes: "r7n[1-16]"
      input_parameters: {state: soft power off, timeout: 300}
      parents: ["drain {node}"]   # the one of the same node; [drain] would be all of them
      timeout: 600            # seconds, waiting for the node included; an hour if left out
    - name: switch off the storage
      action_type: change_node_power_state
      input_parameters: {resource_id: r7s1, state: power off}
      parents: [down]`;

/** Adds `plan create`. */
export function addCreate(group: Command, terminal: Terminal): void {
  group
    .command('create')
    .description('make an action plan from a file; nothing is started unless you say so')
    .argument('<file>', 'the plan file, or - for standard input; at most 32 MB')
    .option('--start', 'start it, and watch it until it has ended')
    .option('--queue', 'with --start: wait behind the plans that run or wait on the same nodes')
    .option('--no-wait', 'with --start: end as soon as it is started; the plan goes on')
    .option('--request-id <id>', 'the id of the order: the same id twice is one plan; made if not given')
    .addOption(dryRunOption())
    .addOption(yesOrNumberOption('with --start: '))
    .addHelpText('after', FILE_EXAMPLE)
    .action(asking(create, terminal));
}

async function start(name: string, options: StartOptions & AskedOptions, call: Call): Promise<void> {
  const { queue = false } = options;
  if (options.dryRun) return tellStart({ actionPlan: name, queue }, call);
  let title = name;
  const preview = async () => {
    const { actionPlan, takesDown } = await call.conductor.plans.previewActionPlan({ actionPlan: name, queue });
    title = actionPlan?.name ?? name;
    return takesDown;
  };
  const expectTakenDown = await confirmTakenDown((down) => startWords(title, queue, down), options.yes, preview, call);
  const plan = await startPlan(name, { ...options, expectTakenDown }, call);
  if (options.wait) await watchPlan(plan, call);
}

/** Adds `plan start`. */
export function addStart(group: Command, terminal: Terminal): void {
  group
    .command('start')
    .description('start a plan and watch it until it has ended; the exit code says how it ended')
    .argument('<plan>', WHICH_PLAN)
    .option('--queue', 'wait behind the plans that run or wait on the same nodes, instead of being refused')
    .option('--force', 'start it however old it is; that is recorded. What is SUPERSEDED stays so')
    .option('--no-wait', 'end as soon as it is started; the plan goes on')
    .addOption(dryRunOption())
    .addOption(yesOrNumberOption())
    .action(asking(start, terminal));
}

async function watch(name: string, _options: object, call: Call): Promise<void> {
  const stream = call.conductor.plans.watchActionPlan({ actionPlan: name });
  await followPlan(stream, { name, gives: 'nothing', wait: true }, call);
}

/** Adds `plan watch`. */
export function addWatch(group: Command, terminal: Terminal): void {
  group
    .command('watch')
    .description('watch a plan until it is at rest; the exit code says how it ended')
    .argument('<plan>', WHICH_PLAN)
    .action(asking(watch, terminal));
}

async function forget(name: string, { yes }: AskedOptions, call: Call): Promise<void> {
  const { conductor, output } = call;
  const what = `this would delete plan '${name}' for good: it cannot be started or rolled back any more`;
  await confirmAbout(what, yes, () => conductor.plans.getActionPlan({ actionPlan: name, pageSize: 1 }), call);
  const answer = await conductor.plans.deleteActionPlan({ actionPlan: name });
  output.message(DeleteActionPlanResponse, answer, () => `plan ${name}: deleted`);
}

/** Adds `plan delete`. */
export function addDelete(group: Command, terminal: Terminal): void {
  group
    .command('delete')
    .description('delete a plan that neither runs nor waits to run; its events stay')
    .argument('<plan>', WHICH_PLAN)
    .addOption(yesOption())
    .action(asking(forget, terminal));
}
