/** Which process has a database open: one that has ended has not, also while its parent has not looked yet. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { hasEnded, isAlive, thisProcess } from '../../../src/server/store/own_process.ts';
import { eventually } from '../../counterparts/eventually.ts';

test('this process is alive for others, and one that has ended is not, although its parent has not asked how', async (t) => {
  const self = thisProcess();
  t.true(isAlive(self, { ...self, pid: 1 }));
  // The parent never waits for its child. A shell might.
  const program =
    'import os, time\nchild = os.fork()\nif child == 0: os._exit(0)\nprint(child, flush=True)\ntime.sleep(600)';
  const parent = spawn('/usr/bin/python3', ['-c', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => parent.kill('SIGKILL'));
  const [said] = await once(parent.stdout, 'data');
  const pid = Number(said);
  await eventually('the child to have ended', async () => self.startOf(pid) === null);
  t.true(existsSync(`/proc/${pid}/stat`));
  t.not(self.startOf(parent.pid ?? 0), null);
});

test('a host is also the namespace of its pids: in another container, the same pid is another process', (t) => {
  t.is(thisProcess().host.split(' ').at(-1), readlinkSync('/proc/self/ns/pid'));
});

const STARTS = new Map([
  [2, '20'],
  [3, ''],
]);
const SELF = { host: 'h boot pid:[1]', pid: 1, startedAt: '10', startOf: (pid: number) => STARTS.get(pid) ?? null };

for (const [title, owner, ended] of [
  ['this process itself', {}, true],
  ['another process that had this pid, or that has it by another clock', { startedAt: '9' }, false],
  ['an owner of which it is not known when it was started, also with this pid', { startedAt: '' }, false],
  ['the same pid in another namespace', { host: 'h boot pid:[2]' }, false],
  ['one that runs', { pid: 2, startedAt: '20' }, false],
  ['one whose pid another process has, or that is seen by another clock', { pid: 2, startedAt: '19' }, false],
  ['one of which /proc does not say when it was started', { pid: 3, startedAt: '30' }, false],
  ['one that is not there', { pid: 4, startedAt: '40' }, true],
  ['one that is not there, of which little is known', { pid: 4, startedAt: '' }, false],
  ['one that is not here', { host: 'other boot pid:[1]', pid: 4, startedAt: '40' }, false],
] as const)
  test(`what was inside ${title} ${ended ? 'acts no more' : 'may act'}`, (t) => {
    t.is(hasEnded({ host: SELF.host, pid: SELF.pid, startedAt: SELF.startedAt, ...owner }, SELF), ended);
  });
