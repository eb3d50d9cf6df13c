/** Rules about imports: layers, homes of packages, cycles, files that nobody imports. */
import { posix } from 'node:path';
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isStringLiteral,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { type Finding, isAt, lineOf, nodesOf, type Source } from './sources.ts';

/** One import of one file. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** As it is written. */
  readonly specifier: string;
  /** The imported file of ours; null for a package. */
  readonly target: string | null;
}

const IMPORTS = new WeakMap<Source, readonly Import[]>();

/** All imports of a file: static, re-exporting, of types, and dynamic with a fixed name. */
export function importsOf(source: Source): readonly Import[] {
  const known = IMPORTS.get(source);
  if (known) return known;
  const imports: Import[] = [];
  for (const node of nodesOf(source)) {
    let specifier: unknown;
    if (isImportDeclaration(node) || isExportDeclaration(node)) specifier = node.moduleSpecifier;
    else if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) specifier = node.arguments[0];
    const named = specifier as Parameters<typeof isStringLiteral>[0] | undefined;
    if (named === undefined || !isStringLiteral(named)) continue;
    const { text } = named;
    const target = text.startsWith('.') ? posix.join(posix.dirname(source.path), text) : null;
    imports.push({ from: source.path, line: lineOf(node, source), specifier: text, target });
  }
  IMPORTS.set(source, imports);
  return imports;
}

const inSrc = (path: string): boolean => path.startsWith('src/');

/** The folder of src in which a file lies. */
const layerOf = (path: string): string => path.split('/')[1] ?? '';

/** The folders of src, and from which each may import; a longer name is one folder or file in a folder. */
export type Layers = Readonly<Record<string, readonly string[]>>;

/** Imports of src that the table of layers does not allow. `outside` has the files outside src, and who may import them. */
export function crossedLayers(sources: readonly Source[], layers: Layers, outside: Homes = {}): Finding[] {
  const allows = (from: string, to: string): boolean =>
    isAt(from, outside[to] ?? []) ||
    layerOf(from) === layerOf(to) ||
    (layers[layerOf(from)] ?? []).some((layer) => to.startsWith(`src/${layer}/`));
  return sources
    .filter(({ path }) => inSrc(path))
    .flatMap(importsOf)
    .filter(({ from, target }) => target !== null && !allows(from, target))
    .map(({ from, line, target }) => {
      const may = layers[layerOf(from)]?.join(', ') || 'nothing of ours';
      return { path: from, line, says: `imports ${target}, but src/${layerOf(from)} may import ${may}` };
    });
}

/**
 * The rooms of a folder, and from which rooms and files beside them each may import. A room is a folder; the files beside the
 * rooms put them together, and may import them all but those that are listed as `closed`.
 */
export interface Rooms {
  readonly parent: string;
  readonly rooms: Layers;
  /** Rooms that nothing in the folder imports. */
  readonly closed: readonly string[];
}

/** Imports between the rooms of a folder that its table does not allow. */
export function crossedRooms(sources: readonly Source[], { parent, rooms, closed }: Rooms): Finding[] {
  const within = (path: string): string => path.slice(parent.length + 1);
  const roomOf = (path: string): string | null =>
    within(path).includes('/') ? (within(path).split('/')[0] ?? null) : null;
  const allows = (from: string, to: string): boolean => {
    const [own, other] = [roomOf(from), roomOf(to)];
    if (own === other) return true;
    if (own === null) return other === null || !closed.includes(other);
    return (rooms[own] ?? []).includes(other ?? within(to));
  };
  return sources
    .filter(({ path }) => path.startsWith(`${parent}/`))
    .flatMap(importsOf)
    .filter(({ from, target }) => target?.startsWith(`${parent}/`) && !allows(from, target))
    .map(({ from, line, target }) => {
      const own = roomOf(from);
      const may = own === null ? `all but ${closed.join(', ')}` : rooms[own]?.join(', ') || 'nothing beside it';
      return {
        path: from,
        line,
        says: `imports ${target}, but ${own ?? 'the files beside the rooms'} may import ${may}`,
      };
    });
}

/** Imports by src of folders that stand behind an interface. Beside the folder itself, only the files that are listed import it. */
export function bypassedInterfaces(sources: readonly Source[], implementations: Homes): Finding[] {
  return sources
    .filter(({ path }) => inSrc(path))
    .flatMap(importsOf)
    .flatMap(({ from, line, target }) => {
      const folder = Object.keys(implementations).find((each) => target?.startsWith(each));
      if (folder === undefined || isAt(from, [folder, ...(implementations[folder] ?? [])])) return [];
      return [{ path: from, line, says: `imports ${target}; import the interface that it implements` }];
    });
}

