/** The log on a terminal: one line for each line of JSON, harmless whatever a BMC says. */
import test from 'ava';
import { readConfiguration, readValues } from '../../../src/cli/daemon/configuration.ts';
import { openLog } from '../../../src/cli/daemon/log.ts';
import { readableLine } from '../../../src/cli/daemon/log_line.ts';
import { LiveConfiguration } from '../../../src/cli/daemon/reload.ts';
import { utcTime } from '../../../src/cli/shared/times.ts';
import { openCaptured } from '../captured.ts';

const look = { coloured: false, time: utcTime };
const line = (said: object): string => readableLine(`${JSON.stringify(said)}\n`, look);

test('time, level, message and fields, and an error with its stack', (t) => {
  const time = Date.UTC(2026, 10, 28, 16);
  t.is(
    line({ level: 30, time, node: 'n1', reason: 'wrong rack', took_ms: 5, msg: 'power order ended' }),
    '2026-11-28T16:00:00.000Z info  power order ended node=n1 reason="wrong rack" took_ms=5\n',
  );
  t.is(
    line({ level: 50, time, err: { stack: 'Error: a\n  at b' }, msg: 'no' }),
    '2026-11-28T16:00:00.000Z error no\n    Error: a\n    at b\n',
  );
  t.is(line({ level: 40, msg: '\u001b[2J', bmc: 'a\nb' }), 'warn  \ufffd[2J bmc="a b"\n');
  t.is(readableLine('no JSON\n', look), 'no JSON\n');
});

test('a person sees lines, and whoever else reads the log gets JSON', async (t) => {
  const read = () => readValues({}, {});
  for (const isTTY of [true, false]) {
    const { terminal, stderr } = openCaptured(isTTY, { NO_COLOR: '1' });
    openLog(readConfiguration({}, {}), new LiveConfiguration({ values: read(), read }), terminal).info(
      { a: 1 },
      'said',
    );
    await new Promise((resolve) => setImmediate(resolve));
    t.regex(stderr(), isTTY ? /^\d{4}-\S+ info {2}said a=1\n$/ : /^\{"level":30,.*"a":1,"msg":"said"\}\n$/);
  }
});
