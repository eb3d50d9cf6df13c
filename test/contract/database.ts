/**
 * What every implementation of `Database` does. A new one is a file beside `sqlite.test.ts` that says how it is opened, and how
 * its process dies.
 */

import test, { type ExecutionContext, type TestFn } from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { countNodes, countProblems } from '../../src/server/store/census.ts';
import { compareAndSet, NODES } from '../../src/server/store/compare_and_set.ts';
import { type Database, type Transaction, UniqueViolation } from '../../src/server/store/database.ts';
import { readEvents } from '../../src/server/store/events.ts';
import { findNode, getNode, insertNodeRow, listUnserved, saveNode } from '../../src/server/store/nodes.ts';
import { type NodeRow, nodeCodec } from '../../src/server/store/rows.ts';
import { never } from '../counterparts/signals.ts';
import { nodeRow } from '../server/rows.ts';
import { comparedAsItIs, writtenAlike } from './alike.ts';
import { allNodesAreReadOutsideOfWrites, namesAreThoseOfNow } from './names.ts';
import { oldRowsGo } from './pruning.ts';
import { trailIsWhole } from './trail.ts';
import { oddValuesComeBack, valuesComeBack } from './values.ts';
import { appendEvents, eventTypes, fault, follow, insert, names, outcomes } from './writes.ts';

/** One database, which outlives the processes that open it. */
export interface Stored {
  /** Opens it as the process does that has it from then on. The caller closes it, or lets it crash. */
  open(): Promise<Database>;
  /** The process that had it dies at once, whatever it was doing. */
  crash(database: Database): Promise<void>;
  /** Opens it beside a process that still lives, and that no one can tell from a dead one. */
  takeOver(): Promise<Database>;
}

/** How to come by a new, empty database; what it needs is gone after the test. */
export type Store = (t: ExecutionContext) => Promise<Stored>;

interface Case {
  readonly database: Database;
  readonly stored: Stored;
}

/** A part of the contract. */
type Promised = (t: ExecutionContext, given: Case) => Promise<void>;

const PROMISES: Readonly<Record<string, Promised>> = {};
const promise = (title: string, holds: Promised): void => {
  Object.assign(PROMISES, { [title]: holds });
};

/** Declares a test for each promise. @param name of the implementation */
export function databaseContract(name: string, store: Store, declare: TestFn = test): void {
  for (const [title, holds] of Object.entries(PROMISES))
    declare(`${name}: ${title}`, async (t) => {
      const stored = await store(t);
      const database = await stored.open();
      await holds(t, { database, stored });
      await database.close();
    });
}

promise('a write resolves with its result, and what it wrote is there', async (t, { database }) => {
  const node = nodeRow({ name: 'written' });
  t.is(await database.write(insert(node)), node);
  t.deepEqual(await getNode('written', database.read), node);
});

promise('a callback reads what it has written itself', async (t, { database }) => {
  const node = nodeRow();
  const found = await database.write(async (transaction) => {
    await insertNodeRow(node, transaction);
    const rows = await transaction.sql('nodes').where('uuid', node.uuid);
    const again = await transaction.direct.find('nodes', { uuid: [node.uuid] });
    return [rows.length, again.length, (await findNode(node.uuid, transaction.sql))?.name];
  });
  t.deepEqual(found, [1, 1, node.name]);
});

promise('a callback that throws: its own error, and nothing of it is left', async (t, { database }) => {
  const thrown = fault();
  const failing = insert(nodeRow({ name: 'never' }), async (transaction) => {
    await appendEvents(['never'], transaction);
    throw thrown;
  });
  t.is(await database.write(failing).catch((error) => error), thrown);
  await database.write(insert(nodeRow({ name: 'after' })));
  t.deepEqual(await names(database), ['after']);
  t.deepEqual(await eventTypes(database), []);
});

