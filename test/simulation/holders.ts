/**
 * Sees that no two agents hold one BMC: neither at the same time, nor under the same fence, nor one that was replaced; and that no
 * order is sent long after the leave for it.
 */
import type { NodeRow } from '../../src/server/store/rows.ts';
import type { Command } from '../world/driver.ts';
import type { Sent } from '../world/heard.ts';
import type { World } from '../world/world.ts';
import { insist } from './insist.ts';

/** For how long a Go is valid at most, by a clock that is a tenth slower. */
const GO_VALID_MS = 5500;

/** Who acts on each BMC, as it was told to, and as it does. */
export class Holders {
  readonly #world: World;
  readonly #wrong: string[] = [];
  readonly #addresses = new Map<string, string>();
  /** The agents that a command of is under way, by address. */
  readonly #acting = new Map<string, string>();
  /** The newest epoch under which something was said of a BMC, by its node. What an older one says is not believed. */
  readonly #epochs = new Map<string, number>();
  /** The epoch of the conductor that welcomed each agent last. */
  readonly #believed = new Map<string, number>();
  /** Who was last given something to do with a BMC, by address. */
  readonly #given = new Map<string, string>();
  /** Under which fence, by address. */
  readonly #newest = new Map<string, number>();
  /** Who was given a task, by task and fence; and the highest fence of each node. */
  readonly #fences = new Map<string, string>();
  readonly #highest = new Map<string, number>();
  /** The node of each task that was started, and when leave was given last to send to a node, by address. */
  readonly #nodes = new Map<string, string>();
  readonly #left = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  hearNode({ uuid, name }: NodeRow): void {
    this.#addresses.set(uuid, name);
  }

  /** A conductor has sent a message to an agent. */
  sent({ agent, epoch, leadsForMs, message }: Sent): void {
    // What travels slowly, or to an agent that sleeps, was said earlier.
    if (leadsForMs <= 0 && this.#world.latencyMs === 0 && this.#homeOf(agent) === null)
      this.#wrong.push(`${message.$case} is sent to ${agent} under epoch ${epoch}, which is over`);
    if (message.$case === 'go')
      this.#left.set(this.#nodes.get(message.value.taskUuid) ?? '', this.#world.clock.monotonic());
    if (message.$case !== 'start' && message.$case !== 'observe' && message.$case !== 'abort') return;
    const nodeUuid = message.value.bmc?.nodeUuid ?? '';
    if (epoch < (this.#epochs.get(nodeUuid) ?? 0)) return;
    this.#epochs.set(nodeUuid, epoch);
    this.#nodes.set(message.value.taskUuid, this.#addresses.get(nodeUuid) ?? '');
    if (message.$case === 'start' && message.value.bmc) this.#started(agent, message.value.taskUuid, message.value.bmc);
    const address = this.#addresses.get(nodeUuid);
    if (address === undefined) return;
    // It lay in front of an agent that slept, and was said before the BMC was given to another one.
    if ((message.value.bmc?.fence ?? 0) < (this.#newest.get(address) ?? 0)) return;
    this.#newest.set(address, message.value.bmc?.fence ?? 0);
    const before = this.#given.get(address) ?? agent;
    if (before !== agent && this.#mayActMs(before) > 0 && !this.#isToldToStop(before))
      this.#wrong.push(`${address} is given to ${agent}, and ${before} is inside a conductor that still leads`);
    this.#given.set(address, agent);
  }

  /** An agent believes a conductor: while it may have heard of a newer one, not an older one. */
  welcomed(agent: string, epoch: number): void {
    const newest = this.#believed.get(agent) ?? 0;
    if (epoch < newest) this.#wrong.push(`${agent} believes epoch ${epoch} after ${newest}`);
    this.#believed.set(agent, epoch);
  }

  /** A command begins. @returns what to call when it ends */
  begun({ agent, address, target }: Command): () => void {
    if (this.#world.several && this.#homeOf(agent) !== null && this.#mayActMs(agent) <= 0)
      this.#wrong.push(`${agent} sends ${target} to ${address}, and its conductor leads no more`);
    const acting = this.#acting.get(address);
    // The answer to what one that sleeps has sent waits with it.
    const sleeps = acting !== undefined && (this.#world.agents.get(acting)?.process.paused ?? false);
    if (acting !== undefined && acting !== agent && !sleeps)
      this.#wrong.push(`${agent} sends ${target} to ${address} while ${acting} does`);
    const given = this.#given.get(address);
    if (given !== undefined && given !== agent)
      this.#wrong.push(`${agent} sends ${target} to ${address}, which was given to ${given}`);
    const late = this.#world.clock.monotonic() - (this.#left.get(address) ?? 0);
    if (target !== 'recall' && late > GO_VALID_MS)
      this.#wrong.push(`${agent} sends ${target} to ${address} ${late} ms after the leave to send it`);
    this.#acting.set(address, agent);
    return () => {
      if (this.#acting.get(address) === agent) this.#acting.delete(address);
    };
  }

  /** Nothing that this agent does counts any more. */
  dead(agent: string): void {
    for (const [address, acting] of this.#acting) if (acting === agent) this.#acting.delete(address);
  }

  /** After every step. */
  check(): void {
    const wrong = [...this.#wrong, ...(this.#world.several?.wrong ?? [])];
    insist(wrong.length === 0, wrong[0] ?? '');
  }

  #homeOf(agent: string) {
    return this.#world.agents.get(agent)?.home ?? null;
  }

  /** For how long an agent may act that is inside a conductor among others; 0 for any other. */
  #mayActMs(agent: string): number {
    return this.#homeOf(agent)?.leadsForMs?.() ?? 0;
  }

  /** It says farewell when nothing of it acts any more, and its BMCs are free. What it begins after that is seen in `begun`. */
  #isToldToStop(agent: string): boolean {
    return this.#world.agents.get(agent)?.stop.signal.aborted ?? false;
  }

  #started(agent: string, taskUuid: string, { nodeUuid, fence }: { nodeUuid: string; fence: number }): void {
    const key = `${taskUuid} ${fence}`;
    const other = this.#fences.get(key);
    if (other !== undefined && other !== agent)
      this.#wrong.push(`task ${taskUuid} was given to ${other} and to ${agent} under fence ${fence}`);
    this.#fences.set(key, agent);
    const highest = this.#highest.get(nodeUuid) ?? 0;
    if (fence < highest)
      this.#wrong.push(`task ${taskUuid} was given to ${agent} under fence ${fence} after ${highest}`);
    this.#highest.set(nodeUuid, Math.max(highest, fence));
  }
}
