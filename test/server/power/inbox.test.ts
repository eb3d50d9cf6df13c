/** What waits for a turn of the keeper: each task has its turn, and reports that come faster than turns are made do not gather. */
import test from 'ava';
import { type Come, Inbox } from '../../../src/server/power/inbox.ts';

const REPORTS = 100_000;
const report = (uuid: string, agentUuid: string, fence: number): Come => ({
  uuid,
  input: { kind: 'report', report: { taskUuid: uuid, fence } as never, agentUuid },
  from: null,
});
const words = (come: readonly Come[]): string[] =>
  come.map(({ uuid, input }) =>
    input.kind === 'report' ? `${uuid} ${input.agentUuid} ${input.report.fence}` : `${uuid} ${input.kind}`,
  );

test(`${REPORTS} reports of one agent about one task wait as one, the newest`, (t) => {
  const inbox = new Inbox();
  for (let at = 1; at <= REPORTS; at += 1) inbox.add(report('t1', 'a1', at));
  t.is(inbox.size, 1);
  t.deepEqual(words(inbox.take(10)), [`t1 a1 ${REPORTS}`]);
  t.is(inbox.size, 0);
});

test('a report takes the place of none that was taken, nor of another agent, task or kind', (t) => {
  const inbox = new Inbox();
  const deadline: Come = { uuid: 't1', input: { kind: 'deadline' }, from: null };
  for (const come of [report('t1', 'a1', 1), deadline, report('t1', 'a2', 2), report('t2', 'a1', 3), deadline])
    inbox.add(come);
  inbox.add(report('t1', 'a1', 4));
  const taken = inbox.take(10);
  t.deepEqual(words(taken), ['t1 a1 4', 't2 a1 3']);
  inbox.add(report('t1', 'a1', 5));
  inbox.addAgain(taken[0] as Come);
  t.deepEqual(words(inbox.take(10)), ['t1 a1 4']);
  inbox.add(report('t1', 'a1', 6));
  t.is(inbox.size, 4);
  t.deepEqual(
    [1, 2, 3, 4].flatMap(() => words(inbox.take(1))),
    ['t1 deadline', 't1 a2 2', 't1 deadline', 't1 a1 6'],
  );
});

test('a turn takes a limit, and what is cleared is forgotten', (t) => {
  const inbox = new Inbox();
  for (const uuid of ['t1', 't2', 't3']) inbox.add(report(uuid, 'a1', 1));
  t.deepEqual(words(inbox.take(2)), ['t1 a1 1', 't2 a1 1']);
  inbox.clear();
  t.is(inbox.size, 0);
  inbox.add(report('t3', 'a1', 2));
  t.deepEqual(words(inbox.take(2)), ['t3 a1 2']);
});
