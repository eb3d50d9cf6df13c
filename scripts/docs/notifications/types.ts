/** Every type of notification: read from the state tables, and the one that no change of state announces. */
import { NODE_CHANGES } from '../../../src/core/event_types.ts';
import { isAbort, TARGETS } from '../../../src/core/power.ts';
import {
  ACTION_PLAN_TABLE,
  ACTION_TABLE,
  type ActionPlanState,
  AUDIT_TABLE,
  POWER_TASK_TABLE,
  ROLLBACK_PHASES,
  type TransitionRow,
} from '../../../src/core/states.ts';
import type { NodeChange } from '../../../src/server/nodes/notifications.ts';
import { PAYLOAD_NAMES, type PayloadKind } from '../../../src/server/plans/notifications.ts';
import { oneOf, type Properties } from './schema.ts';
import { faultOf } from './watcher.ts';

/** One change of state that is announced. */
export interface Move {
  readonly meaning: string;
  readonly from: readonly string[];
  readonly to: string;
  /** The states that the notification carries: one, or all that the change may come from. */
  readonly carries: readonly string[];
}

/** One type. */
export interface NotificationType {
  readonly eventType: string;
  /** The document that defines its payload, and the name of the definition. */
  readonly document: string;
  readonly payload: string;
  /** When it is sent, if no change of state says so. */
  readonly meaning?: string;
  /** The changes that it announces. */
  readonly moves: readonly Move[];
  /** What its data says more exactly than the definition. */
  readonly data: Properties;
}

/** The one that no change of state announces: what a reading has found. */
export const CORRECTED: NotificationType = {
  eventType: 'baremetal.node.power_state_corrected.success',
  document: 'ironic_objects.json',
  payload: 'NodeCorrectedPowerStatePayload',
  meaning:
    'a reading has found the node in another power state than was known, or an order that was given up has taken effect',
  moves: [],
  data: {},
};

const CHANGE_MEANINGS: Readonly<Record<NodeChange, string>> = {
  create: 'a node is enrolled',
  update: 'name, zone, labels or driver_info of a node are changed',
  maintenance_set: 'a node is put into maintenance or taken out of it, or the reason is changed',
  delete: 'a node is deleted',
};

/** What is told of enrolled nodes. Each `start` is followed by its `end` or `error` in the same transaction. */
const NODE_TYPES: readonly NotificationType[] = NODE_CHANGES.flatMap((change) =>
  (['start', 'end', 'error'] as const).map((phase) => ({
    eventType: `baremetal.node.${change}.${phase}`,
    document: 'ironic_objects.json',
    payload: change === 'maintenance_set' ? 'NodePayload' : 'NodeCRUDPayload',
    meaning: phase === 'error' ? `${CHANGE_MEANINGS[change]}: another request came first` : CHANGE_MEANINGS[change],
    moves: [],
    data: phase === 'error' ? { error_code: { type: 'string' } } : { error_code: { type: 'null' } },
  })),
);

function movesByType(table: readonly TransitionRow<string, string>[]): Map<string, Move[]> {
  const moves = new Map<string, Move[]>();
  for (const { notifies, meaning, from, to } of table) {
    for (const notification of notifies) {
      const [eventType = '', before] = notification.split(' ');
      const move = { meaning, from, to, carries: before === undefined ? [to] : from };
      moves.set(eventType, [...(moves.get(eventType) ?? []), move]);
    }
  }
  return moves;
}

const statesOf = (moves: readonly Move[]): string[] => [...new Set(moves.flatMap(({ carries }) => carries))];

/** Which state may follow which. */
function changes(moves: readonly Move[]): Properties[] {
  const states = [...new Set(moves.map(({ to }) => to))];
  return states.map((state) => {
    const before = moves.filter(({ to }) => to === state).flatMap(({ from }) => from);
    return { properties: { old_state: oneOf([...new Set(before)]), state: { const: state } } };
  });
}

function watcherType([eventType, moves]: [string, Move[]]): NotificationType {
  const kind = eventType.split('.').slice(0, 2).join('.') as PayloadKind;
  const update = { properties: { 'watcher_object.data': { anyOf: changes(moves) } } };
  return {
    eventType,
    document: 'watcher_objects.json',
    payload: PAYLOAD_NAMES[kind],
    moves,
    data: {
      state: oneOf(statesOf(moves)),
      ...(kind.endsWith('.update') ? { state_update: update } : {}),
      ...faultOf(eventType),
    },
  };
}

/** The states in which a plan can be rolled back; while it is, it may be deleted. */
const ENDED: readonly ActionPlanState[] = ['SUCCEEDED', 'FAILED', 'CANCELLED'];

/** What the moves of a rollback announce about the plan that it undoes. */
function rollbackTypes(): NotificationType[] {
  const moves = new Map<string, Move[]>();
  for (const { event, from, to } of ACTION_PLAN_TABLE) {
    const phase = ROLLBACK_PHASES[event];
    if (phase === undefined) continue;
    const carries = phase === 'start' ? ENDED : [...ENDED, 'DELETED'];
    const move = { meaning: ROLLBACK_MEANINGS[phase], from, to, carries };
    moves.set(`action_plan.rollback.${phase}`, [...(moves.get(`action_plan.rollback.${phase}`) ?? []), move]);
  }
  return [...moves].map(([eventType, of]) => {
    const type = watcherType([eventType, of]);
    return { ...type, data: { ...type.data, rollback_state: oneOf([...new Set(of.map(({ to }) => to))]) } };
  });
}

const ROLLBACK_MEANINGS = {
  start: 'the plan that undoes it has been launched',
  end: 'the plan that undoes it has succeeded',
  error: 'the plan that undoes it has failed or was cancelled',
};

function powerType([eventType, moves]: [string, Move[]]): NotificationType {
  const aborts = eventType.includes('power_abort');
  return {
    eventType,
    document: 'ironic_objects.json',
    payload: aborts ? 'NodePowerAbortPayload' : 'NodeSetPowerStatePayload',
    moves,
    data: {
      to_power: oneOf(TARGETS.filter((target) => isAbort(target) === aborts)),
      power_task: { properties: { state: oneOf(statesOf(moves)) } },
      ...(aborts ? { abort: { type: 'object' } } : {}),
    },
  };
}

const CONDUCTOR_TYPES: readonly NotificationType[] = [
  {
    eventType: 'conductor.elected',
    document: 'countermand_objects.json',
    payload: 'ConductorElectedPayload',
    meaning: 'a conductor on PostgreSQL has begun to lead',
    moves: [],
    data: {},
  },
  {
    eventType: 'conductor.resigned',
    document: 'countermand_objects.json',
    payload: 'ConductorResignedPayload',
    meaning: 'a conductor on PostgreSQL stops leading in order; one that is lost cannot say so',
    moves: [],
    data: {},
  },
];

/** Every type, in the order in which things happen. */
export const NOTIFICATION_TYPES: readonly NotificationType[] = [
  ...[AUDIT_TABLE, ACTION_PLAN_TABLE, ACTION_TABLE].flatMap((table) => [...movesByType(table)].map(watcherType)),
  ...rollbackTypes(),
  ...NODE_TYPES,
  ...[...movesByType(POWER_TASK_TABLE)].map(powerType),
  CORRECTED,
  ...CONDUCTOR_TYPES,
];
