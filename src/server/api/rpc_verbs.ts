/**
 * The verbs that each RPC needs, and what it names: one table for every protocol, because the routes of HTTP call the same RPCs.
 * What is not in the table is refused.
 */
import type * as plans from '../../gen/countermand/v1/action_plan.ts';
import type * as audits from '../../gen/countermand/v1/audit.ts';
import type { CreateNodeRequest, UpdateNodeRequest } from '../../gen/countermand/v1/node.ts';
import { OnTimeout, type SetPowerStateRequest } from '../../gen/countermand/v1/power.ts';
import type { Verb } from '../access/verbs.ts';
import { fromTarget } from '../agents/wire.ts';
import { ORDER_VERBS, verbsOfOrder } from './step_verbs.ts';

/** The fields of a request that name something. */
interface Named {
  readonly node?: 'node';
  readonly nodes?: 'nodes';
  /** If the list is empty, all verbs are needed over every node. */
  readonly emptyIsAll?: true;
  readonly task?: 'task';
  readonly plan?: 'actionPlan';
  readonly action?: 'action';
  readonly audit?: 'audit';
}

/** One RPC. */
export interface RpcRule {
  /** All that it may need; what a request really needs is among them. */
  readonly verbs: readonly Verb[];
  /** What this request needs; absent if it is always all of `verbs`. */
  needed?(request: never): readonly Verb[];
  readonly named: Named;
  /** Whether the actions of the plan that it names will run, or be undone: then their own verbs are needed as well. */
  acts?(request: never): 'run' | 'undo' | null;
}

const rule = (verbs: readonly Verb[], named: Named = {}): RpcRule => ({ verbs, named });

/** An RPC whose verbs depend on what the request says. */
const depends = <Request>(
  verbs: readonly Verb[],
  named: Named,
  needed: (request: Request) => readonly Verb[],
): RpcRule => ({ verbs, named, needed });

/** A target that there is not needs nothing here: the service refuses it. */
function ofOrder({ target, onTimeout }: Pick<SetPowerStateRequest, 'target' | 'onTimeout'>): readonly Verb[] {
  const known = fromTarget(target);
  return known === null ? [] : verbsOfOrder(known, onTimeout === OnTimeout.FORCE);
}

/** What a change of a node needs, by what it changes. */
export function ofUpdate(request: UpdateNodeRequest): readonly Verb[] {
  const { name, zone, setLabels, removeLabels, setDriverInfo, removeDriverInfo } = request;
  const credentials = Object.keys(setDriverInfo).length + removeDriverInfo.length > 0;
  const labels = Object.keys(setLabels).length + removeLabels.length > 0;
  const isMore = name !== undefined || zone !== undefined || labels || credentials;
  const setsMaintenance = request.maintenance !== undefined || request.maintenanceReason !== undefined;
  return [
    ...(isMore || !setsMaintenance ? (['node.write'] as const) : []),
    ...(setsMaintenance ? (['node.maintenance'] as const) : []),
    ...(credentials ? (['node.credentials'] as const) : []),
  ];
}

const CREATES_PLAN: readonly Verb[] = ['plan.create', 'plan.start'];
const NODE = { node: 'node' } as const;
const PLAN = { plan: 'actionPlan' } as const;
const AUDIT = { audit: 'audit' } as const;

/** A cancel needs less than the start that it takes back, unless it goes on to undo. */
const CANCEL: RpcRule = {
  ...depends<plans.CancelActionPlanRequest>(['plan.cancel', 'plan.rollback'], PLAN, ({ rollback }) =>
    rollback ? ['plan.cancel', 'plan.rollback'] : ['plan.cancel'],
  ),
  acts: ({ rollback }: plans.CancelActionPlanRequest) => (rollback ? 'undo' : null),
};
const ROLLBACK: RpcRule = { ...rule(['plan.rollback'], PLAN), acts: () => 'undo' };

