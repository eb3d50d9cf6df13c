/** Contexts: names for conductors, and which conductor a command asks. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runCommandLine } from '../../../src/cli/program.ts';
import { contextsFile } from '../../../src/cli/shared/contexts.ts';
import { type ReachOptions, reachOf } from '../../../src/cli/shared/place.ts';
import type { Environment } from '../../../src/cli/shared/terminal.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { openCaptured } from '../captured.ts';

/** A person with a configuration of their own. */
async function openPerson(t: ExecutionContext) {
  const folder = await newFolder(t);
  const environment = { XDG_CONFIG_HOME: folder };
  const run = async (...words: readonly string[]) => {
    const captured = openCaptured(false, environment);
    const exitCode = await runCommandLine(words, captured.terminal);
    return { exitCode, stdout: captured.stdout(), stderr: captured.stderr() };
  };
  return { environment, run, file: join(folder, 'countermand/contexts.json') };
}

const conductorOf = (options: ReachOptions, environment: Environment) => reachOf(options, environment).conductor;

const DEFAULT = '127.0.0.1:7077';

test('contexts are added, used, listed and deleted', async (t) => {
  const { run, environment, file } = await openPerson(t);
  t.is((await run('context', 'list')).stdout, 'no contexts\n');
  t.is(
    (await run('context', 'add', 'east', '--conductor', 'east:7077')).stdout,
    'context east: conductor east:7077, in use\n',
  );
  t.is((await stat(file)).mode & 0o777, 0o600);
  t.regex(
    (await run('context', 'add', 'west', '--conductor', 'west:7077')).stdout,
    /; countermand context use west\n$/,
  );
  t.is(conductorOf({}, environment), 'east:7077');
  t.is((await run('context', 'use', 'west')).exitCode, 0);
  t.is(conductorOf({}, environment), 'west:7077');
  t.is(
    (await run('context', 'list')).stdout,
    'CURRENT   NAME   CONDUCTOR\n          east   east:7077\n*         west   west:7077\n',
  );
  t.deepEqual(JSON.parse((await run('context', 'list', '--json')).stdout.split('\n')[0] ?? ''), {
    name: 'east',
    conductor: 'east:7077',
    current: false,
  });
  t.is(
    (await run('context', 'add', 'west', '--conductor', 'west:7078')).stdout,
    'context west: conductor west:7078, in use\n',
  );
  t.regex((await run('context', 'delete', 'west')).stdout, /none is in use now/);
  t.is(conductorOf({}, environment), DEFAULT);
});

test('which conductor is asked: the options, then the variable, then the context in use, then this host', async (t) => {
  const { run, environment } = await openPerson(t);
  t.is(conductorOf({}, environment), DEFAULT);
  await run('context', 'add', 'east', '--conductor', 'east:7077');
  await run('context', 'add', 'west', '--conductor', 'west:7077');
  const variable = { ...environment, COUNTERMAND_CONDUCTOR: 'variable:1' };
  t.is(conductorOf({}, variable), 'variable:1');
  t.is(conductorOf({ context: 'west' }, variable), 'west:7077');
  t.is(conductorOf({ conductor: 'option:1' }, variable), 'option:1');
  t.throws(() => conductorOf({ conductor: 'option:1', context: 'west' }, environment), { code: 'ARGUMENT_INVALID' });
  const { exitCode, stderr } = await run('node', 'list', '--context', 'nrth');
  t.is(exitCode, 2);
  t.is(stderr, "error: there is no context 'nrth'; there are east, west\n");
});

test('what is wrong is refused, and changes nothing', async (t) => {
  const { run, file } = await openPerson(t);
  await run('context', 'add', 'east', '--conductor', 'east:7077');
  const before = await readFile(file, 'utf8');
  for (const words of [
    ['add', 'no good', '--conductor', 'a:1'],
    ['add', 'north'],
    ['add', 'north', '--conductor', 'north'],
    ['use', 'north'],
    ['delete', 'north'],
  ])
    t.is((await run('context', ...words)).exitCode, 2, words.join(' '));
  t.is(await readFile(file, 'utf8'), before);
});

test('a broken file is told, unless the conductor is named', async (t) => {
  const { environment, file } = await openPerson(t);
  await mkdir(join(file, '..'), { recursive: true });
  for (const text of ['{', '[]', '{"contexts":{"a":{}}}', '{"current":3,"contexts":{}}', 'null']) {
    await writeFile(file, text);
    t.throws(() => conductorOf({}, environment), {
      code: 'ARGUMENT_INVALID',
      message: /contexts\.json is no file of contexts/,
    });
    t.is(conductorOf({ conductor: 'a:1' }, environment), 'a:1');
  }
});

test('where they lie', (t) => {
  t.is(contextsFile({ HOME: '/home/me' }), '/home/me/.config/countermand/contexts.json');
  t.is(contextsFile({ HOME: '/home/me', XDG_CONFIG_HOME: '/etc/me' }), '/etc/me/countermand/contexts.json');
  t.is(contextsFile({ HOME: '/home/me', XDG_CONFIG_HOME: 'relative' }), '/home/me/.config/countermand/contexts.json');
  t.is(contextsFile({}), null);
});
