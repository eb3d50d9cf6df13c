/** Strategies: what each proposes for which nodes. They are pure, so nodes are written down here. */
import test from 'ava';
import * as fc from 'fast-check';
import type { Clouds } from '../../../src/compute/compute.ts';
import { CountermandError } from '../../../src/core/errors.ts';
import { buildGraph } from '../../../src/server/plans/graph.ts';
import { evacuate } from '../../../src/server/plans/strategies/evacuate.ts';
import { lookAtHosts } from '../../../src/server/plans/strategies/looking.ts';
import type { SeenNode } from '../../../src/server/plans/strategies/seen.ts';
import {
  type Proposal,
  parametersSpec,
  parseStrategyParameters,
} from '../../../src/server/plans/strategies/strategy.ts';
import { chooseStrategy, globalEfficacy, STRATEGIES } from '../../../src/server/plans/strategies.ts';
import { cloudsOf, openSimCloud } from '../../counterparts/sim_cloud.ts';
import { seededChance } from '../../world/chance.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { wanted } from '../plan_making.ts';

function node(name: string, more: Partial<SeenNode> = {}): SeenNode {
  return {
    uuid: `uuid of ${name.slice(0, 20)}`,
    name,
    labels: {},
    powerState: 'power on',
    maintenance: false,
    ...more,
  };
}

function propose(name: string, nodes: readonly SeenNode[], parameters: Record<string, unknown> = {}): Proposal {
  const strategy = chooseStrategy(name, '');
  return strategy.propose(nodes, parseStrategyParameters(strategy, parameters), new Map());
}

const offs = ({ actions }: Proposal): unknown[] =>
  actions
    .filter(({ actionType }) => actionType === 'change_node_power_state')
    .map(({ inputParameters }) => inputParameters.resource_id);

test('dummy proposes nop, sleep, nop, one after the other, as Watcher does', (t) => {
  t.deepEqual(propose('dummy', [], { para1: 7, para2: 'bye' }), {
    actions: [
      wanted('begin', 'nop', { message: 'hello World' }),
      wanted('wait', 'sleep', { duration: 7 }, ['begin']),
      wanted('end', 'nop', { message: 'bye' }, ['wait']),
    ],
    efficacy: {},
  });
});

test('manual proposes what it is given', (t) => {
  const actions = [
    { name: 'a', action_type: 'nop' },
    { name: 'b', action_type: 'sleep', input_parameters: { duration: 1 }, parents: ['a'], timeout: 5 },
  ];
  t.deepEqual(propose('manual', [], { actions }).actions, [
    wanted('a', 'nop'),
    { ...wanted('b', 'sleep', { duration: 1 }, ['a']), timeoutMs: 5000 },
  ]);
});

test('host_maintenance: every node into maintenance and off, a wave after the other', (t) => {
  const property = fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 20 }), (count, size) => {
    const nodes = Array.from({ length: count }, (_, at) => node(`n${at}`));
    const { actions } = propose('host_maintenance', nodes, { wave_size: size });
    const { parents, ranks } = buildGraph(actions);
    const behind = actions.map(() => new Set<number>());
    const inOrder = actions.map((_, at) => at).sort((one, other) => (ranks[one] ?? 0) - (ranks[other] ?? 0));
    for (const at of inOrder)
      for (const parent of parents[at] ?? [])
        for (const each of [parent, ...(behind[parent] ?? [])]) behind[at]?.add(each);
    const placeOf = (name: string): number => actions.findIndex((action) => action.name === name);
    for (const [at, { name }] of nodes.entries()) {
      const off = placeOf(`power off ${name}`);
      t.true(behind[off]?.has(placeOf(`maintain ${name}`)), `${name} is in maintenance before`);
      const wave = Math.floor(at / size);
      for (const [index, other] of nodes.entries())
        t.is(behind[off]?.has(placeOf(`power off ${other.name}`)), Math.floor(index / size) < wave);
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 30 }));
});

test('host_maintenance: ten thousand nodes are a plan that is taken', (t) => {
  const nodes = Array.from({ length: 10_000 }, (_, at) => node(`n${at}`));
  const { actions } = propose('host_maintenance', nodes, { wave_size: 100 });
  t.is(actions.length, 20_099);
  t.true(actions.reduce((sum, { parents }) => sum + parents.length, 0) < 50_000);
});

test('host_maintenance counts what it changes', (t) => {
  const nodes = [node('on'), node('off', { powerState: 'power off' }), node('worked on', { maintenance: true })];
  const proposal = propose('host_maintenance', nodes, { reason: 'fans', timeout: 60, on_timeout: 'FORCE' });
  t.like(proposal.efficacy, { nodes_in_maintenance: 2, nodes_powered_off: 2, instances_moved_live: 0 });
  t.deepEqual(proposal.actions[0]?.inputParameters, { resource_id: 'on', maintenance: true, reason: 'fans' });
  t.deepEqual(proposal.actions[3]?.inputParameters, {
    resource_id: 'on',
    state: 'soft power off',
    timeout: 60,
    on_timeout: 'FORCE',
  });
});

