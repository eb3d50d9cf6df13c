/** The clock of drivers that speak to real counterparts: it takes none that is slow for one that is silent. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'ava';
import { PatientClock } from './patient_clock.ts';

/** Resolves with the result of `call`, or with 'timed out' after 5 s of the clock. */
function within5s<T>(clock: PatientClock, call: Promise<T>): Promise<T | 'timed out'> {
  return new Promise((resolve) => {
    const timer = clock.after(5000, () => resolve('timed out'));
    call.then((answer) => {
      timer.cancel();
      resolve(answer);
    });
  });
}

test('a process that works for its answer is waited for, however long it takes; no time passes', async (t) => {
  const clock = new PatientClock();
  const work = 'let sum = 0; for (let i = 0; i < 1e8; i += 1) sum += i % 7; process.stdout.write(String(sum > 0));';
  const { stdout } = spawn(process.execPath, ['-e', work], { stdio: ['ignore', 'pipe', 'inherit'] });
  const answer = once(stdout, 'data').then(([text]) => String(text));
  t.is(await clock.letPass(within5s(clock, answer), 60_000), 'true');
  t.is(clock.monotonic(), 0);
});

test('so is a process below that process', async (t) => {
  const clock = new PatientClock();
  const line = `"$0" -e 'let sum = 0; for (let i = 0; i < 1e8; i += 1) sum += i % 7; console.log(sum > 0)'; echo`;
  const { stdout } = spawn('sh', ['-c', line, process.execPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  const answer = once(stdout, 'data').then(([text]) => String(text).trim());
  t.is(await clock.letPass(within5s(clock, answer), 60_000), 'true');
  t.is(clock.monotonic(), 0);
});

test('what this process still has to take from its sockets, and answers, is waited for', async (t) => {
  const clock = new PatientClock();
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  // A datagram that goes around twenty times.
  const around = new Promise<number>((resolve) => {
    socket.on('message', ([left = 0]) => {
      if (left === 0) resolve(left);
      else socket.send(Buffer.of(left - 1), socket.address().port, '127.0.0.1');
    });
    socket.send(Buffer.of(20), socket.address().port, '127.0.0.1');
  });
  t.is(await clock.letPass(within5s(clock, around), 60_000), 0);
  t.is(clock.monotonic(), 0);
});

test('time passes for what gets no answer, up to the bound', async (t) => {
  const clock = new PatientClock();
  t.is(await clock.letPass(within5s(clock, new Promise(() => {})), 60_000), 'timed out');
  t.is(clock.monotonic(), 5000);
});

test('a process that is stopped is silent', async (t) => {
  const clock = new PatientClock();
  const child = spawn('sh', ['-c', 'kill -STOP $$; echo late'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const answer = once(child.stdout, 'data').then(([text]) => String(text).trim());
  t.is(await clock.letPass(within5s(clock, answer), 60_000), 'timed out');
});
