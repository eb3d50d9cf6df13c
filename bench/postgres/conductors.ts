/** Several conductors on one PostgreSQL, each a real process with an agent inside, which can be killed, stopped and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '../../scripts/demo/conductor_process.ts';
import { systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { abortable, openCancellation } from '../../src/core/signals.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/countermand', import.meta.url));
/** Ends a hang. */
const LIMIT_MS = 120_000;
const LISTENS = /^countermand: conductor on \S+, data in /;
const STANDS_BY = /^countermand: conductor on \S+ stands by; /;
const ATTACHED = '"msg":"attached"';

/** One of the conductors, which has the same address each time that it is started; or an agent of its own. */
export class Conductor {
  /** HOST:PORT; of an agent, those of its conductors. */
  readonly address: string;
  readonly #words: readonly string[];
  #child: ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  #lines: string[] = [];
  #waiting = new Set<() => void>();

  /** @param words of `countermand` */
  constructor(address: string, words: readonly string[]) {
    this.address = address;
    this.#words = words;
  }

  /** Starts the process, which dies with this one. It may take a while until it leads or stands by. */
  start(): void {
    this.#lines = [];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', PROGRAM, ...this.#words], {
      env: environmentWith({}),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#ended = once(child, 'close').catch(() => {});
    const hear = (line: string): void => {
      if (this.#child !== child) return;
      this.#lines.push(line);
      for (const look of this.#waiting) look();
    };
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', hear);
    child.once('close', () => hear('the process has ended'));
  }

  /** True while the process runs, or is stopped. */
  get runs(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its last word on the matter was that it leads. */
  get leads(): boolean {
    return this.runs && LISTENS.test(this.#lines.findLast((line) => LISTENS.test(line) || STANDS_BY.test(line)) ?? '');
  }

  /** Resolves when it leads, with its agent attached. Rejects if it ends instead, or at an abort. */
  untilItLeads(signal: AbortSignal): Promise<void> {
    return this.#until('lead', () => this.leads && this.#lines.some((line) => line.includes(ATTACHED)), signal);
  }

  /** Resolves when it stands by. Rejects if it ends instead, or at an abort. */
  untilItStandsBy(signal: AbortSignal): Promise<void> {
    return this.#until('stand by', () => !this.leads && this.#lines.some((line) => STANDS_BY.test(line)), signal);
  }

  /** Of an agent: resolves when it is attached. Rejects if it ends instead, or at an abort. */
  untilAttached(signal: AbortSignal): Promise<void> {
    return this.#until('attach', () => this.#lines.some((line) => line.includes(ATTACHED)), signal);
  }

  /** Sends a signal; SIGSTOP and SIGCONT among them. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends it with SIGKILL, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended;
  }

  async #until(what: string, holds: () => boolean, signal: AbortSignal): Promise<void> {
    const limit = { clock: systemClock, afterMs: LIMIT_MS, what: `the wait for ${this.address} to ${what}` };
    const cancellation = openCancellation([signal], limit);
    try {
      await abortable<void>((resolve, reject) => {
        const look = (): void => {
          if (!this.runs) reject(fail('INTERNAL', `${this.address} has ended: ${this.#lines.slice(-3).join(' | ')}`));
          else if (holds()) resolve();
        };
        this.#waiting.add(look);
        look();
        return () => this.#waiting.delete(look);
      }, cancellation.signal);
    } finally {
      cancellation.end();
    }
  }
}

/**
 * Starts `count` conductors on the database at a URL, in folders of their own below `folder`. The first one leads, the others stand by.
 * @param flags of `countermand serve`, for each of them
 */
export async function startConductors(
  count: number,
  {
    database,
    folder,
    flags,
  }: { readonly database: string; readonly folder: string; readonly flags: readonly string[] },
  signal: AbortSignal,
): Promise<Conductor[]> {
  const key = join(folder, 'secrets.key');
  await writeFile(key, randomBytes(32).toString('base64'), { mode: 0o600 });
  const all: Conductor[] = [];
  for (let at = 0; at < count; at += 1) {
    const data = join(folder, `conductor${at + 1}`);
    await mkdir(data, { mode: 0o700 });
    const address = `${ownAddress()}:${await takePort(ownAddress())}`;
    const own = ['--listen', address, '--http-listen', 'none', '--data', data];
    const shared = ['--database', database, '--secrets-key', `file:${key}`, ...flags];
    const conductor = new Conductor(address, ['serve', ...own, ...shared]);
    conductor.start();
    all.push(conductor);
    await (at === 0 ? conductor.untilItLeads(signal) : conductor.untilItStandsBy(signal));
  }
  return all;
}
