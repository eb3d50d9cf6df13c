/** A terminal that keeps what is written to it. */
import { PassThrough } from 'node:stream';
import type { Call } from '../../src/cli/shared/asking.ts';
import type { Client } from '../../src/cli/shared/connection.ts';
import { openOutput } from '../../src/cli/shared/output.ts';
import type { Environment, Terminal, TextStream } from '../../src/cli/shared/terminal.ts';
import { utcTime } from '../../src/cli/shared/times.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type Cancellation, openCancellation } from '../../src/core/signals.ts';

/** The terminal and what came out of it. */
export interface Captured {
  readonly terminal: Terminal;
  /** Its abort is Ctrl-C. */
  readonly interrupt: Cancellation;
  readonly stdin: PassThrough;
  stdout(): string;
  stderr(): string;
  /** What the person was shown, wherever stdout and stderr go. */
  person(): string;
}

function capture(isTTY: boolean, columns: number): { stream: TextStream; text: () => string } {
  const chunks: string[] = [];
  const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const size = isTTY ? { isTTY, rows: 24, columns } : {};
  return { stream: Object.assign(stream, size), text: () => chunks.join('') };
}

/** Opens one, with or without a person in front of it, in a folder with these files. */
export function openCaptured(
  isTTY = false,
  environment: Environment = {},
  files: readonly string[] = [],
  columns = 200,
): Captured {
  const shown: string[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stdout = capture(isTTY, columns);
  const stderr = capture(isTTY, columns);
  const interrupt = openCancellation([]);
  const terminal = {
    environment,
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    clock: systemClock,
    chance: systemChance,
    signal: interrupt.signal,
    showPerson: (text: string) => isTTY && shown.push(text) > 0,
    muteKeys: () => () => {},
    watchReader: () => {},
    hasFile: (name: string) => files.includes(name),
    openFilesLimit: () => 1024,
    abandon: () => {},
    becomeDaemon: () => {},
    started: () => {},
  };
  const person = () => shown.join('');
  return { terminal, interrupt, stdin, stdout: stdout.text, stderr: stderr.text, person };
}

/** A call that has no connection: for what only shows things. */
export function callOf({ terminal }: Captured, json = false, coloured = false): Call {
  const conductor = { address: '127.0.0.1:7077' } as Client;
  const output = openOutput(json, terminal.stdout, { coloured, time: utcTime });
  return { ...terminal, conductor, output, command: 'countermand' };
}
