/** Selectors: what the words and flags of a command line select, on every command that takes them. */
import test, { type ExecutionContext } from 'ava';
import { buildProgram } from '../../../src/cli/program.ts';
import { rangesIn, WHICH_NODES } from '../../../src/cli/shared/selection.ts';
import { expandRanges } from '../../../src/core/ranges.ts';
import { openHouse } from '../../e2e/house.ts';
import { runHere } from '../../e2e/processes.ts';
import { openCaptured } from '../captured.ts';

const WORDS: readonly (readonly [words: string[], names: string])[] = [
  [['n1'], 'n1'],
  [['n1', 'n2'], 'n1 n2'],
  [['n1,n2'], 'n1 n2'],
  [['n1,', 'n2'], 'n1 n2'],
  [['n1, n2'], 'n1 n2'],
  [['n1 n2'], 'n1 n2'],
  [['n1 ,n2 , n3 '], 'n1 n2 n3'],
  [['r[1-2]n[01-02]'], 'r1n01 r1n02 r2n01 r2n02'],
  [['r1n[1, 3]', 'r2n[1-2],x'], 'r1n1 r1n3 r2n1 r2n2 x'],
  [['n1', 'n[1-2]'], 'n1 n2'],
];
for (const [words, names] of WORDS)
  test(`${JSON.stringify(words)} selects ${names}`, (t) => t.is(expandRanges(rangesIn(words)).join(' '), names));

for (const words of [[''], ['  '], [','], ['n1', ''], ['n1,,n2'], ['n[1'], ['n[a]']])
  test(`${JSON.stringify(words)} is refused`, (t) => {
    t.throws(() => expandRanges(rangesIn(words)), { message: /^node range/ });
  });

/** Nodes in two racks and zones; r2n2 is off, and r2n3 cannot be read. */
async function openFleet(t: ExecutionContext) {
  const house = await openHouse(t, { here: true });
  const { client, address } = house;
  const node = async (name: string, labels: Record<string, string>, info: Record<string, string> = {}) => {
    const driverInfo = { fake_address: name, fake_soft_ms: '0', ...info };
    await client.nodes.createNode({ name, driver: 'fake', driverInfo, labels });
  };
  await node('r1n1', { rack: '1', row: 'a' });
  await node('r1n2', { rack: '1', row: 'b' });
  await node('r2n2', { rack: '2', row: 'b' }, { fake_power_state: 'off' });
  await node('r2n3', { rack: '2', row: 'c' }, { fake_fault: 'refuse' });
  const run = (...words: string[]) => runHere(words, { COUNTERMAND_CONDUCTOR: address });
  await run('node', 'refresh', '--all');
  return { house, client, run };
}

test('flags choose among all nodes, and among those that are named; what is empty is refused', async (t) => {
  const { run, client } = await openFleet(t);
  const listed = async (...words: string[]) => {
    const { stdout, stderr } = await run('node', 'list', '-o', 'name', ...words);
    return stdout.replaceAll('\n', ' ') || stderr;
  };
  const LISTS: readonly (readonly [line: string, names: string | RegExp])[] = [
    ['', 'r1n1 r1n2 r2n2 r2n3'],
    ['-l rack=1', 'r1n1 r1n2'],
    ['-l rack=1 -l row=b', 'r1n2'],
    ['--label rack=1,row=b', 'r1n2'],
    ['r1n[1-2] r2n2 -l row=b', 'r1n2 r2n2'],
    ['--state on', 'r1n1 r1n2'],
    ['--state off', 'r2n2'],
    ['--failing', 'r2n3'],
    ['--driver fake --zone default --state off', 'r2n2'],
    ['--zone north', ''],
    ['r1n1 r9n9', /there is no node 'r9n9'/],
    ['-l rack', /-l: 'rack' is not KEY=VALUE/],
  ];
  for (const [line, names] of LISTS) {
    const found = await listed(...line.split(' ').filter((word) => word !== ''));
    if (typeof names === 'string') t.is(found, names, line);
    else t.regex(found, names, line);
  }
  const before = JSON.stringify((await client.nodes.listNodes({})).nodes);
  const REFUSED: readonly (readonly [line: string, code: number, says: RegExp])[] = [
    ['node power off --yes', 2, /no node is selected; give names.*--all is every node/],
    ['node power -l rack=9 off --yes', 3, /no node is labelled rack=9; nothing was done/],
    ['node power r1n1 -l rack=2 off --yes', 3, /no node is one of r1n1 and labelled rack=2/],
    ['node power r1n1 --all off --yes', 2, /--all is every node; leave out/],
    ['abort', 2, /no node is selected; give names.*--all is every node/],
    ['abort -l rack=9', 3, /no node is labelled rack=9; nothing was done/],
    ['abort --all r1n1', 2, /--all is every node; leave out/],
    ['node delete --yes', 2, /no node is selected/],
    ['node delete --all -l rack=1 --yes', 2, /--all is every node; leave out/],
    ['node delete --in-zone x --yes', 2, /unknown option/],
    ['node set --maintenance on', 2, /no node is selected/],
    ['node set --zone north', 2, /no node is selected/],
    ['node set --with-label rack=1 --name x', 2, /--name is a name for one node, and 2 are selected/],
    ['node set --with-label rack=1', 2, /nothing to set/],
    ['node refresh', 2, /no node is selected/],
    ['node show --state unknown -l rack=1', 3, /no node is labelled rack=1 and in power state unknown/],
    ['node watch', 2, /no node is selected/],
    ['node report service.update', 2, /no node is selected/],
    ['audit create --name a --strategy dummy -l rack=9 --driver fake', 3, /no node is labelled rack=9 and of driver/],
  ];
  for (const [line, code, says] of REFUSED) {
    const { exitCode, stderr } = await run(...line.split(' '));
    t.regex(stderr, says, line);
    t.is(exitCode, code, line);
  }
  t.is(JSON.stringify((await client.nodes.listNodes({})).nodes), before, 'nothing was changed');
});

