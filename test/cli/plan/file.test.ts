/** Plan files: what they say, and each fault with its place. */
import type { PassThrough } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import { parsePlan, readPlanText } from '../../../src/cli/plan/file.ts';
import { FILE_LIMIT } from '../../../src/cli/shared/order_file.ts';
import { CountermandError, fail } from '../../../src/core/errors.ts';
import { FailurePolicy } from '../../../src/gen/countermand/v1/action_plan.ts';
import { openCaptured } from '../captured.ts';

const WHOLE = `
name: rack 7 down
max_parallel: 8
canary: 1
on_failure: CONTINUE
scope: [{baremetal: [{nodes: ['r7n[1-2]']}]}]
actions:
  - name: drain
    action_type: set_node_maintenance
    input_parameters: {resource_id: r7n1, maintenance: true}
  - name: down
    action_type: change_node_power_state
    input_parameters: {resource_id: r7n1, state: soft power off, timeout: 300}
    parents: [drain]
    timeout: 600
`;
const PLAN = {
  name: 'rack 7 down',
  reason: '',
  maxParallel: 8,
  canary: 1,
  onFailure: FailurePolicy.CONTINUE,
  scope: [{ baremetal: [{ nodes: ['r7n[1-2]'] }] }],
  actions: [
    {
      name: 'drain',
      actionType: 'set_node_maintenance',
      inputParameters: { resource_id: 'r7n1', maintenance: true },
      parents: [],
    },
    {
      name: 'down',
      actionType: 'change_node_power_state',
      inputParameters: { resource_id: 'r7n1', state: 'soft power off', timeout: 300 },
      parents: ['drain'],
      timeout: 600,
    },
  ],
};
const JSON_WORDS = {
  name: 'p',
  actions: [{ name: 'a', action_type: 'nop' }],
};

test('a plan in YAML', (t) => {
  t.deepEqual(parsePlan(WHOLE, 'p.yaml'), PLAN);
});

test('a plan in JSON; what is left out is for the conductor to fill in', (t) => {
  t.deepEqual(parsePlan(JSON.stringify(JSON_WORDS), 'p.json'), {
    name: 'p',
    reason: '',
    maxParallel: 0,
    canary: 0,
    onFailure: FailurePolicy.STOP,
    scope: [],
    actions: [{ name: 'a', actionType: 'nop', inputParameters: {}, parents: [] }],
  });
});

const actionsOf = (text: string) => parsePlan(`name: p\nactions:\n${text}`, 'p.yaml').actions;

test('an action with nodes is one for each of them; its name in parents is all of them, with {node} that of the same node', (t) => {
  const actions = actionsOf(`
  - {name: drain, action_type: set_node_maintenance, nodes: 'r7n[1-2]', input_parameters: {maintenance: true}}
  - {name: down, action_type: change_node_power_state, nodes: [r7n1, 'r7n2, r7n3'], parents: ['drain {node}']}
  - {name: last, action_type: nop, parents: [down, drain]}`);
  t.deepEqual(
    actions.map(({ name, inputParameters, parents }) => [
      name,
      inputParameters?.resource_id ?? '',
      parents.join(' | '),
    ]),
    [
      ['drain r7n1', 'r7n1', ''],
      ['drain r7n2', 'r7n2', ''],
      ['down r7n1', 'r7n1', 'drain r7n1'],
      ['down r7n2', 'r7n2', 'drain r7n2'],
      ['down r7n3', 'r7n3', 'drain r7n3'],
      ['last', '', 'down r7n1 | down r7n2 | down r7n3 | drain r7n1 | drain r7n2'],
    ],
  );
  t.deepEqual(actions[0]?.inputParameters, { maintenance: true, resource_id: 'r7n1' });
});

test('YAML that begins as JSON does', (t) => {
  t.is(parsePlan('{name: p, actions: []}', 'p.yaml').name, 'p');
});

test('many aliases are no bomb', (t) => {
  const actions = Array.from({ length: 500 }, (_, at) => `  - {name: a${at}, action_type: nop, parents: *all}`);
  const text = `name: p\nactions:\n  - {name: x, action_type: nop, parents: &all [y]}\n${actions.join('\n')}`;
  t.deepEqual(parsePlan(text, 'p.yaml').actions.at(-1)?.parents, ['y']);
});

