/**
 * One power task at the agent: prepared, sent once when the conductor says Go, watched, and taken back on demand. All it
 * knows goes into one report, whole, each time something changes; what it makes of it is the conductor's business.
 */
import { asCountermandError, type CountermandError, fail } from '../core/errors.ts';
import {
  isIdempotent,
  isReached,
  mustConfirm,
  mustWait,
  type NodeTraits,
  type OrderTarget,
  type Phase,
  type Reading,
  showsDown,
  wasOvertaken,
} from '../core/power.ts';
import type { AbortReport, Report, Sending } from '../core/report.ts';
import { type Cancellation, openCancellation, sleep, untilAborted } from '../core/signals.ts';
import { type Driver, PROVES_NOT_SENT, PROVES_REFUSED } from '../drivers/driver.ts';
import { gapBefore, gapOf, RETRY_GAPS_MS } from './gaps.ts';
import type { Hardware } from './hardware.ts';
import { Leave } from './leave.ts';
import { recallOrder, whyNotRecalled } from './recall.ts';
import { NO_RUN_TRACE, type RunSpan, type RunTrace } from './run_trace.ts';

/** A reading with nothing new is reported again after this time: the conductor says how old the last one is. */
const TELL_AGAIN_MS = 10_000;
/** Made once: each power task ends something with them, and to note where an error came from takes long. */
const NEXT_SENDING = fail('SETTLED', 'the next half of the power task begins');
const ABORT_ORDERED = fail('ABORT_REQUESTED', 'an abort was ordered for the power task');
const OBSERVED_ANEW = fail('SETTLED', 'the power task is observed anew');

/** What a run is about. */
interface RunSubject {
  readonly taskUuid: string;
  readonly target: OrderTarget;
  readonly phase: Phase;
  readonly fence: number;
}

/** One power task at the agent. */
export class PowerRun {
  /** Its spans. */
  readonly trace: RunTrace;
  readonly #hardware: Hardware;
  readonly #tell: (report: Report) => void;
  /** The run as a whole; ended when the task is forgotten or the agent stops. */
  readonly #life: Cancellation;
  readonly #target: OrderTarget;
  /** What the task is doing now; aborted by an abort and by the next phase. */
  #task: Cancellation;
  #begun = false;
  #work: Promise<void> = Promise.resolve();
  #report: Report;
  #mayHaveBeenSent = false;
  /** A command of the present phase was sent, and its outcome is unknown. */
  #inDoubt = false;
  #aborting = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  readonly #leave: Leave;

