/** Nothing that a BMC sends may crash us, hang us, or be taken for success. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { CountermandError } from '../../src/core/errors.ts';
import { ANSWER_LIMIT_S } from '../../src/drivers/ipmi/ipmitool/command.ts';
import { IPMI_TRANSPORTS, type IpmiTransport, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, sharedIpmiSims } from '../counterparts/ipmi_sim.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import { type Mangle, newUdpProxy, UNCHANGED } from '../counterparts/udp_proxy.ts';

const borrowSim = sharedIpmiSims(8);

/** The answers that a whole order takes, from the probe's to that to the end of the session. */
const ANSWERS = 12;
/** The same for the native client: the session, the privilege level, the order. */
const NATIVE_ANSWERS = 5;
/** More time of its own than the driver may take. */
const BOUND_MS = 50_000;

async function resetThrough(t: ExecutionContext, transport: IpmiTransport, mangle: Mangle) {
  const [sim, clock] = [await borrowSim(t), new PatientClock()];
  const driver = newIpmiDriver({ clock, answerLimitS: ANSWER_LIMIT_S });
  t.teardown(() => driver.close());
  const port = await newUdpProxy(t, sim, mangle);
  const bmc = driver.parse({ ...infoOf(sim), ipmi_port: String(port), ipmi_transport: transport });
  const order = driver.setPowerState(bmc, 'rebooting', never());
  const outcome = await clock.letPass(order, mangle === UNCHANGED ? 0 : BOUND_MS).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  if (transport === 'ipmitool') t.deepEqual(await processesWith('ipmitool', String(port), sim.address), []);
  const resets = (await sim.received()).filter((command) => command === 'reset').length;
  return { outcome, resets };
}

for (const transport of IPMI_TRANSPORTS) {
  test(`${transport}: through the proxy alone, an order is carried out`, async (t) => {
    t.deepEqual(await resetThrough(t, transport, UNCHANGED), { outcome: 'accepted', resets: 1 });
  });
}

const isErrorOrNoDifference = test.macro(async (t, transport: IpmiTransport, mangle: Mangle) => {
  const { outcome, resets } = await resetThrough(t, transport, mangle);
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
  test(`ipmitool: answer ${number} cut to 12 bytes`, isErrorOrNoDifference, 'ipmitool', (answer, at) =>
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
  const title = `spoilt answer ${index + 1}: ${JSON.stringify(spoilt).slice(0, 60)}`;
  test(`ipmitool: ${title}`, isErrorOrNoDifference, 'ipmitool', spoil(spoilt));
  // The native client asks less: what is spoilt must be one of its answers.
  const number = 1 + (spoilt.number % NATIVE_ANSWERS);
  test(`native: ${title}`, isErrorOrNoDifference, 'native', spoil({ ...spoilt, number }));
}
