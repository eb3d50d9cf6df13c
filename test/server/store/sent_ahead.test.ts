/** What a transaction writes without waiting: in which statements it is sent, and what follows when one has another result. */
import test from 'ava';
import type pg from 'pg';
import { fail } from '../../../src/core/errors.ts';
import { Unforeseen } from '../../../src/server/store/groups.ts';
import { SentAhead, type WrittenAlike } from '../../../src/server/store/postgres/sent_ahead.ts';
import { hearAnswers } from '../../../src/server/store/postgres/silence.ts';
import { HandClock } from '../../world/hand_clock.ts';

/** Statements in brief: `insert nodes: a b`. */
function inBrief(statement: WrittenAlike | string): string {
  if (typeof statement === 'string') return statement;
  const { kind, table, rows } = statement;
  return `${kind} ${table}: ${rows.map(({ uuid, name }) => uuid ?? name).join(' ')}`;
}

function open(answer: (statement: WrittenAlike | string) => unknown = (statement) => rowsOf(statement)) {
  const said: string[] = [];
  const sent = new SentAhead({
    async send(statement) {
      said.push(inBrief(statement));
      return { rowCount: answer(statement) } as pg.QueryResult;
    },
    together: (send) => send(),
    explain: (thrown) => thrown,
  });
  const node = (uuid: string, more: object = {}) => sent.update('nodes', uuid, { revision: 2, ...more });
  const task = (...uuids: string[]) =>
    sent.insert(
      'tasks',
      ['uuid'],
      uuids.map((uuid) => ({ uuid })),
    );
  return { said, sent, node, task };
}

const rowsOf = (statement: WrittenAlike | string): number | null =>
  typeof statement === 'string' ? null : statement.rows.length;

const CASES: Readonly<Record<string, readonly [(parts: ReturnType<typeof open>) => void, readonly string[]]>> = {
  'rows that are written alike are one statement, where it was first needed': [
    ({ node, task }) => {
      task('t1');
      node('n1');
      task('t2');
      node('n2');
      node('n3', { fence: 1 });
    },
    ['insert tasks: t1 t2', 'update nodes: n1 n2', 'update nodes: n3'],
  ],
  'a row that is written again is written after the first time': [
    ({ node }) => {
      node('n1');
      node('n2', { fence: 1 });
      node('n1', { fence: 1 });
      node('n1');
      node('n3');
    },
    ['update nodes: n1', 'update nodes: n2 n1', 'update nodes: n1 n3'],
  ],
  'a row is written after it was added': [
    ({ sent, task }) => {
      sent.update('tasks', 't0', { revision: 2 });
      task('t1');
      sent.update('tasks', 't1', { revision: 2 });
    },
    ['update tasks: t0', 'insert tasks: t1', 'update tasks: t1'],
  ],
  'rows of one table are numbered in their order, whatever columns they have': [
    ({ sent }) => {
      sent.insert('changes', ['name'], [{ name: 'first' }]);
      sent.insert('changes', ['name', 'by'], [{ name: 'second' }]);
      sent.insert('changes', ['name'], [{ name: 'third' }]);
      sent.insert('changes', ['name'], [{ name: 'fourth' }]);
    },
    ['insert changes: first', 'insert changes: second', 'insert changes: third fourth'],
  ],
  'members of a group are kept apart': [
    ({ sent, task }) => {
      sent.savepoint();
      task('t1');
      sent.savepoint();
      task('t2');
    },
    ['savepoint one', 'insert tasks: t1', 'release savepoint one; savepoint one', 'insert tasks: t2'],
  ],
  'what was not sent is undone by not being sent': [
    ({ sent, task }) => {
      sent.savepoint();
      task('t1');
      sent.savepoint();
      task('never');
      sent.undo();
      sent.savepoint();
      task('t2');
    },
    ['savepoint one', 'insert tasks: t1', 'release savepoint one; savepoint one', 'insert tasks: t2'],
  ],
  'also of the first member': [
    ({ sent, task }) => {
      sent.savepoint();
      task('never');
      sent.undo();
      sent.savepoint();
      task('t1');
    },
    ['savepoint one', 'insert tasks: t1'],
  ],
  'what was sent before a read is undone by the server, and the rest of it is not sent': [
    ({ sent, task }) => {
      task('t1');
      sent.savepoint();
      task('undone');
      sent.flush();
      task('never');
      sent.undo();
      sent.savepoint();
      task('t2');
    },
    [
      'insert tasks: t1',
      'savepoint one',
      'insert tasks: undone',
      'rollback to savepoint one',
      'release savepoint one; savepoint one',
      'insert tasks: t2',
    ],
  ],
  'what follows a read is a statement of its own': [
    ({ sent, node }) => {
      node('n1');
      sent.flush();
      node('n2');
    },
    ['update nodes: n1', 'update nodes: n2'],
  ],
};
for (const [title, [write, wanted]] of Object.entries(CASES))
  test(title, async (t) => {
    const parts = open();
    write(parts);
    await parts.sent.answered();
    t.deepEqual(parts.said, wanted);
  });

const disk = fail('DISK_FULL', 'the disk is full');
const ENDS: Readonly<Record<string, readonly [answer: () => unknown, wanted: unknown]>> = {
  'a row that is not what it was known to be': [() => 1, Unforeseen],
  'a value that is there already': [
    () => {
      throw new Error('duplicate key');
    },
    Unforeseen,
  ],
  'a disk that is full is told as that': [
    () => {
      throw disk;
    },
    disk,
  ],
};
for (const [title, [answer, wanted]] of Object.entries(ENDS))
  test(`${title}: nothing of the transaction counts`, async (t) => {
    const { sent, node } = open(answer);
    node('n1');
    node('n2');
    sent.flush();
    node('n3');
    const error = await sent.answered().catch((thrown: unknown) => thrown);
    t.true(error === wanted || error instanceof Unforeseen, String(error));
    t.is(error instanceof Unforeseen, wanted === Unforeseen);
    t.is(sent.failure, error);
  });

test('an answer is heard with when its statement was asked, however many were asked behind it', async (t) => {
  const clock = new HandClock();
  const waiting: (() => void)[] = [];
  const client = { query: () => new Promise<void>((resolve) => waiting.push(resolve)) };
  const heard: number[] = [];
  hearAnswers(client as unknown as pg.Client, clock, (askedAt) => heard.push(askedAt));
  const asked: Promise<void>[] = [];
  for (let at = 0; at < 3; at += 1) {
    asked.push(client.query());
    clock.moveOn(1000);
  }
  for (const answer of waiting) answer();
  await Promise.all(asked);
  t.deepEqual(heard, [0, 1000, 2000]);
});
