/** Programs that are run cannot get away: not from an abort, not from their limits, not from our death. */
import { spawn } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { CountermandError, fail } from '../../src/core/errors.ts';
import { type Command, runCaptive } from '../../src/drivers/ipmi/ipmitool/captive.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { killAllWith, processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const PATH = process.env.PATH ?? '';
const LIMIT_MS = 30_000;

/** A shell script as the program; `mark` is an argument by which its processes are found. */
const script = (text: string, mark = 'captive-test'): Command => ({
  program: 'sh',
  args: ['-c', text, mark],
  environment: { PATH },
});
const run = (command: Command, signal = never()) => runCaptive(command, LIMIT_MS, systemClock, signal);

test('the ending is told: code, signal, output', async (t) => {
  const ending = await run(script('echo out; echo err >&2; exit 7'));
  t.like(ending, { exitCode: 7, signal: null, stdout: 'out\n', stderr: 'err\n', cutShort: null });
  t.like(await run(script('kill -SEGV $$')), { exitCode: null, signal: 'SIGSEGV', cutShort: null });
});

test('the environment is what was given, and stdin is empty', async (t) => {
  const { stdout } = await run({ program: 'env', args: [], environment: { PATH, LC_ALL: 'C', ONE: 'two  words' } });
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('PWD='));
  t.deepEqual(lines.sort(), ['LC_ALL=C', 'ONE=two  words', `PATH=${PATH}`]);
  t.is((await run(script('cat; echo end'))).stdout, 'end\n');
});

test('the arguments are what was given', async (t) => {
  const args = ['-n', '%s\\n', '$HOME', '`id`', 'a b', '', "'", '*'];
  const { stdout } = await run({ program: 'printf', args: ['<%s>', ...args], environment: { PATH } });
  t.is(stdout, args.map((arg) => `<${arg}>`).join(''));
});

test('it leaves no core file when it crashes', async (t) => {
  t.is((await run(script('ulimit -c'))).stdout, '0\n');
});

test('an abort kills the whole group, and rejects with the reason when all is gone', async (t) => {
  const mark = 'captive-abort';
  t.teardown(() => killAllWith(mark));
  const controller = new AbortController();
  const reason = fail('ABORT_REQUESTED', 'enough');
  const nested = script(`sh -c 'sleep 1000; :' ${mark} & trap "" TERM INT HUP; sleep 1000; :`, mark);
  // No time passes on this clock: nothing but the abort ends it.
  const clock = new PatientClock();
  const outcome = runCaptive(nested, LIMIT_MS, clock, controller.signal).catch((error) => error);
  await eventually('both to run', async () => (await processesWith(mark)).length >= 2);
  controller.abort(reason);
  t.is(await clock.letPass(outcome, 0), reason);
  t.is(clock.timers, 0);
  await eventually('both to be gone', async () => (await processesWith(mark)).length === 0);
  t.is(getEventListeners(controller.signal, 'abort').length, 0);
});

test('no listener is left after an ordinary end', async (t) => {
  const signal = never();
  await run(script('exit 0'), signal);
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('nothing is started under a signal that is aborted already', async (t) => {
  const reason = fail('ABORT_REQUESTED', 'too late');
  const folder = await newFolder(t);
  t.is(await run(script(`touch ${folder}/started`), AbortSignal.abort(reason)).catch((error) => error), reason);
  t.is((await run(script(`ls ${folder}`))).stdout, '');
});

test('one that does not end is ended at its limit', async (t) => {
  const mark = 'captive-limit';
  const clock = new VirtualClock();
  const outcome = runCaptive(script('sleep 1000; :', mark), LIMIT_MS, clock, never());
  await eventually('it to run', async () => (await processesWith(mark)).length > 0);
  await clock.turn(LIMIT_MS);
  t.like(await outcome, { exitCode: null, signal: 'SIGKILL', cutShort: 'took too long', tookMs: LIMIT_MS });
  t.is(clock.timers, 0);
  t.deepEqual(await processesWith(mark), []);
});

test('one that says too much is ended', async (t) => {
  for (const to of ['', '>&2']) {
    const ending = await run(script(`exec yes ${to}`));
    t.is(ending.cutShort, 'said too much');
    t.true(ending.stdout.length + ending.stderr.length < 1_000_000);
  }
});

test('a program that is not installed is named, with what to do', async (t) => {
  const absent = { program: 'ipmitool', args: [], environment: { PATH } };
  const folder = await newFolder(t);
  await run(script(`ln -s "$(command -v sh)" "$(command -v setpriv)" ${folder}`));
  for (const path of [folder, '/nowhere']) {
    const error = await t.throwsAsync(run({ ...absent, environment: { PATH: path } }), {
      instanceOf: CountermandError,
    });
    t.is(error.code, 'COMMAND_MISSING');
    t.regex(error.message, /needs ipmitool and setpriv.*apt-get install ipmitool util-linux/);
  }
});

test('a setpriv that cannot do it is no reason to run without', async (t) => {
  const folder = await newFolder(t);
  await run(script(`printf '#!/bin/sh\\necho "setpriv: unrecognized option" >&2; exit 1' >${folder}/setpriv`));
  await run(script(`chmod 755 ${folder}/setpriv`));
  const command = script(`touch ${folder}/started`);
  const error = await t.throwsAsync(run({ ...command, environment: { PATH: `${folder}:${PATH}` } }), {
    instanceOf: CountermandError,
  });
  t.is(error.code, 'COMMAND_MISSING');
  t.is((await run(script(`ls ${folder}`))).stdout, 'setpriv\n');
});

test('it dies with us', async (t) => {
  const mark = 'captive-orphan';
  const fixture = fileURLToPath(new URL('./fixtures/run_captive.ts', import.meta.url));
  const parent = spawn(process.execPath, [fixture, mark], { stdio: 'ignore' });
  await eventually('it to run', async () => (await processesWith('sleep', mark)).length > 0);
  parent.kill('SIGKILL');
  await eventually('it to be gone', async () => (await processesWith('sleep', mark)).length === 0);
  t.pass();
});
