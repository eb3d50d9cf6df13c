/**
 * The console: a page, one script, one style sheet and an icon below dist/console. The names of script and style sheet contain a hash of
 * their contents, so that a browser keeps them for ever and never mixes two versions.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Its folder below dist/. */
export const CONSOLE = 'console';

/** Browsers of 2024: the style sheet needs `light-dark()`. */
const BROWSERS = ['chrome123', 'firefox120', 'safari17.5'];

/** What it is made of: the texts by their paths below dist/, and the files that they were made from. */
export interface ConsoleBundle {
  readonly outputs: readonly (readonly [to: string, text: string])[];
  readonly inputs: readonly string[];
}

/** Bundles the console of the sources below `root`. */
export async function bundleConsole(root: string): Promise<ConsoleBundle> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/console/main.tsx', 'src/console/style.css'],
    entryNames: '[name]-[hash]',
    outdir: CONSOLE,
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: BROWSERS,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const made = outputFiles.map(({ path, text }) => [basename(path), text] as const);
  const source = (name: string): string => readFileSync(join(root, 'src/console', name), 'utf8');
  const page = source('index.html').replaceAll(/\/console\/(main|style)\.(js|css)/g, (_, name: string, end: string) => {
    const found = made.find(([path]) => path.startsWith(`${name}-`) && path.endsWith(`.${end}`));
    if (found === undefined) throw new Error(`the console has no ${name}.${end}`);
    return `/console/${found[0]}`;
  });
  const files = [...made, ['index.html', page] as const, ['icon.svg', source('icon.svg')] as const];
  return { outputs: files.map(([name, text]) => [join(CONSOLE, name), text]), inputs: Object.keys(metafile.inputs) };
}
