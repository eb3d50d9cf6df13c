/**
 * The plan file: an action plan in YAML or JSON, in Watcher's words. Here it is checked whether it is one; whether the
 * plan is a good one is for the conductor to say.
 */
import * as z from 'zod';
import { asCountermandError, fail } from '../../core/errors.ts';
import { exceeded, SENT_LIMITS } from '../../core/limits.ts';
import { expandRanges } from '../../core/ranges.ts';
import { type CreateActionPlanRequest, FailurePolicy } from '../../gen/countermand/v1/action_plan.ts';
import { type FileKind, must, parseText, readText } from '../shared/order_file.ts';
import { rangesIn } from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';

const KIND: FileKind = {
  what: 'plan',
  code: 'ACTION_PLAN_INVALID',
  tooLarge: '32 MB, the most that is taken; make several plans of it',
};

const text = z.string(must('text'));
const whole = z.int32(must('a whole number'));
/** Which nodes: what it says is for the conductor to check. */
export const scopeOfFile = z.array(z.record(z.string(), z.unknown()), must('a list of sections')).default([]);
/** The words for what a plan does when an action fails. */
export const POLICIES = {
  STOP: FailurePolicy.STOP,
  CONTINUE: FailurePolicy.CONTINUE,
  ROLLBACK: FailurePolicy.ROLLBACK,
} as const;

const action = z.strictObject(
  {
    name: text,
    action_type: text,
    input_parameters: z.record(z.string(), z.unknown(), must('KEY: VALUE pairs')).default({}),
    parents: z.array(text, must('a list of names')).default([]),
    timeout: whole.optional(),
    nodes: z.union([text, z.array(text)], must('node ranges such as r7n[1-16], or a list of them')).optional(),
  },
  must('an action: name, action_type and what else it needs'),
);

const schema = z.strictObject(
  {
    name: text,
    reason: text.default(''),
    max_parallel: whole.min(1, 'must be 1 or more').default(0),
    canary: whole.default(0),
    on_failure: z.enum(['STOP', 'CONTINUE', 'ROLLBACK'], must('STOP, CONTINUE or ROLLBACK')).default('STOP'),
    actions: z.array(action, must('a list of actions')),
    scope: scopeOfFile,
  },
  must('a plan: a name and a list of actions'),
);

/** What a file says, as a request without an id. */
export type PlanOfFile = Omit<CreateActionPlanRequest, 'requestId' | 'uuid' | 'start' | 'queue' | 'expectTakenDown'>;

const KEYS = { plan: Object.keys(schema.shape), action: Object.keys(action.shape) };

/**
 * The text of a plan file; `-` is stdin. Rejects at the abort with its reason.
 * @throws ARGUMENT_INVALID if it cannot be read, ACTION_PLAN_INVALID if it is too large or not text
 */
export function readPlanText(path: string, terminal: Terminal): Promise<string> {
  return readText(path, KIND, terminal);
}

/**
 * The plan that a text says.
 * @throws ACTION_PLAN_INVALID with the file and the path to each fault
 */
export function parsePlan(content: string, path: string): PlanOfFile {
  const keysAt = (place: readonly PropertyKey[]) => (place.length === 0 ? KEYS.plan : KEYS.action);
  const parsed = parseText(content, path, schema, keysAt, KIND);
  const { name, reason, max_parallel: maxParallel, canary, on_failure: onFailure, actions, scope } = parsed;
  const wanted = eachNode(actions, path).map(
    ({ action_type: actionType, input_parameters: inputParameters, ...others }) => ({
      ...others,
      actionType,
      inputParameters,
    }),
  );
  return { name, reason, maxParallel, canary, onFailure: POLICIES[onFailure], actions: wanted, scope };
}

type ActionOfFile = z.infer<typeof action>;

/** What stands for the name of the node in the parents of an action that is written for many. */
const NODE = '{node}';

/**
 * The actions, each that names `nodes` written out: one for each node, `NAME NODE`. Such a name in `parents` means all of them;
 * `NAME {node}` the one of the same node.
 */
