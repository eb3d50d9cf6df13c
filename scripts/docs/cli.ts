/** docs/cli.md, from the tree of commands. */

import type { Command, Help } from 'commander';
import { EXIT_CODES } from '../../src/core/exit_codes.ts';
import { commandTree, textAfterHelp } from '../command_tree.ts';
import { habitTable } from './habits.ts';
import { block, code, markdownTable, page } from './markdown.ts';

function argumentTable(command: Command, help: Help): string {
  const rows = command.registeredArguments.map((argument) => [
    code(help.argumentTerm(argument)),
    help.argumentDescription(argument),
  ]);
  return rows.length === 0 ? '' : markdownTable(['argument', 'meaning'], rows);
}

function optionTable(command: Command, help: Help): string {
  const options = command.options.filter((option) => !option.hidden);
  const rows = options.map((option) => [code(help.optionTerm(option)), help.optionDescription(option)]);
  return rows.length === 0 ? '' : markdownTable(['option', 'meaning'], rows);
}

function chapter(command: Command, path: string): string[] {
  const help = command.createHelp();
  const name = `${path}${command.name()}`;
  const usage = command.commands.length > 0 ? '' : block(`${name} ${command.usage()}`);
  const parts = [`## ${name}`, command.description(), usage, argumentTable(command, help), optionTable(command, help)];
  return [
    ...parts.filter((part) => part !== ''),
    ...afterHelp(command),
    ...command.commands.flatMap((child) => chapter(child, `${name} `)),
  ];
}

/** The text that a command shows after its help: examples, mostly. */
function afterHelp(command: Command): string[] {
  const after = textAfterHelp(command);
  return after === '' ? [] : [block(after)];
}

/** The page. */
export async function printCli(): Promise<string> {
  const program = await commandTree();
  return page('Command line', 'src/cli', [
    'A node is named by its name or uuid. Where several nodes can be named, so are ranges, as many as there are, with blanks or ' +
      "commas between them: `r7n[1-16]`, `'r[1-4]n[01-16]' r9n1`, `n1, n2`. Put " +
      'quotes around them, as the shell replaces an unquoted range by the name of a file that matches it. Where a name is ' +
      'also the name of a file in the current folder, a warning says so. ' +
      'With `--json` there is one JSON object per line on stdout and nothing else: proto JSON, enums by their names ' +
      'without prefix, with `false`, `0`, empty texts and lists too. `UNSPECIFIED` is an enum that says nothing: a power state ' +
      'that is unknown, a target that there is not. A time that has not come is absent. [Errors](errors.md) lists the errors with their exit codes. Ctrl-C stops the watching, never the work.',
    'Selectors choose nodes, alone or among those that are named: `-l rack=7` (twice, or `-l rack=7,row=b`: both labels), ' +
      '`--zone`, `--driver`, `--state on|off|error|unknown` by the power state that was last read, `--failing` for those that have ' +
      'a problem. They are the same on each command about several nodes; `node set`, whose `--label` and `--zone` set, has ' +
      '`--with-label` (`-l`) and `--in-zone`. A command that selects no node is refused, and a selection that no node is in, too: ' +
      'every node is `--all`. Only `node list` without a selector lists them all. In a plan file, an action with `nodes` is one for ' +
      'each of them.',
    'Every list has the same flags. `-o table` (the default) fits the terminal: columns that are empty or can be missed are left ' +
      'out, then cells are cut; a list that goes into a pipe is as wide as it is. `-o wide` has more columns and whole ids, ' +
      '`-o name` only what names each thing, `-o json` is `--json`, and `-o yaml` is a list in YAML. `--watch` repaints a ' +
      'terminal, and elsewhere prints the list again, or with JSON what has changed. Names are in natural order: `sim4` before ' +
      '`sim30`. Power tasks, plans and audits are named by the first 8 digits of their uuid, as lists print them, or more. ' +
      'Colours mean something: green is on or SUCCEEDED, red is an error, yellow is doubtful. `NO_COLOR` and `--color never` switch ' +
      'them off. Times are local, with their offset; `--utc` prints them in UTC.',
    'A command asks the conductor of `--conductor`, else of `--context`, else of `COUNTERMAND_CONDUCTOR`, else of the context that ' +
      'is in use (`countermand context use`), else one on this host. `countermand completion` prints the completion of bash, zsh ' +
      'and fish, which knows commands, options, values, and the names that the conductor has.',
    'Commands that take running nodes down, or that cannot be undone, ask first: `node power` with `off`, `reboot`, ' +
      '`inject_nmi` or `--on-timeout force`, `plan start`, `plan create --start`, `plan rollback`, `plan cancel --rollback`, ' +
      '`audit create` and `audit resume` of an audit with `auto_trigger`, and each `delete` of what the conductor keeps. The question is shown on the ' +
      'terminal, wherever stdout goes, and says how many running nodes go down. Scripts give `--yes`. Without it, and ' +
      'without a terminal on stdin to ask on, the command ends with exit code 9 and nothing is sent.',
    '`--dry-run` on `node power`, `plan create`, `plan start`, `plan cancel`, `plan rollback`, `audit create` and `audit resume` says what ' +
      'the order would do now: which nodes, how many of them run, how many orders can be taken back how far, the longest timeout, and ' +
      'which plans are in the way or would be superseded. What would be refused is refused, by a freeze too, and a plan that would wait ' +
      'for a second person says so. Nothing is written.',
    'An order that takes more than `confirm_above` (20 by default) running nodes down, also a soft `node power` of several ' +
      'nodes, is asked about even with `--yes`; a script states the right number, `--yes=N`. With another number the ' +
      'command ends with exit code 5 (TAKES_DOWN_MISMATCH) and nothing is done. The conductor compares the number when ' +
      'it writes the order, so nothing that happens in between is overlooked. A node counts as running unless it is known ' +
      'to be off and no power task is powering it on; with `--queue`, every node counts.',
    'A command whose output has lost its reader (`countermand events --follow | head -1`) ends with exit code 141, as after ' +
      'SIGPIPE; what watches does so at once, also while nothing happens. An order that was given goes on, and stderr says how ' +
      'to watch it again. A list that ' +
      '`head` cuts off ends with 141 only if something was still to be written. `serve`, `agent` and `sim` are daemons: ' +
      'they go on without a reader, leave log lines out while it is stuck, and log again as soon as they are read. SIGHUP ' +
      'stops a daemon that was started from a terminal, as the terminal was closed. Any other reads its configuration again: log_level and the keys of retention change at once, and its log names what needs a restart.',
    '## Habits',
    'What operators know from other tools, without the name of the tool. A dash says why a tool has nothing for it.',
    habitTable(),
    '## Exit codes',
    'The exit code tells a script how an order ended. An abort is successful only if the order was taken back; an order that goes ' +
      'on without a watcher is never exit code 0. Of several nodes, the most serious outcome counts: a failure, then 10, 12 and the ' +
      'rest; 11 only if there was nothing to abort at any of them.',
    markdownTable(['exit code', 'meaning'], Object.entries(EXIT_CODES)),
    ...chapter(program, ''),
  ]);
}
