/** bin/countermand as a process. */
import { type ExecFileException, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';

const BIN = fileURLToPath(new URL('../../bin/countermand', import.meta.url));
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const MANIFEST = new URL('../../package.json', import.meta.url);
const SYSTEM_PATH = '/usr/bin:/bin';

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, words: readonly string[], options: { cwd?: string; PATH?: string } = {}): Promise<Ended> {
  const env = { PATH: options.PATH ?? SYSTEM_PATH };
  return new Promise((resolve) => {
    execFile(file, words, { cwd: options.cwd, env }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'countermand-bin-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A program of a few lines of shell. */
function program(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

test('it runs from any folder, through links, and from the PATH', async (t) => {
  const folder = folderOf(t);
  symlinkSync(BIN, join(folder, 'first'));
  symlinkSync('first', join(folder, 'countermand'));
  const direct = await run(BIN, ['--version'], { cwd: folder });
  t.regex(direct.stdout, /^\d+\.\d+\.\d+/);
  t.deepEqual(await run(join(folder, 'countermand'), ['--version'], { cwd: '/' }), direct);
  t.deepEqual(await run('countermand', ['--version'], { PATH: `${folder}:${SYSTEM_PATH}` }), direct);
});

test('failures have their exit codes', async (t) => {
  t.is((await run(BIN, ['node', 'list', '--conductor', '127.0.0.1:1'])).exitCode, 6);
  t.is((await run(BIN, ['nod'])).exitCode, 2);
});

test('a reader that goes away is a quiet end', async (t) => {
  const piped = `"${BIN}" node power --help | true; echo done`;
  t.deepEqual(await run('sh', ['-c', piped]), { exitCode: 0, stdout: 'done\n', stderr: '' });
});

test('the version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  t.deepEqual(await run(BIN, ['--version']), { exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

/** A package as npm installs it: no sources, no `node` of its own. */
function installed(t: ExecutionContext, version: string): { bin: string; PATH: string } {
  const folder = folderOf(t);
  for (const part of ['bin', 'dist', 'path']) mkdirSync(join(folder, part), { recursive: true });
  copyFileSync(BIN, join(folder, 'bin/countermand'));
  writeFileSync(join(folder, 'dist/main.js'), '');
  program(join(folder, 'path/node'), `if [ "$1" = --version ]; then ${version}; else echo "$$ $*"; fi`);
  return { bin: join(folder, 'bin/countermand'), PATH: `${folder}/path:${SYSTEM_PATH}` };
}

test('a published package runs its bundle with the Node of the system', async (t) => {
  const { bin, PATH } = installed(t, 'echo v26.1.0');
  const { exitCode, stdout } = await run(bin, ['node', 'list', '--label', 'a=b c'], { PATH });
  t.is(exitCode, 0);
  t.regex(stdout, /^\d+ \/\S*\/dist\/main\.js node list --label a=b c\n$/);
});

test('a conductor, and nothing else, gets a larger young generation', async (t) => {
  const { bin, PATH } = installed(t, 'echo v24.0.0');
  t.regex(
    (await run(bin, ['serve', '--no-agent'], { PATH })).stdout,
    /^\d+ --min-semi-space-size=4 --max-semi-space-size=16 \S+ serve --no-agent\n$/,
  );
  t.notRegex((await run(bin, ['node', 'create', 'serve'], { PATH })).stdout, /-semi-/);
});

test('a daemon outlives a hangup before Node runs, and a client command does not', async (t) => {
  const { bin, PATH } = installed(t, 'kill -HUP $PPID; echo v24.0.0');
  t.like(await run(bin, ['serve'], { PATH }), { exitCode: 0, stderr: '' });
  t.not((await run(bin, ['status'], { PATH })).exitCode, 0);
});

/** Sends SIGHUP to the process that loads it as soon as that reads the command. */
const HANGUP = `import fs from 'node:fs';
  const { openSync } = fs;
  fs.openSync = (path, ...more) => {
    if (/\\/main-\\w+\\.cjs$/.test(path)) process.kill(process.pid, 'SIGHUP');
    return openSync(path, ...more);
  };`;

test('a daemon outlives a hangup while its command is loaded', async (t) => {
  // Builds the bundle, if it is older than the sources.
  await run(BIN, ['--version']);
  const node = ['--import', `data:text/javascript,${encodeURIComponent(HANGUP)}`, MAIN];
  // What no daemon is ends.
  t.not((await run(process.execPath, [...node, 'status', '--no-such-flag'])).exitCode, 2);
  const { exitCode, stderr } = await run(process.execPath, [...node, 'serve', '--no-such-flag']);
  t.is(exitCode, 2, stderr);
  t.regex(stderr, /unknown option '--no-such-flag'/);
});

test('a package without its bundle says so', async (t) => {
  const { bin, PATH } = installed(t, 'echo v24.0.0');
  const main = join(dirname(bin), '../dist/main.js');
  rmSync(main);
  const { exitCode, stdout, stderr } = await run(bin, ['--version'], { PATH });
  t.is(exitCode, 1);
  t.is(stdout, '');
  t.is(stderr, `error: ${join(main)} is missing; install countermand again\n`);
});

test('the process is the program itself: its pid gets the signals', async (t) => {
  const { bin, PATH } = installed(t, 'echo v24.0.0');
  const child = spawn(bin, ['serve'], { env: { PATH }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await once(child.stdout, 'data');
  t.is(Number.parseInt(String(printed), 10), child.pid ?? 0);
});

for (const [name, version, found] of [
  ['too old', 'echo v20.20.2', 'v20.20.2'],
  ['broken', 'exit 1', 'none'],
  ['something else', 'echo hello', 'hello'],
]) {
  test(`a Node that is ${name} is told in a sentence`, async (t) => {
    const { bin, PATH } = installed(t, String(version));
    const { exitCode, stdout, stderr } = await run(bin, ['--version'], { PATH });
    t.is(exitCode, 1);
    t.is(stdout, '');
    t.regex(stderr, new RegExp(`^error: countermand needs Node 24 or later, and finds ${found}; install it\n$`));
  });
}
