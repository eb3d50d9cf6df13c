/** What every driver promises. Each promise is tried against every counterpart that can be in its situation. */
import { getEventListeners } from 'node:events';
import type { ExecutionContext } from 'ava';
import { asCountermandError, CountermandError, type ErrorCode, fail, REFUSED_LOGINS } from '../../src/core/errors.ts';
import { isAbort, type OnOff, type OrderTarget, type Reading } from '../../src/core/power.ts';
import { onlyWhile, openCancellation } from '../../src/core/signals.ts';
import { type Bmc, PROVES_NOT_SENT, PROVES_REFUSED, type Supported } from '../../src/drivers/driver.ts';
import { eventually } from '../counterparts/eventually.ts';
import { never } from '../counterparts/signals.ts';
import type { Bench, Situation } from './counterpart.ts';

/** One promise. */
export interface DriverPromise {
  readonly name: string;
  readonly situation: Situation;
  kept(t: ExecutionContext, bench: Bench): Promise<unknown>;
}

/** What is no answer, and what is no BMC. */
const GARBAGE: readonly ErrorCode[] = ['BMC_GARBLED', 'BMC_PROTOCOL_VIOLATION'];
/** The outcome of an NMI where the BMC has none: it says so, or does not list it. */
const REFUSED_NMI: readonly ErrorCode[] = ['BMC_REFUSED', 'TARGET_NOT_SUPPORTED'];
/** The time of its own that the driver may wait for a BMC that says nothing. */
const BOUND_MS = 20_000;
/** What there is an answer for needs no timeout. */
const AT_ONCE = 0;
/** The driver may keep a timer to look after its sessions. Each call takes its own timers with it. */
const MOST_TIMERS = 1;

const bmcOf = ({ driver, info }: Bench): Bmc<unknown> => driver.parse(info);
const read = (bench: Bench, signal = never()): Promise<Reading> => bench.driver.getPowerState(bmcOf(bench), signal);
const order = (bench: Bench, target: OrderTarget, signal = never()): Promise<string> =>
  bench.driver.setPowerState(bmcOf(bench), target, signal);
const reads = async (bench: Bench, powerState: OnOff): Promise<boolean> =>
  (await read(bench)).powerState === powerState;

const ask = (bench: Bench): Promise<Supported> => bench.driver.getSupportedPowerStates(bmcOf(bench), never());

/** The orders that are one command for the node; hardware that refuses to be asked does what its driver usually does. */
async function commandsOf(bench: Bench): Promise<OrderTarget[]> {
  const { softRebootInOneCommand } = await ask(bench).catch(() => bench.driver);
  const orders = bench.driver.targets.filter((target): target is OrderTarget => !isAbort(target));
  return orders.filter((target) => target !== 'soft rebooting' || softRebootInOneCommand);
}

/**
 * Gives an order again and again: its time is over at the first look of the driver, then at the second, and so on, until an order has
 * passed the last of them. Whenever the error is the objection, no order has arrived. True if there was a look.
 */
async function isStoppedAtEachLook(
  t: ExecutionContext,
  bench: Bench,
  target: OrderTarget,
  what: 'nothing but the order' | 'an order that may be refused',
): Promise<boolean> {
  const reason = fail('NOT_SENT_IN_TIME', 'the lease ran out while the process was frozen');
  t.true(PROVES_NOT_SENT.includes(reason.code));
  for (let looks = 0; ; looks += 1) {
    const before = await bench.orders();
    const { signal, end } = openCancellation([]);
    let asked = 0;
    onlyWhile(signal, () => {
      asked += 1;
      return asked > looks ? reason : null;
    });
    const error: CountermandError | null = await order(bench, target, signal).then(() => null, asCountermandError);
    end();
    if (error === reason) t.deepEqual(await bench.orders(), before);
    else if (what === 'nothing but the order') t.is(error, null);
    else t.true(error === null || PROVES_REFUSED.includes(error.code));
    if (asked <= looks) return looks > 0;
    if (what === 'nothing but the order') t.is(error, reason);
  }
}

/** Nothing is left of a call. */
async function leavesNothing(t: ExecutionContext, bench: Bench, signal: AbortSignal): Promise<void> {
  t.is(getEventListeners(signal, 'abort').length, 0);
  t.true(bench.clock.timers <= MOST_TIMERS, `${bench.clock.timers} timers are left`);
  t.is(await bench.processes(), 0);
}

