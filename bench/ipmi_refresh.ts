/**
 * How fast does the whole product read a thousand nodes: RefreshNodes, from the call to the last answer, with each reading
 * recorded in the database? The peers only print what they read.
 */
import { contest } from './ipmi/contest.ts';
import { BMCS, type Ground, withGround } from './ipmi/ground.ts';
import { type Measured, middle } from './ipmi/measured.ts';
import { type FanOut, ipmipowerStatus } from './ipmi/peers.ts';
import { type Powerman, powermanIfThere } from './ipmi/powerman.ts';
import { measuredCourse, type Product, withProduct } from './ipmi/product.ts';

const FAN_OUTS: readonly FanOut[] = [64, 256, null];
/** Before the first is counted, so that the conductor is as one that has run for a while. */
const WARM_UP_PASSES = 10;
/** In each round; the median counts. */
const PASSES = 10;

/** The table. */
export function ipmiRefresh(signal: AbortSignal): Promise<string> {
  return withGround({ count: BMCS }, (ground) => powermanIfThere(measure, ground), signal);
}

function measure(powerman: readonly Powerman[], ground: Ground): Promise<string> {
  return withProduct(async (product) => {
    await passes(WARM_UP_PASSES, product, ground);
    const contenders = {
      ipmipower: FAN_OUTS.map((fanOut) => () => ipmipowerStatus(fanOut, ground)),
      powerman: powerman.map(({ status }) => status),
      ours: [() => passes(PASSES, product, ground)],
    };
    return await contest(contenders, ground.signal);
  }, ground);
}

async function passes(count: number, product: Product, ground: Ground): Promise<Measured> {
  const all: Measured[] = [];
  for (let pass = 0; pass < count; pass += 1)
    all.push(measuredCourse('ours, RefreshNodes', await product.refresh(), 'power on', ground));
  return { ...middle(all), aim: 'powerman: rate 2.5 x' };
}
