/**
 * Do BMCs that say nothing hold up the others? A tenth of them is silenced, in whatever it is doing; what counts is the time
 * until all others are done, beside the same time of the same BMCs while none is silent. The two take turns.
 */
import { systemClock } from '../src/core/clock.ts';
import type { OnOff } from '../src/core/power.ts';
import { openCancellation, sleep } from '../src/core/signals.ts';
import { quantile, type Row } from './figures.ts';
import { onceMore } from './ipmi/answers.ts';
import { BMCS, type Ground, withGround } from './ipmi/ground.ts';
import { ipmipowerStatus } from './ipmi/peers.ts';
import { type Powerman, powermanIfThere } from './ipmi/powerman.ts';
import { type Course, measuredCourse, type Product, withProduct } from './ipmi/product.ts';

/** How many of them hang. */
export const HUNG = Math.floor(BMCS / 10);
/** Before anything is counted, so that the conductor is as one that has run for a while. */
const WARM_UP_ROUNDS = 3;
const ROUNDS = 5;
const MOST = 1.2;
/**
 * Those that hung come back with sessions that no caller waits for, up to all that they can have, for half a minute. The limit
 * only ends what hangs.
 */
const SETTLE_LIMIT_MS = 300_000;
const POLL_MS = 500;

type Done = 'RefreshNodes' | 'plan of power off' | 'plan of power on';

/** What each call took, while all answer and while some hang. */
interface Times {
  /** Until those that never hang were done. */
  readonly healthy: number[];
  /** Until the answer ended. */
  readonly ended: number[];
}

/** The rows: what the peers take until their end, and the product. */
export function ipmiHung(signal: AbortSignal): Promise<Row[]> {
  const measure = (powerman: readonly Powerman[], ground: Ground): Promise<Row[]> =>
    withProduct(async (product) => {
      const peers = await ofPeers(powerman, ground);
      await settle(product, ground);
      return [...peers, ...(await ofProduct(product, ground))];
    }, ground);
  return withGround({ count: BMCS, canHang: HUNG }, (ground) => powermanIfThere(measure, ground), signal);
}

async function ofProduct(product: Product, ground: Ground): Promise<Row[]> {
  const [answering, hanging] = [newTimes(), newTimes()];
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await once(newTimes(), product, ground);
  for (let round = 0; round < ROUNDS; round += 1) {
    await once(answering, product, ground);
    ground.fleet.hang();
    await once(hanging, product, ground);
    ground.fleet.recover();
    await settle(product, ground);
  }
  return [...answering.keys()].flatMap((done) => rowsOf(done, answering.get(done), hanging.get(done)));
}

const newTimes = (): Map<Done, Times> =>
  new Map(
    (['RefreshNodes', 'plan of power off', 'plan of power on'] as const).map((done) => [
      done,
      { healthy: [], ended: [] },
    ]),
  );

async function once(times: ReadonlyMap<Done, Times>, product: Product, ground: Ground): Promise<void> {
  const healthy = ground.fleet.bmcs.filter(({ canHang }) => !canHang);
  const note = (done: Done, course: Course, right: string): void => {
    measuredCourse(done, course, right, ground);
    const told = healthy.map(({ address }) => course.told.get(address)?.atMs ?? Number.NaN);
    times.get(done)?.healthy.push(Math.max(...told));
    times.get(done)?.ended.push(course.wallMs);
  };
  const plan = async (target: OnOff) => note(`plan of ${target}`, await product.switch(target), 'SUCCEEDED');
  note('RefreshNodes', await product.refresh(), 'power on');
  await plan('power off');
  await plan('power on');
}

/** Resolves when all of them answer again. */
async function settle(product: Product, { signal }: Ground): Promise<void> {
  const limit = { clock: systemClock, afterMs: SETTLE_LIMIT_MS, what: 'BMCs that hung to answer again' };
  const cancellation = openCancellation([signal], limit);
  try {
    for (;;) {
      const { told } = await product.refresh();
      if ([...told.values()].every(({ answer }) => answer === 'power on')) return;
      await sleep(POLL_MS, systemClock, cancellation.signal);
    }
  } finally {
    cancellation.end();
  }
}

function rowsOf(done: Done, answering: Times = { healthy: [], ended: [] }, hanging: Times = answering): Row[] {
  const what = `${done}, until ${BMCS - HUNG} are done`;
  const peer = { what: `${what}; all answer`, times: answering.healthy };
  const aim = { median: Math.round(MOST * quantile(peer.times, 0.5)) };
  return [
    peer,
    { what: `${what}; the others hang`, times: hanging.healthy, peer, aim },
    { what: `${done}, until its end; ${HUNG} hang`, times: hanging.ended, peer },
  ];
}

/** They tell when they have heard of all, or given up on some. */
async function ofPeers(powerman: readonly Powerman[], ground: Ground): Promise<Row[]> {
  const ipmipower = { name: 'ipmipower --stat', measure: () => ipmipowerStatus(null, ground) };
  const peers = [ipmipower, ...powerman.map(({ status }) => ({ name: 'powerman --query-all', measure: status }))];
  const rows: Row[][] = [];
  for (const { name, measure } of peers) {
    const { wallMs } = await onceMore(measure, ground.signal);
    rows.push([{ what: `${name}, until its end; all answer`, times: [wallMs] }]);
  }
  ground.fleet.hang();
  for (const [at, { name, measure }] of peers.entries()) {
    const { wallMs } = await onceMore(measure, ground.signal);
    rows[at]?.push({ what: `${name}, until its end; ${HUNG} hang`, times: [wallMs], peer: rows[at]?.[0] });
  }
  ground.fleet.recover();
  return rows.flat();
}
