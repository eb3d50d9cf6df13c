import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { type IpmiSim, type IpmiSimOptions, startIpmiSim } from '../../src/sim/ipmi_sim.ts';
import { newFolder } from './folder.ts';
import { never } from './signals.ts';

/** A simulator of its own for one test, stopped at its end. */
export async function newIpmiSim(t: ExecutionContext, options: Partial<IpmiSimOptions> = {}): Promise<IpmiSim> {
  const sim = await startIpmiSim({ directory: await newFolder(t), ...options }, systemClock, never());
  t.teardown(() => sim.stop());
  return sim;
}

/** The driver_info that reaches it. */
export function infoOf(sim: Pick<IpmiSim, 'address' | 'port' | 'username' | 'password'>): DriverInfo {
  return {
    ipmi_address: sim.address,
    ipmi_port: String(sim.port),
    ipmi_username: sim.username,
    ipmi_password: sim.password,
  };
}
