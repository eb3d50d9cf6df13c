/** The driver `ipmi` against BMCs of our own simulator, which has what no package has: cipher suite 17, and an NMI at will. */
import test, { type ExecutionContext } from 'ava';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { SimReceived } from '../../src/sim/ipmi/sim_bmc.ts';
import { newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { type NewSimBmc, newSimBmc } from '../counterparts/sim_bmc.ts';
import type { Bench, Situation } from './counterpart.ts';
import { conforms } from './run.ts';

const driver = newIpmiDriver();
test.after.always(() => driver.close());

const TARGETS: Readonly<Partial<Record<SimReceived, OrderTarget>>> = {
  on: 'power on',
  off: 'power off',
  reset: 'rebooting',
  soft: 'soft power off',
  diag: 'inject nmi',
};

/** A BMC, and what is said of it beside what reaches it. */
interface Making extends NewSimBmc {
  readonly changed?: DriverInfo;
}

const NEVER = { softMs: Number.POSITIVE_INFINITY };
/** Longer than anybody waits for the answer to an order. */
const HOLDS_MS = 15_000;

const MAKINGS: Readonly<Partial<Record<Situation, Making>>> = {
  on: { host: NEVER },
  off: { power: 'power off' },
  'soft off takes 2 s': { host: { softMs: 2000 } },
  'soft off hangs': { host: NEVER },
  silent: { faults: { silent: true } },
  refuses: { faults: { refusesWith: 0xff } },
  holds: { host: NEVER, faults: {} },
  'no session left': { login: { maxSessions: 0 } },
  'wrong password': { changed: { ipmi_password: 'wrong' } },
  'unknown user': { changed: { ipmi_username: 'nobody' } },
};

for (const suite of ['3', '17'] as const) {
  const makingOf =
    (situation: Situation, { changed, ...options }: Making) =>
    async (t: ExecutionContext): Promise<Bench> => {
      const { bmc, info } = await newSimBmc(t, options);
      if (situation === 'holds') bmc.faults = { ...bmc.faults, holdsOrdersMs: HOLDS_MS };
      return {
        driver,
        info: { ...info, ipmi_cipher_suite: suite, ...changed },
        takesNmi: true,
        power: async () => bmc.host.power,
        orders: async () => bmc.received.flatMap((command) => TARGETS[command] ?? []),
        async relieve() {
          bmc.faults = { ...bmc.faults, silent: false, holdsOrdersMs: 0 };
          if (situation === 'soft off hangs') bmc.host.setPower('power off');
        },
        processes: async () => 0,
      };
    };
  const entries = Object.entries(MAKINGS) as [Situation, Making][];
  const situations = Object.fromEntries(entries.map(([name, making]) => [name, makingOf(name, making)]));
  conforms({ name: `ipmi (native, suite ${suite}) with our simulator`, situations });
}
