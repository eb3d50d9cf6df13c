/** Programs in Python that others have written, as they are. The tests of a file share what they import. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const SCRIPT = fileURLToPath(new URL('./python_programs.py', import.meta.url));

/** The authorities of the system vouch for no counterpart of ours, and to read them takes most of what a connection over TLS costs. */
const NO_AUTHORITIES = { SSL_CERT_FILE: '/dev/null' };

/** What is loaded before the first program. */
export interface Preloaded {
  /** Searched for modules, before others. */
  readonly folders: readonly string[];
  readonly modules: readonly string[];
}

/** A program: a script, or a module that is run as one. */
export type PythonProgram = { readonly path: string } | { readonly module: string };

/** How a program ended. */
export interface PythonEnd {
  /** Negative: the number of the signal that ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export type RunPython = (program: PythonProgram, argv?: readonly string[], stdin?: string) => Promise<PythonEnd>;

/** What runs programs, one after the other. It starts at the first, and ends after the last test. Call this once, at the top of a file. */
export function pythonPrograms({ folders, modules }: Preloaded): RunPython {
  let child: ChildProcessWithoutNullStreams | null = null;
  const waiting: { resolve(end: PythonEnd): void; reject(error: Error): void }[] = [];
  const start = (): ChildProcessWithoutNullStreams => {
    const words = ['--pdeathsig', 'KILL', '/usr/bin/python3', SCRIPT, folders.join(':'), ...modules];
    const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1', ...NO_AUTHORITIES };
    const started = spawn('/usr/bin/setpriv', words, { stdio: 'pipe', env });
    started.stderr.pipe(process.stderr);
    createInterface(started.stdout).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
    started.once('close', () => {
      for (const { reject } of waiting)
        reject(new Error('it has ended; scripts/install-counterparts.sh installs what is missing'));
    });
    return started;
  };
  test.after.always(async () => {
    if (child === null || child.exitCode !== null) return;
    child.stdin.end();
    await once(child, 'close');
  });
  return (program, argv = [], stdin = '') =>
    new Promise((resolve, reject) => {
      child ??= start();
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify({ ...program, argv, stdin })}\n`);
    });
}
