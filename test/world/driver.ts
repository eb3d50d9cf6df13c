/** The fake driver as one agent of a world has it. */
import type { Clock } from '../../src/core/clock.ts';
import type { OrderTarget, Target } from '../../src/core/power.ts';
import type { Bmc, Driver } from '../../src/drivers/driver.ts';
import { createFakeDriver } from '../../src/drivers/fake/driver.ts';
import { type FakeHardware, type FakeInfo, placeOf } from '../../src/drivers/fake/hardware.ts';
import type { SimulatedProcess } from './process.ts';

/** A command of an agent to a BMC, from its beginning to its end. */
export interface Command {
  readonly agent: string;
  readonly address: string;
  readonly target: OrderTarget | 'recall';
}

/** What the hardware of a world can do. */
export interface DriverTraits {
  /** Reboots softly on one command, or not. */
  readonly softRebootInOneCommand?: boolean;
  /** Can recall what it was ordered, or not. */
  readonly recalls?: boolean;
  /** Targets that the driver cannot do. */
  readonly lacks?: readonly Target[];
}

/** Who hears what an agent does to the hardware. */
interface Listeners {
  /** A command begins; what this returns is called when it ends. */
  readonly begun: (command: Command) => () => void;
  /** A command has reached the server. */
  readonly reached: (command: Command) => void;
  /** A BMC is asked for its power state. */
  readonly looked: (address: string) => void;
}

/** What it sends is noted, and a dead process sends nothing. */
export function driverOf(
  agent: { readonly name: string; readonly process: SimulatedProcess; readonly clock: Clock },
  hardware: FakeHardware,
  { softRebootInOneCommand = false, recalls = true, lacks = [] }: DriverTraits,
  { begun, reached, looked }: Listeners,
): Driver {
  const driver = createFakeDriver({ clock: agent.clock, hardware, softRebootInOneCommand });
  /** Runs one command. A BMC that is silent or refuses was not reached. */
  const noting = <T>(bmc: Bmc<unknown>, target: Command['target'], run: () => Promise<T>): Promise<T> => {
    agent.process.touch();
    const command = { agent: agent.name, address: placeOf(bmc.info as FakeInfo), target };
    const count = (): number => hardware.get(command.address)?.received.length ?? 0;
    const before = count();
    const ended = begun(command);
    const answer = run();
    answer.then(ended, ended);
    if (count() > before) reached(command);
    return answer;
  };
  const traits = { recalls: recalls ? driver.recalls : [], softRebootInOneCommand };
  return {
    ...(driver as Driver),
    ...traits,
    getSupportedPowerStates: async (bmc, signal) => ({
      ...(await driver.getSupportedPowerStates(bmc as Bmc<FakeInfo>, signal)),
      ...traits,
    }),
    targets: driver.targets.filter((target) => !lacks.includes(target)),
    getPowerState: (bmc, signal) => {
      looked((bmc.info as FakeInfo).fake_address);
      return driver.getPowerState(bmc as Bmc<FakeInfo>, signal);
    },
    setPowerState: (bmc, target, signal) =>
      noting(bmc, target, () => driver.setPowerState(bmc as Bmc<FakeInfo>, target, signal)),
    abortPowerState: (bmc, target, signal) =>
      noting(bmc, 'recall', () => driver.abortPowerState(bmc as Bmc<FakeInfo>, target, signal)),
  };
}
