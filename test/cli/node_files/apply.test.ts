/** `node export`, `import` and `apply` against a conductor: whole or not at all, the same twice, and what each says. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { newFolder } from '../../counterparts/folder.ts';
import { openHouse } from '../../e2e/house.ts';
import { runHere } from '../../e2e/processes.ts';

async function openDesk(t: ExecutionContext) {
  const variables = { COUNTERMAND_SECRET_N2: 'secret of n2' };
  const { client, address } = await openHouse(t, { here: true, variables });
  const folder = await newFolder(t);
  const run = (...words: string[]) => runHere(words, { COUNTERMAND_CONDUCTOR: address });
  return {
    client,
    run,
    /** Writes a file and runs a command about it. */
    async file(command: 'import' | 'apply', content: unknown, ...flags: string[]) {
      const isTable = typeof content === 'string' && content.startsWith('name,');
      const path = join(folder, isTable ? 'nodes.csv' : 'nodes.yaml');
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
      return run('node', command, path, ...flags);
    },
    async stored() {
      return JSON.stringify(
        (await client.nodes.listNodes({})).nodes.map(({ name, uuid, revision }) => [name, uuid, revision]),
      );
    },
    async fields(name: string) {
      const { node } = await client.nodes.getNode({ node: name });
      return node;
    },
  };
}

const node = (name: string, more: object = {}, info: object = {}) => ({
  name,
  driver: 'fake',
  driver_info: { fake_address: name, fake_password: `secret of ${name}`, ...info },
  ...more,
});

test('a file is enrolled, changes nothing the second time, and then only what differs', async (t) => {
  const { file, fields, stored, run } = await openDesk(t);
  const all = [
    node('n1', { labels: { rack: '7' } }),
    node('n2', { maintenance: true, maintenance_reason: 'new' }),
    node('n3'),
  ];
  const dry = await file('import', all, '--dry-run');
  t.is(dry.exitCode, 0, dry.stderr);
  t.is(
    dry.stdout,
    ['n1', 'n2', 'n3'].map((name) => `${name}: would be enrolled, fake at ${name}\n`).join('') +
      '3 nodes: 3 would be enrolled, 0 would be changed, 0 unchanged; nothing was written',
  );
  t.is(await stored(), '[]');
  const first = await file('import', all);
  t.is(first.exitCode, 0, first.stderr);
  t.regex(first.stdout, /n1: enrolled\n/);
  t.regex(first.stdout, /\n3 nodes: 3 enrolled, 0 changed, 0 unchanged$/);
  t.like(await fields('n2'), { maintenance: true, maintenanceReason: 'new', zone: 'default' });
  await run('node', 'refresh', '--all');
  const before = await stored();
  for (const command of ['import', 'apply'] as const) {
    const again = await file(command, all);
    t.is(again.exitCode, 0, again.stderr);
    t.is(again.stdout, '3 nodes: 0 enrolled, 0 changed, 3 unchanged');
    t.regex(again.stderr, /^the stored secrets of 3 nodes were not compared/);
  }
  t.is(await stored(), before, 'no row was written');
  const empty = await file('apply', [node('n1', { labels: { rack: '', spare: '' } })], '--dry-run');
  t.regex(empty.stdout, /^n1: would change: labels\.rack 7 -> '', labels\.spare set to ''\n/);
  const other = [node('n1', { labels: { rack: '8' } }), node('n2', {}, { fake_address: 'elsewhere' }), node('n4')];
  const refused = await file('import', other);
  t.is(refused.exitCode, 2);
  t.regex(
    refused.stderr,
    /2 faults; nothing was written\n {2}nodes\[0\]: node 'n1' is enrolled with a different labels\.rack; countermand node apply/,
  );
  t.is(await stored(), before);
  const shown = await file('apply', other, '--dry-run');
  t.regex(
    shown.stdout,
    /^n1: would change: labels\.rack 7 -> 8\nn2: would change: driver_info\.fake_address n2 -> elsewhere\nn4: would be enrolled/,
  );
  t.notRegex(shown.stdout + shown.stderr, /secret of/);
  t.is(await stored(), before);
  t.regex((await file('apply', other)).stdout, /3 nodes: 1 enrolled, 2 changed, 0 unchanged$/);
  t.like(await fields('n1'), { labels: { rack: '8' } });
  t.like((await fields('n2'))?.driverInfo, { fake_address: 'elsewhere', fake_password: '******' });
  const anew = await file('apply', other, '--secrets', '--dry-run');
  t.regex(anew.stdout, /^n1: would change: driver_info\.fake_password set anew\n/);
});

