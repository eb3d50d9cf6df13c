/** What a driver is tried against, and in which situations. */
import type { ExecutionContext } from 'ava';
import type { OnOff, OrderTarget } from '../../src/core/power.ts';
import type { Driver, DriverInfo } from '../../src/drivers/driver.ts';
import type { PatientClock } from '../counterparts/patient_clock.ts';

/** What the BMC is like, or what is wrong with it or with how it is spoken to. */
export type Situation =
  | 'on'
  | 'off'
  | 'soft off takes its time'
  | 'soft off hangs'
  | 'silent'
  | 'refuses'
  | 'holds'
  /** The same, and whoever waits for the answer does so until he is told not to. */
  | 'holds, and is waited for'
  | 'no session left'
  | 'wrong password'
  | 'unknown user'
  | 'wrong login'
  | 'closed port'
  | 'no such name'
  | 'garbage';

/** One BMC in its situation, for one test. */
export interface Bench {
  readonly driver: Driver;
  readonly info: DriverInfo;
  /** The clock of the driver, by which its timeouts run. */
  readonly clock: PatientClock;
  /** It takes an NMI; otherwise it refuses one. */
  readonly takesNmi: boolean;
  /** What the hardware really is, without asking the driver. */
  power(): Promise<OnOff>;
  /** The orders that really arrived, in order. */
  orders(): Promise<OrderTarget[]>;
  /** `orders` has those, too, that were refused. */
  readonly notesRefused: boolean;
  /** How many logins were tried, if the counterpart can tell. */
  logins?(): number;
  /** Ends the situation: a silent BMC speaks, a held order is carried out, a soft power off ends. */
  relieve(): Promise<void>;
  /** How many processes of the driver are at work on this BMC. */
  processes(): Promise<number>;
}

/** A driver and its other side. A situation that is not here cannot be had from it. */
export interface Counterpart {
  readonly name: string;
  readonly situations: Partial<Record<Situation, (t: ExecutionContext) => Promise<Bench>>>;
}
