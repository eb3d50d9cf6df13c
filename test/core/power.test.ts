import test from 'ava';
import {
  abortTargetOf,
  findTarget,
  firstPhase,
  isAlreadyThere,
  isIdempotent,
  isLeaving,
  isReached,
  mustConfirm,
  mustWait,
  type Phase,
  recallOf,
  shownTarget,
  showsDown,
  TARGET_TABLE,
  TARGETS,
  type Target,
  wasOvertaken,
} from '../../src/core/power.ts';

test('nine targets, each with its own three names, each found by any of them', (t) => {
  t.is(TARGETS.length, 9);
  const names = TARGETS.flatMap((target) => [target, TARGET_TABLE[target].word, TARGET_TABLE[target].name]);
  t.is(new Set(names).size, 27);
  for (const target of TARGETS) {
    t.is(findTarget(TARGET_TABLE[target].word), target);
    t.is(findTarget(TARGET_TABLE[target].name), target);
    t.is(findTarget(target), target);
  }
  t.is(findTarget('explode'), null);
});

test('each abort aborts one order, and each order has at most one abort', (t) => {
  const pairs = TARGETS.filter((target) => TARGET_TABLE[target].aborts !== null);
  t.deepEqual(
    pairs.map((abort) => abortTargetOf(TARGET_TABLE[abort].aborts as Target)),
    pairs,
  );
  t.is(abortTargetOf('power off'), null);
});

const shows = test.macro({
  exec: (t, target: Target, phase: Phase, shown: Target) => t.is(shownTarget(target, phase), shown),
  title: (_, target, phase) => `a node whose ${target} is in ${phase} shows what the field shows`,
});
test(shows, 'soft power off', 'DOWN', 'soft power off');
test(shows, 'soft power off', 'FORCED_DOWN', 'power off');
test(shows, 'soft rebooting', 'DOWN', 'soft power off');
test(shows, 'soft rebooting', 'FORCED_DOWN', 'power off');
test(shows, 'soft rebooting', 'UP', 'power on');
test(shows, 'rebooting', 'WHOLE', 'power on');
test(shows, 'rebooting', 'UP', 'power on');
test(shows, 'inject nmi', 'WHOLE', 'inject nmi');
test(shows, 'power on', 'WHOLE', 'power on');
test(shows, 'power off', 'WHOLE', 'power off');

test('only what does no harm twice is idempotent', (t) => {
  const once = TARGETS.filter(
    (target) => TARGET_TABLE[target].aborts === null && !isIdempotent(target, firstPhase(target)),
  );
  t.deepEqual(once, ['rebooting', 'soft rebooting', 'soft power off', 'inject nmi']);
  t.true(isIdempotent('soft rebooting', 'UP'));
  t.true(isIdempotent('soft power off', 'FORCED_DOWN'));
});

test('how far an order can be recalled', (t) => {
  const soft: Target[] = ['soft power off', 'soft rebooting'];
  t.is(recallOf('soft power off', soft), 'BY_HARDWARE');
  t.is(recallOf('soft power off', []), 'STOP_WAITING_ONLY');
  t.is(recallOf('inject nmi', soft), 'STOP_WAITING_ONLY');
  for (const hard of ['power on', 'power off', 'rebooting'] as const)
    t.is(recallOf(hard, soft), 'IRREVOCABLE_ONCE_SENT');
});

const on = { powerState: 'power on' } as const;
const off = { powerState: 'power off' } as const;

test('a host that is stopping has not settled; one that starts is on, but not yet over an NMI', (t) => {
  const reached = (
    target: Target,
    phase: Phase,
    reading: Parameters<typeof isReached>[2]['reading'],
    seenDown = false,
  ) => isReached(target, phase, { reading, seenDown });
  t.true(reached('power on', 'WHOLE', on));
  t.true(reached('power on', 'WHOLE', { ...on, host: 'running' }));
  t.true(reached('power on', 'WHOLE', { ...on, host: 'starting' }));
  t.false(reached('inject nmi', 'WHOLE', { ...on, host: 'starting' }));
  t.true(reached('soft power off', 'DOWN', off));
  t.false(reached('soft power off', 'DOWN', { ...on, host: 'stopping' }));
  t.false(reached('soft rebooting', 'DOWN', on));
  t.true(reached('soft rebooting', 'DOWN', on, true));
  t.true(reached('soft rebooting', 'DOWN', off));
  t.true(reached('soft rebooting', 'UP', on, true));
  t.false(reached('soft rebooting', 'UP', off, true));
});