promise('writes that wait together: each stands or falls alone, whatever fails it', async (t, { database }) => {
  await database.write(insert(nodeRow({ name: 'there' })));
  const named = (name: string, work?: (transaction: Transaction) => Promise<void>) =>
    database.write(insert(nodeRow({ name }), work));
  const results = await outcomes([
    named('a'),
    named('b', () => Promise.reject(fault())),
    named('c', ({ direct }) => direct.insert('nodes', [nodeCodec.encode(nodeRow({ name: 'there' }))])),
    named('d', async ({ sql }) => void (await sql('nodes').where('name', 'a').update('name', 'there'))),
    named('e', async ({ sql }) => void (await sql('no_such_table').first())),
    named('f', (transaction) => appendEvents(['f'], transaction)),
  ]);
  t.deepEqual(results, ['fulfilled', 'rejected', 'rejected', 'rejected', 'rejected', 'fulfilled']);
  t.deepEqual(await names(database), ['a', 'f', 'there']);
  t.deepEqual(await eventTypes(database), ['f']);
});

promise('the trail: an entry is there with its change or not at all, and the chain goes through all', trailIsWhole);

promise('old rows go, each kind by its own rule, and nothing else', oldRowsGo);

promise(
  'a row that a failed write has changed is what it was, for reads and for the writes beside it',
  async (t, { database }) => {
    const node = await database.write(insert(nodeRow({ labels: { rack: 'r1' } })));
    const save = (rack: string, fails: boolean) =>
      database.write(async (transaction) => {
        const before = await getNode(node.uuid, transaction.sql);
        const after = await saveNode(before, { labels: { ...before.labels, [rack]: rack } }, transaction);
        if (fails) throw fault();
        return after;
      });
    const results = await outcomes([save('r2', true), save('r3', false), save('r4', true), save('r5', false)]);
    t.deepEqual(results, ['rejected', 'fulfilled', 'rejected', 'fulfilled']);
    const wanted = { ...node, revision: 3, labels: { rack: 'r1', r3: 'r3', r5: 'r5' } };
    t.deepEqual(await getNode(node.uuid, database.read), wanted);
    t.deepEqual(await database.write(({ sql }) => getNode(node.uuid, sql)), wanted);
    t.deepEqual(nodeCodec.decode(await database.read('nodes').first()), wanted);
    await t.throwsAsync(save('r6', true));
    t.deepEqual(await getNode(node.uuid, database.read), wanted);
  },
);

promise('a name means the node that has it now, as whoever looks sees it', namesAreThoseOfNow);

promise('every node is read in pages, in the order of names, and in no write', allNodesAreReadOutsideOfWrites);

promise('a value that is unique: the second row is refused as such', async (t, { database }) => {
  const node = nodeRow({ name: 'one' });
  await database.write(insert(node));
  const second = nodeCodec.encode(nodeRow({ name: 'one' }));
  const ways: readonly ((transaction: Transaction) => Promise<unknown>)[] = [
    ({ direct }) => direct.insert('nodes', [second]),
    ({ sql }) => sql('nodes').insert(second),
    ({ sql }) => sql('nodes').insert(nodeCodec.encode({ ...node, name: 'other', bmcKey: 'other' })),
  ];
  for (const way of ways) {
    const error = await t.throwsAsync(database.write(async (transaction) => void (await way(transaction))));
    t.true(error instanceof UniqueViolation, String(error));
  }
  t.deepEqual(await names(database), ['one']);
});

promise('what one write reads and writes, no other write comes between', async (t, { database }) => {
  const { uuid } = await database.write(insert(nodeRow({ fence: 0 })));
  const raise = () =>
    database.write(async (transaction) => {
      const [row] = await transaction.direct.find('nodes', { uuid });
      await Promise.resolve();
      await transaction
        .sql('nodes')
        .where({ uuid })
        .update('fence', Number(row?.fence) + 1);
    });
  await Promise.all(Array.from({ length: 40 }, raise));
  t.is((await database.read('nodes').where({ uuid }).first()).fence, 40);
});

promise('a read sees nothing of a write that is not committed', async (t, { database }) => {
  const [written, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const writing = database.write(
    insert(nodeRow({ name: 'never' }), async () => {
      written.resolve();
      await leave.promise;
      throw fault();
    }),
  );
  await written.promise;
  const reading = names(database);
  leave.resolve();
  t.deepEqual(await reading, []);
  await t.throwsAsync(writing, { message: 'the callback fails' });
});

promise('a read or a write inside a write fails at once, and its write alone', async (t, { database }) => {
  const { uuid } = await database.write(insert(nodeRow()));
  const inside: Readonly<Record<string, () => Promise<unknown>>> = {
    'a query': async () => database.read('nodes').first(),
    'a row by uuid': () => findNode(uuid, database.read),
    'a raw query': async () => database.read.raw('select 1'),
    'a transaction': () => database.read.transaction(async () => {}),
    'a write': () => database.write(async () => {}),
    'a query after a pause': async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return database.read('nodes').first();
    },
  };
  for (const [what, work] of Object.entries(inside)) {
    const beside = database.write(({ sql }) => sql('nodes').where({ uuid }).update({ fence: 7 }));
    await t.throwsAsync(
      database.write(() => work()),
      { code: 'INTERNAL', message: /use its transaction/ },
      what,
    );
    t.is(await beside, 1, what);
  }
  t.is((await findNode(uuid, database.read))?.uuid, uuid);
});

