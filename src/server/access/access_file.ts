/** The file of roles and bindings: who has which role, over which nodes. It is checked whole; what is wrong is told with its place. */
import * as z from 'zod';
import { digestOf } from '../../core/digest.ts';
import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import { PLAIN_WORDS, pathText, quotedKeys } from '../../core/fault_places.ts';
import { matchesAny } from '../../core/globs.ts';
import { expandRange } from '../../core/ranges.ts';
import type { ScopedNode } from '../store/rows.ts';
import { type ApprovalRule, approvalRule, toApprovalRule } from './approval_rule.ts';
import type { Grant, GrantFilter } from './rights.ts';
import { BUILT_IN_ROLES, GRANTABLE, VERB_NAMES, type Verb } from './verbs.ts';

const text = z.string().min(1).max(255);
const texts = z.array(text).min(1).max(10_000);
const binding = z.strictObject({
  identities: texts,
  role: text,
  nodes: texts.optional(),
  zones: texts.optional(),
  labels: z
    .record(text, z.string().max(255))
    .refine((labels) => Object.keys(labels).length > 0, 'name at least one label')
    .optional(),
});
const schema = z.strictObject({
  roles: z.record(z.string().regex(/^[\w.-]{1,100}$/), z.strictObject({ verbs: texts })).optional(),
  bindings: z.array(binding).max(10_000),
  require_approval: z.array(approvalRule).max(1000).optional(),
  people: z.array(z.array(text).min(2).max(100)).max(10_000).optional(),
});

type Binding = z.infer<typeof binding>;

/** The roles of a file and the built-in ones, by name. */
type Roles = ReadonlyMap<string, readonly Verb[]>;

/** What a file says. */
export interface AccessRules {
  /** The names of the roles. */
  readonly roles: readonly string[];
  /** The verbs of a role; null if there is no such role. */
  roleNamed(name: string): readonly Verb[] | null;
  /** What the bindings give an identity, in the order of the file, and a text that changes with it. */
  grantsOf(identity: string): { readonly grants: readonly Grant[]; readonly text: string };
  /** The number of bindings. */
  readonly bindings: number;
  /** Which plans wait for a second person. */
  readonly approvals: readonly ApprovalRule[];
  /** Identities that are one person, by each of their names. */
  readonly people: ReadonlyMap<string, readonly string[]>;
}

/** The rules of a conductor without a file: the built-in roles, and nothing is bound. */
export const BUILT_IN_RULES: AccessRules = {
  roles: Object.keys(BUILT_IN_ROLES),
  roleNamed: (name) => builtIn.get(name) ?? null,
  grantsOf: () => ({ grants: [], text: '' }),
  bindings: 0,
  approvals: [],
  people: new Map(),
};

const builtIn: Roles = new Map(Object.entries(BUILT_IN_ROLES));

/**
 * The rules of a file that was parsed.
 * @param path what the file is called in errors
 * @throws CONFIGURATION_INVALID with each place that is wrong, at most five
 */
export function parseAccess(document: unknown, path: string): AccessRules {
  const parsed = schema.safeParse(document, PLAIN_WORDS);
  if (!parsed.success) {
    const faults = parsed.error.issues.slice(0, 5).map((issue) => `${placeOf(issue.path)}${sentenceOf(issue)}`);
    throw invalid(path, faults.join('; '));
  }
  const { roles: own = {}, bindings } = parsed.data;
  const roles = rolesOf(own, path);
  const compiled = bindings.map((each, at) => compile(each, `bindings[${at}]`, roles, path));
  return {
    roles: [...roles.keys()],
    roleNamed: (name) => roles.get(name) ?? null,
    grantsOf(identity) {
      const found = compiled.filter(({ identities }) => matchesAny(identity, identities));
      return { grants: found.map(({ grant }) => grant), text: found.map(({ digest }) => digest).join(' ') };
    },
    bindings: bindings.length,
    approvals: (parsed.data.require_approval ?? []).map((rule, at) =>
      toApprovalRule(rule, `require_approval[${at}]`, [...roles.keys()], (sentence) => invalid(path, sentence)),
    ),
    people: peopleOf(parsed.data.people ?? [], path),
  };
}

const invalid = (path: string, sentence: string): CountermandError =>
  fail('CONFIGURATION_INVALID', `${path}: ${sentence}`);

function placeOf(path: readonly PropertyKey[]): string {
  const place = pathText(path);
  return place === '' ? '' : `${place}: `;
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const keys = {
    bindings: Object.keys(binding.shape).join(', '),
    require_approval: Object.keys(approvalRule.shape).join(', '),
    roles: 'verbs',
  };
  const known = keys[String(issue.path[0]) as keyof typeof keys] ?? Object.keys(schema.shape).join(', ');
  return `there is no ${quotedKeys(issue.keys)}; there is ${known}`;
}

