/**
 * Builds the docs site: `npm run site` puts it into build/site, which any web server serves. It fails if a link leads nowhere, or if a
 * page would load something from another origin. The environment variable SITE_BASE is the path below which it is served; else `/`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  faultsOf,
  filePage,
  folderPage,
  HOME,
  languageOf,
  linkedFrom,
  PAGES,
  placeOf,
  sidebar,
  sitePage,
} from './pages.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SITE = join(ROOT, 'scripts/site');
const WORK = join(ROOT, 'build/site-work');
const SOURCE = join(WORK, 'pages');
const BUILT = join(ROOT, 'build/site');

const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const isFolder = (path: string): boolean => existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isDirectory();

function put(place: string, text: string): void {
  mkdirSync(dirname(join(SOURCE, place)), { recursive: true });
  writeFileSync(join(SOURCE, place), text);
}

/** Puts what a page links to beside it: files as pages that show them or as they are, folders as lists. */
function putLinked(path: string): void {
  if (isFolder(path)) {
    const inside = globSync(`${path}/*`, { cwd: ROOT }).filter((one) => languageOf(one) !== null);
    put(`${path}/index.md`, folderPage(path, inside));
    for (const one of inside) putLinked(one);
  } else if (languageOf(path) !== null) {
    put(placeOf(path), filePage(path, textOf(path)));
  } else if (existsSync(join(ROOT, path))) {
    // Pictures are found beside their page, anything else in the folder that is copied as it is.
    const place = join(SOURCE, path.endsWith('.png') ? '' : 'public', placeOf(path));
    mkdirSync(dirname(place), { recursive: true });
    cpSync(join(ROOT, path), place);
  }
}

function putPages(): void {
  const pages = [HOME, ...PAGES, ...globSync('docs/decisions/*.md', { cwd: ROOT })];
  const texts = Object.fromEntries(pages.map((path) => [path, textOf(path)]));
  const linked = Object.entries(texts).flatMap(([path, text]) => linkedFrom(path, text));
  for (const [path, text] of Object.entries(texts)) put(placeOf(path), sitePage(path, text, isFolder));
  for (const path of new Set(linked)) {
    if (path.endsWith('.md')) {
      if (path !== 'README.md' && !(path in texts)) put(placeOf(path), sitePage(path, textOf(path), isFolder));
    } else putLinked(path);
  }
  writeFileSync(join(WORK, 'sidebar.json'), JSON.stringify(sidebar(texts)));
}

/** Installs the generator, if its lock has changed since. It is no package of ours: `npm ci` of the repository stays as it is. */
function installGenerator(): void {
  mkdirSync(join(WORK, '.vitepress'), { recursive: true });
  for (const name of ['config.ts', 'anchors.ts']) cpSync(join(SITE, name), join(WORK, '.vitepress', name));
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(SITE, name), join(WORK, name));
  writeFileSync(join(WORK, 'tsconfig.json'), '{}');
  const [lock, installed] = [join(WORK, 'package-lock.json'), join(WORK, 'node_modules/.installed-lock.json')];
  if (existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(lock, 'utf8')) return;
  execFileSync('npm', ['ci'], { cwd: WORK, stdio: 'inherit' });
  cpSync(lock, installed);
}

installGenerator();
rmSync(SOURCE, { recursive: true, force: true });
rmSync(BUILT, { recursive: true, force: true });
putPages();
execFileSync(process.execPath, ['node_modules/vitepress/bin/vitepress.js', 'build'], { cwd: WORK, stdio: 'inherit' });
const paths = globSync('**/*.html', { cwd: BUILT });
const built = Object.fromEntries(paths.map((path) => [path, readFileSync(join(BUILT, path), 'utf8')]));
const faults = faultsOf(built, (path) => existsSync(join(BUILT, path)));
for (const fault of faults) process.stderr.write(`leads nowhere, or is loaded from elsewhere: ${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
else process.stdout.write(`${paths.length} pages in build/site\n`);
