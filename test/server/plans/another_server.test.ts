/** A node that becomes another server while a plan about it runs: the next action on it is refused, and nothing is sent. */
import test from 'ava';
import { changeNode, deleteNode, enrolNode } from '../../../src/server/nodes/enrolment.ts';
import { acceptNode } from '../../../src/server/power/acceptance.ts';
import { listActions } from '../../../src/server/store/actions.ts';
import { forgetModelChanges } from '../../../src/server/store/cluster_model.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import type { World } from '../../world/world.ts';
import { endWorld, make, standing, wanted, worldWith } from '../plan_making.ts';

const A = '11111111222233334444555555555555';
const B = 'aaaaaaaabbbbccccddddeeeeeeeeeeee';

function setGuid(world: World, node: string, guid: string): void {
  const server = world.server(node);
  server.settings = { ...server.settings, fake_guid: guid };
}

const accept = (world: World): Promise<unknown> =>
  world.finish(acceptNode({ node: 'n1', guid: '' }, world.conductor.readings, world.conductor.shutdown));

async function rewire(world: World, address: string): Promise<void> {
  const rest = { setLabels: {}, removeLabels: [], removeDriverInfo: [] };
  await world.finish(changeNode({ node: 'n1', ...rest, setDriverInfo: { fake_address: address } }, world.conductor));
}

/** What happens to n1 while the plan runs, and whether its next action is given all the same. */
interface Happening {
  meanwhile(world: World): Promise<unknown>;
  readonly goesOn?: boolean;
  /** The GUID that n1 was known by when the plan was made; A if left out. */
  readonly known?: string;
  /** What the refusal says. */
  readonly says?: RegExp;
}

const IS_ANOTHER = /^node n1 is another server now: .*; the plan was made for .*; nothing was/;

const HAPPENINGS: Readonly<Record<string, Happening>> = {
  'another GUID that an operator accepts': {
    async meanwhile(world) {
      setGuid(world, 'n1', B);
      await accept(world);
    },
  },
  'another GUID that an operator accepts, long ago': {
    async meanwhile(world) {
      setGuid(world, 'n1', B);
      await accept(world);
      const later = world.clock.now() + 1;
      await world.database.write((transaction) => forgetModelChanges(later, transaction));
    },
  },
  'another GUID that was not accepted': {
    async meanwhile(world) {
      setGuid(world, 'n1', B);
      await world.clock.turn(150_000);
    },
  },
  'another address': { meanwhile: (world) => rewire(world, 'm9') },
  'another address, of a node without a GUID': { meanwhile: (world) => rewire(world, 'm9'), known: '' },
  'another node with its uuid': {
    known: '',
    says: /^node n1 was deleted after the plan was made, and enrolled again; nothing was sent$/,
    async meanwhile(world) {
      const { uuid } = await getNode('n1', world.database.read);
      await world.finish(deleteNode('n1', world.conductor));
      const request = { uuid, name: 'n1', driver: 'fake', driverInfo: { fake_address: 'm9' }, zone: '', labels: {} };
      await world.finish(enrolNode(request, world.conductor));
    },
  },
  'another GUID than the first one that was read while the plan ran': {
    known: '',
    async meanwhile(world) {
      setGuid(world, 'n1', A);
      await world.clock.turn(150_000);
      setGuid(world, 'n1', B);
      await accept(world);
    },
  },
  'a GUID that was another one for a while': {
    goesOn: true,
    async meanwhile(world) {
      setGuid(world, 'n1', B);
      await world.clock.turn(150_000);
      setGuid(world, 'n1', A);
      await world.clock.turn(150_000);
    },
  },
  'the first GUID that is read': {
    known: '',
    goesOn: true,
    async meanwhile(world) {
      setGuid(world, 'n1', A);
      await world.clock.turn(150_000);
    },
  },
  'other credentials and labels': {
    goesOn: true,
    async meanwhile(world) {
      const rest = { removeLabels: [], removeDriverInfo: [] };
      const change = { setLabels: { rack: '8' }, setDriverInfo: { fake_password: 'other' } };
      await world.finish(changeNode({ node: 'n1', ...rest, ...change }, world.conductor));
    },
  },
};

for (const [what, { meanwhile, goesOn = false, known = A, says = IS_ANOTHER }] of Object.entries(HAPPENINGS))
  for (const state of ['power off', 'maintenance'])
    test(`${what}: ${state} ${goesOn ? 'goes on' : 'is refused'}`, async (t) => {
      const world = await worldWith(t, 'n2');
      await world.enrol('n1', { fake_guid: known });
      await world.clock.turn(1000);
      const next =
        state === 'power off'
          ? wanted('next', 'change_node_power_state', { resource_id: 'n1', state }, ['first', 'rest'])
          : wanted('next', 'set_node_maintenance', { resource_id: 'n1', maintenance: true }, ['first', 'rest']);
      const first = wanted('first', 'change_node_power_state', { resource_id: 'n1', state: 'rebooting' });
      const other = wanted('other', 'change_node_power_state', { resource_id: 'n2', state: 'power off' }, ['rest']);
      const actions = [first, wanted('rest', 'sleep', { duration: 600 }), next, other];
      await make(world, 'p1', actions, { onFailure: 'CONTINUE' });
      await world.conductor.plans.start('p1', false);
      await world.clock.turn(60_000);
      await meanwhile(world);
      const sent = world.received.filter(({ address }) => address !== 'n2').length;
      await world.clock.turn(600_000);

      const { plan, actions: states } = await standing(world, 'p1');
      t.like(states, { first: 'SUCCEEDED', next: goesOn ? 'SUCCEEDED' : 'FAILED', other: 'SUCCEEDED' });
      if (!goesOn) {
        const rows = await listActions(plan.uuid, -1, 10, world.database.read);
        const refused = rows.find(({ name }) => name === 'next');
        t.is(refused?.errorCode, 'ACTION_REFUSED');
        t.regex(refused?.errorMessage ?? '', says);
        t.is(world.received.filter(({ address }) => address !== 'n2').length, sent, 'nothing was sent');
        const { read } = world.database;
        t.is((await read('power_tasks').where('action_uuid', refused?.uuid ?? '')).length, 0, 'no task was made');
        t.falsy((await read('nodes').where('name', 'n1').first()).maintenance);
      }
      await endWorld(world);
    });

test('what was set while a GUID answered that was not accepted is rolled back while it still answers', async (t) => {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_guid: A });
  await world.clock.turn(1000);
  setGuid(world, 'n1', B);
  await world.clock.turn(150_000);
  await make(world, 'p1', [wanted('set', 'set_node_maintenance', { resource_id: 'n1', maintenance: true })]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(1000);
  const isSet = async (): Promise<boolean> => {
    const node = await world.database.read('nodes').where('name', 'n1').first();
    return Boolean(node?.maintenance);
  };
  t.true(await isSet());
  const request = { plan: 'p1', requestId: 'back', skipIrreversible: false, acceptDrift: false };
  await world.conductor.plans.rollback(request);
  await world.clock.turn(1000);
  t.false(await isSet());
  await endWorld(world);
});
