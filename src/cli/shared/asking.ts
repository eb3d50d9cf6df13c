/** What every command that asks the conductor shares: the global options, the connection and the output. */
import type { Command } from 'commander';
import { CountermandError, fail } from '../../core/errors.ts';
import { DEFAULT_ADDRESS } from './address.ts';
import { isColoured, type WhenColoured } from './colours.ts';
import { type Conductor, withConductor } from './connection.ts';
import { findContext, readContexts } from './contexts.ts';
import { type Output, openOutput } from './output.ts';
import { withWaysOn } from './possible.ts';
import type { Environment, Terminal } from './terminal.ts';
import { localTime, utcTime } from './times.ts';

/** How much of a list is asked for at once. */
export const PAGE_SIZE = 500;

/** The options that stand everywhere. */
export interface GlobalOptions {
  readonly conductor?: string;
  readonly context?: string;
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

/**
 * The conductor that a daemon talks to: the option, else the variable, else where one listens by default. The contexts of a
 * person are nothing for a daemon.
 */
export function addressOf(command: Command, environment: Environment): string {
  const { conductor } = command.optsWithGlobals<GlobalOptions>();
  return conductor ?? (environment.COUNTERMAND_CONDUCTOR || DEFAULT_ADDRESS);
}

/**
 * The conductor that a command asks: the option --conductor, else the context of the option --context, else the variable, else
 * the context in use, else where one listens by default.
 * @throws ARGUMENT_INVALID if both options are given, or for a context that is not there
 */
export function conductorOf({ conductor, context }: GlobalOptions, environment: Environment): string {
  if (conductor !== undefined && context !== undefined)
    throw fail('ARGUMENT_INVALID', '--conductor and --context both say which conductor is asked; give one of them');
  if (conductor !== undefined) return conductor;
  if (context === undefined && environment.COUNTERMAND_CONDUCTOR) return environment.COUNTERMAND_CONDUCTOR;
  const contexts = readContexts(environment);
  const name = context ?? contexts.current;
  return name === null ? DEFAULT_ADDRESS : findContext(name, contexts).conductor;
}

/** The beginning of a command to paste, which asks the same conductor. */
function prefixOf({ conductor, context }: GlobalOptions): string {
  if (conductor !== undefined) return `countermand --conductor ${conductor}`;
  return context === undefined ? 'countermand' : `countermand --context ${context}`;
}

/** The output that the options want. */
function outputOf(options: GlobalOptions, { environment, stdout }: Terminal): Output {
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
    const address = conductorOf(options, terminal.environment);
    const shared = { ...terminal, output: outputOf(options, terminal), command: prefixOf(options) };
    try {
      await withConductor(address, (conductor) => work(...passed, { ...shared, conductor }), terminal.signal);
    } catch (error) {
      // A fault of our own keeps its stack. Programs read the details themselves.
      throw error instanceof CountermandError && options.json !== true ? withWaysOn(error, shared.command) : error;
    }
  };
}

/** What a command works with that asks no conductor. */
export interface OfflineCall extends Terminal {
  readonly output: Output;
  readonly options: GlobalOptions;
}

/** The same for a command that asks no conductor. */
export function offline<Given extends unknown[]>(
  work: (...given: [...Given, OfflineCall]) => Promise<void>,
  terminal: Terminal,
): (...given: [...Given, Command]) => Promise<void> {
  return async (...given) => {
    const options = (given.at(-1) as Command).optsWithGlobals<GlobalOptions>();
    const call = { ...terminal, output: outputOf(options, terminal), options };
    await work(...(given.slice(0, -1) as Given), call);
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
