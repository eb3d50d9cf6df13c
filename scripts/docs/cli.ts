/** docs/cli.md, from the tree of commands. */
import { PassThrough } from 'node:stream';
import type { Command, Help } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openScope } from '../../src/core/signals.ts';
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
  let text = '';
  command.configureOutput({
    writeOut: (written) => {
      text += written;
    },
  });
  command.outputHelp();
  const after = text.slice(command.helpInformation().length).trim();
  return after === '' ? [] : [block(after)];
}

/** The page. */
export async function printCli(): Promise<string> {
  const stream = new PassThrough();
  const program = await buildProgram({
    environment: {},
    stdin: stream,
    stdout: stream,
    stderr: stream,
    clock: systemClock,
    chance: systemChance,
    signal: openScope([]).signal,
    showPerson: () => false,
    hasFile: () => false,
    openFilesLimit: () => 0,
    becomeDaemon: () => {},
  });
  return page('Command line', 'src/cli', [
    'A node is named by its name or uuid. Where several nodes can be named, ranges such as `r7n[1-16]` are accepted: put ' +
      'quotes around them, as the shell replaces an unquoted range by the name of a file that matches it. Where a name is ' +
      'also the name of a file in the current folder, a warning says so. ' +
      'With `--json` there is one JSON object per line on stdout and nothing else: proto JSON, enums by their names ' +
      'without prefix. [Errors](errors.md) lists the exit codes. Ctrl-C stops the watching, never the work.',
    'Commands that take running nodes down, or that cannot be undone, ask first: `node power` with `off`, `reboot`, ' +
      '`inject_nmi` or `--on-timeout force`, `plan start`, `plan create --start`, `plan rollback`, `plan cancel --rollback`, ' +
      '`audit create` and `audit resume` of an audit with `auto_trigger`, and each `delete`. The question is shown on the ' +
      'terminal, wherever stdout goes, and says how many running nodes go down. Scripts give `--yes`. Without it, and ' +
      'without a terminal on stdin to ask on, the command ends with exit code 9 and nothing is sent.',
    'A command whose output has lost its reader (`countermand events --follow | head -1`) ends with exit code 141, as after ' +
      'SIGPIPE. It stops watching; an order that was given goes on, and stderr says how to watch it again. A list that ' +
      '`head` cuts off ends with 141 only if something was still to be written. `serve`, `agent` and `sim` are daemons: ' +
      'they go on without a reader, leave log lines out while it is stuck, and log again as soon as they are read. SIGHUP ' +
      'stops a daemon that was started from a terminal, as the terminal was closed; any other logs and ignores it.',
    ...chapter(program, ''),
  ]);
}
