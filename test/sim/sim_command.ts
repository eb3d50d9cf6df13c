/** `countermand sim ...` as a command line, and programs of others that talk to what it pretends. */
import { execFile } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Environment } from '../../src/cli/shared/terminal.ts';
import type { SimNode } from '../../src/cli/sim/text.ts';
import { fail } from '../../src/core/errors.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { openCaptured } from '../cli/captured.ts';
import { eventually } from '../counterparts/eventually.ts';

/** A simulator that runs as a command. */
export interface SimCommand {
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number>;
}

/** Runs `countermand sim` with these words until it listens; it is interrupted at the end of the test. */
export async function startSimCommand(
  t: ExecutionContext,
  words: readonly string[],
  environment: Environment = {},
): Promise<SimCommand> {
  const captured = openCaptured(false, environment);
  let ended: number | null = null;
  const running = runCommandLine(['sim', ...words], captured.terminal).then((exitCode) => {
    ended = exitCode;
    return exitCode;
  });
  const interrupt = (): Promise<number> => {
    captured.interrupt.abort(fail('CALL_ENDED', 'stopped'));
    return running;
  };
  t.teardown(interrupt);
  await eventually('the simulator to listen', () => ended !== null || captured.stdout().endsWith('\n'));
  if (ended !== null) throw new Error(`it ended with ${ended}: ${captured.stderr()}`);
  return { stdout: captured.stdout, stderr: captured.stderr, interrupt };
}

/** IPMI BMCs by the command, on free ports of this process's own address, as it lists them for programs. */
export async function startSimIpmi(
  t: ExecutionContext,
  flags: readonly string[] = [],
  environment: Environment = {},
): Promise<SimNode[]> {
  const where = ['--address', ownAddress(), '--first-port', '0', '--json'];
  const command = await startSimCommand(t, ['ipmi', ...where, ...flags], environment);
  return nodesIn(command.stdout());
}

/** The nodes that the command lists with --json. */
export function nodesIn(stdout: string): SimNode[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The result of a program. */
export interface Ended {
  /** Or the signal that ended it. */
  readonly exitCode: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function run(file: string, words: readonly string[], environment: Environment = {}): Promise<Ended> {
  const env = { PATH: '/usr/sbin:/usr/bin:/bin', HOME: '/nowhere', ...environment };
  return new Promise((resolve) => {
    execFile(file, words, { env }, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : (error.signal ?? Number(error.code)), stdout, stderr }),
    );
  });
}
