/** The log of a daemon whose reader is stuck. */
import { Writable } from 'node:stream';
import test from 'ava';
import { openLogStream } from '../../../src/cli/daemon/log_stream.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

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
  const log = openLogStream(stream, new VirtualClock());
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

test('lines are written together: those of a turn at its end, and those that follow within 50 ms', async (t) => {
  const written: string[] = [];
  const clock = new VirtualClock();
  const stream = { write: (text: string) => written.push(text) > 0 } as never;
  const log = openLogStream(stream, clock, (line) => `${line}.`);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  log.write('a');
  log.write('b');
  t.deepEqual(written, []);
  await turn();
  t.deepEqual(written, ['a.b.']);
  log.write('c');
  await turn();
  log.write('d');
  await clock.turn(49);
  t.deepEqual(written.length, 1);
  await clock.turn(1);
  t.deepEqual(written.slice(1), ['c.d.']);
  log.write('e');
  log.flush();
  t.deepEqual(written.slice(2), ['e.'], 'the process ends');
  await clock.turn(100);
  log.write('f');
  await turn();
  t.deepEqual(written.slice(3), ['f.'], 'a single line does not wait');
});

test('what waits to be written together counts for the limit', (t) => {
  let made = 0;
  const log = openLogStream({ write: () => true, writableLength: 500_000 } as never, new VirtualClock(), (line) => {
    made += 1;
    return line;
  });
  for (let count = 0; count < 1000; count += 1) log.write('x'.repeat(10_000));
  t.true(made > 40 && made < 60, String(made));
  log.flush();
});
