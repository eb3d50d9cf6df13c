/** A line of the log as a person reads it on a terminal. */
import { coloured, type Meaning } from '../shared/colours.ts';
import { oneLine } from '../shared/harmless.ts';
import type { TimeText } from '../shared/times.ts';

/** The levels of pino by their numbers. */
const LEVELS: Readonly<Record<number, readonly [name: string, meaning: Meaning | null]>> = {
  10: ['trace', 'quiet'],
  20: ['debug', 'quiet'],
  30: ['info', null],
  40: ['warn', 'doubtful'],
  50: ['error', 'bad'],
  60: ['fatal', 'bad'],
};

/** How it looks. */
interface LineLook {
  readonly coloured: boolean;
  readonly time: TimeText;
}

/** `TIME LEVEL MESSAGE KEY=VALUE…` of one line of JSON, and the stack of an error below it; any other line as it is. */
export function readableLine(line: string, look: LineLook): string {
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(line);
  } catch {
    return line;
  }
  const { level, time, msg, err, ...fields } = said;
  const [name, meaning] = LEVELS[Number(level)] ?? [String(level), null];
  const paint = (text: string, as: Meaning | null): string =>
    look.coloured && as !== null ? coloured(text, as) : text;
  const pairs = Object.entries(fields).map(([key, value]) => `${paint(`${key}=`, 'quiet')}${valueText(value)}`);
  const at = typeof time === 'number' ? look.time(new Date(time)) : '';
  const head = [at, paint(name.padEnd(5), meaning), oneLine(String(msg ?? '')), ...pairs].filter((part) => part !== '');
  return `${[head.join(' '), ...stackOf(err)].join('\n')}\n`;
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? oneLine(value) : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function stackOf(err: unknown): string[] {
  if (typeof err !== 'object' || err === null) return [];
  const { stack, message } = err as { readonly stack?: unknown; readonly message?: unknown };
  return String(stack ?? message ?? '')
    .split('\n')
    .map((line) => `    ${oneLine(line)}`);
}
