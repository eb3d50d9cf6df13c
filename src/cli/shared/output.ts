/** What a command prints on stdout: tables and sentences for people, or one JSON object per line for programs. */
import { harmless } from './harmless.ts';
import { type MessageType, toFullJson } from './json.ts';
import type { TextStream } from './terminal.ts';
import { localTime, type TimeText } from './times.ts';

/** The way to stdout. */
export interface Output {
  /** True for programs: nothing but JSON is printed. */
  readonly json: boolean;
  /** True on a terminal that has a size, so that a line may be written over. */
  readonly live: boolean;
  /** True if text for people has colours. */
  readonly coloured: boolean;
  /** The width of the terminal that is written to; null if it is none. */
  width(): number | null;
  /** A time, for people. */
  readonly time: TimeText;
  /** Prints one message: as a line of JSON, or as the text that `forPeople` makes of it. */
  message<M>(type: MessageType<M>, message: M, forPeople: (message: M) => string): void;
  /** Prints a list: a line of JSON for each, or one text for all. */
  messages<M>(type: MessageType<M>, messages: readonly M[], forPeople: () => string): void;
  /** Prints text for people; nothing with --json. */
  say(text: string): void;
  /** Prints lines of which the caller knows that they cannot harm a terminal, whoever reads them. */
  print(text: string): void;
}

/** How text for people looks. */
interface TextLook {
  readonly coloured: boolean;
  readonly time: TimeText;
}

/** Opens the output over a stream. */
export function openOutput(
  json: boolean,
  stream: TextStream,
  look: TextLook = { coloured: false, time: localTime },
): Output {
  const say = (text: string): void => {
    if (!json && text !== '') stream.write(`${harmless(text)}\n`);
  };
  const writeJson = <M>(type: MessageType<M>, message: M): void => {
    stream.write(`${JSON.stringify(toFullJson(type, message))}\n`);
  };
  return {
    ...look,
    json,
    width: () => (stream.isTTY ? (stream.columns ?? null) : null),
    print: (text) => void stream.write(text === '' ? '' : `${text}\n`),
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