function eachNode(actions: readonly ActionOfFile[], path: string): Omit<ActionOfFile, 'nodes'>[] {
  const nodes = allNodes(actions, path);
  for (const [at, one] of actions.entries()) checkCopies(one, nodes[at]?.length ?? 0, `${path}: actions[${at}]`);
  const members = new Map<string, string[]>();
  const names = new Set<string>();
  for (const [at, { name }] of actions.entries()) {
    if (members.has(name) || (nodes[at] && names.has(name)))
      throw fail(
        KIND.code,
        `${path}: actions[${at}].name: '${name}' appears twice, and one of them is for several nodes`,
      );
    names.add(name);
    if (nodes[at])
      members.set(
        name,
        nodes[at].map((node) => `${name} ${node}`),
      );
  }
  checkParents(actions, nodes, members, path);
  return actions.flatMap(({ nodes: _, ...one }, at) => {
    const parentsOf = (fill: (parent: string) => string): string[] => [
      ...new Set(one.parents.flatMap((parent) => members.get(parent) ?? fill(parent))),
    ];
    return (
      nodes[at]?.map((node) => ({
        ...one,
        name: `${one.name} ${node}`,
        input_parameters: { ...one.input_parameters, resource_id: node },
        parents: parentsOf((parent) => parent.replaceAll(NODE, node)),
      })) ?? [{ ...one, parents: parentsOf((parent) => parent) }]
    );
  });
}

/** The nodes of each action, null where it is written for one; counted on the way: a short line can mean 100,000. */
function allNodes(actions: readonly ActionOfFile[], path: string): (readonly string[] | null)[] {
  const { limit } = SENT_LIMITS.actions;
  const refuse = (size: number | string) => exceeded(SENT_LIMITS.actions, `${path}: actions`, size);
  if (actions.length > limit) throw refuse(actions.length);
  let size = 0;
  return actions.map((one, at) => {
    const nodes = nodesOf(one, `${path}: actions[${at}]`);
    size += nodes?.length ?? 1;
    if (size > limit) throw refuse(`more than ${limit}`);
    return nodes;
  });
}

/** What is written out for each node is small, and together no more than the conductor takes. */
function checkCopies(
  { name, parents, input_parameters: parameters }: ActionOfFile,
  copies: number,
  place: string,
): void {
  if (copies === 0) return;
  const { name: names, plan_message_bytes: all } = SENT_LIMITS;
  for (const text of [name, ...parents])
    if (text.length > names.limit) throw exceeded({ ...names, error: KIND.code }, `${place}: a name`, text.length);
  const size = copies * JSON.stringify(parameters).length;
  if (size > all.limit)
    throw exceeded({ ...all, error: KIND.code }, `${place}.input_parameters for ${copies} nodes`, size);
}

/** Counted before anything is written out: two short lines can mean more parents than there is memory. */
function checkParents(
  actions: readonly ActionOfFile[],
  nodes: readonly (readonly string[] | null)[],
  members: ReadonlyMap<string, readonly string[]>,
  path: string,
): void {
  const counts = actions.map(
    ({ parents }, at) =>
      (nodes[at]?.length ?? 1) * parents.reduce((sum, parent) => sum + (members.get(parent)?.length ?? 1), 0),
  );
  const parents = counts.reduce((sum, count) => sum + count, 0);
  if (parents > SENT_LIMITS.parents.limit) throw exceeded(SENT_LIMITS.parents, `${path}: actions`, parents);
}

/** The nodes of an action that is written for many; null if it is not. @throws ACTION_PLAN_INVALID with the place */
function nodesOf({ nodes, input_parameters: parameters }: ActionOfFile, place: string): string[] | null {
  if (nodes === undefined) return null;
  if ('resource_id' in parameters)
    throw fail(KIND.code, `${place}: nodes and input_parameters.resource_id both name nodes; give one of them`);
  const words = typeof nodes === 'string' ? [nodes] : nodes;
  if (words.length === 0) throw fail(KIND.code, `${place}.nodes: no node is named`);
  try {
    return expandRanges(rangesIn(words));
  } catch (thrown) {
    throw fail(KIND.code, `${place}.nodes: ${asCountermandError(thrown).message}`);
  }
}
