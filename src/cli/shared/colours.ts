/** Colours that mean something, on terminals that want them. */
import type { Environment, TextStream } from './terminal.ts';

/** What a colour means. */
export type Meaning = 'good' | 'bad' | 'doubtful' | 'quiet' | 'heading';

/** The codes of terminals: green, red, yellow, faint, bold. */
const CODES: Readonly<Record<Meaning, number>> = { good: 32, bad: 31, doubtful: 33, quiet: 2, heading: 1 };

/** What `--color` takes. */
export const WHEN_COLOURED = ['auto', 'always', 'never'] as const;

/** One of them. */
export type WhenColoured = (typeof WHEN_COLOURED)[number];

/**
 * True if text on `stream` has colours. Without `--color always` or `never`, it does on a terminal, unless NO_COLOR is set
 * (https://no-color.org) or the terminal is a dumb one.
 */
export function isColoured(when: WhenColoured, environment: Environment, stream: TextStream): boolean {
  if (when !== 'auto') return when === 'always';
  return stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

/** Text in the colour of its meaning. */
export function coloured(text: string, meaning: Meaning): string {
  return `\u001b[${CODES[meaning]}m${text}\u001b[0m`;
}

const STATES: Readonly<Record<string, Meaning>> = {
  SUCCEEDED: 'good',
  FAILED: 'bad',
  ABORTED: 'doubtful',
  ABORTING: 'doubtful',
  CANCELLED: 'doubtful',
  CANCELLING: 'doubtful',
  SUPERSEDED: 'quiet',
  DELETED: 'quiet',
};

/** What the state of a power task, a plan or an audit means; nothing while it goes on. */
export function stateMeaning(state: string): Meaning | undefined {
  return STATES[state];
}
