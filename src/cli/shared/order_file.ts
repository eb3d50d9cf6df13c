/** Files in YAML or JSON that say what the conductor is asked for: read, parsed, and weighed before anything looks at them. */
import { createReadStream } from 'node:fs';
import { isScalar, parseDocument, visit } from 'yaml';
import type * as z from 'zod';
import { type CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import { pathText } from '../../core/fault_places.ts';
import { doubledKey, LOST_KEY } from '../../core/json_parts.ts';
import { abortable } from '../../core/signals.ts';
import type { Terminal, TextSource } from './terminal.ts';
import { wordsOfYamlFault } from './yaml_fault.ts';

/** A larger file is refused, and so is one that is larger once its aliases are written out. */
export const FILE_LIMIT = 32 * 2 ** 20;
/** What is nested deeper is no plan. */
const DEPTH_LIMIT = 50;
/** How many faults are told at once. */
const FAULTS_SHOWN = 5;

/** What a file is to say. */
export interface FileKind {
  /** `plan`. */
  readonly what: string;
  /** The code of what is wrong inside. */
  readonly code: ErrorCode;
  /** What is said of one that is too large. */
  readonly tooLarge: string;
}

/** What a value must be; one that is missing says so. */
export const must = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => `${input === undefined ? 'is missing; it ' : ''}must be ${what}`,
});

/**
 * The text of a file; `-` is stdin. Rejects at the abort with its reason.
 * @throws ARGUMENT_INVALID if it cannot be read, the code of the kind if it is too large or not text
 */
export async function readText(path: string, kind: FileKind, { stdin, signal }: Terminal): Promise<string> {
  const source: TextSource = path === '-' ? stdin : createReadStream(path);
  try {
    const bytes = await readBytes(source, path, kind, signal);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw invalid(path, ': it is not UTF-8 text', kind);
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw fail('ARGUMENT_INVALID', `the ${kind.what} file ${nameOfFile(path)} cannot be read: ${error.message}`);
  } finally {
    source.destroy();
  }
}

function readBytes(source: TextSource, path: string, kind: FileKind, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return abortable<Buffer>((resolve, reject) => {
    source.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > FILE_LIMIT) reject(invalid(path, ` is larger than ${kind.tooLarge}`, kind));
    });
    source.once('end', () => resolve(Buffer.concat(chunks))).once('error', reject);
    return () => source.destroy();
  }, signal);
}

/** A file for people: `-` is standard input. */
export const nameOfFile = (path: string): string => (path === '-' ? 'standard input' : path);

/** `what` begins where the name of the file ends: with `: ` or a blank. */
function invalid(path: string, what: string, { code }: FileKind): CountermandError {
  return fail(code, `${nameOfFile(path)}${what}`);
}

/**
 * What a text says, by a schema.
 * @throws the code of the kind, with the file and the path to each fault
 */
export function parseText<T>(content: string, path: string, schema: z.ZodType<T>, keys: KeysAt, kind: FileKind): T {
  return checkValues(parseValues(content, path, kind), path, schema, keys, kind);
}

/**
 * What a text says, whatever that is.
 * @param asText words of YAML stay as they are written: 007 is no number, and on is not true
 * @throws the code of the kind if it is neither JSON nor YAML, or too heavy
 */
export function parseValues(content: string, path: string, kind: FileKind, asText = false): unknown {
  const values = parseEither(content, path, kind, asText);
  checkWeight(values, path, kind);
  return values;
}

/** True for what has keys. */
export function isObject(values: unknown): values is Readonly<Record<string, unknown>> {
  return typeof values === 'object' && values !== null && !Array.isArray(values);
}

/** A word as YAML has it: a number, true, a list; what it cannot read is text. */
export function parseScalar(word: string): unknown {
  try {
    return parseYaml(word);
  } catch {
    return word;
  }
}

/** What values say, by a schema; `path` says where they come from. @throws the code of the kind */
export function checkValues<T>(values: unknown, path: string, schema: z.ZodType<T>, keys: KeysAt, kind: FileKind): T {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw invalid(path, `: ${describeIssues(parsed.error.issues, keys)}`, kind);
}

/** The keys that there are at a place. */
type KeysAt = (path: readonly PropertyKey[]) => readonly string[];

/** JSON is YAML as well, but the YAML parser takes a minute for a large one. */
function parseEither(content: string, path: string, kind: FileKind, asText: boolean): unknown {
  if (/^\s*[{[]/.test(content)) {
    try {
      const values = JSON.parse(content);
      refuseDoubledKey(content, path, kind);
      return values;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // YAML may begin like this, too; and its parser says better what is wrong.
    }
  }
  try {
    return parseYaml(content, asText);
  } catch (error) {
    throw invalid(path, ` is not valid YAML: ${wordsOfYamlFault(error)}`, kind);
  }
}

/** Refuses JSON of which one object has a key twice, as of YAML. @throws the code of the kind */
export function refuseDoubledKey(content: string, path: string, kind: FileKind): void {
  const key = doubledKey(content);
  if (key !== null) throw invalid(path, `: the key '${key}' appears twice in one place`, kind);
}

function parseYaml(content: string, asText = false): unknown {
  // The parser compares each key with each other, which takes hours where there are many.
  const document = parseDocument(content, { uniqueKeys: false, ...(asText && { schema: 'failsafe' }) });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault) throw fault;
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) throw new Error(`a key is no single word: ${String(key)}`);
        if (keys.has(key.value)) throw new Error(`the key '${key.value}' appears twice in one place`);
        keys.add(key.value);
      }
    },
  });
  // What aliases could blow up is weighed afterwards; here they cost nothing.
  return document.toJS({ maxAliasCount: -1 });
}

/** Refuses what is nested too deeply, and what aliases make larger than a file may be. */
function checkWeight(values: unknown, path: string, kind: FileKind): void {
  let weight = 0;
  const weigh = (value: unknown, depth: number): void => {
    weight += typeof value === 'string' ? value.length : 1;
    if (weight > FILE_LIMIT)
      throw invalid(path, ` is, with its aliases written out, larger than ${kind.tooLarge}`, kind);
    if (typeof value !== 'object' || value === null) return;
    if (depth === DEPTH_LIMIT) throw invalid(path, `: it is nested more than ${DEPTH_LIMIT} deep`, kind);
    for (const [key, inner] of Object.entries(value)) {
      if (key === LOST_KEY) throw invalid(path, `: ${LOST_KEY} cannot be a key`, kind);
      weight += key.length;
      weigh(inner, depth + 1);
    }
  };
  weigh(values, 0);
}

function describeIssues(issues: readonly z.core.$ZodIssue[], keys: KeysAt): string {
  const sentences = issues.slice(0, FAULTS_SHOWN).map((issue) => describeIssue(issue, keys));
  const more = issues.length - sentences.length;
  return sentences.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function describeIssue(issue: z.core.$ZodIssue, keysAt: KeysAt): string {
  const place = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys.map((key) => pathText([...issue.path, key]));
    return `${unknown.join(', ')} is no key; the keys are ${keysAt(issue.path).join(', ')}`;
  }
  if (place === '') return `it ${issue.message}`;
  return `${place}: ${issue.message}`;
}
