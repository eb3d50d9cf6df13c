/** A real conductor process: `countermand serve` on a free port of loopback, with a data folder of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import { abortable, openCancellation } from '../../src/core/signals.ts';

/** The variables of an environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A conductor that listens. */
export interface ConductorProcess {
  /** HOST:PORT. */
  readonly address: string;
  readonly pid: number;
  /** The command by which it was started, as one would type it. */
  readonly command: string;
  /** What it then said. */
  readonly said: string;
  /** Ends it, with its agent. Never rejects; it is killed if it takes too long. */
  stop(): Promise<void>;
}

const BIN = fileURLToPath(new URL('../../bin', import.meta.url));
/** Ends a hang. */
const START_LIMIT_MS = 300_000;
const STOP_LIMIT_MS = 5000;
const LISTENING = /\bconductor on\b/;
const ATTACHED = '"msg":"agent attached"';

/** Our own environment with `countermand` on the PATH and nothing that would configure it, then `extra`. */
export function environmentWith(extra: Environment): Environment {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('COUNTERMAND_'));
  return { ...Object.fromEntries(others), PATH: `${BIN}${delimiter}${process.env.PATH}`, ...extra };
}

/**
 * Starts a conductor and resolves when it takes orders. It dies with this process, however that ends.
 * @param flags flags of `countermand serve`, other than `--listen` and `--log-level`; without `--http-listen` it has no HTTP
 * @throws an Error with what it said on stderr if it does not start; the reason of the abort
 */
export async function startConductorProcess(
  flags: readonly string[],
  environment: Environment,
  signal: AbortSignal,
): Promise<ConductorProcess> {
  const words = ['serve', '--listen', '127.0.0.1:0', '--http-listen', 'none', ...flags];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', `${BIN}/countermand`, ...words], {
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = systemClock.after(STOP_LIMIT_MS, () => child.kill('SIGKILL'));
    await ended;
    timer.cancel();
  };
  try {
    const said = await firstWords(child, signal);
    const address = /127\.0\.0\.1:\d+/.exec(said)?.[0];
    if (address === undefined) throw new Error(`the conductor did not say where it listens, but: ${said}`);
    return { address, pid: child.pid ?? 0, command: `countermand ${words.join(' ')}`, said, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The line of its stdout that says where it listens for gRPC. Its log must also have said that its agent is attached: until then it takes no orders. */
async function firstWords(child: ChildProcessByStdio<null, Readable, Readable>, signal: AbortSignal): Promise<string> {
  const limit = { clock: systemClock, afterMs: START_LIMIT_MS, what: 'the start of the conductor' };
  const cancellation = openCancellation([signal], limit);
  const log = createInterface(child.stderr);
  let lastLogged = '';
  try {
    const attached = abortable<void>((resolve, reject) => {
      log.on('line', (line) => {
        lastLogged = line;
        if (line.includes(ATTACHED)) resolve();
      });
      child.once('error', reject);
      child.once('close', () => reject(new Error(`the conductor did not start: ${lastLogged}`)));
      return () => {};
    }, cancellation.signal);
    const said = abortable<string>((resolve) => {
      createInterface(child.stdout).on('line', (line) => {
        if (LISTENING.test(line)) resolve(line);
      });
      return () => {};
    }, cancellation.signal);
    const [, line] = await Promise.all([attached, said]);
    return line;
  } finally {
    cancellation.end();
    log.removeAllListeners('line');
  }
}
