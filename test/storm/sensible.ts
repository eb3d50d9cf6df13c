/** Requests that make sense, so that a storm also does work: orders, plans, audits, changes, streams. */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { SeededChance } from '../world/chance.ts';

/** The nodes with real BMCs behind them, as `storm.ts` names them. */
const nodeOf = (chance: SeededChance): string => `n${chance.between(1, 6)}`;
/** Nodes that come and go. */
const passingNode = (chance: SeededChance): string => `f${chance.between(1, 50)}`;

const PARAMETERS: Readonly<Record<string, (chance: SeededChance) => JsonObject>> = {
  nop: () => ({}),
  sleep: () => ({ duration: 1 }),
  change_node_power_state: (chance) => ({
    resource_id: nodeOf(chance),
    state: chance.pick(['power on', 'power off', 'soft power off', 'rebooting']),
  }),
  set_node_maintenance: (chance) => ({ resource_id: nodeOf(chance), maintenance: chance.happens(0.5) }),
};

function actionsOf(chance: SeededChance): JsonObject[] {
  return Array.from({ length: chance.between(1, 8) }, (_, at) => {
    const actionType = chance.pick(Object.keys(PARAMETERS));
    const parents = at === 0 || chance.happens(0.5) ? [] : ['a0'];
    return { name: `a${at}`, actionType, inputParameters: PARAMETERS[actionType]?.(chance) ?? {}, parents };
  });
}

/**
 * A request of the RPC with this name; null for an RPC of which nothing more is known than its fields.
 * @param words names and ids that have been seen
 */
export function sensibleRequest(name: string, words: readonly string[], chance: SeededChance): JsonValue | null {
  const word = words.length > 0 ? chance.pick(words) : nodeOf(chance);
  const requestId = chance.happens(0.9) ? chance.uuid() : 'again';
  switch (name) {
    case 'CreateNode':
      return { name: passingNode(chance), driver: 'fake', driverInfo: { fake_address: passingNode(chance) } };
    case 'DeleteNode':
      return { node: passingNode(chance) };
    case 'UpdateNode':
      return {
        node: nodeOf(chance),
        setLabels: { rack: String(chance.between(1, 9)) },
        maintenance: chance.happens(0.5),
      };
    case 'RefreshNodes':
      return { nodes: ['n[1-6]'] };
    case 'WatchNodes':
      return { nodes: chance.happens(0.5) ? [] : ['n[1-6]'] };
    case 'ExplainNode':
    case 'GetSupportedPowerStates':
      return { node: nodeOf(chance) };
    case 'SetPowerState':
    case 'OrderPowerState':
      return { node: nodeOf(chance), target: chance.between(1, 9), requestId };
    case 'WithdrawPowerTask':
      return { task: word, stopWaiting: true };
    case 'CreateActionPlan':
      return { name: `p${chance.between(1, 99)}`, requestId, actions: actionsOf(chance), maxParallel: 4 };
    case 'StartActionPlan':
      return { actionPlan: word, queue: chance.happens(0.5) };
    case 'CancelActionPlan':
    case 'OrderCancel':
      return { actionPlan: word, rollback: chance.happens(0.3) };
    case 'RollbackActionPlan':
    case 'OrderRollback':
      return { actionPlan: word, requestId, skipIrreversible: true, acceptDrift: true };
    case 'CreateAudit':
      return {
        name: `u${chance.between(1, 99)}`,
        requestId,
        strategy: 'dummy',
        autoTrigger: chance.happens(0.5),
        all: chance.happens(0.5),
      };
    case 'ReportClusterEvent':
      return { eventType: 'instance.update', nodes: [nodeOf(chance)], reason: 'storm' };
    case 'Subscribe':
      return { fromSequence: '0', stopAtPresent: chance.happens(0.5) };
    default:
      return null;
  }
}