test('the whole file is checked before the first node is written, by the driver too', async (t) => {
  const { file, stored, client } = await openDesk(t);
  const old = { name: 'old', driver: 'fake', driverInfo: { fake_address: 'a', fake_password: 'p' } };
  const uuid = (await client.nodes.createNode(old)).node?.uuid ?? '';
  const before = await stored();
  const BAD: readonly (readonly [content: unknown, says: RegExp])[] = [
    [[node('n1'), node('n2', {}, { fake_colour: 'red' })], /nodes\[1\] \(n2\): driver_info has no key 'fake_colour'/],
    [[node('n1'), node('n 2')], /nodes\[1\] \(n 2\): name 'n 2' is not a name/],
    [
      [node('n1'), node('n2', { driver: 'ilo' })],
      /nodes\[1\] \(n2\): there is no driver 'ilo' in zone default; its agents offer fake/,
    ],
    [
      [node('n1'), node('n2', { zone: 'north' })],
      /nodes\[1\] \(n2\): no agent with driver 'fake' is attached for zone north/,
    ],
    [
      [node('n1'), node('n2', {}, { fake_address: 'n1' })],
      /nodes\[1\] \(n2\): it is behind the BMC of 'n1', nodes\[0\]: fake:\/\/n1; a BMC/,
    ],
    [
      [node('n1'), node('n2', {}, { fake_address: 'a' })],
      /nodes\[1\] \(n2\): node 'old' is reached through the same BMC/,
    ],
    [
      [node('n1'), { name: 'old', driver: 'fake', driver_info: { fake_address: 'b' } }],
      /nodes\[1\] \(old\): fake_address would change, and the stored fake_password/,
    ],
    [[node('n1'), node('old', { driver: 'ipmi' })], /nodes\[1\]: node 'old' has driver fake, and the file says ipmi/],
    [
      [node('n1'), node('old', { uuid: '11111111-2222-4333-8444-555555555555' })],
      /nodes\[1\]: node 'old' is enrolled with the uuid/,
    ],
    [
      [node('renamed', { uuid }, { fake_address: 'a' }), node('old', {}, { fake_address: 'of another machine' })],
      /nodes\[1\]: it means the enrolled node 'old' \([\da-f]{8}\), as nodes\[0\] does/,
    ],
    [
      [node('n1'), node('n2', {}, { fake_password: '******' })],
      /nodes\[1\]\.driver_info\.fake_password: '\*{6}' stands for a secret/,
    ],
    ['name,driver,fake_address\nn1,fake,n1\nn2,fake,n1', /line 3 \(n2\): it is behind the BMC of 'n1', line 2/],
  ];
  for (const [content, says] of BAD) {
    const { exitCode, stdout, stderr } = await file('apply', content);
    t.regex(stderr, says);
    t.regex(stderr, /a fault; nothing was written/);
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.is(await stored(), before);
  }
});

for (const format of ['yaml', 'json', 'csv', 'lines'])
  test(`what is exported as ${format} is what is imported elsewhere, but for the secrets`, async (t) => {
    const here = await openDesk(t);
    await here.file('import', [
      node('n1', { labels: { rack: '07', note: 'a, "b"', spare: '' } }),
      node('n2', { maintenance: true, maintenance_reason: 'new' }, { fake_password: 'env:COUNTERMAND_SECRET_N2' }),
    ]);
    const flags = format === 'lines' ? ['--json'] : ['--format', format];
    const { stdout, stderr } = await here.run('node', 'export', ...flags);
    t.regex(stderr, /secrets that the conductor keeps are not exported: fake_password \(1\)/);
    t.notRegex(stdout, /secret of|\*\*\*/);
    const kept = format === 'csv' ? { rack: '07', note: 'a, "b"' } : (await here.fields('n1'))?.labels;
    t.is(/labels without a value are not exported as CSV: spare \(1\)/.test(stderr), format === 'csv');
    const unchanged = await here.file('apply', stdout, ...(format === 'csv' ? [] : ['--format', 'yaml']));
    t.is(unchanged.stdout, '2 nodes: 0 enrolled, 0 changed, 2 unchanged');
    const there = await openDesk(t);
    const moved = await there.file('import', stdout);
    t.is(moved.exitCode, 0, moved.stderr);
    for (const name of ['n1', 'n2']) {
      const [one, other] = [await here.fields(name), await there.fields(name)];
      t.like(other, { uuid: one?.uuid, maintenance: one?.maintenance, zone: one?.zone });
      t.deepEqual(other?.labels, name === 'n1' ? kept : {});
    }
    t.is((await here.run('node', 'export', '--state', 'off')).stdout, '[]');
  });

test('hundreds of nodes, in one command', async (t) => {
  const { file, client } = await openDesk(t);
  const all = Array.from({ length: 300 }, (_, at) => node(`n${at + 1}`));
  const { exitCode, stdout, stderr } = await file('apply', all);
  t.is(exitCode, 0, stderr);
  t.regex(stdout, /300 nodes: 300 enrolled, 0 changed, 0 unchanged$/);
  t.is((await client.nodes.listNodes({ pageSize: 1000 })).nodes.length, 300);
});
