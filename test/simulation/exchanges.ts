/** Servers that are exchanged behind their addresses: another GUID answers, is accepted by an operator, or goes away again. */
import { guidFrom } from '../../src/core/guid.ts';
import { acceptNode } from '../../src/server/power/acceptance.ts';
import type { NodeRow } from '../../src/server/store/rows.ts';
import type { Received } from '../world/heard.ts';
import { insist } from './insist.ts';
import { type Move, NODES, type Simulation } from './simulation.ts';

/** The GUIDs of the servers that one address may have. */
const GUIDS = ['1', '2', '3'];

const guidOf = (node: string, which: string): string => `${which}${node.slice(1)}`.padEnd(32, '0');

/** Some seeds have servers with GUIDs; in the others nothing proves which one answers. */
export const hasGuids = (seed: number): boolean => seed % 7 === 3;

/** Exchanges servers, and sees that nothing reaches one that is not the node's. */
export class Exchanges {
  readonly #simulation: Simulation;
  /** The GUID of each node, as was committed last. */
  readonly #known = new Map<string, string>();
  readonly #wrong: string[] = [];
  /** How often an operator has accepted another server. */
  accepted = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  moves(): Move[] {
    return [
      [4, () => this.#exchange()],
      [3, () => this.#accept()],
    ];
  }

  hearNode({ name, bmcGuid }: NodeRow): void {
    if (bmcGuid !== null) this.#known.set(name, bmcGuid);
  }

  see({ address, target, at }: Received): void {
    const known = this.#known.get(address);
    const answering = this.#answering(address);
    if (known !== undefined && answering !== known)
      this.#wrong.push(`${target} at ${at} ms reached ${answering}, and ${address} is ${known}`);
  }

  /** After every step. */
  check(): void {
    insist(this.#wrong.length === 0, this.#wrong[0] ?? '');
  }

  /** Each address has the server of its node again. */
  end(): void {
    for (const [node, guid] of this.#known) this.#put(node, guid);
  }

  #exchange(): void {
    const node = this.#simulation.chance.pick(NODES);
    this.#put(node, guidOf(node, this.#simulation.chance.pick(GUIDS)));
  }

  async #accept(): Promise<void> {
    const { world, chance } = this.#simulation;
    const accepting = acceptNode(
      { node: chance.pick(NODES), guid: '' },
      world.conductor.readings,
      world.conductor.shutdown,
    );
    await world.finish(accepting).then(
      () => {
        this.accepted += 1;
      },
      () => {},
    );
  }

  #answering(address: string): string | undefined {
    return guidFrom(this.#simulation.world.hardware.get(address)?.settings.fake_guid ?? '');
  }

  #put(node: string, guid: string): void {
    const server = this.#simulation.world.hardware.get(node);
    if (server) server.settings = { ...server.settings, fake_guid: guid };
  }
}

/** What a node is enrolled with if its server has a GUID. */
export const firstGuid = (node: string): Record<string, string> => ({ fake_guid: guidOf(node, '1') });
