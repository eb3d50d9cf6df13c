/**
 * `npm run build`: bundles the `countermand` command into dist/, which runs without src and without node_modules. `bin/countermand` runs this with
 * `--keep` when a source is newer than the bundle.
 *
 * Two builds may run at once, beside processes that start. A file appears complete or not at all (it is renamed into
 * place), the name of a chunk contains a hash of its content, and main.js is replaced last.
 */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildResult, Plugin } from 'esbuild';
import { asChunk, asFunction, askForBuiltins } from './build/chunks.ts';
import { bundleConsole, CONSOLE } from './build/console.ts';
import { noticesOf } from './build/notices.ts';
import { apart, bundleApart } from './build/packages.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** The source of the first chunk. */
const MAIN_SOURCE = 'src/cli/main.ts';

/** The only file of dist/ with a fixed name. It is as old as the start of its build, so that later edits are newer. */
const MAIN = 'main.js';

/** The licences of what the bundle contains. */
const NOTICES = 'NOTICES.txt';

/** Modules that packages name but that we never reach, as patterns of specifier and importer. */
const UNREACHED: readonly { readonly specifier: RegExp; readonly importer: RegExp }[] = [
  // Only for channelz, which we do not serve. It brings protobufjs.
  { specifier: /^@grpc\/proto-loader$/, importer: /\/@grpc\/grpc-js\// },
  {
    specifier: /^\.\/(cockroachdb|mssql|mysql|mariadb|mysql2|oracle|oracledb|pgnative|redshift)$/,
    importer: /\/knex\/lib\/dialects\/index\.js$/,
  },
  { specifier: /^sqlite3$/, importer: /\/knex\// },
  { specifier: /^pg-query-stream$/, importer: /\/knex\// },
  // Only for the variant of pg that is native code, and for servers of Cloudflare.
  { specifier: /^(pg-native|pg-cloudflare)$/, importer: /\/pg\// },
];

/** Modules that packages load at once and that we never use: they are empty. */
const UNUSED: typeof UNREACHED = [
  // Only for subcommands that are programs of their own.
  { specifier: /^node:child_process$/, importer: /\/commander\// },
  // Metrics are asked for, and there is one process.
  { specifier: /^\.\/lib\/(pushgateway|cluster)$/, importer: /\/prom-client\/index\.js$/ },
  // The log is written in the thread of whoever logs.
  { specifier: /^thread-stream$/, importer: /\/pino\// },
];

/** What all parts are built with. */
const OPTIONS = {
  absWorkingDir: ROOT,
  outdir: 'dist',
  write: false,
  metafile: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // V8 holds a text with one other letter in twice the room.
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
} as const;

/** How long a replaced chunk is kept for processes that may still load it. */
const KEPT_MS = 24 * 3600 * 1000;

type Metafile = NonNullable<BuildResult['metafile']>;

/** A file or folder that the code finds by `import.meta.url`. */
interface Found {
  readonly from: string;
  /** Its place below dist/. */
  readonly to: string;
}

/** What a build made: the texts by their paths below dist/, the files to copy, and esbuild's account of the chunks. */
export interface Bundle {
  readonly outputs: ReadonlyMap<string, string>;
  readonly found: readonly Found[];
  readonly metafile: Metafile;
  /** The same of main.js. */
  readonly start: Metafile;
  /** The files that it was made from, by their paths. */
  readonly inputs: readonly string[];
}

const unreached: Plugin = {
  name: 'unreached',
  setup({ onResolve, onLoad }) {
    for (const [namespace, modules] of Object.entries({ unreached: UNREACHED, unused: UNUSED }))
      for (const { specifier, importer } of modules)
        onResolve({ filter: specifier }, (asked) =>
          importer.test(asked.importer) ? { path: asked.path, namespace } : null,
        );
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = undefined;' }));
    onLoad({ filter: /.*/, namespace: 'unreached' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in the bundle: see scripts/build.ts`)});`,
    }));
  },
};

/** What else the sources want to find in dist/. */
interface Wanted {
  console: boolean;
}

/** `new URL('./file', import.meta.url)` in our sources finds a copy of the file below dist/files. */
function foundByUrl(found: Found[], wanted: Wanted): Plugin {
  return {
    name: 'found by url',
    setup({ onLoad }) {
      onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (!text.includes('import.meta.url')) return null;
        const contents = text.replaceAll(/new URL\('([^']+)', import\.meta\.url\)/g, (_, name: string) => {
          const from = resolve(dirname(path), name);
          if (from === join(DIST, CONSOLE)) {
            wanted.console = true;
            return `new URL('./${CONSOLE}/', import.meta.META)`;
          }
          const to = join('files', relative(join(ROOT, 'src'), from));
          if (from.endsWith('.ts') || to.includes('..'))
            throw new Error(`${path}: ${name} cannot be copied into dist/`);
          found.push({ from, to });
          return `new URL('./${to}', import.meta.META)`;
        });
        if (contents.includes('import.meta.url'))
          throw new Error(`${path}: scripts/build.ts knows new URL('...') only`);
        return { contents: contents.replaceAll('import.meta.META', 'import.meta.url'), loader: 'ts' };
      });
    },
  };
}

/** Bundles the command in memory. esbuild prints what is wrong with a source, and this rejects. */
export async function bundle(): Promise<Bundle> {
  // esbuild is a program in Go. With a tenth more memory it spares a third of its time.
  process.env.GOGC ??= '400';
  const { build } = await import('esbuild');
  const found: Found[] = [];
  const wanted: Wanted = { console: false };
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    entryPoints: [MAIN_SOURCE],
    entryNames: '[name]-[hash]',
    outExtension: { '.js': '.cjs' },
    splitting: true,
    plugins: [unreached, apart, foundByUrl(found, wanted)],
  });
  refuseHalfLoaded(metafile);
  const starting = await bundleStart(metafile);
  const packages = await bundleApart(ROOT, metafile);
  found.push(...packages.copies);
  const console = wanted.console ? await bundleConsole(ROOT) : { outputs: [], inputs: [] };
  const inputs = [
    ...[metafile, starting.metafile].flatMap((each) => Object.keys(each.inputs)),
    ...packages.inputs,
    ...console.inputs,
  ];
  const chunks = outputFiles.map(async ({ path, text }) => [relative(DIST, path), await asChunk(text)] as const);
  const outputs = new Map([
    ...(await Promise.all(chunks)),
    [MAIN, starting.text],
    ...packages.outputs.map(([path, text]) => [path, asFunction(text)] as const),
    ...console.outputs,
    [NOTICES, noticesOf(ROOT, inputs)],
  ]);
  return { outputs, found, metafile, start: starting.metafile, inputs };
}

