/** What is possible, for answers: as data, and in the words of the deprecated `possible`, which are of one client. */
import { COMMAND_WORDS } from '../../core/command_words.ts';
import { flagName, POSSIBLE_FLAGS, type Possible, type PossibleFlag } from '../../core/possible.ts';
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

/** An order in the words of the deprecated `possible`: "plan start UUID --queue". New clients read `possible_orders`. */
function deprecatedWords(possible: Possible): string {
  const flags = POSSIBLE_FLAGS.filter((flag) => possible[flag] === true);
  return [
    COMMAND_WORDS[possible.verb],
    possible.resource,
    ...(possible.target === undefined ? [] : [TARGET_TABLE[possible.target].word]),
    ...(possible.verb === 'PREVIEW_ROLLBACK' ? ['--dry-run'] : []),
    ...flags.map((flag) => `--${flagName(flag).replaceAll('_', '-')}`),
  ].join(' ');
}

/** Both fields of an answer. */
export function possibleFields(possible: readonly Possible[]): {
  readonly possible: string[];
  readonly possibleOrders: proto.Possible[];
} {
  return { possible: possible.map(deprecatedWords), possibleOrders: possible.map(toPossible) };
}
