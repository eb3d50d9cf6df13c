/** What a conductor says of itself to who sees a part of the nodes: nothing of zones, agents, drivers and clouds beside them. */
import test from 'ava';
import { Rights } from '../../src/server/access/rights.ts';
import { agentsOf, driversOf, statusOf, zonesOf } from '../../src/server/api/status.ts';
import { View } from '../../src/server/api/view.ts';
import { World } from '../world/world.ts';

test('agents, zones, drivers and clouds are told as far as nodes of theirs are seen', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('near', ['default', 'spare']);
  await world.startAgent('far', ['dark']);
  await world.startAgent('gone', ['dark']);
  await world.enrol('n1');
  await world.enrol('n2');
  await world.database.read('nodes').where({ name: 'n2' }).update({ zone: 'dark' });
  await world.killAgent('gone');
  await world.clock.settle();
  const cloud = {
    name: 'cloud',
    source: null,
    poll: { lastAt: null, seen: { up: 1, down: 0 }, failing: new Error('off') },
  };
  const conductor = { ...world.conductor, followed: { list: () => [cloud] } } as never;
  const told = async (zones: readonly string[]): Promise<object> => {
    const grant = {
      verbs: ['node.read'],
      filter: ({ zone }: { zone: string }) => zones.includes(zone),
      place: '',
    } as const;
    const view = new View(new Rights([grant], ''), 'basic:a', world.database.read);
    const status = await statusOf(conductor, view);
    return {
      agents: (await agentsOf(conductor, view)).map((agent) => [agent.name, ...agent.zones]),
      zones: (await zonesOf(conductor, view)).map(({ name, nodes }) => [name, nodes]),
      drivers: (await driversOf(conductor, view)).map(({ name, nodes, zones: of, agents }) => ({
        name,
        nodes,
        of,
        agents,
      })),
      counts: [status.nodes?.total, status.attachedAgents, status.lostAgents, status.clouds.length],
      problems: status.problems,
    };
  };
  t.deepEqual(await told(['default']), {
    agents: [['near', 'default']],
    zones: [['default', 1]],
    drivers: [{ name: 'fake', nodes: 1, of: ['default'], agents: ['near'] }],
    counts: [1, 1, 0, 0],
    problems: [],
  });
  t.deepEqual(await told([]), { agents: [], zones: [], drivers: [], counts: [0, 0, 0, 0], problems: [] });
});
