/** The driver `irmc` against our simulator, by each way to look at the server. */
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import type { Driver, DriverInfo } from '../../src/drivers/driver.ts';
import type { IrmcInfo } from '../../src/drivers/irmc/info.ts';
import { HEALTHY_IRMC, type IrmcFaults, STALLED_IRMC } from '../../src/sim/irmc/faults.ts';
import type { ScciReceived } from '../../src/sim/irmc/sim_irmc.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { type NewSimIrmc, newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';
import type { Bench, Situation } from './counterpart.ts';
import { conforms } from './run.ts';

const TARGETS: Readonly<Partial<Record<ScciReceived['command'], OrderTarget>>> = {
  PowerOnCabinet: 'power on',
  PowerOffCabinet: 'power off',
  ResetServer: 'rebooting',
  RequestShutdownAndOff: 'soft power off',
  RequestShutdownAndReset: 'soft rebooting',
  RaiseNMI: 'inject nmi',
};

/** What an iRMC is like, and what is said of it beside what reaches it. */
interface Making extends NewSimIrmc {
  readonly changed?: DriverInfo;
  readonly without?: readonly string[];
}

const SOFT_MS = 2000;
const NEVER = { pendingMs: 60_000, softMs: Number.POSITIVE_INFINITY };
/** Longer than anybody waits for the answer to an order. */
const HOLDS_MS = 15_000;
const GARBLED: Partial<IrmcFaults> = { scci: 'a page', redfish: 'a page', snmp: 'wrong type', ipmi: 'silent' };
/** What the iRMC is slow with here comes when the test lets it; otherwise it has the clock of the system. */
const WITH_CLOCK: readonly Situation[] = ['soft off takes its time', 'holds', 'holds, and is waited for'];
/** The port is closed. */
const CLOSED: DriverInfo = { irmc_port: '9', irmc_snmp_port: '9', irmc_ipmi_port: '9' };

const MAKINGS: Readonly<Partial<Record<Situation, Making>>> = {
  on: { host: NEVER },
  off: { power: 'power off' },
  'soft off takes its time': { host: { softMs: SOFT_MS } },
  'soft off hangs': { host: NEVER },
  silent: { faults: STALLED_IRMC },
  refuses: { faults: { refusesWith: 1 } },
  holds: { host: NEVER, faults: { holdsMs: HOLDS_MS } },
  'holds, and is waited for': { host: NEVER, faults: { holdsMs: HOLDS_MS } },
  'wrong login': { changed: { irmc_password: 'wrong' } },
  'closed port': { changed: CLOSED },
  'no such name': { changed: { irmc_address: 'bmc.invalid' } },
  garbage: { faults: GARBLED },
};

/** One way to look at the server, log in and be disturbed. */
export interface Variant {
  readonly name: string;
  readonly info: DriverInfo;
  /** With the keys of SNMP. */
  readonly snmp: boolean;
  readonly faults: Partial<IrmcFaults>;
  readonly lanOff: boolean;
}

/** The iRMC and its situation, and the clocks that the test turns. */
interface Tested extends TestedIrmc {
  readonly situation: Situation;
  readonly clock: PatientClock;
  readonly clockOfIrmc: PatientClock;
}

function benchOf(driver: Driver<IrmcInfo>, info: DriverInfo, tested: Tested): Bench {
  const { irmc, situation, clock, clockOfIrmc, logins } = tested;
  return {
    driver,
    info,
    clock,
    takesNmi: true,
    notesRefused: true,
    logins,
    power: async () => irmc.host.power,
    orders: async () => irmc.received.flatMap(({ command }) => TARGETS[command] ?? []),
    async relieve() {
      irmc.faults = HEALTHY_IRMC;
      if (situation === 'soft off hangs') irmc.host.setPower('power off');
      clockOfIrmc.pass(HOLDS_MS);
    },
    processes: async () => 0,
  };
}

/** Makes a test of each promise, over this way. */
export function irmcConforms(variant: Variant): void {
  const makingOf =
    (situation: Situation, { changed, ...options }: Making) =>
    async (t: ExecutionContext): Promise<Bench> => {
      const [clock, clockOfIrmc] = [new PatientClock(), new PatientClock()];
      const driver = newIrmcDriver(clock);
      t.teardown(() => driver.close());
      const faults = { ...variant.faults, ...options.faults };
      const clockOf = WITH_CLOCK.includes(situation) ? clockOfIrmc : systemClock;
      const tested = await newSimIrmc(t, { ...options, faults, clock: clockOf });
      if (variant.lanOff) await tested.listening.switchIpmi(false);
      const info = { ...tested.info, irmc_client_timeout: '5', ...variant.info, ...changed };
      const kept = Object.entries(info).filter(([key]) => variant.snmp || !key.startsWith('irmc_snmp_'));
      return benchOf(driver, Object.fromEntries(kept), { ...tested, situation, clock, clockOfIrmc });
    };
  const entries = Object.entries(MAKINGS) as [Situation, Making][];
  // Over SNMP the server can be read without a login.
  const tried = entries.filter(([situation]) => situation !== 'wrong login' || !variant.snmp);
  const situations = Object.fromEntries(tried.map(([name, making]) => [name, makingOf(name, making)]));
  conforms({ name: `irmc ${variant.name}, with our simulator`, situations });
}
