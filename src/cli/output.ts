/** What a command prints on stdout: tables and sentences for people, or one JSON object per line for programs. */
import Table from 'cli-table3';
import { type MessageType, toPlainJson } from './json.ts';
import type { TextStream } from './terminal.ts';

/** The way to stdout. */
export interface Output {
  /** True for programs: nothing but JSON is printed. */
  readonly json: boolean;
  /** True on a terminal that has a size, so that a line may be written over. */
  readonly live: boolean;
  /** Prints one message: as a line of JSON, or as the text that `forPeople` makes of it. */
  message<M>(type: MessageType<M>, message: M, forPeople: (message: M) => string): void;
  /** Prints a list: a line of JSON for each, or one text for all. */
  messages<M>(type: MessageType<M>, messages: readonly M[], forPeople: () => string): void;
  /** Prints text for people; nothing with --json. */
  say(text: string): void;
}

/** Opens the output over a stream. */
export function openOutput(json: boolean, stream: TextStream): Output {
  const say = (text: string): void => {
    if (!json && text !== '') stream.write(`${harmless(text)}\n`);
  };
  const writeJson = <M>(type: MessageType<M>, message: M): void => {
    stream.write(`${JSON.stringify(toPlainJson(type, message))}\n`);
  };
  return {
    json,
    live: stream.isTTY === true && (stream.rows ?? 0) > 0 && !json,
    message(type, message, forPeople) {
      if (json) writeJson(type, message);
      else say(forPeople(message));
    },
    messages(type, messages, forPeople) {
      if (json) for (const message of messages) writeJson(type, message);
      else say(forPeople());
    },
    say,
  };
}

/**
 * Text without control characters, but for line ends. Words of a BMC can stand in it, and must not steer a terminal.
 */
export function harmless(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** The same, on one line. */
export function oneLine(text: string): string {
  return harmless(text.trim().replaceAll(/\s*\n\s*/g, ' '));
}

const BORDERS = [
  ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
];
const NO_BORDERS = Object.fromEntries(BORDERS.map((border) => [border, '']));

/** Rows under a head, without borders, each column as wide as its widest cell. An empty head is left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const style = { 'padding-left': 0, 'padding-right': 3, head: [], border: [], compact: true };
  const printed = new Table({ head: [...head], chars: NO_BORDERS, style });
  printed.push(...rows.map((cells) => cells.map(oneLine)));
  return printed
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** What is known of one thing, a line for each fact; what is empty is left out. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  return table(
    [],
    rows.filter(([, value]) => value !== ''),
  );
}