function rolesOf(own: Readonly<Record<string, { readonly verbs: readonly string[] }>>, path: string): Roles {
  const roles = new Map(builtIn);
  for (const [name, { verbs }] of Object.entries(own)) {
    const place = `roles.${name}`;
    if (builtIn.has(name)) throw invalid(path, `${place}: every conductor has a role of this name; choose another`);
    const meant = verbs.flatMap((glob, at) => verbsOf(glob, `${place}.verbs[${at}]`, path));
    refuseBlind(new Set(meant), place, path);
    roles.set(name, [...new Set(meant)]);
  }
  return roles;
}

function verbsOf(glob: string, place: string, path: string): Verb[] {
  if (glob === 'agent.attach')
    throw invalid(path, `${place}: agent.attach comes with the token of an agent, and belongs to no role`);
  const found = GRANTABLE.filter((verb) => matchesAny(verb, [glob]));
  if (found.length > 0) return found;
  throw invalid(path, `${place}: '${glob}' means no verb; there are ${VERB_NAMES.join(', ')}`);
}

/** What one may not see does not exist, so a verb is worth nothing without the one that shows what it is about. */
function refuseBlind(verbs: ReadonlySet<Verb>, place: string, path: string): void {
  for (const verb of verbs) {
    const [thing = ''] = verb.split('.');
    const sight = ({ node: 'node.read', power: 'node.read', plan: 'plan.read', audit: 'audit.read' } as const)[thing];
    if (sight !== undefined && !verbs.has(sight))
      throw invalid(path, `${place}: it has ${verb} without ${sight}, and could name nothing; add ${sight}`);
  }
}

interface Compiled {
  readonly identities: readonly string[];
  readonly grant: Grant;
  readonly digest: string;
}

function compile(given: Binding, place: string, roles: Roles, path: string): Compiled {
  const { identities, role } = given;
  const verbs = roles.get(role);
  if (verbs === undefined)
    throw invalid(path, `${place}.role: there is no role '${role}'; there are ${[...roles.keys()].join(', ')}`);
  for (const [at, identity] of identities.entries()) checkIdentity(identity, `${place}.identities[${at}]`, path);
  const { identities: _who, ...what } = given;
  const grant = { verbs, filter: filterOf(given, place, path), place, role };
  return { identities, grant, digest: digestOf({ ...what, verbs }) };
}

const METHODS = ['certificate', 'token', 'jwt', 'basic'];

function checkIdentity(identity: string, place: string, path: string): void {
  const [method = ''] = identity.split(':', 1);
  if (method === 'agent')
    throw invalid(path, `${place}: '${identity}': agents attach for the zones of their tokens, and have no role`);
  if (!METHODS.includes(method) && !method.includes('*'))
    throw invalid(
      path,
      `${place}: '${identity}' is the name of no identity; a name begins with ${METHODS.map((each) => `${each}:`).join(', ')}`,
    );
}

function peopleOf(people: readonly (readonly string[])[], path: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [at, names] of people.entries())
    for (const [nth, name] of names.entries()) {
      const place = `people[${at}][${nth}]`;
      checkIdentity(name, place, path);
      if (name.includes('*')) throw invalid(path, `${place}: '${name}' means many; name one identity`);
      if (found.has(name)) throw invalid(path, `${place}: '${name}' stands there twice; an identity is one person`);
      found.set(name, names);
    }
  return found;
}

/** All that a binding names must hold. What is compiled once is a set, so a check costs the same for one node and a thousand. */
function filterOf({ nodes, zones, labels }: Binding, place: string, path: string): GrantFilter {
  const tests: ((node: ScopedNode) => boolean)[] = [];
  if (nodes) {
    const names = new Set(nodes.flatMap((range, at) => namesOf(range, `${place}.nodes[${at}]`, path)));
    tests.push(({ name, uuid }) => names.has(name) || names.has(uuid));
  }
  if (zones) tests.push(({ zone }) => zones.includes(zone));
  if (labels) {
    const wanted = Object.entries(labels);
    tests.push((node) => wanted.every(([name, value]) => node.labels[name] === value));
  }
  return tests.length === 0 ? null : (node) => tests.every((test) => test(node));
}

function namesOf(range: string, place: string, path: string): string[] {
  try {
    return expandRange(range);
  } catch (thrown) {
    throw invalid(path, `${place}: ${asCountermandError(thrown).message}`);
  }
}
