/** What stands in the docs site: pure functions from the files of the repository to the pages of the site. */
import { posix } from 'node:path';

/** Texts by their paths in the repository. */
export type Texts = Readonly<Record<string, string>>;

/** The groups of the sidebar, and their pages in order. A page is called what its heading says. `docs/decisions` is a group by itself. */
export const NAVIGATION: Readonly<Record<string, readonly string[]>> = {
  Start: ['docs/first_ten_minutes.md', 'docs/architecture.md', 'docs/glossary.md', 'examples/README.md'],
  'Order, watch, take back': [
    'docs/cli.md',
    'docs/console.md',
    'docs/http.md',
    'docs/action_types.md',
    'docs/strategies.md',
    'docs/scope.md',
    'docs/openstack.md',
    'docs/cluster_events.md',
    'docs/sinks.md',
    'docs/notifications/README.md',
  ],
  Operations: [
    'docs/operations/README.md',
    'docs/operations/install.md',
    'docs/configuration.md',
    'docs/operations/upgrade.md',
    'docs/operations/back_up.md',
    'docs/operations/retention.md',
    'docs/operations/postgresql.md',
    'docs/operations/high_availability.md',
    'docs/operations/monitoring.md',
    'docs/operations/alerts.md',
    'docs/operations/traces.md',
    'docs/security.md',
    'docs/roles.md',
  ],
  Reference: [
    'docs/states.md',
    'docs/errors.md',
    'docs/limits.md',
    'docs/metrics.md',
    'docs/drivers.md',
    'docs/redfish.md',
    'src/drivers/ipmi/rmcp/README.md',
    'docs/side_by_side.md',
  ],
  Project: [
    'docs/performance.md',
    'bench/README.md',
    'docs/watcher.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
  ],
};

/** The pages of the site, other than the decisions and what they link to. */
export const PAGES: readonly string[] = Object.values(NAVIGATION).flat();

/** What the home page is made of. */
export const HOME = 'scripts/site/home.md';

/** Where a path of the repository stands in the site: pages as Markdown, LICENSE as text, anything else as it is. */
export function placeOf(path: string): string {
  if (path === 'README.md' || path === HOME) return 'index.md';
  if (languageOf(path) !== null) return `${path}.md`;
  if (path === 'LICENSE') return 'LICENSE.txt';
  return path.replace(/(^|\/)README\.md$/, '$1index.md');
}

const LANGUAGES: Readonly<Record<string, string>> = {
  '.ts': 'ts',
  '.js': 'js',
  '.c': 'c',
  '.sh': 'sh',
  '.proto': 'proto',
};

/** The language of a file whose text becomes a page; null if it is no such file. */
export function languageOf(path: string): string | null {
  return LANGUAGES[posix.extname(path)] ?? null;
}

/** A page that shows a file. Its text is not searched. */
export function filePage(path: string, text: string): string {
  return `---\nsearch: false\neditLink: false\n---\n# ${posix.basename(path)}\n\n\`${path}\`\n\n~~~~${languageOf(path)}\n${text}\n~~~~\n`;
}

/** A page that lists the files of a folder. */
export function folderPage(folder: string, paths: readonly string[]): string {
  const inside = paths.filter((path) => posix.dirname(path) === folder).toSorted();
  return `# ${folder}\n\n${inside.map((path) => `* [${posix.basename(path)}](${posix.basename(placeOf(path))})\n`).join('')}`;
}

