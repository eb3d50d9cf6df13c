/** Notifications of a cloud in virtual time: each changes what it names, once, and leaves its queue when that is committed. */
import test, { type ExecutionContext } from 'ava';
import { statusText } from '../../../src/cli/conductor/status.ts';
import { SOURCE_LIMITS } from '../../../src/core/limits.ts';
import { DeliveryFailure } from '../../../src/core/outlets.ts';
import { requestIdOf } from '../../../src/core/request_ids.ts';
import { statusOf } from '../../../src/server/api/status.ts';
import { gaugeFleet } from '../../../src/server/metrics/fleet.ts';
import { MetricRegistry } from '../../../src/server/metrics/registry.ts';
import { modelRevision } from '../../../src/server/store/cluster_model.ts';
import { bodyOf, type Said, updated } from '../../compute/notifications.ts';
import { cloudsOf, openSimCloud } from '../../counterparts/sim_cloud.ts';
import { seededChance } from '../../world/chance.ts';
import { World } from '../../world/world.ts';
import { make, softOff, standing } from '../plan_making.ts';
import { Mailbox } from './mailbox.ts';

const SECOND = 1000;
const stopped = (id: string, more: Partial<Said> = {}): Buffer =>
  bodyOf({ id, type: 'instance.power_off.end', data: { uuid: 'i-1', host: 'cmp1' }, ...more });

/** A world whose nodes n1 and n2 are the hosts cmp1 and cmp2 of the only cloud. */
async function open(t: ExecutionContext, everyWriteTwice = false) {
  const mailbox = new Mailbox();
  const world = await World.open(t, {
    limits: { syncPowerStateIntervalMs: 0 },
    everyWriteTwice,
    cloudsFor: (_process, clock, outer) =>
      cloudsOf(openSimCloud({ clock: outer, chance: seededChance(7) }).transport, clock),
    watchedFor: (clouds) => [{ compute: clouds.of('default'), inbox: mailbox, pollMs: 0 }],
  });
  await world.startAgent('a1');
  for (const n of [1, 2]) await world.enrol(`n${n}`, { fake_soft_ms: '60000' }, { compute_host: `cmp${n}` });
  await world.clock.turn(SECOND);
  const source = () => {
    const [cloud] = world.conductor.followed.list();
    if (!cloud?.source) throw new Error('the cloud has no source');
    return cloud.source;
  };
  return { world, mailbox, source, revision: () => modelRevision(world.database.read) };
}

test('a notification supersedes the plans about its host, and leaves its queue when that is committed', async (t) => {
  const { world, mailbox, source, revision } = await open(t, true);
  await make(world, 'p1', [softOff('n1')]);
  await make(world, 'p2', [softOff('n2')]);
  const before = await revision();
  const stored: unknown[] = [];
  mailbox.beforeAck = async () => {
    stored.push(await world.database.read('reported_messages').where('message_id', 'm1').first('message_id'));
  };
  mailbox.post(stopped('m1'));
  await world.clock.turn(SECOND);
  t.deepEqual(stored, [{ message_id: 'm1' }]);
  t.is(await revision(), before + 1);
  const { plan } = await standing(world, 'p1');
  t.is(plan.state, 'SUPERSEDED');
  t.regex(
    plan.statusMessage,
    /node n1 changed at .*: instance.power_off.end \(reported: an instance on the nodes was stopped: cloud default notifies of instance i-1 on cmp1\)/,
  );
  t.is((await standing(world, 'p2')).plan.state, 'RECOMMENDED');
  // It comes again, and others that change nothing.
  mailbox.post(
    stopped('m1'),
    stopped('m2', { data: { uuid: 'i-1', host: 'cmp9' }, publisher: 'nova-compute:cmp9' }),
    stopped('m3', { type: 'instance.exists' }),
    bodyOf({ id: 'm4', type: 'instance.update', data: { host: 'cmp2', ...updated('active', 'active') } }),
  );
  await world.clock.turn(SECOND);
  t.is(await revision(), before + 1);
  t.deepEqual(source().counts, { changed: 1, repeated: 1, ignored: 3, unreadable: 0 });
  t.is(mailbox.taken.length, 5);
  t.is(source().lagMs, (source().lastAt as number) - Date.UTC(2026, 0, 2, 3, 4));
  t.is((await standing(world, 'p2')).plan.state, 'RECOMMENDED');
});

