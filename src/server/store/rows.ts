/** The rows of the database. Times are milliseconds since 1970. */
import type { ErrorCode } from '../../core/errors.ts';
import type { NodeTraits, OnOff, Phase, PowerState, Recall, Target } from '../../core/power.ts';
import type { AbortOutcome, PowerTaskState } from '../../core/states.ts';
import { codecOf } from './columns.ts';

/** Why a node cannot be read. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  /** Since when the node cannot be read; a change of the reason does not change it. */
  readonly since: number;
}

/** A pattern for `like` that finds the problems with this code. They are stored as JSON, which escapes quotes in texts. */
export const problemIs = (code: ErrorCode): string => `%"code":"${code}"%`;

/** One node. */
export interface NodeRow {
  readonly uuid: string;
  readonly name: string;
  readonly driver: string;
  readonly driverInfo: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly maintenance: boolean;
  readonly maintenanceReason: string;
  readonly powerState: PowerState | null;
  /** What the last good reading found: `error` and unknown leave it as it is. Written by `model_changes.ts` alone. */
  readonly goodPowerState: OnOff | null;
  /** What it shows to be on its way to, while a power task holds it. */
  readonly targetPowerState: Target | null;
  readonly powerStateReadAt: number | null;
  readonly lastError: string;
  /** Null while the node can be read, as far as is known. */
  readonly problem: Problem | null;
  /** Which BMC it is; unique. */
  readonly bmcKey: string;
  /** The GUID that its server is known by, or null. */
  readonly bmcGuid: string | null;
  /** Other BMCs bear that GUID too, so it proves nothing. Written by `sharing.ts`. */
  readonly guidShared: boolean;
  /** Another GUID answers at its address, and no operator has accepted it; else null. */
  readonly otherGuid: string | null;
  /** Where its BMC was when it was last read: resolved address and port; empty if it was not read. */
  readonly bmcPlace: string;
  /** Another node, by uuid, that is reached through the same BMC. Written by `sharing.ts`. */
  readonly sameBmcAs: string | null;
  /** The agent that its BMC belongs to. */
  readonly agentUuid: string | null;
  /** Grows with each power task and each handing over to an agent. */
  readonly fence: number;
  /** The unsettled power task that holds it. */
  readonly heldBy: string | null;
  /** The end of its *may still change* window. */
  readonly mayChangeUntil: number | null;
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What decides whether a node is in a scope, and what an identity may do with it. */
export type ScopedNode = Pick<NodeRow, 'uuid' | 'name' | 'zone' | 'labels'>;

/** One power task. */
export interface PowerTaskRow {
  readonly uuid: string;
  readonly nodeUuid: string;
  readonly nodeName: string;
  /** Which server it was ordered for; null in tasks of earlier versions. */
  readonly bmcKey: string | null;
  /** That server's GUID, if one was known that proves something. */
  readonly bmcGuid: string | null;
  readonly target: Target;
  readonly state: PowerTaskState;
  /** The state before the last write: the true old state of notifications. */
  readonly previousState: PowerTaskState | null;
  readonly phase: Phase;
  /** The client's id of the order; null if an action of a plan gave it. */
  readonly requestId: string | null;
  /** The action whose order this is; unique. Set by the plan engine alone. */
  readonly actionUuid: string | null;
  /** Of an ABORT target: the action whose order it takes back because its plan says so; unique. Set by the plan engine alone. */
  readonly abortsActionUuid: string | null;
  /** The plan of either. */
  readonly planUuid: string | null;
  /** The name of the caller who gave the order; null if an action of a plan did, and in tasks of earlier versions. */
  readonly orderedBy: string | null;
  /** The name of the identity for which the caller did so; null if for itself. */
  readonly orderedFor: string | null;
  /** What the order said, to tell a repetition from another order. */
  readonly requestBody: string;
  readonly reason: string;
  readonly recall: Recall;
  readonly timeoutMs: number;
  readonly onTimeout: 'FAIL' | 'FORCE';
  /** What the hardware could do when it was asked before the order; null if it was not asked. */
  readonly traits: NodeTraits | null;
  /** The commands that the BMC has accepted, in the words of its protocol, in order. */
  readonly sent: readonly string[];
  /** The node's fence when the task was last handed to an agent. */
  readonly fence: number;
  readonly beforePowerState: OnOff | null;
  readonly observedPowerState: OnOff | null;
  /** When `observedPowerState` was read. */
  readonly observedReadAt: number | null;
  readonly seenDown: boolean;
  readonly message: string;
  readonly errorCode: ErrorCode | null;
  readonly errorMessage: string;
  /** Why the node cannot be read while the task is unsettled. */
  readonly problem: Problem | null;
  /** Of an aborted task: the abort's task, if it was not a withdrawal. */
  readonly abortTaskUuid: string | null;
  /** Of an ABORT target: the task that it aborts. */
  readonly abortsTaskUuid: string | null;
  readonly abortOutcome: AbortOutcome | null;
  readonly abortReason: string;
  readonly abortObserved: OnOff | null;
  readonly abortRequestedAt: number | null;
  readonly abortDeadlineAt: number | null;
  readonly startDeadlineAt: number | null;
  /** When Go was first committed; null means that nothing was ever sent. */
  readonly sendingAt: number | null;
  readonly deadlineAt: number | null;
  readonly endedAt: number | null;
  readonly mayChangeUntil: number | null;
  /** Where its span hangs: the trace context of whoever ordered it; null if it is in no trace. See `core/tracing.ts`. */
  readonly trace: string | null;
  /** The span of its abort; of an abort, the span of what it aborts. */
  readonly linkedTrace: string | null;
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One notification. */
export interface EventRow {
  readonly sequence: number;
  readonly eventType: string;
  readonly priority: 'INFO' | 'WARNING' | 'ERROR';
  readonly publisherId: string;
  readonly messageId: string;
  readonly timestamp: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** One agent that has attached and not said farewell. */
export interface AgentRow {
  readonly uuid: string;
  readonly name: string;
  /** It lives in the conductor's process, and dies with it. */
  readonly embedded: boolean;
  /** The name of the identity that it attached with; null without authentication, and if it is embedded. */
  readonly identity: string | null;
  readonly attachedAt: number;
  /** Without contact for how long it may act, as it was told when it attached; null if that is not known. */
  readonly leaseMs: number | null;
}

/** What an agent says of a driver in a zone. */
export interface DriverRow {
  /** Empty for what is left of agents that have gone. */
  readonly agentUuid: string;
  readonly zone: string;
  readonly name: string;
  /** JSON Schema of driver_info. */
  readonly infoSchema: Readonly<Record<string, unknown>>;
  /** The keys of driver_info that are secret: those that the schema marks, and what is left of those that others have marked. */
  readonly secretKeys: readonly string[];
  readonly targets: readonly Target[];
  readonly recalls: readonly Target[];
  readonly softRebootInOneCommand: boolean;
  /** When this agent said it first. */
  readonly since: number;
}

/** What is known of one driver. */
export interface KnownDriver {
  readonly name: string;
  /** What each agent says of it in each zone. */
  readonly rows: readonly DriverRow[];
  /** The same by zone; the agent that has said it for the longest time first, what is left of others last. */
  readonly byZone: ReadonlyMap<DriverRow['zone'], readonly DriverRow[]>;
  /** The keys of driver_info that any agent has marked as secret. */
  readonly secretKeys: ReadonlySet<string>;
}

/** The node table, both ways. */
export const nodeCodec = codecOf<NodeRow>({
  uuid: 'plain',
  name: 'plain',
  driver: 'plain',
  driverInfo: 'json',
  zone: 'plain',
  labels: 'json',
  maintenance: 'flag',
  maintenanceReason: 'plain',
  powerState: 'plain',
  goodPowerState: 'plain',
  targetPowerState: 'plain',
  powerStateReadAt: 'plain',
  lastError: 'plain',
  problem: 'json',
  bmcKey: 'plain',
  bmcGuid: 'plain',
  guidShared: 'flag',
  otherGuid: 'plain',
  bmcPlace: 'plain',
  sameBmcAs: 'plain',
  agentUuid: 'plain',
  fence: 'plain',
  heldBy: 'plain',
  mayChangeUntil: 'plain',
  revision: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
});

/** The power task table, both ways. */
export const powerTaskCodec = codecOf<PowerTaskRow>({
  uuid: 'plain',
  nodeUuid: 'plain',
  nodeName: 'plain',
  bmcKey: 'plain',
  bmcGuid: 'plain',
  target: 'plain',
  state: 'plain',
  previousState: 'plain',
  phase: 'plain',
  requestId: 'plain',
  actionUuid: 'plain',
  abortsActionUuid: 'plain',
  planUuid: 'plain',
  orderedBy: 'plain',
  orderedFor: 'plain',
  requestBody: 'plain',
  reason: 'plain',
  recall: 'plain',
  traits: 'json',
  sent: 'json',
  timeoutMs: 'plain',
  onTimeout: 'plain',
  fence: 'plain',
  beforePowerState: 'plain',
  observedPowerState: 'plain',
  observedReadAt: 'plain',
  seenDown: 'flag',
  message: 'plain',
  errorCode: 'plain',
  errorMessage: 'plain',
  problem: 'json',
  abortTaskUuid: 'plain',
  abortsTaskUuid: 'plain',
  abortOutcome: 'plain',
  abortReason: 'plain',
  abortObserved: 'plain',
  abortRequestedAt: 'plain',
  abortDeadlineAt: 'plain',
  startDeadlineAt: 'plain',
  sendingAt: 'plain',
  deadlineAt: 'plain',
  endedAt: 'plain',
  mayChangeUntil: 'plain',
  trace: 'plain',
  linkedTrace: 'plain',
  revision: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
});

/** The event table, both ways. */
export const eventCodec = codecOf<EventRow>({
  sequence: 'plain',
  eventType: 'plain',
  priority: 'plain',
  publisherId: 'plain',
  messageId: 'plain',
  timestamp: 'plain',
  payload: 'json',
});

/** The agent table, both ways. */
export const agentCodec = codecOf<AgentRow>({
  uuid: 'plain',
  name: 'plain',
  embedded: 'flag',
  identity: 'plain',
  attachedAt: 'plain',
  leaseMs: 'plain',
});

/** The driver table, both ways. */
export const driverCodec = codecOf<DriverRow>({
  agentUuid: 'plain',
  zone: 'plain',
  name: 'plain',
  infoSchema: 'json',
  secretKeys: 'json',
  targets: 'json',
  recalls: 'json',
  softRebootInOneCommand: 'flag',
  since: 'plain',
});
