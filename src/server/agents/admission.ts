/** Which agents may attach: who they are decides for which zones, and that no other takes their place. */
import { fail } from '../../core/errors.ts';
import type { Hello } from '../../gen/countermand/v1/agent.ts';
import type { Identity } from '../access/identity.ts';

/** Where a stream comes from. */
export interface AttachedFrom {
  /** From an agent in this process. */
  readonly embedded: boolean;
  /** Null: no authentication is configured. */
  readonly identity: Identity | null;
}

/** A stream of which nothing is known. */
export const NOWHERE: AttachedFrom = { embedded: false, identity: null };

/** What becomes of a second agent with the identity of one that is attached: it is refused, or it replaces the first. */
export type SecondAgent = 'refuse' | 'replace';

/** An attached agent, as far as its place is concerned. */
interface Holder {
  readonly hello: Hello;
  readonly identity: Identity | null;
}

/** Lets agents in. One that lives in the process of the conductor has no identity, and is always let in. */
export class Admission {
  readonly #secondAgent: SecondAgent;
  /** The identities of the agents that are attached, or were lost and may still act, by their uuids. */
  readonly #names = new Map<string, string>();

  constructor(secondAgent: SecondAgent) {
    this.#secondAgent = secondAgent;
  }

  /**
   * Lets an agent in, and answers those of the attached ones whose place it takes. Call it in the same turn in which the agent
   * becomes one of the attached.
   * @throws as `check`
   */
  admit<T extends Holder>(hello: Hello, identity: Identity | null, attached: Iterable<T>): T[] {
    const replaced = this.check(hello, identity, attached);
    if (identity !== null && identity.agentZones !== 'any') this.#names.set(hello.agentUuid, identity.name);
    return replaced;
  }

  /**
   * What `admit` would answer now. Nothing is changed.
   * @throws PERMISSION_DENIED for a caller that is no agent, a zone that is not its own, or the uuid of another;
   *   UNAUTHENTICATED for an identity that has ended; AGENT_IDENTITY_TAKEN
   */
  check<T extends Holder>(hello: Hello, identity: Identity | null, attached: Iterable<T>): T[] {
    if (identity === null || identity.agentZones === 'any') return [];
    const { name, agentZones } = identity;
    if (agentZones === null)
      throw fail('PERMISSION_DENIED', `${name} is no agent, and cannot attach; an agent has a token of its own`);
    const ended = identity.objection?.() ?? null;
    if (ended !== null) throw fail('UNAUTHENTICATED', ended);
    const foreign = hello.zones.find((zone) => !agentZones.includes(zone));
    if (foreign !== undefined)
      throw fail(
        'PERMISSION_DENIED',
        `${name} cannot attach for zone ${foreign}; its zones are ${agentZones.join(', ')}`,
      );
    const holder = this.#names.get(hello.agentUuid);
    if (holder !== undefined && holder !== name)
      throw fail('PERMISSION_DENIED', `${name} cannot attach as agent ${hello.agentUuid}, which has another identity`);
    const others = [...attached].filter(
      (other) => other.identity?.name === name && other.hello.agentUuid !== hello.agentUuid,
    );
    if (others.length > 0 && this.#secondAgent === 'refuse')
      throw fail(
        'AGENT_IDENTITY_TAKEN',
        `an agent with the identity ${name} is attached already; each has one of its own`,
      );
    return others;
  }

  /** An agent certainly does nothing more: its uuid is free. */
  forget(agentUuid: string): void {
    this.#names.delete(agentUuid);
  }
}
