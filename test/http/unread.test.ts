/** A stream over HTTP whose client does not read. */
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import test from 'ava';
import { endUnread } from '../../src/http/unread.ts';
import { MetricRegistry } from '../../src/server/metrics/registry.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

test('a stream is cut off when its client has read nothing for the limit while messages waited for it, and not before', async (t) => {
  const [clock, registry, lines] = [new VirtualClock(), new MetricRegistry(), [] as string[]];
  const ignored = (): void => {};
  const log = { info: ignored, error: ignored, warn: (_: object, line: string) => void lines.push(line) };
  let read = (): void => {};
  const response = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      read = done;
    },
  });
  const limitMs = 300_000;
  endUnread(response as unknown as ServerResponse, 'Service/Stream', { services: { clock, log, registry }, limitMs });

  // Nothing waits, then something that is read.
  await clock.turn(limitMs * 2);
  response.write('one');
  await clock.turn(limitMs);
  t.false(response.destroyed);
  read();
  await clock.turn(limitMs);
  t.false(response.destroyed);

  response.write('two');
  await clock.turn(limitMs + limitMs / 5);
  t.true(response.destroyed);
  t.deepEqual(lines, ['a stream was not read, and is ended']);
  t.regex(await registry.text(), /countermand_streams_not_read_total\{rpc="Service\/Stream"\} 1/);
  t.is(clock.timers, 0);
});
