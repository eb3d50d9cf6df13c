/** pyghmi's pretended BMC (Debian: python3-pyghmi): the counterpart that takes an NMI. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { othersFirst, systemClock } from '../../src/core/clock.ts';
import type { OnOff } from '../../src/core/power.ts';
import { findBmc } from '../../src/drivers/ipmi/ipmitool/probe.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { eventually } from './eventually.ts';
import { shared } from './shared.ts';
import { never } from './signals.ts';

const SCRIPT = fileURLToPath(new URL('./pyghmi_bmc.py', import.meta.url));

/** It runs. */
export interface PyghmiBmc {
  readonly address: string;
  readonly port: number;
  readonly username: 'admin';
  readonly password: string;
  /** Every command that came in, in order: `status`, `on`, `off`, `reset`, `soft`, `diag`. */
  readonly received: readonly string[];
  power(): OnOff;
  /** Resolves when what it has said until now has been heard: that comes by another way than its answers. */
  heard(): Promise<void>;
  /** Lets the order that is held be carried out. */
  release(): void;
}

/** What is wrong with it, and what it is. */
export interface PyghmiSituation {
  readonly power?: OnOff;
  /** Each order is held, unanswered, until it is released. */
  readonly holds?: boolean;
}

/** What it is like at first. */
export interface PyghmiBmcOptions extends PyghmiSituation {
  readonly password?: string;
  readonly kgKey?: Buffer;
}

/** Starts one for a test. */
export async function newPyghmiBmc(t: ExecutionContext, options: PyghmiBmcOptions = {}): Promise<PyghmiBmc> {
  const bmc = new PyghmiProcess(await takePort(ownAddress()), options);
  t.teardown(() => bmc.end());
  await bmc.ready;
  await bmc.become(options);
  return bmc;
}

/** At most `count` that all tests of a file share. Each test gets one that is as new. Call this once, at the top of the file. */
export function sharedPyghmiBmcs(
  count: number,
): (t: ExecutionContext, situation?: PyghmiSituation) => Promise<PyghmiBmc> {
  const borrow = shared<PyghmiProcess>(count, {
    async start() {
      const bmc = new PyghmiProcess(await takePort(ownAddress()), {});
      await bmc.ready;
      return bmc;
    },
    async clean(bmc) {
      await bmc.tell('free');
      // It does one thing after the other: when this is answered, all that came before is done.
      await eventually('a shared BMC to answer', () => answers(bmc));
      await bmc.become({});
      bmc.received.length = 0;
    },
    stop: (bmc) => bmc.end(),
  });
  return async (t, situation = {}) => {
    const bmc = await borrow(t);
    await bmc.become(situation);
    return bmc;
  };
}

/** One process. */
class PyghmiProcess implements PyghmiBmc {
  readonly address = ownAddress();
  readonly port: number;
  readonly username = 'admin';
  readonly password: string;
  readonly received: string[] = [];
  /** Resolves when it listens. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #told: (() => void)[] = [];
  #power: OnOff = 'power on';

  constructor(port: number, { password = 'secret', kgKey = Buffer.alloc(0) }: PyghmiBmcOptions) {
    this.port = port;
    this.password = password;
    const words = ['--pdeathsig', 'KILL', '/usr/bin/python3', SCRIPT, this.address, String(port)];
    const env = { BMC_PASSWORD: password, BMC_KG_KEY: kgKey.toString('hex') };
    this.#child = spawn('/usr/bin/setpriv', words, { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.ready = new Promise((resolve, reject) => {
      this.#child.once('close', () => reject(new Error('pyghmi_bmc.py ended; is python3-pyghmi installed?')));
      createInterface(this.#child.stdout).on('line', (line) => (line === 'ready' ? resolve() : this.#hear(line)));
    });
  }

  /** Puts it into a situation. */
  async become({ power = 'power on', holds = false }: PyghmiSituation): Promise<void> {
    await this.tell(power.slice('power '.length));
    await this.tell(holds ? 'hold' : 'free');
    this.#power = power;
  }

  power(): OnOff {
    return this.#power;
  }

  async heard(): Promise<void> {
    for (let round = 0; round < 3; round += 1) await othersFirst();
  }

  release(): void {
    void this.tell('go');
  }

  /** Tells it something. Resolves when that is so, and all that it has said before has been heard. */
  tell(word: string): Promise<void> {
    return new Promise((resolve) => {
      this.#told.push(resolve);
      this.#child.stdin.write(`${word}\n`);
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  #hear(line: string): void {
    if (line === 'done') this.#told.shift()?.();
    else if (line.startsWith('is ')) this.#power = line === 'is on' ? 'power on' : 'power off';
    else this.received.push(line);
  }
}

const answers = ({ address, port }: PyghmiBmc): Promise<boolean> =>
  findBmc({ host: address, port, name: `${address}:${port}` }, systemClock, never()).then(
    () => true,
    () => false,
  );
