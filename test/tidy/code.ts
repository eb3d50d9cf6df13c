/** Rules about code: banned names, sizes, docstrings, words, tests that are switched off. */
import {
  isClassDeclaration,
  isElementAccessExpression,
  isFunctionLikeDeclaration,
  isIdentifier,
  isInterfaceDeclaration,
  isNewExpression,
  isObjectBindingPattern,
  isPropertyAccessExpression,
  isStringLiteral,
  isTypeAliasDeclaration,
  isVariableDeclaration,
  isVariableStatement,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { type Finding, findInTrees, isAt, lineOf, type Source } from './sources.ts';

/** A name that has one home, and what to use elsewhere. */
export interface Banned {
  /** `Date.now`, `setTimeout`, or `new Date` for one without arguments. */
  readonly name: string;
  readonly homes: readonly string[];
  readonly instead: string;
}

/** An expression such as `globalThis.Date['now']` as `Date.now`; null for what is no chain of names. */
function dotted(node: Node): string | null {
  if (isIdentifier(node)) return node.text;
  let last: string;
  let base: Node;
  if (isPropertyAccessExpression(node)) [base, last] = [node.expression, node.name.text];
  else if (isElementAccessExpression(node) && isStringLiteral(node.argumentExpression))
    [base, last] = [node.expression, node.argumentExpression.text];
  else return null;
  const before = dotted(base);
  if (before === null) return null;
  return before === 'globalThis' ? last : `${before}.${last}`;
}

/** True where an identifier only names a member, and so is no use of a global. */
function isMemberName(node: Node): boolean {
  const { parent } = node;
  if (isPropertyAccessExpression(parent)) return parent.name === node;
  const named = parent as Node & { name?: Node; propertyName?: Node };
  const declares = [
    SyntaxKind.PropertyAssignment,
    SyntaxKind.PropertySignature,
    SyntaxKind.PropertyDeclaration,
    SyntaxKind.MethodDeclaration,
    SyntaxKind.MethodSignature,
  ];
  return declares.includes(parent.kind) && named.name === node;
}

/** What a node uses, in the way that the table of banned names writes it. `const { now } = Date` uses `Date.now`. */
function usedNames(node: Node): string[] {
  if (isNewExpression(node) && isIdentifier(node.expression))
    return (node.arguments?.length ?? 0) === 0 ? [`new ${node.expression.text}`] : [];
  if (isVariableDeclaration(node) && node.initializer && isObjectBindingPattern(node.name)) {
    const base = dotted(node.initializer);
    return node.name.elements.map((element) => `${base}.${(element.propertyName ?? element.name)?.getText()}`);
  }
  if (isIdentifier(node)) return isMemberName(node) ? [] : [node.text];
  const name = dotted(node);
  return name === null ? [] : [name];
}

/** Uses of banned names in these folders, outside their homes. */
export function bannedNames(
  sources: readonly Source[],
  table: readonly Banned[],
  folders: readonly string[],
): Finding[] {
  const rows = new Map(table.map((row) => [row.name, row]));
  // Most files have none of the words.
  const words = table.map(({ name }) => name.split(/[. ]/).at(-1) ?? name);
  const inside = sources.filter(({ path, text }) => isAt(path, folders) && words.some((word) => text.includes(word)));
  return findInTrees(inside, (node, { path }) => {
    const row = usedNames(node)
      .map((name) => rows.get(name))
      .find((found) => found !== undefined);
    return row === undefined || isAt(path, row.homes) ? null : `uses ${row.name}; use ${row.instead}`;
  });
}

/** Files and functions that are too long. */
export function tooLong(sources: readonly Source[], limits: { file: number; function: number }): Finding[] {
  const files = sources.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split('\n').length;
    return lines <= limits.file
      ? []
      : [{ path, line: 1, says: `has ${lines} lines; at most ${limits.file}: split it` }];
  });
  const functions = findInTrees(sources, (node, { tree }) => {
    if (!isFunctionLikeDeclaration(node)) return null;
    const line = (position: number): number => tree.getLineAndCharacterOfPosition(position).line;
    const lines = line(node.getEnd()) - line(node.getStart(tree)) + 1;
    return lines <= limits.function ? null : `a function of ${lines} lines; at most ${limits.function}: split it`;
  });
  return [...files, ...functions];
}

