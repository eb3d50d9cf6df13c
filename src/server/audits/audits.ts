/**
 * Audits: made, run, stopped. One that is continuous runs again and again; when it is due next stands in its row, so a
 * conductor that was away makes up for what it missed by one run.
 */
import { digestOf } from '../../core/digest.ts';
import { failAt } from '../../core/errors.ts';
import { AUDIT_TABLE, type AuditEvent, rowOf } from '../../core/states.ts';
import { beginAudit, moveAudit, setRunMessage } from '../plans/audit_transition.ts';
import type { CheckedPlan } from '../plans/check.ts';
import { refuseUsedUuid } from '../plans/chosen_uuid.ts';
import { type Effect, effectOf } from '../plans/effect.ts';
import type { Engine } from '../plans/engine.ts';
import { type HeldBack, heldBackBy } from '../plans/held_back.ts';
import type { PlanParts } from '../plans/parts.ts';
import { PERMIT_ALL, type Permit } from '../plans/permit.ts';
import { STRATEGIES } from '../plans/strategies.ts';
import {
  type Expected,
  holdToExpected,
  NOTHING_DOWN,
  type TakesDown,
  takesDown,
  takesDownOfPlan,
} from '../plans/takes_down.ts';
import type { Actor } from '../store/actor.ts';
import { type Also, type Touched, writeAlso } from '../store/also.ts';
import { findAuditByRequestId, getAudit, listPlansOf } from '../store/audits.ts';
import { decideAgain, holdToRevision, overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { isRefusal } from '../store/failures.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';
import { type Decided, decide } from './decided.ts';
import { decideIfItCan, type NoPlan, planOfRun, takesDownOfRun } from './next_run.ts';
import { requestIdTaken, wrongAuditState } from './refusals.ts';
import { checkAudit, type WantedAudit } from './request.ts';
import { checkProposal, NOTHING_TO_DO, runAudit } from './run.ts';
import { AuditRuns } from './runs.ts';
import { withTemplate } from './templates.ts';

/** What the plan of an audit would do once it is started. */
interface RunPreview extends HeldBack {
  readonly takesDown: TakesDown;
  readonly effect: Effect;
  /** Why there would be none, in a sentence; empty if there would be one. */
  readonly noPlan: string;
}

/** An audit, and the plan that its last run has made, if it has made one. */
interface AuditAnswer {
  readonly audit: AuditRow;
  readonly plan: ActionPlanRow | null;
}

/** What an audit is made by, beside what was asked for. */
interface HowToMake {
  readonly strategy: string;
  readonly digest: string;
  readonly decided: Decided | null;
}

/** What an audit is moved by. */
interface HowToMove {
  readonly expected?: Expected;
  readonly revision?: number | null;
  readonly also?: Also | undefined;
}

/** The strategies that look at what is outside of the conductor. */
const LOOKING = STRATEGIES.filter(({ look }) => look).map(({ name }) => name);

/** The audits of one conductor. */
export class Audits {
  readonly #parts: PlanParts;
  readonly #runs: AuditRuns;
  /** Those that look at clouds: one that gives no answer does not keep the others waiting. */
  readonly #runsThatLook: AuditRuns;

  constructor(plans: Engine, parts: PlanParts) {
    this.#parts = parts;
    this.#runs = new AuditRuns({ strategies: LOOKING, others: true }, plans, parts);
    this.#runsThatLook = new AuditRuns({ strategies: LOOKING, others: false }, plans, parts);
  }

  /** True while it works on something that no timer has to wake. */
  get busy(): boolean {
    return this.#runs.busy || this.#runsThatLook.busy;
  }

  /** After a start of the conductor: what came due meanwhile runs now, once. */
  async recover(): Promise<void> {
    await Promise.all([this.#runs.schedule(), this.#runsThatLook.schedule()]);
  }

  #runsOf({ strategy }: AuditRow): AuditRuns {
    return LOOKING.includes(strategy) ? this.#runsThatLook : this.#runs;
  }

  /**
   * Makes an audit and runs it for the first time, in one transaction. The same request_id answers the same audit. One
   * whose strategy finds nothing to do has no plan.
   * @param expected how many running nodes the plan of its first run may take down
   * @param permit of the caller for whom it is made
   * @param also what is written with it, here and in what else these audits are told to do
   * @throws AUDIT_INVALID, AUDIT_TEMPLATE_NOT_FOUND, SCOPE_INVALID, REQUEST_ID_TAKEN, UUID_TAKEN, ACTION_PLAN_INVALID,
   *   TARGET_NOT_SUPPORTED, TAKES_DOWN_MISMATCH, NODE_FROZEN; then nothing was written
   */
  async create(wanted: WantedAudit, expected: Expected = null, permit = PERMIT_ALL, also?: Also): Promise<AuditAnswer> {
    // Of one with a template this is known only when it is known that it was not made before.
    if (wanted.template === undefined) checkAudit(wanted);
    const { database } = this.#parts.orders.store;
    const digest = digestOf(wanted);
    const touched = (made: AuditAnswer): Touched => ({ audit: made.audit, ...(made.plan && { plan: made.plan }) });
    const create = async (decided: Decided | null, transaction: Transaction): Promise<AuditAnswer> => {
      const earlier = await findAuditByRequestId(wanted.requestId, transaction.sql);
      if (earlier) return joined(earlier, digest, transaction);
      const whole = await withTemplate(wanted, transaction.sql);
      const strategy = checkAudit(whole);
      await refuseUsedUuid('audits', wanted.uuid, transaction.sql);
      const made = await this.#make(whole, { strategy, digest, decided }, transaction);
      // What was written is taken back with the transaction.
      await holdToExpected(expected, `the plan of audit '${wanted.name}'`, async () =>
        made.plan ? takesDownOfPlan(made.plan, transaction.sql) : NOTHING_DOWN,
      );
      return made;
    };
    const { audit, plan } = await decideAgain(async () => {
      const decided = await this.#decideFirst(wanted, permit);
      return writeAlso(database, also, touched, (transaction) => create(decided, transaction));
    });
    await this.#runsOf(audit).goOn(plan);
    return { audit, plan };
  }

  /** What an audit proposes before it is made; nothing for one that was made before. */
  async #decideFirst(wanted: WantedAudit, permit: Permit): Promise<Decided | null> {
    const { read } = this.#parts.orders.store.database;
    if (await findAuditByRequestId(wanted.requestId, read)) return null;
    const decideNow = async (): Promise<Decided> => {
      const whole = await withTemplate(wanted, read);
      return decide({ ...whole, strategy: checkAudit(whole) }, this.#parts, permit);
    };
    return decideNow().catch(async (thrown: unknown) => {
      // The plan of that one may be what has changed the fleet. The request is answered by the audit that it has made.
      const isMade = isRefusal(thrown) && (await findAuditByRequestId(wanted.requestId, read)) !== null;
      throw isMade ? overtaken(`audit '${wanted.name}'`) : thrown;
    });
  }

  /**
   * The running nodes that the plan of an audit would take down now. Nothing is written.
   * @throws AUDIT_INVALID, SCOPE_INVALID, ACTION_PLAN_INVALID, as `create` would
   */
  async preview(asked: WantedAudit, permit = PERMIT_ALL, starter: Actor | null = null): Promise<RunPreview> {
    const { read } = this.#parts.orders.store.database;
    const wanted = await withTemplate(asked, read);
    const strategy = checkAudit(wanted);
    const decided = await decide({ ...wanted, strategy }, this.#parts, permit);
    const isEmpty = decided.proposal.actions.length === 0;
    if (isEmpty) permit.allow([], decided.scoped);
    const planned = { ...wanted, everyNode: wanted.all === true };
    const checked = isEmpty ? NOTHING_TO_DO : await checkProposal(planned, decided, read, this.#parts.orders.store);
    return this.#previewOf(checked, starter);
  }

  /**
   * What the plan of an audit would do if it ran now.
   * @param starter who asks; null if that is not known
   * @throws AUDIT_NOT_FOUND
   */
  async previewRun(key: string, starter: Actor | null = null): Promise<RunPreview> {
    const audit = await getAudit(key, this.#parts.orders.store.database.read);
    // As a run supersedes what earlier ones have started.
    const replaces = ({ auditUuid }: ActionPlanRow): boolean => audit.autoTrigger && auditUuid === audit.uuid;
    return this.#previewOf(await planOfRun(audit, this.#parts), starter, replaces);
  }

  async #previewOf(
    planned: CheckedPlan | string,
    starter: Actor | null,
    supersedes?: (waiting: ActionPlanRow) => boolean,
  ): Promise<RunPreview> {
    const { store, limits } = this.#parts.orders;
    const { actions, nodeUuids } = typeof planned === 'string' ? { actions: [], nodeUuids: [] } : planned;
    const steps = actions.map(({ wanted: action, node }) => ({ ...action, node }));
    const effect = await effectOf(steps, { nodeUuids, plan: null, supersedes }, limits, store.database.read);
    const noPlan = typeof planned === 'string' ? planned : '';
    return { takesDown: takesDown(steps), effect, noPlan, ...heldBackBy(steps, starter, this.#parts) };
  }

  /**
   * Ends an audit; the plans that it has made stay.
   * @param revision the one that it has to be at; null for any
   * @throws AUDIT_NOT_FOUND, AUDIT_STATE, REVISION_MISMATCH; then nothing was written
   */
  cancel(key: string, revision: number | null = null, also?: Also): Promise<AuditRow> {
    return this.#move('cancel', key, { revision, also });
  }

  /**
   * Lets a continuous audit not run until it is resumed.
   * @param revision as of `cancel`
   * @throws AUDIT_NOT_FOUND, AUDIT_STATE, REVISION_MISMATCH; then nothing was written
   */
  suspend(key: string, revision: number | null = null, also?: Also): Promise<AuditRow> {
    return this.#move('suspend', key, { revision, also });
  }

  /**
   * Lets a suspended audit go on: at its next time, or at once if that has passed.
   * @param expected how many running nodes its plan may take down if it ran now
   * @param revision as of `cancel`
   * @throws AUDIT_NOT_FOUND, AUDIT_STATE, AUDIT_INVALID if its plans do not start by themselves and a number is expected,
   *   TAKES_DOWN_MISMATCH, REVISION_MISMATCH; then nothing was written
   */
  async resume(key: string, expected: Expected = null, revision: number | null = null, also?: Also): Promise<AuditRow> {
    const audit = await this.#move('resume', key, { expected, revision, also });
    await this.#runsOf(audit).goOn();
    return audit;
  }

  /**
   * Deletes an audit that does not run any more.
   * @param revision as of `cancel`
   * @throws AUDIT_NOT_FOUND, AUDIT_STATE, REVISION_MISMATCH; then nothing was written
   */
  delete(key: string, revision: number | null = null, also?: Also): Promise<AuditRow> {
    return this.#move('delete', key, { revision, also });
  }

  /** Moves an audit. One that is there already stays; only what is deleted cannot be deleted again. */
  async #move(
    event: AuditEvent,
    key: string,
    { expected = null, revision = null, also }: HowToMove,
  ): Promise<AuditRow> {
    const { store } = this.#parts.orders;
    const touched = (audit: AuditRow): Touched => ({ audit });
    const move = async (decided: Decided | NoPlan | null, transaction: Transaction): Promise<AuditRow> => {
      const found = await getAudit(key, transaction.sql);
      if (found.state === rowOf(AUDIT_TABLE, event).to && event !== 'delete') return found;
      holdToRevision(revision, found, `audit '${found.name}'`);
      if (typeof expected === 'number' && !found.autoTrigger)
        throw failAt(
          'AUDIT_INVALID',
          'expect_taken_down',
          `expect_taken_down: the plans of audit '${found.name}' do not start by themselves`,
        );
      if (found.autoTrigger)
        await holdToExpected(expected, `the plan of audit '${found.name}'`, () =>
          takesDownOfRun(found, decided, transaction.sql),
        );
      const moved = await moveAudit(event, found, SAYS[event] ?? {}, transaction, store);
      if (!moved) throw wrongAuditState(found, event);
      return moved;
    };
    return decideAgain(async () => {
      const decided = expected === null ? null : await this.#decideRun(key);
      return writeAlso(store.database, also, touched, (transaction) => move(decided, transaction));
    });
  }

  /** What would start by itself if the audit ran now; null if its plans do not, and nothing is counted. */
  async #decideRun(key: string): Promise<Decided | NoPlan | null> {
    const audit = await getAudit(key, this.#parts.orders.store.database.read);
    return audit.autoTrigger ? decideIfItCan(audit, this.#parts) : null;
  }

  async #make(
    wanted: WantedAudit,
    { strategy, digest: requestDigest, decided }: HowToMake,
    transaction: Transaction,
  ): Promise<AuditAnswer> {
    const { store } = this.#parts.orders;
    const { goal: _goal, all: everyNode = false, intervalMs, ...asked } = wanted;
    const nextRunAt = intervalMs === null ? null : store.clock.now() + intervalMs;
    const uuid = wanted.uuid ?? store.chance.uuid();
    const row = { ...asked, everyNode, uuid, strategy, requestDigest, intervalMs, nextRunAt, statusMessage: '' };
    const ongoing = await beginAudit(row, transaction, store);
    const plan = await runAudit(ongoing, decided, transaction, this.#parts);
    const statusMessage = plan ? '' : NOTHING_TO_DO;
    if (intervalMs === null) {
      const done = await moveAudit('succeed', ongoing, { statusMessage }, transaction, store);
      if (done === null) throw overtaken(`audit '${row.name}'`);
      return { audit: done, plan };
    }
    return { audit: await setRunMessage(ongoing, statusMessage, transaction), plan };
  }
}

async function joined(earlier: AuditRow, digest: string, { sql }: Transaction): Promise<AuditAnswer> {
  if (earlier.requestDigest !== digest) throw requestIdTaken(earlier);
  const [plan = null] = await listPlansOf(earlier.uuid, [], 1, sql);
  return { audit: earlier, plan };
}

/** The message of the last run is not that of a stopped audit. */
const SAYS: Partial<Record<AuditEvent, Pick<AuditRow, 'statusMessage'>>> = {
  cancel: { statusMessage: 'cancelled' },
  suspend: { statusMessage: 'suspended' },
  resume: { statusMessage: '' },
};
