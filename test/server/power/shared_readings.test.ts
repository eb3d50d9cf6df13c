/** Readings of one node are shared by all who ask for one, and are taken back when all of them have gone. */
import test, { type ExecutionContext } from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { type Cancellation, openCancellation } from '../../../src/core/signals.ts';
import type { AttachResponse } from '../../../src/gen/countermand/v1/agent.ts';
import { createNodeService } from '../../../src/server/api/node_service.ts';
import { changeNode, deleteNode, enrolNode } from '../../../src/server/nodes/enrolment.ts';
import { lookAt, type ReadResult, readNode } from '../../../src/server/power/readings.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { World } from '../../world/world.ts';

const CALLERS = 5000;
const HANGS = '3600000';

/** A world with one BMC that hangs, and what the conductor says to its agent from then on. */
async function hungWorld(t: ExecutionContext) {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  const { uuid } = await world.enrol('n1');
  await world.clock.turn(1000);
  const answersAfter = (fake_answer_ms: string): void => {
    const server = world.server('n1');
    server.settings = { ...server.settings, fake_answer_ms: Number(fake_answer_ms) };
  };
  answersAfter(HANGS);
  const said: string[] = [];
  for (const attachment of world.conductor.attachments.list()) {
    const send = attachment.send.bind(attachment);
    Object.assign(attachment, {
      send(message: NonNullable<AttachResponse['message']>) {
        if (message.$case !== 'heartbeatAck') said.push(message.$case);
        send(message);
      },
    });
  }
  const looksBefore = world.looks.length;
  const node = await getNode(uuid, world.database.read);
  const ask = (cancellation: Cancellation): Promise<ReadResult> =>
    readNode(node, 'conductor', world.conductor.readings, cancellation.signal);
  return { world, node, said, answersAfter, ask, looks: () => world.looks.slice(looksBefore) };
}

const gone = fail('CALL_ENDED', 'the test has gone');

test(`${CALLERS} callers share one reading in flight and one that waits; when they have gone none is left`, async (t) => {
  const { world, said, answersAfter, ask, looks } = await hungWorld(t);
  const callers = Array.from({ length: CALLERS }, () => openCancellation([]));
  const outcomes = Promise.allSettled(callers.map(ask));
  await world.clock.turn(10_000);
  t.is(looks().length, 1);
  t.deepEqual(said, ['ask']);
  for (const caller of callers) caller.abort(gone);
  const settled = await outcomes;
  t.is(settled.filter(({ status }) => status === 'rejected').length, CALLERS);
  await world.clock.settle();
  t.deepEqual(said, ['ask', 'forgetAsk']);
  t.is(looks().length, 1, 'the reading that waited was never begun');
  answersAfter('0');
  const asksAt = world.clock.monotonic();
  t.is((await world.finish(ask(openCancellation([])))).reading?.powerState, 'power on');
  t.is(world.clock.monotonic(), asksAt, 'nothing stands before it at the BMC');
});

test('a reading that was begun before the call is no other caller’s: who asks meanwhile gets the next one', async (t) => {
  const { world, answersAfter, ask, looks } = await hungWorld(t);
  answersAfter('1000');
  const first = ask(openCancellation([]));
  await world.clock.turn(500);
  const askedAt = world.clock.monotonic();
  const later = [ask(openCancellation([])), ask(openCancellation([])), ask(openCancellation([]))];
  world.server('n1').powerState = 'power off';
  const [one, ...others] = await world.finish(Promise.all([first, ...later]));
  t.is(looks().length, 2);
  t.true((looks()[1]?.at ?? 0) >= askedAt + 500);
  t.true((one?.node.revision ?? 0) < (others[0]?.node.revision ?? 0));
  for (const other of others) t.is(other.reading?.powerState, 'power off');
});