test('one command for many nodes', async (t) => {
  const { run, client } = await openFleet(t);
  const said = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await run(...words);
    t.is(exitCode, 0, `${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  await said('node', 'set', '-l', 'rack=1', '--maintenance', 'on', '--label', 'rack=3');
  t.is(await said('node', 'list', '-l', 'rack=3', '-o', 'name'), 'r1n1\nr1n2');
  t.regex(await said('node', 'show', 'r1n1', 'r2n2'), /name +r1n1\n[\s\S]*\n\nname +r2n2\n/);
  t.regex(await said('node', 'refresh', '--state', 'off', 'r2n2, r1n1'), /^r2n2: power off\n1 read, 0 not read$/);
  t.regex(await said('node', 'power', 'r1n1,', 'r1n2', 'soft_off'), /2 of 2 done/);
  t.is(await said('node', 'list', '--state', 'off', '-o', 'name'), 'r1n1\nr1n2\nr2n2');
  await said('node', 'power', '-l', 'rack=3', '--state', 'off', 'on');
  t.regex(
    await said('node', 'report', 'service.update', '-l', 'rack=3'),
    /^recorded as revision \d+ of the cluster model/,
  );
  const [changed] = (await client.nodes.listModelChanges({ pageSize: 1 })).changes;
  t.is(changed?.what, 'service.update');
  await said('audit', 'create', '--name', 'by label', '--strategy', 'dummy', '-l', 'rack=3');
  t.deepEqual((await client.audits.getAudit({ audit: 'by label' })).audit?.scope, [
    { baremetal: [{ labels: { rack: '3' } }] },
  ]);
  await said('audit', 'create', '--name', 'resolved', '--strategy', 'dummy', '-l', 'rack=3', '--state', 'on');
  t.deepEqual((await client.audits.getAudit({ audit: 'resolved' })).audit?.scope, [
    { baremetal: [{ nodes: ['r1n[1-2]'] }] },
  ]);
  const half = await run('node', 'delete', 'r1n[1-2]', 'r9n9', '--yes');
  t.is(half.exitCode, 3);
  t.regex(half.stderr, /there is no node 'r9n9'; nothing was done/);
  t.is(await said('node', 'list', '-o', 'name'), 'r1n1\nr1n2\nr2n2\nr2n3');
  const moved = await run('node', 'set', '--all', '--zone', 'north');
  t.regex(
    moved.stderr,
    /4 of 4 nodes could not be changed: .*; r1n1: no agent with driver 'fake' is attached for zone n/,
  );
  await said('node', 'delete', '-l', 'rack=3', '--yes');
  t.is(await said('node', 'list', '-o', 'name'), 'r2n2\nr2n3');
});

test('node watch prints nodes, then a line for each change', async (t) => {
  const { house, client } = await openFleet(t);
  const { terminal, stdout, interrupt } = openCaptured(false, { COUNTERMAND_CONDUCTOR: house.address });
  const { runCommandLine } = await import('../../../src/cli/program.ts');
  const shown = new Promise<void>((resolve) => {
    terminal.stdout.on('data', () => stdout().includes('in maintenance') && resolve());
    terminal.stdout.once('data', () => void client.nodes.updateNode({ node: 'r1n1', maintenance: true }));
  });
  const ended = runCommandLine(['node', 'watch', 'r1n1'], terminal);
  await shown;
  interrupt.abort((await import('../../../src/core/errors.ts')).fail('CALL_ENDED', 'stopped'));
  await ended;
  t.regex(stdout(), /^r1n1: power on\nr1n1: power on; in maintenance\n$/);
});

test('the commands that take several nodes all have the selectors', async (t) => {
  const program = await buildProgram(openCaptured().terminal);
  const of = (group: string) => program.commands.find((command) => command.name() === group)?.commands ?? [];
  const takesMany = [...program.commands, ...of('node'), ...of('audit')].filter(({ registeredArguments }) =>
    registeredArguments.some(({ description }) => description.startsWith(WHICH_NODES)),
  );
  const names = takesMany.map((command) => command.name()).sort();
  t.deepEqual(names, ['abort', 'delete', 'export', 'list', 'power', 'refresh', 'report', 'set', 'show', 'watch']);
  for (const command of takesMany)
    for (const flag of ['--driver', '--state', '--failing'])
      t.true(
        command.options.some(({ long }) => long === flag),
        `${command.name()} ${flag}`,
      );
});
