/**
 * Contexts: names for conductors, each of which a person has in use at other times. They lie in one file of the person,
 * `$XDG_CONFIG_HOME/countermand/contexts.json` or `~/.config/countermand/contexts.json`.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fail } from '../../core/errors.ts';
import { makeFolder } from '../../core/folders.ts';
import { readAtStart } from '../../core/small_file.ts';
import { areAddresses } from './address.ts';
import type { Environment } from './terminal.ts';

/** A conductor, and how it is spoken to. Files are absolute paths. */
export interface Reach {
  /** HOST:PORT, or several with commas between them. */
  readonly conductor: string;
  /** The authorities that may vouch for it. */
  readonly ca?: string;
  /** What is shown to it. */
  readonly certificate?: string;
  readonly key?: string;
  /** The file of the token that is shown to it. */
  readonly tokenFile?: string;
  /** The name that its certificate must have. */
  readonly serverName?: string;
  /** It is spoken to in plaintext, wherever it is. */
  readonly insecure?: boolean;
}

/** What is known of one conductor. */
export interface Context extends Reach {
  readonly name: string;
}

/** The contexts of a person, by name, and which of them is in use. */
interface Contexts {
  readonly current: string | null;
  readonly all: readonly Context[];
}

/** What a context may be called. */
const NAME = /^[\w.-]{1,255}$/;

const NONE: Contexts = { current: null, all: [] };

/** Where they lie; null if the environment has neither XDG_CONFIG_HOME nor HOME. */
export function contextsFile({ XDG_CONFIG_HOME = '', HOME = '' }: Environment): string | null {
  const folder = [XDG_CONFIG_HOME, HOME && join(HOME, '.config')].find(isAbsolute);
  return folder === undefined ? null : join(folder, 'countermand/contexts.json');
}

/** Reads them. @throws ARGUMENT_INVALID if the file cannot be read, or is no file of contexts */
export function readContexts(environment: Environment): Contexts {
  const file = contextsFile(environment);
  if (file === null) return NONE;
  const broken = (why: string) =>
    fail('ARGUMENT_INVALID', `${file} ${why}; mend it, delete it, or name a conductor with --conductor HOST:PORT`);
  let text: string;
  try {
    text = readAtStart(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return NONE;
    throw broken(`cannot be read (${message})`);
  }
  const contexts = parsed(text);
  if (contexts === null) throw broken('is no file of contexts');
  return contexts;
}

/** What a file says; null if it is none of ours. */
function parsed(text: string): Contexts | null {
  try {
    const { current = null, contexts } = JSON.parse(text);
    const all = Object.entries(contexts as Record<string, Reach>).map(
      ([name, reach]): Context => ({ name, ...reach, conductor: String(reach.conductor) }),
    );
    const isWhole = all.every(
      (context) => NAME.test(context.name) && areAddresses(context.conductor) && hasTexts(context),
    );
    return isWhole && (current === null || typeof current === 'string') ? { current, all } : null;
  } catch {
    return null;
  }
}

const hasTexts = ({ ca, certificate, key, tokenFile, serverName, insecure }: Context): boolean =>
  [ca, certificate, key, tokenFile, serverName].every((text) => text === undefined || typeof text === 'string') &&
  [undefined, true, false].includes(insecure);

/** Writes them, for their owner alone. @throws ARGUMENT_INVALID if that cannot be done */
export function writeContexts({ current, all }: Contexts, environment: Environment): void {
  const file = contextsFile(environment);
  if (file === null) throw fail('ARGUMENT_INVALID', 'contexts lie below HOME or XDG_CONFIG_HOME, and neither is set');
  const contexts = Object.fromEntries(all.map(({ name, ...reach }) => [name, reach]));
  const unfinished = `${file}.${process.pid}`;
  try {
    makeFolder(dirname(file));
    writeFileSync(unfinished, `${JSON.stringify({ current, contexts }, null, 2)}\n`, { mode: 0o600 });
    renameSync(unfinished, file);
  } catch (error) {
    throw fail('ARGUMENT_INVALID', `${file} cannot be written: ${(error as Error).message}`);
  }
}

/** A name and an address that a context can have. @throws ARGUMENT_INVALID */
export function checkContext({ name, conductor }: Context): void {
  if (!NAME.test(name))
    throw fail('ARGUMENT_INVALID', `'${name}' is no name of a context; use letters, digits, dots, dashes, underscores`);
  if (!areAddresses(conductor))
    throw fail(
      'ARGUMENT_INVALID',
      `'${conductor}' is no address of a conductor; it must be HOST:PORT, or several with commas between them`,
    );
}

/** The context of a name. @throws ARGUMENT_INVALID naming those there are */
export function findContext(name: string, { all }: Contexts): Context {
  const found = all.find((context) => context.name === name);
  if (found) return found;
  const names = all.map((context) => context.name).join(', ');
  throw fail(
    'ARGUMENT_INVALID',
    `there is no context '${name}'; ${names ? `there are ${names}` : 'there is none yet'}`,
  );
}
