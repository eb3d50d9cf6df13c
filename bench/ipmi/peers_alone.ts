/** How fast are the IPMI clients that there are, over a fleet of a thousand BMCs? For now, without ours. */
import type { OnOff } from '../../src/core/power.ts';
import { onceMore } from './answers.ts';
import { type Ground, withGround } from './ground.ts';
import { comparison, type Measured, middle } from './measured.ts';
import { type FanOut, type IpmitoolOptions, ipmipowerStatus, ipmipowerSwitch, ipmitoolStatus } from './peers.ts';
import { hasPowerman, type Powerman, withPowerman } from './powerman.ts';

const BMCS = 1008;
const SAMPLE = 100;
const FAN_OUTS: readonly FanOut[] = [16, 64, 256, null];
const IPMITOOL: readonly IpmitoolOptions[] = [
  { parallel: 2, sample: SAMPLE, numbers: 'stock' },
  { parallel: 16, sample: SAMPLE, numbers: 'stock' },
  { parallel: 16, sample: SAMPLE, numbers: 'short' },
];
/** Peers take turns, so that what else the computer does meets all of them; a row has the median of each figure. */
const ROUNDS = 3;
/** About what hosts need until their status says that they are on. */
const ON_DELAY_MS = 2000;
const HUNG = Math.floor(BMCS / 10);

type Measure = () => Promise<Measured>;

/** All tables, each below what it is about. */
export async function peersAlone(signal: AbortSignal): Promise<string> {
  const quick = await withGround({ count: BMCS }, async (on) => [await status(on), ...(await switching(on))], signal);
  const slow = await withGround({ count: BMCS, onDelayMs: ON_DELAY_MS }, slowlyOn, signal);
  const hung = await withGround({ count: BMCS, canHang: HUNG }, whileSomeHang, signal);
  return [...quick, slow, hung].join('\n\n');
}

async function status(ground: Ground): Promise<string> {
  const ipmitool = IPMITOOL.map((options) => () => ipmitoolStatus(options, ground));
  const ipmipower = FAN_OUTS.map((fanOut) => () => ipmipowerStatus(fanOut, ground));
  const rows = await inTurns([...ipmitool, ...ipmipower], ROUNDS, ground);
  const powerman = await wherePowermanIs((daemon) => inTurns([daemon.status], ROUNDS, ground), ground);
  return titled(`The power status of ${BMCS} BMCs, ${SAMPLE} of them for ipmitool`, [...rows, ...powerman]);
}

async function switching(ground: Ground): Promise<string[]> {
  const ipmipower = FAN_OUTS.flatMap((fanOut) => offAndOn((target) => ipmipowerSwitch(target, fanOut, ground)));
  const rows = await inTurns(ipmipower, ROUNDS, ground);
  const powerman = await wherePowermanIs((daemon) => inTurns(offAndOn(daemon.switch), ROUNDS, ground), ground);
  const [off, on] = [0, 1].map((parity) => [...rows, ...powerman].filter((_, index) => index % 2 === parity));
  return [
    titled(`${BMCS} BMCs off, until each is seen to be`, off),
    titled(`${BMCS} BMCs on, until each is seen to be`, on),
  ];
}

/** A fan-out would only add up the waiting of all, one part after the other. */
async function slowlyOn(ground: Ground): Promise<string> {
  const ipmipower = offAndOn((target) => ipmipowerSwitch(target, null, ground));
  const rows = await inTurns(ipmipower, 1, ground);
  const powerman = await wherePowermanIs((daemon) => inTurns(offAndOn(daemon.switch), 1, ground), ground);
  const title = `${BMCS} BMCs on, until each is seen to be, which takes ${ON_DELAY_MS / 1000} s`;
  return titled(
    title,
    [...rows, ...powerman].filter(({ what }) => !what.includes('off')),
  );
}

/** They begin to hang when powerman has found all of them. */
async function whileSomeHang(ground: Ground): Promise<string> {
  const { fleet } = ground;
  const powerman = await wherePowermanIs((daemon) => {
    fleet.hang();
    return inTurns([daemon.status], 1, ground);
  }, ground);
  fleet.hang();
  const rows = await inTurns([() => ipmipowerStatus(null, ground)], 1, ground);
  return titled(`The power status of ${BMCS} BMCs, of which ${HUNG} say nothing`, [...rows, ...powerman]);
}

/** To be done in this order, so that each has something to do. */
const offAndOn = (change: (target: OnOff) => Promise<Measured>): [Measure, Measure] => [
  () => change('power off'),
  () => change('power on'),
];

/** A row for each of them. */
async function inTurns(measures: readonly Measure[], count: number, { signal }: Ground): Promise<Measured[]> {
  const rounds: Measured[][] = [];
  for (let round = 0; round < count; round += 1) {
    const measured: Measured[] = [];
    for (const measure of measures) measured.push(await onceMore(measure, signal));
    rounds.push(measured);
  }
  return measures.map((_, index) => middle(rounds.flatMap((measured) => measured[index] ?? [])));
}

async function wherePowermanIs(measure: (powerman: Powerman) => Promise<Measured[]>, ground: Ground) {
  return (await hasPowerman()) ? await withPowerman(measure, ground) : [];
}

const titled = (title: string, rows: readonly Measured[] = []): string => `${title}\n\n${comparison(rows)}`;
