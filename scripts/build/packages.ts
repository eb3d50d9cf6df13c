/**
 * The packages that are not part of the chunks: native code, and code that runs in sloppy mode only. Each becomes one
 * CommonJS file below dist/packages, with what it requires, so that an installed command needs no node_modules.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildResult, Plugin } from 'esbuild';

/** The names of these packages. */
const APART = /^(better-sqlite3|net-snmp)$/;

/** The platforms that the command runs on, as better-sqlite3 names its compiled code. */
const PLATFORM = /^(linux|linuxmusl|darwin)-(x64|arm64)\.node$/;

/** Chunks load these packages from dist/packages, whether they import them or call `require`. */
export const apart: Plugin = {
  name: 'packages apart',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: APART }, ({ path }) => ({ path, namespace: 'apart' }));
    onResolve({ filter: /^\.\/packages\//, namespace: 'apart' }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: APART, namespace: 'apart' }, ({ path }) => ({
      contents: `module.exports = require('./packages/${path}.cjs');`,
    }));
  },
};

/** The packages that the chunks load from dist/packages. */
function wantedOf({ inputs }: NonNullable<BuildResult['metafile']>): string[] {
  const names = Object.keys(inputs).map((path) => path.replace(/^apart:/, ''));
  return names.filter((name) => APART.test(name));
}

/** The packages apart: the texts by their paths below dist/, the files to copy, and esbuild's account of them. */
export interface Apart {
  readonly outputs: readonly (readonly [to: string, text: string])[];
  readonly copies: readonly { readonly from: string; readonly to: string }[];
  readonly inputs: readonly string[];
}

/** Bundles the packages that `chunks` load from dist/packages. */
export async function bundleApart(root: string, chunks: NonNullable<BuildResult['metafile']>): Promise<Apart> {
  const names = wantedOf(chunks);
  if (names.length === 0) return { outputs: [], copies: [], inputs: [] };
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: names,
    outdir: 'packages',
    outExtension: { '.js': '.cjs' },
    write: false,
    metafile: true,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
  });
  const outputs = outputFiles.map(({ path, text }) => [path.slice(join(root, '/').length), text] as const);
  const copies = names.includes('better-sqlite3') ? compiledCode(join(root, 'node_modules/better-sqlite3')) : [];
  return { outputs, copies, inputs: Object.keys(metafile.inputs) };
}

/** The compiled code of better-sqlite3, which it looks for in the folder beside that of its own file. */
function compiledCode(folder: string): { from: string; to: string }[] {
  const names = readdirSync(join(folder, 'prebuilds')).filter((name) => PLATFORM.test(name));
  return names.map((name) => ({ from: join(folder, 'prebuilds', name), to: join('prebuilds', name) }));
}
