/** Plans that wait for a second person: nothing of them begins before, whatever else happens. */
import test, { type ExecutionContext } from 'ava';
import { Access } from '../../../src/server/access/access.ts';
import { parseAccess } from '../../../src/server/access/access_file.ts';
import type { WantedAudit } from '../../../src/server/audits/request.ts';
import { previewStart } from '../../../src/server/plans/create.ts';
import type { Also } from '../../../src/server/store/also.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import type { World } from '../../world/world.ts';
import { make, softOff, standing, story, wanted, worldLike } from '../plan_making.ts';

const rules = (require_approval: readonly object[]) =>
  parseAccess({ bindings: [{ identities: ['jwt:*'], role: 'admin' }], require_approval }, 'access.yaml');

/** Plans about a node of the zone `default` wait. */
const open = (t: ExecutionContext, ...nodes: readonly string[]) =>
  worldLike(t, { access: new Access(rules([{ zones: ['default'] }])) }, ...nodes);

const by = (identity: string): Also => ({
  actor: { identity, onBehalfOf: null },
  note: async () => {},
  done: () => {},
});
const [alice, bob, carol] = [by('jwt:alice'), by('jwt:bob'), by('jwt:carol')];
const YES = { reason: '', revision: null, queue: false };

const start = (world: World, name: string, queue = false, also = alice) =>
  world.conductor.plans.start(name, queue, false, null, null, also);

const stateOf = async (world: World, name: string): Promise<string> => (await standing(world, name)).plan.state;

