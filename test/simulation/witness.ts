/** Hears every commit, in order, and remembers what no row shows afterwards. */
import { isAbort } from '../../src/core/power.ts';
import { isAtRest } from '../../src/core/states.ts';
import type { Change } from '../../src/server/store/feed.ts';
import type { ActionPlanRow, ActionRow } from '../../src/server/store/plan_rows.ts';
import type { NodeRow, PowerTaskRow } from '../../src/server/store/rows.ts';
import type { Received } from '../world/heard.ts';

/** Who hears every commit. */
export class Witness {
  /** What was seen that must not be. */
  readonly wrong: string[] = [];
  readonly #plans = new Map<string, ActionPlanRow>();
  /** The rollbacks that restore a reason of maintenance. */
  readonly #restoring = new Map<string, string>();
  readonly #reasons = new Map<string, string>();
  readonly #times = new Map<string, number>();
  readonly #sent = new Map<string, string>();
  readonly #causes = new Map<Received, string>();

  /** How often this node was put into maintenance for this reason. */
  timesSet(nodeUuid: string, reason: string): number {
    return this.#times.get(`${nodeUuid} ${reason}`) ?? 0;
  }

  /** True if no plan runs or waits for its turn. */
  get quiet(): boolean {
    return ![...this.#plans.values()].some(({ state }) => ['PENDING', 'ONGOING', 'CANCELLING'].includes(state));
  }

  /** The uuid of the power task that was on its way when this reached a BMC, if one was. */
  causeOf(received: Received): string | undefined {
    return this.#causes.get(received);
  }

  /** Something has reached a BMC. */
  see(received: Received): void {
    const cause = this.#sent.get(received.address);
    if (cause !== undefined) this.#causes.set(received, cause);
  }

  hear(change: Change): void {
    if (change.kind === 'task') this.#hearTask(change.task);
    if (change.kind === 'plan') this.#hearPlan(change.plan, change.actions);
    if (change.kind === 'node') this.#hearNode(change.node);
  }

  #hearPlan(plan: ActionPlanRow, actions: readonly ActionRow[]): void {
    this.#plans.set(plan.uuid, plan);
    for (const { undoes, inputParameters } of actions)
      if (undoes !== null && inputParameters.reason) this.#restoring.set(String(inputParameters.reason), plan.uuid);
  }

  #hearTask({ uuid, nodeName, target, state, sendingAt }: PowerTaskRow): void {
    if (isAbort(target) || sendingAt === null) return;
    if (!isAtRest(state)) this.#sent.set(nodeName, uuid);
    else if (this.#sent.get(nodeName) === uuid) this.#sent.delete(nodeName);
  }

  #hearNode({ uuid, maintenance, maintenanceReason }: NodeRow): void {
    const reason = maintenance ? maintenanceReason : '';
    if (this.#reasons.get(uuid) === reason) return;
    this.#reasons.set(uuid, reason);
    if (reason === '') return;
    // What a rollback restores was set by another plan before.
    if (this.#plans.get(this.#restoring.get(reason) ?? '')?.state === 'ONGOING') return;
    this.#times.set(`${uuid} ${reason}`, this.timesSet(uuid, reason) + 1);
    const name = reason.split(' of ').at(-1);
    const state = [...this.#plans.values()].find((plan) => plan.name === name)?.state;
    if (state !== 'ONGOING') this.wrong.push(`a node was '${reason}', but that plan is ${state}`);
  }
}
