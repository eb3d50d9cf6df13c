/**
 * The plan file: an action plan in YAML or JSON, in Watcher's words. Here it is checked whether it is one; whether the
 * plan is a good one is for the conductor to say.
 */
import { z } from 'zod';
import { type CreateActionPlanRequest, FailurePolicy } from '../../gen/countermand/v1/action_plan.ts';
import { type FileKind, must, parseText, readText } from '../shared/order_file.ts';
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
  },
  must('an action: name, action_type and what else it needs'),
);

const schema = z.strictObject(
  {
    name: text,
    max_parallel: whole.default(0),
    canary: whole.default(0),
    on_failure: z.enum(['STOP', 'CONTINUE', 'ROLLBACK'], must('STOP, CONTINUE or ROLLBACK')).default('STOP'),
    actions: z.array(action, must('a list of actions')),
    scope: scopeOfFile,
  },
  must('a plan: a name and a list of actions'),
);

/** What a file says, as a request without an id. */
export type PlanOfFile = Omit<CreateActionPlanRequest, 'requestId'>;

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
  const { name, max_parallel: maxParallel, canary, on_failure: onFailure, actions, scope } = parsed;
  const wanted = actions.map(({ action_type: actionType, input_parameters: inputParameters, ...others }) => ({
    ...others,
    actionType,
    inputParameters,
  }));
  return { name, maxParallel, canary, onFailure: POLICIES[onFailure], actions: wanted, scope };
}