test('a plan waits, through a crash and a change of the rules, until a second person has agreed', async (t) => {
  const access = new Access(rules([{ zones: ['default'] }]));
  const world = await worldLike(t, { access }, 'n1');
  await make(world, 'p', [softOff('n1')]);
  const waiting = await start(world, 'p');
  t.is(waiting.state, 'PENDING');
  t.regex(waiting.statusMessage, /^waits for a second person: it is about 1 node in zone default \(require_approval/);
  await world.killConductor();
  await world.startConductor();
  access.replace(rules([]));
  await world.clock.turn(120_000);
  t.is(await stateOf(world, 'p'), 'PENDING');
  t.deepEqual(world.received, []);
  const { plans } = world.conductor;
  await t.throwsAsync(start(world, 'p'), {
    message: /PENDING; it cannot be started: waits for a second person.*approve it, reject it, cancel it/,
  });
  const refused = await t.throwsAsync(plans.approve('p', YES, alice), { message: /jwt:alice has made or started it/ });
  t.is((refused as { code?: string })?.code, 'SECOND_PERSON_NEEDED');
  await t.throwsAsync(plans.approve('p', { ...YES, revision: 1 }, bob), { message: /revision/ });
  t.is(await stateOf(world, 'p'), 'PENDING');
  const approved = await plans.approve('p', { ...YES, reason: 'fine' }, bob);
  t.is(approved.state, 'ONGOING');
  t.like(approved, { approval: 'GIVEN', decidedBy: 'jwt:bob', startedBy: 'jwt:alice' });
  t.is((await plans.approve('p', YES, bob)).uuid, approved.uuid);
  await t.throwsAsync(plans.approve('p', YES, carol), { message: /it cannot be approved/ });
  await world.clock.turn(120_000);
  t.is(await stateOf(world, 'p'), 'SUCCEEDED');
  const told = (await story(world)).filter((line) => line.startsWith('action_plan.update p'));
  t.deepEqual(
    told,
    ['PENDING', 'PENDING', 'ONGOING', 'SUCCEEDED'].map((state) => `action_plan.update p ${state}`),
  );
});

test('a rejected plan is CANCELLED with its events, and only a second person rejects', async (t) => {
  const world = await open(t, 'n1');
  await make(world, 'p', [softOff('n1')]);
  await start(world, 'p');
  const { plans } = world.conductor;
  await t.throwsAsync(plans.reject('p', YES, alice), { message: /is not rejected.*possible: cancel it/ });
  const rejected = await plans.reject('p', { reason: 'wrong rack', revision: null }, bob);
  t.like(rejected, { state: 'CANCELLED', approval: 'REFUSED', statusMessage: 'rejected by jwt:bob: wrong rack' });
  t.is((await plans.reject('p', YES, bob)).uuid, rejected.uuid);
  await t.throwsAsync(plans.reject('p', YES, carol), { message: /CANCELLED; it cannot be rejected/ });
  await t.throwsAsync(plans.approve('p', YES, bob), { message: /CANCELLED; it cannot be approved/ });
  const told = (await story(world)).filter((line) => /^action_plan\.(cancel|update)/.test(line));
  t.deepEqual(told.slice(1), [
    'action_plan.cancel.start p PENDING',
    'action_plan.update p CANCELLED',
    'action_plan.cancel.end p CANCELLED',
  ]);
  t.deepEqual(world.received, []);
});

test('a repeated request_id does not get round it, and counts as no second person', async (t) => {
  const world = await open(t, 'n1');
  const plan = {
    name: 'p',
    requestId: 'p',
    maxParallel: 0,
    canary: 0,
    onFailure: 'STOP' as const,
    actions: [softOff('n1')],
  };
  const { plans } = world.conductor;
  const made = await plans.createAndStart(plan, false, null, undefined, alice);
  t.is(made.state, 'PENDING');
  t.is((await plans.createAndStart(plan, false, null, undefined, bob)).state, 'PENDING');
  t.like((await standing(world, 'p')).plan, { createdBy: 'jwt:alice', startedBy: 'jwt:alice', approval: 'WANTED' });
  // Made by one, started by another: neither is a second person.
  await make(world, 'q', [softOff('n1')]);
  await world.database.write(
    async ({ sql }) => void (await sql('action_plans').where('name', 'q').update({ created_by: 'jwt:alice' })),
  );
  await start(world, 'q', false, bob);
  for (const first of [alice, bob]) await t.throwsAsync(plans.approve('q', YES, first), { message: /another person/ });
  t.is((await plans.approve('q', YES, carol)).state, 'ONGOING');
});

test('what waits for a person stands in no plan’s way, and is superseded, cancelled and deleted as any other', async (t) => {
  const access = new Access(rules([{ zones: ['default'], nodes_above: 1 }]));
  const world = await worldLike(t, { access }, 'n1', 'n2', 'n3');
  const { plans } = world.conductor;
  await make(world, 'wide', [softOff('n1'), softOff('n2')]);
  await start(world, 'wide');
  const narrow = [wanted('m', 'set_node_maintenance', { resource_id: 'n1', maintenance: true })];
  const preview = await previewStart(await make(world, 'narrow', narrow), false, world.conductor, alice.actor);
  t.deepEqual(preview.effect.inTheWay, []);
  t.deepEqual(
    preview.effect.supersedes.map(({ name }) => name),
    ['wide'],
  );
  t.is((await start(world, 'narrow')).state, 'ONGOING');
  await world.clock.turn(1000);
  t.is(await stateOf(world, 'narrow'), 'SUCCEEDED');
  t.is(await stateOf(world, 'wide'), 'SUPERSEDED');
  await t.throwsAsync(plans.approve('wide', YES, bob), { message: /SUPERSEDED; it cannot be approved/ });

  await make(world, 'dropped', [softOff('n2'), softOff('n3')]);
  await start(world, 'dropped');
  t.is((await plans.cancel('dropped', '', false, null, alice)).state, 'CANCELLED');
  t.is((await plans.delete('dropped')).state, 'DELETED');

  await make(world, 'old', [softOff('n2'), softOff('n3')]);
  await start(world, 'old');
  world.clock.jump(25 * 3_600_000);
  await t.throwsAsync(plans.approve('old', YES, bob), { message: /SUPERSEDED/ });
  t.deepEqual(world.received, []);
});

test('approved, it takes its turn behind what runs then: refused, or with queue', async (t) => {
  const access = new Access(rules([{ zones: ['default'], nodes_above: 1 }]));
  const world = await worldLike(t, { access }, 'n1', 'n2');
  await make(world, 'runs', [
    wanted('nap', 'sleep', { duration: 30 }),
    wanted('m', 'set_node_maintenance', { resource_id: 'n1', maintenance: true }, ['nap']),
  ]);
  await start(world, 'runs');
  await make(world, 'waits', [softOff('n1'), softOff('n2')]);
  await t.throwsAsync(start(world, 'waits'), { message: /start this plan with queue/ });
  t.is((await start(world, 'waits', true)).approval, 'WANTED');
  // Behind it in the line, and ready before it is.
  await make(world, 'next', [wanted('m', 'set_node_maintenance', { resource_id: 'n2', maintenance: true })]);
  const { plans } = world.conductor;
  await t.throwsAsync(plans.approve('waits', YES, bob), { message: /approve this plan with queue/ });
  t.is((await standing(world, 'waits')).plan.approval, 'WANTED');
  t.is((await plans.approve('waits', { ...YES, queue: true }, bob)).state, 'PENDING');
  await world.clock.turn(200_000);
  t.is(await stateOf(world, 'waits'), 'SUCCEEDED');
});

test('a frozen node refuses the approval as it does the start', async (t) => {
  const world = await open(t, 'n1');
  await make(world, 'p', [softOff('n1')]);
  await start(world, 'p');
  const freeze = { zone: 'default', labels: {}, reason: 'work', until: null, createdBy: 'jwt:zoe' };
  const { uuid } = await world.conductor.orders.freezes.add(freeze);
  await t.throwsAsync(world.conductor.plans.approve('p', YES, bob), { message: /frozen/ });
  await world.conductor.orders.freezes.lift(uuid);
  t.is((await world.conductor.plans.approve('p', YES, bob)).state, 'ONGOING');
});

test('a rollback never waits: it needs no more than what it takes back', async (t) => {
  const world = await open(t, 'n1');
  await make(world, 'p', [wanted('m', 'set_node_maintenance', { resource_id: 'n1', maintenance: true })]);
  await start(world, 'p');
  const { plans } = world.conductor;
  await plans.approve('p', YES, bob);
  await world.clock.turn(1000);
  const order = { plan: 'p', requestId: 'back', skipIrreversible: false, acceptDrift: false };
  t.like(await plans.rollback(order, alice), { approval: null, createdBy: 'jwt:alice', startedBy: 'jwt:alice' });
});

test('the plans of an audit that starts them wait as those of its maker, also in later runs', async (t) => {
  const world = await open(t, 'n1');
  const audit: WantedAudit = {
    name: 'a',
    requestId: 'a',
    auditType: 'CONTINUOUS',
    strategy: 'host_maintenance',
    goal: '',
    parameters: {},
    scope: [{ baremetal: [{ nodes: ['n1'] }] }],
    intervalMs: 60_000,
    autoTrigger: true,
    maxParallel: 0,
    onFailure: 'STOP',
  };
  const { audits, plans } = world.conductor;
  const { plan: first } = await audits.create(audit, null, undefined, alice);
  t.like(first, { state: 'PENDING', approval: 'WANTED', startedBy: 'jwt:alice', createdBy: 'jwt:alice' });
  await world.clock.turn(61_000);
  const waiting = await world.database.read('action_plans').where({ state: 'PENDING' });
  t.is(waiting.length, 1);
  t.not(waiting[0].uuid, first?.uuid);
  t.like(waiting[0], { approval: 'WANTED', started_by: 'jwt:alice', created_by: 'jwt:alice' });
  await t.throwsAsync(plans.approve(waiting[0].uuid, YES, alice), { message: /another person/ });
  t.is((await plans.approve(waiting[0].uuid, YES, bob)).state, 'ONGOING');
  const events = await readEvents(0, 50_000, world.database.read);
  t.true(events.some(({ payload }) => JSON.stringify(payload).includes('approved by jwt:bob')));
});
