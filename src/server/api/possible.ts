/** What is possible, for answers: as data, and in the words of the deprecated `possible`, which are of one client. */
import { POSSIBLE_FLAGS, type Possible, type PossibleFlag, type PossibleVerb } from '../../core/possible.ts';
import { TARGET_TABLE } from '../../core/power.ts';
import * as proto from '../../gen/countermand/v1/power.ts';
import { toTarget } from '../agents/wire.ts';

/** An order that would be accepted, for an answer. */
export function toPossible(possible: Possible): proto.Possible {
  const { verb, resource, target, abortsTaskUuid = '' } = possible;
  const flags = Object.fromEntries(POSSIBLE_FLAGS.map((flag) => [flag, possible[flag] === true]));
  return {
    ...(flags as Record<PossibleFlag, boolean>),
    verb: proto.PossibleVerb[verb],
    resource,
    powerTarget: target === undefined ? proto.PowerTarget.UNSPECIFIED : toTarget(target),
    abortsTaskUuid,
  };
}

/** The commands of the command line as released clients know them. New clients read `possible_orders`. */
const COMMANDS: Readonly<Record<PossibleVerb, string>> = {
  SET_POWER_STATE: 'node power',
  WITHDRAW_POWER_TASK: 'power withdraw',
  START_ACTION_PLAN: 'plan start',
  CANCEL_ACTION_PLAN: 'plan cancel',
  ROLLBACK_ACTION_PLAN: 'plan rollback',
  PREVIEW_ROLLBACK: 'plan rollback',
  WATCH_ACTION_PLAN: 'plan watch',
  DELETE_ACTION_PLAN: 'plan delete',
  SUSPEND_AUDIT: 'audit suspend',
  RESUME_AUDIT: 'audit resume',
  CANCEL_AUDIT: 'audit cancel',
  DELETE_AUDIT: 'audit delete',
  ACCEPT_NODE: 'node accept',
};

/** An order in the words of the deprecated `possible`: "plan start UUID --queue". */
function deprecatedWords(possible: Possible): string {
  const flags = POSSIBLE_FLAGS.filter((flag) => possible[flag] === true);
  return [
    COMMANDS[possible.verb],
    possible.resource,
    ...(possible.target === undefined ? [] : [TARGET_TABLE[possible.target].word]),
    ...(possible.verb === 'PREVIEW_ROLLBACK' ? ['--preview'] : []),
    ...flags.map((flag) => `--${flag.replaceAll(/[A-Z]/g, (big) => `-${big.toLowerCase()}`)}`),
  ].join(' ');
}

/** Both fields of an answer. */
export function possibleFields(possible: readonly Possible[]): {
  readonly possible: string[];
  readonly possibleOrders: proto.Possible[];
} {
  return { possible: possible.map(deprecatedWords), possibleOrders: possible.map(toPossible) };
}
