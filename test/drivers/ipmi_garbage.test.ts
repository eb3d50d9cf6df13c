/** Nothing that a BMC sends may crash us, hang us, or be taken for success. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import { CountermandError } from '../../src/core/errors.ts';
import { createIpmiDriver } from '../../src/drivers/ipmi/driver.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import { type Mangle, newUdpProxy } from '../counterparts/udp_proxy.ts';

const driver = createIpmiDriver({ clock: systemClock, searchPath: process.env.PATH ?? '' });

/** The answers that a whole order takes, from the probe's to that to the end of the session. */
const ANSWERS = 12;
const LIMIT_MS = 50_000;

async function resetThrough(t: ExecutionContext, mangle: Mangle) {
  const sim = await newIpmiSim(t);
  const port = await newUdpProxy(t, sim, mangle);
  const bmc = driver.parse({ ...infoOf(sim), ipmi_port: String(port) });
  const startedAt = systemClock.monotonic();
  const outcome = await driver.setPowerState(bmc, 'rebooting', never()).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  t.true(systemClock.monotonic() - startedAt < LIMIT_MS);
  t.deepEqual(await processesWith('ipmitool', String(port), sim.address), []);
  const resets = (await sim.received()).filter((command) => command === 'reset').length;
  return { outcome, resets };
}

test('through the proxy alone, an order is carried out', async (t) => {
  t.deepEqual(await resetThrough(t, (answer) => answer), { outcome: 'accepted', resets: 1 });
});

const isErrorOrNoDifference = test.macro(async (t, mangle: Mangle) => {
  const { outcome, resets } = await resetThrough(t, mangle);
  if (outcome === 'accepted') {
    t.is(resets, 1);
    return;
  }
  t.true(outcome instanceof CountermandError);
  t.log(String(outcome));
  t.true(resets <= 1);
});

/** An ipmitool that reads such an answer of an open session crashes. */
for (let number = 1; number <= ANSWERS; number += 1)
  test(`answer ${number} cut to 12 bytes`, isErrorOrNoDifference, (answer, at) =>
    at === number ? answer.subarray(0, 12) : answer,
  );

/** One answer spoilt: cut off, a byte changed, doubled, lost, or replaced by noise. */
const spoiling = fc.record({
  number: fc.integer({ min: 1, max: ANSWERS }),
  how: fc.oneof(
    fc.record({ cutTo: fc.nat(60) }),
    fc.record({ flip: fc.nat(60), to: fc.nat(255) }),
    fc.record({ noise: fc.uint8Array({ maxLength: 100 }) }),
    fc.constant({ lost: true }),
  ),
});
type Spoiling = typeof spoiling extends fc.Arbitrary<infer T> ? T : never;

const spoil =
  ({ number, how }: Spoiling): Mangle =>
  (answer, at) => {
    if (at !== number) return answer;
    if ('lost' in how) return null;
    if ('cutTo' in how) return answer.subarray(0, how.cutTo);
    if ('noise' in how) return Buffer.from(how.noise);
    const copy = Buffer.from(answer);
    copy[how.flip % copy.length] = how.to;
    return copy;
  };

for (const [index, spoilt] of fc.sample(spoiling, { numRuns: 20, seed: 20 }).entries()) {
  test(`spoilt answer ${index + 1}: ${JSON.stringify(spoilt).slice(0, 60)}`, isErrorOrNoDifference, spoil(spoilt));
}
