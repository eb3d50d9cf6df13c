/** Fujitsu's own client (Debian: python3-scciclient): what the simulated iRMC is asked with by another client. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestedIrmc } from './sim_irmc.ts';
import { WAIT_S } from './waits.ts';

const SCRIPT = fileURLToPath(new URL('./scciclient_ask.py', import.meta.url));

/** The commands, by their names there. */
export type ScciClientCommand =
  | 'POWER_ON'
  | 'POWER_OFF'
  | 'POWER_CYCLE'
  | 'POWER_RESET'
  | 'POWER_RAISE_NMI'
  | 'POWER_SOFT_OFF'
  | 'POWER_SOFT_CYCLE'
  | 'POWER_CANCEL_SHUTDOWN';

/** How it asks. */
export interface ScciClientOptions {
  readonly password?: string;
  readonly authMethod?: 'basic' | 'digest';
  readonly timeoutS?: number;
  /** A file with the certificate of an authority, for https; without it nothing is checked. */
  readonly authority?: string;
  /** The name it asks for, if not the address. */
  readonly name?: string;
}

/** One process with the client in it. It starts when it is asked first; passwords go by its stdin. */
export class ScciClient {
  #child: ChildProcessWithoutNullStreams | null = null;
  #next = 0;
  readonly #waiting = new Map<number, (outcome: string) => void>();

  /** Sends one command. Resolves with `done`, or with the name and the sentence of its error. */
  ask(
    { irmc, address, ports, info }: TestedIrmc,
    command: ScciClientCommand,
    options: ScciClientOptions = {},
  ): Promise<string> {
    const { authMethod = 'basic', timeoutS = WAIT_S.forAnswer, authority = '', name = address } = options;
    const id = this.#next++;
    const who = { username: irmc.parts.login.username, password: options.password ?? irmc.parts.login.password };
    const where = { host: `${name}:${ports.web}`, scheme: info.irmc_protocol };
    const child = this.#start();
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      child.stdin.write(`${JSON.stringify({ id, command, ...who, ...where, authMethod, timeoutS, authority })}\n`);
    });
  }

  /** Ends the process. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  }

  #start(): ChildProcessWithoutNullStreams {
    if (this.#child !== null) return this.#child;
    const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '/usr/bin/python3', SCRIPT], {
      stdio: 'pipe',
      env: { PYTHONWARNINGS: 'ignore' },
    });
    child.stderr.pipe(process.stderr);
    createInterface(child.stdout).on('line', (line) => {
      const { id, outcome } = JSON.parse(line) as { id: number; outcome: string };
      this.#waiting.get(id)?.(outcome);
      this.#waiting.delete(id);
    });
    child.once('close', () => {
      for (const resolve of this.#waiting.values()) resolve('ended; is python3-scciclient installed?');
    });
    this.#child = child;
    return child;
  }
}
