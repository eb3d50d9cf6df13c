/** The driver `ipmi` against BMCs of our own simulator, which has what no package has: cipher suite 17, and an NMI at will. */
import type { ExecutionContext } from 'ava';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { SimReceived } from '../../src/sim/ipmi/sim_bmc.ts';
import { newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { type NewSimBmc, newSimBmc } from '../counterparts/sim_bmc.ts';
import type { Bench, Situation } from './counterpart.ts';
import { conforms } from './run.ts';

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
const SOFT_MS = 2000;
/** Longer than anybody waits for the answer to an order. */
const HOLDS_MS = 15_000;

/** Its orders are held; that begins when it is there. */
const HOLDS: Making = { host: NEVER };

const MAKINGS: Readonly<Partial<Record<Situation, Making>>> = {
  on: { host: NEVER },
  off: { power: 'power off' },
  'soft off takes its time': { host: { softMs: SOFT_MS } },
  'soft off hangs': { host: NEVER },
  silent: { faults: { silent: true } },
  refuses: { faults: { refusesWith: 0xff } },
  holds: HOLDS,
  'holds, and is waited for': HOLDS,
  'no session left': { login: { maxSessions: 0 } },
  'wrong password': { changed: { ipmi_password: 'wrong' } },
  'unknown user': { changed: { ipmi_username: 'nobody' } },
};

for (const suite of ['3', '17'] as const) {
  const makingOf =
    (situation: Situation, { changed, ...options }: Making) =>
    async (t: ExecutionContext): Promise<Bench> => {
      // The BMC has a clock of its own, too: what it is slow with comes when the test lets it.
      const [clock, clockOfBmc] = [new PatientClock(), new PatientClock()];
      const driver = newIpmiDriver({ clock });
      t.teardown(() => driver.close());
      const { bmc, info, logins } = await newSimBmc(t, { ...options, clock: clockOfBmc });
      if (MAKINGS[situation] === HOLDS) bmc.faults = { ...bmc.faults, holdsOrdersMs: HOLDS_MS };
      return {
        driver,
        info: { ...info, ipmi_cipher_suite: suite, ...changed },
        clock,
        takesNmi: true,
        notesRefused: true,
        logins: () => logins.count,
        power: async () => bmc.host.power,
        orders: async () => bmc.received.flatMap((command) => TARGETS[command] ?? []),
        async relieve() {
          bmc.faults = { ...bmc.faults, silent: false, holdsOrdersMs: 0 };
          if (situation === 'soft off hangs') bmc.host.setPower('power off');
          clockOfBmc.pass(HOLDS_MS);
        },
        processes: async () => 0,
      };
    };
  const entries = Object.entries(MAKINGS) as [Situation, Making][];
  const situations = Object.fromEntries(entries.map(([name, making]) => [name, makingOf(name, making)]));
  conforms({ name: `ipmi (native, suite ${suite}) with our simulator`, situations });
}
