/**
 * The rule about time in tests: none of them asserts on a real clock. Whether something is "in time" is shown on a virtual
 * clock, by counting, or by the order of events. A limit on the real clock exists only to end a hang.
 */
import {
  isBinaryExpression,
  isCallExpression,
  isIdentifier,
  isNumericLiteral,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isVariableDeclaration,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { type Finding, findInTrees, isAt, nodesOf, type Source, walk } from './sources.ts';

/** What is asked of tests. */
export interface ClockRules {
  /** The identifier of the real clock. A file that names it runs in real time. */
  readonly realClock: string;
  /** No limit on the real clock is shorter. */
  readonly shortestLimitMs: number;
  /** No limit of a whole test (`t.timeout`) is shorter: what a test computes in a minute takes ten on a busy machine. */
  readonly shortestTestMs: number;
  /** Files that need not comply yet. */
  readonly exceptions: readonly string[];
}

/** The members of a clock that tell the time. */
const READINGS = ['now', 'monotonic'];
/** Names that measure how long something took. */
const DURATION =
  /^(took|lasted|elapsed|waited|spent|touched)\w*(ms|s|seconds)?$|(took|elapsed|waited|duration)(ms|s|seconds)$/i;
/** Names of limits, of which the unit is the last word. */
const LIMIT = /(limit|bound|within|soon|patience|after|at_?most)_?(ms|s)$/i;

const namesClock = (source: Source, name: string): boolean =>
  source.text.includes(name) && nodesOf(source).some((node) => isIdentifier(node) && node.text === name);

/** The numbers that a file gives names to, such as `const LIMIT_MS = 5 * 1000`. */
function numbersOf(source: Source): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const node of nodesOf(source)) {
    if (!isVariableDeclaration(node) || !isIdentifier(node.name) || !node.initializer) continue;
    const value = amountOf(node.initializer, numbers);
    if (value !== null) numbers.set(node.name.text, value);
  }
  return numbers;
}

/** The value of a number, a named number or a product of them; null for anything else. */
function amountOf(node: Node, numbers: ReadonlyMap<string, number>): number | null {
  if (isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''));
  if (isIdentifier(node)) return numbers.get(node.text) ?? null;
  if (!isBinaryExpression(node) || node.operatorToken.kind !== SyntaxKind.AsteriskToken) return null;
  const [left, right] = [amountOf(node.left, numbers), amountOf(node.right, numbers)];
  return left === null || right === null ? null : left * right;
}

/** `t.true(...)` and the other assertions. `t.timeout`, `t.log` and `t.teardown` claim nothing. */
function isAssertion(node: Node): boolean {
  if (!isCallExpression(node) || !isPropertyAccessExpression(node.expression)) return false;
  const { expression, name } = node.expression;
  return (
    isIdentifier(expression) && expression.text === 't' && !['timeout', 'log', 'teardown', 'plan'].includes(name.text)
  );
}

/** More, less, at most and at least. That two durations are the same can be true on a virtual clock only. */
const COMPARISONS = [
  SyntaxKind.LessThanToken,
  SyntaxKind.LessThanEqualsToken,
  SyntaxKind.GreaterThanToken,
  SyntaxKind.GreaterThanEqualsToken,
];

/** The name of a duration that is compared with something, anywhere below `node`. */
function comparedDuration(node: Node): string | null {
  let found: string | null = null;
  walk(node, (inner) => {
    if (!isBinaryExpression(inner) || !COMPARISONS.includes(inner.operatorToken.kind)) return;
    walk(inner, (name) => {
      if (isIdentifier(name) && DURATION.test(name.text)) found ??= name.text;
    });
  });
  return found;
}

/** The name and the value of a limit that a node sets; null if it sets none. */
function limitOf(node: Node): { readonly name: string; readonly value: Node } | null {
  if (isVariableDeclaration(node) && isIdentifier(node.name) && node.initializer && LIMIT.test(node.name.text))
    return { name: node.name.text, value: node.initializer };
  if (isPropertyAssignment(node) && isIdentifier(node.name) && LIMIT.test(node.name.text))
    return { name: node.name.text, value: node.initializer };
  return null;
}

/** The milliseconds that `t.timeout` is given; null for anything else. */
function timeoutOf(node: Node, numbers: ReadonlyMap<string, number>): number | null {
  if (!isCallExpression(node) || node.expression.getText() !== 't.timeout') return null;
  const [limit] = node.arguments;
  return limit ? amountOf(limit, numbers) : null;
}

/** What is wrong with a node of a file; null if nothing. */
function faultOf(node: Node, isReal: boolean, numbers: ReadonlyMap<string, number>, rules: ClockRules): string | null {
  const { shortestLimitMs, shortestTestMs } = rules;
  const atLeast = (ms: number): string => `it exists only to end a hang, and is at least ${ms / 1000} s`;
  const timeout = timeoutOf(node, numbers);
  if (timeout !== null && timeout < shortestTestMs) return `t.timeout of ${timeout} ms; ${atLeast(shortestTestMs)}`;
  if (!isReal) return null;
  if (isPropertyAccessExpression(node) && READINGS.includes(node.name.text))
    return `reads ${node.getText()} beside the real clock; use a virtual clock, count, or look at the order of events`;
  const duration = isAssertion(node) ? comparedDuration(node) : null;
  if (duration !== null) return `asserts on ${duration}, measured on the real clock; count, or use a virtual clock`;
  const limit = limitOf(node);
  const value = limit ? amountOf(limit.value, numbers) : null;
  if (limit === null || value === null) return null;
  const limitMs = /ms$/i.test(limit.name) ? value : value * 1000;
  return limitMs < shortestLimitMs
    ? `${limit.name} is ${limitMs} ms on the real clock; ${atLeast(shortestLimitMs)}`
    : null;
}

/** Tests that measure real time, or that fail when a machine is slow. */
export function realTime(sources: readonly Source[], rules: ClockRules): Finding[] {
  const tests = sources.filter(({ path }) => path.startsWith('test/') && !isAt(path, rules.exceptions));
  return tests.flatMap((source) => {
    const isReal = namesClock(source, rules.realClock);
    const numbers = numbersOf(source);
    return findInTrees([source], (node) => faultOf(node, isReal, numbers, rules));
  });
}