const isExported = (node: Node): boolean =>
  ((node as { modifiers?: readonly Node[] }).modifiers ?? []).some(({ kind }) => kind === SyntaxKind.ExportKeyword);

const isDocumented = (node: Node | undefined): boolean => (node?.jsDoc?.length ?? 0) > 0;

/** `export type State = keyof typeof STATES` right after the documented STATES says nothing new. */
function namesTheValueBefore(node: Node, before: Node | undefined): boolean {
  if (!isTypeAliasDeclaration(node) || before === undefined || !isDocumented(before)) return false;
  if (!isVariableStatement(before)) return false;
  const names = before.declarationList.declarations.map(({ name }) => name.getText());
  return names.some((name) => new RegExp(`\\btypeof ${name}\\b`).test(node.type.getText()));
}

/** Exports of src without a docstring. */
export function undocumentedExports(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => {
    if (!source.path.startsWith('src/')) return [];
    const { statements } = source.tree;
    return statements.flatMap((statement, index) => {
      if (!isExported(statement) || isDocumented(statement)) return [];
      if (namesTheValueBefore(statement, statements[index - 1])) return [];
      return [{ path: source.path, line: lineOf(statement, source), says: 'an export without a docstring' }];
    });
  });
}

/** The words of an identifier: `powerTaskState` and `POWER_TASK_STATE` are power, task, state. */
export function wordsOf(identifier: string): string[] {
  return identifier
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .split('_')
    .map((word) => word.toLowerCase());
}

/** Identifiers of src that use a word which is not ours. `words`: the word, and ours. */
export function foreignWords(sources: readonly Source[], words: Readonly<Record<string, string>>): Finding[] {
  const any = new RegExp(Object.keys(words).join('|'), 'i');
  const inside = sources.filter(({ path, text }) => path.startsWith('src/') && any.test(text));
  return findInTrees(inside, (node) => {
    if (!isIdentifier(node)) return null;
    const { text } = node;
    const foreign = any.test(text) ? wordsOf(text).find((word) => Object.hasOwn(words, word)) : undefined;
    return foreign === undefined ? null : `'${text}' says ${foreign}; ours is ${words[foreign]}`;
  });
}

const SWITCHES = ['only', 'skip', 'todo', 'failing'];

/** Tests that are switched off, or that switch all others off. */
export function switchedOffTests(sources: readonly Source[]): Finding[] {
  const tests = sources.filter(
    ({ path, text }) => path.endsWith('.test.ts') && SWITCHES.some((name) => text.includes(name)),
  );
  return findInTrees(tests, (node) => {
    if (!isPropertyAccessExpression(node) || !SWITCHES.includes(node.name.text)) return null;
    return dotted(node)?.startsWith('test.') ? `${node.getText()} switches tests off; mend or delete them` : null;
  });
}

/** The name that a statement at the top of a file declares; null for what declares a function, several names or none. */
function declaredName(statement: Node): string | null {
  const declares =
    isInterfaceDeclaration(statement) || isTypeAliasDeclaration(statement) || isClassDeclaration(statement);
  return declares ? (statement.name?.text ?? null) : null;
}

/** Types, interfaces and classes of src with one of these names, after the first file that declares it. */
export function secondMeanings(sources: readonly Source[], names: readonly string[]): Finding[] {
  const homes = new Map<string, string>();
  return sources.flatMap((source) => {
    if (!source.path.startsWith('src/')) return [];
    return source.tree.statements.flatMap((statement) => {
      const name = declaredName(statement);
      if (name === null || !names.includes(name)) return [];
      const home = homes.get(name) ?? source.path;
      homes.set(name, home);
      if (home === source.path) return [];
      return [
        {
          path: source.path,
          line: lineOf(statement, source),
          says: `'${name}' is what ${home} declares; find another name`,
        },
      ];
    });
  });
}
