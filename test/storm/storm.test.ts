/**
 * A storm, short in the ordinary run. `npm run storm -- --callers 20 --calls 5000 --kills 10 --seed 7` makes a longer one; the
 * seed decides what is called and what is said.
 */
import { parseArgs } from 'node:util';
import test from 'ava';
import { newFolder } from '../counterparts/folder.ts';
import { storm } from './storm.ts';

const whole = (fallback: string) => ({ type: 'string' as const, default: fallback });
const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { callers: whole('6'), calls: whole('50'), kills: whole('1'), seed: whole('4711') },
});
const plan = {
  seed: Number(values.seed),
  callers: Number(values.callers),
  calls: Number(values.calls),
  kills: Number(values.kills),
};
/** What a call of another client may have to wait for, in processor time. */
const HOLD_UP_LIMIT_MS = 200;

test('a storm of calls, lies, faults and kills: no fault of ours, no client held up, everything at rest, the trail whole', async (t) => {
  const { tally, longestHoldUpMs, ownOrders, troubles, checked } = await storm(t, plan, await newFolder(t));
  t.log(
    `seed ${plan.seed}: ${tally.calls} calls, ${tally.overHttp} over HTTP, ${ownOrders} orders beside them, held up ${longestHoldUpMs.toFixed(0)} ms at most`,
  );
  t.log(
    `the disk was full or failed ${troubles} times; left were ${checked.tasks} power tasks, ${checked.plans} plans, ${checked.audits} audits`,
  );
  for (const [answer, count] of [...tally.answers].sort((one, other) => other[1] - one[1])) t.log(`${count} ${answer}`);
  t.deepEqual(tally.faults, []);
  t.is(tally.calls, plan.callers * plan.calls * (plan.kills + 1));
  t.true(longestHoldUpMs < HOLD_UP_LIMIT_MS, `the event loop was held up for ${longestHoldUpMs} ms of processor time`);
  t.true(tally.overHttp > 0);
  t.true(ownOrders > 0);
  t.true(troubles > 0);
  t.true(checked.tasks > 0 && checked.plans > 0 && checked.audits > 0);
});
