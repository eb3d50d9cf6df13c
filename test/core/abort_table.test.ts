import test from 'ava';
import { judgeAbort } from '../../src/core/abort_table.ts';
import {
  type AbortTarget,
  PHASES,
  type Phase,
  type Recall,
  shownTarget,
  TARGET_TABLE,
  TARGETS,
  type Target,
} from '../../src/core/power.ts';
import { isAtRest, POWER_TASK_STATES, type PowerTaskState } from '../../src/core/states.ts';
import { getNode } from '../../src/server/store/nodes.ts';
import { getPowerTask } from '../../src/server/store/power_tasks.ts';
import { nodeRow, putRows, taskRow } from '../server/rows.ts';
import { World } from '../world/world.ts';

const ABORTS = TARGETS.filter((target): target is AbortTarget => target.startsWith('abort'));
const ORDERS = TARGETS.filter((target) => !target.startsWith('abort'));
const STATES = Object.keys(POWER_TASK_STATES) as PowerTaskState[];

/** The phases that a task of this target can be in. */
const PHASES_OF: Readonly<Record<string, readonly Phase[]>> = {
  'soft rebooting': ['DOWN', 'FORCED_DOWN', 'UP'],
  'soft power off': ['DOWN', 'FORCED_DOWN'],
  rebooting: ['WHOLE', 'UP'],
};

interface Case {
  readonly abort: AbortTarget;
  readonly target: Target;
  readonly state: PowerTaskState;
  readonly phase: Phase;
}

const CASES: Case[] = ABORTS.flatMap((abort) =>
  ORDERS.flatMap((target) =>
    STATES.flatMap((state) =>
      (PHASES_OF[target] ?? ['WHOLE' as const]).map((phase) => ({ abort, target, state, phase })),
    ),
  ),
);

/** The table of the abort spec, written down a second time, from the spec: what the node shows decides. */
function specSays({ abort, target, state, phase }: Case): boolean {
  if (!['QUEUED', 'SENDING', 'CONFIRMING'].includes(state)) return false;
  const wanted = {
    'abort soft rebooting': 'soft rebooting',
    'abort soft power off': 'soft power off',
    'abort inject nmi': 'inject nmi',
  };
  if (wanted[abort] !== target) return false;
  return target === 'inject nmi' || phase === 'DOWN';
}

test('three aborts, every target, state and phase: what happens is what the table says', async (t) => {
  const world = await World.open(t);
  await world.startAgent('a1');
  await world.enrol('any');
  await world.killAgent('a1');
  for (const each of CASES) await checkCase(each);
  t.is(CASES.filter(specSays).length, 9);
  t.true(CASES.length > 180);

  async function checkCase(each: Case): Promise<void> {
    const { abort, target, state, phase } = each;
    const label = `${abort} on ${target} ${state} ${phase}`;
    const resting = isAtRest(state);
    const node = nodeRow();
    const sent = state === 'QUEUED' ? null : world.clock.now();
    const deadlines = {
      deadlineAt: world.clock.now() + 600_000,
      startDeadlineAt: world.clock.now() + 600_000,
      sendingAt: sent,
    };
    const holder = taskRow(node, { target, state, phase, ...deadlines, endedAt: resting ? 1 : null });
    const held = resting ? {} : { heldBy: holder.uuid, targetPowerState: shownTarget(target, phase) };
    await putRows(world.database, { ...node, ...held }, holder);

    const asked = await world.order(node.name, abort);
    const task = await getPowerTask(holder.uuid, world.database.read);
    const after = await getNode(node.uuid, world.database.read);
    if (!specSays(each)) {
      t.is(asked.abortOutcome, 'NOTHING_TO_ABORT', label);
      t.is(asked.state, 'SUCCEEDED', label);
      t.not(asked.abortReason, '', label);
      t.is(asked.abortsTaskUuid, null, label);
      t.deepEqual(task, holder, `${label}: the task was touched`);
      t.deepEqual(after, { ...node, ...held }, `${label}: the node was touched`);
      return;
    }
    t.is(asked.abortsTaskUuid, holder.uuid, label);
    t.is(task.abortTaskUuid, asked.uuid, label);
    if (state === 'QUEUED') {
      t.is(task.state, 'ABORTED', label);
      t.is(task.abortOutcome, 'NOT_SENT', label);
      t.is(asked.abortOutcome, 'NOT_SENT', label);
      t.is(after.powerState, 'power on', `${label}: nothing was sent, the node is as it was`);
      t.is(after.heldBy, null, label);
    } else {
      t.is(task.state, 'ABORTING', label);
      t.is(asked.state, 'SENDING', label);
      t.is(after.heldBy, holder.uuid, label);
    }
  }
});

