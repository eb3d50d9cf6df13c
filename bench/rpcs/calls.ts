/** Every RPC of every service, and how it is called when it is measured. */
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import { AgentServiceDefinition, type AttachRequest } from '../../src/gen/countermand/v1/agent.ts';
import { AuditType } from '../../src/gen/countermand/v1/audit.ts';
import { PowerTarget, PowerTaskState } from '../../src/gen/countermand/v1/power.ts';
import { enrol, type Ground, NOP, namesOf } from './ground.ts';

/** One RPC, called with one key after another. */
export interface Rpc {
  readonly name: string;
  /** Makes what is called about, and answers a key for each call. The watched nodes, in turn, if left out. */
  readonly prepare?: (count: number, ground: Ground) => Promise<readonly string[]>;
  readonly call: (key: string, ground: Ground) => Promise<unknown>;
}

async function first(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) return;
}

async function all(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

let made = 0;
/** Names that no earlier call has used. */
const fresh = (kind: string, count: number): string[] => {
  made += 1;
  return namesOf(`${kind}-${made}-`, count);
};

async function newNodes(count: number, { conductor }: Ground): Promise<string[]> {
  const names = fresh('extra', count);
  for (const name of names) await enrol(name, { fake_soft_ms: 'never' }, conductor);
  return names;
}

async function newPlans(count: number, { conductor }: Ground, action: object = NOP): Promise<string[]> {
  const uuids: string[] = [];
  for (const name of fresh('plan', count)) {
    const { actionPlan } = await conductor.plans.createActionPlan({ name, actions: [{ ...NOP, ...action }] });
    uuids.push(actionPlan?.uuid ?? '');
  }
  return uuids;
}

const SLEEP = { actionType: 'sleep', inputParameters: { duration: 3600 } };

async function sleepingPlans(count: number, ground: Ground): Promise<string[]> {
  const uuids = await newPlans(count, ground, SLEEP);
  for (const actionPlan of uuids) await ground.conductor.plans.startActionPlan({ actionPlan });
  return uuids;
}

/** Plans that have set the maintenance of a node each, and can be rolled back. */
async function endedPlans(count: number, ground: Ground): Promise<string[]> {
  const uuids: string[] = [];
  for (const node of await newNodes(count, ground)) {
    const inputParameters = { resource_id: node, maintenance: true, reason: 'bench' };
    const [uuid = ''] = await newPlans(1, ground, { actionType: 'set_node_maintenance', inputParameters });
    await ground.conductor.plans.startActionPlan({ actionPlan: uuid });
    await all(ground.conductor.plans.watchActionPlan({ actionPlan: uuid }));
    uuids.push(uuid);
  }
  return uuids;
}

const CONTINUOUS = { auditType: AuditType.CONTINUOUS, strategy: 'dummy', interval: 86_400 };

async function newAudits(count: number, { conductor }: Ground): Promise<string[]> {
  const uuids: string[] = [];
  for (const name of fresh('audit', count)) {
    const { audit } = await conductor.audits.createAudit({ name, ...CONTINUOUS });
    uuids.push(audit?.uuid ?? '');
  }
  return uuids;
}

async function suspendedAudits(count: number, ground: Ground): Promise<string[]> {
  const uuids = await newAudits(count, ground);
  for (const audit of uuids) await ground.conductor.audits.suspendAudit({ audit });
  return uuids;
}

async function endedAudits(count: number, ground: Ground): Promise<string[]> {
  const uuids = await newAudits(count, ground);
  for (const audit of uuids) await ground.conductor.audits.cancelAudit({ audit });
  return uuids;
}

async function softOffs(count: number, ground: Ground): Promise<string[]> {
  const uuids: string[] = [];
  for (const node of await newNodes(count, ground)) {
    const request = { node, target: PowerTarget.SOFT_POWER_OFF, timeout: 3600 };
    for await (const { task } of ground.conductor.power.setPowerState(request)) {
      if (task?.state !== PowerTaskState.CONFIRMING) continue;
      uuids.push(task.uuid);
      break;
    }
  }
  return uuids;
}

const NODE_RPCS: readonly Rpc[] = [
  {
    name: 'CreateNode',
    prepare: async (count) => fresh('made', count),
    call: (key, { conductor }) => enrol(key, {}, conductor),
  },
  { name: 'GetNode', call: (node, { conductor }) => conductor.nodes.getNode({ node }) },
  { name: 'ListNodes, 100 nodes', call: (_, { conductor }) => conductor.nodes.listNodes({ pageSize: 100 }) },
  {
    name: 'ListNodes, one node by a label that none has',
    call: (_, { conductor }) => conductor.nodes.listNodes({ pageSize: 1, labels: { rack: 'none' } }),
  },
  {
    name: 'UpdateNode, a label',
    call: (node, { conductor }) => conductor.nodes.updateNode({ node, setLabels: { round: fresh('r', 1)[0] ?? '' } }),
  },
  { name: 'AcceptNode', call: (node, { conductor }) => conductor.nodes.acceptNode({ node }) },
  { name: 'DeleteNode', prepare: newNodes, call: (node, { conductor }) => conductor.nodes.deleteNode({ node }) },
  { name: 'ValidateNode', call: (node, { conductor }) => conductor.nodes.validateNode({ node }) },
  {
    name: 'RefreshNodes, one node',
    call: (node, { conductor }) => all(conductor.nodes.refreshNodes({ nodes: [node] })),
  },
  { name: 'GetSupportedPowerStates', call: (node, { conductor }) => conductor.nodes.getSupportedPowerStates({ node }) },
  { name: 'ExplainNode', call: (node, { conductor }) => conductor.nodes.explainNode({ node }) },
  {
    name: 'WatchNodes, one node, until its first message',
    call: (node, { conductor }) => first(conductor.nodes.watchNodes({ nodes: [node] })),
  },
  {
    name: 'WatchNodes, every node, until its first message',
    call: (_, { conductor }) => first(conductor.nodes.watchNodes({})),
  },
  {
    name: 'ListModelChanges, 100 changes',
    call: (_, { conductor }) => conductor.nodes.listModelChanges({ pageSize: 100 }),
  },
];

const POWER_RPCS: readonly Rpc[] = [
  {
    name: 'SetPowerState, until the order is carried out',
    prepare: newNodes,
    call: (node, { conductor }) => all(conductor.power.setPowerState({ node, target: PowerTarget.OFF })),
  },
  {
    name: 'GetPowerTask',
    prepare: async (_, { tasks }) => tasks,
    call: (task, { conductor }) => conductor.power.getPowerTask({ task }),
  },
  {
    name: 'ListPowerTasks, 100 tasks',
    call: (_, { conductor }) => conductor.power.listPowerTasks({ pageSize: 100 }),
  },
  {
    name: 'ListPowerTasks, of one node',
    call: (node, { conductor }) => conductor.power.listPowerTasks({ pageSize: 100, node }),
  },
  {
    name: 'WatchPowerTask, until its first message',
    prepare: async (_, { tasks }) => tasks,
    call: (task, { conductor }) => first(conductor.power.watchPowerTask({ task })),
  },
  {
    name: 'WithdrawPowerTask, which stops the waiting',
    prepare: softOffs,
    call: (task, { conductor }) => conductor.power.withdrawPowerTask({ task, stopWaiting: true }),
  },
];

const PLAN_RPCS: readonly Rpc[] = [
  {
    name: 'CreateActionPlan',
    prepare: async (count) => fresh('created', count),
    call: (name, { conductor }) => conductor.plans.createActionPlan({ name, actions: [NOP] }),
  },
  {
    name: 'PreviewActionPlan',
    prepare: newPlans,
    call: (actionPlan, { conductor }) => conductor.plans.previewActionPlan({ actionPlan }),
  },
  {
    name: 'GetActionPlan',
    prepare: newPlans,
    call: (actionPlan, { conductor }) => conductor.plans.getActionPlan({ actionPlan }),
  },
  {
    name: 'ListActionPlans, 20 plans',
    call: (_, { conductor }) => conductor.plans.listActionPlans({ pageSize: 20 }),
  },
  {
    name: 'StartActionPlan',
    prepare: newPlans,
    call: (actionPlan, { conductor }) => conductor.plans.startActionPlan({ actionPlan }),
  },
  {
    name: 'WatchActionPlan, until its first message',
    prepare: async (_, { plans }) => plans,
    call: (actionPlan, { conductor }) => first(conductor.plans.watchActionPlan({ actionPlan })),
  },
  {
    name: 'CancelActionPlan, until all is taken back',
    prepare: sleepingPlans,
    call: (actionPlan, { conductor }) => all(conductor.plans.cancelActionPlan({ actionPlan })),
  },
  {
    name: 'PreviewRollback',
    prepare: endedPlans,
    call: (actionPlan, { conductor }) => conductor.plans.previewRollback({ actionPlan }),
  },
  {
    name: 'RollbackActionPlan, until all is undone',
    prepare: endedPlans,
    call: (actionPlan, { conductor }) => all(conductor.plans.rollbackActionPlan({ actionPlan, acceptDrift: true })),
  },
  {
    name: 'DeleteActionPlan',
    prepare: newPlans,
    call: (actionPlan, { conductor }) => conductor.plans.deleteActionPlan({ actionPlan }),
  },
];

const AUDIT_RPCS: readonly Rpc[] = [
  {
    name: 'CreateAudit, which makes a plan',
    prepare: async (count) => fresh('once', count),
    call: (name, { conductor }) => conductor.audits.createAudit({ name, strategy: 'dummy' }),
  },
  {
    name: 'CreateAudit, about one node',
    prepare: async (count) => fresh('one', count),
    call: (name, { conductor, nodes }) =>
      conductor.audits.createAudit({ name, strategy: 'dummy', scope: [{ baremetal: [{ nodes: [nodes[0]] }] }] }),
  },
  {
    name: 'PreviewAudit',
    call: (_, { conductor }) => conductor.audits.previewAudit({ wanted: { name: 'preview', strategy: 'dummy' } }),
  },
  { name: 'GetAudit', prepare: newAudits, call: (audit, { conductor }) => conductor.audits.getAudit({ audit }) },
  { name: 'ListAudits, 20 audits', call: (_, { conductor }) => conductor.audits.listAudits({ pageSize: 20 }) },
  {
    name: 'SuspendAudit',
    prepare: newAudits,
    call: (audit, { conductor }) => conductor.audits.suspendAudit({ audit }),
  },
  {
    name: 'ResumeAudit',
    prepare: suspendedAudits,
    call: (audit, { conductor }) => conductor.audits.resumeAudit({ audit }),
  },
  { name: 'CancelAudit', prepare: newAudits, call: (audit, { conductor }) => conductor.audits.cancelAudit({ audit }) },
  {
    name: 'DeleteAudit',
    prepare: endedAudits,
    call: (audit, { conductor }) => conductor.audits.deleteAudit({ audit }),
  },
  { name: 'ListStrategies', call: (_, { conductor }) => conductor.audits.listStrategies({}) },
  {
    name: 'ReportClusterEvent, about one node',
    call: (node, { conductor }) =>
      conductor.audits.reportClusterEvent({ eventType: 'instance.update', nodes: [node], reason: 'bench' }),
  },
];

const OTHER_RPCS: readonly Rpc[] = [
  {
    name: 'Subscribe, from now on, until its header',
    call: (_, { conductor }) => all(conductor.notifications.subscribe({ stopAtPresent: true })),
  },
  {
    name: 'Subscribe, to all 1,000 newest events of which none is wanted',
    prepare: async (count, { conductor }) => {
      const { newestSequence } = await conductor.notifications.getNewestSequence({});
      return Array.from({ length: count }, () => String(newestSequence > 1000n ? newestSequence - 1000n : 1n));
    },
    call: (from, { conductor }) =>
      all(conductor.notifications.subscribe({ fromSequence: BigInt(from), eventTypes: ['none'], stopAtPresent: true })),
  },
  { name: 'GetNewestSequence', call: (_, { conductor }) => conductor.notifications.getNewestSequence({}) },
  { name: 'Attach, of an agent of another zone', call: (_, ground) => attach(ground) },
];

/** Attaches an agent, until it is welcomed; it says farewell. */
async function attach({ address }: Ground): Promise<void> {
  const channel = createChannel(address, ChannelCredentials.createInsecure());
  const hello = {
    agentUuid: crypto.randomUUID(),
    name: 'bench',
    zones: ['elsewhere'],
    drivers: [{ name: 'fake', driverInfoSchema: '{}', targets: [], recalls: [] }],
  };
  const welcomed = Promise.withResolvers<void>();
  async function* messages(): AsyncGenerator<object> {
    yield { message: { $case: 'hello', value: hello } };
    await welcomed.promise;
    yield { message: { $case: 'farewell', value: {} } };
  }
  const client = createClient(AgentServiceDefinition, channel);
  for await (const _ of client.attach(messages() as AsyncIterable<AttachRequest>)) welcomed.resolve();
  channel.close();
}

/** All of them. Those that leave more behind come last. */
export const RPCS: readonly Rpc[] = [...NODE_RPCS, ...POWER_RPCS, ...PLAN_RPCS, ...AUDIT_RPCS, ...OTHER_RPCS];
