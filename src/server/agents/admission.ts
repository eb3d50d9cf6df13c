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
  /** The address of the agent. */
  readonly peer?: string;
}

/** A stream of which nothing is known. */
export const NOWHERE: AttachedFrom = { embedded: false, identity: null };

/** What becomes of a second agent with the identity of one that is attached: it is refused, or it replaces the first. */
export type SecondAgent = 'refuse' | 'replace';

/** An attached agent, as far as its place is concerned. */
interface AttachedAgent {
  readonly hello: Hello;
  readonly identity: Identity | null;
}

/** Whose the uuid of an agent is: an identity's, or that of an agent inside the conductor, which no other takes. */
type Holder = string;

/** No identity has this name: those of agents begin with `agent:`. */
const INSIDE: Holder = 'inside';

/** The name of the identity of an agent; null without authentication. */
export const nameOf = (identity: Identity | null): string | null =>
  identity === null || identity.agentZones === 'any' ? null : identity.name;

/** Whose the uuid of this agent is; null if anyone may have it: without authentication one caller cannot be told from another. */
export const holderOf = (agent: { readonly embedded: boolean; readonly identity: string | null }): Holder | null =>
  agent.embedded ? INSIDE : agent.identity;

/**
 * Lets agents in. The uuid of an agent belongs to the identity that it first attached with; that of an agent inside the conductor, to
 * that one alone. The latter needs no identity.
 */
export class Admission {
  readonly #secondAgent: SecondAgent;
  /** Whose the uuids of the agents are that attach, are attached, or were lost and may still act. */
  readonly #holders = new Map<string, Holder>();

  constructor(secondAgent: SecondAgent) {
    this.#secondAgent = secondAgent;
  }

  /** Notes whose a uuid is, if that is not known. */
  claim(agentUuid: string, holder: Holder | null): void {
    if (holder !== null && !this.#holders.has(agentUuid)) this.#holders.set(agentUuid, holder);
  }

  /**
   * Answers those of the attached agents whose place this one takes. Nothing is changed. Call it in the same turn in which the agent
   * becomes one of the attached, and before it has caused anything.
   * @throws PERMISSION_DENIED for a caller that is no agent, a zone that is not its own, or the uuid of another;
   *   UNAUTHENTICATED for an identity that has ended; AGENT_IDENTITY_TAKEN
   */
  check<T extends AttachedAgent>(hello: Hello, from: AttachedFrom, attached: Iterable<T>): T[] {
    const { identity } = from;
    if (from.embedded || identity === null || identity.agentZones === 'any') {
      this.#refuseForeign(hello.agentUuid, from);
      return [];
    }
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
    this.#refuseForeign(hello.agentUuid, from);
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

  /** The uuid of an agent is no secret: whoever names that of another would expel it. */
  #refuseForeign(agentUuid: string, { embedded, identity }: AttachedFrom): void {
    const holder = this.#holders.get(agentUuid);
    const own = holderOf({ embedded, identity: nameOf(identity) });
    if (holder === undefined || holder === own || (own === null && holder !== INSIDE)) return;
    const whose = holder === INSIDE ? 'the agent inside the conductor' : 'an agent with another identity';
    throw fail(
      'PERMISSION_DENIED',
      `${identity?.name ?? 'an agent'} cannot attach as agent ${agentUuid}, which is ${whose}; start it again, and it has a uuid of its own`,
    );
  }

  /** An agent certainly does nothing more: its uuid is free. */
  forget(agentUuid: string): void {
    this.#holders.delete(agentUuid);
  }
}
