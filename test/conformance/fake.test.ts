/** The driver `fake`, which is its own counterpart. */
import type { ExecutionContext } from 'ava';
import { isAbort, type OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { createFakeDriver } from '../../src/drivers/fake/driver.ts';
import type { FakeHardware, FakeServer } from '../../src/drivers/fake/hardware.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import type { Bench } from './counterpart.ts';
import { conforms } from './run.ts';

const ADDRESS = 'rack1';

function benchOf(driverInfo: DriverInfo): Bench {
  const hardware: FakeHardware = new Map();
  const clock = new PatientClock();
  const driver = createFakeDriver({ clock, hardware });
  const info = { fake_address: ADDRESS, ...driverInfo };
  const asConfigured = driver.parse(info).info;
  const server = (): Partial<FakeServer> => hardware.get(ADDRESS) ?? {};
  return {
    driver,
    info,
    clock,
    takesNmi: true,
    notesRefused: false,
    power: async () => server().powerState ?? `power ${asConfigured.fake_power_state}`,
    orders: async () => (server().received ?? []).filter((target): target is OrderTarget => !isAbort(target)),
    async relieve() {
      const { settings, pending } = server();
      if (settings) Object.assign(settings, { fake_fault: 'none' });
      if (pending) pending.endsAt = clock.monotonic();
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
    'soft off takes its time': fakeWith({ fake_soft_ms: '2000' }),
    'soft off hangs': fakeWith({ fake_soft_ms: 'never' }),
    silent: fakeWith({ fake_fault: 'silent' }),
    refuses: fakeWith({ fake_fault: 'refuse' }),
    holds: fakeWith({ fake_fault: 'no_answer' }),
    'holds, and is waited for': fakeWith({ fake_fault: 'no_answer' }),
    'no session left': fakeWith({ fake_fault: 'busy' }),
    'wrong password': fakeWith({ fake_fault: 'login' }),
    garbage: fakeWith({ fake_fault: 'garbled' }),
  },
});
