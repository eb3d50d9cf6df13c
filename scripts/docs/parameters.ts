/** Tables of parameters, from their JSON Schemas. */
import { code, markdownTable } from './markdown.ts';

/** The part of a JSON Schema that the parameters have. */
interface ParameterSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

const WORDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: '`true` or `false`',
  integer: 'a whole number',
  number: 'a number',
  object: 'an object',
  string: 'text',
};

/** A JSON Schema of parameters. */
export interface ParametersSchema {
  readonly properties?: object;
  readonly required?: readonly string[];
}

function ruleOf(schema: ParameterSchema): string {
  if (schema.enum) return schema.enum.map(code).join(', ');
  const word = WORDS[schema.type ?? ''] ?? '';
  if (schema.minimum !== undefined)
    return schema.maximum === undefined || schema.maximum >= Number.MAX_SAFE_INTEGER
      ? `${word}, at least ${schema.minimum}`
      : `${word} from ${schema.minimum} to ${schema.maximum}`;
  return schema.maxLength === undefined ? word : `${word} of at most ${schema.maxLength} characters`;
}

function defaultOf(schema: ParameterSchema, required: boolean): string {
  if (required) return 'required';
  return schema.default === undefined || schema.default === '' ? '' : code(String(schema.default));
}

/** The parameters of a schema, one per row. */
export function parameterTable({ properties = {}, required = [] }: ParametersSchema): string {
  const rows = Object.entries(properties as Record<string, ParameterSchema>).map(([name, schema]) => [
    code(name),
    ruleOf(schema),
    defaultOf(schema, required.includes(name)),
    schema.description ?? '',
  ]);
  return markdownTable(['parameter', 'value', 'default', 'meaning'], rows);
}
