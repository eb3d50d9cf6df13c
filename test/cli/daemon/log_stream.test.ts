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
  for (let count = 0; count < 1000; count += 1) {
    log.write(line);
    log.flush();
  }
  t.true(stream.writableLength > 900_000);
  t.true(stream.writableLength < 1_100_000, 'what waits is bounded');
  while (stream.writableLength > 0) {
    readOne();
    await Promise.resolve();
  }
  const kept = read.length;
  log.write('after\n');
  log.flush();
  readOne();
  const [counted = '', after] = (read[kept] ?? '').split('\n');
  t.deepEqual(JSON.parse(counted), {
    level: 40,
    leftOut: 1000 - kept,
    msg: 'the log was not read; lines were left out',
  });
  t.is(after, 'after');
});

test('the lines of a turn are written together at its end, and at once where the process ends in between', async (t) => {
  const written: string[] = [];
  const log = openLogStream({ write: (text: string) => written.push(text) > 0 } as never, (line) => `${line}.`);
  log.write('a');
  log.write('b');
  t.deepEqual(written, []);
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(written, ['a.b.']);
  log.write('c');
  log.flush();
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(written, ['a.b.', 'c.']);
});

test('a line can wait, and the stream be full, only up to one limit', (t) => {
  let made = 0;
  const log = openLogStream({ write: () => true, writableLength: 500_000 } as never, (line) => {
    made += 1;
    return line;
  });
  for (let count = 0; count < 1000; count += 1) log.write('x'.repeat(10_000));
  t.true(made > 40 && made < 60, String(made));
  log.flush();
});
