/** Scopes: what they mean, against a meaning written down differently, and what is wrong with those that mean nothing. */
import test from 'ava';
import * as fc from 'fast-check';
import { CountermandError } from '../../../src/core/errors.ts';
import { nodesInScope, parseScope, type Scope } from '../../../src/server/plans/scope.ts';
import type { ScopedNode } from '../../../src/server/store/rows.ts';

const NODES: readonly ScopedNode[] = Array.from({ length: 12 }, (_, at) => ({
  uuid: `uuid-${at}`,
  name: `n${at}`,
  zone: `z${at % 3}`,
  labels: { rack: String(at % 4), ...(at % 2 === 0 && { idle: 'true' }) },
}));
const names = (nodes: readonly ScopedNode[]): string[] => nodes.map(({ name }) => name);
const meant = (scope: unknown): string[] => names(nodesInScope(parseScope(scope), NODES));

const criterion = fc.oneof(
  fc.record({
    nodes: fc.array(
      fc.nat(11).map((at) => `n${at}`),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({ zones: fc.array(fc.constantFrom('z0', 'z1', 'z2', 'z9'), { minLength: 1, maxLength: 2 }) }),
  fc.record({
    labels: fc.constantFrom<Record<string, string>>({ rack: '1' }, { rack: '2', idle: 'true' }, { idle: 'no' }),
  }),
);
const exclude = fc.record({ exclude: fc.array(criterion, { minLength: 1, maxLength: 2 }) });
const section = fc.record({ baremetal: fc.array(fc.oneof(criterion, exclude), { minLength: 1, maxLength: 4 }) });
const scopes = fc.array(section, { minLength: 1, maxLength: 3 });

/** True if one criterion, written as in the scope, means a node. */
function isMeant(node: ScopedNode, item: Readonly<Record<string, unknown>>): boolean {
  if ('nodes' in item) return (item.nodes as string[]).includes(node.name);
  if ('zones' in item) return (item.zones as string[]).includes(node.zone);
  return Object.entries(item.labels as object).every(([key, value]) => node.labels[key] === value);
}

function isIn(node: ScopedNode, scope: Scope): boolean {
  return scope.some(({ baremetal }) => {
    const taken = baremetal.filter(({ exclude }) => exclude === undefined);
    const spared = baremetal.flatMap(({ exclude = [] }) => exclude);
    return (
      (taken.length === 0 || taken.some((item) => isMeant(node, item))) && !spared.some((item) => isMeant(node, item))
    );
  });
}

test('a scope means what its words say, in the order of the nodes, or is refused for meaning none', (t) => {
  const property = fc.property(scopes, (scope) => {
    const wanted = names(NODES.filter((node) => isIn(node, scope)));
    try {
      t.deepEqual(meant(scope), wanted);
    } catch (error) {
      if (!(error instanceof CountermandError)) throw error;
      t.is(error.code, 'SCOPE_INVALID');
      t.deepEqual(wanted, []);
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 500 }));
});

test('one more criterion never takes a node away, one more exclude never adds one', (t) => {
  const sure = { nodes: ['n0'] };
  const property = fc.property(fc.array(criterion, { maxLength: 3 }), criterion, (items, more) => {
    const before = new Set(meant([{ baremetal: [sure, ...items] }]));
    const wider = new Set(meant([{ baremetal: [sure, ...items, more] }]));
    t.true([...before].every((name) => wider.has(name)));
    const narrower = meant([{ baremetal: [sure, ...items, { exclude: [more] }] }, { baremetal: [sure] }]);
    t.true(narrower.every((name) => before.has(name)));
  });
  t.notThrows(() => fc.assert(property));
});

test('what is empty is everything, also where there is nothing', (t) => {
  t.deepEqual(meant([]), names(NODES));
  t.deepEqual(nodesInScope(parseScope([]), []), []);
});

test('a node is meant by its name, by its uuid and by a range, once', (t) => {
  t.deepEqual(meant([{ baremetal: [{ nodes: ['n[2-4]', 'uuid-3', 'n3'] }] }]), ['n2', 'n3', 'n4']);
});

test('nothing that is no scope is taken for one', (t) => {
  const property = fc.property(fc.jsonValue(), (value) => {
    try {
      parseScope(value);
      t.true(Array.isArray(value));
    } catch (error) {
      t.true(error instanceof CountermandError && error.code === 'SCOPE_INVALID');
      t.regex((error as Error).message, /^scope/);
    }
  });
  t.notThrows(() => fc.assert(property));
});

const one = (item: unknown): unknown => [{ baremetal: [item] }];
const without = (item: unknown): unknown => [{ baremetal: [{ nodes: ['n1'] }, { exclude: [item] }] }];

/** Scopes that are refused, each with what is said. */
const REFUSED: readonly (readonly [scope: unknown, says: RegExp])[] = [
  ['n1', /^scope: /],
  [[{ compute: [] }], /there is no 'compute'; there is baremetal/],
  [[{ baremetal: [] }], /^scope\[0\]\.baremetal: /],
  [one({}), /^scope\[0\]\.baremetal\[0\]: give one of nodes, zones, labels, exclude/],
  [one({ nodes: ['n1'], zones: ['z1'] }), /^scope\[0\]\.baremetal\[0\]: give one of nodes, zones, labels/],
  [one({ hosts: ['n1'] }), /^scope\[0\]\.baremetal\[0\]: there is no 'hosts'; there is nodes, zones, labels, exclude/],
  [one({ exclude: [{ exclude: [] }] }), /^scope\[0\]\.baremetal\[0\]\.exclude\[0\]: there is no 'exclude'; there is n/],
  [one({ nodes: [] }), /^scope\[0\]\.baremetal\[0\]\.nodes: /],
  [one({ nodes: 'n1' }), /^scope\[0\]\.baremetal\[0\]\.nodes: /],
  [one({ nodes: [7] }), /^scope\[0\]\.baremetal\[0\]\.nodes\[0\]: /],
  [one({ nodes: ['n1', 'n[1-99]'] }), /^scope\[0\]\.baremetal\[0\]\.nodes\[1\]: there is no node 'n12'$/],
  [one({ nodes: ['n['] }), /^scope\[0\]\.baremetal\[0\]\.nodes\[0\]: node range 'n\[': a bracket/],
  [one({ labels: {} }), /^scope\[0\]\.baremetal\[0\]\.labels: name at least one label/],
  [one({ labels: { rack: 7 } }), /^scope\[0\]\.baremetal\[0\]\.labels\.rack: /],
  [one({ zones: ['z9'] }), /^scope: it means no node$/],
  [without({ nodes: ['n77'] }), /^scope\[0\]\.baremetal\[1\]\.exclude\[0\]\.nodes\[0\]: there is no node 'n77'/],
  [without({ labels: { rack: '1' } }), /^scope: it means no node/],
];

for (const [scope, says] of REFUSED) {
  test(`refused: ${JSON.stringify(scope)}`, (t) => {
    const error = t.throws(() => meant(scope), { instanceOf: CountermandError });
    t.is(error?.code, 'SCOPE_INVALID');
    t.regex(error?.message ?? '', says);
  });
}