promise(
  'compare and set: null for a row that is not there any more, and nothing is written',
  async (t, { database }) => {
    const node = await database.write(insert(nodeRow()));
    const name = (before: NodeRow, to: string) =>
      database.write((transaction) => compareAndSet(NODES, before, { name: to }, transaction));
    const [first, second] = await Promise.all([name(node, 'first'), name(node, 'second')]);
    const won = first ?? second;
    t.is([first, second].filter((each) => each === null).length, 1, 'one of two that decided on the same row');
    t.deepEqual(await database.read('nodes').then((rows) => rows.map(nodeCodec.decode)), [won]);
    t.is(won?.revision, node.revision + 1);
    t.is(await name(node, 'third'), null, 'a row of the past');
    t.is(await name({ ...node, uuid: 'no such node' }, 'fourth'), null, 'no such row');
    t.deepEqual(await names(database), [won?.name ?? '']);
  },
);

promise('compare and set: a row is compared as it is, not as it was written last', comparedAsItIs);

promise('many rows that are written alike in one write come back as they were written', writtenAlike);

promise('the feed hears of a change after its commit, and never of one that failed', async (t, { database }) => {
  const ending = new AbortController();
  const heard: string[] = [];
  const watching = (async () => {
    for await (const change of database.feed.watch('node', ending.signal)) {
      if (change.kind !== 'node') continue;
      heard.push(change.node.name);
      const row = await database.read('nodes').where('name', change.node.name).first();
      t.truthy(row, `${change.node.name} is there when it is told`);
      if (change.node.name === 'last') return;
    }
  })();
  const tell = (name: string, fails: boolean) =>
    database.write(
      insert(nodeRow({ name }), async (transaction) => {
        transaction.changed({ kind: 'node', node: nodeRow({ name }), deleted: false });
        await new Promise((resolve) => setImmediate(resolve));
        t.false(heard.includes(name), `${name} is not told before`);
        if (fails) throw fault();
      }),
    );
  await outcomes([tell('first', false), tell('never', true), tell('second', false)]);
  await tell('last', false);
  await watching;
  t.deepEqual(heard, ['first', 'second', 'last']);
  t.is(database.feed.size, 0);
});

promise('events are numbered in the order of the commits, and whoever follows misses none', async (t, { database }) => {
  const committed: string[] = [];
  const following = follow(database, 'last', new AbortController().signal);
  const write = async (at: number): Promise<void> => {
    const types = Array.from({ length: 1 + (at % 3) }, (_, part) => `${at}.${part}`);
    await database.write(async (transaction) => {
      for (const type of types) await appendEvents([type], transaction);
      if (at % 5 === 4) throw fault();
    });
    committed.push(...types);
  };
  for (let round = 0; round < 4; round += 1)
    await outcomes(Array.from({ length: 25 }, (_, at) => write(round * 25 + at)));
  await database.write((transaction) => appendEvents(['last'], transaction));
  const followed = await following;
  t.deepEqual(
    followed.map(({ eventType }) => eventType),
    [...committed, 'last'],
  );
  t.deepEqual(followed, await readEvents(1, 100_000, database.read));
});

