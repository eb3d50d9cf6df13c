/** Which process has a database open: one that has ended has not, also while its parent has not looked yet. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import test from 'ava';
import { isAlive, thisProcess } from '../../../src/server/store/own_process.ts';
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
