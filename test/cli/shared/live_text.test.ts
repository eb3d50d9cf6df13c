/** Live text on a screen: written over, cut to the width, and moved to another size without leaving anything behind. */
import test from 'ava';
import { openLiveText } from '../../../src/cli/shared/live_text.ts';
import { othersFirst } from '../../../src/core/clock.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { openCaptured } from '../captured.ts';
import { Screen } from '../screen.ts';

/** Live text in a terminal of this size, below a line of a shell. */
async function open(columns: number, rows = 10) {
  const { terminal } = openCaptured(true, {}, [], columns);
  const screen = new Screen(columns, rows);
  const written: Promise<void>[] = [screen.write('$ watch\n')];
  const stdout = Object.assign(terminal.stdout, { rows, columns });
  stdout.on('data', (text) => written.push(screen.write(String(text))));
  let muted = 0;
  let goOn = (_isInFront: boolean): void => {};
  let hold = (): void => {};
  const muteKeys = (onContinue: typeof goOn, onSignal: typeof hold) => {
    goOn = onContinue;
    hold = onSignal;
    muted += 1;
    return () => {
      muted -= 1;
    };
  };
  const clock = new VirtualClock();
  const live = await openLiveText({ stdout, clock, muteKeys });
  const shown = async (): Promise<string[]> => {
    await Promise.all(written);
    return screen.lines().slice(1);
  };
  const resize = async (width: number) => {
    await Promise.all(written);
    screen.resize(width, rows);
    Object.assign(stdout, { columns: width });
    stdout.emit('resize');
  };
  const type = (key: string): void => {
    stdout.write(key);
    hold();
  };
  return { live, shown, resize, type, stdout, clock, isMuted: () => muted, goOn: (on: boolean) => goOn(on) };
}

const LONG = 'r7n1: soft power off CONFIRMING; times out in 10m; can be taken back while the host still runs';

test('lines are cut to the width, and written over every second', async (t) => {
  const { live, shown, clock, isMuted } = await open(40);
  let seconds = 0;
  t.is(isMuted(), 0);
  live.show(() => `${seconds}s ${LONG}\nshort`);
  t.is(isMuted(), 1);
  t.deepEqual(await shown(), ['0s r7n1: soft power off CONFIRMING; tim…', 'short']);
  seconds = 1;
  await clock.turn(1000);
  t.deepEqual(await shown(), ['1s r7n1: soft power off CONFIRMING; tim…', 'short']);
  live.end();
  t.deepEqual([await shown(), isMuted(), clock.timers], [[], 0, 0]);
});

test('another width leaves nothing behind, narrower or wider, again and again', async (t) => {
  const { live, shown, resize } = await open(80);
  live.show(() => `first ${LONG}\nsecond ${LONG}\nlast`);
  for (const [columns, first] of [
    [30, 'first r7n1: soft power off CO…'],
    [13, 'first r7n1: …'],
    [100, `first ${LONG}`],
    [80, 'first r7n1: soft power off CONFIRMING; times out in 10m; can be taken back whil…'],
  ] as const) {
    await resize(columns);
    const lines = await shown();
    t.deepEqual([lines[0], lines.at(-1), lines.length], [first, 'last', 3], `${columns} columns`);
  }
  live.stay();
  await resize(200);
  t.is((await shown()).length, 3, 'what stays is not written again');
});

test('what is shown after the end of the watching stands below its last state', async (t) => {
  const { live, shown, stdout } = await open(80);
  live.show(() => 'the last state');
  live.stay();
  live.end();
  stdout.write('^C\nstopped watching\n');
  t.deepEqual(await shown(), ['the last state', '^C', 'stopped watching']);
});

test('after a stop it begins anew below what the shell has shown; in the background nothing is written', async (t) => {
  const { live, shown, stdout, clock, goOn, resize } = await open(40);
  let seconds = 0;
  live.show(() => `${seconds}s\nof two lines`);
  stdout.write('^Z\n$ fg\n');
  seconds = 1;
  goOn(true);
  t.deepEqual(await shown(), ['0s', 'of two lines', '^Z', '$ fg', '1s', 'of two lines']);
  seconds = 2;
  await clock.turn(1000);
  t.deepEqual((await shown()).slice(4), ['2s', 'of two lines']);

  stdout.write('^Z\n$ bg\n$ ls\n');
  goOn(false);
  live.show(() => 'of one line');
  await clock.turn(2000);
  await resize(30);
  t.deepEqual((await shown()).slice(4), ['2s', 'of two lines', '^Z', '$ bg', '$ ls']);
  stdout.write('$ fg\n');
  goOn(true);
  t.deepEqual((await shown()).slice(-2), ['$ fg', 'of one line']);
  live.end();
  t.deepEqual([(await shown()).at(-1), clock.timers], ['$ fg', 0]);
});

test('after a stop its timer is due before SIGCONT is heard: what the shell has shown stays', async (t) => {
  const { live, shown, stdout, clock, goOn } = await open(40);
  const due: (() => void)[] = [];
  clock.after = (_, action) => {
    due.push(action);
    return { cancel: () => {} };
  };
  let seconds = 0;
  live.show(() => `${seconds}s\nof two lines`);
  stdout.write('^Z\n$ fg\n');
  seconds = 5;
  due[0]?.();
  goOn(true);
  await othersFirst();
  t.deepEqual(await shown(), ['0s', 'of two lines', '^Z', '$ fg', '5s', 'of two lines']);
  live.end();
});

test('a key that stops the command stays below the text, whatever happens before it does', async (t) => {
  const { live, shown, resize, type, stdout, clock } = await open(40);
  live.show(() => 'of one line');
  await clock.turn(900);
  type('^C');
  await clock.turn(900);
  await resize(30);
  live.show(() => 'another line');
  t.deepEqual(await shown(), ['of one line', '^C']);
  live.stay();
  stdout.write('\nstopped watching\n');
  t.deepEqual([await shown(), clock.timers], [['of one line', '^C', 'stopped watching'], 0]);
});

test('a key that does not stop the command is written over after a second', async (t) => {
  const { live, shown, resize, type, clock } = await open(40);
  live.show(() => `${LONG}\nshort`);
  type('^C');
  await resize(12);
  live.show(() => `another ${LONG}\nshort`);
  await clock.turn(1000);
  t.deepEqual(await shown(), ['another r7n…', 'short']);
  live.end();
  t.deepEqual([await shown(), clock.timers], [[], 0]);
});
