import * as z from 'zod';
import { answeringGuidOf } from '../../nodes/identity.ts';
import { updateNode } from '../../nodes/write.ts';
import { findAction, setBeforeImage } from '../../store/actions.ts';
import { overtaken } from '../../store/compare_and_set.ts';
import { findNode } from '../../store/nodes.ts';
import type { NodeRow } from '../../store/rows.ts';
import { defineActionType, refuseIfCancelled } from './action_type.ts';
import { nodeDeleted, nodeOfAction, refuseOtherServer } from './node_of_action.ts';

const schema = z.strictObject({
  resource_id: z.string().min(1).describe('The node, by name or uuid.'),
  maintenance: z.boolean().describe('Maintenance on or off.'),
  reason: z.string().max(1000).default('').describe('Why.'),
});
type Parameters = z.infer<typeof schema>;

/** The action type `set_node_maintenance`: what was set before is stored in the transaction that changes it. */
export const setNodeMaintenance = defineActionType<Parameters>({
  name: 'set_node_maintenance',
  meaning: 'puts a node into maintenance, or takes it out',
  whenCancelled: 'it is one write: it had not happened yet, or it is done and stays',
  schema,
  nodeOf: ({ resource_id: node }) => node,
  async preCondition(wanted, context) {
    const node = await nodeOfAction(context);
    return isSet(node, wanted) ? `maintenance is ${wanted.maintenance ? 'on' : 'off'} already` : null;
  },
  async execute(wanted, context) {
    const { store } = context.parts.orders;
    return store.database.write(async (transaction) => {
      const { action, plan } = context;
      const present = await findAction(action.uuid, transaction.sql);
      if (present === null) throw overtaken(`action '${action.name}'`);
      // A crash may have come between the change and the end of the action: what was set since is left alone.
      if (present.beforeImage !== null) return { maintenance: wanted.maintenance };
      await refuseIfCancelled(context, transaction);
      const node = await findNode(action.nodeUuid ?? '', transaction.sql);
      await refuseOtherServer(context, node, transaction);
      if (node === null) throw nodeDeleted(action);
      const before: BeforeImage = {
        maintenance: node.maintenance,
        maintenance_reason: node.maintenanceReason,
        node_revision: node.revision,
        bmc_key: node.bmcKey,
        bmc_guid: answeringGuidOf(node),
      };
      await setBeforeImage(present, { ...before }, transaction);
      const patch = { maintenance: wanted.maintenance, maintenanceReason: wanted.maintenance ? wanted.reason : '' };
      const cause = { why: `action '${action.name}' of plan '${plan.name}' (${plan.uuid})`, planUuid: plan.uuid };
      await updateNode(node, patch, cause, transaction, store);
      return { maintenance: wanted.maintenance };
    });
  },
  undo(wanted, { action, node }) {
    const before = action.beforeImage as BeforeImage | null;
    if (before === null) return { kind: 'nothing', why: 'nothing was changed' };
    if (node === null) return { kind: 'irreversible', why: 'the node was deleted' };
    const inputParameters = {
      resource_id: node.name,
      maintenance: before.maintenance,
      reason: before.maintenance_reason,
    };
    const what = `maintenance ${onOff(before.maintenance)}`;
    const drift = driftOf(node, wanted, 'the plan');
    const was = { ...wanted, maintenance: before.maintenance, reason: before.maintenance_reason };
    return {
      kind: 'action',
      order: before.node_revision,
      what,
      actionType: 'set_node_maintenance',
      inputParameters,
      drift,
      driftOnceUndone: driftOf(node, was, 'a rollback'),
      bringsUp: !before.maintenance,
    };
  },
  async abort({ maintenance }, { action, parts }) {
    const present = await findAction(action.uuid, parts.orders.store.database.read);
    if (present === null || present.beforeImage === null)
      return { kind: 'taken_back', message: 'nothing had been changed', result: {} };
    return { kind: 'done', message: 'it was done before it could be taken back', result: { maintenance } };
  },
});

interface BeforeImage {
  readonly maintenance: boolean;
  readonly maintenance_reason: string;
  readonly node_revision: number;
  /** Which server answered, accepted or not; missing in actions of earlier versions. */
  readonly bmc_key?: string;
  readonly bmc_guid?: string | null;
}

const onOff = (maintenance: boolean): string => (maintenance ? 'on' : 'off');

function driftOf(node: NodeRow, left: Parameters, who: string): string | null {
  if (isSet(node, left)) return null;
  const { maintenance } = left;
  return node.maintenance === maintenance
    ? `the maintenance of ${node.name} has another reason now: ${node.maintenanceReason}`
    : `maintenance of ${node.name} is ${onOff(node.maintenance)}, and ${who} left it ${onOff(maintenance)}`;
}

function isSet(node: NodeRow, { maintenance, reason }: Parameters): boolean {
  return node.maintenance === maintenance && (!maintenance || node.maintenanceReason === reason);
}
