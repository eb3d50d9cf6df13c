/** The later runs of audits that are continuous, each when it is due, one after the other. */
import type { Timer } from '../../core/clock.ts';
import { asCountermandError, type CountermandError } from '../../core/errors.ts';
import { onAbort } from '../../core/signals.ts';
import { moveAudit, setRunMessage, takeRun } from '../plans/audit_transition.ts';
import type { Engine } from '../plans/engine.ts';
import type { PlanParts } from '../plans/parts.ts';
import { RETRY_MS } from '../retry.ts';
import { listDueAudits, nextRunAfterMs, type WhichAudits } from '../store/audits.ts';
import { decideAgain } from '../store/compare_and_set.ts';
import { isStorageFailure } from '../store/failures.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';
import { decide, isKnown } from './decided.ts';
import { NOTHING_TO_DO, runAudit } from './run.ts';

/** No timer is set for longer; a runtime takes longer ones for none. */
const TIMER_LIMIT_MS = 86_400_000;

/** The later runs of some audits of one conductor. */
export class AuditRuns {
  readonly #which: WhichAudits;
  readonly #plans: Engine;
  readonly #parts: PlanParts;
  #timer: Timer | null = null;
  #looking = false;
  #lookAgain = false;
  /** What is under way. */
  #working = 0;

  constructor(which: WhichAudits, plans: Engine, parts: PlanParts) {
    this.#which = which;
    this.#plans = plans;
    this.#parts = parts;
    onAbort(parts.shutdown, () => this.#timer?.cancel());
  }

  /** True while it works on something that no timer has to wake. */
  get busy(): boolean {
    return this.#working > 0;
  }

  /**
   * Sets the timer for the audit that is due next. What calls this while it looks makes it look again: else what it has
   * read before could take the place of what was written since.
   */
  async schedule(): Promise<void> {
    const { store } = this.#parts.orders;
    this.#lookAgain = true;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#lookAgain) {
        this.#lookAgain = false;
        this.#wakeAfter(await nextRunAfterMs(store.clock.now(), this.#which, store.database.read));
      }
    } finally {
      this.#looking = false;
    }
  }

  #wakeAfter(delayMs: number | null): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (delayMs === null || this.#parts.shutdown.aborted) return;
    const limited = Math.min(Math.max(0, delayMs), TIMER_LIMIT_MS);
    this.#timer = this.#parts.orders.store.clock.after(limited, () => void this.#work(() => this.#runDue()));
  }

  /** What follows from the commit of an audit: its plan is taken up if it starts by itself, and its next run gets its timer. Never rejects. */
  goOn(plan: ActionPlanRow | null = null): Promise<void> {
    return this.#work(async () => {
      if (plan?.state === 'PENDING') await this.#plans.look(plan.uuid);
      await this.schedule();
    });
  }

  /** Never rejects: what goes wrong is logged, and tried again. Other writes that came first each time are no fault. */
  async #work(what: () => Promise<void>): Promise<void> {
    this.#working += 1;
    try {
      await what();
    } catch (err) {
      if (this.#parts.shutdown.aborted) return;
      const level = asCountermandError(err).code === 'OVERTAKEN' ? 'warn' : 'error';
      this.#parts.log[level]({ err }, 'audits could not go on; they are taken up again');
      this.#wakeAfter(RETRY_MS);
    } finally {
      this.#working -= 1;
    }
  }

  async #runDue(): Promise<void> {
    const { store } = this.#parts.orders;
    const failures: unknown[] = [];
    // One that fails does not keep the others from their turn.
    for (const audit of await listDueAudits(store.clock.now(), this.#which, store.database.read))
      await this.#runOne(audit).catch((thrown: unknown) => failures.push(thrown));
    if (failures.length > 0) throw failures[0];
    await this.schedule();
  }

  async #runOne(due: AuditRow): Promise<void> {
    const { store } = this.#parts.orders;
    const run = async (): Promise<ActionPlanRow | null> => {
      const decided = await decide(due, this.#parts);
      return store.database.write(async (transaction) => {
        const audit = await takeRun(due, transaction, store);
        if (audit === null) return null;
        const plan = await runAudit(audit, decided, transaction, this.#parts);
        await setRunMessage(audit, plan ? '' : NOTHING_TO_DO, transaction);
        return plan;
      });
    };
    const made = await decideAgain(run).catch((thrown: unknown) => this.#runFailed(due, asCountermandError(thrown)));
    if (made?.state === 'PENDING') await this.#plans.look(made.uuid);
  }

  /**
   * The fleet is not as the audit needs it: the next run may find it otherwise. What this version does not know stays so.
   * @throws what will pass: then the run is still due
   */
  async #runFailed(due: AuditRow, error: CountermandError): Promise<null> {
    const { log, orders, shutdown } = this.#parts;
    // What ends with this process says nothing of the fleet: the next one makes the run.
    if (shutdown.aborted) throw error;
    if (error.code === 'OVERTAKEN' || error.code === 'INTERNAL' || isStorageFailure(error)) throw error;
    log.warn({ audit: due.uuid, code: error.code, reason: error.message }, 'an audit could not make a plan');
    await orders.store.database.write(async (transaction) => {
      const at = new Date(orders.store.clock.now()).toISOString();
      const statusMessage = `no plan could be made at ${at}: ${error.message}`;
      if (!isKnown(due)) {
        await moveAudit('fail', due, { statusMessage }, transaction, orders.store);
        return;
      }
      const audit = await takeRun(due, transaction, orders.store);
      if (audit) await setRunMessage(audit, statusMessage, transaction);
    });
    return null;
  }
}
