/**
 * How long do a thousand power ons take as one plan of the whole product, from the start of the plan to its end: read,
 * ordered, confirmed by the status, and each step in the database? The peers order and look at the status.
 *
 * Real hosts need a moment until their status says that they are on; all clients wait for it.
 */
import { systemChance } from '../src/core/chance.ts';
import { systemClock } from '../src/core/clock.ts';
import type { OnOff } from '../src/core/power.ts';
import { createIpmiDriver } from '../src/drivers/ipmi/driver.ts';
import { type Contest, contest, onAfterOff } from './ipmi/contest.ts';
import { BMCS, type Ground, withGround } from './ipmi/ground.ts';
import type { Measured } from './ipmi/measured.ts';
import { type FanOut, ipmipowerSwitch, mustAllBe } from './ipmi/peers.ts';
import { type Powerman, powermanIfThere } from './ipmi/powerman.ts';
import { measuredCourse, type Product, withProduct } from './ipmi/product.ts';

const ON_DELAYS_MS = [0, 2000];
/** The rest between two commands to one BMC: the driver's own, which nothing here changes. Peers leave none. */
export const PACE_MS = createIpmiDriver({
  clock: systemClock,
  chance: systemChance,
  searchPath: '',
  keepSessionMs: 0,
}).minCommandIntervalMs;
/** Plans before the first that is counted, so that the conductor is as one that has run for a while. */
const WARM_UP_ROUNDS = 2;

/** The tables: for BMCs whose status changes at once, and for those that need 2 s. */
export async function ipmiPowerOn(signal: AbortSignal): Promise<string> {
  const tables: string[] = [];
  for (const onDelayMs of ON_DELAYS_MS) {
    const measureHere = (powerman: readonly Powerman[], ground: Ground): Promise<string> =>
      measure(powerman, onDelayMs, ground);
    const options = { count: BMCS, onDelayMs };
    const answer = await withGround(options, (ground) => powermanIfThere(measureHere, ground), signal);
    tables.push(`Where a status says on ${onDelayMs / 1000} s after the order:\n\n${answer}`);
  }
  return tables.join('\n\n');
}

function measure(powerman: readonly Powerman[], onDelayMs: number, ground: Ground): Promise<string> {
  return withProduct(async (product) => {
    const ours = onAfterOff((target) => plan(target, product, ground));
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await ours();
    // A fan-out would add up the waiting of all, one part after the other.
    const fanOuts: FanOut[] = onDelayMs === 0 ? [64, 256, null] : [null];
    const contenders: Contest = {
      ipmipower: fanOuts.map((fanOut) => onAfterOff((target) => ipmipowerSwitch(target, fanOut, ground))),
      powerman: powerman.map((daemon) => onAfterOff(daemon.switch)),
      ours: [ours],
    };
    return await contest(contenders, ground.signal);
  }, ground);
}

async function plan(target: OnOff, product: Product, ground: Ground): Promise<Measured> {
  const what = `ours, a plan of ${target}`;
  const measured = measuredCourse(what, await product.switch(target), 'SUCCEEDED', ground);
  await mustAllBe(target, ground);
  return { ...measured, aim: 'ipmipower: rate 2 x; powerman: rate 1 x, CPU 1.2 x' };
}