/** The rules of the RPCs, by service and name. The actions of a plan need verbs of their own: see `step_verbs.ts`. */
const RULES = {
  'countermand.v1.NodeService': {
    CreateNode: depends<CreateNodeRequest>(['node.write', 'node.credentials'], {}, ({ driverInfo }) =>
      Object.keys(driverInfo).length > 0 ? ['node.write', 'node.credentials'] : ['node.write'],
    ),
    GetNode: rule(['node.read'], NODE),
    ListNodes: rule(['node.read']),
    UpdateNode: depends<UpdateNodeRequest>(['node.write', 'node.maintenance', 'node.credentials'], NODE, ofUpdate),
    AcceptNode: rule(['node.write'], NODE),
    DeleteNode: rule(['node.write'], NODE),
    ValidateNode: rule(['node.read'], NODE),
    RefreshNodes: rule(['node.read'], { nodes: 'nodes' }),
    GetSupportedPowerStates: rule(['node.read'], NODE),
    ExplainNode: rule(['node.read'], NODE),
    WatchNodes: rule(['node.read'], { nodes: 'nodes' }),
    ListModelChanges: rule(['node.read']),
    FreezeNodes: rule(['node.freeze']),
    ListFreezes: rule(['node.read']),
    LiftFreeze: rule(['node.freeze']),
  },
  'countermand.v1.PowerService': {
    SetPowerState: depends<SetPowerStateRequest>(ORDER_VERBS, NODE, ofOrder),
    OrderPowerState: depends<SetPowerStateRequest>(ORDER_VERBS, NODE, ofOrder),
    GetPowerTask: rule(['node.read'], { task: 'task' }),
    ListPowerTasks: rule(['node.read'], NODE),
    WatchPowerTask: rule(['node.read'], { task: 'task' }),
    WithdrawPowerTask: rule(['power.abort'], { task: 'task' }),
  },
  'countermand.v1.ActionPlanService': {
    CreateActionPlan: depends<plans.CreateActionPlanRequest>(CREATES_PLAN, {}, ({ start }) =>
      start ? CREATES_PLAN : ['plan.create'],
    ),
    PreviewActionPlan: rule(['plan.read'], PLAN),
    GetActionPlan: rule(['plan.read'], PLAN),
    GetAction: rule(['plan.read'], { action: 'action' }),
    ListActionPlans: rule(['plan.read'], { nodes: 'nodes', audit: 'audit' }),
    StartActionPlan: { ...rule(['plan.start'], PLAN), acts: () => 'run' },
    ApproveActionPlan: rule(['plan.approve'], PLAN),
    RejectActionPlan: rule(['plan.approve'], PLAN),
    CancelActionPlan: CANCEL,
    OrderCancel: CANCEL,
    RollbackActionPlan: ROLLBACK,
    OrderRollback: ROLLBACK,
    PreviewRollback: rule(['plan.read'], PLAN),
    WatchActionPlan: rule(['plan.read'], PLAN),
    DeleteActionPlan: rule(['plan.delete'], PLAN),
  },
  'countermand.v1.AuditService': {
    CreateAudit: depends<audits.CreateAuditRequest>(['audit.create', 'plan.start'], {}, ({ autoTrigger }) =>
      autoTrigger ? ['audit.create', 'plan.start'] : ['audit.create'],
    ),
    PreviewAudit: rule(['audit.read'], AUDIT),
    GetAudit: rule(['audit.read'], AUDIT),
    ListAudits: rule(['audit.read']),
    CancelAudit: rule(['audit.cancel'], AUDIT),
    SuspendAudit: rule(['audit.cancel'], AUDIT),
    ResumeAudit: rule(['audit.create'], AUDIT),
    DeleteAudit: rule(['audit.delete'], AUDIT),
    CreateAuditTemplate: rule(['audit.template']),
    GetAuditTemplate: rule(['audit.read']),
    ListAuditTemplates: rule(['audit.read']),
    UpdateAuditTemplate: rule(['audit.template']),
    DeleteAuditTemplate: rule(['audit.template']),
    ListStrategies: rule(['audit.read']),
    ReportClusterEvent: rule(['event.report'], { nodes: 'nodes', emptyIsAll: true }),
  },
  'countermand.v1.NotificationService': {
    Subscribe: rule(['event.read']),
    GetNewestSequence: rule(['event.read']),
    CreateSink: rule(['sink.write']),
    GetSink: rule(['sink.read']),
    ListSinks: rule(['sink.read']),
    DeleteSink: rule(['sink.write']),
    TestSink: rule(['sink.write']),
  },
  'countermand.v1.ConductorService': {
    GetVersion: rule([]),
    GetStatus: rule(['node.read']),
    ListAgents: rule(['node.read']),
    ListZones: rule(['node.read']),
    ListDrivers: rule(['node.read']),
    GetLogLevel: rule(['node.read']),
    SetLogLevel: rule(['log.level']),
  },
  'countermand.v1.AccessService': {
    CreateToken: rule(['access.admin']),
    ListTokens: rule(['access.admin']),
    RevokeToken: rule(['access.admin']),
    CheckAccess: rule(['access.admin'], NODE),
    ListTrail: rule(['trail.read']),
  },
  'countermand.v1.AgentService': { Attach: rule(['agent.attach']) },
  // Probes have no credentials; the contract is public.
  'grpc.health.v1.Health': { Check: rule([]), Watch: rule([]), List: rule([]) },
  'grpc.reflection.v1.ServerReflection': { ServerReflectionInfo: rule([]) },
} as const satisfies Record<string, Record<string, RpcRule>>;

/** The rule of each RPC, by its path: `/countermand.v1.NodeService/GetNode`. */
export const RPC_RULES: ReadonlyMap<string, RpcRule> = new Map(
  Object.entries(RULES).flatMap(([service, rpcs]) =>
    Object.entries(rpcs).map(([name, each]) => [`/${service}/${name}`, each as RpcRule] as const),
  ),
);

/** True for verbs of calls that change something, or give an order. */
const isChange = (verb: Verb): boolean => !verb.endsWith('.read');

/** A call, as far as it says what it is about. */
interface AnyCall {
  readonly method: { readonly path: string };
  readonly request: unknown;
  /** Then the request is none. */
  readonly requestStream: boolean;
}

/** What a caller needs to be allowed for a call; nothing for a stream of requests, which only agents send. */
export function verbsOf({ method, request, requestStream }: AnyCall): readonly Verb[] {
  const rule = RPC_RULES.get(method.path);
  return rule === undefined || requestStream ? [] : (rule.needed?.(request as never) ?? rule.verbs);
}

/** True for a call that could change something. */
export function changesSomething(call: AnyCall): boolean {
  const { validateOnly } = call.request as { readonly validateOnly?: boolean };
  return validateOnly !== true && verbsOf(call).some(isChange);
}
