import test from 'ava';
import {
  abortTargetOf,
  findTarget,
  firstPhase,
  isIdempotent,
  isReached,
  type Phase,
  recallOf,
  shownTarget,
  showsDown,
  TARGET_TABLE,
  TARGETS,
  type Target,
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
