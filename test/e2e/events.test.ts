/** The notifications, as those hear them who subscribe: from any number on, live, none missed and none twice. */
import test from 'ava';
import type { Metadata } from 'nice-grpc';
import type { SubscribeResponse } from '../../src/gen/countermand/v1/notification.ts';
import { allEvents, type Client, type Event, plainEvents } from './client.ts';
import { openHouse } from './house.ts';
import { enrol, order, refresh, subscribe, untilAtRest, untilPeace } from './orders.ts';
import { runHere } from './processes.ts';
import { refused } from './refusals.ts';
import { checkTrail, numbersOf } from './trail.ts';
import { Watch } from './watching.ts';

const NAMES = Array.from({ length: 8 }, (_, index) => `n${index + 1}`);
const ROUND = ['OFF', 'ON', 'SOFT_POWER_OFF', 'SOFT_REBOOT', 'ABORT_SOFT_POWER_OFF'] as const;

async function enrolFakes(client: Client): Promise<void> {
  await Promise.all(NAMES.map((name) => enrol(client, name, 'fake', { fake_address: name })));
}

/** One order after the other on every node, all nodes side by side. */
async function bustle(client: Client, rounds: number): Promise<void> {
  const targets = Array.from({ length: rounds }, () => ROUND).flat();
  const work = async (name: string): Promise<void> => {
    for (const target of targets) await untilAtRest(order(client, name, target));
  };
  await Promise.all(NAMES.map(work));
}

/** Hangs up after every `count` events, and asks for the rest. */
async function* inPieces({ notifications }: Client, count: number): AsyncGenerator<Event> {
  for (let next = 0; ; ) {
    let left = count;
    for await (const event of plainEvents(notifications.subscribe({ fromSequence: BigInt(next) }))) {
      yield event;
      next = event.sequence + 1;
      left -= 1;
      if (left === 0) break;
    }
  }
}

test('whoever subscribes hears each event once, whenever they come and however often they hang up', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const first = subscribe(client);
  await enrolFakes(client);
  const live = new Watch(plainEvents(client.notifications.subscribe({})));
  const pieces = [1, 3, 10].map((count) => new Watch(inPieces(client, count)));
  await bustle(client, 1);
  const second = subscribe(client, 5);
  await bustle(client, 1);

  const events = await checkTrail(t, client);
  const numbers = numbersOf(events);
  const newest = numbers.at(-1) ?? 0;
  t.true(numbers.length > 150, `only ${numbers.length} events`);
  for (const watch of [first, second, live, ...pieces])
    await watch.until('the last event', ({ sequence }) => sequence === newest);
  t.deepEqual(first.seen, [...events]);
  t.deepEqual(
    numbersOf(second.seen),
    numbers.filter((number) => number >= 5),
  );
  t.deepEqual(numbersOf(live.seen), numbers.slice(-live.seen.length), 'live events come without a gap');
  for (const { seen } of pieces) t.deepEqual(numbersOf(seen), numbers);
});

test('what was heard before a SIGKILL stands afterwards, and the rest is heard by who asks for it', async (t) => {
  const house = await openHouse(t);
  await enrolFakes(house.client);
  const { databaseId } = await house.client.notifications.getNewestSequence({});
  const before = subscribe(house.client);
  const work = bustle(house.client, 100).catch(() => {});
  await before.until('a good deal of events', () => before.seen.length > 60);
  await house.kill('conductor');
  await Promise.all([work, before.ended]);
  await house.start('conductor');
  const after = subscribe(house.client, (before.seen.at(-1)?.sequence ?? 0) + 1);
  // The pretended servers have forgotten what was ordered; there is no need to wait for it.
  for (const target of ['ABORT_SOFT_POWER_OFF', 'ABORT_SOFT_REBOOT'] as const)
    await Promise.all(NAMES.map((name) => untilAtRest(order(house.client, name, target))));
  await untilPeace(house.client);

  const events = await checkTrail(t, house.client);
  const last = events.at(-1)?.sequence ?? 0;
  await after.until('the last event', ({ sequence }) => sequence >= last);
  const heard = [...before.seen, ...after.seen];
  t.deepEqual(heard.slice(0, events.length), [...events]);
  // The id is that of the database, not of the process.
  t.is((await house.client.notifications.getNewestSequence({})).databaseId, databaseId);
});