test('host_maintenance: a long name fits into the name of an action', (t) => {
  const { actions } = propose('host_maintenance', [node('n'.repeat(255))]);
  t.true(actions.every(({ name }) => name.length <= 255));
});

const idle = (name: string, more: Partial<SeenNode> = {}): SeenNode =>
  node(name, { labels: { idle: 'true' }, ...more });

test('saving_energy: idle nodes that are on, without those in maintenance, and all but the reserve', (t) => {
  const nodes = [
    idle('a'),
    idle('b'),
    node('busy', { labels: { idle: 'false' } }),
    idle('c'),
    node('no label'),
    idle('off', { powerState: 'power off' }),
    idle('unknown', { powerState: null }),
    idle('in doubt', { powerState: 'error' }),
    idle('worked on', { maintenance: true }),
  ];
  t.deepEqual(offs(propose('saving_energy', nodes)), ['a', 'b', 'c']);
  t.deepEqual(offs(propose('saving_energy', nodes, { reserve: 2 })), ['c']);
  t.deepEqual(propose('saving_energy', nodes, { reserve: 3 }).actions, []);
  t.deepEqual(offs(propose('saving_energy', nodes, { idle_value: 'false' })), ['busy']);
  t.deepEqual(propose('saving_energy', nodes, { reserve: 1 }).efficacy, {
    nodes_powered_off: 2,
    nodes_powered_off_ratio: 33.3,
  });
});

test('a proposal depends on nothing but its nodes and parameters', (t) => {
  const nodes = [idle('a'), node('b')];
  for (const name of ['dummy', 'host_maintenance', 'saving_energy'])
    t.deepEqual(propose(name, nodes), propose(name, nodes));
});

test('the efficacy of a plan has every indicator of the goal', (t) => {
  const strategy = chooseStrategy('saving_energy', '');
  const efficacy = globalEfficacy(strategy, { actions: [], efficacy: { nodes_powered_off: 3 } });
  t.deepEqual(
    efficacy.map(({ name, unit, value }) => [name, unit, value]),
    [
      ['nodes_powered_off', null, 3],
      ['nodes_powered_off_ratio', '%', 0],
    ],
  );
});

test('names and ids are unique, and every parameter is described', (t) => {
  const ids = STRATEGIES.flatMap(({ uuid, goal }) => [uuid, goal.uuid]);
  t.is(new Set(ids).size, ids.length);
  t.is(new Set(STRATEGIES.map(({ name }) => name)).size, STRATEGIES.length);
  for (const strategy of STRATEGIES) {
    const { properties = {} } = parametersSpec(strategy);
    for (const [name, schema] of Object.entries(properties))
      t.truthy((schema as { description?: string }).description, `${strategy.name}.${name}`);
  }
});

test('a strategy is chosen by its name, by its goal, or by both', (t) => {
  t.is(chooseStrategy('', 'cluster_maintaining').name, 'host_maintenance');
  t.is(chooseStrategy('saving_energy', 'saving_energy').name, 'saving_energy');
  const refused = (strategy: string, goal: string): string =>
    t.throws(() => chooseStrategy(strategy, goal), { instanceOf: CountermandError })?.message ?? '';
  t.regex(refused('', ''), /^strategy: none is named/);
  t.regex(refused('x', ''), /^strategy: there is no strategy 'x'/);
  t.regex(refused('', 'x'), /^goal: there is no goal 'x'/);
  t.regex(refused('dummy', 'saving_energy'), /^strategy: there is no strategy 'dummy' for goal 'saving_energy'/);
});

test('hosts of one name in two clouds are in one plan, and two nodes that are one host in none', async (t) => {
  const parts = { clock: new VirtualClock(), chance: seededChance(7) };
  const [east, west] = ['east', 'west'].map((name) => {
    const { cloud, transport } = openSimCloud(parts, ['cmp1']);
    Object.assign(cloud.hosts.get('cmp1') ?? {}, { forcedDown: true });
    return cloudsOf(transport, parts.clock, { name });
  });
  const clouds = {
    names: ['east', 'west'],
    of: (name: string) => ((name === 'east' ? east : west) as Clouds).of(name),
  };
  const host = (cloud: string, name = cloud) => node(name, { labels: { compute_host: 'cmp1', compute_cloud: cloud } });
  const { signal } = new AbortController();
  const nodes = [host('east'), host('west')];
  const looked = await lookAtHosts(nodes, clouds, signal);
  const parameters = parseStrategyParameters(evacuate, {});
  const { actions } = evacuate.propose(nodes, parameters, looked);
  t.is(buildGraph(actions).parents.length, 4);
  t.is(actions[1]?.name, 'cmp1 of east is told to be down');
  const moved = nodes.map(({ labels, ...each }) => ({ ...each, labels: { ...labels, compute_cloud: 'west' } }));
  t.throws(() => evacuate.propose(moved, parameters, looked), {
    message: /has changed while/,
  });
  await t.throwsAsync(lookAtHosts([host('east'), host('east', 'twin')], clouds, signal), {
    message: /^nodes east and twin are both host cmp1 of cloud 'east'/,
  });
});
