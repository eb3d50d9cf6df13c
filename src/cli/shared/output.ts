/** What a command prints on stdout: tables and sentences for people, or one JSON object per line for programs. */
import stringWidth from 'fast-string-width';
import { harmless, oneLine } from './harmless.ts';
import { type MessageType, toFullJson } from './json.ts';
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
    stream.write(`${JSON.stringify(toFullJson(type, message))}\n`);
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

/** Between two columns. */
const GUTTER = 3;

/** The width of text on a terminal. Most cells are plain, and then it is their length. */
const widthOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text));

/**
 * Rows under a head, without borders, each column as wide as its widest cell. An empty head is left out. (The table
 * packages take seconds for ten thousand nodes; the width of a character is what is hard about a table.)
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [...(head.length > 0 ? [head] : []), ...rows.map((cells) => cells.map(oneLine))];
  const widths: number[] = [];
  for (const cells of lines)
    for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  const pad = (cell: string, column: number): string =>
    cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell) + GUTTER);
  return lines.map((cells) => cells.map(pad).join('').trimEnd()).join('\n');
}

/** What is known of one thing, a line for each fact; what is empty is left out. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  return table(
    [],
    rows.filter(([, value]) => value !== ''),
  );
}
