/** Nodes in tables and sentences. */
import { isAbort, TARGET_TABLE } from '../../core/power.ts';
import type {
  ExplainNodeResponse,
  GetSupportedPowerStatesResponse,
  Node,
  RefreshNodesResponse,
  WatchNodesResponse,
} from '../../gen/countermand/v1/node.ts';
import { PowerState, type PowerTarget, type Recall } from '../../gen/countermand/v1/power.ts';
import { taskTable } from '../power/list.ts';
import { oneLine } from '../shared/harmless.ts';
import { shortId } from '../shared/short_ids.ts';
import { facts, table } from '../shared/table.ts';
import { commandsToTakeBack } from '../shared/task_lines.ts';
import type { TimeText } from '../shared/times.ts';
import {
  ageWords,
  isUnreadable,
  powerStateWord,
  problemSentence,
  recallWords,
  spanWords,
  targetOf,
  targetWord,
} from '../shared/words.ts';

/** What the argument NODE takes. */
export const WHICH_NODE = 'name or uuid of the node';

/** The power state, with what makes it doubtful: a node that cannot be read is only what it was. */
export function powerCell(node: Node, nowMs: number): string {
  const word = powerStateWord(node.powerState);
  const openMs = (node.mayStillChangeUntil?.getTime() ?? 0) - nowMs;
  if (openMs > 0) return `${word} (may still change for ${spanWords(openMs)})`;
  if (node.powerState === PowerState.ERROR) return 'error (until the next reading)';
  return isUnreadable(node.problem) ? `${word} (not readable now)` : word;
}

/** A map as `key=value` words, by key. */
export function pairs(map: Readonly<Record<string, string>>): string {
  const keys = Object.keys(map).sort();
  return keys.map((key) => `${key}=${map[key]}`).join(' ');
}

/** One node, all that is known of it. */
export function nodeText(node: Node, nowMs: number, time: TimeText): string {
  const because = node.maintenanceReason && `: ${node.maintenanceReason}`;
  return facts([
    ['name', node.name],
    ['uuid', node.uuid],
    ['driver', node.driver],
    ['driver_info', pairs(node.driverInfo)],
    ['zone', node.zone],
    ['labels', pairs(node.labels)],
    ['power state', powerCell(node, nowMs)],
    ['problem', problemSentence(node.problem, nowMs)],
    ['read', node.powerStateReadAt ? `${ageWords(node.powerStateReadAt, nowMs)} ago` : 'never'],
    ['target', targetWord(node.targetPowerState)],
    ['held by', node.heldBy && `power task ${node.heldBy}`],
    ['frozen', node.frozen],
    ['maintenance', node.maintenance ? `on${because}` : 'off'],
    ['guid', node.guid],
    ['other guid', node.otherGuid && `${node.otherGuid}: countermand node accept ${node.name}`],
    ['last error', node.lastError],
    ['created', time(node.createdAt)],
    ['updated', time(node.updatedAt)],
  ]);
}

/** One node's reading, on one line. `command` is the beginning of a command to paste. */
export function refreshedLine(answer: RefreshNodesResponse, command: string): string {
  const { node, observed, reason, errorCode } = answer;
  const name = node?.name ?? 'a node';
  const accept = node && errorCode === 'BMC_IS_ANOTHER' ? `: ${command} node accept ${node.name}` : '';
  if (observed === PowerState.UNSPECIFIED) return oneLine(`${name}: not read: ${reason}${accept}`);
  return oneLine(`${name}: ${powerStateWord(observed)}${reason && ` (not recorded: ${reason})`}`);
}

/** A node as it is now, on one line behind its name. */
export function watchedLine({ node, deleted }: WatchNodesResponse, nowMs: number): string {
  if (node === undefined || deleted) return 'deleted';
  const target = targetWord(node.targetPowerState);
  const parts = [
    powerCell(node, nowMs),
    ...(target === '' ? [] : [`on its way to ${target}`]),
    ...(node.heldBy === '' ? [] : [`held by power task ${shortId(node.heldBy)}`]),
    ...(node.frozen === '' ? [] : [`frozen ${node.frozen}`]),
    ...(node.maintenance ? ['in maintenance'] : []),
    ...(node.problem ? [`${node.problem.code}: ${node.problem.message}`] : []),
  ];
  return oneLine(parts.join('; '));
}

/** The word of a target on the command line. */
function cliWord(value: PowerTarget): string {
  const target = targetOf(value);
  return target === null ? '' : TARGET_TABLE[target].word;
}

/** How far an order can be recalled; an abort is none. */
function recallCell(value: PowerTarget, recall: Recall): string {
  const target = targetOf(value);
  return target !== null && isAbort(target) ? '' : recallWords(recall);
}

/** The targets of a node, and whether its hardware was asked. */
export function supportedText(answer: GetSupportedPowerStatesResponse, time: TimeText): string {
  const rows = answer.supportedPowerStates.map(({ target, powerState, recall }) => [
    cliWord(target),
    powerState,
    recallCell(target, recall),
  ]);
  const source = answer.probedAt
    ? `the hardware was asked at ${time(answer.probedAt)}`
    : 'the list of the driver; the hardware was not asked';
  const why = answer.reason && `: ${oneLine(answer.reason)}`;
  return `${table(['TARGET', 'POWER STATE', 'RECALL'], rows)}\n${source}${why}`;
}

/**
 * Why a node is as it is: sentences, how to take back what holds it, its last tasks, and what can be ordered now.
 * `command` is the beginning of a command to paste.
 */
export function explanationText(answer: ExplainNodeResponse, nowMs: number, command: string): string {
  const takeBack = answer.holder ? commandsToTakeBack(answer.holder, command) : [];
  const possible = answer.possible.map(({ target, meaning }) => [cliWord(target), meaning]);
  return [
    ...answer.explanation.map(oneLine),
    ...takeBack.map((paste) => `  take it back: ${paste}`),
    ...(answer.node?.otherGuid
      ? [oneLine(`  accept the other server: ${command} node accept ${answer.node.name}`)]
      : []),
    '',
    taskTable(answer.lastTasks, nowMs),
    '',
    possible.length === 0 ? 'nothing can be ordered now' : table(['POSSIBLE NOW', 'MEANING'], possible),
  ].join('\n');
}
