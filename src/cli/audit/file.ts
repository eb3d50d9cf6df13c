/** The audit file: what an audit is asked for, in YAML or JSON. Flags say the same, and go before what the file says. */
import * as z from 'zod';
import { AuditType, type CreateAuditRequest } from '../../gen/countermand/v1/audit.ts';
import { POLICIES, scopeOfFile } from '../plan/file.ts';
import {
  checkValues,
  type FileKind,
  isObject,
  must,
  parseScalar,
  parseValues,
  readText,
} from '../shared/order_file.ts';
import type { Terminal } from '../shared/terminal.ts';

const KIND: FileKind = { what: 'audit', code: 'AUDIT_INVALID', tooLarge: '32 MB, the most that is taken' };
const TYPES = { ONESHOT: AuditType.ONESHOT, CONTINUOUS: AuditType.CONTINUOUS };

const text = z.string(must('text'));
const whole = z.int32(must('a whole number'));
const schema = z.strictObject(
  {
    name: text,
    audit_type: z.enum(['ONESHOT', 'CONTINUOUS'], must('ONESHOT or CONTINUOUS')).default('ONESHOT'),
    strategy: text.default(''),
    goal: text.default(''),
    audit_template: text.default(''),
    parameters: z.record(z.string(), z.unknown(), must('KEY: VALUE pairs')).default({}),
    scope: scopeOfFile,
    all: z.boolean(must('true or false')).default(false),
    interval: whole.optional(),
    auto_trigger: z.boolean(must('true or false')).default(false),
    max_parallel: whole.default(0),
    on_failure: z
      .enum(Object.keys(POLICIES) as (keyof typeof POLICIES)[], must('STOP, CONTINUE or ROLLBACK'))
      .default('STOP'),
  },
  must('an audit: a name, a strategy and what else it needs'),
);

/** What was asked for, as a request without an id. */
export type AuditFile = Omit<CreateAuditRequest, 'requestId' | 'uuid'>;

/** What flags say of an audit; what is left out is not there. */
export interface AuditFlags {
  readonly name?: string;
  readonly strategy?: string;
  readonly goal?: string;
  /** Name or uuid: what it has no goal, strategy or scope of is the template's. */
  readonly template?: string;
  /** KEY=VALUE: a value is read as in YAML, a number for example. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The whole scope. */
  readonly scope?: readonly object[];
  /** The scope is every node. */
  readonly all?: boolean;
  /** Seconds; the audit is CONTINUOUS then. */
  readonly interval?: number;
  readonly autoTrigger?: boolean;
}

/**
 * The audit that a file and flags ask for together; `-` is stdin, and undefined is no file.
 * @throws ARGUMENT_INVALID if the file cannot be read, AUDIT_INVALID with the place of each fault
 */
export async function readAudit(path: string | undefined, flags: AuditFlags, terminal: Terminal): Promise<AuditFile> {
  const content = path === undefined ? '{}' : await readText(path, KIND, terminal);
  return auditOf(content, path ?? 'the command', flags);
}

/** The audit that a text and flags ask for. @throws AUDIT_INVALID with the place of each fault */
export function auditOf(content: string, path: string, flags: AuditFlags): AuditFile {
  const values = parseValues(content, path, KIND);
  const given = isObject(values) ? { ...values, ...valuesOf(flags, values) } : values;
  const parsed = checkValues(given, path, schema, () => Object.keys(schema.shape), KIND);
  const {
    audit_type: type,
    auto_trigger: autoTrigger,
    audit_template: auditTemplate,
    max_parallel: maxParallel,
    on_failure: policy,
    ...others
  } = parsed;
  return {
    ...others,
    auditTemplate,
    auditType: TYPES[type],
    autoTrigger,
    maxParallel,
    onFailure: POLICIES[policy],
  };
}

function valuesOf(flags: AuditFlags, { parameters: before }: Record<string, unknown>): Record<string, unknown> {
  const { parameters, interval, autoTrigger, template, ...named } = flags;
  const read = Object.entries(parameters).map(([key, word]) => [key, parseScalar(word)]);
  return {
    ...named,
    ...(read.length > 0 && { parameters: { ...(isObject(before) && before), ...Object.fromEntries(read) } }),
    ...(interval !== undefined && { interval, audit_type: 'CONTINUOUS' }),
    ...(template !== undefined && { audit_template: template }),
    ...(autoTrigger && { auto_trigger: true }),
  };
}