/** Files that speak SQL outside of the one folder that may: they call a query builder, or import one. */
export function strayStatements(sources: readonly Source[], parent: string, home: string): Finding[] {
  const speaks = /\bsql(?:<[^>]*>)?\(|\.raw\(|\bdirect\.(?:insert|update|find)\(|\.sql\(/;
  return sources
    .filter(({ path }) => path.startsWith(`${parent}/`) && !path.startsWith(`${home}/`))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, at) =>
          speaks.test(line) ? [{ path, line: at + 1, says: `speaks SQL; only ${home} does` }] : [],
        ),
    );
}

/** The name of the package of an import: without the path inside it. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Packages, and the folders and files that may import each. */
export type Homes = Readonly<Record<string, readonly string[]>>;

/** Imports of packages by src outside their homes. */
export function strayPackages(sources: readonly Source[], homes: Homes): Finding[] {
  return sources
    .filter(({ path }) => inSrc(path))
    .flatMap(importsOf)
    .filter(({ from, specifier, target }) => target === null && !isAt(from, homes[packageOf(specifier)] ?? []))
    .map(({ from, line, specifier }) => {
      const home =
        homes[packageOf(specifier)]?.join(', ') ?? 'nowhere yet: choose one place, and enter it in test/tidy/house.ts';
      return { path: from, line, says: `imports ${specifier}, whose home is ${home}` };
    });
}

/** Packages with a home that none of their homes imports any more. */
export function emptyHomes(sources: readonly Source[], homes: Homes): Finding[] {
  const imported = new Set(sources.flatMap(importsOf).map(({ specifier }) => packageOf(specifier)));
  return Object.keys(homes)
    .filter((name) => !imported.has(name))
    .map((name) => ({ path: 'test/tidy/house.ts', line: 1, says: `nobody imports ${name}; take its home away` }));
}

/** Files of src that nothing but tests imports. `entries` are started, not imported. */
export function deadFiles(sources: readonly Source[], entries: readonly string[]): Finding[] {
  const used = new Set(
    sources
      .filter(({ path }) => !path.startsWith('test/'))
      .flatMap(importsOf)
      .map(({ target }) => target),
  );
  return sources
    .filter(({ path }) => inSrc(path) && !used.has(path) && !entries.includes(path))
    .map(({ path }) => ({ path, line: 1, says: 'nobody imports this file; use it or delete it' }));
}

const EXPORTED = /^export (?:async )?(?:const|function\*?|class|type|interface) (\w+)/;

/** What is exported and imported by no other file: it is private, or dead. What lies in `offered` is for whoever comes. */
export function unusedExports(sources: readonly Source[], offered: readonly string[]): Finding[] {
  const imported = new Map<string, Set<string>>();
  for (const { path, text } of sources) {
    for (const [, words = '', specifier = ''] of text.matchAll(
      /(?:import|export)\s+(?:type\s+)?([^;'"]*?)\s+from\s+['"](\.[^'"]+)['"]/g,
    ))
      noteNames(imported, posix.join(posix.dirname(path), specifier), words);
    // What is loaded late is loaded whole.
    for (const [, specifier = ''] of text.matchAll(/import\(\s*['"](\.[^'"]+)['"]/g))
      noteNames(imported, posix.join(posix.dirname(path), specifier), '*');
  }
  return sources
    .filter(({ path }) => inSrc(path) && !path.startsWith('src/gen/') && !isAt(path, offered))
    .flatMap(({ path, text }) => {
      const names = imported.get(path) ?? new Set();
      return text.split('\n').flatMap((line, at) => {
        const name = EXPORTED.exec(line)?.[1];
        if (name === undefined || names.has('*') || names.has(name)) return [];
        return [{ path, line: at + 1, says: `exports ${name}, which no other file imports` }];
      });
    });
}

function noteNames(imported: Map<string, Set<string>>, target: string, words: string): void {
  const names = imported.get(target) ?? new Set();
  imported.set(target, names);
  if (words.includes('*')) names.add('*');
  for (const word of words.replace(/[{}]/g, '').split(','))
    names.add(
      word
        .trim()
        .replace(/^type /, '')
        .split(' as ')[0] ?? '',
    );
}

/** Circles of imports, each told once, from the file whose name comes first. */
export function importCycles(sources: readonly Source[]): Finding[] {
  const graph = new Map(sources.map((source) => [source.path, importsOf(source)]));
  const findings: Finding[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (done.has(path)) return;
    for (const { target, line } of graph.get(path) ?? []) {
      if (target === null) continue;
      const start = [...trail, path].indexOf(target);
      if (start === -1) visit(target, [...trail, path]);
      else {
        const circle = [...[...trail, path].slice(start), target].join(' -> ');
        findings.push({ path, line, says: `imports in a circle: ${circle}; move what they share` });
      }
    }
    done.add(path);
  };
  for (const path of [...graph.keys()].sort()) visit(path, []);
  return findings;
}