test('a subscription takes globs, and may end at the present', async (t) => {
  const { client } = await openHouse(t, { here: true });
  await enrol(client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  await untilAtRest(order(client, 'n1', 'SOFT_POWER_OFF', { timeout: 5 }));
  await untilAtRest(order(client, 'n1', 'ABORT_SOFT_POWER_OFF'));
  const typesOf = async (...eventTypes: string[]): Promise<string[]> => {
    const watch = new Watch(
      plainEvents(client.notifications.subscribe({ fromSequence: 0n, eventTypes, stopAtPresent: true })),
    );
    t.is(await watch.ended, null);
    return watch.seen.map(({ type }) => type.replace('baremetal.node.', ''));
  };
  // The abort leaves `error` until the next reading.
  await refresh(client, 'n1');
  const all = [
    'create.start',
    'create.end',
    'power_state_corrected.success',
    'power_set.start',
    'power_set.error',
    'power_abort.start',
    'power_abort.end',
    'power_state_corrected.success',
  ];
  t.deepEqual(await typesOf(), all);
  t.deepEqual(await typesOf('*'), all);
  t.deepEqual(await typesOf('baremetal.node.power_abort.*'), ['power_abort.start', 'power_abort.end']);
  t.deepEqual(await typesOf('*.error', '*.success'), [
    'power_state_corrected.success',
    'power_set.error',
    'power_state_corrected.success',
  ]);
  t.deepEqual(await typesOf('baremetal.node.power_set.start'), ['power_set.start']);
  t.deepEqual(await typesOf('baremetal_node*', 'power_set.start', '*.(start)', ''), []);

  t.deepEqual(await typesOf(`${'*'.repeat(999)}x`), []);

  const nothing = new Watch(plainEvents(client.notifications.subscribe({ stopAtPresent: true })));
  t.is(await nothing.ended, null);
  t.deepEqual(nothing.seen, []);
  const negative = subscribe(client, -1).until('an event', () => true);
  await refused(t, negative, { status: 'INVALID_ARGUMENT', code: 'ARGUMENT_INVALID', says: /from_sequence is -1/ });
});

/** The headers of a subscription, as soon as they come: no event has to come before. */
async function headersOf({ notifications }: Client): Promise<Record<string, string>> {
  const headers = Promise.withResolvers<Record<string, string>>();
  const onHeader = (metadata: Metadata): void =>
    headers.resolve(Object.fromEntries([...metadata].map(([key, [value]]) => [key, String(value)])));
  const hangUp = new AbortController();
  const stream = notifications.subscribe({}, { onHeader, signal: hangUp.signal })[Symbol.asyncIterator]();
  const waiting = stream.next().catch(() => null);
  const found = await headers.promise;
  hangUp.abort();
  await waiting;
  return found;
}

test('a consumer that resumes beyond the end, or at another database, is told so', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  await untilAtRest(order(client, 'n1', 'OFF'));
  const events = await allEvents(client);
  const newest = events.at(-1)?.sequence ?? 0;
  const { databaseId, newestSequence } = await client.notifications.getNewestSequence({});
  t.is(Number(newestSequence), newest);
  t.regex(databaseId, /^[\da-f]{32}$/);

  const headers = await headersOf(client);
  t.is(headers['countermand-database-id'], databaseId);
  t.is(headers['countermand-newest-sequence'], String(newest));

  const answers: SubscribeResponse[] = [];
  for await (const answer of client.notifications.subscribe({ fromSequence: 1n, stopAtPresent: true, databaseId }))
    answers.push(answer);
  t.deepEqual(
    answers.map((answer) => answer.databaseId),
    answers.map((_, index) => (index === 0 ? databaseId : '')),
  );

  const next = new Watch(
    plainEvents(client.notifications.subscribe({ fromSequence: BigInt(newest + 1), stopAtPresent: true })),
  );
  t.is(await next.ended, null, 'the number after the newest is where a consumer goes on');
  const beyond = subscribe(client, newest + 2).until('an event', () => true);
  await refused(t, beyond, {
    status: 'OUT_OF_RANGE',
    code: 'EVENTS_OUT_OF_RANGE',
    says: new RegExp(`from_sequence is ${newest + 2}, and the newest event is ${newest}`),
  });
  const foreign = new Watch(
    plainEvents(client.notifications.subscribe({ fromSequence: 1n, databaseId: 'f'.repeat(32) })),
  );
  await refused(
    t,
    foreign.until('an event', () => true),
    {
      status: 'FAILED_PRECONDITION',
      code: 'EVENTS_OF_ANOTHER_DATABASE',
      says: new RegExp(`this is database ${databaseId}`),
    },
  );

  const at = { COUNTERMAND_CONDUCTOR: house.address };
  const position = await runHere(['events', '--position'], at);
  t.regex(position.stdout, new RegExp(`^newest event \\d+, database ${databaseId}$`));
  const far = await runHere(['events', '--from', '99999'], at);
  t.is(far.exitCode, 2);
  t.regex(far.stderr, /EVENTS_OUT_OF_RANGE|the newest event is \d+/);
  const other = await runHere(['events', '--from', '1', '--database', 'f'.repeat(32)], at);
  t.is(other.exitCode, 5, other.stderr);
});