/**
 * The call rejects with one of the codes, before the timeouts of the driver add up to more than `withinMs`, and leaves
 * nothing behind.
 */
async function fails(
  t: ExecutionContext,
  bench: Bench,
  call: (signal: AbortSignal) => Promise<unknown>,
  codes: readonly ErrorCode[],
  withinMs: number,
): Promise<void> {
  const controller = new AbortController();
  // A call that never ends does not outlive its test.
  t.teardown(() => controller.abort(fail('ABORT_REQUESTED', 'the test is over')));
  const outcome = bench.clock.letPass(call(controller.signal), withinMs);
  const error = await t.throwsAsync(outcome, { instanceOf: CountermandError });
  t.true(codes.includes(error.code), `${error.code}: ${error.message}`);
  await leavesNothing(t, bench, controller.signal);
}

/**
 * Reading and ordering both fail with one of the codes, at once, which proves that nothing was sent, and nothing arrives. Each
 * has tried `logins` times to log in, when an operator asks: a BMC may lock out a user who tries more often. A login that was
 * refused is not tried again by itself.
 */
const cannotReach =
  (codes: readonly ErrorCode[], logins: number | null) =>
  async (t: ExecutionContext, bench: Bench): Promise<void> => {
    const calls = [
      (signal: AbortSignal) => read(bench, signal),
      (signal: AbortSignal) => order(bench, 'power off', signal),
    ];
    for (const call of calls) {
      await bench.driver.allowLogin(bmcOf(bench), never()).catch(() => {});
      const before = bench.logins?.() ?? 0;
      await fails(t, bench, call, codes, AT_ONCE);
      if (bench.logins && logins !== null) t.is(bench.logins() - before, logins, 'attempts to log in');
      if (!codes.some((code) => REFUSED_LOGINS.includes(code))) continue;
      await fails(t, bench, call, codes, AT_ONCE);
      if (bench.logins && logins !== null) t.is(bench.logins() - before, logins, 'no login is tried again');
    }
    t.true(codes.every((code) => PROVES_NOT_SENT.includes(code)));
    t.deepEqual(await bench.orders(), []);
    t.is(await bench.power(), 'power on');
  };

/**
 * The call is given up at the abort, with the reason of the abort, and leaves nothing behind. Nothing else can have ended it:
 * the BMC says nothing yet, and no timeout passes.
 */
async function givesUp(
  t: ExecutionContext,
  bench: Bench,
  call: (signal: AbortSignal) => Promise<unknown>,
  underWay: () => Promise<boolean>,
): Promise<void> {
  const controller = new AbortController();
  const reason = fail('ABORT_REQUESTED', 'the test wants it back');
  const outcome = call(controller.signal).then(
    () => null,
    (error: unknown) => error,
  );
  await eventually('the call to be under way', underWay);
  controller.abort(reason);
  t.is(await bench.clock.letPass(outcome, AT_ONCE), reason);
  await leavesNothing(t, bench, controller.signal);
}

/** Resolves when the BMC answers, which may take the driver a timeout or two if the BMC was busy with something else. */
const answersAgain = (bench: Bench): Promise<void> =>
  eventually('the BMC to answer again', () =>
    bench.clock.letPass(read(bench), BOUND_MS).then(
      () => true,
      () => false,
    ),
  );

const arrived = (bench: Bench) => async (): Promise<boolean> => (await bench.orders()).length > 0;

/** While the BMC holds the order, nothing is sent a second time; the outcome is not claimed to be known. */
const isSentOnce =
  (target: OrderTarget) =>
  async (t: ExecutionContext, bench: Bench): Promise<void> => {
    if (target === 'inject nmi' && !bench.takesNmi) {
      t.pass('it refuses an NMI at once');
      return;
    }
    // The driver waits for as long as the BMC takes to get there, and then its time passes.
    const givesUpWaiting = async (signal: AbortSignal): Promise<void> => {
      const answer = order(bench, target, signal);
      await Promise.race([answer, eventually('the order to arrive', arrived(bench))]);
      await bench.clock.letPass(answer, BOUND_MS);
    };
    await fails(t, bench, givesUpWaiting, ['NO_ANSWER'], AT_ONCE);
    t.deepEqual(await bench.orders(), [target]);
    await bench.relieve();
    await answersAgain(bench);
    t.deepEqual(await bench.orders(), [target]);
  };

