/** `npm pack` gives a tarball that installs without a network and runs on Node 24 alone. */
import { type ExecFileException, execFile } from 'node:child_process';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Installed, install, PATH } from '../../scripts/package/pack.ts';
import { newFolder } from '../counterparts/folder.ts';
import { LISTENING, startProgram } from '../e2e/processes.ts';
import { ROOT } from '../tidy/sources.ts';
import { sharedTarball } from './made.ts';

const tarballOf = sharedTarball();

let installed: Promise<Installed> | null = null;

/** Where the package is installed, for all tests of this file. */
async function installedOnce(): Promise<Installed> {
  const { folder, tarball } = await tarballOf();
  installed ??= install(tarball, folder);
  return installed;
}

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the installed command to its end. */
async function countermand(words: readonly string[], variables: Record<string, string> = {}): Promise<Ended> {
  const { bin, root } = await installedOnce();
  // Beside the package, as at home: what V8 has compiled is compiled once.
  const env = { PATH, HOME: '/nonexistent', XDG_CACHE_HOME: join(root, '../../cache'), ...variables };
  return new Promise((resolve) => {
    execFile(bin, words, { env }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

test('the tarball has bin, dist, proto and docs, beside what every package has', async (t) => {
  const { files } = (await tarballOf()).tarball;
  const tops = new Set(files.map((path) => path.replace(/\/.*/, '')));
  const wanted = ['CHANGELOG.md', 'LICENSE', 'NOTICE', 'README.md', 'bin', 'dist', 'docs', 'package.json', 'proto'];
  t.deepEqual([...tops].sort(), wanted);
  for (const path of ['bin/countermand', 'dist/main.js', 'dist/NOTICES.txt', 'docs/cli.md', 'docs/decisions/README.md'])
    t.true(files.includes(path), path);
  for (const file of [/^index\.html$/, /^main-\w+\.js$/, /^style-\w+\.css$/, /^icon\.svg$/])
    t.is(files.filter((path) => path.startsWith('dist/console/') && file.test(path.slice(13))).length, 1, `${file}`);
  t.is(files.filter((path) => path.startsWith('dist/console/')).length, 4);
  const contract = files.filter((path) => path.startsWith('proto/'));
  t.true(contract.includes('proto/countermand/v1/node.proto'));
  t.true(contract.every((path) => path.endsWith('.proto')));
});

test('it needs no other package and no network, and npm has nothing to warn of', async (t) => {
  const { said, root } = await installedOnce();
  t.regex(said, /^\s*added 1 package in \S+\s*$/);
  const beside = await readdir(join(root, '..'));
  t.deepEqual(
    beside.filter((name) => !name.startsWith('.')),
    ['countermand'],
  );
  const { dependencies = {}, license } = await readJson(join(root, 'package.json'));
  t.deepEqual(dependencies, {}, 'the bundle contains what it needs: packages that src imports are devDependencies');
  t.is(license, 'Apache-2.0');
});

test('it says its version and its help', async (t) => {
  const { version } = await readJson(join(ROOT, 'package.json'));
  t.deepEqual(await countermand(['--version']), { exitCode: 0, stdout: `${version}\n`, stderr: '' });
  const help = await countermand(['--help']);
  t.is(help.exitCode, 0);
  t.regex(help.stdout, /^Usage: countermand /);
});

for (const version of ['v20.20.2', 'v22.22.0'])
  test(`on Node ${version} it says in one sentence what it needs`, async (t) => {
    const folder = await newFolder(t);
    await writeFile(join(folder, 'node'), `#!/bin/sh\necho ${version}\n`);
    await chmod(join(folder, 'node'), 0o755);
    const ended = await countermand(['--version'], { PATH: `${folder}:/usr/bin:/bin` });
    const stderr = `error: countermand needs Node 24 or later, and finds ${version}; install it\n`;
    t.deepEqual(ended, { exitCode: 1, stdout: '', stderr });
  });

/** What a conductor says of its HTTP door. */
const HTTP = /^countermand: HTTP on (\S+)$/;

/** Starts the installed command and resolves with the line that `tells`. */
async function startInstalled(
  t: ExecutionContext,
  words: readonly string[],
  tells: (line: string) => boolean,
): Promise<string> {
  const { said } = startProgram(t, [(await installedOnce()).bin], words, { PATH });
  return said.until(`${words.join(' ')} to be ready`, tells);
}

test('a conductor serves from it, enrols simulated BMCs and orders their power', async (t) => {
  const data = join(await newFolder(t), 'data');
  const serve = ['serve', '--data', data, '--listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0'];
  const { said } = startProgram(t, [(await installedOnce()).bin], serve, { PATH });
  const address = LISTENING.exec(await said.until('it listens', (line) => LISTENING.test(line)))?.[1] ?? '';
  const http = HTTP.exec(await said.until('its HTTP door', (line) => HTTP.test(line)))?.[1];
  const page = await (await fetch(`http://${http}/console`)).text();
  const [, script = ''] = /src="(\/console\/main-\w+\.js)"/.exec(page) ?? [];
  t.is((await fetch(`http://${http}${script}`)).headers.get('content-type'), 'text/javascript; charset=utf-8');
  const any = ['--first-port', '0'];
  const enrol = await startInstalled(t, ['sim', 'ipmi', '--nodes', '1', ...any], (line) =>
    line.includes('node create'),
  );
  const words = enrol.slice(enrol.indexOf('node create')).split(' ');
  const ask = (...more: readonly string[]) => countermand([...more, '--conductor', address]);
  const created = await ask(...words);
  t.is(created.exitCode, 0, created.stderr);
  const [, , name = ''] = words;
  const ordered = await ask('node', 'power', name, 'off', '--yes');
  t.is(ordered.exitCode, 0, ordered.stderr);
  t.regex(ordered.stdout, /power off SUCCEEDED/);
  t.regex((await ask('node', 'list')).stdout, /power off/);
});

test('the other simulators run from it', async (t) => {
  const any = ['--first-port', '0'];
  const tells = (line: string): boolean => line.includes('node create');
  const irmc = ['sim', 'irmc', ...any, '--first-snmp-port', '0', '--first-ipmi-port', '0'];
  t.regex(await startInstalled(t, irmc, tells), /--driver irmc/);
  t.regex(await startInstalled(t, ['sim', 'redfish', ...any, '--like', 'dell-idrac9-r750'], tells), /--driver redfish/);
});
