/** What is reported from outside: once, and with its origin. */
import test from 'ava';
import { requestIdOf } from '../../../src/core/request_ids.ts';
import { reportClusterEvent } from '../../../src/server/audits/cluster_events.ts';
import { modelRevision } from '../../../src/server/store/cluster_model.ts';
import { endWorld, make, softOff, standing, worldWith } from '../plan_making.ts';

test('a message that is reported twice changes nothing twice, and what an action has caused leaves its own plan as it is', async (t) => {
  const world = await worldWith(t, 'n1');
  const before = await modelRevision(world.database.read);
  await make(world, 'own', [softOff('n1')]);
  await make(world, 'other', [softOff('n1')]);
  const own = await standing(world, 'own');
  const action = await world.database.read('actions').where('plan_uuid', own.plan.uuid).first('uuid');
  const report = (more: object) =>
    world.finish(
      reportClusterEvent(
        { ...{ eventType: 'instance.update', nodes: ['n1'], payload: {}, reason: '' }, ...more },
        world.conductor,
      ),
    );
  const moved = { messageId: 'm1', origin: requestIdOf(action.uuid) };
  t.deepEqual(await report(moved), { revision: before + 1, changed: true });
  t.is((await standing(world, 'own')).plan.state, 'RECOMMENDED');
  t.is((await standing(world, 'other')).plan.state, 'SUPERSEDED');
  t.deepEqual(await report({ messageId: 'm1' }), { revision: before + 1, changed: false });
  t.is((await standing(world, 'own')).plan.state, 'RECOMMENDED');
  await t.throwsAsync(report({ messageId: 'x'.repeat(256) }), { message: /message_id: 256 characters; at most 255/ });
  world.clock.jump(8 * 24 * 3_600_000);
  // A week later, nothing comes again.
  t.deepEqual(await report({ messageId: 'm1', origin: 'req-no-uuid' }), { revision: before + 2, changed: true });
  await endWorld(world);
});
