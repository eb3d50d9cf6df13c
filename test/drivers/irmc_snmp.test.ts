/** The SNMP client on a line where anything may happen to what the agent says. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { CountermandError } from '../../src/core/errors.ts';
import { BMC_LIMITS } from '../../src/core/limits.ts';
import { readBootStatus } from '../../src/drivers/irmc/snmp.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { newSimIrmc } from '../counterparts/sim_irmc.ts';

type Change = (datagram: Buffer) => readonly Buffer[];

/** A port that gives each question to the agent, and back what `change` makes of the answer. */
async function between(t: ExecutionContext, address: string, port: number, change: Change): Promise<number> {
  const front = createSocket('udp4');
  front.bind(0, address);
  await once(front, 'listening');
  let open = true;
  t.teardown(() => {
    open = false;
    front.close();
  });
  front.on('message', (question, asker) => {
    const back = createSocket('udp4');
    back.on('message', (answer) => {
      for (const datagram of open ? change(answer) : []) front.send(datagram, asker.port, asker.address);
      back.close();
    });
    back.send(question, port, address);
  });
  return front.address().port;
}

const USER = {
  version: 'v3',
  user: 'reader',
  authPassword: 'authentic',
  authProtocol: 'sha',
  privacyPassword: 'encrypted',
} as const;

/** More time of its own than the client may take. */
const BOUND_MS = 5000;

/** What has been done to an answer. */
const damage = fc.oneof(
  fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 255 })).map(
    ([at, by]): Change =>
      (datagram) => {
        const changed = Buffer.from(datagram);
        changed[at % changed.length] = ((changed[at % changed.length] ?? 0) + by) & 0xff;
        return [changed];
      },
  ),
  fc.nat(200).map(
    (length): Change =>
      (datagram) => [datagram.subarray(0, length % datagram.length)],
  ),
  fc.uint8Array({ maxLength: 200 }).map(
    (bytes): Change =>
      () => [Buffer.from(bytes)],
  ),
  fc.uint8Array({ maxLength: 20 }).map(
    (bytes): Change =>
      (datagram) => [Buffer.concat([datagram, Buffer.from(bytes)])],
  ),
  fc.constant<Change>((datagram) => [datagram, datagram]),
);

for (const version of ['v1', 'v2c', 'v3'] as const) {
  test(`damaged answers over SNMP ${version}: a reading, or an error of ours, and never more`, async (t) => {
    const { address, ports } = await newSimIrmc(t);
    const seen = new Map<string, number>();
    const attempt = async (change: Change): Promise<void> => {
      const port = await between(t, ownAddress(), ports.snmp, change);
      const snmp = version === 'v3' ? { ...USER, port } : { version, port, community: 'public' };
      try {
        const clock = new PatientClock();
        const reading = await clock.letPass(readBootStatus(address, snmp, clock, never()), BOUND_MS);
        seen.set('read', (seen.get('read') ?? 0) + 1);
        t.true(reading === null || ['power on', 'power off'].includes(reading.powerState));
      } catch (error) {
        t.true(error instanceof CountermandError, String(error));
        const { code } = error as CountermandError;
        t.true(code.startsWith('BMC_'), code);
        seen.set(code, (seen.get(code) ?? 0) + 1);
      }
    };
    // A few at a time: all at once, the arithmetic would delay answers until they look as if none came.
    const left = fc.sample(damage, { numRuns: 120, seed: 1 }).values();
    const lane = async (): Promise<void> => {
      for (const change of left) await attempt(change);
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    t.log(JSON.stringify([...seen]));
    t.true((seen.get('read') ?? 0) > 10, 'what is whole is read');
    t.true((seen.get('BMC_GARBLED') ?? 0) + (seen.get('BMC_SILENT') ?? 0) > 10, 'what is broken is not');
  });
}

test('an answer of one byte more than the limit is not read', async (t) => {
  const { limit, error } = BMC_LIMITS.snmp_answer_bytes;
  const { address, ports } = await newSimIrmc(t);
  const read = async (length: number) => {
    const padded: Change = (answer) => [Buffer.concat([answer, Buffer.alloc(length - answer.length)])];
    const snmp = { version: 'v2c', port: await between(t, address, ports.snmp, padded), community: 'public' } as const;
    return readBootStatus(address, snmp, new PatientClock(), never());
  };
  t.is((await read(limit))?.powerState, 'power on');
  await t.throwsAsync(read(limit + 1), { code: error } as never);
});
