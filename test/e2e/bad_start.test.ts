/**
 * What keeps a daemon from starting, and a command from asking: a sentence on stderr, an exit code, and soon. One of each kind runs as a
 * process, which ends by itself; the sentences of the others are told in this one.
 */

import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newFolder } from '../counterparts/folder.ts';
import { openHouse } from './house.ts';
import { enrolSim } from './orders.ts';
import { type CommandResult, run, runHere, type Variables } from './processes.ts';

/** The words end with this exit code and one sentence on stderr, below which stands what can be done, and say nothing on stdout. */
async function endsWith(
  t: ExecutionContext,
  words: readonly string[],
  exitCode: number,
  sentence: RegExp,
  variables: Variables = {},
): Promise<void> {
  told(t, words, await runHere(words, variables), exitCode, sentence);
}

/** The same as a process. */
async function processEndsWith(
  t: ExecutionContext,
  words: readonly string[],
  exitCode: number,
  sentence: RegExp,
): Promise<void> {
  told(t, words, await run(t, words), exitCode, sentence);
}

function told(
  t: ExecutionContext,
  words: readonly string[],
  { stdout, stderr, ...ended }: CommandResult,
  exitCode: number,
  sentence: RegExp,
): void {
  const what = `countermand ${words.join(' ')}\n${stderr}`;
  t.is(ended.exitCode, exitCode, what);
  t.is(stdout, '', what);
  // What can be done about it is below the sentence, indented; a conductor has logged that it stops.
  t.deepEqual(
    stderr
      .split('\n')
      .filter((line) => words[0] !== 'serve' || !line.startsWith('{'))
      .slice(1)
      .filter((line) => !line.startsWith('  ')),
    [],
    what,
  );
  t.regex(stderr, sentence, what);
}

const serve = (data: string, ...more: string[]): string[] => [
  'serve',
  ...['--data', data, '--listen', `${ownAddress()}:0`, '--http-listen', 'none'],
  ...more,
];

test('a data folder that cannot be written', async (t) => {
  const file = join(await newFolder(t), 'file');
  await writeFile(file, '');
  const says = new RegExp(`^error: the data folder ${file}/data cannot be used: .*; choose another \\(data\\)$`);
  await processEndsWith(t, serve(`${file}/data`), 5, says);
});

test('a second conductor on the same data folder', async (t) => {
  const house = await openHouse(t);
  const says = new RegExp(
    `another conductor uses the data folder ${house.data}; stop it, or choose another \\(data\\)`,
  );
  await processEndsWith(t, serve(house.data), 5, says);
  await enrolSim(t, house, 'the first one goes on'.replaceAll(' ', '-'));
  await house.kill('conductor');
  await house.start('conductor');
});

test('a database that a newer version has written', async (t) => {
  const house = await openHouse(t, { here: true });
  house.conductor.signal('SIGTERM');
  await house.conductor.ended;
  const path = join(house.data, 'countermand.db');
  const database = new BetterSqlite3(path);
  database.exec("insert into knex_migrations (name, batch) values ('9999_from_the_future', 9)");
  const tables = () => database.prepare('select name, sql from sqlite_master order by name').all();
  const before = tables();
  await endsWith(t, serve(house.data), 5, /has a change 9999_from_the_future that this version does not know/);
  t.deepEqual(tables(), before);
  database.exec("delete from knex_migrations where name like '9999%'");
  database.close();
  await house.start('conductor');
});

test('a port that is in use', async (t) => {
  const other = createServer().listen(0, ownAddress());
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as { port: number };
  const data = await newFolder(t);
  const says = new RegExp(
    `^error: cannot listen on ${ownAddress()}:${port}: .*; choose another address \\(listen\\)$`,
    'm',
  );
  await processEndsWith(t, ['serve', '--data', data, '--listen', `${ownAddress()}:${port}`], 6, says);
});

test('a configuration that is wrong', async (t) => {
  const folder = await newFolder(t);
  const data = join(folder, 'data');
  const config = join(folder, 'countermand.yaml');
  const withFile = async (text: string, sentence: RegExp): Promise<void> => {
    await writeFile(config, text);
    await endsWith(t, serve(data, '--config', config), 2, sentence);
  };
  await withFile(
    'agent_leese: 5\n',
    new RegExp(`${config}: agent_leese is no key; the keys are listen, http_listen, `),
  );
  await withFile('agent_lease: soon\n', /agent_lease must be a number of seconds from 0.1 to \d+; given: "soon"/);
  await withFile('agent_lease: [\n', /is not valid YAML/);
  await rm(config);
  await endsWith(t, serve(data, '--config', config), 2, /countermand.yaml cannot be read/);
  await processEndsWith(
    t,
    serve(data, '--agent-lease', '0'),
    2,
    /--agent-lease must be a number of seconds .*; given: 0/,
  );
  await endsWith(t, serve(data, '--no-such-flag'), 2, /unknown option '--no-such-flag'/);
  const variables = { COUNTERMAND_START_TIMEOUT: '-1' };
  await endsWith(t, serve(data), 2, /COUNTERMAND_START_TIMEOUT must be .*; given: -1/, variables);
  await t.throwsAsync(rm(data, { recursive: true }), { code: 'ENOENT' }, 'nothing was made');
});

test('a conductor that is not there', async (t) => {
  const closed = createServer().listen(0, ownAddress());
  await once(closed, 'listening');
  const address = `${ownAddress()}:${(closed.address() as { port: number }).port}`;
  closed.close();
  await once(closed, 'close');
  const says = new RegExp(`no conductor answers at ${address} .*; start one with 'countermand serve', or name another`);
  await processEndsWith(t, ['--conductor', address, 'node', 'list'], 6, says);
  await endsWith(t, ['node', 'power', 'n1', 'soft_off'], 6, says, { COUNTERMAND_CONDUCTOR: address });
});

test('an agent without the files that it needs', async (t) => {
  const missing = join(await newFolder(t), 'missing');
  const agent = ['agent', '--conductor', 'c.example:7077'];
  await endsWith(
    t,
    [...agent, '--token-file', missing],
    2,
    /^error: token_file: .*\/missing cannot be read \(ENOENT\)$/,
  );
  await endsWith(t, [...agent, '--ca', missing], 2, /^error: ca: .*\/missing cannot be read \(ENOENT\)$/);
});

test('commands that the command line or the conductor refuses', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrolSim(t, house, 'n1');
  const ask = (words: string, exitCode: number, sentence: RegExp): Promise<void> =>
    endsWith(t, ['--conductor', house.address, ...words.split(' ')], exitCode, sentence);
  await Promise.all([
    ask('node show nosuch', 3, /^error: there is no node 'nosuch'\n {2}list them: countermand .*node list$/),
    ask('node power n1 frobnicate', 2, /'frobnicate' is not a target; the targets are on, off, reboot/),
    ask('node power n1 soft_off --timeout 0', 2, /--timeout: '0' is not a time/),
    ask('node power n[1-2] soft_off', 3, /^error: there is no node 'n2'/),
    ask('node create n1 --driver ipmi --info ipmi_address=127.0.0.9', 4, /there is a node 'n1' already/),
    ask('node create n2 --driver ipmi --info ipmi_address', 2, /--info: 'ipmi_address' is not KEY=VALUE/),
  ]);
  await ask('node refresh r7n[1-16]', 3, /there is no node 'r7n1'.*nothing was done/);
  const { stderr } = await runHere(['--conductor', house.address, '--json', 'node', 'show', 'nosuch']);
  t.like(JSON.parse(stderr), { error: { code: 'NODE_NOT_FOUND' } });
});
