/** The flags of every list: formats, columns, order, colours, the width of the terminal, and watching. */
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { NODE_LIST } from '../../../src/cli/node/list.ts';
import { isColoured } from '../../../src/cli/shared/colours.ts';
import { type ListFlags, showList } from '../../../src/cli/shared/listing.ts';
import { fail } from '../../../src/core/errors.ts';
import { Node } from '../../../src/gen/countermand/v1/node.ts';
import { PowerState, PowerTarget } from '../../../src/gen/countermand/v1/power.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { type Captured, callOf, openCaptured } from '../captured.ts';

const nodeWith = (changes: Parameters<typeof Node.fromPartial>[0]): Node =>
  Node.fromPartial({ zone: 'default', driver: 'ipmi', powerState: PowerState.ON, ...changes });

const UUID = '6ababb38-f664-430b-a78b-91e368a8626a';
const problem = { code: 'BMC_SILENT', message: 'silent' };
const NODES = [
  nodeWith({ name: 'n1' }),
  nodeWith({ name: 'n2', powerState: PowerState.OFF, heldBy: UUID, targetPowerState: PowerTarget.ON }),
  nodeWith({ name: 'n3', driverInfo: { ipmi_address: '10.0.0.3', ipmi_port: '623' }, labels: { rack: '7' } }),
  nodeWith({ name: 'n4', problem }),
];

async function shown(flags: ListFlags, captured: Captured = openCaptured(), nodes: readonly Node[] = NODES) {
  await showList(NODE_LIST, async () => nodes, flags, callOf(captured, flags.output === 'json'));
  return captured.stdout().trimEnd().split('\n');
}

test('a table has short ids and a summary; wide has all', async (t) => {
  const [head, , second, , fourth, summary] = await shown({});
  t.regex(head ?? '', /^NAME +POWER +TARGET +HELD BY +MAINTENANCE +ZONE +DRIVER +READ +PROBLEM$/);
  t.regex(second ?? '', / 6ababb38 /);
  t.regex(fourth ?? '', /^n4 +power on \(not readable now\) .* BMC_SILENT$/);
  t.is(summary, '4 nodes: 2 on, 1 off, 1 cannot be read');
  const wide = await shown({ output: 'wide' });
  t.regex(wide[0] ?? '', /PROBLEM +FROZEN +BMC +LABELS +UUID +CREATED$/);
  t.true(wide[2]?.includes(UUID));
  t.regex(wide[3] ?? '', /10\.0\.0\.3:623 +rack=7/);
});

test('name, json and yaml', async (t) => {
  t.deepEqual(await shown({ output: 'name' }), ['n1', 'n2', 'n3', 'n4']);
  const objects = (await shown({ output: 'json' })).map((line) => JSON.parse(line));
  t.deepEqual(objects.map(({ name, powerState, maintenance }) => [name, powerState, maintenance]).at(1), [
    'n2',
    'OFF',
    false,
  ]);
  t.deepEqual(parse((await shown({ output: 'yaml' })).join('\n')), objects);
});

test('columns by name, whether shown otherwise or not; without heads there are only rows', async (t) => {
  const flags = { columns: ['name,held_by', 'BMC'], headers: false };
  t.deepEqual(await shown(flags), ['n1', `n2   ${UUID}`, `n3${' '.repeat(42)}10.0.0.3:623`, 'n4']);
  await t.throwsAsync(shown({ columns: ['nmae'] }), {
    message: /^--columns: nodes have no column 'nmae'; the columns are name, power, target, held_by,/,
  });
});

test('sorted by any column, both ways', async (t) => {
  const named = async (sort: string) => (await shown({ sort, output: 'name' })).join(' ');
  t.is(await named('power'), 'n2 n1 n3 n4');
  t.is(await named('name:desc'), 'n4 n3 n2 n1');
  await t.throwsAsync(shown({ sort: 'name:up' }), { message: /^--sort: 'name:up' is not COLUMN, COLUMN:asc or/ });
  await t.throwsAsync(shown({ sort: 'size' }), { message: /^--sort: nodes have no column 'size'/ });
});

test('an empty list', async (t) => {
  t.deepEqual(await shown({}, openCaptured(), []), ['no nodes']);
  t.deepEqual(await shown({ headers: false }, openCaptured(), []), ['']);
  t.deepEqual(await shown({ output: 'json' }, openCaptured(), []), ['']);
});

