/** The sources as syntax trees, parsed by the TypeScript compiler itself. */
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';

/** One file. */
export interface Source {
  /** Its path in the repository. */
  readonly path: string;
  readonly text: string;
  readonly tree: SourceFile;
}

/** Something that is not as the house wants it. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  /** What is wrong, and what to do. */
  readonly says: string;
}

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where our TypeScript lies. */
const CODE = ['src/**/*.{ts,tsx}', 'test/**/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'];

/** The paths of the files that match. Generated code is left out. */
export function findPaths(patterns: readonly string[]): string[] {
  const found = globSync([...patterns], {
    cwd: ROOT,
    exclude: ['src/gen/**', '**/node_modules/**'],
    withFileTypes: true,
  });
  const files = found.filter((entry) => entry.isFile());
  return files.map((entry) => relative(ROOT, join(entry.parentPath, entry.name))).sort();
}

/** The texts of the files that match, by their paths. */
export function readTexts(patterns: readonly string[]): Record<string, string> {
  return Object.fromEntries(findPaths(patterns).map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

/** Parses files. They need not exist, nor fit together. */
export function parseSources(texts: Readonly<Record<string, string>>): Source[] {
  const paths = Object.keys(texts);
  const config = JSON.stringify({ compilerOptions: { noLib: true, noResolve: true, types: [] }, files: paths });
  const files = Object.fromEntries(paths.map((path) => [`/house/${path}`, texts[path] ?? '']));
  const api = new API({ cwd: '/house', fs: createVirtualFileSystem({ ...files, '/house/tsconfig.json': config }) });
  try {
    const snapshot = api.updateSnapshot({ openProjects: ['/house/tsconfig.json'] });
    const program = snapshot.getProjects()[0]?.program;
    return paths.map((path) => {
      const tree = program?.getSourceFile(`/house/${path}`);
      if (tree === undefined) throw new Error(`TypeScript does not parse ${path}`);
      return { path, text: texts[path] ?? '', tree };
    });
  } finally {
    // The compiler runs beside us and may say "context canceled" here: that is its goodbye.
    api.close();
  }
}

/** All our code. */
export function readSources(): Source[] {
  return parseSources(readTexts(CODE));
}

/** Calls `visit` for every node of a tree. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => {
    walk(child, visit);
  });
}

const NODES = new WeakMap<Source, readonly Node[]>();

/** All nodes of a source, each before those in it. They are found once: most rules look at each. */
export function nodesOf(source: Source): readonly Node[] {
  const known = NODES.get(source);
  if (known) return known;
  const nodes: Node[] = [];
  walk(source.tree, (node) => nodes.push(node));
  NODES.set(source, nodes);
  return nodes;
}

/** What `look` finds in the nodes of each source. */
export function findInTrees(
  sources: readonly Source[],
  look: (node: Node, source: Source) => string | null,
): Finding[] {
  return sources.flatMap((source) => {
    const findings: Finding[] = [];
    for (const node of nodesOf(source)) {
      const says = look(node, source);
      if (says !== null) findings.push({ path: source.path, line: lineOf(node, source), says });
    }
    return findings;
  });
}

/** The line on which a node begins, from 1. */
export function lineOf(node: Node, { tree }: Source): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** True if `path` is one of these files, or lies in one of these folders (which end in a slash). */
export function isAt(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || (place.endsWith('/') && path.startsWith(place)));
}

/** Findings as lines to read. */
export function report(findings: readonly Finding[]): string {
  return findings.map(({ path, line, says }) => `${path}:${line}: ${says}`).join('\n');
}
