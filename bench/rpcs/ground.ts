/** The fleet that RPCs are measured in: nodes, orders and plans under way, and streams that watch them. */
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import type { Client } from '../../src/cli/shared/connection.ts';
import { ActionPlanServiceDefinition } from '../../src/gen/countermand/v1/action_plan.ts';
import { NodeServiceDefinition } from '../../src/gen/countermand/v1/node.ts';
import { NotificationServiceDefinition } from '../../src/gen/countermand/v1/notification.ts';
import { PowerServiceDefinition, PowerTarget, PowerTaskState } from '../../src/gen/countermand/v1/power.ts';
import type { Fleet } from '../fleet.ts';

/** Where RPCs are called. */
export interface Ground {
  readonly conductor: Client;
  readonly address: string;
  /** The nodes that are watched. Nothing is under way for them. */
  readonly nodes: readonly string[];
  /** The orders that are watched: none of them ever ends. */
  readonly tasks: readonly string[];
  /** The plans that are watched: none of them was started. */
  readonly plans: readonly string[];
}

/** Of a hundred streams, how many there are of each kind. */
export const SHARES = { WatchNodes: 50, WatchPowerTask: 25, Subscribe: 15, WatchActionPlan: 10 };

/** What the subscribers wait for: nothing that is measured raises it, as what is told to each of them costs what it costs. */
const SUBSCRIBED = ['action_plan.execution.error', 'audit.*.error'];
/** One order and one plan for this number of nodes. */
const NODES_PER_ORDER = 100;
const PER_CONNECTION = 1_000;
const AT_ONCE = 100;

/** Enrols `size` nodes, and gives the orders and makes the plans that are watched. */
export async function prepareGround(size: number, { conductor, address }: Fleet): Promise<Ground> {
  const nodes = namesOf('n', size);
  const orders = namesOf('t', size / NODES_PER_ORDER);
  await inPortions(nodes, (name) => enrol(name, {}, conductor));
  await inPortions(orders, (name) => enrol(name, { fake_soft_ms: 'never' }, conductor));
  const tasks: string[] = [];
  const plans: string[] = [];
  await inPortions(orders, async (node) => {
    const request = { node, target: PowerTarget.SOFT_POWER_OFF, timeout: 3600 };
    for await (const { task } of conductor.power.setPowerState(request)) {
      if (task?.state !== PowerTaskState.CONFIRMING) continue;
      tasks.push(task.uuid);
      break;
    }
    const { actionPlan } = await conductor.plans.createActionPlan({ name: `watched-${node}`, actions: [NOP] });
    plans.push(actionPlan?.uuid ?? '');
  });
  return { conductor, address, nodes, tasks, plans };
}

/** An action that does nothing. */
export const NOP = { name: 'a', actionType: 'nop', inputParameters: {}, parents: [] };

/** Enrols a node with the driver `fake`. */
export async function enrol(
  name: string,
  settings: Readonly<Record<string, string>>,
  { nodes }: Client,
): Promise<void> {
  await nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name, ...settings } });
}

/** Opens as many streams as there are nodes, and resolves when each has begun. They last until `signal` is aborted. */
export async function openStreams({ address, nodes, tasks, plans }: Ground, signal: AbortSignal): Promise<void> {
  const channels = Array.from({ length: Math.ceil(nodes.length / PER_CONNECTION) }, () =>
    createChannel(address, ChannelCredentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
  const kinds = Object.entries(SHARES).flatMap(([kind, share]) => Array.from({ length: share }, () => kind));
  await inPortions(nodes, async (name, at) => {
    const channel = channels[at % channels.length] as (typeof channels)[number];
    const kind = kinds[Math.floor(at / channels.length) % kinds.length];
    const task = tasks[at % tasks.length] as string;
    const actionPlan = plans[at % plans.length] as string;
    if (kind === 'WatchNodes')
      await begun(createClient(NodeServiceDefinition, channel).watchNodes({ nodes: [name] }, { signal }));
    if (kind === 'WatchPowerTask')
      await begun(createClient(PowerServiceDefinition, channel).watchPowerTask({ task }, { signal }));
    if (kind === 'WatchActionPlan')
      await begun(createClient(ActionPlanServiceDefinition, channel).watchActionPlan({ actionPlan }, { signal }));
    if (kind === 'Subscribe') {
      const heard = Promise.withResolvers<void>();
      const client = createClient(NotificationServiceDefinition, channel);
      drain(client.subscribe({ eventTypes: SUBSCRIBED }, { signal, onHeader: () => heard.resolve() }));
      await heard.promise;
    }
  });
  signal.addEventListener('abort', () => channels.forEach((channel) => void channel.close()), { once: true });
}

async function begun(stream: AsyncIterable<unknown>): Promise<void> {
  const messages = stream[Symbol.asyncIterator]();
  await messages.next();
  drain({ [Symbol.asyncIterator]: () => messages });
}

function drain(stream: AsyncIterable<unknown>): void {
  const read = async (): Promise<void> => {
    for await (const _ of stream);
  };
  read().catch(() => {});
}

/** Names of a kind. */
export const namesOf = (kind: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${kind}${at}`);

async function inPortions(
  names: readonly string[],
  work: (name: string, at: number) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < names.length; from += AT_ONCE)
    await Promise.all(names.slice(from, from + AT_ONCE).map((name, at) => work(name, from + at)));
}
