/** Whether a plan waits for a second person, and who that may be. What the file of roles says counts when it is asked. */
import type { Actor } from '../store/actor.ts';
import type { ScopedNode } from '../store/rows.ts';
import type { Access } from './access.ts';
import type { Tokens } from './tokens.ts';

/** The rules of one conductor. */
export class Approvals {
  readonly #access: Access;
  readonly #tokens: Pick<Tokens, 'named'>;

  constructor(access: Access, tokens: Pick<Tokens, 'named'>) {
    this.#access = access;
    this.#tokens = tokens;
  }

  /** False while no plan has to wait. */
  get isAny(): boolean {
    return this.#access.approvals.length > 0;
  }

  /** Why a plan about these nodes has to wait for a second person; null if it need not. Of an unknown starter, every role is assumed. */
  why(starter: Actor | null, nodes: readonly ScopedNode[]): string | null {
    const roles =
      starter && namesIn(starter).flatMap((name) => this.#access.rolesOf({ name, role: this.#roleOf(name) }));
    for (const rule of this.#access.approvals) {
      const why = rule.why(roles, nodes);
      if (why !== null) return why;
    }
    return null;
  }

  /**
   * Why one may not decide on what these have done; null if one may. A token counts as whoever made it, so that no one is two persons
   * by making one; and who acts for another counts as both.
   */
  objection(second: Actor | null, first: readonly Actor[]): string | null {
    if (second === null) return 'it is not known who asks';
    const all = this.#personsIn(second);
    for (const actor of first) {
      const same = [...this.#personsIn(actor)].find((name) => all.has(name));
      if (same !== undefined) return sentenceOf(second, actor, same);
    }
    return null;
  }

  /** Every name that an actor goes by. */
  #personsIn(actor: Actor): Set<string> {
    const found = new Set<string>();
    const waiting = namesIn(actor);
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (found.has(name)) continue;
      found.add(name);
      waiting.push(...this.#access.personOf(name));
      const maker = this.#tokenOf(name)?.createdBy;
      // Before callers had to say who they are, whoever was on the host made the first tokens: that is no person.
      if (maker !== undefined && !maker.startsWith('anonymous@')) waiting.push(maker);
    }
    return found;
  }

  #roleOf(name: string): string | null {
    return this.#tokenOf(name)?.role ?? null;
  }

  #tokenOf(name: string) {
    return name.startsWith('token:') ? this.#tokens.named(name.slice('token:'.length)) : null;
  }
}

const namesIn = ({ identity, onBehalfOf }: Actor): string[] =>
  onBehalfOf === null ? [identity] : [identity, onBehalfOf];

const wordsOf = ({ identity, onBehalfOf }: Actor): string =>
  onBehalfOf === null ? identity : `${identity} for ${onBehalfOf}`;

function sentenceOf(second: Actor, first: Actor, same: string): string {
  const [who, other] = [wordsOf(second), wordsOf(first)];
  if (who === other) return `${who} has made or started it, and another person has to decide`;
  const counts = who === same ? '' : `, and counts as ${same}`;
  return `${who} asks${counts}; ${other} has made or started it${other === same ? '' : `, and counts as ${same}`}; another person has to decide`;
}
