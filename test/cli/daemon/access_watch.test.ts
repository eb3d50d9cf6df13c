/** The file of roles is looked at again: with a clock that is turned by hand. */
import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { watchAccess } from '../../../src/cli/daemon/access_watch.ts';
import { LOOK_AGAIN_MS } from '../../../src/cli/daemon/tls_watch.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

const fileFor = (role: string): string => `bindings: [{identities: ['jwt:a'], role: ${role}}]`;

test('a new file is in force within seconds; a broken one changes nothing, and is told once', async (t) => {
  const path = `${await newFolder(t)}/access.yaml`;
  await writeFile(path, fileFor('observer'));
  const clock = new VirtualClock();
  const cancellation = openCancellation([]);
  const told: string[] = [];
  const log = {
    info: (fields: object) => void told.push(JSON.stringify(fields)),
    error: ({ reason = '' }: { reason?: string }) => void told.push(reason),
  };
  const access = watchAccess(path, { clock, log }, cancellation.signal);
  const may = (verb: 'power.off' | 'node.read') => access.rightsOf({ name: 'jwt:a', agentZones: null }).may(verb);
  t.deepEqual([may('node.read'), may('power.off')], [true, false]);

  await writeFile(path, fileFor('boss'));
  await clock.turn(3 * LOOK_AGAIN_MS);
  t.true(may('node.read'));
  t.is(told.length, 1);
  t.regex(told[0] ?? '', /access\.yaml: bindings\[0\]\.role: there is no role 'boss'/);

  await writeFile(path, 'bindings: [');
  await clock.turn(LOOK_AGAIN_MS);
  t.regex(told[1] ?? '', /access\.yaml is not valid YAML: /);

  await writeFile(path, fileFor('operator'));
  await clock.turn(2 * LOOK_AGAIN_MS);
  t.true(may('power.off'));
  t.deepEqual(told.slice(2), [JSON.stringify({ path, bindings: 1 })]);

  cancellation.abort(fail('SHUTTING_DOWN', 'the test is over'));
  await clock.settle();
  t.is(clock.timers, 0);
});

test('a file that is wrong at the start is refused; without one everything is allowed', async (t) => {
  const clock = new VirtualClock();
  const log = { info: () => {}, error: () => {} };
  const { signal } = openCancellation([]);
  t.throws(() => watchAccess('/nonexistent/access.yaml', { clock, log }, signal), {
    code: 'CONFIGURATION_INVALID',
  } as never);
  t.false(watchAccess(null, { clock, log }, signal).hasFile);
});
