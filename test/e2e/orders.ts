/** What tests do with a house: enrol nodes, give orders, watch. */
import type { ExecutionContext } from 'ava';
import { toPlainJson } from '../../src/cli/shared/json.ts';
import type { TargetName } from '../../src/core/power.ts';
import { isAtRest, type PowerTaskState } from '../../src/core/states.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { Node as ProtoNode, type WatchNodesResponse } from '../../src/gen/countermand/v1/node.ts';
import { OnTimeout, PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import type { IpmiSim, IpmiSimOptions } from '../../src/sim/ipmi_sim.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import type { TestedBmc } from '../counterparts/sim_bmc.ts';
import { allTasks, type Client, type Event, plainEvents, plainTasks, type Task } from './client.ts';
import type { House } from './house.ts';
import { Watch } from './watching.ts';

/** A node in plain words. What has its default value is absent; an unknown power state, too. */
export interface Node {
  readonly uuid: string;
  readonly name: string;
  readonly powerState?: 'ON' | 'OFF' | 'ERROR';
  readonly targetPowerState?: TargetName;
  readonly lastError?: string;
  readonly heldBy?: string;
  readonly mayStillChangeUntil?: string;
  readonly driverInfo: DriverInfo;
}

/** A node from the wire. */
export function plainNode({ node }: { node?: ProtoNode | undefined }): Node {
  if (!node) throw new Error('an answer without a node');
  return toPlainJson(ProtoNode, node) as Node;
}

async function* plainNodes(stream: AsyncIterable<WatchNodesResponse>): AsyncGenerator<Node> {
  for await (const answer of stream) yield plainNode(answer);
}

/** Watches one node from its present state on. */
export function watchNode({ nodes }: Client, name: string): Watch<Node> {
  return new Watch(plainNodes(nodes.watchNodes({ nodes: [name] })));
}

/** The node as it is now. */
export async function nodeNow({ nodes }: Client, name: string): Promise<Node> {
  return plainNode(await nodes.getNode({ node: name }));
}

/** Enrols a node and resolves when it has been read for the first time. */
export async function enrol(client: Client, name: string, driver: string, driverInfo: DriverInfo): Promise<void> {
  await client.nodes.createNode({ name, driver, driverInfo: { ...driverInfo } });
  await watchNode(client, name).until(`the first reading of ${name}`, ({ powerState }) => powerState !== undefined);
}

/** A BMC that ipmitool speaks to, in processes that can be seen. */
export const BY_IPMITOOL: DriverInfo = { ipmi_transport: 'ipmitool' };

/** Starts a simulated BMC, and enrols it in the house with what `more` says of it. */
export async function enrolSim(
  t: ExecutionContext,
  { client }: House,
  name: string,
  options: Partial<IpmiSimOptions> = {},
  more: DriverInfo = {},
): Promise<IpmiSim> {
  const sim = await newIpmiSim(t, options);
  await enrol(client, name, 'ipmi', { ...infoOf(sim), ...more });
  return sim;
}

/** What an order may say beside node and target. */
export interface OrderOptions {
  readonly timeout?: number;
  readonly onTimeout?: 'FAIL' | 'FORCE';
  readonly requestId?: string;
  readonly reason?: string;
  readonly abortsTaskUuid?: string;
}

/** Gives an order and watches its power task. */
export function order({ power }: Client, node: string, target: TargetName, options: OrderOptions = {}): Watch<Task> {
  const onTimeout = OnTimeout[options.onTimeout ?? 'UNSPECIFIED'];
  return new Watch(plainTasks(power.setPowerState({ ...options, node, target: PowerTarget[target], onTimeout })));
}

/** Watches a power task, by its uuid or request_id, from its present state on. */
export function watchTask({ power }: Client, task: string): Watch<Task> {
  return new Watch(plainTasks(power.watchPowerTask({ task })));
}

/** Resolves with the task when it is in one of these states, or was. */
export function untilIn(watch: Watch<Task>, ...states: PowerTaskState[]): Promise<Task> {
  return watch.until(`${states.join(' or ')}`, ({ state }) => states.includes(state));
}

/** Resolves with the task when it is at rest. */
export function untilAtRest(watch: Watch<Task>): Promise<Task> {
  return watch.until('the power task to be at rest', ({ state }) => isAtRest(state));
}

/** Resolves when every power task is at rest. */
export async function untilPeace(client: Client): Promise<void> {
  const tasks = await allTasks(client);
  await Promise.all(tasks.map(({ uuid }) => untilAtRest(watchTask(client, uuid))));
}

/** The states that were seen, each once. */
export function statesOf({ seen }: Watch<Task>): PowerTaskState[] {
  return [...new Set(seen.map(({ state }) => state))];
}

/** Events from a number on, then live. */
export function subscribe({ notifications }: Client, fromSequence = 0): Watch<Event> {
  return new Watch(plainEvents(notifications.subscribe({ fromSequence: BigInt(fromSequence) })));
}

/** The orders among what a BMC has received, in order. */
export async function ordersAt(bmc: Pick<IpmiSim, 'received'> | TestedBmc): Promise<string[]> {
  const received: readonly string[] = 'bmc' in bmc ? bmc.bmc.received : await bmc.received();
  return received.filter((command) => command !== 'status');
}

/** The power states that a node went through while it was watched. */
export function powerStatesOf({ seen }: Watch<Node>): (Node['powerState'] | 'UNKNOWN')[] {
  const states = seen.map(({ powerState }) => powerState ?? 'UNKNOWN');
  return states.filter((state, index) => state !== states[index - 1]);
}

/** Reads a node now, behind everything that is under way at its BMC. */
export async function refresh({ nodes }: Client, name: string): Promise<Node> {
  const answers = new Watch(nodes.refreshNodes({ nodes: [name] }));
  const answer = await answers.until(`the reading of ${name}`, () => true);
  if (answer.reason) throw new Error(answer.reason);
  return plainNode(answer);
}
