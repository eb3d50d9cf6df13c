/** Hundreds of exchanges, good and bad and given up, leave no socket and no timer. */
import test from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { createIrmcDriver } from '../../src/drivers/irmc/driver.ts';
import { HEALTHY_IRMC, type WebFault } from '../../src/sim/irmc/faults.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newSimIrmc } from '../counterparts/sim_irmc.ts';

/** Those of waiting itself: for the next look, and for the last. */
const WAITING_TIMERS = 2;

/** The sockets and the like that keep a process alive, by kind. */
function resources(): string {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !/Immediate|TickObject|Timeout/.test(kind));
  return kinds.sort().join();
}

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('nothing is left', async (t) => {
  const tested = await newSimIrmc(t);
  const before = resources();
  const driver = createIrmcDriver({ clock: systemClock, chance: systemChance, keepSessionMs: 0, restMs: 0 });
  const faults: readonly WebFault[] = [
    'none',
    'resets',
    'truncated',
    'huge',
    'stalls',
    'redirects',
    'endless',
    'nested',
  ];
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(
      faults.map(async (scci) => {
        const { irmc, info } = tested;
        const snmp = round % 3 === 0 ? 'wrong type' : 'none';
        irmc.faults = { ...HEALTHY_IRMC, scci, redfish: scci, snmp };
        const controller = new AbortController();
        const bmc = driver.parse(info);
        const calls = [
          driver.getPowerState(bmc, controller.signal),
          driver.setPowerState(bmc, 'inject nmi', controller.signal),
          driver.abortPowerState(bmc, 'soft power off', controller.signal),
        ];
        const settled = Promise.allSettled(calls);
        await calls[0]?.catch(() => {});
        controller.abort(fail('ABORT_REQUESTED', 'enough'));
        await settled;
      }),
    );
  }
  driver.close();
  await eventually('all to be let go of', () => resources() === before && timers() <= WAITING_TIMERS);
  t.pass();
});
