/** The man pages, from the tree of commands, the table of configuration keys and the table of errors. */

import type { Command } from 'commander';
import { CONFIGURATION_KEYS, KEY_NAMES, variableOf } from '../../src/cli/daemon/configuration_keys.ts';
import type { ConfigurationKey } from '../../src/cli/daemon/configuration_kinds.ts';
import { ERROR_TABLE } from '../../src/core/errors.ts';
import { VERSION } from '../../src/core/version.ts';
import { commandTree, textAfterHelp } from '../command_tree.ts';

/** Text in the language of man pages. Only the first character of a line could be taken for a request. */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga');
  return escaped.replaceAll(/^(?=[.'])/gm, '\\&');
}

const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
const section = (title: string, ...parts: readonly string[]): string => [`.SH "${title}"`, ...parts].join('\n');
const entry = (term: string, text: string): string => `.TP\n${term}\n${roff(text)}`;
const literal = (text: string): string => `.PP\n.nf\n${roff(text)}\n.fi`;

function head(name: string, number: number, brief: string): string {
  const title = `.TH "${name.toUpperCase()}" "${number}" "" "countermand ${VERSION}" "Countermand"`;
  return `${title}\n${section('NAME', `${roff(name)} \\- ${roff(brief)}`)}`;
}

function optionsOf(command: Command): string {
  const help = command.createHelp();
  const options = command.options.filter(({ hidden }) => !hidden);
  return options.map((option) => entry(bold(option.flags), help.optionDescription(option))).join('\n');
}

function argumentsOf(command: Command): string {
  const help = command.createHelp();
  return command.registeredArguments
    .map((argument) => entry(`\\fI${roff(argument.name())}\\fR`, help.argumentDescription(argument)))
    .join('\n');
}

const filled = (parts: readonly string[]): string[] => parts.filter((part) => part !== '');

/** The page of a group of commands, or of a command without subcommands. */
function pageOf(command: Command): string {
  const name = command.name();
  const own = command.commands.length === 0 || command.options.length > 0;
  const examples = textAfterHelp(command);
  return `${filled([
    head(`countermand-${name}`, 1, command.description()),
    section('SYNOPSIS', `${bold(`countermand ${name}`)} ${roff(command.usage())}`),
    own ? section('OPTIONS', ...filled([argumentsOf(command), optionsOf(command)])) : '',
    command.commands.length > 0 ? section('COMMANDS', ...command.commands.map(subcommand)) : '',
    examples === '' ? '' : section('EXAMPLES AND NOTES', literal(examples)),
    section('SEE ALSO', `${bold('countermand')}(1)`),
  ]).join('\n')}\n`;
}

function subcommand(command: Command): string {
  const path = `countermand ${command.parent?.name()} ${command.name()}`;
  const notes = textAfterHelp(command);
  return filled([
    `.SS "${roff(path)} ${roff(command.usage())}"`,
    roff(command.description()),
    argumentsOf(command),
    optionsOf(command),
    notes === '' ? '' : literal(notes),
  ]).join('\n');
}

const ENVIRONMENT = [
  ['COUNTERMAND_CONDUCTOR', 'the conductor to ask, HOST:PORT'],
  ['COUNTERMAND_CA', 'PEM file with the authorities that may vouch for the conductor'],
  ['COUNTERMAND_CERTIFICATE', 'PEM file with the certificate to show it'],
  ['COUNTERMAND_KEY', 'PEM file with the key of the certificate'],
  ['COUNTERMAND_SERVER_NAME', 'the name that the certificate of the conductor must have'],
  ['COUNTERMAND_TOKEN_FILE', 'file with the token to show the conductor'],
  ['COUNTERMAND_CONFIG', 'the configuration file of a daemon'],
  ['NO_COLOR', 'switches colours off'],
  ['XDG_CONFIG_HOME', 'where contexts lie, in countermand/contexts.json; else ~/.config'],
] as const;

/** The exit codes, each with the errors that end in it. */
function exitCodes(): string {
  const rows = Map.groupBy(Object.entries(ERROR_TABLE), ([, { exitCode }]) => exitCode);
  const sorted = [...rows].sort(([one], [other]) => one - other);
  return sorted.map(([code, errors]) => entry(bold(String(code)), errors.map(([name]) => name).join(', '))).join('\n');
}

function mainPage(program: Command): string {
  const names = program.commands.map((command) => `${bold(`countermand-${command.name()}`)}(1)`);
  return `${[
    head('countermand', 1, program.description()),
    section('SYNOPSIS', `${bold('countermand')} ${roff(program.usage())}`),
    section('OPTIONS', optionsOf(program)),
    section('COMMANDS', ...program.commands.map((command) => entry(bold(command.name()), command.description()))),
    section('EXIT STATUS', entry(bold('0'), 'it was done'), exitCodes()),
    section('ENVIRONMENT', ...ENVIRONMENT.map(([name, text]) => entry(bold(name), text))),
    section('EXAMPLES', literal(textAfterHelp(program))),
    section('SEE ALSO', `${names.join(', ')}, ${bold('countermand.yaml')}(5)`),
  ].join('\n')}\n`;
}

/** Markdown of the tables, as plain text. */
const plain = (text: string): string => text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');

function configurationPage(): string {
  const entries = KEY_NAMES.map((name) => {
    const { type, fallback, fallbackWords = '', readBy, meaning }: ConfigurationKey = CONFIGURATION_KEYS[name];
    const byDefault = fallback === undefined ? fallbackWords : String(fallback);
    const text = `${meaning}. Value: ${type}. Default: ${byDefault}. Read by: ${readBy}. Variable: ${variableOf(name)}.`;
    return entry(bold(name), plain(text));
  });
  return `${[
    head('countermand.yaml', 5, 'configuration of the daemons of countermand'),
    section(
      'DESCRIPTION',
      roff(
        'countermand serve and countermand agent read one YAML file. Flags win over variables, variables over the file, ' +
          'the file over the defaults. All of it is checked at the start.',
      ),
    ),
    section('KEYS', ...entries),
    section('FILES', entry(bold('/etc/countermand/countermand.yaml'), 'of countermand.service')),
    section('SEE ALSO', `${bold('countermand-serve')}(1), ${bold('countermand-agent')}(1)`),
  ].join('\n')}\n`;
}

/** The pages, by the names of their files. */
export async function manPages(): Promise<ReadonlyMap<string, string>> {
  const program = await commandTree();
  const pages = new Map([['countermand.1', mainPage(program)]]);
  for (const command of program.commands) pages.set(`countermand-${command.name()}.1`, pageOf(command));
  return pages.set('countermand.yaml.5', configurationPage());
}
