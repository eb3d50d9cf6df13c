/** The reserve is written in pieces: others are served meanwhile, and it counts only when all of it is there. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { othersFirst } from '../../../src/core/clock.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { openReserve } from '../../../src/server/store/sqlite/reserve.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { never } from '../../counterparts/signals.ts';

const MIB = 2 ** 20;
const BYTES = 8 * MIB;

async function newReserve(t: ExecutionContext) {
  const folder = await newFolder(t);
  const draft = (): number => statSync(join(folder, 'reserve.new'), { throwIfNoEntry: false })?.size ?? 0;
  return { reserve: openReserve(join(folder, 'reserve'), BYTES), draft, files: () => readdirSync(folder) };
}

/** Lets others have their turns until it is half written. */
async function untilHalf(draft: () => number): Promise<void> {
  while (draft() < BYTES / 2) await othersFirst();
}

test('others have their turns while it is written, and it is not there before it is whole', async (t) => {
  const { reserve, files } = await newReserve(t);
  let isOver = false;
  const refilled = reserve.refill(never()).finally(() => {
    isOver = true;
  });
  let turns = 0;
  for (; !isOver; turns += 1) {
    if (reserve.isThere) t.false(files().includes('reserve.new'));
    await othersFirst();
  }
  t.true(await refilled);
  t.true(turns >= BYTES / MIB, `others had ${turns} turns`);
  t.true(reserve.isThere);
  t.deepEqual(files(), ['reserve']);
});

test('released while it is written, it gives up, and its room is free at once', async (t) => {
  const { reserve, draft, files } = await newReserve(t);
  const refilled = reserve.refill(never());
  await untilHalf(draft);
  reserve.release();
  t.deepEqual(files(), []);
  t.false(await refilled);
  t.false(reserve.isThere);
  t.deepEqual(files(), []);
  t.true(await reserve.refill(never()));
});

test('an abort ends it with its reason and leaves nothing', async (t) => {
  const { reserve, draft, files } = await newReserve(t);
  const cancellation = openCancellation([]);
  const reason = fail('SHUTTING_DOWN', 'the test has seen enough');
  const refilled = reserve.refill(cancellation.signal);
  await untilHalf(draft);
  cancellation.abort(reason);
  await t.throwsAsync(refilled, { is: reason });
  t.deepEqual(files(), []);
});

test('where there is no room for it, nothing is left of it', async (t) => {
  const folder = await newFolder(t);
  const reserve = openReserve(join(folder, 'reserve'), Number.MAX_SAFE_INTEGER);
  t.false(await reserve.refill(never()));
  t.deepEqual(readdirSync(folder), []);
});
