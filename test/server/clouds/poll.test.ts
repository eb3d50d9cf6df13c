/** Compute services that go down by silence, in virtual time: each change is told once, whoever leads. */
import test, { type ExecutionContext } from 'ava';
import { statusText } from '../../../src/cli/conductor/status.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { statusOf } from '../../../src/server/api/status.ts';
import { ServicePoll } from '../../../src/server/clouds/poll.ts';
import { gaugeFleet } from '../../../src/server/metrics/fleet.ts';
import { MetricRegistry } from '../../../src/server/metrics/registry.ts';
import { modelRevision } from '../../../src/server/store/cluster_model.ts';
import { cloudsOf, NotReached, openSimCloud } from '../../counterparts/sim_cloud.ts';
import { seededChance } from '../../world/chance.ts';
import { World } from '../../world/world.ts';
import { make, softOff, standing } from '../plan_making.ts';

const MINUTE = 60_000;

/** A world whose nodes n1 and n2 are hosts of a cloud that is looked at each minute. */
async function open(t: ExecutionContext) {
  let made: ReturnType<typeof openSimCloud> | null = null;
  const world = await World.open(t, {
    limits: { syncPowerStateIntervalMs: 0 },
    everyWriteTwice: true,
    cloudsFor: (_process, clock, outer) => {
      made ??= openSimCloud({ clock: outer, chance: seededChance(7) });
      return cloudsOf(made.transport, clock);
    },
    watchedFor: (clouds) => [{ compute: clouds.of('default'), inbox: null, pollMs: MINUTE }],
  });
  await world.startAgent('a1');
  for (const n of [1, 2]) await world.enrol(`n${n}`, {}, { compute_host: `cmp${n}` });
  await world.clock.turn(MINUTE);
  const sim = made as unknown as ReturnType<typeof openSimCloud>;
  const before = await modelRevision(world.database.read);
  /** What was told since the beginning. */
  const told = async (): Promise<string[]> =>
    (await world.database.read('model_changes').where('revision', '>', before).orderBy('revision')).map(
      ({ node_name: node, what, cause }) => `${node} ${what} ${cause.split(' shows ')[1]}`,
    );
  return { world, sim, told };
}

test('a service that is silent supersedes the plans about its node, once, and again when it is back', async (t) => {
  const { world, sim, told } = await open(t);
  await make(world, 'p1', [softOff('n1')]);
  await make(world, 'p2', [softOff('n2')]);
  t.deepEqual(await told(), []);
  sim.cloud.killHost('cmp1');
  await world.clock.turn(3 * MINUTE);
  const down = 'n1 service.update nova-compute on cmp1 as down';
  t.deepEqual(await told(), [down]);
  t.is((await standing(world, 'p1')).plan.state, 'SUPERSEDED');
  t.is((await standing(world, 'p2')).plan.state, 'RECOMMENDED');
  // The next conductor knows what was told, and what comes meanwhile.
  await world.killConductor();
  sim.cloud.killHost('cmp3');
  await world.startConductor();
  await world.clock.turn(3 * MINUTE);
  t.deepEqual(await told(), [down]);
  await world.killConductor();
  sim.cloud.restartHost('cmp1');
  await world.startConductor();
  await world.clock.turn(3 * MINUTE);
  t.deepEqual(await told(), [down, 'n1 service.update nova-compute on cmp1 as up']);
  const [followed] = world.conductor.followed.list();
  t.deepEqual(followed?.poll?.seen, { up: 2, down: 1 });
  const status = async (): Promise<string> => statusText(await statusOf(world.conductor), 'here', world.clock.now());
  t.regex(await status(), /clouds +default: 2 services up, 1 down\n/);
  sim.way.broken = new NotReached('connect ECONNREFUSED');
  await world.clock.turn(2 * MINUTE);
  t.regex(await status(), /cloud default gives no answer: cloud 'default': .* cannot be reached/);
  const registry = new MetricRegistry();
  await gaugeFleet({ ...world.conductor, tail: { oldest: null } }, registry);
  t.regex(await registry.text(), /cloud_answers\{cloud="default"\} 0/);
  t.regex(await registry.text(), /compute_services\{cloud="default",state="down"\} 1/);
});

test('told and not written, because the process died between: the next conductor does not tell it again', async (t) => {
  const { world, sim, told } = await open(t);
  sim.cloud.killHost('cmp1');
  await world.clock.turn(3 * MINUTE);
  t.is((await told()).length, 1);
  await world.killConductor();
  const { since } = await world.database.read('compute_services').where('host', 'cmp2').first('since');
  // As it was before: the state at the time of the row is part of the id.
  await world.finish(
    world.database.write(({ sql }) => sql('compute_services').where('host', 'cmp1').update({ state: 'up', since })),
  );
  await world.startConductor();
  await world.clock.turn(3 * MINUTE);
  t.is((await told()).length, 1);
  t.is((await world.database.read('compute_services').where('host', 'cmp1').first()).state, 'down');
});

test('where a node is powered off, that its service is down is no news; that it is up again is', async (t) => {
  const { world, sim, told } = await open(t);
  await world.order('n1', 'power off');
  await world.clock.turn(MINUTE);
  sim.cloud.killHost('cmp1');
  await world.clock.turn(3 * MINUTE);
  t.deepEqual(
    (await told()).filter((line) => line.includes('service')),
    [],
  );
  await world.order('n1', 'power on');
  sim.cloud.restartHost('cmp1');
  await world.clock.turn(3 * MINUTE);
  t.deepEqual(
    (await told()).filter((line) => line.includes('service')),
    ['n1 service.update nova-compute on cmp1 as up'],
  );
});

test('a cloud that gives no answer is logged when that begins and when it ends', async (t) => {
  const { world, sim } = await open(t);
  const lines: string[] = [];
  const line = (_: object, message: string): void => void lines.push(message);
  const log = { info: line, warn: line, error: line };
  const life = openCancellation([]);
  const parts = { ...world.conductor, log, objection: () => null };
  const poll = new ServicePoll(parts.clouds.of('default'), MINUTE, parts);
  const running = poll.run(life.signal);
  await world.clock.turn(5 * MINUTE);
  t.deepEqual(lines, []);
  sim.way.broken = new NotReached('connect ECONNREFUSED');
  await world.clock.turn(60 * MINUTE);
  t.deepEqual(lines, ['a cloud gives no answer']);
  t.is(poll.failing?.attempts, 60);
  t.regex(poll.failing?.message ?? '', /cloud 'default': .* cannot be reached/);
  sim.way.broken = null;
  await world.clock.turn(5 * MINUTE);
  t.deepEqual(lines, ['a cloud gives no answer', 'a cloud answers again']);
  life.abort(fail('CALL_ENDED', 'the test has seen enough'));
  await running;
});
