/** Starts a simulator and says so; then waits to be killed. Argument: its folder. */
import { systemClock } from '../../src/core/clock.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { startIpmiSim } from '../../src/sim/ipmi_sim.ts';

const [directory = ''] = process.argv.slice(2);
await startIpmiSim({ directory, softOffDelayS: 1000, holds: true }, systemClock, openCancellation([]).signal).then(
  ({ pid, address, port }) => console.log(`started ${pid} ${address} ${port}`),
  ({ code, message }) => console.log(`${code} ${message}`),
);