test('an abort that no agent answers ends FAILED after abort_timeout: task ABORTED, node error, window open', async (t) => {
  const world = await World.open(t);
  await world.startAgent('a1');
  await world.enrol('any');
  await world.killAgent('a1');
  const node = nodeRow();
  const task = taskRow(node, { state: 'CONFIRMING', sendingAt: 1, deadlineAt: world.clock.now() + 600_000 });
  await putRows(world.database, { ...node, heldBy: task.uuid, targetPowerState: 'soft power off' }, task);
  const abort = await world.order(node.name, 'abort soft power off');
  await world.clock.turn(29_999);
  t.is((await getPowerTask(abort.uuid, world.database.read)).state, 'SENDING');
  await world.clock.turn(1);
  const ended = await getPowerTask(abort.uuid, world.database.read);
  t.like(ended, { state: 'FAILED', abortOutcome: 'FAILED', errorCode: 'RECALL_FAILED' });
  t.is(ended.abortReason, 'no agent answered within 30 s');
  t.like(await getPowerTask(task.uuid, world.database.read), { state: 'ABORTED', abortOutcome: 'FAILED' });
  const after = await getNode(node.uuid, world.database.read);
  t.is(after.powerState, 'error');
  t.is(after.mayChangeUntil, world.clock.now() + 600_000);
});

const holder = { uuid: 'the-holder', target: 'soft power off', phase: 'DOWN', state: 'CONFIRMING' } as const;

test('an abort that names another task does nothing, one that names the holder aborts it', (t) => {
  t.false(judgeAbort('abort soft power off', holder, 'another').matches);
  t.true(judgeAbort('abort soft power off', holder, 'the-holder').matches);
  t.false(judgeAbort('abort soft power off', null, null).matches);
});

test('every answer of the table that is no says why', (t) => {
  for (const abort of ABORTS) {
    for (const target of TARGETS) {
      for (const phase of PHASES) {
        const verdict = judgeAbort(abort, { ...holder, target, phase }, null);
        t.true(verdict.matches || verdict.reason.length > 10);
        t.is(TARGET_TABLE[abort].aborts === target || !verdict.matches, true);
      }
    }
  }
});

test('an abort that comes second to a forced power off says so', (t) => {
  const verdict = judgeAbort('abort soft power off', { ...holder, phase: 'FORCED_DOWN' }, null);
  t.deepEqual(verdict, { matches: false, reason: 'forced off under way after a timeout' });
});

const RECALLS: readonly Recall[] = ['BY_HARDWARE', 'STOP_WAITING_ONLY', 'IRREVOCABLE_ONCE_SENT'];

test('of what was given up, an abort takes back a soft order of its kind that went no further, where the hardware can', (t) => {
  for (const abort of ABORTS)
    for (const target of ORDERS)
      for (const phase of PHASES)
        for (const recall of RECALLS)
          for (const beingRecalled of [false, true]) {
            const givenUp = { uuid: 'given-up', target, phase, state: 'FAILED', recall, beingRecalled } as const;
            const expected =
              TARGET_TABLE[abort].aborts === target && phase === 'DOWN' && recall === 'BY_HARDWARE' && !beingRecalled;
            const verdict = judgeAbort(abort, null, null, givenUp);
            t.is(verdict.matches, expected, `${abort} of ${target} ${phase} ${recall} ${beingRecalled}`);
            t.is(verdict.matches, expected);
            t.is(judgeAbort(abort, null, 'given-up', givenUp).matches, expected);
            t.false(judgeAbort(abort, null, 'another', givenUp).matches);
          }
  // A task that holds the node goes before what was given up.
  const givenUp = {
    ...holder,
    uuid: 'given-up',
    state: 'FAILED',
    recall: 'BY_HARDWARE',
    beingRecalled: false,
  } as const;
  t.deepEqual(judgeAbort('abort soft power off', holder, null, givenUp), { matches: true });
});
