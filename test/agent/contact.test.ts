/** The contact of an agent with its conductor: a stream on which nothing comes for a lease is given up, and no other. */
import test from 'ava';
import * as z from 'zod';
import { runAgent } from '../../src/agent/agent.ts';
import { fail } from '../../src/core/errors.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { type Driver, defineDriver } from '../../src/drivers/driver.ts';
import { type AttachRequest, type AttachResponse, Welcome } from '../../src/gen/countermand/v1/agent.ts';
import { seededChance } from '../world/chance.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

/** An agent whose conductor welcomes it with this lease, and answers its heartbeats for a time. */
async function openAgent(agentLeaseMs: number, answersMs: number, drivers: readonly Driver[] = []) {
  const clock = new VirtualClock();
  const shutdown = openCancellation([]);
  const lost: string[] = [];
  const beats: unknown[] = [];
  async function* attach(outgoing: AsyncIterable<AttachRequest>): AsyncGenerator<AttachResponse> {
    const welcome = { conductorUuid: 'c1', agentLeaseMs, heartbeatIntervalMs: agentLeaseMs / 3 };
    for await (const { message } of outgoing) {
      if (message?.$case === 'hello') yield { message: { $case: 'welcome', value: Welcome.fromPartial(welcome) } };
      if (message?.$case === 'heartbeat') beats.push(message.value);
      if (message?.$case === 'heartbeat' && clock.monotonic() < answersMs)
        yield { message: { $case: 'heartbeatAck', value: {} } };
      if (message?.$case === 'farewell') return;
    }
  }
  const log = {
    info: () => {},
    warn: (fields: object) => void lost.push(`${clock.monotonic()}: ${JSON.stringify(fields)}`),
  };
  const parts = { attach, drivers, name: 'a1', zones: ['default'], embedded: false, minCommandIntervalMs: null };
  const secrets = { folder: null, environment: {} };
  const done = runAgent({ ...parts, secrets, clock, chance: seededChance(1), log }, shutdown.signal);
  return {
    clock,
    lost,
    beats,
    async end() {
      shutdown.abort(fail('SHUTTING_DOWN', 'the test is over'));
      await clock.turn(10_000);
      await done;
    },
  };
}

test('a lease may be longer than what an agent waits for its welcome', async (t) => {
  const { clock, lost, end } = await openAgent(600_000, Number.POSITIVE_INFINITY);
  await clock.turn(3_600_000);
  t.deepEqual(lost, []);
  await end();
});

for (const leaseMs of [600_000, 1000])
  test(`when the conductor falls silent, the stream ends after the lease of ${leaseMs / 1000} s`, async (t) => {
    const { clock, lost, end } = await openAgent(leaseMs, 1);
    await clock.turn(leaseMs);
    t.is(lost.length, 1);
    t.regex(lost[0] ?? '', new RegExp(`^${leaseMs}: .*nothing was heard from the conductor for ${leaseMs / 1000} s`));
    await end();
  });

test('each heartbeat says how many sessions with BMCs the drivers have open', async (t) => {
  let open = 2;
  const never = async () => t.fail();
  const parts = {
    schema: z.object({}),
    keyOf: () => 'k',
    getPowerState: never as never,
    setPowerState: never as never,
  };
  const drivers = [
    defineDriver({ name: 'keeps', sessions: () => open, ...parts }),
    defineDriver({ name: 'other', ...parts }),
  ];
  const { clock, beats, end } = await openAgent(30_000, Number.POSITIVE_INFINITY, drivers as never);
  await clock.turn(1);
  open = 3;
  await clock.turn(10_000);
  t.deepEqual(beats, [{ sessions: [{ driver: 'keeps', open: 2 }] }, { sessions: [{ driver: 'keeps', open: 3 }] }]);
  await end();
});
