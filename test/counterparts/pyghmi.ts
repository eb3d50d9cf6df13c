/** pyghmi's pretended BMC (Debian: python3-pyghmi): the counterpart that takes an NMI. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { othersFirst } from '../../src/core/clock.ts';
import type { OnOff } from '../../src/core/power.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';

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

/** What it is like at first. */
export interface PyghmiBmcOptions {
  readonly power?: OnOff;
  /** Each order is held, unanswered, until it is released. */
  readonly holds?: boolean;
  readonly password?: string;
  readonly kgKey?: Buffer;
}

/** Starts one for a test. */
export async function newPyghmiBmc(t: ExecutionContext, options: PyghmiBmcOptions = {}): Promise<PyghmiBmc> {
  const { power = 'power on', holds = false, password = 'secret', kgKey = Buffer.alloc(0) } = options;
  const address = ownAddress();
  const port = await takePort(address);
  const args = [SCRIPT, address, String(port), power.slice('power '.length), ...(holds ? ['hold'] : [])];
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '/usr/bin/python3', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { BMC_PASSWORD: password, BMC_KG_KEY: kgKey.toString('hex') },
  });
  t.teardown(() => end(child));
  const received: string[] = [];
  let now = power;
  await new Promise<void>((resolve, reject) => {
    child.once('close', () => reject(new Error('pyghmi_bmc.py ended; is python3-pyghmi installed?')));
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'ready') resolve();
      else if (line.startsWith('is ')) now = line === 'is on' ? 'power on' : 'power off';
      else received.push(line);
    });
  });
  const release = (): void => {
    child.stdin.write('\n');
  };
  const heard = async (): Promise<void> => {
    for (let round = 0; round < 3; round += 1) await othersFirst();
  };
  return { address, port, username: 'admin', password, received, power: () => now, heard, release };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'close');
}