/** main.js: what loads the first of the chunks. */
async function bundleStart({ outputs }: Metafile): Promise<{ readonly text: string; readonly metafile: Metafile }> {
  const { build } = await import('esbuild');
  const [chunk = ''] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === MAIN_SOURCE) ?? [];
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    entryPoints: ['src/cli/start.ts'],
    define: { MAIN_CHUNK: JSON.stringify(`./${relative('dist', chunk)}`) },
  });
  return { text: askForBuiltins(outputFiles[0]?.text ?? ''), metafile };
}

/** `await import` of a CommonJS package has its named exports in Node, and only `default` in a bundle of esbuild. */
function refuseHalfLoaded({ inputs }: Metafile): void {
  for (const [from, { imports }] of Object.entries(inputs))
    for (const { kind, path } of imports)
      if (kind === 'dynamic-import' && inputs[path]?.format === 'cjs')
        throw new Error(`${from} loads ${path} on demand; load a file of ours that exports what is wanted`);
}

/** The files among what was found: a folder is all that lies in it. */
function filesOf({ from, to }: Found): Found[] {
  if (!statSync(from).isDirectory()) return [{ from, to }];
  return filesBelow(from).map((path) => ({ from: join(from, path), to: join(to, path) }));
}

/** The paths of all files below a folder. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Bundles the command into `folder`. Files of earlier builds that are younger than `keptMs` stay. */
async function buildInto(folder: string, keptMs: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const begunAt = fileTime(folder);
  const { outputs, found } = await bundle();
  const place = (to: string, write: (path: string) => void): void => {
    const unfinished = join(folder, `${to}.${process.pid}`);
    mkdirSync(dirname(unfinished), { recursive: true });
    write(unfinished);
    renameSync(unfinished, join(folder, to));
  };
  const copies = found.flatMap(filesOf);
  for (const { from, to } of copies) place(to, (path) => copyFileSync(from, path));
  for (const [to, contents] of outputs) if (to !== MAIN) place(to, (path) => writeFileSync(path, contents));
  place(MAIN, (path) => {
    writeFileSync(path, outputs.get(MAIN) ?? '');
    utimesSync(path, begunAt, begunAt);
  });
  const made = new Set([...outputs.keys(), ...copies.map(({ to }) => to)]);
  for (const path of filesBelow(folder)) {
    // A file of another build may have been renamed meanwhile.
    const writtenAtMs = statSync(join(folder, path), { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    const old = writtenAtMs < begunAt.getTime() - keptMs;
    if (old && !made.has(path)) rmSync(join(folder, path), { force: true });
  }
}

/** Now, by the clock that dates files. */
function fileTime(folder: string): Date {
  const path = join(folder, `begun.${process.pid}`);
  writeFileSync(path, '');
  const { mtime } = statSync(path);
  rmSync(path);
  return mtime;
}

if (import.meta.main) {
  try {
    await buildInto(DIST, process.argv.includes('--keep') ? KEPT_MS : 0);
  } catch (error) {
    const [sentence] = (error as Error).message.split('\n');
    process.stderr.write(`error: dist/ cannot be built: ${sentence}; 'npm ci' in ${ROOT} installs what is needed\n`);
    process.exitCode = 1;
  }
}
