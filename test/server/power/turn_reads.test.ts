/** A turn of the keeper asks the database as often for many orders as for one; what it writes, it need not wait for. */
import test, { type ExecutionContext } from 'ava';
import type { Database, Transaction } from '../../../src/server/store/database.ts';
import { World } from '../../world/world.ts';
import { endWorld } from '../plan_making.ts';

const NODES = Array.from({ length: 30 }, (_, at) => `n${at}`);

/** Counts what each transaction of a conductor waits for: its reads, and the updates that it cannot know the outcome of. */
function countQuestions({ database }: { readonly database: Database }): {
  take(): { readonly most: number; readonly all: number };
} {
  let [most, all] = [0, 0];
  const write = database.write.bind(database);
  const counting = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    write(async (transaction) => {
      let questions = 0;
      const ask = (): void => {
        questions += 1;
        all += 1;
        most = Math.max(most, questions);
      };
      const { sql, direct } = transaction;
      sql.on('query', ask);
      try {
        return await work({
          ...transaction,
          direct: {
            insert: (...given) => direct.insert(...given),
            find(...given) {
              ask();
              return direct.find(...given);
            },
            update(table, values, where, expected) {
              if (expected === undefined) ask();
              return direct.update(table, values, where, expected);
            },
          },
        });
      } finally {
        sql.off('query', ask);
      }
    });
  Object.assign(database, { write: counting });
  return {
    take() {
      const before = { most, all };
      [most, all] = [0, 0];
      return before;
    },
  };
}

async function open(t: ExecutionContext): Promise<World> {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  t.teardown(() => world.database.close());
  await world.startAgent('a1');
  for (const node of NODES) await world.enrol(node, { fake_soft_ms: '60000' });
  await world.clock.turn(5000);
  return world;
}

/** Orders at once, until they are carried out. @returns the most questions of one transaction */
async function questionsFor(nodes: readonly string[], target: 'power off' | 'power on', world: World) {
  const counted = countQuestions(world.conductor.orders.store);
  await Promise.all(nodes.map((node) => world.order(node, target)));
  await world.clock.turn(10_000);
  allAre(await world.database.read('power_tasks').whereIn('node_name', [...nodes]), 'SUCCEEDED');
  return counted.take().most;
}

function allAre(tasks: readonly { readonly state: string }[], state: string): void {
  const other = tasks.find((task) => task.state !== state);
  if (other) throw new Error(`a task is ${other.state}`);
}

test('the questions of a turn do not grow with its orders, also after a start, when no row is kept', async (t) => {
  const world = await open(t);
  const one = await questionsFor(NODES.slice(0, 1), 'power off', world);
  const many = await questionsFor(NODES.slice(1), 'power off', world);
  t.true(one >= 1 && one <= 6, `${one} questions for one order`);
  t.true(many <= one + 2, `${many} questions for ${NODES.length - 1} orders, ${one} for one`);
  await world.killConductor();
  await world.startConductor();
  await world.clock.turn(30_000);
  const cold = await questionsFor(NODES, 'power on', world);
  t.true(cold <= one + 4, `${cold} questions for ${NODES.length} orders after a start, ${one} for one`);
  await endWorld(world);
});

test('one order among many that is refused costs no question for each of the others', async (t) => {
  const world = await open(t);
  await world.order('n0', 'soft power off');
  const counted = countQuestions(world.conductor.orders.store);
  const given = await Promise.allSettled(NODES.map((node) => world.order(node, 'power off')));
  t.deepEqual(
    given.flatMap(({ status }, at) => (status === 'rejected' ? [NODES[at]] : [])),
    ['n0'],
  );
  await world.clock.turn(10_000);
  const { all } = counted.take();
  t.true(all < NODES.length, `${all} questions`);
  await endWorld(world);
});

test('the same order twice at the same moment is one: the second waits for the next turn, and finds the first', async (t) => {
  const world = await open(t);
  const ids = ['one', 'one', 'two', 'one'];
  const given = await Promise.all(
    ids.map((requestId) => world.order(requestId === 'two' ? 'n1' : 'n0', 'rebooting', { requestId })),
  );
  t.is(new Set(given.map(({ uuid }) => uuid)).size, 2);
  await world.clock.turn(10_000);
  t.deepEqual(world.received.map(({ address }) => address).toSorted(), ['n0', 'n1']);
  await endWorld(world);
});
