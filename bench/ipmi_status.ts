/**
 * How fast does our IPMI client ask a thousand BMCs for their power status, and at what cost, beside those that there are?
 * The client alone, without the conductor: bench/ipmi_refresh.ts has the whole product.
 */
import { contest } from './ipmi/contest.ts';
import { BMCS, type Ground, withGround } from './ipmi/ground.ts';
import { ourStatus } from './ipmi/our_driver.ts';
import { type FanOut, type IpmitoolOptions, ipmipowerStatus, ipmitoolStatus } from './ipmi/peers.ts';
import { type Powerman, powermanIfThere } from './ipmi/powerman.ts';

const SAMPLE = 100;
const IPMITOOL: readonly IpmitoolOptions[] = [
  { parallel: 16, sample: SAMPLE, numbers: 'stock' },
  { parallel: 16, sample: SAMPLE, numbers: 'short' },
];
const FAN_OUTS: readonly FanOut[] = [16, 64, 256, null];

/** The table. */
export function ipmiStatus(signal: AbortSignal): Promise<string> {
  return withGround({ count: BMCS }, (ground) => powermanIfThere(measure, ground), signal);
}

function measure(powerman: readonly Powerman[], ground: Ground): Promise<string> {
  const contenders = {
    ipmitool: IPMITOOL.map((options) => () => ipmitoolStatus(options, ground)),
    ipmipower: FAN_OUTS.map((fanOut) => () => ipmipowerStatus(fanOut, ground)),
    powerman: powerman.map(({ status }) => status),
    ours: [
      () => ourStatus({ sessions: 'kept', passes: 40, aim: 'ipmipower: rate 8 x, CPU 0.1 x' }, ground),
      () => ourStatus({ sessions: 'fresh', passes: 5, aim: 'ipmipower: rate 1 x' }, ground),
    ],
  };
  return contest(contenders, ground.signal);
}
