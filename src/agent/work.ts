/** What an agent does with the messages of its conductor: power tasks, and questions that change nothing. */
import type { Clock } from '../core/clock.ts';
import { asCountermandError, type CountermandError, fail } from '../core/errors.ts';
import { isAbort, type OrderTarget } from '../core/power.ts';
import { isReference } from '../core/references.ts';
import type { Report, Sending } from '../core/report.ts';
import { type Cancellation, openCancellation, untilAborted } from '../core/signals.ts';
import type { SpanParts } from '../core/tracing.ts';
import { type Driver, secretKeysOf } from '../drivers/driver.ts';
import type {
  Abort,
  Answer,
  Ask,
  AttachRequest,
  AttachResponse,
  Bmc,
  Go,
  Observe,
  Start,
} from '../gen/countermand/v1/agent.ts';
import type { BmcAccess } from './bmc_access.ts';
import type { Hardware } from './hardware.ts';
import type { Lease } from './lease.ts';
import { forOneBmc } from './one_bmc.ts';
import { OneByOne } from './one_by_one.ts';
import { ParsedBmcs } from './parsed_bmcs.ts';
import { PowerRun } from './power_run.ts';
import { Remembered } from './remembered.ts';
import { traceOfRun } from './run_trace.ts';
import { resolveSecrets, type SecretSources, unreadIn } from './secrets.ts';
import { Trust, withTrust } from './trust.ts';
import { Queues } from './turns.ts';
import {
  fromPhase,
  fromTarget,
  fromTrace,
  fromTraits,
  toReading,
  toTarget,
  toTaskError,
  toTaskReport,
  toTraits,
} from './wire.ts';

type ToConductor = NonNullable<AttachRequest['message']>;
type FromConductor = NonNullable<AttachResponse['message']>;

/** What the work of an agent needs. */
interface WorkParts {
  readonly drivers: readonly Driver[];
  readonly secrets: SecretSources;
  /** Where it may go, and with which secrets; null: anywhere. */
  readonly bmcAccess: BmcAccess | null;
  /** Rest between two commands to one BMC; null: as the driver says. */
  readonly minCommandIntervalMs: number | null;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly shutdown: AbortSignal;
  readonly spans: SpanParts;
  /** Says something to the conductor, if one is there. */
  readonly say: (message: ToConductor) => void;
}

/** How many refused tasks are remembered, so that a Start that comes after its abort is refused. */
const TOMBSTONE_LIMIT = 10_000;
/** Made once: to note where an error came from takes long. */
const AT_REST = fail('SETTLED', 'the power task is at rest');
const TAKEN_BACK = fail('CALL_ENDED', 'the conductor waits for the answer no more');

