/** Which connections have a place: those of clients are counted, those of agents are not, and agents find a spare one. */
import test from 'ava';
import { OPEN_LIMITS } from '../../../src/core/limits.ts';
import { ConnectionPlaces, type Place } from '../../../src/server/api/connection_places.ts';

const MANY_FILES = 1_000_000;
const {
  grpc_connections: { limit: ALL },
  grpc_connections_of_address: { limit: OF_ADDRESS },
  spare_connections: { limit: SPARE },
  spare_connections_of_address: { limit: SPARE_OF_ADDRESS },
} = OPEN_LIMITS;

/** Takes places for a number of connections from one address. */
const enter = (places: ConnectionPlaces, count: number, address: string): (Place | null)[] =>
  Array.from({ length: count }, () => places.enter(address));
const kindsOf = (places: readonly (Place | null)[]): string[] => [
  ...new Set(places.map((place) => place?.kind ?? 'none')),
];

/** All places of clients, taken from as few addresses as possible. */
function filled(): ConnectionPlaces {
  const places = new ConnectionPlaces(MANY_FILES);
  for (let at = 0; at < ALL / OF_ADDRESS; at += 1) enter(places, OF_ADDRESS, `client ${at}`);
  return places;
}

test('one connection more than the limit has a spare place, and one more than those has none', (t) => {
  const places = filled();
  for (let at = 0; at < SPARE; at += 1) t.is(places.enter(`other ${at}`)?.kind, 'spare');
  t.is(places.enter('one more'), null);
});

test('one connection more than the limit of an address has a spare place, and leaves others their own', (t) => {
  const places = new ConnectionPlaces(MANY_FILES);
  t.deepEqual(kindsOf(enter(places, OF_ADDRESS, 'loud')), ['client']);
  t.deepEqual(kindsOf(enter(places, SPARE_OF_ADDRESS, 'loud')), ['spare']);
  t.is(places.enter('loud'), null);
  t.is(places.enter('quiet')?.kind, 'client');
});

test('an agent that attaches takes no place of a client, and one that leaves takes one again', (t) => {
  const places = new ConnectionPlaces(MANY_FILES);
  const own = enter(places, OF_ADDRESS, 'rack');
  for (const place of own) place?.toAgent();
  t.deepEqual(kindsOf(enter(places, OF_ADDRESS, 'rack')), ['client']);
  for (const place of own) place?.toClient();
  t.deepEqual(kindsOf(own), ['spare']);
});

test('agents find a spare place when clients have taken all theirs, and keep it', (t) => {
  const places = filled();
  const agents = Array.from({ length: 10 * SPARE }, (_, at) => {
    const place = places.enter(`agent ${at}`);
    place?.toAgent();
    return place;
  });
  t.deepEqual(kindsOf(agents), ['agent']);
});

test('a place that was left can be taken again, and is left once', (t) => {
  const places = new ConnectionPlaces(MANY_FILES);
  const [first] = enter(places, OF_ADDRESS, 'loud');
  first?.leave();
  first?.leave();
  first?.toAgent();
  t.is(places.enter('loud')?.kind, 'client');
  t.is(places.enter('loud')?.kind, 'spare');
});

test('clients have a quarter of the files, one address half of that', (t) => {
  const places = new ConnectionPlaces(64);
  t.deepEqual(kindsOf(enter(places, 8, 'one')), ['client']);
  t.is(places.enter('one')?.kind, 'spare');
  t.deepEqual(kindsOf(enter(places, 8, 'two')), ['client']);
  t.is(places.enter('three')?.kind, 'spare');
});