test('a restart is seen by the power, by the host, or by the count of boots', (t) => {
  t.true(showsDown(off, null, null));
  t.true(showsDown({ ...on, host: 'starting' }, null, null));
  t.true(showsDown({ ...on, host: 'running', boots: 3 }, { ...on, boots: 2 }, null));
  t.false(showsDown({ ...on, host: 'running', boots: 2 }, { ...on, boots: 2 }, null));
  t.false(showsDown({ ...on, boots: 2 }, null, null));
  t.true(showsDown({ ...on, host: 'running' }, { ...on, host: 'running' }, { ...on, host: 'stopping' }));
  t.false(showsDown({ ...on, host: 'stopping' }, { ...on, host: 'running' }, { ...on, host: 'stopping' }));
  t.false(showsDown(on, { ...on, host: 'running' }, { ...on, host: 'stopping' }));
});

const stopping = { ...on, host: 'stopping' } as const;
const starting = { ...on, host: 'starting' } as const;
const poweringOn = { ...off, host: 'starting' } as const;

test('a host on its way out of a state has not arrived in it', (t) => {
  t.deepEqual([on, starting, stopping, off, poweringOn].map(isLeaving), [false, false, true, false, true]);
  t.true(isAlreadyThere('power on', on) && isAlreadyThere('power on', starting));
  t.false(isAlreadyThere('power on', stopping));
  t.true(isAlreadyThere('power off', off) && isAlreadyThere('soft power off', off));
  t.false(isAlreadyThere('power off', poweringOn) || isAlreadyThere('soft power off', poweringOn));
  for (const target of ['rebooting', 'soft rebooting', 'inject nmi'] as const) t.false(isAlreadyThere(target, on));
  t.false(isReached('power off', 'WHOLE', { reading: poweringOn, seenDown: false }));
  t.false(isReached('power on', 'WHOLE', { reading: stopping, seenDown: false }));
});

test('what would be void waits; a hard power off ends what is starting', (t) => {
  t.true(mustWait('power on', 'WHOLE', stopping));
  t.true(mustWait('soft rebooting', 'UP', stopping));
  t.true(mustWait('soft power off', 'DOWN', poweringOn));
  t.false(mustWait('power off', 'WHOLE', poweringOn));
  t.false(mustWait('soft power off', 'FORCED_DOWN', poweringOn));
  t.false(mustWait('rebooting', 'WHOLE', stopping));
  t.false(mustWait('power on', 'WHOLE', off));
});

test('a command that a transition has overtaken is sent again, once the host is plainly elsewhere', (t) => {
  t.true(wasOvertaken('power off', 'WHOLE', poweringOn, on));
  t.false(wasOvertaken('power off', 'WHOLE', poweringOn, poweringOn));
  t.false(wasOvertaken('power off', 'WHOLE', poweringOn, off));
  t.false(wasOvertaken('power off', 'WHOLE', poweringOn, stopping));
  t.false(wasOvertaken('power off', 'WHOLE', on, on));
  t.false(wasOvertaken('rebooting', 'WHOLE', stopping, off));
});

test('a doubtful reading shows nothing, and is waited for where something would follow from it', (t) => {
  const maybe = (reading: typeof on | typeof off, before: 'power on' | 'power off' | null) => ({
    ...reading,
    doubt: { before },
  });
  t.false(isReached('power off', 'WHOLE', { reading: maybe(off, 'power on'), seenDown: false }));
  t.false(isAlreadyThere('power off', maybe(off, 'power off')));
  t.false(showsDown(maybe(off, 'power on'), null, null));
  t.false(wasOvertaken('power off', 'WHOLE', poweringOn, maybe(on, 'power off')));
  // It would end the order, or be its before-image.
  t.true(mustConfirm('power off', 'WHOLE', maybe(off, 'power off'), false));
  t.true(mustConfirm('power on', 'WHOLE', maybe(off, 'power off'), true));
  t.true(mustConfirm('soft power off', 'DOWN', maybe(on, null), true));
  // Nothing new, or nothing that matters.
  t.false(mustConfirm('power off', 'WHOLE', maybe(on, 'power on'), true));
  t.false(mustConfirm('rebooting', 'WHOLE', maybe(on, 'power on'), true));
  t.false(mustConfirm('power on', 'WHOLE', maybe(off, 'power on'), false));
  t.false(mustConfirm('power off', 'WHOLE', off, true));
});