test('what an action of ours has caused leaves its own plan as it is, and both hosts of a migration have changed', async (t) => {
  const { world, mailbox, revision } = await open(t);
  await make(world, 'own', [softOff('n1')]);
  await make(world, 'p2', [softOff('n2')]);
  const own = await standing(world, 'own');
  const { uuid } = await world.database.read('actions').where('plan_uuid', own.plan.uuid).first('uuid');
  const before = await revision();
  const data = { uuid: 'i-1', host: 'cmp2' };
  mailbox.post(stopped('m1', { type: 'instance.resize.end', data, asked: requestIdOf(uuid) }));
  await world.clock.turn(SECOND);
  t.is(await revision(), before + 2);
  t.is((await standing(world, 'own')).plan.state, 'RECOMMENDED');
  t.is((await standing(world, 'p2')).plan.state, 'SUPERSEDED');
});

test('a message that is no notification, or is too large, is refused once, and holds up nothing', async (t) => {
  const { world, mailbox, source } = await open(t);
  const { limit } = SOURCE_LIMITS.notification_bytes;
  mailbox.post(Buffer.from([0xff, 0, 1]), Buffer.from('{}'), Buffer.alloc(limit + 1, 32), stopped('m1'));
  await world.clock.turn(SECOND);
  t.deepEqual(source().counts, { changed: 1, repeated: 0, ignored: 0, unreadable: 3 });
  t.deepEqual([mailbox.refused.length, mailbox.taken.length], [3, 1]);
  const fits = Buffer.concat([stopped('m2'), Buffer.alloc(limit - stopped('m2').length, 32)]);
  mailbox.post(fits);
  await world.clock.turn(SECOND);
  t.is(source().counts.changed, 2);
});

test('a message whose answer is lost comes again and changes nothing; a broker that is away is asked less and less often', async (t) => {
  const { world, mailbox, source, revision } = await open(t);
  const before = await revision();
  let breaks = 1;
  mailbox.beforeAck = () => {
    breaks -= 1;
    if (breaks === 0) throw new DeliveryFailure('RabbitMQ: the channel was closed');
  };
  mailbox.post(stopped('m1'));
  await world.clock.turn(SECOND / 2);
  t.like(source(), { connectedSince: null, failing: { attempts: 1, message: 'RabbitMQ: the channel was closed' } });
  await world.clock.turn(2 * SECOND);
  t.is(await revision(), before + 1);
  t.deepEqual(source().counts, { changed: 1, repeated: 1, ignored: 0, unreadable: 0 });
  t.is(source().failing, null);

  await world.clock.turn(90 * SECOND);
  const text = async (): Promise<string> => statusText(await statusOf(world.conductor), 'here', world.clock.now());
  t.regex(await text(), /clouds +default: notifications are read, the last 1m3\ds ago; changes of nodes: 1\n/);
  t.regex(await text(), /no problems/);
  mailbox.away = "RabbitMQ has no exchange 'nova'";
  mailbox.drop();
  await world.clock.turn(3600 * SECOND);
  t.regex(await text(), /clouds +default: notifications are not read/);
  t.regex(await text(), /the notifications of cloud default are not read: RabbitMQ has no exchange 'nova'/);
  const registry = new MetricRegistry();
  await gaugeFleet({ ...world.conductor, tail: { oldest: null } }, registry);
  t.regex(await registry.text(), /notifications_connected\{cloud="default"\} 0/);
  t.regex(await registry.text(), /notifications_total\{cloud="default",result="repeated"\} 1/);
  t.regex(await registry.text(), /notification_age_seconds\{cloud="default"\} 36\d\d/);
  const attempts = source().failing?.attempts ?? 0;
  t.true(attempts > 50 && attempts < 85, String(attempts));
  mailbox.post(stopped('m2'));
  mailbox.away = null;
  await world.clock.turn(75 * SECOND);
  t.is(await revision(), before + 2);
});

test('a conductor that dies with a message in hand loses none: the next one has it, from the same queue', async (t) => {
  const { world, mailbox, source, revision } = await open(t);
  const before = await revision();
  const died = Promise.withResolvers<void>();
  mailbox.beforeAck = async () => {
    mailbox.beforeAck = () => {};
    await world.killConductor();
    died.resolve();
    throw new DeliveryFailure('RabbitMQ: the connection was closed');
  };
  mailbox.post(stopped('m1'), stopped('m2', { data: { host: 'cmp2' }, publisher: 'nova-compute:cmp2' }));
  await world.clock.turn(SECOND);
  await died.promise;
  t.is(mailbox.waiting.length, 2);
  await world.startConductor();
  await world.clock.turn(SECOND);
  t.is(mailbox.waiting.length, 0);
  t.is(await revision(), before + 2);
  t.deepEqual(source().counts, { changed: 1, repeated: 1, ignored: 0, unreadable: 0 });
  t.regex(mailbox.opened[0] ?? '', /^countermand\.[0-9a-f]{32}\.default$/);
  t.is(new Set(mailbox.opened).size, 1);
});