  constructor(
    subject: RunSubject,
    hardware: Hardware,
    tell: (report: Report) => void,
    shutdown: AbortSignal,
    trace = NO_RUN_TRACE,
  ) {
    this.trace = trace;
    this.#hardware = { ...hardware, driver: this.#noting({ ...hardware, driver: trace.driver(hardware.driver) }) };
    this.#tell = tell;
    this.#leave = new Leave(hardware.clock, hardware.lease);
    this.#target = subject.target;
    this.#life = openCancellation([shutdown]);
    this.#task = openCancellation([this.#life.signal]);
    const { taskUuid, fence, phase } = subject;
    this.#report = {
      taskUuid,
      fence,
      phase,
      sending: null,
      traits: null,
      sent: '',
      before: null,
      observed: null,
      seenDown: false,
      error: null,
      unreadable: null,
      abort: null,
    };
  }

  /** The driver, with a note of each reading: when it was taken, or why it failed. */
  #noting({ driver, clock }: Hardware): Driver {
    const noted = async <T>(answer: Promise<T>, signal: AbortSignal): Promise<T> => {
      try {
        return await answer;
      } catch (thrown) {
        if (!signal.aborted) this.#noteUnreadable(asCountermandError(thrown));
        throw thrown;
      }
    };
    return {
      ...driver,
      getSupportedPowerStates: (bmc, signal) => noted(driver.getSupportedPowerStates(bmc, signal), signal),
      getPowerState: async (bmc, signal) => {
        const reading = await noted(driver.getPowerState(bmc, signal), signal);
        // Whoever asked for the reading tells it.
        this.#report = { ...this.#report, unreadable: null };
        return { ...reading, readAt: clock.monotonic() };
      },
    };
  }

  #noteUnreadable(error: CountermandError): void {
    if (this.#report.unreadable?.message !== error.message) this.#update({ unreadable: error });
  }

  /** The whole truth about the task here. */
  get report(): Report {
    return this.#report;
  }

  /** Resolves when the run does nothing any more. */
  get settled(): Promise<void> {
    return this.#work;
  }

  /** Sends the report again, under the fence of a conductor that has asked for it. */
  adopt(fence: number): void {
    this.#update({ fence });
  }

  /**
   * Prepares one sending: waits for the turn, reads the hardware, reports READY, waits for Go. A run that is at it
   * already only reports again; nothing that was sent is ever prepared a second time, unless it is idempotent.
   * @param keepTrying an idempotent command is prepared again after any failure, until the task is forgotten
   */
  start(phase: Phase, fence: number, keepTrying: boolean, operatorAsks: boolean): void {
    const { sending } = this.#report;
    const begins = this.#report.phase !== phase || sending === null || sending === 'NOT_SENT';
    if (!begins || this.#aborting) {
      this.adopt(fence);
      return;
    }
    this.#beginTask(NEXT_SENDING);
    this.#inDoubt = false;
    this.#update({ fence, phase, sending: 'WAITING', sent: '', before: null, observed: null, error: null });
    this.#run('send', (signal) => this.#prepareAndSend(keepTrying, operatorAsks, signal));
  }

  /** The conductor's leave to send, now and once. It does nothing unless READY waits for it. */
  go(command: OrderTarget, phase: Phase): void {
    this.#leave.give({ command, phase });
  }

  /** The stream to the conductor has ended: READY is void, as its leave to send cannot come any more. */
  detached(): void {
    this.#leave.lose();
  }

  /** Watches the hardware for an order that this agent may know nothing of. Never sends anything. */
  observe(phase: Phase, fence: number): void {
    if (this.#report.sending !== null || this.#aborting) {
      this.adopt(fence);
      return;
    }
    this.#mayHaveBeenSent = true;
    this.#beginTask(OBSERVED_ANEW);
    this.#update({ fence, phase });
    this.#run('observe', (signal) => this.#watch(signal));
  }

  /**
   * Takes the task back: stops the waiting at once, then recalls on the hardware where that is possible, under a fresh
   * signal. The outcome is in the report. A second abort only reports again.
   * @param traits what the hardware could do when the order was sent, for an agent that did not send it; null if it was not asked
   */
  abort(fence: number, mayHaveBeenSent: boolean, traits: NodeTraits | null, recallConfirmMs: number): void {
    if (this.#aborting) {
      this.adopt(fence);
      return;
    }
    this.#aborting = true;
    this.#report = { ...this.#report, fence, traits: this.#report.traits ?? traits };
    const unknown = this.#report.sending === null;
    if (unknown && mayHaveBeenSent) this.#mayHaveBeenSent = true;
    const stopped = this.#work;
    this.#task.abort(ABORT_ORDERED);
    const finish = (): Promise<void> => this.#finishAbort(stopped, unknown, recallConfirmMs);
    this.#work = this.trace.during('abort', finish).catch(() => {});
  }

  /** The task is at rest, or the agent stops: nothing is waited for any more. Nothing is recalled. */
  end(reason: CountermandError): void {
    this.#life.abort(reason);
    this.#life.end();
  }

  #update(change: Partial<Report>): void {
    this.#report = { ...this.#report, ...change };
    this.#toldAt = this.#hardware.clock.monotonic();
    this.#tell(this.#report);
  }

  #beginTask(why: CountermandError): void {
    if (this.#begun) {
      this.#task.abort(why);
      this.#task.end();
      this.#task = openCancellation([this.#life.signal]);
    }
    this.#begun = true;
    this.#leave.forget();
  }

  #run(what: RunSpan, work: (signal: AbortSignal) => Promise<void>): void {
    const before = this.#work;
    const { signal } = this.#task;
    // What ends a wait ends the work; only those who ended it could be told, and they know.
    this.#work = before.then(() => this.trace.during(what, () => work(signal))).catch(() => {});
  }

  async #prepareAndSend(keepTrying: boolean, operatorAsks: boolean, signal: AbortSignal): Promise<void> {
    const { driver, bmc, queue, clock } = this.#hardware;
    // Where its name cannot be looked up, the turn says so.
    if (operatorAsks) await driver.allowLogin(bmc, signal).catch(() => {});
    for (let attempt = 0; ; attempt += 1) {
      const done = await queue
        .turn('order', () => this.#handshake(keepTrying, signal), signal)
        .catch(asCountermandError);
      // An order that was in flight when it was aborted: there is nothing to recall.
      if (signal.aborted && done instanceof Error && provesNothingDone(done))
        this.#report = { ...this.#report, sending: this.#sendingAfter(done) };
      signal.throwIfAborted();
      if (done === 'sent') {
        await this.#watch(signal);
        attempt = -1;
      } else if (done === 'must wait') {
        await sleep(gapBefore(this.#report.before, attempt), clock, signal);
      } else {
        const again = this.#triesAgain(done, keepTrying);
        this.#update({ sending: again ? 'WAITING' : this.#sendingAfter(done), error: done });
        if (this.#report.sending === 'UNKNOWN') return this.#watch(signal);
        if (!again) return;
        await sleep(gapOf(RETRY_GAPS_MS, attempt), clock, signal);
      }
    }
  }

  /** True if the command is idempotent and either may have been carried out, or is worth another try. */
  #triesAgain({ row }: CountermandError, keepTrying: boolean): boolean {
    if (!isIdempotent(this.#target, this.#report.phase)) return false;
    return keepTrying || this.#inDoubt || (row.retryable && this.#mayHaveBeenSent);
  }

  /** One turn at the BMC: look, ask for leave, send. Nothing is asked for while the command would be void. */
  async #handshake(keepTrying: boolean, signal: AbortSignal): Promise<'sent' | 'must wait'> {
    const { driver, bmc, lease } = this.#hardware;
    const missing = await this.#findMissing(signal);
    const before = await driver.getPowerState(bmc, signal);
    this.#report = { ...this.#report, before };
    // To a node that is off nothing is sent but power on, whatever was asked for.
    const isMissing = missing !== null && before.powerState === 'power on';
    if (isMissing && before.doubt === undefined) throw missing;
    const { phase: prepared } = this.#report;
    const first = !keepTrying && !this.#mayHaveBeenSent;
    // What a BMC cannot do that has just come back, it may be able to do in a moment.
    if (isMissing || mustWait(this.#target, prepared, before) || mustConfirm(this.#target, prepared, before, first)) {
      this.#update({ sending: 'WAITING', before, error: null });
      return 'must wait';
    }
    this.#update({ sending: 'READY', before, error: null });
    const { command, phase } = await this.#leave.wait(signal);
    signal.throwIfAborted();
    // An order that can be recalled is not torn off in flight: overtaking it, the recall would find nothing.
    const recallable = this.#traits.recalls.includes(this.#sentTarget);
    const send = (sending: AbortSignal): Promise<string> => {
      this.#report = { ...this.#report, phase };
      this.#mayHaveBeenSent = true;
      return driver.setPowerState(bmc, command, sending).catch((thrown: unknown) => {
        if (!provesNothingDone(asCountermandError(thrown))) this.#inDoubt = true;
        throw thrown;
      });
    };
    const sent = await lease.guard(send, recallable ? this.#life.signal : signal);
    this.#update({ sending: 'ACCEPTED', sent });
    return 'sent';
  }

  /** Why the hardware cannot do the target now; null if it can. */
  async #findMissing(signal: AbortSignal): Promise<CountermandError | null> {
    const { driver, bmc } = this.#hardware;
    if (this.#report.phase === 'UP' || this.#report.phase === 'FORCED_DOWN') return null;
    const { targets, reason, recalls, softRebootInOneCommand } = await driver.getSupportedPowerStates(bmc, signal);
    this.#report = { ...this.#report, traits: { recalls, softRebootInOneCommand } };
    if (targets.includes(this.#target)) return null;
    const why = reason === undefined ? '' : `: ${reason}`;
    return fail(
      'TARGET_NOT_SUPPORTED',
      `the hardware does not support ${this.#target} now${why}; it supports ${targets.join(', ')}`,
    );
  }

  #sendingAfter({ code }: CountermandError): Sending {
    if (!this.#mayHaveBeenSent || PROVES_NOT_SENT.includes(code)) return 'NOT_SENT';
    return PROVES_REFUSED.includes(code) ? 'REFUSED' : 'UNKNOWN';
  }

  /**
   * Polls at once, then at growing gaps, and reports each change, until the task is forgotten or aborted. Returns if the
   * command has to be sent again.
   */
  async #watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#hardware;
    for (let poll = 0; ; poll += 1) {
      const seen = await this.#read(signal).catch(asCountermandError);
      signal.throwIfAborted();
      if (seen instanceof Error) this.#noteFailure(seen);
      else this.#note(seen);
      const { phase, before } = this.#report;
      if (!(seen instanceof Error) && wasOvertaken(this.#target, phase, before, seen)) return;
      await sleep(gapBefore(seen, poll), clock, signal);
    }
  }

  #read(signal: AbortSignal): Promise<Reading> {
    const { driver, bmc, queue } = this.#hardware;
    return queue.turn('poll', () => driver.getPowerState(bmc, signal), signal);
  }

  #note(reading: Reading): void {
    const { observed, before, error } = this.#report;
    const seenDown = this.#report.seenDown || showsDown(reading, before, observed);
    const sameState = observed?.powerState === reading.powerState && observed.host === reading.host;
    const news = !sameState || (observed.doubt === undefined) !== (reading.doubt === undefined);
    const silentMs = this.#hardware.clock.monotonic() - this.#toldAt;
    const told = !news && seenDown === this.#report.seenDown && !error && silentMs < TELL_AGAIN_MS;
    if (told) this.#report = { ...this.#report, observed: reading };
    else this.#update({ observed: reading, seenDown, error: null });
  }

  #noteFailure(error: CountermandError): void {
    if (this.#report.error?.message !== error.message) this.#update({ error });
  }

  /** What the hardware of the node can do: as it said before the order, or else as its driver says. */
  get #traits(): NodeTraits {
    return this.#report.traits ?? this.#hardware.driver;
  }

  /** What the BMC was told in the part that can be aborted: a soft reboot may have begun as a soft power off. */
  get #sentTarget(): OrderTarget {
    const inHalves = this.#target === 'soft rebooting' && !this.#traits.softRebootInOneCommand;
    return inHalves ? 'soft power off' : this.#target;
  }

  async #finishAbort(stopped: Promise<void>, unknown: boolean, recallConfirmMs: number): Promise<void> {
    await untilAborted(stopped, this.#life.signal);
    // Only an agent that does not know what became of the order has to look before it speaks.
    if (unknown && this.#mayHaveBeenSent) {
      const seen = await this.#read(this.#life.signal).catch(() => null);
      if (seen) this.#report = { ...this.#report, observed: seen };
    }
    this.#update({ abort: await this.#takeBack(recallConfirmMs) });
  }

  async #takeBack(recallConfirmMs: number): Promise<AbortReport> {
    const { driver } = this.#hardware;
    const { observed, sending, phase, seenDown } = this.#report;
    if (!this.#mayHaveBeenSent || sending === 'NOT_SENT')
      return outcome('NOT_SENT', 'the order had not been sent', null);
    if (sending === 'REFUSED') return outcome('NOT_SENT', 'the BMC had refused the order', observed);
    const last = this.#target !== 'soft rebooting' || phase === 'UP';
    if (last && observed && isReached(this.#target, phase, { reading: observed, seenDown })) {
      return outcome('TOO_LATE', `the node was already ${observed.powerState}`, observed);
    }
    if (!this.#traits.recalls.includes(this.#sentTarget)) {
      return outcome('STOPPED_WAITING', whyNotRecalled(driver.name, this.#target, this.#sentTarget), observed);
    }
    return recallOrder(this.#sentTarget, recallConfirmMs, this.#hardware, this.#life.signal);
  }
}

function provesNothingDone({ code }: CountermandError): boolean {
  return PROVES_NOT_SENT.includes(code) || PROVES_REFUSED.includes(code);
}

function outcome(kind: AbortReport['outcome'], reason: string, observed: Reading | null): AbortReport {
  return { outcome: kind, reason, observed };
}
