/** `countermand audit ...`: audits, which look for plans. */

import type { Command } from 'commander';
import { asCountermandError, fail } from '../../core/errors.ts';
import type { TakesDown } from '../../gen/countermand/v1/action_plan.ts';
import {
  Audit,
  CreateAuditResponse,
  DeleteAuditResponse,
  GetAuditResponse,
  type PreviewAuditRequest,
  PreviewAuditResponse,
  Strategy,
} from '../../gen/countermand/v1/audit.ts';
import { dryRunOption, heldBackLines } from '../plan/dry_run.ts';
import { planLine } from '../plan/lines.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import {
  confirmAbout,
  confirmTakenDown,
  takenDown,
  type Yes,
  yesOption,
  yesOrNumberOption,
} from '../shared/confirming.ts';
import { effectText, NOTHING_WRITTEN, takesDownWords } from '../shared/effect_text.ts';
import { readPairs, readSeconds } from '../shared/flags.ts';
import { inDoubt } from '../shared/following.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { quoted } from '../shared/pasting.ts';
import { possibleCommands } from '../shared/possible.ts';
import { addSelectors, type SelectorFlags } from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { AuditFile } from './file.ts';
import { addList } from './list.ts';
import { scopeOfSelectors } from './scope.ts';
import { addTemplates } from './templates.ts';
import { auditLine, auditText, strategyText, WHICH_AUDIT } from './text.ts';

interface CreateOptions extends SelectorFlags {
  readonly dryRun?: boolean;
  readonly name?: string;
  readonly strategy?: string;
  readonly goal?: string;
  readonly template?: string;
  readonly parameter?: readonly string[];
  readonly nodes?: readonly string[];
  readonly interval?: string;
  readonly autoTrigger?: boolean;
  readonly requestId?: string;
  readonly yes?: Yes;
}

async function create(file: string | undefined, options: CreateOptions, call: Call): Promise<void> {
  const { conductor, output, command } = call;
  const {
    parameter,
    interval: word,
    requestId = call.chance.uuid(),
    yes,
    name,
    strategy,
    goal,
    template,
    autoTrigger,
  } = options;
  if (file === undefined && name === undefined)
    throw fail('AUDIT_INVALID', 'the audit has no name; give --name NAME, or a file that has one');
  const interval = readSeconds(word, '--interval');
  const { nodes = [], dryRun, ...selectors } = options;
  const flags = {
    ...Object.fromEntries(
      Object.entries({ name, strategy, goal, template, autoTrigger }).filter(([, value]) => value !== undefined),
    ),
    ...(await scopeOfSelectors(nodes, selectors, call)),
    parameters: readPairs(parameter, '--parameter'),
    ...(interval !== undefined && { interval }),
  };
  const { readAudit } = await import('./file.ts');
  const wanted = await readAudit(file, flags, call);
  if (dryRun) return tellRun({ wanted: { ...wanted, uuid: '', requestId } }, wanted.autoTrigger, call);
  const expectTakenDown = wanted.autoTrigger ? await confirmTriggered(wanted, yes, call) : undefined;
  const request = { ...wanted, requestId, expectTakenDown };
  const answer = await conductor.audits.createAudit(request).catch((thrown: unknown) => {
    throw inDoubt(asCountermandError(thrown), 'the audit was made', `${command} audit show ${quoted(requestId)}`);
  });
  const audit = present(answer.audit, 'an audit');
  const plan = answer.actionPlan;
  output.message(CreateAuditResponse, answer, () =>
    plan ? `${auditLine(audit)}\n${planLine(plan)}` : auditLine(audit),
  );
  for (const words of possibleCommands(plan?.possibleOrders ?? [])) output.say(`  ${command} ${words}`);
  if (answer.takesDown?.count) output.say(takenDown(answer.takesDown, wanted.autoTrigger));
}

