/** Rules about imports: layers, homes of packages, cycles, files that nobody imports. */
import { posix } from 'node:path';
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isStringLiteral,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { type Finding, isAt, lineOf, type Source, walk } from './sources.ts';

/** One import of one file. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** As it is written. */
  readonly specifier: string;
  /** The imported file of ours; null for a package. */
  readonly target: string | null;
}

/** All imports of a file: static, re-exporting, of types, and dynamic with a fixed name. */
export function importsOf(source: Source): Import[] {
  const imports: Import[] = [];
  walk(source.tree, (node) => {
    let specifier: unknown;
    if (isImportDeclaration(node) || isExportDeclaration(node)) specifier = node.moduleSpecifier;
    else if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) specifier = node.arguments[0];
    const named = specifier as Parameters<typeof isStringLiteral>[0] | undefined;
    if (named === undefined || !isStringLiteral(named)) return;
    const { text } = named;
    const target = text.startsWith('.') ? posix.join(posix.dirname(source.path), text) : null;
    imports.push({ from: source.path, line: lineOf(node, source), specifier: text, target });
  });
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
