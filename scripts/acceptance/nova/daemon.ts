/** Programs of others that run until the acceptance has ended, each in a process group of its own, with a log in the folder of the run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../../src/core/clock.ts';
import { openCancellation, sleep } from '../../../src/core/signals.ts';

/** What is started. */
export interface Program {
  /** Of its log, in the folder. */
  readonly name: string;
  readonly command: string;
  readonly words: readonly string[];
  readonly folder: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Ends a hang. */
const START_LIMIT_MS = 300_000;
const LOOK_MS = 250;
const STOP_LIMIT_MS = 10_000;

const environment = (variables: Program['variables'] = {}): NodeJS.ProcessEnv => ({
  PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH}`,
  LC_ALL: 'C.UTF-8',
  PYTHONDONTWRITEBYTECODE: '1',
  ...variables,
});

/** A program that runs. */
export class Daemon {
  readonly program: Program;
  #child: ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(program: Program) {
    this.program = program;
  }

  /** True while it runs, or is stopped. */
  get runs(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it; it dies with this process. */
  async start(): Promise<void> {
    const { name, command, words, folder, variables } = this.program;
    const log = await open(join(folder, `${name}.log`), 'a');
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...words], {
      ...{ cwd: folder, detached: true, stdio: ['ignore', log.fd, log.fd], env: environment(variables) },
    });
    this.#ended = once(this.#child, 'close').catch(() => {});
    await log.close();
  }

  /** Sends a signal to it and to what it has started. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.runs) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // it has just ended
    }
  }

  /** Ends it with SIGKILL, as a power cut does. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended;
  }

  /** Ends it with SIGTERM; with SIGKILL, if that takes too long. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const timer = systemClock.after(STOP_LIMIT_MS, () => this.signal('SIGKILL'));
    await this.#ended;
    timer.cancel();
    this.signal('SIGKILL');
  }

  /** Resolves when `ready` is true. @throws an Error with the end of its log, if it has ended or takes too long */
  async until(ready: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { name, folder } = this.program;
    const limit = { clock: systemClock, afterMs: START_LIMIT_MS, what: `the start of ${name}` };
    const cancellation = openCancellation([signal], limit);
    try {
      while (!(await ready().catch(() => false))) {
        if (!this.runs) throw new Error(`${name} has ended`);
        await sleep(LOOK_MS, systemClock, cancellation.signal);
      }
    } catch (thrown) {
      const log = await readFile(join(folder, `${name}.log`), 'utf8').catch(() => '');
      throw new Error(`${(thrown as Error).message}\n${log.split('\n').slice(-20).join('\n')}`, { cause: thrown });
    } finally {
      cancellation.end();
    }
  }
}

/** Runs a program to its end. @throws an Error with what it said, if it fails */
export async function runToEnd(
  { command, words, folder, variables }: Omit<Program, 'name'>,
  signal: AbortSignal,
): Promise<string> {
  const how = { cwd: folder, env: environment(variables), signal, maxBuffer: 64 * 2 ** 20 };
  const { stdout } = await promisify(execFile)('setpriv', ['--pdeathsig', 'KILL', command, ...words], how);
  return stdout;
}

/** True if something listens there. */
export async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
