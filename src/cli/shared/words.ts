/** The words for people: what stands in tables and sentences for the enums and times of the contract. */
import { POWER_STATE_NAMES, POWER_STATES, RECALL_WORDS, TARGET_TABLE, TARGETS, type Target } from '../../core/power.ts';
import { PowerState, PowerTarget, type Problem, Recall } from '../../gen/countermand/v1/power.ts';

/** A power state as Ironic writes it. */
export function powerStateWord(value: PowerState): string {
  return POWER_STATES.find((state) => PowerState[POWER_STATE_NAMES[state]] === value) ?? 'unknown';
}

/** The enum value of a target. */
export function targetValue(target: Target): PowerTarget {
  return PowerTarget[TARGET_TABLE[target].name];
}

/** The target of an enum value; null for none, and for one that this version does not know. */
export function targetOf(value: PowerTarget): Target | null {
  return TARGETS.find((target) => targetValue(target) === value) ?? null;
}

/** A target as Ironic writes it; empty for none. */
export function targetWord(value: PowerTarget): string {
  return targetOf(value) ?? (value === PowerTarget.UNSPECIFIED ? '' : 'unknown');
}

/** The name of an enum value, without prefix. */
export function enumName(members: Readonly<Record<string, number>>, value: number): string {
  const found = Object.entries(members).find(([, candidate]) => candidate === value);
  return found?.[0] ?? 'UNRECOGNIZED';
}

/** How far an order can be recalled, in words; empty if it was not said. */
export function recallWords(recall: Recall): string {
  return (RECALL_WORDS as Readonly<Record<string, string>>)[enumName(Recall, recall)] ?? '';
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** A span as its units, the largest first: 9 minutes and 48 seconds are `9m`, `48s`. */
function spanParts(spanMs: number): string[] {
  let seconds = Math.max(0, Math.floor(spanMs / 1000));
  const parts: string[] = [];
  for (const [name, size] of UNITS) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0) parts.push(`${count}${name}`);
  }
  return parts.length > 0 ? parts : ['0s'];
}

/** A span of time in its two largest units: `0s`, `12s`, `9m48s`, `2h3m`. */
export function spanWords(spanMs: number): string {
  return spanParts(spanMs).slice(0, 2).join('');
}

/** The node cannot be read: its power state is only what was read before. */
export function isUnreadable(problem: Problem | undefined): boolean {
  return problem !== undefined && problem.code !== 'BMC_TAKEN';
}

/** Why a node cannot be read, and for how long: `BMC_SILENT for 2m`; empty if it can. */
export function problemWords(problem: Problem | undefined, nowMs: number): string {
  if (problem === undefined) return '';
  return `${problem.code}${problem.since ? ` for ${ageWords(problem.since, nowMs)}` : ''}`;
}

/** The same with its sentence. */
export function problemSentence(problem: Problem | undefined, nowMs: number): string {
  if (problem === undefined) return '';
  const kind = isUnreadable(problem) ? 'not readable, ' : '';
  return `${kind}${problemWords(problem, nowMs)}: ${problem.message}`;
}

/** How long ago something was, in its largest unit; `never` if it was not. */
export function ageWords(at: Date | undefined, nowMs: number): string {
  return at === undefined ? 'never' : (spanParts(nowMs - at.getTime())[0] ?? '');
}

/**
 * The first of some names, and how many more there are: `n1, n2 and 5 more`.
 * @param most at most this many are named
 * @param of how many there are, where only the first are known
 */
export function firstNames(names: readonly string[], most = names.length, of = names.length): string {
  const shown = names.slice(0, most);
  const more = of > shown.length ? ` and ${of - shown.length} more` : '';
  return `${shown.join(', ')}${more}`;
}

/** A size, as `324 KiB`, `12.3 MiB` or `4.5 GiB`. */
export function bytesWords(bytes: number): string {
  const [kib, mib, gib] = [2 ** 10, 2 ** 20, 2 ** 30];
  if (bytes < mib) return `${Math.ceil(bytes / kib)} KiB`;
  return bytes < gib ? `${(bytes / mib).toFixed(1)} MiB` : `${(bytes / gib).toFixed(1)} GiB`;
}
