/** What the rows of rollbacks must say, whatever happened. Found once more here, apart from what the product does. */
import type { ActionPlanRow, ActionRow } from '../../src/server/store/plan_rows.ts';
import type { PowerTaskRow } from '../../src/server/store/rows.ts';
import { insist } from './insist.ts';
import type { PlanRows } from './plan_invariants.ts';
import type { PlanOrders } from './plan_orders.ts';
import type { RollbackOrders } from './rollback_orders.ts';

const UNSETTLED = ['RECOMMENDED', 'PENDING', 'ONGOING', 'CANCELLING'];

/** Checks the links between plans and their rollbacks, after every step. */
export function checkLinks({ plans }: PlanRows): void {
  const byUuid = new Map(plans.map((plan) => [plan.uuid, plan]));
  const byOriginal = Map.groupBy(
    plans.filter(({ rollbackOf }) => rollbackOf !== null),
    ({ rollbackOf }) => rollbackOf,
  );
  for (const plan of plans) {
    const rollbacks = byOriginal.get(plan.uuid) ?? [];
    const what = `plan ${plan.name} ${plan.uuid}`;
    const last = rollbacks.toSorted((one, other) => (one.startOrder ?? 0) - (other.startOrder ?? 0)).at(-1);
    insist(plan.rolledBackBy === (last?.uuid ?? null), `${what} is rolled back by ${plan.rolledBackBy}`);
    insist(plan.rollbackOf === null || byUuid.has(plan.rollbackOf), `${what} undoes a plan that is not there`);
    insist(plan.rollbackOf === null || !['RECOMMENDED', 'PENDING'].includes(plan.state), `${what} is ${plan.state}`);
    const settled = rollbacks.filter((rollback) => endOf(rollback) === 'SUCCEEDED').length;
    const unsettled = rollbacks.filter(({ state }) => UNSETTLED.includes(state)).length;
    insist(settled + unsettled <= 1, `${what} has ${unsettled} unsettled and ${settled} SUCCEEDED rollbacks`);
  }
}

/** The outcome of a plan before it was deleted. */
function endOf({ state, previousState }: ActionPlanRow): string | null {
  return state === 'DELETED' ? previousState : state;
}

/** Checks what rollbacks undo, and that those that were promised are there, at the end of a simulation. */
export function checkUndoing(rows: PlanRows, orders: PlanOrders, rollbacks: RollbackOrders): void {
  const { plans, actions, tasks } = rows;
  const world = new Undoings(actions, tasks);
  for (const plan of plans) {
    world.checkUndos(plan);
    const order = rollbacks.given.get(plan.requestId);
    if (order && !order.skipIrreversible && !order.acceptDrift) world.checkComplete(plan);
    const rollsBack = plan.rolledBackBy === null && rollsBackBySelf(plan, orders);
    if (rollsBack) world.checkNothingToUndo(plan);
  }
  for (const [requestId, uuid] of rollbacks.promised) {
    const kept = plans.some((plan) => plan.uuid === uuid && plan.requestId === requestId);
    insist(kept, `the rollback ${requestId} was answered with ${uuid}, and that is lost`);
  }
}

/** Checks what rollbacks undo, without knowing what was ordered. */
export function checkUndos({ plans, actions, tasks }: PlanRows): void {
  const undoings = new Undoings(actions, tasks);
  for (const plan of plans) undoings.checkUndos(plan);
}

/** True if it had to roll itself back as it ended. */
function rollsBackBySelf(plan: ActionPlanRow, { promised }: PlanOrders): boolean {
  if (promised.rollsBack.has(plan.uuid)) return true;
  const { state, previousState, onFailure } = plan;
  return state === 'FAILED' && previousState === 'ONGOING' && onFailure === 'ROLLBACK';
}

/** The actions of a world, with what each has sent and what undoes it. */
class Undoings {
  readonly #actions: ReadonlyMap<string, ActionRow>;
  readonly #byPlan: ReadonlyMap<string, readonly ActionRow[]>;
  readonly #tasks: ReadonlyMap<string, PowerTaskRow>;

  constructor(actions: readonly ActionRow[], tasks: readonly PowerTaskRow[]) {
    this.#actions = new Map(actions.map((action) => [action.uuid, action]));
    this.#byPlan = Map.groupBy(actions, ({ planUuid }) => planUuid);
    this.#tasks = new Map(tasks.map((task) => [task.actionUuid ?? '', task]));
  }

  /** Each action of a rollback undoes exactly one action that has changed something, back to what was before. */
  checkUndos({ uuid, name, rollbackOf }: ActionPlanRow): void {
    const own = this.#byPlan.get(uuid) ?? [];
    const undone = new Set<string>();
    for (const { undoes, name: actionName, actionType, inputParameters, nodeUuid } of own) {
      const what = `${actionName} of ${name} ${uuid}`;
      insist((undoes === null) === (rollbackOf === null), `${what} undoes ${undoes}`);
      if (undoes === null) continue;
      insist(!undone.has(undoes), `${what} undoes what another undoes`);
      undone.add(undoes);
      const action = this.#actions.get(undoes);
      insist(action?.planUuid === rollbackOf, `${what} undoes an action of another plan`);
      insist(this.#hasChanged(action), `${what} undoes what has changed nothing`);
      insist(action.nodeUuid === nodeUuid && action.actionType === actionType, `${what} undoes another thing`);
      const goal = goalOf(actionType, inputParameters);
      insist(goal === this.#beforeOf(action), `${what} goes back to ${goal}, it was ${this.#beforeOf(action)}`);
    }
  }

  /** Where nothing was to be left out, nothing is left out. */
  checkComplete({ uuid, name, rollbackOf }: ActionPlanRow): void {
    const undone = new Set((this.#byPlan.get(uuid) ?? []).map(({ undoes }) => undoes));
    for (const action of this.#byPlan.get(rollbackOf ?? '') ?? [])
      insist(undone.has(action.uuid) || !this.#hasChanged(action), `${name} ${uuid} does not undo ${action.name}`);
  }

  /** No rollback was made: there was nothing that could be undone, or that cannot have drifted. */
  checkNothingToUndo({ uuid, name }: ActionPlanRow): void {
    for (const action of this.#byPlan.get(uuid) ?? []) {
      const task = this.#tasks.get(action.uuid);
      // One that did not succeed has not drifted; anything else may have.
      const undoable = task?.sendingAt && task.state !== 'SUCCEEDED' && task.beforePowerState !== null;
      const must = undoable && task.target !== 'inject nmi';
      insist(!must, `${name} ${uuid} is not rolled back, and its action ${action.name} has to be undone`);
    }
  }

  #hasChanged(action: ActionRow): boolean {
    const task = this.#tasks.get(action.uuid);
    return task ? task.sendingAt !== null : action.beforeImage !== null;
  }

  #beforeOf(action: ActionRow): string {
    const task = this.#tasks.get(action.uuid);
    if (task) return String(task.beforePowerState);
    const { maintenance, maintenance_reason: reason } = action.beforeImage ?? {};
    return `${maintenance} ${reason}`;
  }
}

/** What an undo leads to, in the words of a before-image. */
function goalOf(actionType: string, { state, maintenance, reason }: ActionRow['inputParameters']): string {
  if (actionType === 'set_node_maintenance') return `${maintenance} ${reason}`;
  return state === 'power on' ? 'power on' : 'power off';
}
