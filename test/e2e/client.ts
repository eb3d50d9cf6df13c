/** A client of the conductor, of our own: it shows the status and the code of every refusal as they came. */
import {
  ChannelCredentials,
  ClientError,
  type ClientMiddleware,
  createChannel,
  createClientFactory,
  Status,
} from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { toPlainJson } from '../../src/cli/shared/json.ts';
import type { Phase, Recall, TargetName } from '../../src/core/power.ts';
import type { AbortOutcome, PowerTaskState } from '../../src/core/states.ts';
import { ActionPlanServiceDefinition } from '../../src/gen/countermand/v1/action_plan.ts';
import { AgentServiceDefinition } from '../../src/gen/countermand/v1/agent.ts';
import { AuditServiceDefinition } from '../../src/gen/countermand/v1/audit.ts';
import { ConductorServiceDefinition } from '../../src/gen/countermand/v1/conductor.ts';
import { NodeServiceDefinition } from '../../src/gen/countermand/v1/node.ts';
import * as notification from '../../src/gen/countermand/v1/notification.ts';
import * as power from '../../src/gen/countermand/v1/power.ts';
import { ErrorInfo } from '../../src/gen/google/rpc/error_details.ts';
import { Status as Rpc } from '../../src/gen/google/rpc/status.ts';

/** A refusal as it came over the wire. */
export class Refusal extends Error {
  /** The gRPC status. */
  readonly status: string;
  /** Our code, from the trailing metadata. */
  readonly code: string;
  /** google.rpc.ErrorInfo, from the status details; null if there was none. */
  readonly info: ErrorInfo | null;

  constructor(status: string, code: string, message: string, info: ErrorInfo | null) {
    super(message);
    this.status = status;
    this.code = code;
    this.info = info;
  }
}

/** Makes refusals of errors. */
export const refusals: ClientMiddleware = async function* translate(call, options) {
  let code = '';
  let info: ErrorInfo | null = null;
  try {
    return yield* call.next(call.request, {
      ...options,
      onTrailer: (trailer) => {
        code = trailer.get('countermand-error-code') ?? '';
        const status = Rpc.decode(trailer.get('grpc-status-details-bin') ?? new Uint8Array());
        const packed = status.details.find(({ typeUrl }) => typeUrl === 'type.googleapis.com/google.rpc.ErrorInfo');
        info = packed ? ErrorInfo.decode(packed.value) : null;
      },
    });
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new Refusal(Status[error.code], code, error.details, info);
  }
};

/** Connects to the conductor at `address`, by a connection of its own. */
export function connect(address: string) {
  const options = {
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
  };
  const channel = createChannel(address, ChannelCredentials.createInsecure(), options);
  const factory = createClientFactory().use(refusals);
  return {
    nodes: factory.create(NodeServiceDefinition, channel),
    power: factory.create(power.PowerServiceDefinition, channel),
    plans: factory.create(ActionPlanServiceDefinition, channel),
    audits: factory.create(AuditServiceDefinition, channel),
    notifications: factory.create(notification.NotificationServiceDefinition, channel),
    itself: factory.create(ConductorServiceDefinition, channel),
    agents: factory.create(AgentServiceDefinition, channel),
    health: factory.create(HealthDefinition, channel),
    close: () => channel.close(),
  };
}
export type Client = ReturnType<typeof connect>;

/** A power task in plain words. What has its default value is absent. */
export interface Task {
  readonly uuid: string;
  readonly nodeUuid: string;
  readonly nodeName: string;
  readonly target: TargetName;
  readonly state: PowerTaskState;
  readonly phase: Phase;
  readonly requestId: string;
  readonly beforePowerState?: 'ON' | 'OFF';
  readonly observedPowerState?: 'ON' | 'OFF';
  readonly message?: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly recall: Recall;
  readonly abort?: { readonly taskUuid?: string; readonly outcome?: AbortOutcome; readonly reason?: string };
  readonly abortsTaskUuid?: string;
  readonly possible?: readonly string[];
  readonly timeout: number;
  readonly mayStillChangeUntil?: string;
}

/** A power task from the wire. */
export function plainTask({ task }: { task?: power.PowerTask | undefined }): Task {
  if (!task) throw new Error('an answer without a power task');
  return toPlainJson(power.PowerTask, task) as Task;
}

/** The tasks of a stream. */
export async function* plainTasks(stream: AsyncIterable<{ task?: power.PowerTask | undefined }>): AsyncGenerator<Task> {
  for await (const answer of stream) yield plainTask(answer);
}

/** What our notifications say: about power orders beside the node's own keys, about plans and actions what tests look at. */
export interface EventData {
  readonly uuid: string;
  readonly name: string;
  readonly power_state: string | null;
  readonly target_power_state: string | null;
  readonly from_power?: string | null;
  readonly late_change_of?: string | null;
  readonly power_task?: { readonly uuid: string; readonly target: string; readonly state: string };
  readonly abort?: { readonly outcome: AbortOutcome | null } | null;
  readonly state?: string;
  readonly state_update?: { readonly 'watcher_object.data': { readonly old_state: string; readonly state: string } };
}

/** An event in plain words. */
export interface Event {
  readonly sequence: number;
  readonly type: string;
  readonly messageId: string;
  readonly data: EventData;
}

/** Events as a subscription sends them. */
export async function* plainEvents(stream: AsyncIterable<notification.SubscribeResponse>): AsyncGenerator<Event> {
  for await (const { event } of stream) {
    if (!event) throw new Error('an answer without an event');
    const { sequence, eventType: type, messageId, payload } = event;
    const data = ['ironic', 'watcher', 'countermand']
      .map((family) => payload?.[`${family}_object.data`])
      .find((found) => found !== undefined);
    yield { sequence: Number(sequence), type, messageId, data };
  }
}

/** All events that are stored now. */
export async function allEvents({ notifications }: Client): Promise<Event[]> {
  const events: Event[] = [];
  const stream = notifications.subscribe({ fromSequence: 0n, stopAtPresent: true });
  for await (const event of plainEvents(stream)) events.push(event);
  return events;
}

/** All power tasks, the newest first. */
export async function allTasks({ power }: Client): Promise<Task[]> {
  const all: Task[] = [];
  for (let pageToken = ''; ; ) {
    const { tasks, nextPageToken } = await power.listPowerTasks({ pageSize: 1000, pageToken });
    all.push(...tasks.map((task) => plainTask({ task })));
    if (nextPageToken === '') return all;
    pageToken = nextPageToken;
  }
}

/** Every node without what a reading alone moves: one that a task watches is read again and again. */
export async function allNodes({ nodes }: Client): Promise<object[]> {
  const listed = await nodes.listNodes({});
  return listed.nodes.map(({ powerStateReadAt: _readAt, updatedAt: _updatedAt, revision: _revision, ...node }) => node);
}