/** Tells what the plan of an audit would do, if it ran now. */
async function tellRun(
  request: Partial<PreviewAuditRequest>,
  autoTrigger: boolean,
  { conductor, output }: Call,
): Promise<void> {
  const answer = await conductor.audits.previewAudit(request);
  const when = autoTrigger ? 'its plan, which starts at once:' : 'its plan, which waits until it is started:';
  output.message(PreviewAuditResponse, answer, () => {
    if (answer.noPlan !== '') return `it would make no plan now: ${answer.noPlan}\n${NOTHING_WRITTEN}`;
    return [
      when,
      effectText(present(answer.effect, 'an effect'), answer.takesDown, 'queue'),
      ...heldBackLines(answer),
      NOTHING_WRITTEN,
    ].join('\n');
  });
}

/** Confirms an audit whose plans start without anyone looking at them. */
function confirmTriggered(wanted: AuditFile, yes: Yes, call: Call): Promise<number> {
  const again = wanted.interval === undefined ? '' : ', and the plans of later runs start without being asked about';
  return confirmTakenDown(
    (down) => `audit '${wanted.name}' starts its plan at once: ${takesDownWords(down)}${again}`,
    yes,
    async () => (await call.conductor.audits.previewAudit({ wanted: { ...wanted, requestId: '' } })).takesDown,
    call,
  );
}

const SCOPE_HELP = `
Which nodes it is about: --nodes, -l or --zone alone is its scope, and is resolved at each run. Any other flag, or several of
them, choose nodes now, and these are the scope. A strategy that acts on nodes needs a scope, or --all.`;

const FILE_EXAMPLE = `
An audit file, in YAML or JSON:
  name: rack 7 saves energy
  strategy: saving_energy     # or goal: its only strategy; countermand audit strategies lists them
  # audit_template: rack 7    # has the goal, strategy and scope, where the audit has none of its own
  parameters: {reserve: 2}
  scope: [{baremetal: [{labels: {rack: "7"}}]}]
                              # or all: true, which is every node; a strategy that acts on nodes needs one of the two
  audit_type: CONTINUOUS      # or ONESHOT, which is the default
  interval: 600               # seconds; only with CONTINUOUS
  auto_trigger: true          # its plans start as soon as they are made; they wait to be started if left out
  max_parallel: 8             # at most 8 actions of a plan run at once; 10 if left out
  on_failure: STOP            # what a plan does when an action fails`;

function addCreate(group: Command, terminal: Terminal): void {
  const command = group
    .command('create')
    .description('make an audit from a file, or from flags, which go before it; its plan waits to be started')
    .argument('[file]', 'the audit file, or - for standard input')
    .option('--name <name>', 'its name')
    .option('--strategy <name>', 'how it looks for a plan')
    .option('--goal <name>', 'what it is for, if it has only one strategy')
    .option(
      '--template <name>',
      'the audit template that has its goal, strategy and scope, where it has none of its own',
    )
    .option('--parameter <key=value...>', 'what the strategy is told; a value is read as in YAML')
    .option('--nodes <range...>', "the nodes that it is about, such as 'r7n[1-16]'")
    .option('--interval <seconds>', 'run it again and again, with this much time between two runs')
    .option('--auto-trigger', 'start its plans as soon as they are made; you are asked first')
    .option('--request-id <id>', 'the id of the order: the same id twice is one audit; made if not given')
    .addOption(dryRunOption())
    .addOption(yesOrNumberOption('with auto_trigger: '));
  addSelectors(command).addHelpText('after', `${SCOPE_HELP}\n${FILE_EXAMPLE}`).action(asking(create, terminal));
}

async function show(name: string, _options: object, { conductor, output, clock }: Call): Promise<void> {
  const answer = await conductor.audits.getAudit({ audit: name });
  const audit = present(answer.audit, 'an audit');
  output.message(GetAuditResponse, answer, () => auditText(audit, answer.actionPlans, clock.now(), output.time));
}

type AuditOrder = 'cancelAudit' | 'suspendAudit';

/** A command that stops one audit and shows it. */
function addOrder(group: Command, terminal: Terminal, name: string, order: AuditOrder, description: string): void {
  const give = async (audit: string, _options: object, { conductor, output }: Call): Promise<void> => {
    const answer = await conductor.audits[order]({ audit });
    output.message(Audit, present(answer.audit, 'an audit'), auditLine);
  };
  group.command(name).description(description).argument('<audit>', WHICH_AUDIT).action(asking(give, terminal));
}

