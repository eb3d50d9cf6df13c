/** The log of a daemon whose reader is stuck. */
import { Writable } from 'node:stream';
import test from 'ava';
import { openLogStream } from '../../../src/cli/daemon/log_stream.ts';

/** A stream whose reader reads only when it is told to. */
function openStuck() {
  const read: string[] = [];
  let go = (): void => {};
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      go = () => {
        read.push(chunk);
        done();
      };
    },
  });
  return { stream, read, readOne: () => go() };
}

test('lines that are not read are left out beyond a limit, and counted once they are read again', async (t) => {
  const { stream, read, readOne } = openStuck();
  const log = openLogStream(stream);
  const line = `${'x'.repeat(9_999)}\n`;
  for (let count = 0; count < 1000; count += 1) log.write(line);
  t.true(stream.writableLength > 900_000);
  t.true(stream.writableLength < 1_100_000, 'what waits is bounded');
  while (stream.writableLength > 0) {
    readOne();
    await Promise.resolve();
  }
  const kept = read.length;
  log.write('after\n');
  readOne();
  await Promise.resolve();
  readOne();
  t.deepEqual(JSON.parse(read[kept] ?? ''), {
    level: 40,
    leftOut: 1000 - kept,
    msg: 'the log was not read; lines were left out',
  });
  t.is(read[kept + 1], 'after\n');
});