const refused = test.macro({
  exec(t, text: string, says: RegExp) {
    const error = t.throws(() => parsePlan(text, 'p.yaml'), { instanceOf: CountermandError });
    t.is(error.code, 'ACTION_PLAN_INVALID');
    t.regex(error.message, /^p\.yaml(:| is\b)/);
    t.regex(error.message, says);
    t.notRegex(error.message, /\n/);
  },
  title: (_, text: string) => `refused: ${JSON.stringify(text.slice(0, 70))}`,
});
const action = (words: string): string => `name: p\nactions: [{name: a, action_type: nop, ${words}}]`;
test(refused, '', /: it must be a plan: a name and a list of actions$/);
test(refused, '- a', /: it must be a plan/);
test(refused, '{"name": "a", "name": "b", "actions": []}', /the key 'name' appears twice in one place$/);
test(refused, 'name: a\nmax_parallel: 0\nactions: []', /max_parallel: must be 1 or more$/);
test(refused, 'a: [', /is not valid YAML: .* at line 1, column 5$/);
test(refused, '{"name": "p"', /is not valid YAML/);
test(refused, 'a: 1\n---\nb: 2', /multiple documents at line/);
test(refused, 'name: !secret x', /Unresolved tag at line 1, column 7$/);
test(refused, 'name: *unknown', /Unresolved alias/);
test(refused, '\tname: p', /Tabs are not allowed/);
test(refused, 'name: p\nname: q\nactions: []', /the key 'name' appears twice in one place$/);
test(refused, action('input_parameters: {x: 1, x: 2}'), /the key 'x' appears twice/);
test(refused, '? [a]\n: b', /a key is no single word/);
test(refused, 'actions: []', /: name: is missing; it must be text$/);
test(refused, 'name: 7\nactions: []', /: name: must be text$/);
test(refused, 'name: p', /: actions: is missing; it must be a list of actions$/);
test(refused, 'name: p\nactions: 3', /: actions: must be a list of actions$/);
test(refused, 'name: p\nactions: [nop]', /: actions\[0\]: must be an action: name, action_type/);
test(refused, 'name: p\nactions: [{name: a}]', /: actions\[0\]\.action_type: is missing; it must be text$/);
test(refused, action('parents: drain'), /: actions\[0\]\.parents: must be a list of names$/);
test(refused, action('parents: [b, 3]'), /: actions\[0\]\.parents\[1\]: must be text$/);
test(refused, action('timeout: soon'), /: actions\[0\]\.timeout: must be a whole number$/);
test(refused, action('timeout: 3000000000'), /: actions\[0\]\.timeout: must be a whole number$/);
test(refused, action('input_parameters: [x]'), /: actions\[0\]\.input_parameters: must be KEY: VALUE pairs$/);
test(refused, action('retries: 3'), /: actions\[0\]\.retries is no key; the keys are name, action_type, input_par/);
test(refused, action("nodes: 'n[1'"), /: actions\[0\]\.nodes: node range 'n\[1': a bracket is not closed/);
test(
  refused,
  action(`nodes: n1, parents: ['${'{node}'.repeat(50)}']`),
  /: actions\[0\]: a name: 300 characters; at most 255/,
);
test(
  refused,
  action(`nodes: 'n[1-1000]', input_parameters: {message: ${'x'.repeat(70_000)}}`),
  /: actions\[0\]\.input_parameters for 1000 nodes: 70014000 bytes; at most 67108864/,
);
test(refused, action('nodes: []'), /: actions\[0\]\.nodes: no node is named$/);
test(refused, action("nodes: ''"), /: actions\[0\]\.nodes: node range '' has an empty name$/);
test(refused, action('nodes: 7'), /: actions\[0\]\.nodes: must be node ranges such as r7n\[1-16\], or a list of them$/);
test(
  refused,
  action('nodes: n1, input_parameters: {resource_id: n1}'),
  /\[0\]: nodes and input_parameters\.resource_id both/,
);
test(
  refused,
  'name: p\nactions: [{name: a, action_type: nop}, {name: a, action_type: nop, nodes: n1}]',
  /\[1\]\.name: 'a' appears twice, and one of them is for several nodes$/,
);
test(
  refused,
  'name: reused\nactions: [{name: a, action_type: nop, nodes: n1}, {name: b, action_type: nop}, {name: a, action_type: nop}]',
  /\[2\]\.name: 'a' appears twice/,
);
// What is too much is refused before the rest is looked at.
const LAST = '{name: a, action_type: nop, nodes: []}';
// JSON: the YAML parser takes a second and a half for as many actions.
test(
  refused,
  `{"name": "long", "actions": [${'{"name": "a", "action_type": "nop"}, '.repeat(50_000)}{"name": "a", "action_type": "nop", "nodes": []}]}`,
  /: actions: 50001 actions; at most 50000 are allowed$/,
);
const MANY = "{name: a, action_type: nop, nodes: 'n[1-25001]'}, ";
test(
  refused,
  `name: wide\nactions: [${MANY.repeat(2)}${LAST}]`,
  /: actions: more than 50000 actions; at most 50000 are allowed$/,
);
test(
  refused,
  "name: p\nactions: [{name: a, action_type: nop, nodes: 'n[1-1000]'}, {name: b, action_type: nop, nodes: 'n[1-501]', parents: [a]}]",
  /: actions: 501000 parents; at most 500000 are allowed$/,
);
test(
  refused,
  'name: p\nactions: []\nstart: true',
  /: start is no key; the keys are name, reason, max_parallel, canary, on_f/,
);
test(refused, 'name: p\nactions: []\nmax_parallel: 1.5', /: max_parallel: must be a whole number$/);
test(refused, 'name: p\nactions: []\non_failure: stop', /: on_failure: must be STOP, CONTINUE or ROLLBACK$/);
test(refused, 'name: p\nactions: []\nscope: r7n1', /: scope: must be a list of sections$/);
test(refused, `name: p\nactions: [${'3,'.repeat(9)}]`, /; and 4 more$/);
test(refused, '{"__proto__": 1, "name": "p", "actions": []}', /: __proto__ cannot be a key/);

