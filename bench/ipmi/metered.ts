/** Runs a program with a meter (meter.c), which tells what it has cost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { onAbort } from '../../src/core/signals.ts';

/** How a program ended, and what it and all processes that it waited for have cost. */
export interface Metered {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From its start to its end. */
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
  /** The most memory (resident) of the largest of the processes. */
  readonly memoryMb: number;
}

/**
 * Runs `words`, a program and its arguments, with `environment` added to ours, and resolves with its ending, whatever
 * that is. Rejects at an abort, with its reason, when the process group of the program is killed.
 * @throws an Error if the meter itself fails
 */
export async function runMetered(
  meter: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Metered> {
  signal.throwIfAborted();
  const child = spawn(meter, words, {
    env: { ...process.env, LC_ALL: 'C', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const unlink = onAbort(signal, () => killGroup(child.pid));
  const ended = once(child, 'close');
  const [, stdout, stderr, figures] = child.stdio as unknown as [null, Readable, Readable, Readable];
  const said = Promise.all([text(stdout), text(stderr), text(figures)]);
  const [[exitCode], [output, errors, figuresText]] = await Promise.all([ended, said]).finally(unlink);
  signal.throwIfAborted();
  const [wall, cpu, memory] = figuresText.split(' ').map(Number);
  if (wall === undefined || cpu === undefined || memory === undefined)
    throw new Error(`the meter ended with ${exitCode} and told nothing: ${errors}`);
  return {
    exitCode,
    stdout: output,
    stderr: errors,
    wallMs: wall / 1000,
    cpuMs: cpu / 1000,
    memoryMb: memory / 1024,
  };
}

function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // nothing of it is left
  }
}
