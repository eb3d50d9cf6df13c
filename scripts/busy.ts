/**
 * Runs a command while the cores are kept busy: `node scripts/busy.ts 8 -- npm test` starts eight processes that compute
 * without end, at the priority of the command. `--fsync` adds one that writes to the disk of the temporary files and waits
 * for it each time. All of them end with the command, and with this process. Its exit code is the command's, or 128 and
 * the number of the signal that ended it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = 'usage: node scripts/busy.ts PROCESSES [--fsync] -- COMMAND [ARGUMENT ...]\n';
const LOAD = fileURLToPath(new URL('busy_load.ts', import.meta.url));

/** What the command line asks for. */
interface Request {
  readonly loops: number;
  readonly fsync: boolean;
  readonly command: readonly string[];
}

/** Reads the command line. @returns null if it is wrong */
function readRequest(words: readonly string[]): Request | null {
  const end = words.indexOf('--');
  const command = end < 0 ? [] : words.slice(end + 1);
  const { values, positionals } = parseArgs({
    args: words.slice(0, Math.max(0, end)),
    options: { fsync: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [count = ''] = positionals;
  const isWrong = positionals.length !== 1 || !/^\d{1,4}$/.test(count) || command.length === 0;
  return isWrong ? null : { loops: Number(count), fsync: values.fsync, command };
}

/** Starts one process of load. It ends by itself when this process is gone. */
function startLoad(kind: 'burn' | 'fsync'): ChildProcess {
  return spawn(process.execPath, [LOAD, kind, String(process.pid)], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Runs the command to its end, and hands on the signals that ask this process to end. */
async function runCommand([program = '', ...words]: readonly string[]): Promise<number> {
  const child = spawn(program, words, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    process.stderr.write(`error: ${program} cannot be started: ${(error as Error).message}\n`);
    return 127;
  }
}

async function main(words: readonly string[]): Promise<number> {
  const request = readRequest(words);
  if (request === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  // First: whoever sees the load may send a signal, which is for the command.
  const command = runCommand(request.command);
  const loads = Array.from({ length: request.loops }, () => startLoad('burn'));
  if (request.fsync) loads.push(startLoad('fsync'));
  try {
    return await command;
  } finally {
    for (const load of loads) load.kill('SIGKILL');
  }
}

process.exitCode = await main(process.argv.slice(2));
