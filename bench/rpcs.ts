/**
 * What does each RPC cost in a large fleet with many streams, and what does it cost others? Every RPC of every service is called
 * one after the other, with a tenth of the fleet and of the streams, and with all of them: a cost that follows the fleet or the
 * streams, and not what is asked for, shows.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { fail } from '../src/core/errors.ts';
import { openCancellation, sleep } from '../src/core/signals.ts';
import { grid, quantile, timed } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';
import { RPCS, type Rpc } from './rpcs/calls.ts';
import { type Ground, openStreams, prepareGround } from './rpcs/ground.ts';
import { type Cost, costOf } from './rpcs/probe.ts';

const SIZES = [1_000, 10_000] as const;
const CALLS = 40;
/** Not measured: they compile what is called. */
const FIRST_CALLS = 10;
const REST_MS = 3_000;
const LOOK_MS = 10;
const PROBE = new URL('../scripts/loop_probe.mjs', import.meta.url);

/** What the calls of one RPC cost. */
interface Measured extends Cost {
  readonly times: readonly number[];
}

/** What was found at one size. */
interface Found {
  /** Processor time that the open streams cost when nothing is called, of each second. */
  readonly restShare: number;
  readonly rpcs: ReadonlyMap<string, Measured>;
  /** From SIGTERM, with every stream open, to the end of the process. */
  readonly endedAfterMs: number;
}

/** A table: one line for each RPC. */
export async function rpcs(signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-rpcs-'));
  try {
    const found: Found[] = [];
    for (const size of SIZES) {
      const holdUps = join(folder, `hold_ups_${size}`);
      const variables = { NODE_OPTIONS: `--import ${PROBE.href}`, LOOP_PROBE: holdUps };
      // The streams that stay open are all that one identity may have without it.
      const flags = ['--sync-power-state-interval', '0', '--identity-streams', '20000'];
      found.push(await withFleet(flags, (fleet) => measure(size, fleet, holdUps), signal, { variables }));
    }
    return tableOf(found[0] as Found, found[1] as Found);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(size: number, fleet: Fleet, holdUps: string): Promise<Found> {
  const cancellation = openCancellation([fleet.signal]);
  try {
    const ground = await prepareGround(size, fleet);
    await openStreams(ground, cancellation.signal);
    const rest = await costOf(() => resting(fleet.signal), fleet.pid, holdUps, fleet.signal);
    const restShare = rest.cpuMs / rest.wallMs;
    const measured = new Map<string, Measured>();
    for (const rpc of RPCS) measured.set(rpc.name, await measureOne(rpc, ground, fleet, holdUps));
    return { restShare, rpcs: measured, endedAfterMs: await timed(() => ended(fleet)) };
  } finally {
    cancellation.abort(fail('CALL_ENDED', 'measured'));
  }
}

/** Stops the conductor and resolves when it has ended. */
async function ended({ pid, signal }: Fleet): Promise<void> {
  process.kill(pid, 'SIGTERM');
  while (existsSync(`/proc/${pid}`)) await sleep(LOOK_MS, systemClock, signal);
}

const resting = (signal: AbortSignal): Promise<void> => sleep(REST_MS, systemClock, signal);

async function measureOne({ prepare, call }: Rpc, ground: Ground, fleet: Fleet, holdUps: string): Promise<Measured> {
  const keys = (await prepare?.(FIRST_CALLS + CALLS, ground)) ?? ground.nodes;
  const times: number[] = [];
  const key = (at: number): string => keys[at % keys.length] as string;
  for (let at = 0; at < FIRST_CALLS; at += 1) await call(key(at), ground);
  const work = async (): Promise<void> => {
    for (let at = 0; at < CALLS; at += 1) times.push(await timed(() => call(key(FIRST_CALLS + at), ground)));
  };
  return { ...(await costOf(work, fleet.pid, holdUps, fleet.signal)), times };
}

function tableOf(small: Found, large: Found): string {
  const [few, many] = SIZES;
  const head = ['', `CPU a call, ${few}`, `CPU a call, ${many}`, 'growth', 'median', 'slowest', 'others wait at most'];
  const lines = [...large.rpcs].map(([name, measured]) => {
    const before = cpuOfACall(small.rpcs.get(name) as Measured, small);
    const after = cpuOfACall(measured, large);
    return [
      name,
      milliseconds(before),
      milliseconds(after),
      `${(after / before).toFixed(1)} x`,
      milliseconds(quantile(measured.times, 0.5)),
      milliseconds(quantile(measured.times, 1)),
      milliseconds(measured.longestHoldUpMs),
    ];
  });
  const percent = ({ restShare }: Found): string => `${(restShare * 100).toFixed(1)} %`;
  const ends = [small, large].map(({ endedAfterMs }) => milliseconds(endedAfterMs)).join(' and ');
  return [
    grid(head, lines),
    `While nothing is called, the open streams and orders take ${percent(small)} and ${percent(large)} of one processor.`,
    `SIGTERM, with every stream open, ends the conductor after ${ends}.`,
  ].join('\n\n');
}

/** Without what the conductor does anyway. */
function cpuOfACall({ cpuMs, wallMs }: Measured, { restShare }: Found): number {
  return Math.max(cpuMs - restShare * wallMs, 0.01) / CALLS;
}

const milliseconds = (figure: number): string => `${figure.toFixed(1)} ms`;
