/** Our IPMI client alone: the driver `ipmi` in this process, without conductor and agent, which pace each BMC. */
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { asCountermandError } from '../../src/core/errors.ts';
import { onAbort, openCancellation } from '../../src/core/signals.ts';
import { createIpmiDriver } from '../../src/drivers/ipmi/driver.ts';
import { timed } from '../figures.ts';
import { driverInfoOf } from '../fleet.ts';
import { mustAnswer } from './answers.ts';
import type { Ground } from './ground.ts';
import { type Measured, middle } from './measured.ts';
import { forgetPeakMemory, peakMemoryMbOf } from './processes.ts';

const codeOf = (error: unknown): string => asCountermandError(error).code;

/** How the driver is used. */
export interface OurOptions {
  /** Sessions stay open from one pass to the next, or each status has one of its own. */
  readonly sessions: 'kept' | 'fresh';
  /** How often all BMCs are asked; the median pass counts. */
  readonly passes: number;
  readonly aim: string;
}

const KEEP_MS = 180_000;

/** The power status of all BMCs, asked at once; one pass before is not counted. The memory is that of this whole process. */
export async function ourStatus({ sessions, passes, aim }: OurOptions, ground: Ground): Promise<Measured> {
  const { fleet, signal } = ground;
  const keepSessionMs = sessions === 'kept' ? KEEP_MS : 0;
  const driver = createIpmiDriver({ clock: systemClock, chance: systemChance, searchPath: '', keepSessionMs });
  const bmcs = fleet.bmcs.map((bmc) => ({ ...bmc, parsed: driver.parse(driverInfoOf({ ...fleet, ...bmc })) }));
  // Each question has a signal of its own, as in the agent: a signal looks through all who listen when one more does.
  const scopes = bmcs.map(() => openCancellation([]));
  const unlink = onAbort(signal, (reason) => {
    for (const cancellation of scopes) cancellation.abort(reason);
  });
  const what = `ours, the driver alone, ${sessions} sessions`;
  async function pass(): Promise<Measured> {
    const said = new Map<string, string>();
    const before = process.cpuUsage();
    const wallMs = await timed(() =>
      Promise.all(
        bmcs.map(async ({ address, parsed }, index) => {
          const reading = driver.getPowerState(parsed, scopes[index]?.signal ?? signal);
          said.set(address, await reading.then(({ powerState }) => powerState, codeOf));
        }),
      ),
    );
    const { user, system } = process.cpuUsage(before);
    const operations = mustAnswer(what, said, 'power on', fleet);
    const peakMemoryMb = await peakMemoryMbOf([process.pid]);
    return { what, operations, wallMs, cpuMs: (user + system) / 1000, peakMemoryMb, aim };
  }
  try {
    await pass();
    await forgetPeakMemory(process.pid);
    const all: Measured[] = [];
    for (let count = 0; count < passes; count += 1) all.push(await pass());
    return middle(all);
  } finally {
    unlink();
    driver.close();
  }
}