/** A target of a link without its anchor, as a path of the repository; null if it leads to another site or stays on the page. */
export function pathOf(target: string, from: string): string | null {
  if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith('#')) return null;
  return posix.join(posix.dirname(from), decodeURI(target.replace(/#.*/, ''))).replace(/\/$/, '');
}

/** The targets of links in prose: code is left alone. */
const LINK = /(```[\s\S]*?```|`[^`\n]*`)|(\]\(<?)([^()\s>]+)/g;

/** Where the links and pictures of a page lead, as paths of the repository. */
export function linkedFrom(path: string, text: string): string[] {
  return [...text.matchAll(LINK)].flatMap(([, , , target]) => (target && pathOf(target, path)) || []);
}

/** A page with its links as they are in the site. @param isFolder whether a path of the repository is a folder */
export function sitePage(path: string, text: string, isFolder: (path: string) => boolean): string {
  const here = posix.dirname(placeOf(path));
  return text.replaceAll(LINK, (whole, code, before, target) => {
    const to = code === undefined ? pathOf(target, path) : null;
    if (to === null) return whole;
    const place = isFolder(to) ? `${to}/index.md` : placeOf(to);
    const anchor = target.includes('#') ? target.slice(target.indexOf('#')) : '';
    const relative = posix.relative(here, place);
    return `${before}${relative.startsWith('.') ? relative : `./${relative}`}${anchor}`;
  });
}

/** What a page is called. */
export function titleOf(text: string): string {
  return (/^# (.*)$/m.exec(text)?.[1] ?? '').replaceAll('`', '');
}

interface SidebarItem {
  readonly text: string;
  readonly link?: string;
  readonly collapsed?: boolean;
  readonly items?: readonly SidebarItem[];
}

const linkTo = (path: string): string => `/${placeOf(path).replace(/(index)?\.md$/, '')}`;

/** The sidebar: the table, and a group of the decisions in their order. */
export function sidebar(texts: Texts): SidebarItem[] {
  const item = (path: string): SidebarItem => ({ text: titleOf(texts[path] ?? ''), link: linkTo(path) });
  const groups = Object.entries(NAVIGATION).map(([text, paths]) => ({
    text,
    collapsed: false,
    items: paths.map(item),
  }));
  const [index, ...decisions] = decisionsIn(texts);
  if (index === undefined) return groups;
  return [
    ...groups,
    { text: titleOf(texts[index] ?? ''), link: linkTo(index), collapsed: true, items: decisions.map(item) },
  ];
}

/** The pages of the decisions, the index first. */
function decisionsIn(texts: Texts): string[] {
  return Object.keys(texts)
    .filter((path) => path.startsWith('docs/decisions/'))
    .toSorted(
      (one, other) => Number(other.endsWith('README.md')) - Number(one.endsWith('README.md')) || (one < other ? -1 : 1),
    );
}

/** Links of built pages that lead nowhere, and what a page would load from elsewhere, as `page: target`. */
export function faultsOf(built: Texts, exists: (path: string) => boolean): string[] {
  const ids = new Map(Object.entries(built).map(([path, html]) => [path, new Set(idsOf(html))]));
  return Object.entries(built).flatMap(([page, html]) => {
    const links = [...html.matchAll(/<a\b[^>]*\shref="([^"]+)"/g)].map(([, to = '']) => to);
    const loaded = [...html.matchAll(/<(?:script|img|link|iframe)\b[^>]*\s(?:src|href)="([^"]+)"/g)].map(
      ([, to = '']) => to,
    );
    const dead = links.filter((to) => !isForeign(to) && !leads(to, page, ids, exists));
    return [...dead, ...loaded.filter(isForeign)].map((to) => `${page}: ${to}`);
  });
}

const isForeign = (to: string): boolean => /^([a-z][a-z+.-]*:|\/\/)/i.test(to);

const idsOf = (html: string): string[] => [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id);

function leads(
  to: string,
  page: string,
  ids: ReadonlyMap<string, ReadonlySet<string>>,
  exists: (path: string) => boolean,
): boolean {
  const [path = '', anchor = ''] = to.split('#');
  const whole =
    path === '' ? page : posix.join(path.startsWith('/') ? '' : posix.dirname(page), path).replace(/^\//, '');
  const file = whole === '' || whole === '.' || whole.endsWith('/') ? posix.join(whole, 'index.html') : whole;
  const found = [file, `${file}.html`].find((name) => ids.has(name));
  if (found === undefined) return exists(file);
  return anchor === '' || ids.get(found)?.has(decodeURIComponent(anchor)) === true;
}
