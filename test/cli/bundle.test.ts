/** What `bin/countermand` runs in a checkout: the bundle, and how it is built again. */
import { type ExecFileException, execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { Bundle } from '../../scripts/build.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { LISTENING, startProcess, startProgram } from '../e2e/processes.ts';
import { ourBundle } from '../package/made.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BIN = join(ROOT, 'bin/countermand');
const CHUNKS = pathToFileURL(join(ROOT, 'src/cli/bundle/chunks.ts')).href;

/** What main.js is made of. */
const START = ['cli/start.ts', 'cli/early_hangup.ts', 'core/folders.ts'];

/** A checkout of a command that only says a word, with our own bin, start, build script and packages. */
interface Checkout {
  /** The names of the files in dist/. */
  built(): string[];
  /** Changes its source: from the next build on, it says this word. */
  say(word: string): void;
  start(script?: string): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  readonly folder: string;
}

async function openCheckout(t: ExecutionContext): Promise<Checkout> {
  const folder = await newFolder(t);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const start = START.map((path) => join('src', path));
  for (const path of ['bin/countermand', 'scripts/build.ts', 'package.json', ...start]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(join(ROOT, path), join(folder, path));
  }
  for (const path of ['scripts/build', 'src/cli/bundle'])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  write(
    'src/cli/main.ts',
    "export const main = async () => void process.stdout.write((await import('./said.ts')).said);\n",
  );
  write('src/data/name.txt', 'data');
  const say = (word: string): void =>
    write(
      'src/cli/said.ts',
      [
        "import { readFileSync } from 'node:fs';",
        "const NAME = new URL('../data/name.txt', import.meta.url);",
        `export const said: string = \`${word} \${readFileSync(NAME, 'utf8')}\\n\`;`,
      ].join('\n'),
    );
  say('one');
  return {
    folder,
    built: () => readdirSync(join(folder, 'dist')).sort(),
    say,
    start: (script = 'bin/countermand') =>
      new Promise((resolve) => {
        const command = script.endsWith('.ts') || script.endsWith('.js') ? process.execPath : join(folder, script);
        const words = command === process.execPath ? [join(folder, script)] : [];
        const done = (error: ExecFileException | null, stdout: string, stderr: string): void =>
          resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
        execFile(command, words, { env: { PATH: '/usr/bin:/bin', NODE_DISABLE_COMPILE_CACHE: '1' } }, done);
      }),
  };
}

const saying = (word: string) => ({ exitCode: 0, stdout: `${word} data\n`, stderr: '' });

test('the first start builds, the next ones do not', async (t) => {
  const checkout = await openCheckout(t);
  t.deepEqual(await checkout.start(), saying('one'));
  const builtAt = statSync(join(checkout.folder, 'dist/main.js')).ctimeMs;
  t.deepEqual(await checkout.start(), saying('one'));
  t.is(statSync(join(checkout.folder, 'dist/main.js')).ctimeMs, builtAt);
});

test('the bundle runs without the sources', async (t) => {
  const checkout = await openCheckout(t);
  await checkout.start();
  rmSync(join(checkout.folder, 'src'), { recursive: true });
  t.deepEqual(await checkout.start('dist/main.js'), saying('one'));
  t.deepEqual(await checkout.start(), saying('one'));
});

test('a source that changed is in the next start, also when two start at once', async (t) => {
  const checkout = await openCheckout(t);
  await checkout.start();
  const before = checkout.built();
  checkout.say('two');
  const both = await Promise.all([checkout.start(), checkout.start()]);
  t.deepEqual(both, [saying('two'), saying('two')]);
  const after = checkout.built();
  // A process that started before may still load what it has not needed yet.
  t.deepEqual(
    before.filter((name) => !after.includes(name)),
    [],
  );
  t.deepEqual(
    after.filter((name) => !/^(files|NOTICES\.txt|[\w-]+\.c?js)$/.test(name)),
    [],
    'unfinished files',
  );
});

test('a source that was deleted or added is noticed', async (t) => {
  const checkout = await openCheckout(t);
  await checkout.start();
  rmSync(join(checkout.folder, 'src/cli/said.ts'));
  t.is((await checkout.start()).exitCode, 1);
  checkout.say('again');
  t.deepEqual(await checkout.start(), saying('again'));
});

test('an edit during the build is noticed: the bundle is as old as the start of its build', async (t) => {
  const checkout = await openCheckout(t);
  await checkout.start();
  const { mtime, ctime } = statSync(join(checkout.folder, 'dist/main.js'));
  const between = new Date((mtime.getTime() + ctime.getTime()) / 2);
  t.true(mtime < between && between < ctime);
  checkout.say('meanwhile');
  utimesSync(join(checkout.folder, 'src/cli/said.ts'), between, between);
  t.deepEqual(await checkout.start(), saying('meanwhile'));
});

test('a source with an error is told, and the old bundle does not run', async (t) => {
  const checkout = await openCheckout(t);
  await checkout.start();
  writeFileSync(join(checkout.folder, 'src/cli/said.ts'), 'export const said = ;');
  const { exitCode, stdout, stderr } = await checkout.start();
  t.is(exitCode, 1);
  t.is(stdout, '');
  t.regex(stderr, /src\/cli\/said\.ts:1:20/);
  t.regex(stderr, /^error: dist\/ cannot be built: .*; 'npm ci' in \S+ installs what is needed$/m);
});

test('a package of which only half would be loaded is refused', async (t) => {
  const checkout = await openCheckout(t);
  writeFileSync(join(checkout.folder, 'src/cli/said.ts'), "export const said = (await import('undici')).Client.name;");
  const { exitCode, stderr } = await checkout.start();
  t.is(exitCode, 1);
  t.regex(
    stderr,
    /^error: dist\/ cannot be built: src\/cli\/said\.ts loads \S+undici\/index\.js on demand; load a file of ours/,
  );
});

test('a checkout without its packages says what to do', async (t) => {
  const checkout = await openCheckout(t);
  rmSync(join(checkout.folder, 'node_modules'));
  const { exitCode, stdout, stderr } = await checkout.start('scripts/build.ts');
  t.is(exitCode, 1);
  t.is(stdout, '');
  t.regex(stderr, /^error: dist\/ cannot be built: Cannot find package 'esbuild' .*; 'npm ci' in \S+ installs/);
});

test('`npm run build` leaves nothing of earlier builds', async (t) => {
  const checkout = await openCheckout(t);
  await checkout.start();
  const before = checkout.built();
  checkout.say('two');
  await checkout.start('scripts/build.ts');
  const after = checkout.built();
  t.is(after.length, before.length);
  t.notDeepEqual(after, before);
});

/** The packages whose code runs once these sources are loaded, before anything is loaded on demand. */
function packagesOf({ metafile: { outputs } }: Pick<Bundle, 'metafile'>, ...sources: readonly string[]): string[] {
  const first = Object.entries(outputs).filter(([, { entryPoint }]) => sources.includes(entryPoint ?? ''));
  const loaded = new Set(first.map(([path]) => path));
  for (const path of loaded)
    for (const { path: next, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && Object.hasOwn(outputs, next)) loaded.add(next);
  const inputs = [...loaded].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
  const packages = inputs.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return [...new Set(packages.filter((name) => name !== undefined))].sort();
}

/** What it takes to ask the conductor. */
const CLIENT = [
  '@bufbuild/protobuf',
  '@grpc/grpc-js',
  '@js-sdsl/ordered-map',
  'abort-controller-x',
  'commander',
  'fast-string-truncated-width',
  'fast-string-width',
  'nice-grpc',
  'nice-grpc-common',
  'ts-error',
];

test('every part of the bundle can be loaded, and asks for the modules of Node instead of importing them', async (t) => {
  const { outputs, metafile } = await ourBundle();
  const parts = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint === undefined ? [] : [`./${relative('dist', path)}`],
  );
  t.true(parts.length > 10);
  const folder = JSON.stringify({ path: null, chunks: join(ROOT, 'dist'), engine: '' });
  const code = `import { openChunks } from '${CHUNKS}';
    const { load } = openChunks(${folder});
    for (const part of ${JSON.stringify(parts)}) await load(part);
    console.log('all');`;
  await promisify(execFile)(BIN, ['--version']);
  const loaded = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
  t.deepEqual(loaded, { stdout: 'all\n', stderr: '' });
  for (const [path, text] of outputs)
    for (const [, name = ''] of text.matchAll(/(?:^import (?:[^"]* from )?|__toESM\(require\(|\bimport\()"([^"]+)"/gm))
      t.false(isBuiltin(name), path);
  // V8 holds a text with one other letter in twice the room.
  const chunks = [...outputs].filter(([path]) => path.endsWith('.cjs'));
  t.true(chunks.length > 50);
  t.deepEqual(
    chunks.filter(([, text]) => /[\u0080-\uffff]/.test(text)).map(([path]) => path),
    [],
  );
});

test('the console is small, and its page names its own script and style sheet', async (t) => {
  const { outputs, inputs } = await ourBundle();
  const files = [...outputs].filter(([path]) => path.startsWith('console/'));
  t.is(files.length, 4);
  const bytes = files.reduce((sum, [, text]) => sum + gzipSync(text, { level: 9 }).length, 0);
  t.true(bytes < 150_000, `${bytes}`);
  const page = outputs.get('console/index.html') ?? '';
  for (const [path] of files.filter(([name]) => /\.(js|css)$/.test(name))) t.true(page.includes(`"/${path}"`), path);
  t.true(inputs.some((path) => path.startsWith('node_modules/preact/')));
});

test('an installed bundle keeps what V8 has compiled where XDG says, or nowhere', async (t) => {
  const folder = await newFolder(t);
  await promisify(execFile)(BIN, ['--version']);
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  const version = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, [join(folder, 'dist/main.js'), '--version'], { env });
  const XDG_CACHE_HOME = join(folder, 'cache');
  const first = await version({ XDG_CACHE_HOME });
  t.regex(first.stdout, /^\d/);
  const kept = () => readdirSync(join(XDG_CACHE_HOME, 'countermand'));
  t.is(kept().length, 1);
  t.deepEqual(await version({ XDG_CACHE_HOME }), first);
  t.deepEqual(await version({ HOME: '/nonexistent' }), first);
  await t.throwsAsync(
    promisify(execFile)(process.execPath, [join(folder, 'dist/main.js'), 'nod'], { env: { XDG_CACHE_HOME } }),
  );
  t.is(kept().length, 1, 'what fails keeps nothing');
  t.deepEqual(readdirSync(folder).sort(), ['cache', 'dist']);
  // A daemon may end at any time, so it keeps the code as soon as it has started.
  const words = [join(folder, 'dist/main.js'), 'serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'];
  const daemon = startProgram(t, [process.execPath], words, { XDG_CACHE_HOME });
  await daemon.said.until('the conductor to listen', (said) => LISTENING.test(said));
  await eventually('the code to be kept', async () =>
    kept().some((name) => /^run_conductor-\w+\.cjs\.\w+\.\w+$/.test(name)),
  );
  await daemon.kill();
});

test('the simulators run from the bundle', async (t) => {
  const any = ['--first-port', '0'];
  const irmc = startProcess(t, ['sim', 'irmc', ...any, '--first-snmp-port', '0', '--first-ipmi-port', '0']);
  const ipmi = startProcess(t, ['sim', 'ipmi', ...any]);
  const redfish = startProcess(t, ['sim', 'redfish', ...any, '--like', 'dell-idrac9-r750']);
  for (const [driver, { said }] of Object.entries({ irmc, ipmi, redfish })) {
    const line = await said.until('how it is enrolled', (text) => text.includes('node create'));
    t.true(line.includes(`--driver ${driver} `));
  }
});

test('a command loads nothing that it does not need', async (t) => {
  const ours = await ourBundle();
  const start = ['src/cli/main.ts'];
  t.deepEqual(packagesOf({ metafile: ours.start }, 'src/cli/start.ts'), []);
  t.deepEqual(packagesOf(ours, ...start), ['commander']);
  for (const group of ['node', 'power', 'plan', 'audit'])
    t.deepEqual(packagesOf(ours, ...start, `src/cli/${group}/commands.ts`), CLIENT, group);
  const withoutTables = CLIENT.filter((name) => !name.startsWith('fast-string-'));
  t.deepEqual(packagesOf(ours, ...start, 'src/cli/events/commands.ts'), withoutTables);
  t.deepEqual(packagesOf(ours, ...start, 'src/cli/sim/commands.ts'), ['commander']);
  t.deepEqual(packagesOf(ours, ...start, 'src/cli/daemon/serve.ts'), ['commander', 'yaml', 'zod']);
  t.true(packagesOf(ours, 'src/cli/daemon/run_conductor.ts').includes('knex'), 'a conductor has its database');
  const withDoor = packagesOf(ours, 'src/cli/daemon/run_conductor.ts', 'src/http/door.ts');
  t.deepEqual(
    withDoor.filter((name) => name.includes('hono') || name.startsWith('@connectrpc/') || name.includes('reflection')),
    [],
    'what serves HTTP, and reflection, is loaded at the first request',
  );
  const ofAgent = packagesOf(ours, 'src/cli/daemon/run_agent.ts');
  const sdk = ['sdk-trace', 'resources', 'exporter-trace-otlp-proto'].map((name) => `@opentelemetry/${name}`);
  const ofDaemons = [...packagesOf(ours, 'src/cli/daemon/run_conductor.ts'), ...ofAgent];
  t.deepEqual(
    ofDaemons.filter((name) => sdk.includes(name)),
    [],
  );
  t.true(sdk.every((name) => packagesOf(ours, 'src/cli/daemon/otlp.ts').includes(name)));
  for (const name of ['knex', 'better-sqlite3', 'nice-grpc-server-reflection']) t.false(ofAgent.includes(name), name);
});
