/** What one caller may do. A check is a look into a map, and for a part of the nodes a test of what the node's row says. */
import type { ScopedNode } from '../store/rows.ts';
import { isOfNodes, VERB_NAMES, type Verb } from './verbs.ts';

/** Which nodes a right is about; null is all of them. */
export type GrantFilter = ((node: ScopedNode) => boolean) | null;

/** Verbs over nodes, and where that is written. */
export interface Grant {
  readonly verbs: readonly Verb[];
  readonly filter: GrantFilter;
  /** The place that says so: `bindings[2]`. */
  readonly place: string;
  /** The role that they come from; absent if they come from none. */
  readonly role?: string;
}

/** The rights of one identity. */
export class Rights {
  /** Two rights with the same text allow the same. */
  readonly text: string;
  readonly #grants = new Map<Verb, readonly Pick<Grant, 'filter' | 'place'>[]>();

  /** @param text tells these grants from all others */
  constructor(grants: readonly Grant[], text: string) {
    this.text = text;
    for (const { verbs, filter, place } of grants)
      for (const verb of verbs) {
        // What is not about nodes cannot be had for some of them: a role for one rack makes no tokens.
        if (filter !== null && !isOfNodes(verb)) continue;
        this.#grants.set(verb, [...(this.#grants.get(verb) ?? []), { filter, place }]);
      }
    for (const [verb, given] of this.#grants) {
      const everywhere = given.filter(({ filter }) => filter === null);
      if (everywhere.length > 0) this.#grants.set(verb, everywhere);
    }
  }

  /** True if it is allowed for at least a part of the nodes. */
  may(verb: Verb): boolean {
    return this.#grants.has(verb);
  }

  /** True if it is allowed for every node that there is or will be. */
  everywhere(verb: Verb): boolean {
    return this.#grants.get(verb)?.[0]?.filter === null;
  }

  /** True if it is allowed for this node. */
  on(verb: Verb, node: ScopedNode): boolean {
    return this.#grants.get(verb)?.some(({ filter }) => filter === null || filter(node)) ?? false;
  }

  /** The places that allow it, for a node, or for at least a part of the nodes with null. */
  placesOf(verb: Verb, node: ScopedNode | null): readonly string[] {
    const given = this.#grants.get(verb) ?? [];
    const found = node === null ? given : given.filter(({ filter }) => filter === null || filter(node));
    return [...new Set(found.map(({ place }) => place))];
  }
}

const of = (verbs: readonly Verb[], text: string): Rights => new Rights([{ verbs, filter: null, place: text }], text);

/** Of whoever calls a conductor that does not ask who calls. */
export const EVERYTHING = of(VERB_NAMES, 'everything');

/** Of an agent with a token of its own. */
export const AGENT = of(['agent.attach'], 'agent');
