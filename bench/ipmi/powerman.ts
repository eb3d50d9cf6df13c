/**
 * powerman, the strongest of the peers: a daemon that stays, with an ipmipower that stays for each range of addresses. A
 * client asks it for the whole fleet at once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import type { OnOff } from '../../src/core/power.ts';
import { openCancellation, sleep } from '../../src/core/signals.ts';
import { mustAnswer, rangesIn, WrongAnswers } from './answers.ts';
import type { Ground } from './ground.ts';
import type { Measured } from './measured.ts';
import type { Metered } from './metered.ts';
import { ipmipowerAt } from './peers.ts';
import { childrenOf, cpuMsOf, peakMemoryMbOf } from './processes.ts';
import type { RealBmc } from './real_fleet.ts';

/** A powerman whose daemon runs and knows all BMCs of the fleet. */
export interface Powerman {
  /** The power status of all, which must be on. */
  status(): Promise<Measured>;
  /** Switches all; each ipmipower waits until the status says so. */
  switch(target: OnOff): Promise<Measured>;
}

const DAEMON = '/usr/sbin/powermand';
const DEVICES = '/etc/powerman/ipmipower.dev';
const PORT = 10_101;
const START_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** Calls `measure` with the only powerman there is, or with none where powerman is not installed. */
export async function powermanIfThere<T>(
  measure: (powerman: readonly Powerman[], ground: Ground) => Promise<T>,
  ground: Ground,
): Promise<T> {
  if (!(await hasPowerman())) return await measure([], ground);
  return await withPowerman((powerman) => measure([powerman], ground), ground);
}

/** False where powerman, or its description of ipmipower, is not installed. */
async function hasPowerman(): Promise<boolean> {
  const found = await Promise.allSettled([access(DAEMON), access(DEVICES)]);
  return found.every(({ status }) => status === 'fulfilled');
}

/** Starts the daemon for `measure` and ends it, with what it has started, after that. */
async function withPowerman<T>(measure: (powerman: Powerman) => Promise<T>, ground: Ground): Promise<T> {
  const file = join(ground.folder, 'powerman.conf');
  await writeFile(file, configuration(ground));
  const daemon = spawn('setpriv', ['--pdeathsig', 'KILL', DAEMON, '-f', '-c', file], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => daemon.once('close', () => resolve()));
  try {
    await untilAllFound(ground);
    return await measure(powermanOf(daemon, ground));
  } finally {
    // What it has started ends with the terminals that it has made for them.
    daemon.kill('SIGKILL');
    await ended;
  }
}

function configuration({ fleet }: Ground): string {
  const lines = fleet.ranges.flatMap((range, index) => {
    const command = [...ipmipowerAt(`${range}:${fleet.port}`, fleet), '--wait-until-on', '--wait-until-off'].join(' ');
    return [`device "d${index}" "ipmipower" "${command} |&"`, `node "${range}" "d${index}" "${range}"`];
  });
  return [`include "${DEVICES}"`, `listen "${serverOf(fleet)}"`, ...lines, ''].join('\n');
}

const serverOf = (fleet: Ground['fleet']): string => `${fleet.spareAddress}:${PORT}`;

const client = ({ fleet, run }: Ground, words: readonly string[]): Promise<Metered> =>
  run(['powerman', '--server-host', serverOf(fleet), ...words]);

/** It answers with ranges of addresses: to spell out all of them takes it a fifth longer. */
const QUERY = ['--query-all'];

/** The daemon listens, and every ipmipower has found its BMCs. */
async function untilAllFound(ground: Ground): Promise<void> {
  const limit = { clock: systemClock, afterMs: START_LIMIT_MS, what: 'the start of powerman' };
  const cancellation = openCancellation([ground.signal], limit);
  try {
    for (;;) {
      const { stdout } = await client(ground, QUERY);
      const answers = rangesIn(stdout);
      const isFound = ({ address }: RealBmc): boolean => ['on', 'off'].includes(answers.get(address) ?? '');
      if (ground.fleet.answering().every(isFound)) return;
      await sleep(POLL_MS, systemClock, cancellation.signal);
    }
  } finally {
    cancellation.end();
  }
}

function powermanOf({ pid = 0 }: ChildProcess, ground: Ground): Powerman {
  const { fleet } = ground;
  /** The figures of the client and of all daemons together; `check` answers how many BMCs did as they should. */
  async function measured(what: string, words: readonly string[], check: (said: Metered) => Promise<number>) {
    const daemons = [pid, ...(await childrenOf(pid))];
    const before = await cpuMsOf(daemons);
    const said = await client(ground, words);
    const cpuMs = said.cpuMs + (await cpuMsOf(daemons)) - before;
    const peakMemoryMb = said.memoryMb + (await peakMemoryMbOf(daemons));
    return { what, operations: await check(said), wallMs: said.wallMs, cpuMs, peakMemoryMb };
  }
  const warm = `, ${fleet.ranges.length} ipmipower that stay`;
  const answered = (what: string, { stdout }: Metered, right: string): number =>
    mustAnswer(what, rangesIn(stdout), right, fleet);
  return {
    status: () =>
      measured(`powerman --query-all${warm}`, QUERY, async (said) => answered('powerman --query-all', said, 'on')),
    switch(target) {
      const word = target === 'power on' ? 'on' : 'off';
      return measured(
        `powerman --${word}${warm}`,
        [`--${word}`, fleet.ranges.join(',')],
        async ({ exitCode, stdout }) => {
          if (exitCode !== 0)
            throw new WrongAnswers(`powerman --${word} ended with ${exitCode}: ${stdout.slice(0, 300)}`);
          return answered(`powerman --${word}`, await client(ground, QUERY), word);
        },
      );
    },
  };
}