interface AskedOptions {
  readonly yes?: Yes;
  readonly dryRun?: boolean;
}

/** An audit that starts its plans by itself is asked about: one that came due meanwhile runs at once. */
async function resume(name: string, { yes, dryRun }: AskedOptions, call: Call): Promise<void> {
  const { conductor, output } = call;
  const found = present((await conductor.audits.getAudit({ audit: name })).audit, 'an audit');
  if (dryRun) return tellRun({ audit: found.uuid }, found.autoTrigger, call);
  const words = (down: TakesDown | undefined): string =>
    `audit '${found.name}' runs again, and its plans start without being asked about: as the nodes are now, ${takesDownWords(down)}`;
  const preview = async () => (await conductor.audits.previewAudit({ audit: found.uuid })).takesDown;
  const expectTakenDown = found.autoTrigger ? await confirmTakenDown(words, yes, preview, call) : undefined;
  const answer = await conductor.audits.resumeAudit({ audit: found.uuid, expectTakenDown });
  output.message(Audit, present(answer.audit, 'an audit'), auditLine);
}

async function forget(name: string, { yes }: AskedOptions, call: Call): Promise<void> {
  const { conductor, output } = call;
  const what = `this would delete audit '${name}' for good; its plans and its events stay`;
  await confirmAbout(what, yes, () => conductor.audits.getAudit({ audit: name }), call);
  const answer = await conductor.audits.deleteAudit({ audit: name });
  output.message(DeleteAuditResponse, answer, () => `audit ${name}: deleted`);
}

const STRATEGY_LIST: Listing<Strategy> = {
  things: 'strategies',
  type: Strategy,
  name: ({ name }) => name,
  columns: [
    { head: 'STRATEGY', cell: ({ name }) => name },
    { head: 'GOAL', cell: ({ goal }) => goal },
    { head: 'MEANING', cell: ({ meaning }) => meaning, cuts: true },
    {
      head: 'PARAMETERS',
      cell: ({ parametersSchema }) => Object.keys(parametersSchema?.properties ?? {}).join(', '),
      wide: true,
    },
  ],
};

/** Without a flag of lists, each strategy is told with all that its parameters mean. */
async function strategies(flags: ListFlags, call: Call): Promise<void> {
  const ask = async () => (await call.conductor.audits.listStrategies({})).strategies;
  const { headers, ...others } = flags;
  if (call.output.json || headers === false || Object.values(others).some((value) => value !== undefined))
    return showList(STRATEGY_LIST, ask, flags, call);
  call.output.say(strategyText(await ask()));
}

const EXAMPLES = `
Examples:
  countermand audit create --name 'rack 7' --strategy host_maintenance --nodes 'r7n[1-16]' --parameter wave_size=4
  countermand audit create saving.yaml
  countermand audit suspend 'rack 7 saves energy'`;

/** Adds the commands of the group `audit`. */
export function addAuditCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', EXAMPLES);
  addCreate(group, terminal);
  addList(group, terminal);
  group
    .command('show')
    .description('show all that is known of an audit and its plans')
    .argument('<audit>', WHICH_AUDIT)
    .action(asking(show, terminal));
  addOrder(group, terminal, 'cancel', 'cancelAudit', 'end a continuous audit; the plans that it has made stay');
  addOrder(group, terminal, 'suspend', 'suspendAudit', 'pause a continuous audit until it is resumed');
  group
    .command('resume')
    .description('resume a suspended audit: it runs at its next time, or at once if that has passed')
    .argument('<audit>', WHICH_AUDIT)
    .addOption(dryRunOption())
    .addOption(yesOrNumberOption('with auto_trigger: '))
    .action(asking(resume, terminal));
  group
    .command('delete')
    .description('delete an audit that does not run any more; its plans and its events stay')
    .argument('<audit>', WHICH_AUDIT)
    .addOption(yesOption())
    .action(asking(forget, terminal));
  addTemplates(group, terminal);
  const command = group
    .command('strategies')
    .description('list the goals and strategies, with the parameters that they take');
  addListFlags(command, STRATEGY_LIST).action(asking(strategies, terminal));
}
