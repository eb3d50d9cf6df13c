/**
 * The plan file: an action plan in YAML or JSON, in Watcher's words. Here it is checked whether it is one; whether the
 * plan is a good one is for the conductor to say.
 */
import { createReadStream } from 'node:fs';
import { isScalar, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { type CountermandError, fail } from '../core/errors.ts';
import { abortable } from '../core/signals.ts';
import { type CreateActionPlanRequest, FailurePolicy } from '../gen/countermand/v1/action_plan.ts';
import type { Terminal, TextSource } from './terminal.ts';

/** A larger file is refused, and so is one that is larger once its aliases are written out. */
export const PLAN_FILE_LIMIT = 32 * 2 ** 20;
const LIMIT_WORDS = '32 MB, the most that is taken; make several plans of it';
/** What is nested deeper is no plan. */
const DEPTH_LIMIT = 50;
/** So many faults are told at once. */
const FAULTS_SHOWN = 5;

/** What a value must be; one that is missing says so. */
const must = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => `${input === undefined ? 'is missing; it ' : ''}must be ${what}`,
});
const text = z.string(must('text'));
const whole = z.int32(must('a whole number'));
const POLICIES = { STOP: FailurePolicy.STOP, CONTINUE: FailurePolicy.CONTINUE };

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
    on_failure: z.enum(['STOP', 'CONTINUE'], must('STOP or CONTINUE')).default('STOP'),
    actions: z.array(action, must('a list of actions')),
    scope: z
      .undefined({ error: 'scope comes with audits; leave it out: the plan is about the nodes its actions name' })
      .optional(),
  },
  must('a plan: a name and a list of actions'),
);

/** What a file says, as a request without an id. */
export type PlanOfFile = Omit<CreateActionPlanRequest, 'requestId'>;

/**
 * The text of a plan file; `-` is stdin. Rejects at the abort with its reason.
 * @throws ARGUMENT_INVALID if it cannot be read, ACTION_PLAN_INVALID if it is too large or not text
 */
export async function readPlanText(path: string, { stdin, signal }: Terminal): Promise<string> {
  const source: TextSource = path === '-' ? stdin : createReadStream(path);
  try {
    const bytes = await readBytes(source, nameOfFile(path), signal);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw invalid(path, ': it is not UTF-8 text');
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw fail('ARGUMENT_INVALID', `the plan file ${nameOfFile(path)} cannot be read: ${error.message}`);
  } finally {
    source.destroy();
  }
}

function readBytes(source: TextSource, name: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return abortable<Buffer>((resolve, reject) => {
    source.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > PLAN_FILE_LIMIT) reject(fail('ACTION_PLAN_INVALID', `${name} is larger than ${LIMIT_WORDS}`));
    });
    source.once('end', () => resolve(Buffer.concat(chunks))).once('error', reject);
    return () => source.destroy();
  }, signal);
}

const nameOfFile = (path: string): string => (path === '-' ? 'standard input' : path);

/** `what` begins where the name of the file ends: with `: ` or a blank. */
function invalid(path: string, what: string): CountermandError {
  return fail('ACTION_PLAN_INVALID', `${nameOfFile(path)}${what}`);
}

/**
 * The plan that a text says.
 * @throws ACTION_PLAN_INVALID with the file and the path to each fault
 */
export function parsePlan(content: string, path: string): PlanOfFile {
  const values = parseValues(content, path);
  checkWeight(values, path);
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw invalid(path, `: ${describeIssues(parsed.error.issues)}`);
  const { name, max_parallel: maxParallel, canary, on_failure: onFailure, actions } = parsed.data;
  const wanted = actions.map(({ action_type: actionType, input_parameters: inputParameters, ...others }) => ({
    ...others,
    actionType,
    inputParameters,
  }));
  return { name, maxParallel, canary, onFailure: POLICIES[onFailure], actions: wanted };
}

/** JSON is YAML as well, but the YAML parser takes a minute for a large one. */
function parseValues(content: string, path: string): unknown {
  if (/^\s*\{/.test(content)) {
    try {
      return JSON.parse(content);
    } catch {
      // YAML may begin like this, too; and its parser says better what is wrong.
    }
  }
  try {
    return parseYaml(content);
  } catch (error) {
    const [sentence] = (error as Error).message.split('\n');
    throw invalid(path, ` is not the YAML it should be: ${sentence?.replace(/; please use .*\(\)|:$/g, '')}`);
  }
}

function parseYaml(content: string): unknown {
  // The parser compares each key with each other, which takes hours where there are many.
  const document = parseDocument(content, { uniqueKeys: false });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault) throw fault;
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) throw new Error(`a key is no single word: ${String(key)}`);
        if (keys.has(key.value)) throw new Error(`the key '${key.value}' stands twice in one place`);
        keys.add(key.value);
      }
    },
  });
  // What aliases could blow up is weighed afterwards; here they cost nothing.
  return document.toJS({ maxAliasCount: -1 });
}

/** Refuses what is nested too deeply, and what aliases make larger than a file may be. */
function checkWeight(values: unknown, path: string): void {
  let weight = 0;
  const weigh = (value: unknown, depth: number): void => {
    weight += typeof value === 'string' ? value.length : 1;
    if (weight > PLAN_FILE_LIMIT) throw invalid(path, ` is, with its aliases written out, larger than ${LIMIT_WORDS}`);
    if (typeof value !== 'object' || value === null) return;
    if (depth === DEPTH_LIMIT) throw invalid(path, `: it is nested more than ${DEPTH_LIMIT} deep`);
    for (const [key, inner] of Object.entries(value)) {
      weight += key.length;
      weigh(inner, depth + 1);
    }
  };
  weigh(values, 0);
}

function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const sentences = issues.slice(0, FAULTS_SHOWN).map(describeIssue);
  const more = issues.length - sentences.length;
  return sentences.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

const KEYS = { plan: Object.keys(schema.shape).filter((key) => key !== 'scope'), action: Object.keys(action.shape) };

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = placeOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.path.length === 0 ? KEYS.plan : KEYS.action;
    const unknown = issue.keys.map((key) => placeOf([...issue.path, key]));
    return `${unknown.join(', ')} is no key; the keys are ${keys.join(', ')}`;
  }
  if (place === 'scope') return issue.message;
  if (place === '') return `it ${issue.message}`;
  return `${place}: ${issue.message}`;
}

/** `actions[2].parents`. */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
