/** SIGHUP: what is changed at once, what needs a restart, and what changes nothing. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readValues } from '../../../src/cli/daemon/configuration.ts';
import { LiveConfiguration } from '../../../src/cli/daemon/reload.ts';
import { newFolder } from '../../counterparts/folder.ts';

const DAY_MS = 86_400_000;

test('the level of the log and the retention change at once, other keys at the next start, and what is wrong changes nothing', async (t) => {
  const config = join(await newFolder(t), 'countermand.yaml');
  const write = (text: string): void => writeFileSync(config, text);
  const read = () => readValues({ config, plansKeep: '7' }, {});
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { level: 'info', info: note, error: note };
  write('zone: a\n');
  const live = new LiveConfiguration({ values: read(), read });
  const reread = (text: string): string => {
    write(text);
    live.reread(log);
    return lines.splice(0).join();
  };

  const said = reread('zone: b\nlog_level: debug\nevents_keep: 3\nplans_keep: 9\n');
  t.is(
    said,
    'SIGHUP: the configuration was read again {"changed":["log_level","events_keep"],"needs_restart":["zone"]}',
  );
  t.is(log.level, 'debug');
  t.is(live.retention.events.forMs, 3 * DAY_MS);
  t.is(live.retention.plans.forMs, 7 * DAY_MS, 'a flag wins');

  t.regex(reread('zone: b\nevents_keep: 0.5\n'), /cannot be used; nothing was changed .*events_keep must be/);
  t.is(live.retention.events.forMs, 3 * DAY_MS);
  t.is(log.level, 'debug');

  const level = live.levelOf(log);
  level.set('trace', 'anna');
  t.deepEqual(lines.splice(0), ['the level of the log was changed {"from":"debug","to":"trace","identity":"anna"}']);
  t.deepEqual([level.now(), level.configured()], ['trace', 'debug']);
  t.regex(reread('zone: a\nlog_level: debug\nevents_keep: 3\n'), /"changed":\["log_level"\],"needs_restart":\[\]/);
  t.is(level.now(), 'debug');
});