/** The power tasks and BMCs of one agent. */
export class Work {
  readonly #parts: WorkParts;
  readonly #runs = new Map<string, PowerRun>();
  readonly #bmcs: ParsedBmcs;
  readonly #queues: Queues;
  /** By task. */
  readonly #oneByOne: OneByOne;
  /** By the key of the BMC. */
  readonly #trusts: Remembered<Trust>;
  /** The newest fence seen of each node. */
  readonly #fences: Remembered<number>;
  readonly #tombstones = new Set<string>();
  /** The questions that are not answered yet, by id. */
  readonly #questions = new Map<number, Cancellation>();
  /** The keys of driver_info that are secret, by driver. */
  readonly #secretKeys: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(parts: WorkParts) {
    this.#parts = parts;
    this.#bmcs = new ParsedBmcs(parts.bmcAccess);
    this.#oneByOne = new OneByOne(parts.shutdown);
    this.#queues = new Queues(parts.clock);
    this.#trusts = new Remembered(parts.clock);
    this.#fences = new Remembered(parts.clock);
    this.#secretKeys = new Map(parts.drivers.map((driver) => [driver.name, secretKeysOf(driver)]));
  }

  /** How many power tasks are worked on or remembered. */
  get size(): number {
    return this.#runs.size;
  }

  /** Says how every task stands: to a conductor that may have missed it. It answers what can be forgotten. */
  reportAll(): void {
    for (const run of this.#runs.values()) this.#report(run.report);
  }

  /** Does what one message says. Messages that carry an older fence than one seen before do nothing. */
  take(message: FromConductor): void {
    if ('taskUuid' in message.value)
      this.#oneByOne.run(message.value.taskUuid, this.#secretsFor(message), () => this.#take(message));
    else this.#take(message);
  }

  /** What a message of a new task waits for: secrets that have to be fetched. */
  #secretsFor(message: FromConductor): (() => Promise<void>) | null {
    if (!('bmc' in message.value) || !message.value.bmc || this.#runs.has(message.value.taskUuid)) return null;
    const { driverInfo } = message.value.bmc;
    return unreadIn(driverInfo, this.#parts.secrets).length === 0 ? null : () => this.#fetchSecrets(driverInfo);
  }

  async #fetchSecrets(driverInfo: Bmc['driverInfo']): Promise<void> {
    const { secrets } = this.#parts;
    await Promise.all(unreadIn(driverInfo, secrets).map((reference) => secrets.vault?.read(reference)));
  }

  #take(message: FromConductor): void {
    switch (message.$case) {
      case 'start':
        this.#start(message.value);
        break;
      case 'go':
        this.#go(message.value);
        break;
      case 'observe':
        this.#observe(message.value);
        break;
      case 'abort':
        this.#abort(message.value);
        break;
      case 'forget':
        this.#forget(message.value.taskUuid);
        break;
      case 'ask':
        void this.#takeUp(message.value);
        break;
      case 'forgetAsk':
        this.#questions.get(message.value.askId)?.abort(TAKEN_BACK);
    }
  }

  /**
   * The stream has ended, after the lease was told. Gives up all questions: another conductor may ask under the same ids. Orders that wait for
   * leave to send are not sent; the next conductor starts them anew, with a new reading.
   */
  detached(): void {
    for (const run of this.#runs.values()) run.detached();
    for (const cancellation of this.#questions.values()) cancellation.abort(TAKEN_BACK);
  }

  /** Resolves when nothing is sent to any BMC any more. Call it after the shutdown. */
  async settled(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.settled));
  }

  #start(start: Start): void {
    const { bmc, phase, keepTrying, operatorAsks } = start;
    // With keepTrying an earlier attempt, perhaps of another agent, may have been carried out.
    const run = this.#runFor(start, keepTrying ? 'UNKNOWN' : 'NOT_SENT');
    run?.start(fromPhase(phase), bmc?.fence ?? 0, keepTrying, operatorAsks);
  }

  #go({ taskUuid, fence, command, phase }: Go): void {
    const run = this.#runs.get(taskUuid);
    const target = fromTarget(command);
    if (run?.report.fence === fence && target !== null && !isAbort(target)) run.go(target, fromPhase(phase));
  }

  #observe(observe: Observe): void {
    this.#runFor(observe, null)?.observe(fromPhase(observe.phase), observe.bmc?.fence ?? 0);
  }

  #abort(abort: Abort): void {
    const { taskUuid, bmc, mayHaveBeenSent, traits, recallConfirmMs } = abort;
    const run = this.#runFor(abort, mayHaveBeenSent ? null : 'NOT_SENT');
    if (!run) return;
    run.trace.abortedBy(fromTrace(abort.abortTrace));
    run.abort(bmc?.fence ?? 0, mayHaveBeenSent, fromTraits(traits), recallConfirmMs);
    if (!mayHaveBeenSent) this.#bury(taskUuid);
  }

  #bury(taskUuid: string): void {
    this.#tombstones.add(taskUuid);
    const [oldest] = this.#tombstones;
    if (this.#tombstones.size > TOMBSTONE_LIMIT && oldest !== undefined) this.#forget(oldest);
  }

  #forget(taskUuid: string): void {
    this.#runs.get(taskUuid)?.end(AT_REST);
    this.#runs.delete(taskUuid);
    this.#tombstones.delete(taskUuid);
  }

  /**
   * The run of a task, new if need be; null if the message is outdated, or if its hardware cannot be used, which is reported
   * with `sending` as what is known of the order.
   */
  #runFor(asked: Observe, sending: Sending | null): PowerRun | null {
    const { taskUuid, bmc, phase } = asked;
    const target = fromTarget(asked.target);
    if (!bmc || target === null || isAbort(target)) return null;
    if (bmc.fence < (this.#fences.get(bmc.nodeUuid) ?? 0)) return null;
    this.#fences.set(bmc.nodeUuid, bmc.fence);
    const existing = this.#runs.get(taskUuid);
    if (existing) return existing;
    try {
      const run = this.#newRun(asked, bmc, target);
      this.#runs.set(taskUuid, run);
      return run;
    } catch (thrown) {
      const subject = { taskUuid, fence: bmc.fence, phase: fromPhase(phase), sending };
      this.#report(unusable(subject, asCountermandError(thrown)));
      return null;
    }
  }

  #newRun({ taskUuid, phase, trace: sent }: Observe, bmc: Bmc, target: OrderTarget): PowerRun {
    const subject = { taskUuid, target, phase: fromPhase(phase), fence: bmc.fence };
    const hardware = this.#hardware(bmc);
    const driver = forOneBmc(hardware.driver, bmc.guid === '' ? null : bmc.guid);
    const trace = traceOfRun(this.#parts.spans, fromTrace(sent), taskUuid);
    const tell = (report: Report): void => this.#report(report);
    return new PowerRun(subject, { ...hardware, driver }, tell, this.#parts.shutdown, trace);
  }

  #hardware({ driver: name, driverInfo }: Pick<Bmc, 'driver' | 'driverInfo'>): Hardware {
    const { secrets, minCommandIntervalMs, lease, clock } = this.#parts;
    const untrusted = this.#driver(name);
    const resolved = resolveSecrets(driverInfo, this.#secretKeys.get(name) ?? new Set(), secrets);
    const bmc = this.#bmcs.get(untrusted, resolved, Object.values(driverInfo).filter(isReference));
    const trust = this.#trusts.get(bmc.key) ?? new Trust(clock);
    this.#trusts.set(bmc.key, trust);
    const driver = withTrust(untrusted, trust);
    const queue = this.#queues.turnsAt(driver, bmc, minCommandIntervalMs ?? driver.minCommandIntervalMs);
    return { driver, bmc, queue, lease, clock };
  }

  #driver(name: string): Driver {
    const driver = this.#parts.drivers.find((candidate) => candidate.name === name);
    if (driver) return driver;
    throw fail('DRIVER_UNKNOWN', `this agent has no driver '${name}'`);
  }

  #report(report: Report): void {
    this.#parts.say({ $case: 'report', value: toTaskReport(report, this.#parts.clock.monotonic()) });
  }

  /** Answers a question, unless it is taken back before. */
  async #takeUp(ask: Ask): Promise<void> {
    // A signal of its own: thousands would wait for the same one otherwise.
    const cancellation = openCancellation([this.#parts.shutdown]);
    this.#questions.set(ask.askId, cancellation);
    const answer = await this.#answer(ask, cancellation.signal);
    if (this.#questions.get(ask.askId) === cancellation) this.#questions.delete(ask.askId);
    cancellation.end();
    if (cancellation.signal.reason !== TAKEN_BACK) this.#parts.say({ $case: 'answer', value: answer });
  }

  async #answer({ askId, question }: Ask, signal: AbortSignal): Promise<Answer> {
    try {
      return { askId, answer: await this.#find(question, signal) };
    } catch (thrown) {
      return { askId, answer: { $case: 'error', value: toTaskError(asCountermandError(thrown)) } };
    }
  }

  async #find(question: Ask['question'], signal: AbortSignal): Promise<Answer['answer']> {
    if (question?.$case === 'parse') {
      await untilAborted(this.#fetchSecrets(question.value.driverInfo), signal);
      const { driver, bmc } = this.#hardware(question.value);
      // Whoever has a driver_info checked asks for it to be used. Where a name cannot be looked up now, no login was refused.
      await driver.allowLogin(bmc, signal).catch(() => {});
      return { $case: 'parsed', value: { bmcKey: bmc.key } };
    }
    if (!question?.value.bmc) throw fail('ARGUMENT_INVALID', 'a question without a BMC');
    await untilAborted(this.#fetchSecrets(question.value.bmc.driverInfo), signal);
    const hardware = this.#hardware(question.value.bmc);
    return question.$case === 'read'
      ? this.#read(hardware, question.value.operatorAsks, signal)
      : this.#probe(hardware, signal);
  }

  async #read(
    { driver, bmc, queue, clock }: Hardware,
    operatorAsks: boolean,
    signal: AbortSignal,
  ): Promise<Answer['answer']> {
    if (operatorAsks) await driver.allowLogin(bmc, signal);
    const reading = await queue.turn('poll', () => driver.getPowerState(bmc, signal), signal);
    // The answer goes out at once.
    return { $case: 'reading', value: toReading(reading, clock.monotonic()) };
  }

  async #probe({ driver, bmc, queue, clock }: Hardware, signal: AbortSignal): Promise<Answer['answer']> {
    const supported = await queue.turn('poll', () => driver.getSupportedPowerStates(bmc, signal), signal);
    const { targets, probed, reason = '' } = supported;
    const probedAt = probed ? new Date(clock.now()) : undefined;
    const value = { targets: targets.map(toTarget), probedAt, reason, traits: toTraits(supported) };
    return { $case: 'probed', value };
  }
}

type Subject = Pick<Report, 'taskUuid' | 'fence' | 'phase' | 'sending'>;

function unusable(subject: Subject, error: CountermandError): Report {
  const nothing = { traits: null, sent: '', before: null, observed: null, seenDown: false, abort: null };
  return { ...subject, ...nothing, error, unreadable: error };
}