/** The list. */
export const PROMISES: readonly DriverPromise[] = [
  { name: 'reads on', situation: 'on', kept: async (t, bench) => t.true(await reads(bench, 'power on')) },
  { name: 'reads off', situation: 'off', kept: async (t, bench) => t.true(await reads(bench, 'power off')) },
  {
    name: 'supports what it lists, whatever a probe may take from it',
    situation: 'on',
    async kept(t, bench) {
      const { targets } = await ask(bench);
      t.true(targets.every((target) => bench.driver.targets.includes(target)));
    },
  },
  {
    name: 'powers off',
    situation: 'on',
    async kept(t, bench) {
      await order(bench, 'power off');
      await eventually('the node to be off', () => reads(bench, 'power off'));
      t.is(await bench.power(), 'power off');
      t.deepEqual(await bench.orders(), ['power off']);
    },
  },
  {
    name: 'powers on',
    situation: 'off',
    async kept(t, bench) {
      await order(bench, 'power on');
      await eventually('the node to be on', () => reads(bench, 'power on'));
      t.is(await bench.power(), 'power on');
      t.deepEqual(await bench.orders(), ['power on']);
    },
  },
  {
    name: 'reboots with one command, and the node is on again',
    situation: 'on',
    async kept(t, bench) {
      await order(bench, 'rebooting');
      await eventually('the node to be on', () => reads(bench, 'power on'));
      t.deepEqual(await bench.orders(), ['rebooting']);
    },
  },
  {
    name: 'injects one NMI, or says that the BMC refuses it',
    situation: 'on',
    async kept(t, bench) {
      const inject = (signal: AbortSignal) => order(bench, 'inject nmi', signal);
      if (bench.takesNmi) await inject(never());
      else await fails(t, bench, inject, REFUSED_NMI, AT_ONCE);
      t.deepEqual(await bench.orders(), bench.takesNmi ? ['inject nmi'] : []);
      t.is(await bench.power(), 'power on');
    },
  },
  {
    name: 'soft reboots in one command, or refuses to',
    situation: 'on',
    async kept(t, bench) {
      const reboot = (signal: AbortSignal) => order(bench, 'soft rebooting', signal);
      const { softRebootInOneCommand: inOne } = await ask(bench);
      if (inOne) await reboot(never());
      else await fails(t, bench, reboot, ['TARGET_NOT_SUPPORTED'], AT_ONCE);
      t.deepEqual(await bench.orders(), inOne ? ['soft rebooting'] : []);
      await eventually('the node to be on', () => reads(bench, 'power on'));
    },
  },
  {
    name: 'a soft power off does not wait for the operating system, which then stops',
    situation: 'soft off takes its time',
    async kept(t, bench) {
      await order(bench, 'soft power off');
      t.is(await bench.power(), 'power on');
      await bench.relieve();
      await eventually('the node to be off', () => reads(bench, 'power off'));
      t.deepEqual(await bench.orders(), ['soft power off']);
    },
  },
  {
    name: 'a soft power off that hangs reads on, and completes late',
    situation: 'soft off hangs',
    async kept(t, bench) {
      await order(bench, 'soft power off');
      for (let look = 0; look < 5; look += 1) t.true(await reads(bench, 'power on'));
      await bench.relieve();
      await eventually('the node to be off', () => reads(bench, 'power off'));
      t.deepEqual(await bench.orders(), ['soft power off']);
    },
  },
  {
    name: 'a hard power off ends a soft one that hangs',
    situation: 'soft off hangs',
    async kept(t, bench) {
      await order(bench, 'soft power off');
      await order(bench, 'power off');
      await eventually('the node to be off', () => reads(bench, 'power off'));
      await order(bench, 'power on');
      await eventually('the node to be on', () => reads(bench, 'power on'));
      t.deepEqual(await bench.orders(), ['soft power off', 'power off', 'power on']);
    },
  },
  {
    name: 'takes back what it says it can, and gives the reason where it cannot',
    situation: 'soft off hangs',
    async kept(t, bench) {
      const { recalls } = await ask(bench);
      await order(bench, 'soft power off');
      const answer = await bench.driver.abortPowerState(bmcOf(bench), 'soft power off', never());
      t.is(answer.accepted, recalls.includes('soft power off'));
      t.not(answer.reason, '');
      t.true(await reads(bench, 'power on'));
    },
  },
  {
    name: 'a silent BMC is found silent in time; nothing arrives, not even late',
    situation: 'silent',
    async kept(t, bench) {
      await fails(t, bench, (signal) => read(bench, signal), ['BMC_SILENT'], BOUND_MS);
      // Over a connection, one that is silent may have taken the order.
      await fails(t, bench, (signal) => order(bench, 'rebooting', signal), ['BMC_SILENT', 'NO_ANSWER'], BOUND_MS);
      await bench.relieve();
      await answersAgain(bench);
      t.true(await reads(bench, 'power on'));
      t.deepEqual(await bench.orders(), []);
    },
  },
  {
    name: 'a refused order changes nothing, and is not sent again',
    situation: 'refuses',
    async kept(t, bench) {
      const sent = await commandsOf(bench);
      for (const target of sent) {
        const codes: readonly ErrorCode[] = target === 'inject nmi' && !bench.takesNmi ? REFUSED_NMI : ['BMC_REFUSED'];
        await fails(t, bench, (signal) => order(bench, target, signal), codes, AT_ONCE);
      }
      t.is(await bench.power(), 'power on');
      const noted = sent.filter((target) => target !== 'inject nmi' || bench.takesNmi);
      if (bench.notesRefused) t.deepEqual(await bench.orders(), noted);
    },
  },
  {
    name: 'a wrong password is told, after one login',
    situation: 'wrong password',
    kept: cannotReach(['BMC_PASSWORD_WRONG'], 1),
  },
  {
    name: 'an unknown user is told, after one login',
    situation: 'unknown user',
    kept: cannotReach(['BMC_USER_UNKNOWN'], 1),
  },
  {
    name: 'a wrong login is told, after one, where no answer says what is wrong with it',
    situation: 'wrong login',
    kept: cannotReach(['BMC_LOGIN_REFUSED', 'BMC_PASSWORD_WRONG'], 1),
  },
  { name: 'a closed port is told', situation: 'closed port', kept: cannotReach(['BMC_PORT_CLOSED'], 0) },
  { name: 'a name without address is told', situation: 'no such name', kept: cannotReach(['BMC_NAME_UNKNOWN'], 0) },
  {
    name: 'a BMC without a free session is told',
    situation: 'no session left',
    kept: cannotReach(['BMC_NO_SESSION'], null),
  },
  {
    name: 'garbage is an error, in time',
    situation: 'garbage',
    async kept(t, bench) {
      await fails(t, bench, (signal) => read(bench, signal), GARBAGE, BOUND_MS);
      await fails(t, bench, (signal) => order(bench, 'power off', signal), GARBAGE, BOUND_MS);
    },
  },
  {
    name: 'an abort ends a reading',
    situation: 'silent',
    kept: (t, bench) =>
      givesUp(
        t,
        bench,
        (signal) => read(bench, signal),
        async () => bench.clock.timers > 0,
      ),
  },
  {
    name: 'an abort ends the sending of an order',
    situation: 'holds, and is waited for',
    async kept(t, bench) {
      await givesUp(t, bench, (signal) => order(bench, 'soft power off', signal), arrived(bench));
      await bench.relieve();
      await answersAgain(bench);
      t.deepEqual(await bench.orders(), ['soft power off']);
    },
  },
  {
    name: 'nothing is sent under a signal that is aborted already',
    situation: 'on',
    async kept(t, bench) {
      const reason = fail('ABORT_REQUESTED', 'too late');
      for (const target of await commandsOf(bench))
        t.is(await order(bench, target, AbortSignal.abort(reason)).catch((error) => error), reason);
      t.deepEqual(await bench.orders(), []);
    },
  },
  {
    name: 'nothing is sent under a signal whose time is over, though no timer has told it: the process was frozen',
    situation: 'on',
    async kept(t, bench) {
      t.true(await isStoppedAtEachLook(t, bench, 'power off', 'nothing but the order'));
      // A BMC may refuse it now, as the node is off already, and drivers may look whether it is.
      await isStoppedAtEachLook(t, bench, 'power off', 'an order that may be refused');
    },
  },
  { name: 'a slow BMC gets one soft power off', situation: 'holds', kept: isSentOnce('soft power off') },
  { name: 'a slow BMC gets one reset', situation: 'holds', kept: isSentOnce('rebooting') },
  { name: 'a slow BMC gets one NMI', situation: 'holds', kept: isSentOnce('inject nmi') },
  { name: 'a slow BMC gets one power on', situation: 'holds', kept: isSentOnce('power on') },
  { name: 'a slow BMC gets one power off', situation: 'holds', kept: isSentOnce('power off') },
];
