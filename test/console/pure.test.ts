/** What the console shows, as far as it needs no browser. */
import test from 'ava';
import { Status } from 'nice-grpc-web';
import { CallError, failureOf } from '../../src/console/calls.ts';
import { beginnings } from '../../src/console/event_range.ts';
import { graphOf } from '../../src/console/graph.ts';
import { NodeTable } from '../../src/console/node_table.ts';
import { forEach, planFor, typedNumber } from '../../src/console/orders.ts';
import { addressOf, placeOf } from '../../src/console/place.ts';
import { isDangerous, takesBack, targetLabel } from '../../src/console/words.ts';
import { Node } from '../../src/gen/countermand/v1/node.ts';
import { PowerState, PowerTarget } from '../../src/gen/countermand/v1/power.ts';

const action = (uuid: string, position: number, ...parents: string[]) => ({ uuid, position, parents });

test('the graph: a column for each step, children right of all their parents', (t) => {
  const { boxes, edges, columns, rows } = graphOf([
    action('d', 3, 'b', 'c'),
    action('a', 0),
    action('b', 1, 'a'),
    action('c', 2),
    action('e', 4, 'gone'),
  ]);
  const places = boxes.map(({ action: { uuid }, column, row }) => [uuid, column, row]);
  t.deepEqual(places, [
    ['a', 0, 0],
    ['c', 0, 1],
    ['e', 0, 2],
    ['b', 1, 0],
    ['d', 2, 0],
  ]);
  t.deepEqual(
    edges.map(([from, to]) => `${from.action.uuid}${to.action.uuid}`),
    ['ab', 'bd', 'cd'],
  );
  t.deepEqual([columns, rows], [3, 3]);
});

test('the graph: a chain of 50,000, none, and a circle', (t) => {
  const chain = Array.from({ length: 50_000 }, (_, at) => action(`${at}`, at, ...(at > 0 ? [`${at - 1}`] : [])));
  t.is(graphOf(chain).columns, 50_000);
  t.like(graphOf([]), { columns: 0, rows: 0 });
  t.is(graphOf([action('a', 0, 'b'), action('b', 1, 'a')]).boxes.length, 2);
});

const node = (name: string, more: Partial<Node> = {}) => Node.fromPartial({ uuid: `u-${name}`, name, ...more });
const ALL = { text: '', kind: 'all' } as const;

test('the nodes: in the order of counting, as they are told, and without those that were deleted', (t) => {
  const table = new NodeTable();
  const names = (): string[] => table.rows(ALL, 0).map(({ name }) => name);
  table.begin();
  for (const name of ['n10', 'n9', 'm1']) table.take({ node: node(name), deleted: false });
  t.deepEqual(names(), ['m1', 'n9', 'n10']);
  table.take({ node: node('n9', { maintenance: true }), deleted: false });
  t.true(table.rows(ALL, 0)[1]?.maintenance);
  table.take({ node: { ...node('n9'), name: 'z' }, deleted: false });
  t.deepEqual(names(), ['m1', 'n10', 'z'], 'a new name');
  table.take({ node: node('m1'), deleted: true });
  t.deepEqual(names(), ['n10', 'z']);

  // The next stream tells one of two: the other stays until it has told as many as there are.
  table.begin();
  table.take({ node: node('n10'), deleted: false });
  table.sweep(2);
  t.deepEqual([table.told, names()], [1, ['n10', 'z']]);
  table.sweep(1);
  t.deepEqual([table.told, names()], [1, ['n10']]);
});

test('the nodes: what is looked for', (t) => {
  const table = new NodeTable();
  table.begin();
  const problem = { code: 'BMC_SILENT', message: '', since: undefined };
  for (const each of [
    node('on', { powerState: PowerState.ON, labels: { rack: '7' } }),
    node('off', { powerState: PowerState.OFF, zone: 'Rack=7x' }),
    node('held', { powerState: PowerState.ON, heldBy: 'task' }),
    node('window', { powerState: PowerState.ERROR, mayStillChangeUntil: new Date(5000) }),
    node('silent', { powerState: PowerState.ON, problem }),
    node('failed', { lastError: 'it did not' }),
    node('frozen', { powerState: PowerState.OFF, frozen: 'until freeze f1 is lifted: a new rack' }),
  ])
    table.take({ node: each, deleted: false });
  const found = (text: string, kind: Parameters<NodeTable['rows']>[0]['kind'], nowMs = 1000): string =>
    table
      .rows({ text, kind }, nowMs)
      .map(({ name }) => name)
      .join();
  t.is(found('rack=7', 'all'), 'off,on');
  t.is(found(' RACK=7 ', 'on'), 'on');
  t.is(found('', 'problem'), 'failed,silent');
  t.is(found('', 'held'), 'held');
  t.is(found('', 'window'), 'window');
  t.is(found('', 'window', 5000), '');
  t.is(found('', 'other'), 'failed,window');
  t.is(found('', 'maintenance'), '');
  t.is(found('', 'frozen'), 'frozen');
});

