/** The driver `fake`, which is its own counterpart. */
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { isAbort, type OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { createFakeDriver } from '../../src/drivers/fake/driver.ts';
import type { FakeHardware, FakeServer } from '../../src/drivers/fake/hardware.ts';
import type { Bench } from './counterpart.ts';
import { conforms } from './run.ts';

const ADDRESS = 'rack1';

function benchOf(driverInfo: DriverInfo): Bench {
  const hardware: FakeHardware = new Map();
  const driver = createFakeDriver({ clock: systemClock, hardware });
  const info = { fake_address: ADDRESS, ...driverInfo };
  const asConfigured = driver.parse(info).info;
  const server = (): Partial<FakeServer> => hardware.get(ADDRESS) ?? {};
  return {
    driver,
    info,
    takesNmi: true,
    power: async () => server().powerState ?? `power ${asConfigured.fake_power_state}`,
    orders: async () => (server().received ?? []).filter((target): target is OrderTarget => !isAbort(target)),
    async relieve() {
      const { settings, pending } = server();
      if (settings) Object.assign(settings, { fake_fault: 'none' });
      if (pending) pending.endsAt = systemClock.monotonic();
    },
    processes: async () => 0,
  };
}

const fakeWith = (driverInfo: DriverInfo) => async (_: ExecutionContext) => benchOf(driverInfo);

conforms({
  name: 'fake',
  situations: {
    on: fakeWith({}),
    off: fakeWith({ fake_power_state: 'off' }),
    'soft off takes 2 s': fakeWith({ fake_soft_ms: '2000' }),
    'soft off hangs': fakeWith({ fake_soft_ms: 'never' }),
    silent: fakeWith({ fake_fault: 'silent' }),
    refuses: fakeWith({ fake_fault: 'refuse' }),
    holds: fakeWith({ fake_fault: 'no_answer' }),
    'no session left': fakeWith({ fake_fault: 'busy' }),
    'wrong password': fakeWith({ fake_fault: 'login' }),
    garbage: fakeWith({ fake_fault: 'garbled' }),
  },
});
