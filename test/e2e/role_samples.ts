/** A request for each RPC of the table of verbs, about one node and what belongs to it. An RPC that only names things needs no line here. */
import { OnTimeout, PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import type { RpcRule } from '../../src/server/api/rpc_verbs.ts';

/** A node, with what is about it. */
export interface Subject {
  readonly node: string;
  readonly task: string;
  readonly plan: string;
  readonly action: string;
  readonly audit: string;
}

/** What is not there. */
export const ABSENT: Subject = {
  node: 'absent',
  task: '00000000-0000-4000-8000-000000000001',
  plan: '00000000-0000-4000-8000-000000000002',
  action: '00000000-0000-4000-8000-000000000003',
  audit: '00000000-0000-4000-8000-000000000004',
};

const { ON, OFF, REBOOT, SOFT_REBOOT, SOFT_POWER_OFF, INJECT_NMI, ABORT_SOFT_REBOOT } = PowerTarget;

const ORDERS: readonly object[] = [
  ...[ON, OFF, REBOOT, SOFT_REBOOT, SOFT_POWER_OFF, INJECT_NMI, ABORT_SOFT_REBOOT].map((target) => ({ target })),
  { target: SOFT_POWER_OFF, onTimeout: OnTimeout.FORCE },
];

/** What is said beside what is named, so that each verb is needed by one of them. */
const VARIANTS: Readonly<Record<string, readonly object[]>> = {
  CreateNode: [
    { name: 'fresh', driver: 'fake' },
    { name: 'fresh', driver: 'fake', driverInfo: { fake_address: 'fresh' } },
  ],
  UpdateNode: [{ setLabels: { a: 'b' } }, { maintenance: true }, { setDriverInfo: { fake_address: 'other' } }],
  SetPowerState: ORDERS,
  OrderPowerState: ORDERS,
  CreateActionPlan: [{}, { start: true }],
  CancelActionPlan: [{ rollback: true }, {}],
  OrderCancel: [{ rollback: true }, {}],
  CreateAudit: [{}, { autoTrigger: true }],
  Subscribe: [{ fromSequence: 1n, stopAtPresent: true }],
};

/** The requests for an RPC about a subject. */
export function samplesOf(name: string, { named }: RpcRule, { node, task, plan, action, audit }: Subject): object[] {
  const naming = {
    ...(named.node && { node }),
    ...(named.nodes && { nodes: [node] }),
    ...(named.task && { task }),
    ...(named.plan && { actionPlan: plan }),
    ...(named.action && { action }),
    ...(named.audit && { audit }),
  };
  const actions = [
    { name: 'a', actionType: 'change_node_power_state', inputParameters: { resource_id: node, state: 'power on' } },
  ];
  const whole: Readonly<Record<string, object>> = {
    CreateActionPlan: { name: 'p', actions },
    CreateAudit: { name: 'a', strategy: 'saving_energy', scope: [{ baremetal: [{ nodes: [node] }] }] },
  };
  return (VARIANTS[name] ?? [{}]).map((variant) => ({ ...naming, ...whole[name], ...variant }));
}
