/** The entry of a call whose write runs twice: only the last run counts, as for every other effect. */
import test from 'ava';
import type { CallContext } from 'nice-grpc';
import type { Asked } from '../../../src/server/access/identity.ts';
import type { Arrived } from '../../../src/server/api/guards.ts';
import type { Traced } from '../../../src/server/api/traced.ts';
import { keepTrail, type Recorded } from '../../../src/server/api/trail.ts';
import { type Also, writeAlso } from '../../../src/server/store/also.ts';
import type { Database } from '../../../src/server/store/database.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { listTrail } from '../../../src/server/store/trail.ts';
import { endWorld, worldWith } from '../plan_making.ts';

const EVERY_ENTRY = { identity: '', node: '', rpc: '', refused: false, since: 0, oldestFirst: true };
const CALL = {
  method: { path: '/countermand.v1.PowerService/SetPowerState' },
  request: { node: 'n1', target: 1 },
  requestStream: false,
  responseStream: false,
  context: { identity: { name: 'jwt:alice', agentZones: null }, peer: 'here', trace: null },
} as unknown as Arrived<CallContext & Asked & Traced & Recorded>;

/** The same store, whose writes are undone once, and then run again. */
function rerun(store: Store): Store {
  const { database } = store;
  const write: Database['write'] = async (work) => {
    const undone = database.write(async (transaction) => {
      await work(transaction);
      throw new Error('run it again');
    });
    await undone.catch(() => {});
    return database.write(work);
  };
  return { ...store, database: { write } as Database };
}

for (const [what, runs, entry] of [
  ['changes something in both runs', [{}, {}], { outcome: 'OK' }],
  ['changes something in the second run alone', [null, {}], { outcome: 'OK' }],
  ['finds in the second run what it asks for', [{}, null], { outcome: 'OK', changed: false }],
] as const)
  test(`a call ${what}: there is one entry of it`, async (t) => {
    const world = await worldWith(t, 'n1');
    const { store } = world.conductor;
    const passed = await keepTrail(rerun(store), world.conductor.log)(CALL);
    let run = 0;
    const touched = () => {
      run += 1;
      return runs[(run - 1) % 2] ?? null;
    };
    await writeAlso(rerun(store).database, passed?.context?.record as Also, touched, async () => null);
    await passed?.end?.({ how: 'answered' });
    const entries = await listTrail(EVERY_ENTRY, null, 100, store.database.read);
    t.is(entries.length, 1);
    const { outcome, changed } = JSON.parse(entries[0]?.entry ?? '{}');
    t.deepEqual({ outcome, changed }, { changed: undefined, ...entry });
    await endWorld(world);
  });