const depths: readonly string[] = [
  '['.repeat(60) + ']'.repeat(60),
  '['.repeat(20_000),
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
];
for (const deep of [...depths, 'a: &a [*a, *a]']) test(refused, deep, /nested more than 50 deep|call stack/);

/** Each level is ten times the one before. */
const bomb = (levels: number): string =>
  Array.from({ length: levels }, (_, at) => `k${at}: &k${at} [${Array(10).fill(at === 0 ? 'x' : `*k${at - 1}`)}]`).join(
    '\n',
  );
test(refused, bomb(12), /is, with its aliases written out, larger than 32 MB/);
test(
  refused,
  Array.from({ length: 20_000 }, (_, at) => `k${at}: 1`).join('\n'),
  /: name: is missing.*; k0, k1, .* is no key/,
);

test('any text is a plan or a refusal of ours', (t) => {
  const words = fc.constantFrom(
    'name',
    'actions',
    ':',
    '- ',
    '\n',
    ' ',
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '!!',
    '"',
    '1',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((list) => list.join('')),
      ),
      (text) => {
        try {
          return typeof parsePlan(text, 'p.yaml').name === 'string';
        } catch (error) {
          return error instanceof CountermandError && error.code === 'ACTION_PLAN_INVALID';
        }
      },
    ),
  );
  t.pass();
});

test('standard input is read to its end', async (t) => {
  const { terminal, stdin } = openCaptured();
  const reading = readPlanText('-', terminal);
  stdin.write('na');
  stdin.end('me: ü');
  t.is(await reading, 'name: ü');
});

test('bytes that are no text, and too many of them, are refused', async (t) => {
  const read = async (bytes: Buffer) => {
    const { terminal, stdin } = openCaptured();
    const reading = readPlanText('-', terminal);
    stdin.end(bytes);
    return t.throwsAsync(reading, { instanceOf: CountermandError });
  };
  const noText = await read(Buffer.from([0xff, 0xfe, 0x00]));
  t.is(`${noText.code}: ${noText.message}`, 'ACTION_PLAN_INVALID: standard input: it is not UTF-8 text');
  const large = await read(Buffer.alloc(FILE_LIMIT + 1, ' '));
  t.is(large.code, 'ACTION_PLAN_INVALID');
  t.regex(large.message, /^standard input is larger than 32 MB/);
});

test('Ctrl-C ends the reading of a terminal', async (t) => {
  const { terminal, interrupt } = openCaptured(true);
  const reading = readPlanText('-', terminal);
  interrupt.abort(fail('CALL_ENDED', 'stopped'));
  await t.throwsAsync(reading, { message: 'stopped' });
  t.true((terminal.stdin as PassThrough).destroyed);
});