test('one caller that leaves takes the reading from none of the others', async (t) => {
  const { world, said, answersAfter, ask } = await hungWorld(t);
  answersAfter('1000');
  const leaving = openCancellation([]);
  const left = ask(leaving);
  const stays = ask(openCancellation([]));
  const alsoLeft = ask(leaving);
  const alsoStays = ask(openCancellation([]));
  const outcomes = Promise.allSettled([left, alsoLeft]);
  leaving.abort(gone);
  t.deepEqual(
    (await outcomes).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  for (const outcome of [stays, alsoStays]) t.is((await world.finish(outcome)).reading?.powerState, 'power on');
  t.deepEqual(said, ['ask', 'forgetAsk', 'ask'], 'the first reading had no other caller');
});

test('a reading that takes too long is taken back; the next one is asked for with what the node is then', async (t) => {
  const { world, node, said, answersAfter, ask, looks } = await hungWorld(t);
  const first = ask(openCancellation([]));
  const second = lookAt(node, world.conductor.readings, openCancellation([]).signal);
  await world.clock.turn(29_000);
  answersAfter('0');
  t.like(await world.finish(first), { errorCode: 'BMC_SILENT' });
  t.is((await world.finish(second)).reading?.powerState, 'power on');
  t.deepEqual(said, ['ask', 'forgetAsk', 'ask']);
  t.is(looks().length, 2);
});

test('a question that probes the hardware is taken back when its call ends', async (t) => {
  const { world, said } = await hungWorld(t);
  const service = createNodeService(world.conductor);
  const cancellation = openCancellation([]);
  const context = { signal: cancellation.signal, trailer: new Map() };
  const asked = service.getSupportedPowerStates({ node: 'n1' }, context as never);
  const outcome = Promise.allSettled([asked]);
  await world.clock.turn(1000);
  t.deepEqual(said, ['ask']);
  cancellation.abort(gone);
  await world.finish(outcome);
  t.deepEqual(said, ['ask', 'forgetAsk']);
});

test('an agent that has lost its stream works on no question of it', async (t) => {
  const { world, answersAfter, ask, looks } = await hungWorld(t);
  const first = ask(openCancellation([]));
  await world.clock.turn(1000);
  world.agents.get('a1')?.link?.cut();
  t.like(await world.finish(first), { reading: null, errorCode: 'ATTACHMENT_ENDED' });
  await world.clock.turn(10_000);
  answersAfter('0');
  const asksAt = world.clock.monotonic();
  t.is((await world.finish(ask(openCancellation([])))).reading?.powerState, 'power on');
  t.is(world.clock.monotonic(), asksAt);
  t.is(looks().length, 2);
});

test('whoever asks by an old row of a node reads it as it is now, and a node that was deleted is not contacted', async (t) => {
  const { world, node, answersAfter, ask, looks } = await hungWorld(t);
  answersAfter('0');
  const moved = { node: 'n1', setDriverInfo: { fake_address: 'n2' } };
  const nothing = { removeDriverInfo: [], setLabels: {}, removeLabels: [] };
  await world.finish(changeNode({ ...nothing, ...moved }, world.conductor));
  await world.clock.turn(1000);
  t.is((await world.finish(ask(openCancellation([])))).reason, '');
  t.deepEqual(
    looks().map(({ address }) => address),
    ['n2', 'n2'],
  );
  await world.finish(deleteNode('n1', world.conductor));
  t.like(await world.finish(ask(openCancellation([]))), { errorCode: 'NODE_NOT_FOUND', node: { uuid: node.uuid } });
  t.is(looks().length, 2);
  t.is(world.conductor.attachments.remembered.claims, 0);
});

test('a node that is deleted and enrolled again with its uuid is not told what was read of the one before, and takes orders', async (t) => {
  const { world, node, answersAfter, ask } = await hungWorld(t);
  const { uuid, name, driver, labels } = node;
  const again = async (fake_address: string): Promise<void> => {
    await world.finish(deleteNode(name, world.conductor));
    const request = { uuid, name, driver, driverInfo: { fake_address }, zone: '', labels };
    await world.finish(enrolNode(request, world.conductor));
  };
  answersAfter('0');
  for (const target of ['power off', 'power on'] as const) {
    await world.order('n1', target);
    await world.clock.turn(20_000);
  }
  for (const address of ['n2', 'n3']) {
    for (const server of world.hardware.values()) server.settings = { ...server.settings, fake_answer_ms: 1000 };
    const reading = ask(openCancellation([]));
    await world.clock.turn(500);
    await again(address);
    t.is((await world.finish(reading)).reason, 'not recorded: it was changed, or ordered about, meanwhile');
  }
  await world.clock.turn(20_000);
  await world.order('n1', 'power off');
  await world.clock.turn(20_000);
  t.deepEqual(
    world.received.map(({ address }) => address),
    ['n1', 'n1', 'n3'],
    'its agent has seen higher fences than a new node has',
  );
});
