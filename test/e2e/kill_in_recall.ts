/** SIGKILL around orders that an iRMC takes back. */
import type { ExecutionContext } from 'ava';
import { commandsAt, enrolIrmc, SLOW_HOST, untilCommanded } from './irmc.ts';
import { nodeNow, order, untilAtRest, untilIn, watchTask } from './orders.ts';
import type { Moment, Scene } from './shared_kill.ts';

async function showLate(t: ExecutionContext, { house, turn, killed, started }: Scene): Promise<void> {
  const tested = await enrolIrmc(t, house, 'taken-back', { host: SLOW_HOST });
  await untilAtRest(order(house.client, 'taken-back', 'SOFT_POWER_OFF', { timeout: 1 }));
  const requestId = 'the-late-abort';
  await turn();
  order(house.client, 'taken-back', 'ABORT_SOFT_POWER_OFF', { requestId });
  await untilCommanded(tested, 'ShutdownRequestCancelled');
  await killed();
  await started();
  // The same request_id is the same abort.
  const ended = await untilAtRest(order(house.client, 'taken-back', 'ABORT_SOFT_POWER_OFF', { requestId }));
  t.like(ended, { state: 'SUCCEEDED', abort: { outcome: 'RECALLED' } });
  t.is(tested.irmc.host.boot, 'os-running');
  t.is((await nodeNow(house.client, 'taken-back')).mayStillChangeUntil, undefined);
}

/** An order that was given up after its timeout is taken back: it is taken back all the same. The house confirms recalls slowly. */
export const LATE_RECALL: Moment = { title: 'while a late abort is recalled', lasts: 'seconds', show: showLate };

async function show(t: ExecutionContext, { house, killed, started }: Scene): Promise<void> {
  const [f] = await Promise.all(['f', 'g'].map((name) => enrolIrmc(t, house, name, { host: SLOW_HOST })));
  const soft = (name: string) => untilIn(order(house.client, name, 'SOFT_POWER_OFF'), 'CONFIRMING');
  const [given, recorded] = await Promise.all([soft('f'), soft('g')]);
  const requested = { requestId: 'a-1', reason: 'wrong rack, says Ada' };
  await untilAtRest(order(house.client, 'g', 'ABORT_SOFT_POWER_OFF', requested));

  await killed();
  await started();
  const aborted = await untilAtRest(order(house.client, 'f', 'ABORT_SOFT_POWER_OFF'));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'RECALLED' } });
  t.like(await untilAtRest(watchTask(house.client, given.uuid)), { state: 'ABORTED' });
  t.deepEqual(f && commandsAt(f), ['RequestShutdownAndOff', 'ShutdownRequestCancelled']);

  const kept = await untilAtRest(watchTask(house.client, 'a-1'));
  t.like(kept, { reason: requested.reason, abortsTaskUuid: recorded.uuid, abort: { outcome: 'RECALLED' } });
  t.truthy(kept.abort?.reason);
}

/**
 * Defects f and g of the prototype that once was to bring abort into the field (irmc_defects): an abort works through another process than the
 * one that gave the order; and who aborted, why, and what the iRMC said is recorded.
 */
export const BEFORE_ITS_ABORT: Moment = { title: 'between an order and its abort at an iRMC', lasts: 'long', show };
