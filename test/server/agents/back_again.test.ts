/** Agents that leave and come back, and streams that speak before they are let in, or after another one has their place. */
import test from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { AttachRequest } from '../../../src/gen/countermand/v1/agent.ts';
import { PowerState } from '../../../src/gen/countermand/v1/power.ts';
import type { Identity } from '../../../src/server/access/identity.ts';
import { Attachments } from '../../../src/server/agents/attachments.ts';
import { fromReading } from '../../../src/server/agents/wire.ts';
import { AGENT_LEASE_MS } from '../../world/conductors.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { World } from '../../world/world.ts';

const TIMES = { agentLeaseMs: 30_000, askTimeoutMs: 30_000 };
const HELLO = {
  agentUuid: 'one',
  name: 'one',
  zones: ['north'],
  drivers: [{ name: 'fake', driverInfoSchema: '{}' }],
};

/** Attachments of which agents are let in when the test lets them, and what was told of them. */
function open() {
  const clock = new VirtualClock();
  const written = Promise.withResolvers<void>();
  const told: string[] = [];
  const attachments = new Attachments('conductor', TIMES, clock, openCancellation([]).signal);
  attachments.listen({
    attaching: () => written.promise,
    attached: () => told.push('attached'),
    left: () => told.push('left'),
    lost: (_, reason) => told.push(`lost: ${reason}`),
    movable: () => told.push('movable'),
    reported: ({ taskUuid }) => told.push(`reported ${taskUuid}`),
  });
  /** A stream that says all this at once, and goes on to be read. */
  let identity: Identity | null = null;
  const attach = (...messages: object[]) => {
    const stream = openCancellation([]);
    const outgoing = openChannel<AttachRequest>(stream.signal);
    const say = (message: object): void => outgoing.push(AttachRequest.fromPartial({ message } as never));
    for (const message of [{ $case: 'hello', value: HELLO }, ...messages]) say(message);
    const answers = attachments.attach(outgoing, stream.signal, { embedded: false, identity });
    const heard: string[] = [];
    const done = (async () => {
      for await (const { message } of answers) heard.push(message?.$case ?? '');
    })().catch((error: Error) => heard.push(error.message));
    return { say, heard, done };
  };
  const as = (other: Identity): void => {
    identity = other;
  };
  return { clock, written, told, attachments, attach, as };
}

const report = (taskUuid: string): object => ({ $case: 'report', value: { taskUuid } });

test('what an agent says before it is welcomed counts for nothing', async (t) => {
  const { clock, written, told, attach } = open();
  const { heard, say } = attach(report('t1'), { $case: 'heartbeat', value: {} }, { $case: 'farewell', value: {} });
  await clock.settle();
  t.deepEqual([told, heard], [[], []]);
  written.resolve();
  await clock.settle();
  t.deepEqual([told, heard], [['attached'], ['welcome']]);
  say(report('t2'));
  await clock.settle();
  t.deepEqual(told, ['attached', 'reported t2']);
});

test('of two streams of one agent the second has its place; what the first still says counts for nothing, and at its end no agent is lost', async (t) => {
  const { clock, written, told, attachments, attach } = open();
  written.resolve();
  const first = attach();
  await clock.settle();
  const second = attach();
  first.say(report('t1'));
  await clock.settle();
  first.say({ $case: 'farewell', value: {} });
  await clock.settle();
  await first.done;
  t.deepEqual(first.heard, ['welcome', 'agent one attached again']);
  t.deepEqual(told, ['attached', 'reported t1', 'attached']);
  second.say({ $case: 'heartbeat', value: {} });
  await clock.settle();
  t.deepEqual(second.heard, ['welcome', 'heartbeatAck']);
  t.true(attachments.isAttached('one'));
  t.deepEqual(attachments.remembered, { claims: 0, lost: 0 });
});

test('an agent that is silent for its lease is lost; one that comes back before its BMCs may move is lost no more', async (t) => {
  const { clock, written, told, attachments, attach } = open();
  written.resolve();
  const { heard } = attach();
  await clock.turn(TIMES.agentLeaseMs - 1);
  t.deepEqual(heard, ['welcome']);
  await clock.turn(1);
  const silent = 'agent one gave no sign of life for 30 s';
  t.deepEqual(heard, ['welcome', silent]);
  t.deepEqual(told, ['attached', `lost: ${silent}`]);
  await clock.turn(2 * TIMES.agentLeaseMs - 1);
  const { say } = attach();
  await clock.settle();
  t.deepEqual(attachments.remembered, { claims: 0, lost: 0 });
  for (let beat = 0; beat < 10; beat += 1) {
    say({ $case: 'heartbeat', value: {} });
    await clock.turn(TIMES.agentLeaseMs / 3);
  }
  t.deepEqual(told, ['attached', `lost: ${silent}`, 'attached']);
});

test('an agent whose identity has ended is let go of within its lease, however alive it is', async (t) => {
  const { clock, written, attach, as } = open();
  written.resolve();
  let ended: string | null = null;
  as({ name: 'agent:n', agentZones: ['north'], objection: () => ended });
  const { heard, say } = attach();
  await clock.turn(TIMES.agentLeaseMs / 2);
  ended = 'the token n has ended';
  say({ $case: 'heartbeat', value: {} });
  await clock.turn(TIMES.agentLeaseMs / 2);
  t.deepEqual(heard, ['welcome', 'heartbeatAck', 'the token n has ended']);
});

test('a farewell leaves nothing of an agent in memory', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('n1');
  await world.clock.turn(1000);
  t.deepEqual(world.conductor.attachments.remembered, { claims: 1, lost: 0 });
  await world.stopAgent('a1');
  t.deepEqual(world.conductor.attachments.remembered, { claims: 0, lost: 0 });
});

test('an agent that comes back while it cannot be forgotten, as the database fails, is not forgotten afterwards', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const { store, attachments } = world.conductor;
  const attach = async () => {
    const stream = openCancellation([]);
    const outgoing = openChannel<AttachRequest>(stream.signal);
    outgoing.push(AttachRequest.fromPartial({ message: { $case: 'hello', value: HELLO } }));
    const answers = attachments.attach(outgoing, stream.signal);
    await world.finish(answers.next());
    return async () => {
      outgoing.end();
      while (!(await answers.next()).done);
    };
  };
  const cut = await attach();
  await cut();
  const write = store.database.write.bind(store.database);
  let refused = 0;
  Object.assign(store.database, {
    write() {
      refused += 1;
      return Promise.reject(fail('DISK_FULL', 'the test has filled the disk'));
    },
  });
  await world.clock.turn(2 * AGENT_LEASE_MS + 500);
  t.is(refused, 1);
  Object.assign(store.database, { write });
  await attach();
  await world.clock.turn(2000);
  t.deepEqual(
    (await world.database.read('agents')).map(({ name }) => name),
    ['one'],
  );
});

test('a reading is never of a time to come, whatever age an agent gives it', (t) => {
  const now = 1_000_000;
  const readAt = (ageMs: number) =>
    fromReading({ powerState: PowerState.ON, host: 0, guid: '', place: '', doubtful: false, ageMs }, now)?.readAt;
  t.deepEqual([-5000, 0, 5000].map(readAt), [now, now, now - 5000]);
});
