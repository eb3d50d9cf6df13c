/** Which plans wait for a second person, and who that cannot be. */
import test from 'ava';
import { Access } from '../../../src/server/access/access.ts';
import { parseAccess } from '../../../src/server/access/access_file.ts';
import { Approvals } from '../../../src/server/access/approvals.ts';
import type { TokenRow } from '../../../src/server/store/tokens.ts';

const node = (name: string, zone = 'north', labels = {}) => ({ name, uuid: `uuid of ${name}`, zone, labels });
const by = (identity: string, onBehalfOf: string | null = null) => ({ identity, onBehalfOf });

const MAKERS: Readonly<Record<string, string>> = {
  a1: 'jwt:alice',
  a2: 'jwt:alice',
  nested: 'token:a1',
  first: 'anonymous@127.0.0.1',
  second: 'anonymous@127.0.0.1',
};
const tokens = {
  named: (name: string) =>
    name in MAKERS ? ({ name, createdBy: MAKERS[name], role: name === 'a1' ? 'operator' : null } as TokenRow) : null,
};

const FILE = {
  bindings: [
    { identities: ['jwt:bob'], role: 'operator', labels: { rack: '7' } },
    { identities: ['jwt:*'], role: 'admin' },
  ],
  require_approval: [
    { roles: ['operator'], labels: { env: 'prod' } },
    { nodes_above: 2 },
    { zones: ['south'], nodes_above: 1 },
  ],
  people: [['jwt:dora', 'basic:dora', 'certificate:CN=dora']],
};
const approvals = new Approvals(new Access(parseAccess(FILE, 'access.yaml')), tokens);

test('a rule holds where all that it names holds, and says what', (t) => {
  const prod = node('n1', 'north', { env: 'prod' });
  const words = (starter: ReturnType<typeof by> | null, ...nodes: Parameters<typeof approvals.why>[1]) =>
    approvals.why(starter, nodes);
  t.is(
    words(by('jwt:bob'), prod, node('n2')),
    'it is about 1 node with env=prod, started with role operator (require_approval[0])',
  );
  t.is(words(by('jwt:carol'), prod), null);
  t.regex(words(by('token:portal', 'jwt:bob'), prod) ?? '', /role operator/);
  t.regex(words(by('token:a1'), prod) ?? '', /role operator/);
  t.regex(words(null, prod) ?? '', /role operator/);
  t.is(words(by('jwt:bob'), node('n1'), node('n2')), null);
  t.is(
    words(by('jwt:carol'), node('n1'), node('n2'), node('n3')),
    'it is about 3 nodes, more than 2 (require_approval[1])',
  );
  t.is(
    words(by('jwt:carol'), node('n1', 'south'), node('n2', 'south')),
    'it is about 2 nodes in zone south, more than 1 (require_approval[2])',
  );
  t.is(words(by('jwt:carol'), node('n1', 'south'), node('n2')), null);
  t.is(words(by('jwt:bob')), null);
  t.true(approvals.isAny);
  t.false(new Approvals(new Access(null), tokens).isAny);
});

for (const [second, first, may] of [
  [by('jwt:bob'), by('jwt:alice'), true],
  [by('jwt:alice'), by('jwt:alice'), false],
  // A token counts as whoever made it, whoever made that one included.
  [by('token:a1'), by('jwt:alice'), false],
  [by('jwt:alice'), by('token:a1'), false],
  [by('token:a1'), by('token:a2'), false],
  [by('token:nested'), by('jwt:alice'), false],
  [by('token:nested'), by('jwt:bob'), true],
  // Whoever was on the host before callers were known is no person.
  [by('token:first'), by('token:second'), true],
  [by('token:first'), by('token:first'), false],
  // Who acts for another counts as both.
  [by('token:first', 'jwt:bob'), by('token:first', 'jwt:carol'), false],
  [by('jwt:bob'), by('token:first', 'jwt:bob'), false],
  [by('token:first', 'jwt:alice'), by('jwt:alice'), false],
  [by('token:first', 'jwt:bob'), by('token:a1', 'jwt:carol'), true],
  // One person with several logins.
  [by('basic:dora'), by('jwt:dora'), false],
  [by('certificate:CN=dora'), by('token:first', 'basic:dora'), false],
  [null, by('jwt:alice'), false],
] as const)
  test(`${JSON.stringify(second)} ${may ? 'may' : 'may not'} decide on what ${JSON.stringify(first)} has done`, (t) => {
    const objection = approvals.objection(second, [by('jwt:zoe'), first]);
    t.is(objection === null, may, objection ?? '');
    if (objection && second) t.true(objection.includes(second.identity), objection);
  });

for (const [file, sentence] of [
  [
    { require_approval: [{ roles: ['boss'] }] },
    /require_approval\[0\].roles: there is no role 'boss'; there are observer/,
  ],
  [
    { require_approval: [{ nodes: 3 }] },
    /require_approval\[0\]: there is no 'nodes'; there is roles, zones, labels, nodes_above/,
  ],
  [{ require_approval: [{ nodes_above: -1 }] }, /require_approval\[0\].nodes_above/],
  [{ require_approval: [{ labels: {} }] }, /require_approval\[0\].labels: name at least one label/],
  [{ people: [['jwt:a']] }, /people\[0\]/],
  [{ people: [['jwt:a', 'jwt:*']] }, /people\[0\]\[1\]: 'jwt:\*' means many/],
  [
    {
      people: [
        ['jwt:a', 'jwt:b'],
        ['jwt:b', 'jwt:c'],
      ],
    },
    /people\[1\]\[0\]: 'jwt:b' stands there twice/,
  ],
  [{ people: [['jwt:a', 'alice']] }, /people\[0\]\[1\]: 'alice' is the name of no identity/],
  [{ need_approval: [] }, /there is no 'need_approval'; there is roles, bindings, require_approval, people/],
] as const)
  test(`a file with ${JSON.stringify(file)} is refused`, (t) => {
    const error = t.throws(() => parseAccess({ bindings: [], ...file }, 'access.yaml'));
    t.regex(error?.message ?? '', sentence);
  });
