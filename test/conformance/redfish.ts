/** The driver `redfish` against our simulator, by each way to log in and to list what may be ordered. */
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { RedfishFaults } from '../../src/sim/redfish/faults.ts';
import type { TreeName } from '../../src/sim/redfish/trees.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { type NewSimRedfish, TARGET_OF } from '../counterparts/sim_redfish.ts';
import { newSpokenRedfish, type SpokenRedfish } from '../counterparts/spoken_redfish.ts';
import type { Bench, Situation } from './counterpart.ts';
import { conforms } from './run.ts';

/** What a BMC is like, and what is said of it beside what reaches it. */
interface Making extends NewSimRedfish {
  readonly changed?: DriverInfo;
}

const SOFT_MS = 2000;
const NEVER = { softMs: Number.POSITIVE_INFINITY };
/** Longer than anybody waits for the answer to an order. */
const LATE_MS = 15_000;
/** What the BMC is slow with here comes when the test lets it; otherwise it has the clock of the system. */
const WITH_CLOCK: readonly Situation[] = ['soft off takes its time', 'holds'];

const MAKINGS: Readonly<Partial<Record<Situation, Making>>> = {
  on: { host: NEVER },
  off: { power: 'power off' },
  'soft off takes its time': { host: { softMs: SOFT_MS } },
  'soft off hangs': { host: NEVER },
  silent: { faults: { pages: 'stalls' } },
  refuses: { faults: { order: 'masked' } },
  holds: { host: NEVER, faults: { order: 'late', lateMs: LATE_MS } },
  'no session left': { faults: { maxSessions: 0 }, changed: { redfish_auth_type: 'session' } },
  'wrong login': { changed: { redfish_password: 'wrong' } },
  'closed port': { changed: { redfish_address: 'http://127.0.0.1:9' } },
  'no such name': { changed: { redfish_address: 'http://bmc.invalid' } },
  garbage: { faults: { pages: 'a page' } },
};

function benchOf(tested: SpokenRedfish, situation: Situation, info: DriverInfo, clockOfBmc: PatientClock): Bench {
  const { redfish, host, driver, clock, set } = tested;
  return {
    driver,
    info,
    clock,
    takesNmi: redfish.faults.resetTypes.includes('Nmi'),
    notesRefused: true,
    logins: () => redfish.refusedLogins,
    power: async () => host.power,
    orders: async () => redfish.received.flatMap(({ resetType }) => TARGET_OF[resetType] ?? []),
    async relieve() {
      set({ pages: 'none', order: 'none' });
      if (situation === 'soft off hangs') host.setPower('power off');
      clockOfBmc.pass(LATE_MS);
    },
    processes: async () => 0,
  };
}

/** What all situations have in common. */
export interface Variant {
  readonly info?: DriverInfo;
  readonly faults?: Partial<RedfishFaults>;
  /** The recording whose pages it has. */
  readonly like?: TreeName;
}

/** Makes a test of each promise, with this beside what is special in each situation. */
export function redfishConforms(name: string, { info: more, faults, like }: Variant): void {
  const makingOf =
    (situation: Situation, { changed, ...options }: Making) =>
    async (t: ExecutionContext): Promise<Bench> => {
      const clockOfBmc = new PatientClock();
      const clock = WITH_CLOCK.includes(situation) ? clockOfBmc : systemClock;
      const tested = await newSpokenRedfish(t, {
        ...options,
        ...(like !== undefined && { like }),
        clock,
        faults: { ...faults, ...options.faults },
      });

      const info = { ...tested.info, redfish_client_timeout: '10', ...more, ...changed };
      return benchOf(tested, situation, info, clockOfBmc);
    };
  const entries = Object.entries(MAKINGS) as [Situation, Making][];
  const situations = Object.fromEntries(entries.map(([situation, making]) => [situation, makingOf(situation, making)]));
  conforms({ name: `redfish ${name}, with our simulator`, situations });
}
