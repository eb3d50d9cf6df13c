/** docs/action_types.md, from the list of action types. */
import { type ActionType, jsonSchemaOf } from '../../src/server/plans/actions/action_type.ts';
import { ACTION_TYPES } from '../../src/server/plans/actions/list.ts';
import { block, code, markdownTable, page } from './markdown.ts';

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

function ruleOf(schema: ParameterSchema): string {
  if (schema.enum) return schema.enum.map(code).join(', ');
  const word = WORDS[schema.type ?? ''] ?? '';
  if (schema.minimum !== undefined) return `${word} from ${schema.minimum} to ${schema.maximum}`;
  return schema.maxLength === undefined ? word : `${word} of at most ${schema.maxLength} characters`;
}

function defaultOf(schema: ParameterSchema, required: boolean): string {
  if (required) return 'required';
  return schema.default === undefined || schema.default === '' ? '' : code(String(schema.default));
}

function parameterTable(type: ActionType): string {
  const { properties = {}, required = [] } = jsonSchemaOf(type);
  const rows = Object.entries(properties as Record<string, ParameterSchema>).map(([name, schema]) => [
    code(name),
    ruleOf(schema),
    defaultOf(schema, required.includes(name)),
    schema.description ?? '',
  ]);
  return markdownTable(['parameter', 'value', 'default', 'meaning'], rows);
}

function chapter(type: ActionType): string[] {
  return [
    `## ${type.name}`,
    `It ${type.meaning}. When its plan is cancelled: ${type.whenCancelled}.`,
    parameterTable(type),
  ];
}

const EXAMPLE = `actions:
  - name: drain
    action_type: set_node_maintenance
    input_parameters: {resource_id: r7n1, maintenance: true, reason: rack work}
  - name: down
    action_type: change_node_power_state
    input_parameters: {resource_id: r7n1, state: soft power off, timeout: 300}
    parents: [drain]`;

/** The page. */
export function printActionTypes(): string {
  return page('Action types', 'src/server/plans/actions', [
    'What an action of a plan can do. `input_parameters` are checked when the plan is created, with all that can be ' +
      'known then: that the node is there, and that its driver can do the target.',
    block(EXAMPLE, 'yaml'),
    'Every action has a `timeout` beside its parameters: seconds that it may take, waiting included; an hour if it is ' +
      'absent. One that takes longer is taken back as if it were cancelled, and ends FAILED, or SUCCEEDED if it turns ' +
      'out to be done. What it was like before is stored in `before_image` before anything is changed, and what came ' +
      'of it in `result`.',
    ...ACTION_TYPES.flatMap(chapter),
  ]);
}
