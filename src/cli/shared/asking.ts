/** What every command that asks the conductor shares: the global options, the connection and the output. */
import type { Command } from 'commander';
import { CountermandError, fail } from '../../core/errors.ts';
import { DEFAULT_ADDRESS } from './address.ts';
import { isColoured, type WhenColoured } from './colours.ts';
import { type Client, withConductor } from './connection.ts';
import { type Output, openOutput } from './output.ts';
import { quoted } from './pasting.ts';
import { placeOf, type ReachOptions } from './place.ts';
import { withWaysOn } from './possible.ts';
import type { Environment, Terminal } from './terminal.ts';
import { localTime, utcTime } from './times.ts';

/** How much of a list is asked for at once. */
export const PAGE_SIZE = 500;

/** The options that stand everywhere. */
export interface GlobalOptions extends ReachOptions {
  readonly json?: boolean;
  readonly utc?: boolean;
  readonly color?: WhenColoured;
  /** Of a list. */
  readonly output?: string;
}

/** What a command works with. */
export interface Call extends Terminal {
  readonly conductor: Client;
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

/** The beginning of a command to paste, which asks the same conductor in the same way. */
function prefixOf({
  conductor,
  context,
  ca,
  certificate,
  key,
  tokenFile,
  serverName,
  insecure,
}: GlobalOptions): string {
  const given = { conductor, context, ca, certificate, key, 'token-file': tokenFile, 'server-name': serverName };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${quoted(value)}`],
  );
  return ['countermand', ...flags, ...(insecure ? ['--insecure'] : [])].join(' ');
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
    const place = placeOf(options, terminal.environment);
    const shared = { ...terminal, output: outputOf(options, terminal), command: prefixOf(options) };
    try {
      await withConductor(place, (conductor) => work(...passed, { ...shared, conductor }), terminal);
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

/** The things of a paged list, in its order: all of them, or at most `limit`; no more pages are asked for than that takes. */
export async function upTo<T>(
  limit: number | undefined,
  ask: (
    pageToken: string,
    pageSize: number,
  ) => Promise<{ readonly items: readonly T[]; readonly nextPageToken: string }>,
): Promise<T[]> {
  const found: T[] = [];
  const pageSize = Math.min(limit ?? PAGE_SIZE, PAGE_SIZE);
  for await (const { items } of everyPage((pageToken) => ask(pageToken, pageSize))) {
    found.push(...items);
    if (limit !== undefined && found.length >= limit) return found.slice(0, limit);
  }
  return found;
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
