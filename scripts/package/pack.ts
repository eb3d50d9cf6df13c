/** The package as a user installs it: packed, and installed in a folder of its own, without a network. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The Node that runs this, and the programs of the system. */
export const PATH = [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);

/** Nothing answers there. */
const NO_REGISTRY = 'http://127.0.0.1:1';

/** What `npm pack` made. */
export interface Tarball {
  readonly path: string;
  /** The paths of the files in it. */
  readonly files: readonly string[];
}

/** The part that matters here of what `npm pack --json` says: an object by package, or a list in npm 10 and older. */
type Packed = Record<string, { readonly filename: string; readonly files: readonly { readonly path: string }[] }>;

/** Runs npm where no registry answers, with its cache and logs in `folder`. */
function npm(folder: string, cwd: string, words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { PATH, HOME: folder, npm_config_cache: join(folder, 'cache'), npm_config_registry: NO_REGISTRY };
  return run('npm', words, { cwd, env });
}

/** Packs the checkout into `folder`. Builds the bundle first if a source is newer. */
export async function pack(folder: string): Promise<Tarball> {
  // The scripts of npm would build it in any case, beside processes that run it.
  await run(join(ROOT, 'bin/countermand'), ['--version']);
  const { stdout } = await npm(folder, ROOT, ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
  const [made] = Object.values(JSON.parse(stdout) as Packed);
  if (made === undefined) throw new Error(`npm pack said ${stdout}`);
  return { path: join(folder, made.filename), files: made.files.map(({ path }) => path) };
}

/** Where a tarball is installed. */
export interface Installed {
  /** The folder of the installed package. */
  readonly root: string;
  /** The command, where npm links it. */
  readonly bin: string;
  /** What npm said. */
  readonly said: string;
}

/** Installs the tarball in an empty folder below `folder`. */
export async function install({ path }: Tarball, folder: string): Promise<Installed> {
  const app = join(folder, 'app');
  await mkdir(app);
  const { stdout, stderr } = await npm(folder, app, ['install', path]);
  return {
    root: join(app, 'node_modules/countermand'),
    bin: join(app, 'node_modules/.bin/countermand'),
    said: `${stdout}${stderr}`,
  };
}
