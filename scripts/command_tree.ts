/** The tree of commands, for what is printed from it: docs/cli.md and the man pages. */
import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { buildProgram } from '../src/cli/program.ts';
import { systemChance } from '../src/core/chance.ts';
import { systemClock } from '../src/core/clock.ts';
import { openCancellation } from '../src/core/signals.ts';

/** The program with all its commands, over a terminal that shows nothing. */
export function commandTree(): Promise<Command> {
  const stream = new PassThrough();
  return buildProgram({
    environment: {},
    stdin: stream,
    stdout: stream,
    stderr: stream,
    clock: systemClock,
    chance: systemChance,
    signal: openCancellation([]).signal,
    showPerson: () => false,
    muteKeys: () => () => {},
    watchReader: () => {},
    hasFile: () => false,
    openFilesLimit: () => 0,
    abandon: () => {},
    becomeDaemon: () => {},
    started: () => {},
  });
}

/** The text that a command shows after its help, trimmed: examples, mostly. Empty if there is none. */
export function textAfterHelp(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (written) => {
      text += written;
    },
  });
  command.outputHelp();
  return text.slice(command.helpInformation().length).trim();
}
