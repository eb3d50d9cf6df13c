/** The nodes as the stream of changes tells them, in the order in which people count. */
import { naturally } from '../core/natural_order.ts';
import type { Node, WatchNodesResponse } from '../gen/countermand/v1/node.ts';
import { PowerState } from '../gen/countermand/v1/power.ts';
import { labelTexts } from './words.ts';

/** Which nodes are shown. */
interface RowFilter {
  /** A part of the name, zone, driver or a label; empty: any. */
  readonly text: string;
  readonly kind: NodeKind;
}

/** The kinds of nodes that can be asked for. */
export const NODE_KINDS = {
  all: 'Every node',
  problem: 'With a problem',
  held: 'Held by an order',
  window: 'May still change',
  maintenance: 'In maintenance',
  frozen: 'Frozen',
  on: 'Power on',
  off: 'Power off',
  other: 'Error or unknown',
} as const;

/** A kind of node. */
export type NodeKind = keyof typeof NODE_KINDS;

const IS_OF_KIND: Readonly<Record<NodeKind, (node: Node, nowMs: number) => boolean>> = {
  all: () => true,
  problem: (node) => node.problem !== undefined || node.lastError !== '',
  held: (node) => node.heldBy !== '',
  window: (node, nowMs) => (node.mayStillChangeUntil?.getTime() ?? 0) > nowMs,
  maintenance: (node) => node.maintenance,
  frozen: (node) => node.frozen !== '',
  on: (node) => node.powerState === PowerState.ON,
  off: (node) => node.powerState === PowerState.OFF,
  other: (node) => node.powerState !== PowerState.ON && node.powerState !== PowerState.OFF,
};

/** The nodes. */
export class NodeTable {
  readonly #nodes = new Map<string, { readonly node: Node; readonly stream: number }>();
  #stream = 0;
  /** How many of them the present stream has told. */
  #told = 0;
  /** The uuids in the order of the names. */
  #order: readonly string[] = [];
  /** A name came or went since. */
  #isStale = false;

  /** How many there are. */
  get size(): number {
    return this.#nodes.size;
  }

  /** How many of them the present stream has told: until it has told all, others may have been deleted. */
  get told(): number {
    return this.#told;
  }

  /** A new stream begins: it tells every node, and none that was deleted meanwhile. */
  begin(): void {
    this.#stream += 1;
    this.#told = 0;
  }

  /** Takes what a stream tells. */
  take({ node, deleted }: WatchNodesResponse): void {
    if (node === undefined) return;
    const known = this.#nodes.get(node.uuid);
    const wasTold = known?.stream === this.#stream;
    if (deleted || known?.node.name !== node.name) this.#isStale = true;
    if (deleted) {
      this.#nodes.delete(node.uuid);
      if (wasTold) this.#told -= 1;
    } else {
      this.#nodes.set(node.uuid, { node, stream: this.#stream });
      if (!wasTold) this.#told += 1;
    }
  }

  /** Forgets what earlier streams have told and the present one has not, once that has told `total` nodes. */
  sweep(total: number): void {
    if (this.#told < total || this.#told === this.#nodes.size) return;
    for (const [uuid, { stream }] of this.#nodes) if (stream !== this.#stream) this.#nodes.delete(uuid);
    this.#isStale = true;
  }

  /** The nodes that pass a filter, by name. */
  rows({ text, kind }: RowFilter, nowMs: number): readonly Node[] {
    if (this.#isStale) this.#sort();
    const nodes = this.#order.flatMap((uuid) => this.#nodes.get(uuid)?.node ?? []);
    const wanted = text.trim().toLowerCase();
    if (wanted === '' && kind === 'all') return nodes;
    return nodes.filter((node) => IS_OF_KIND[kind](node, nowMs) && hasText(node, wanted));
  }

  /** What was in order stays so, and what is new is sorted in: a fleet comes in portions, and sorting all of it each time would take seconds. */
  #sort(): void {
    const nameOf = (uuid: string): string => this.#nodes.get(uuid)?.node.name ?? '';
    const before = new Set(this.#order);
    const added = [...this.#nodes.keys()].filter((uuid) => !before.has(uuid));
    const kept = this.#order.filter((uuid) => this.#nodes.has(uuid));
    this.#order = [...kept, ...added].sort((one, other) => naturally(nameOf(one), nameOf(other)));
    this.#isStale = false;
  }
}

function hasText({ name, zone, driver, labels }: Node, wanted: string): boolean {
  if (wanted === '') return true;
  const texts = [name, zone, driver, ...labelTexts(labels)];
  return texts.some((text) => text.toLowerCase().includes(wanted));
}
