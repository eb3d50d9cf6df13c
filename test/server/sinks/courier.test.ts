/** What one courier does when it may not send, and after a failure; and that no position goes back. */
import test from 'ava';
import { fail } from '../../../src/core/errors.ts';
import type { Outlet, SinkKind } from '../../../src/core/outlets.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { announce } from '../../../src/server/events/announce.ts';
import { Courier } from '../../../src/server/sinks/courier.ts';
import { insertSink, type SinkRow, savePosition } from '../../../src/server/store/sinks.ts';
import { World } from '../../world/world.ts';

const ROW: SinkRow = {
  ...{ uuid: '6f1c2f4e-0000-4000-8000-000000000002', name: 'ops', kind: 'stub', settings: {}, eventTypes: [] },
  ...{ position: 0, createdAt: 0, createdBy: 'jwt:a', offReason: null },
};
const KIND = { name: 'stub', atOnce: 10 } as SinkKind;
const LOG = { info: () => {}, warn: () => {}, error: () => {} };

test('a courier sends nothing while another conductor may lead, and each time after a failure by an outlet of its own', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const { store } = world.conductor;
  const events = [1, 2, 3].map(() => ({ eventType: 'test.event', priority: 'INFO' as const, payload: {} }));
  await world.finish(store.database.write((transaction) => announce(events, transaction, store)));
  const said: string[] = [];
  let leads = false;
  let opened = 0;
  const open = async (): Promise<Outlet> => {
    opened += 1;
    const own = opened;
    return {
      async send(sent) {
        said.push(`${own} sends ${sent.map(({ sequence }) => sequence).join(' ')}`);
        if (own < 3) throw new Error('broken');
      },
      async close() {
        said.push(`${own} is closed`);
      },
    };
  };
  const objection = () => (leads ? null : fail('LEADERSHIP_LOST', 'another one may lead'));
  const cancellation = openCancellation([]);
  const parts = { store, log: LOG, open, objection, moved: () => {}, switchOff: async () => {} };
  const courier = new Courier(ROW, KIND, parts);
  const done = courier.run(cancellation.signal);
  await world.clock.turn(60_000);
  t.deepEqual(said, []);
  leads = true;
  await world.clock.turn(60_000);
  t.deepEqual(said, ['1 sends 1 2 3', '1 is closed', '2 sends 1 2 3', '2 is closed', '3 sends 1 2 3']);
  t.is(courier.position, 3);
  cancellation.abort(fail('CALL_ENDED', 'the test is over'));
  await done;
  t.is(said.at(-1), '3 is closed');
});

test('a position that is written late does not take back one that is further', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const { database } = world;
  await world.finish(database.write((transaction) => insertSink(ROW, transaction)));
  for (const position of [5, 3])
    await world.finish(database.write((transaction) => savePosition(ROW.uuid, position, transaction)));
  t.is((await database.read('sinks').first()).position, 5);
});
