/** Nodes that are reached through one BMC, in every order of being enrolled: by the BMC's place, or by that of one of its Systems. */
import test from 'ava';
import { getNode } from '../../../src/server/store/nodes.ts';
import { World } from '../../world/world.ts';
import { endWorld } from '../plan_making.ts';

const SYSTEM = '/redfish/v1/Systems';

/** The places of two nodes, and whether one BMC is behind both. */
const PAIRS: readonly [string, string, boolean][] = [
  ['10.0.7.1', '10.0.7.1', true],
  ['10.0.7.1', `10.0.7.1${SYSTEM}/1`, true],
  [`10.0.7.1${SYSTEM}/1`, `10.0.7.1${SYSTEM}/1`, true],
  [`10.0.7.1${SYSTEM}/1`, `10.0.7.1${SYSTEM}/2`, false],
  ['10.0.7.1', `10.0.7.10${SYSTEM}/1`, false],
  ['10.0.7.1', '10.0.7.1:624', false],
  ['10.0.7.1:624', `10.0.7.1${SYSTEM}/1`, false],
  ['fe80::1', `fe80::1${SYSTEM}/1`, true],
];
const both = PAIRS.flatMap(([one, other, same]) =>
  one === other
    ? [[one, other, same] as const]
    : ([
        [one, other, same],
        [other, one, same],
      ] as const),
);
for (const [one, other, same] of both)
  test(`${one}, then ${other}: ${same ? 'one BMC' : 'two servers'}`, async (t) => {
    const world = await World.create();
    t.teardown(() => world.database.close());
    await world.startAgent('a1');
    const guid = '11111111222233334444555555555555';
    for (const [name, place] of [
      ['n1', one],
      ['n2', other],
    ] as const) {
      await world.enrol(name, { fake_place: place, fake_soft_ms: 'never', fake_guid: guid });
      await world.clock.turn(1000);
    }
    const { read } = world.database;
    const nodes = [await getNode('n1', read), await getNode('n2', read)];
    t.deepEqual(
      nodes.map(({ problem }) => problem?.code ?? null),
      same ? ['BMC_TAKEN', 'BMC_TAKEN'] : [null, null],
    );
    // A GUID that one server bears proves which it is, however many nodes lead to it.
    t.deepEqual(
      nodes.map(({ guidShared }) => guidShared),
      [!same, !same],
    );
    await world.order('n1', 'soft power off');
    const second = world.order('n2', 'soft power off');
    if (same) await t.throwsAsync(second, { code: 'NODE_HELD' } as object);
    else await t.notThrowsAsync(second);
    await endWorld(world);
  });
