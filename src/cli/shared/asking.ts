/** What every command that asks the conductor shares: the global options, the connection and the output. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { DEFAULT_ADDRESS } from './address.ts';
import { isColoured, type WhenColoured } from './colours.ts';
import { type Conductor, withConductor } from './connection.ts';
import { type Output, openOutput } from './output.ts';
import type { Environment, Terminal } from './terminal.ts';
import { localTime, utcTime } from './times.ts';

/** How much of a list is asked for at once. */
export const PAGE_SIZE = 500;

/** The options that stand everywhere. */
interface GlobalOptions {
  readonly conductor?: string;
  readonly json?: boolean;
  readonly utc?: boolean;
  readonly color?: WhenColoured;
  /** Of a list. */
  readonly output?: string;
}

/** What a command works with. */
export interface Call extends Terminal {
  readonly conductor: Conductor;
  readonly output: Output;
  /** The beginning of a command to paste, with the conductor if it was named by hand. */
  readonly command: string;
}

/** The conductor that a command talks to: the option, else the variable, else where one listens by default. */
export function addressOf(command: Command, environment: Environment): string {
  const { conductor } = command.optsWithGlobals<GlobalOptions>();
  return conductor ?? (environment.COUNTERMAND_CONDUCTOR || DEFAULT_ADDRESS);
}

/** The output that the options want. */
export function outputOf(options: GlobalOptions, { environment, stdout }: Terminal): Output {
  const { json = false, output, utc = false, color = 'auto' } = options;
  const look = { coloured: isColoured(color, environment, stdout), time: utc ? utcTime : localTime };
  return openOutput(json || output === 'json', stdout, look);
}

/**
 * `work` as the action of a commander command. Commander gives arguments, options and itself; `work` gets a call, with
 * an open connection, in the place of the last.
 */
export function asking<Given extends unknown[]>(
  work: (...given: [...Given, Call]) => Promise<void>,
  terminal: Terminal,
): (...given: [...Given, Command]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const passed = given.slice(0, -1) as Given;
    const options = command.optsWithGlobals<GlobalOptions>();
    const { conductor: named } = options;
    const address = addressOf(command, terminal.environment);
    const output = outputOf(options, terminal);
    const prefix = named === undefined ? 'countermand' : `countermand --conductor ${named}`;
    const use = (conductor: Conductor) => work(...passed, { ...terminal, conductor, output, command: prefix });
    await withConductor(address, use, terminal.signal);
  };
}

/** What an answer must carry. @throws INTERNAL if it does not */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw fail('INTERNAL', `the conductor answered without ${what}`);
  return value;
}

/** All things of a paged list, page by page. */
export async function* everyPage<Page extends { nextPageToken: string }>(
  ask: (pageToken: string) => Promise<Page>,
): AsyncGenerator<Page> {
  let pageToken = '';
  do {
    const page = await ask(pageToken);
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}
