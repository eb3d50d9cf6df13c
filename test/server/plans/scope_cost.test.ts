/** What a scope costs: one that names its nodes reads those, whatever the size of the fleet, and means what it always meant. */
import test from 'ava';
import { asCountermandError } from '../../../src/core/errors.ts';
import { decide } from '../../../src/server/audits/decided.ts';
import { findScopeOf, nodesInScope, parseScope } from '../../../src/server/plans/scope.ts';
import { listAllNodes } from '../../../src/server/store/nodes.ts';
import { World } from '../../world/world.ts';

const FLEET = 40;

/** A scope, and how many rows it may read. */
const SCOPES: readonly (readonly [scope: unknown, rows: number])[] = [
  [[{ baremetal: [{ nodes: ['n7'] }] }], 1],
  [[{ baremetal: [{ nodes: ['n[3-5]', 'n4', 'n1,n20'] }] }], 5],
  [[{ baremetal: [{ nodes: ['n[3-5]'] }] }, { baremetal: [{ nodes: ['n9'] }, { nodes: ['n8'] }] }], 5],
  [[{ baremetal: [{ nodes: ['n[3-9]'] }, { exclude: [{ nodes: ['n4', 'n30'] }, { zones: ['other'] }] }] }], 8],
  [[{ baremetal: [{ nodes: ['n3', 'nowhere'] }] }], 1],
  [[{ baremetal: [{ nodes: ['n3'] }, { exclude: [{ nodes: ['nowhere'] }] }] }], 1],
  [[{ baremetal: [{ nodes: ['n3'] }, { exclude: [{ nodes: ['n3'] }] }] }], 1],
  [[{ baremetal: [{ nodes: ['n[5-'] }] }], 0],
  // These say something of nodes that they do not name.
  [[{ baremetal: [{ nodes: ['n3'] }, { zones: ['default'] }] }], FLEET],
  [[{ baremetal: [{ exclude: [{ nodes: ['n3'] }] }] }], FLEET],
  [[{ baremetal: [{ nodes: ['n3'] }] }, { baremetal: [{ exclude: [{ nodes: ['n3'] }] }] }], FLEET],
];

test('a scope reads the nodes that it names, and no others', async (t) => {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  for (let at = 1; at <= FLEET; at += 1) await world.enrol(`n${at}`);
  const { read } = world.database;
  const all = await listAllNodes(read);
  let rows = 0;
  read.on('query-response', (answer: unknown) => {
    if (Array.isArray(answer)) rows += answer.length;
  });
  const told = async (find: () => unknown): Promise<unknown> => {
    try {
      return ((await find()) as { name: string }[]).map(({ name }) => name);
    } catch (thrown) {
      return asCountermandError(thrown).message;
    }
  };
  for (const [scope, most] of SCOPES) {
    rows = 0;
    const found = await told(() => findScopeOf(scope, read));
    t.true(rows <= most, `${JSON.stringify(scope)} read ${rows} rows`);
    t.deepEqual(found, await told(() => nodesInScope(parseScope(scope), all)), JSON.stringify(scope));
  }
  await world.end();
  await world.database.close();
});

test('an audit whose strategy does not act on nodes reads none of them', async (t) => {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  for (let at = 1; at <= 5; at += 1) await world.enrol(`n${at}`);
  const { read } = world.conductor.store.database;
  let rows = 0;
  read.on('query-response', (answer: unknown) => {
    if (Array.isArray(answer)) rows += answer.length;
  });
  const audit = { name: 'look', strategy: 'dummy', parameters: {}, scope: [] };
  t.is((await decide(audit, world.conductor)).proposal.actions.length, 3);
  t.is(rows, 0);
  t.is((await decide({ ...audit, strategy: 'saving_energy' }, world.conductor)).nodes.length, 5);
  t.is(rows, 5);
  await world.end();
  await world.database.close();
});