promise('many events of one write stand in their order among those of others', async (t, { database }) => {
  const many = (name: string): string[] => Array.from({ length: 1000 }, (_, at) => `${name} ${at}`);
  const append = (types: readonly string[], fails = false) =>
    database.write(async (transaction) => {
      await appendEvents(types, transaction);
      await appendEvents([`end of ${types[0]}`], transaction);
      if (fails) throw fault();
    });
  const results = await outcomes([append(many('a')), append(['b']), append(many('c'), true), append(many('d'))]);
  t.deepEqual(results, ['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  const wanted = [...many('a'), 'end of a 0', 'b', 'end of b', ...many('d'), 'end of d 0'];
  t.deepEqual(await eventTypes(database), wanted);
});

promise('values come back as they were written', valuesComeBack);

promise(
  'times before 1970, long texts and texts that only look alike come back as they were written',
  oddValuesComeBack,
);

promise('text is ordered by code point, whatever the language of the host', async (t, { database }) => {
  const ordered = ['A1', 'B', 'Z', '_', 'a', 'a-1', 'a1', 'b', 'z', 'ä', '\uff5e', '\u{1f600}'];
  await database.write(async (transaction) => {
    for (const name of ordered.toReversed()) await insertNodeRow(nodeRow({ name }), transaction);
  });
  t.deepEqual(await names(database), ordered);
  t.deepEqual(
    (await database.read('nodes').where('name', '>', '_').orderBy('name').select('name')).map(({ name }) => name),
    ordered.slice(4),
  );
});

promise('the code of a problem can be asked for', async (t, { database }) => {
  const problem = { code: 'AGENT_NOT_ATTACHED' as const, message: '"code":"BMC_TAKEN"', since: 1 };
  await database.write(insert(nodeRow({ name: 'unserved', problem })));
  await database.write(insert(nodeRow({ name: 'other', problem: { ...problem, code: 'NO_ANSWER' } })));
  await database.write(insert(nodeRow({ name: 'well' })));
  const unserved = await listUnserved(database.read);
  t.deepEqual(
    unserved.map(({ name }) => name),
    ['unserved'],
  );
  t.is((await countNodes(database.read)).filter(({ unreadable }) => unreadable).length, 1);
  const counts = await countProblems(database.read);
  t.deepEqual(
    counts.sort((one, other) => (one.code < other.code ? -1 : 1)),
    [
      { driver: 'fake', code: 'AGENT_NOT_ATTACHED', nodes: 1 },
      { driver: 'fake', code: 'NO_ANSWER', nodes: 1 },
    ],
  );
});

promise(
  'what has resolved outlives a crash; what has not is there whole or not at all',
  async (t, { database, stored }) => {
    const resolved: string[] = [];
    const write = async (name: string): Promise<void> => {
      await database.write(insert(nodeRow({ name }), (transaction) => appendEvents([name], transaction)));
      resolved.push(name);
    };
    await Promise.all(['a', 'b', 'c'].map(write));
    const interrupted = Array.from({ length: 300 }, (_, at) => write(`d${at}`).catch(() => {}));
    await Promise.race(interrupted);
    await stored.crash(database);
    const known = [...resolved];
    const again = await stored.open();
    const there = await names(again);
    for (const name of known) t.true(there.includes(name), `${name} had resolved`);
    t.deepEqual((await eventTypes(again)).toSorted(), there.toSorted(), 'no half of a write is there');
    await again.write(insert(nodeRow({ name: 'after' })));
    t.true((await names(again)).includes('after'));
    await again.close();
  },
);

promise('close finishes the writes that wait', async (t, { database, stored }) => {
  const writes = ['a', 'b', 'c'].map((name) => database.write(insert(nodeRow({ name }))));
  t.true(database.busy);
  await database.close();
  t.deepEqual(await outcomes(writes), ['fulfilled', 'fulfilled', 'fulfilled']);
  t.false(database.busy);
  const again = await stored.open();
  t.deepEqual(await names(again), ['a', 'b', 'c']);
  await again.close();
});

promise('whoever was taken over from writes nothing more, and hears of it', async (t, { database, stored }) => {
  await database.write(insert(nodeRow({ name: 'before' })));
  const second = await stored.takeOver();
  const refused = await t.throwsAsync(database.write(insert(nodeRow({ name: 'never' }))));
  t.true(refused instanceof CountermandError);
  t.is((refused as CountermandError).code, 'DATABASE_TAKEN');
  t.is((await database.lost).code, 'DATABASE_TAKEN');
  await second.write(insert(nodeRow({ name: 'after' })));
  t.deepEqual(await names(second), ['after', 'before']);
  await second.close();
});

promise('there is room until the storage says otherwise', async (t, { database }) => {
  t.false(database.isFull);
  t.true(await database.findRoom(never()));
});
