import type { ExecutionContext } from 'ava';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { ScciReceived } from '../../src/sim/irmc/sim_irmc.ts';
import { eventually } from '../counterparts/eventually.ts';
import { type NewSimIrmc, newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';
import type { House } from './house.ts';
import { enrol } from './orders.ts';

/** An operating system that takes its time: a graceful order can be taken back for ten minutes. */
export const SLOW_HOST = { pendingMs: 600_000, softMs: 600_000 };

/** Starts a simulated iRMC, and enrols it in the house with what `more` says of it. */
export async function enrolIrmc(
  t: ExecutionContext,
  { client }: House,
  name: string,
  options: NewSimIrmc = {},
  more: DriverInfo = {},
): Promise<TestedIrmc> {
  const tested = await newSimIrmc(t, options);
  await enrol(client, name, 'irmc', { ...tested.info, irmc_client_timeout: '60', ...more });
  return tested;
}

/** The SCCI commands that have come, in order. */
export function commandsAt({ irmc }: TestedIrmc): ScciReceived['command'][] {
  return irmc.received.map(({ command }) => command);
}

/** Resolves when an iRMC has got a command. */
export function untilCommanded(tested: TestedIrmc, command: ScciReceived['command']): Promise<unknown> {
  return eventually(`${command} at the iRMC`, async () => commandsAt(tested).includes(command));
}