test('an address leads back to its place, whatever its name', (t) => {
  for (const one of ['r7n1', 'a/b', 'ü %', '%']) t.deepEqual(placeOf(addressOf('nodes', one)), { page: 'nodes', one });
  t.deepEqual(placeOf(addressOf('events')), { page: 'events', one: null });
  for (const hash of ['', '#', '#/nope/1', '#/constructor']) t.is(placeOf(hash).page, 'nodes', hash);
  t.deepEqual(placeOf('#/nodes/%E0'), { page: 'nodes', one: '%E0' });
});

test('orders that stop a running system are dangerous, and none that ends another', (t) => {
  const targets = Object.values(PowerTarget).filter((value) => value > 0);
  t.deepEqual(targets.filter((value) => !isDangerous(value)).map(targetLabel), [
    'Power on',
    'Abort soft reboot',
    'Abort soft power off',
    'Abort NMI',
  ]);
  t.deepEqual(targets.filter(takesBack).map(targetLabel), ['Abort soft reboot', 'Abort soft power off', 'Abort NMI']);
  t.true(isDangerous(PowerTarget.UNRECOGNIZED), 'one that this page does not know');
});

test('a call that failed: who has refused it, whether the conductor is away, and whether it may have been done', (t) => {
  const of = (status: Status, code: string) => {
    const { kind, mayBeDone, sentence } = failureOf(new CallError(status, code, 'why'));
    return [kind, mayBeDone, sentence];
  };
  t.deepEqual(of(Status.FAILED_PRECONDITION, 'NODE_HELD'), ['refused', false, 'why']);
  t.deepEqual(of(Status.UNAVAILABLE, 'AGENT_NOT_ATTACHED'), ['refused', false, 'why'], 'the conductor has answered');
  t.deepEqual(of(Status.UNAUTHENTICATED, 'UNAUTHENTICATED'), ['signed out', false, 'why']);
  t.deepEqual(of(Status.UNAVAILABLE, 'NOT_LEADING'), ['lost', false, 'why']);
  t.deepEqual(of(Status.UNAVAILABLE, 'LEADERSHIP_LOST'), ['lost', true, 'why']);
  t.deepEqual(of(Status.UNKNOWN, ''), ['lost', true, 'the conductor does not answer']);
  t.like(failureOf(new TypeError('Failed to fetch')), { kind: 'lost', mayBeDone: true });
});

test('the events begin after the last that was seen, else a hundred before the newest, else at the oldest that is kept', (t) => {
  t.deepEqual(beginnings(undefined, 0n), [1n, 0n]);
  t.deepEqual(beginnings(undefined, 250n), [151n, 0n]);
  t.deepEqual(beginnings(7n, 250n), [8n, 151n, 0n]);
});

test('an order for many is a plan; more nodes than one look confirms have to be typed', async (t) => {
  const { name, actions, start } = planFor(['n1', 'n2'], PowerTarget.OFF, 'one');
  t.deepEqual([name, start], ['off n1, n2', false]);
  t.deepEqual(actions[1]?.inputParameters, { resource_id: 'n2', state: 'power off' });
  t.is(
    planFor(
      Array.from({ length: 150 }, (_, at) => 'n'.repeat(200 - at)),
      PowerTarget.OFF,
      'one',
    ).name.length,
    255,
  );
  t.is(typedNumber({ count: 20, confirmAbove: 20 }), undefined);
  t.is(typedNumber({ count: 21, confirmAbove: 20 }), 21);
  t.is(typedNumber(undefined), undefined);

  let atOnce = 0;
  const done: number[] = [];
  await forEach([1, 2, 3, 4, 5, 6, 7], async (each) => {
    atOnce += 1;
    t.true(atOnce <= 3);
    await Promise.resolve();
    atOnce -= 1;
    done.push(each);
  });
  t.is(done.length, 7);
});
