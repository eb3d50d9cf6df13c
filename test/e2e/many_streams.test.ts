/** A conductor with many open streams, read and unread: it serves others, and it ends when it is told to. */
import test from 'ava';
import { openHouse } from './house.ts';
import { Watch } from './watching.ts';

const NODES = 200;

test('SIGTERM ends a conductor whatever streams are open, also those that are never read', async (t) => {
  const house = await openHouse(t);
  const { nodes, notifications } = house.client;
  const names = Array.from({ length: NODES }, (_, at) => `n${at}`);
  await Promise.all(
    names.map((name) => nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name } })),
  );
  const single = names.map((name) => new Watch(nodes.watchNodes({ nodes: [name] })));
  const fleet = Array.from({ length: 20 }, () => new Watch(nodes.watchNodes({})));
  const events = new Watch(notifications.subscribe({ fromSequence: 1n }));
  await Promise.all([
    ...single.map((watch) => watch.until('the node', () => true)),
    ...fleet.map((watch) => watch.until('all nodes', () => watch.seen.length >= NODES)),
    events.until('an event', () => true),
  ]);
  // Read once, then left: the messages pile up at the client until the flow control stops the conductor.
  const unread = Array.from({ length: 20 }, () => nodes.watchNodes({})[Symbol.asyncIterator]());
  await Promise.all(unread.map((stream) => stream.next()));
  await nodes.updateNode({ node: 'n0', setLabels: { l: '1' } });
  await Promise.all(
    [single[0], ...fleet].map((watch) => watch?.until('the change', ({ node }) => node?.labels.l === '1')),
  );

  house.conductor.signal('SIGTERM');
  t.is(await house.conductor.ended, 0);
  for (const stream of [...single, ...fleet, events])
    t.like(await stream.ended, { status: 'UNAVAILABLE', code: 'SHUTTING_DOWN' });
});
