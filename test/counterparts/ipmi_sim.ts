import { rm } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { OnOff } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { findBmc } from '../../src/drivers/ipmi/ipmitool/probe.ts';
import type { ChassisCommand, ChassisFaults } from '../../src/sim/chassis.ts';
import { type IpmiSim, type IpmiSimOptions, startIpmiSim } from '../../src/sim/ipmi_sim.ts';
import { resetUptime } from './chassis_clock.ts';
import { eventually } from './eventually.ts';
import { makeFolder, newFolder } from './folder.ts';
import { shared } from './shared.ts';
import { never } from './signals.ts';

/** A simulator of its own for one test, stopped at its end. */
export async function newIpmiSim(t: ExecutionContext, options: Partial<IpmiSimOptions> = {}): Promise<IpmiSim> {
  const sim = await startIpmiSim({ directory: await newFolder(t), ...options }, systemClock, never());
  t.teardown(() => sim.stop());
  return sim;
}

/** One that tests share. */
export interface SharedIpmiSim extends IpmiSim {
  /** The folder of its files. */
  readonly folder: string;
}

/** Its properties for a test. */
export type SharedIpmiSimOptions = Partial<ChassisFaults> & { readonly power?: OnOff };

const NO_FAULTS: ChassisFaults = { softOffDelayS: 0, refuses: false, holds: false };

/**
 * Simulators that all tests of a file share, at most `count`. Each test gets one that is as new, and has received nothing. Call
 * this once, at the top of the file.
 */
export function sharedIpmiSims(
  count: number,
): (t: ExecutionContext, options?: SharedIpmiSimOptions) => Promise<SharedIpmiSim> {
  const borrow = shared<SharedIpmiSim>(count, {
    async start() {
      const folder = await makeFolder();
      return { ...(await startIpmiSim({ directory: folder }, systemClock, never())), folder };
    },
    async clean(sim) {
      sim.resume();
      await resetUptime(sim.folder);
      await sim.configure(NO_FAULTS);
      // It does one thing after the other: when this is answered, all that came before is done.
      await eventually('a shared simulator to answer', () => answers(sim));
    },
    async stop(sim) {
      await sim.stop();
      await rm(sim.folder, { recursive: true, force: true });
    },
  });
  return async (t, { power = 'power on', ...faults } = {}) => {
    const sim = await borrow(t);
    await sim.configure(faults);
    await sim.setPower(power);
    const before = await sim.received();
    const countOf = (command: ChassisCommand): number => before.filter((known) => known === command).length;
    return {
      ...sim,
      received: async () => (await sim.received()).slice(before.length),
      untilReceived: (command, times, signal) => sim.untilReceived(command, countOf(command) + times, signal),
    };
  };
}

const answers = ({ address, port }: IpmiSim): Promise<boolean> =>
  findBmc({ host: address, port, name: `${address}:${port}` }, systemClock, never()).then(
    () => true,
    () => false,
  );

/** The driver_info that reaches it. */
export function infoOf(sim: Pick<IpmiSim, 'address' | 'port' | 'username' | 'password'>): DriverInfo {
  return {
    ipmi_address: sim.address,
    ipmi_port: String(sim.port),
    ipmi_username: sim.username,
    ipmi_password: sim.password,
  };
}