test('folded: one line for each state', async (t) => {
  t.deepEqual(await shown({ fold: true }), ['n[1,3]: on', 'n2: off', 'n4: cannot be read (BMC_SILENT)']);
});

/** A list on a terminal of this width. */
async function onTerminal(t: ExecutionContext, columns: number, flags: ListFlags = {}): Promise<string[]> {
  const nodes = [
    ...NODES,
    nodeWith({
      name: 'a-node-with-a-long-name',
      problem: { code: 'BMC_IS_ANOTHER', since: new Date(0) },
      maintenance: true,
    }),
  ];
  const lines = await shown(flags, openCaptured(true, {}, [], columns), nodes);
  t.true(lines.some((line) => line.startsWith('a-node-with-a-long-name')));
  return lines;
}

test('it fits the terminal: what is spare is left out, then cells are cut; names and problems stay', async (t) => {
  for (const columns of [60, 80, 100, 132]) {
    const lines = await onTerminal(t, columns);
    for (const line of lines) t.true(line.length <= columns, `${columns}: ${line}`);
    t.regex(lines[0] ?? '', /^NAME +POWER .*PROBLEM$/);
  }
  t.regex((await onTerminal(t, 80))[5] ?? '', /BMC_IS/);
  t.regex((await onTerminal(t, 200))[0] ?? '', /HELD BY +MAINTENANCE/);
});

test('colours tell what is on, doubtful and bad; they go to terminals that want them', async (t) => {
  const captured = openCaptured();
  await showList(NODE_LIST, async () => NODES, {}, callOf(captured, false, true));
  const text = captured.stdout();
  t.true(text.includes('\u001b[32mpower on\u001b[0m'));
  t.true(text.includes('\u001b[33mpower on (not readable now)\u001b[0m'));
  t.true(text.includes('\u001b[31mBMC_SILENT\u001b[0m'));
  const tty = openCaptured(true).terminal.stdout;
  const pipe = openCaptured(false).terminal.stdout;
  t.true(isColoured('auto', {}, tty));
  t.false(isColoured('auto', {}, pipe));
  t.false(isColoured('auto', { NO_COLOR: '1' }, tty));
  t.false(isColoured('auto', { TERM: 'dumb' }, tty));
  t.true(isColoured('auto', { NO_COLOR: '' }, tty));
  t.true(isColoured('always', { NO_COLOR: '1' }, pipe));
  t.false(isColoured('never', {}, tty));
});

test('what a BMC says cannot steer the terminal', async (t) => {
  const evil = [nodeWith({ name: 'n1', zone: '\u001b[2Jeast\nwest', problem: { code: 'A\u0007B' } })];
  for (const flags of [{}, { output: 'wide' }, { fold: true }, { output: 'yaml' }] as const)
    t.notRegex((await shown(flags, openCaptured(), evil)).join(''), /\p{Cc}/u);
});

test('watched without a terminal: the list again whenever it has changed; JSON has what has changed', async (t) => {
  const off = nodeWith({ name: 'n1', powerState: PowerState.OFF });
  const answers = [[NODES[0]], [NODES[0]], [off, NODES[2]]] as Node[][];
  for (const [output, printed] of [
    ['name', ['n1', '', 'n1', 'n3']],
    ['json', ['n1', 'n1', 'n3']],
  ] as const) {
    const clock = new VirtualClock(() => false);
    const captured = openCaptured();
    let asked = 0;
    const ask = async (): Promise<Node[]> => {
      const answer = answers[asked] ?? [];
      asked += 1;
      if (asked > answers.length) captured.interrupt.abort(fail('CALL_ENDED', 'Ctrl-C'));
      return asked > answers.length ? (answers.at(-1) ?? []) : answer;
    };
    const watching = showList(
      NODE_LIST,
      ask,
      { output, watch: '5' },
      { ...callOf(captured, output === 'json'), clock },
    );
    const ended = t.throwsAsync(watching, { message: 'Ctrl-C' });
    for (let turn = 0; turn < 4; turn += 1) await clock.turn(5000);
    await ended;
    const lines = captured.stdout().trimEnd().split('\n');
    t.deepEqual(output === 'json' ? lines.map((line) => JSON.parse(line).name) : lines, printed as unknown as string[]);
  }
});
