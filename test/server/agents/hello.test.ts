/** What an agent says is checked before it is believed, and only the agent that has a node is believed about it. */
import test, { type ExecutionContext } from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { AGENT_LIMITS } from '../../../src/core/limits.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { AttachRequest, type AttachResponse, Hello, Sending } from '../../../src/gen/countermand/v1/agent.ts';
import { PowerState, PowerTaskPhase } from '../../../src/gen/countermand/v1/power.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { World } from '../../world/world.ts';

const UUID = '6f1c2f4e-0000-4000-8000-000000000001';
const DRIVER = { name: 'rogue', driverInfoSchema: '{}', targets: [], recalls: [] };
const hello = (more: object): Hello =>
  Hello.fromPartial({ agentUuid: UUID, name: 'rogue', zones: ['elsewhere'], drivers: [DRIVER], ...more });
const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `z${at}`);

async function newWorld(t: ExecutionContext): Promise<World> {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  return world;
}

/** A stream of an agent that is not ours. */
function attach({ conductor }: World, first: Hello | null) {
  const cancellation = openCancellation([]);
  const outgoing = openChannel<AttachRequest>(cancellation.signal);
  const send = (message: AttachRequest['message']): void =>
    outgoing.push(AttachRequest.fromPartial({ message } as never));
  if (first) send({ $case: 'hello', value: first });
  const answers = conductor.attachments.attach(outgoing, cancellation.signal);
  return { send, answers, first: answers.next(), cancellation };
}

const REFUSED: readonly (readonly [name: string, hello: Hello, says: RegExp])[] = [
  ['too many zones', hello({ zones: names(AGENT_LIMITS.zones.limit + 1) }), /hello.zones: 101 zones; at most 100/],
  [
    'too many drivers',
    hello({ drivers: names(AGENT_LIMITS.drivers.limit + 1).map((name) => ({ ...DRIVER, name })) }),
    /hello.drivers: 51 drivers; at most 50/,
  ],
  [
    'too many pairs of them',
    hello({ zones: names(50), drivers: names(50).map((name) => ({ ...DRIVER, name })) }),
    /hello.zones times hello.drivers: 2500 pairs; at most 1000/,
  ],
  [
    'a schema that is too long',
    hello({ drivers: [{ ...DRIVER, driverInfoSchema: `"${'x'.repeat(AGENT_LIMITS.driver_schema.limit)}"` }] }),
    /driver_info_schema: 65538 characters; at most 65536/,
  ],
  ['a name that is too long', hello({ name: 'x'.repeat(256) }), /hello.name: 256 characters; at most 255/],
  ['a uuid that is too long', hello({ agentUuid: 'x'.repeat(37) }), /hello.agent_uuid: 37 characters; at most 36/],
  [
    'a driver whose name is too long',
    hello({ drivers: [{ ...DRIVER, name: 'x'.repeat(64) }] }),
    /hello.drivers\[0\].name: 64 characters; at most 63/,
  ],
  ['a zone with a line break', hello({ zones: ['a\nb'] }), /hello.zones\[0\] is empty, or has a control character/],
  ['no uuid', hello({ agentUuid: '' }), /hello.agent_uuid is empty/],
  ['no zone', hello({ zones: [] }), /hello.zones is empty/],
  ['a schema that is no JSON', hello({ drivers: [{ ...DRIVER, driverInfoSchema: '{' }] }), /is not JSON/],
];

for (const [name, value, says] of REFUSED) {
  test(`a hello with ${name} is refused, and nothing of it is kept`, async (t) => {
    const world = await newWorld(t);
    const { first } = attach(world, value);
    await t.throwsAsync(world.finish(first), { code: 'ARGUMENT_INVALID', message: says } as never);
    t.is(world.conductor.attachments.list().length, 0);
    t.is((await world.database.read('drivers')).length, 0);
  });
}

test('a stream on which no hello comes ends after its limit', async (t) => {
  const world = await newWorld(t);
  const { first } = attach(world, null);
  const outcome = first.catch((error) => error);
  await world.clock.turn(AGENT_LIMITS.hello_ms.limit - 1);
  t.is(await Promise.race([outcome, Promise.resolve('still open')]), 'still open');
  await world.clock.turn(2);
  t.like(await outcome, { code: 'TOOK_TOO_LONG' });
});

test('whether an agent is embedded is known by its transport, not by what it says', async (t) => {
  const world = await newWorld(t);
  const { first } = attach(world, hello({ embedded: true }));
  await world.finish(first);
  t.deepEqual(
    (await world.database.read('agents')).map(({ embedded }) => Boolean(embedded)),
    [false],
  );
});

test('a report counts only from the agent that has the node, whatever fence it names', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('ours');
  await world.enrol('n1', { fake_soft_ms: 'never' });
  const { uuid, fence } = await world.order('n1', 'soft power off');
  await world.clock.turn(1000);
  const before = await getPowerTask(uuid, world.database.read);
  t.is(before.state, 'CONFIRMING');
  const rogue = attach(world, hello({ zones: ['default'] }));
  t.is(((await world.finish(rogue.first)).value as AttachResponse).message?.$case, 'welcome');
  const next = rogue.answers.next();
  for (let guess = 0; guess <= before.fence + 1; guess += 1) {
    const value = {
      taskUuid: uuid,
      fence: guess,
      phase: PowerTaskPhase[before.phase],
      sending: Sending.ACCEPTED,
      observed: { powerState: PowerState.OFF },
      seenDown: true,
    };
    rogue.send({ $case: 'report', value } as never);
  }
  await world.clock.settle();
  const answer = (await next).value as AttachResponse;
  t.is(answer.message?.$case, 'forget', 'the rogue is told to let go of it');
  const after = await getPowerTask(uuid, world.database.read);
  t.is(after.state, 'CONFIRMING');
  t.is(after.observedPowerState, before.observedPowerState);
  t.true(fence > 0);
  t.is((await getNode('n1', world.database.read)).powerState, 'power on');
});
