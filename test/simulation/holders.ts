/** Sees that no two agents hold one BMC: neither at the same time, nor under the same fence, nor one that was replaced. */
import type { NodeRow } from '../../src/server/store/rows.ts';
import type { Command } from '../world/driver.ts';
import type { Sent } from '../world/world.ts';
import { insist } from './insist.ts';

/** Who acts on each BMC, as it was told to, and as it does. */
export class Holders {
  readonly #wrong: string[] = [];
  readonly #addresses = new Map<string, string>();
  /** The agents that a command of is under way, by address. */
  readonly #acting = new Map<string, string>();
  /** Who was last given something to do with a BMC, by address. */
  readonly #given = new Map<string, string>();
  /** Who was given a task, by task and fence; and the highest fence of each node. */
  readonly #fences = new Map<string, string>();
  readonly #highest = new Map<string, number>();

  hearNode({ uuid, name }: NodeRow): void {
    this.#addresses.set(uuid, name);
  }

  /** A conductor has sent a message to an agent. */
  sent({ agent, message }: Sent): void {
    if (message.$case === 'start' && message.value.bmc) this.#started(agent, message.value.taskUuid, message.value.bmc);
    if (message.$case !== 'start' && message.$case !== 'observe' && message.$case !== 'abort') return;
    const address = this.#addresses.get(message.value.bmc?.nodeUuid ?? '');
    if (address !== undefined) this.#given.set(address, agent);
  }

  /** A command begins. @returns what to call when it ends */
  begun({ agent, address, target }: Command): () => void {
    const acting = this.#acting.get(address);
    if (acting !== undefined && acting !== agent)
      this.#wrong.push(`${agent} sends ${target} to ${address} while ${acting} does`);
    const given = this.#given.get(address);
    if (given !== undefined && given !== agent)
      this.#wrong.push(`${agent} sends ${target} to ${address}, which was given to ${given}`);
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
    insist(this.#wrong.length === 0, this.#wrong[0] ?? '');
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
