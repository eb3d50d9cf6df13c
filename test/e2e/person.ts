/** A person at a terminal: a command runs in a pseudo-terminal, and is answered. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { Watch } from './watching.ts';

const BIN = fileURLToPath(new URL('../../bin', import.meta.url));

/** Python's own: it has a terminal for its child, and passes on what is typed and shown. */
const IN_TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

/** The result of a command line. */
export interface Ended {
  readonly exitCode: number | NodeJS.Signals;
  /** What it printed; of a command in a terminal, what was shown there. */
  readonly text: string;
}

/** A command line that runs in a terminal. */
export interface InTerminal {
  /** Resolves with all that the terminal shows when this is there. */
  shows(text: RegExp): Promise<string>;
  /** Types these characters. */
  type(keys: string): void;
  /** Closes the terminal, as a person closes a window. */
  close(): void;
  readonly ended: Promise<Ended>;
}

/** Where a command line runs. */
export interface Place {
  readonly address: string;
  readonly folder?: string;
}

function start(t: ExecutionContext, words: readonly string[], { address, folder }: Place): ChildProcess {
  const env = { PATH: `${BIN}:${process.env.PATH}`, HOME: '/nonexistent', COUNTERMAND_CONDUCTOR: address };
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...words], { stdio: 'pipe', env, cwd: folder });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function* textOf({ stdout }: ChildProcess): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += String(chunk);
    yield text;
  }
}

function endedOf(child: ChildProcess, shown: Watch<string>): Promise<Ended> {
  const closed = once(child, 'close');
  return closed.then(async ([code, signal]) => {
    await shown.ended;
    return { exitCode: signal ?? code, text: (shown.seen.at(-1) ?? '').replaceAll('\r\n', '\n') };
  });
}

/** Runs a line of shell in a terminal. */
export function runInTerminal(t: ExecutionContext, line: string, place: Place): InTerminal {
  const child = start(t, ['/usr/bin/python3', '-c', IN_TERMINAL, 'sh', '-c', line], place);
  const shown = new Watch(textOf(child));
  return {
    shows: (text) => shown.until(`the terminal to show ${text}`, (all) => text.test(all)),
    type: (keys) => void child.stdin?.write(keys),
    close: () => void child.kill('SIGKILL'),
    ended: endedOf(child, shown),
  };
}

/** Runs a line of shell without any terminal, with these lines on its stdin. */
export function runInScript(t: ExecutionContext, line: string, place: Place, lines = ''): Promise<Ended> {
  const child = start(t, ['setsid', '--wait', 'sh', '-c', `{ ${line}\n} 2>&1`], place);
  const shown = new Watch(textOf(child));
  child.stdin?.end(lines);
  return endedOf(child, shown);
}
