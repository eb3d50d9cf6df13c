/** driver_info as a command is given it: in words, in a file, and asked for without echo. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { isReference, looksSecret } from '../../core/references.ts';
import type { Call } from '../shared/asking.ts';
import { readPairs } from '../shared/flags.ts';
import { askHidden } from '../shared/hidden_line.ts';
import type { FileKind } from '../shared/order_file.ts';

/** The flags that give driver_info. */
export interface InfoFlags {
  readonly info?: readonly string[];
  readonly infoFile?: string;
  readonly askInfo?: readonly string[];
}

const KIND: FileKind = { what: 'driver_info', code: 'ARGUMENT_INVALID', tooLarge: 'any driver_info' };

/** Adds the flags. @param meaning of --info */
export function addInfoFlags(command: Command, meaning: string): Command {
  return command
    .option('--info <key=value...>', meaning)
    .option('--info-file <file>', 'a YAML or JSON file with more keys of driver_info and their values; - is stdin')
    .option('--ask-info <key...>', 'keys of driver_info whose values are asked for at the terminal, and not shown');
}

/**
 * The driver_info that the flags give. What looks like a secret and stands on the command line is warned about on stderr.
 * @throws ARGUMENT_INVALID for a key that is given twice, a file that is none of driver_info, or no terminal to ask on
 */
export async function readInfo(flags: InfoFlags, call: Call): Promise<Record<string, string>> {
  const typed = readPairs(flags.info, '--info');
  const read = flags.infoFile === undefined ? {} : await readInfoFile(flags.infoFile, call);
  const given = [...Object.keys(typed), ...Object.keys(read), ...(flags.askInfo ?? [])];
  const twice = given.find((key, at) => given.indexOf(key) !== at);
  if (twice !== undefined) throw fail('ARGUMENT_INVALID', `driver_info: '${twice}' is given twice`);
  warnOfOpenSecrets(typed, call);
  const asked: Record<string, string> = {};
  for (const key of flags.askInfo ?? []) asked[key] = await askHidden(key, 'give it with --info-file', call);
  return { ...typed, ...read, ...asked };
}

async function readInfoFile(path: string, call: Call): Promise<Record<string, string>> {
  // Loaded with --info-file only: it brings YAML.
  const { isObject, parseValues, readText } = await import('../shared/order_file.ts');
  const values = parseValues(await readText(path, KIND, call), path, KIND, true);
  if (!isObject(values))
    throw fail('ARGUMENT_INVALID', `${path} must be a list of KEY: VALUE lines, and is something else`);
  const wrong = Object.keys(values).find((key) => !['string', 'number', 'boolean'].includes(typeof values[key]));
  if (wrong !== undefined) throw fail('ARGUMENT_INVALID', `${path}: ${wrong} must be one value`);
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

function warnOfOpenSecrets(typed: Readonly<Record<string, string>>, { stderr, output }: Call): void {
  const keys = Object.keys(typed).filter((key) => looksSecret(key) && !isReference(typed[key] ?? ''));
  if (keys.length === 0) return;
  const message =
    `${keys.join(', ')} ${keys.length === 1 ? 'is' : 'are'} on the command line, where other users of this host can read it ` +
    'and the shell keeps it: use --ask-info or --info-file, or a reference such as file:NAME';
  stderr.write(output.json ? `${JSON.stringify({ warning: { message } })}\n` : `warning: ${message}\n`);
}
