/** The examples of docs/scope.md, each resolved: what it says they mean is what they mean. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import { asCountermandError } from '../../src/core/errors.ts';
import { nodesInScope, parseScope } from '../../src/server/plans/scope.ts';
import type { ScopedNode } from '../../src/server/store/rows.ts';

const PAGE = readFileSync(new URL('../../docs/scope.md', import.meta.url), 'utf8');
const EXAMPLE = /```yaml\n([\s\S]*?)# (means|refused:) (.*)\n```/g;

function node(name: string, zone: string, labels: Record<string, string>): ScopedNode {
  return { uuid: `uuid of ${name}`, name, zone, labels };
}

/** The nodes that the page speaks of. */
const NODES = [
  ...['r7n1', 'r7n2', 'r7n3'].map((name) => node(name, 'default', { rack: '7' })),
  node('r7n4', 'default', { rack: '7', role: 'storage' }),
  ...['r8n1', 'r8n2'].map((name) => node(name, 'north', { rack: '8' })),
];

function meaningOf(scope: unknown): string {
  try {
    const found = nodesInScope(parseScope(scope), NODES);
    return `means ${found.map(({ name }) => name).join(' ')}`;
  } catch (thrown) {
    return `refused: ${asCountermandError(thrown).message}`;
  }
}

test('every example of the page means what it says', (t) => {
  const examples = [...PAGE.matchAll(EXAMPLE)];
  t.is(examples.length, 8);
  for (const [, text = '', how, what] of examples) t.is(meaningOf(parse(text)), `${how} ${what}`);
});
