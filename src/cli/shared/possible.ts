/** What is possible, as commands to paste: the one place that words the orders that an answer or an error names. */

import { COMMAND_WORDS } from '../../core/command_words.ts';
import {
  asCountermandError,
  type CountermandError,
  type ErrorCode,
  type ErrorDetails,
  failWith,
} from '../../core/errors.ts';
import { flagName, POSSIBLE_FLAGS, type Possible, type PossibleVerb } from '../../core/possible.ts';
import { TARGET_TABLE } from '../../core/power.ts';
import * as proto from '../../gen/countermand/v1/power.ts';
import { oneLine } from './harmless.ts';
import { quoted } from './pasting.ts';
import { shortened, shortId } from './short_ids.ts';
import { enumName, targetOf } from './words.ts';

/** Orders as the conductor sent them; those that this version does not know are left out. */
export function ordersOf(sent: readonly proto.Possible[]): Possible[] {
  return sent.flatMap((possible) => {
    const verb = enumName(proto.PossibleVerb, possible.verb);
    const target = targetOf(possible.powerTarget);
    if (!Object.hasOwn(COMMAND_WORDS, verb) || (verb === 'SET_POWER_STATE' && target === null)) return [];
    const { resource, abortsTaskUuid } = possible;
    const flags = Object.fromEntries(POSSIBLE_FLAGS.map((flag) => [flag, possible[flag]]));
    const about = { verb: verb as PossibleVerb, resource, ...flags };
    return [target === null ? about : { ...about, target, abortsTaskUuid }];
  });
}

/** The command for an order, without its beginning: `plan start UUID --queue`. */
function commandOf(possible: Possible): string {
  const { verb, resource, target, abortsTaskUuid = '' } = possible;
  const words = [
    COMMAND_WORDS[verb],
    shortened(resource),
    ...(target === undefined ? [] : [TARGET_TABLE[target].word]),
    ...(abortsTaskUuid === '' ? [] : ['--task', shortId(abortsTaskUuid)]),
    ...(verb === 'PREVIEW_ROLLBACK' ? ['--dry-run'] : []),
    ...POSSIBLE_FLAGS.filter((flag) => possible[flag]).map((flag) => `--${flagName(flag).replaceAll('_', '-')}`),
  ];
  return oneLine(words.join(' '));
}

/** The commands for the orders of an answer. @param verb only those that it gives */
export function possibleCommands(sent: readonly proto.Possible[], verb?: PossibleVerb): string[] {
  return ordersOf(sent)
    .filter((possible) => verb === undefined || possible.verb === verb)
    .map(commandOf);
}

/** What helps with an error: what it does, and the command without its beginning. Null if the details do not tell. */
type Help = (details: ErrorDetails) => readonly [does: string, command: string] | null;

const HELP: Partial<Record<ErrorCode, Help>> = {
  NODE_NOT_FOUND: () => ['list them', 'node list'],
  POWER_TASK_NOT_FOUND: () => ['list them', 'power list'],
  ACTION_PLAN_NOT_FOUND: () => ['list them', 'plan list'],
  AUDIT_NOT_FOUND: () => ['list them', 'audit list'],
  AUDIT_TEMPLATE_NOT_FOUND: () => ['list them', 'audit template list'],
  FREEZE_NOT_FOUND: () => ['list them', 'freeze list'],
  SINK_NOT_FOUND: () => ['list them', 'sink list'],
  TOKEN_NOT_FOUND: () => ['list them', 'token list'],
  AGENT_NOT_ATTACHED: ({ facts }) =>
    facts?.zone === undefined ? null : ['start one', `agent --zone ${quoted(facts.zone)}`],
  BMC_IS_ANOTHER: ({ resource }) =>
    resource?.type === 'node' ? ['if it is right', `node accept ${resource.name}`] : null,
};

/** What a flag of the same command changes, if the error is about that. */
function flagFor({ code, details: { facts = {}, possible = [] } }: CountermandError): string | null {
  if ((code === 'TAKES_DOWN_MISMATCH' || code === 'TAKES_DOWN_UNSTATED') && facts.running_nodes !== undefined)
    return `if that is right: --yes=${facts.running_nodes}`;
  // A plan that was not made cannot be started; only the order can be given again.
  if (code === 'ACTION_PLAN_OVERLAPS' && !possible.some(({ verb }) => verb === 'START_ACTION_PLAN'))
    return 'nothing was made or started; to wait for the end of that plan: --queue';
  return code === 'SCOPE_INVALID' && facts.wants === 'all' ? 'to act on every node: --all' : null;
}

/** What can be done about an error, in lines: commands to paste that begin with `command`, or a flag. */
function waysOn(error: CountermandError, command: string): string[] {
  const { code, details } = error;
  const orders = (details.possible ?? []).map((possible) => `possible: ${command} ${commandOf(possible)}`);
  const help = HELP[code]?.(details) ?? null;
  const flag = flagFor(error);
  return [
    ...orders,
    ...(help === null ? [] : [`${help[0]}: ${oneLine(`${command} ${help[1]}`)}`]),
    ...(flag === null ? [] : [flag]),
  ];
}

/** An error with what can be done about it below its sentence, for people. */
export function withWaysOn(thrown: unknown, command: string): CountermandError {
  const error = asCountermandError(thrown);
  const ways = error.message === '' ? [] : waysOn(error, command).map((way) => `  ${way}`);
  if (ways.length === 0) return error;
  return failWith(error.code, [error.message, ...ways].join('\n'), error.details, { cause: error.cause });
}
