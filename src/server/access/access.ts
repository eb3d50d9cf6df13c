/** Who may do what, as the file says now. Rights are worked out once for each identity, and again when the file changes. */
import { failAt } from '../../core/errors.ts';
import { type AccessRules, BUILT_IN_RULES } from './access_file.ts';
import type { Identity } from './identity.ts';
import { AGENT, EVERYTHING, Rights } from './rights.ts';
import { BUILT_IN_ROLES, type Verb } from './verbs.ts';

/** The rights of at most this many identities are cached: a JSON Web Token may name any. */
const REMEMBERED = 10_000;

/** Without a file every caller that is known may do everything. */
const ADMIN: readonly Verb[] = BUILT_IN_ROLES.admin;

/** The rights of the callers of one conductor. */
export class Access {
  #rules: AccessRules | null;
  readonly #known = new Map<string, Rights>();
  readonly #listeners = new Set<() => void>();

  /** @param rules null: there is no file, and whoever is identified may do everything */
  constructor(rules: AccessRules | null) {
    this.#rules = rules;
  }

  /** True if there is a file: then whoever is not bound may do nothing. */
  get hasFile(): boolean {
    return this.#rules !== null;
  }

  /** What a caller may do now. */
  rightsOf({ name, agentZones, role = null }: Pick<Identity, 'name' | 'agentZones' | 'role'>): Rights {
    if (agentZones === 'any') return EVERYTHING;
    if (agentZones !== null) return AGENT;
    // No name of a role has a line break.
    const key = `${role ?? ''}\n${name}`;
    const known = this.#known.get(key);
    if (known) return known;
    const rights = this.#workOut(name, role);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(key, rights);
    return rights;
  }

  /** The roles that an identity has, for all nodes or for some. */
  rolesOf({ name, role = null }: Pick<Identity, 'name' | 'role'>): readonly string[] {
    const bound = this.#ruling.grantsOf(name).grants.flatMap((grant) => grant.role ?? []);
    return [...new Set(role === null ? bound : [...bound, role])];
  }

  /** Which plans wait for a second person. */
  get approvals(): AccessRules['approvals'] {
    return this.#ruling.approvals;
  }

  /** The identities that are the same person as this one, itself among them. */
  personOf(name: string): readonly string[] {
    return this.#ruling.people.get(name) ?? [name];
  }

  /** @throws ARGUMENT_INVALID for a role that there is not */
  checkRole(role: string): void {
    const { roles } = this.#ruling;
    if (!roles.includes(role))
      throw failAt(
        'ARGUMENT_INVALID',
        'role',
        `role: there is no role '${role.slice(0, 100)}'; there are ${roles.join(', ')}`,
      );
  }

  /** Puts other rules in the place of those that were read before. */
  replace(rules: AccessRules): void {
    this.#rules = rules;
    this.#known.clear();
    for (const listener of this.#listeners) listener();
  }

  /** Calls this after each change, until the returned call. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get #ruling(): AccessRules {
    return this.#rules ?? BUILT_IN_RULES;
  }

  #workOut(name: string, role: string | null): Rights {
    const { grants, text } = this.#ruling.grantsOf(name);
    // A role that was taken out of the file is worth nothing.
    const ofToken = role === null ? null : (this.#ruling.roleNamed(role) ?? []);
    const own = ofToken ?? (this.#rules === null ? ADMIN : []);
    const whole = {
      verbs: own,
      filter: null,
      place: role === null ? 'there is no file of roles' : `role ${role} of the token`,
    };
    return new Rights([...grants, whole], `${text} ${own.join(' ')}`);
  }
}
