/** The file of roles: what it gives to whom, and what is wrong with one that is refused. */
import test from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { Access } from '../../../src/server/access/access.ts';
import { parseAccess } from '../../../src/server/access/access_file.ts';
import { OpenStreams } from '../../../src/server/access/open_streams.ts';
import { GRANTABLE } from '../../../src/server/access/verbs.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

const node = (name: string, zone = 'default', labels = {}) => ({ name, uuid: `uuid of ${name}`, zone, labels });
const client = (name: string, role: string | null = null) => ({ name, agentZones: null, role });

const rules = parseAccess(
  {
    roles: { night: { verbs: ['node.read', 'power.*'] } },
    bindings: [
      { identities: ['basic:alice'], role: 'operator', nodes: ['r7n[1-4]', 'uuid of far'] },
      { identities: ['basic:*'], role: 'observer', zones: ['north', 'south'] },
      { identities: ['jwt:bob'], role: 'night', zones: ['north'], labels: { rack: '7', row: 'a' } },
      { identities: ['certificate:spiffe://example/*'], role: 'admin' },
      { identities: ['jwt:carol'], role: 'admin', zones: ['north'] },
    ],
  },
  'access.yaml',
);
const access = new Access(rules);

test('bindings add up; each holds where all that it names holds', (t) => {
  const alice = access.rightsOf(client('basic:alice'));
  t.true(alice.on('power.off', node('r7n3')));
  t.true(alice.on('power.off', node('far')));
  t.false(alice.on('power.off', node('r7n5', 'north')));
  t.true(alice.on('node.read', node('r7n5', 'north')));
  t.false(alice.on('node.read', node('r7n5', 'west')));
  t.true(alice.may('power.off'));
  t.false(alice.everywhere('power.off'));
  t.false(alice.may('node.write'));
  const bob = access.rightsOf(client('jwt:bob'));
  t.true(bob.on('power.inject_nmi', node('x', 'north', { rack: '7', row: 'a', other: 'b' })));
  t.false(bob.on('power.inject_nmi', node('x', 'north', { rack: '7' })));
  t.false(bob.on('power.inject_nmi', node('x', 'south', { rack: '7', row: 'a' })));
});

test('a role over some nodes has no verb that is not about nodes', (t) => {
  const carol = access.rightsOf(client('jwt:carol'));
  t.true(carol.on('node.write', node('x', 'north')));
  t.false(carol.may('access.admin'));
  t.false(carol.may('audit.template'));
  const admin = access.rightsOf(client('certificate:spiffe://example/admin'));
  t.true(GRANTABLE.every((verb) => admin.everywhere(verb)));
  t.false(admin.may('agent.attach'));
});

test('who is not bound may do nothing; agents attach; without a file who is known may do everything', (t) => {
  const stranger = access.rightsOf(client('jwt:mallory'));
  t.false(GRANTABLE.some((verb) => stranger.may(verb)));
  const agent = access.rightsOf({ name: 'agent:north', agentZones: ['north'] });
  t.true(agent.may('agent.attach'));
  t.false(GRANTABLE.some((verb) => agent.may(verb)));
  const without = new Access(null);
  t.true(GRANTABLE.every((verb) => without.rightsOf(client('jwt:mallory')).everywhere(verb)));
  t.false(without.rightsOf(client('jwt:mallory')).may('agent.attach'));
  t.true(access.rightsOf({ name: 'anonymous@127.0.0.1', agentZones: 'any' }).everywhere('access.admin'));
});

test('the role of a token holds with and without a file, and is worth nothing once the file has it no more', (t) => {
  const night = client('token:ci', 'night');
  t.true(access.rightsOf(night).everywhere('power.on'));
  t.false(access.rightsOf(night).may('plan.read'));
  t.false(new Access(null).rightsOf(client('token:ci', 'observer')).may('power.on'));
  t.false(new Access(null).rightsOf(night).may('power.on'));
  t.throws(() => access.checkRole('day'), { code: 'ARGUMENT_INVALID' } as never);
  t.notThrows(() => access.checkRole('night'));
});

const bound = (binding: object, roles: object = {}) => ({
  roles,
  bindings: [{ identities: ['basic:a'], role: 'admin', ...binding }],
});
const WRONG: readonly (readonly [what: string, document: unknown, sentence: RegExp])[] = [
  ['nothing', null, /^access\.yaml: must be an object/],
  ['no bindings', {}, /bindings: /],
  ['an unknown key', { bindings: [], extra: 1 }, /there is no 'extra'; there is roles, bindings/],
  [
    'an unknown key of a binding',
    bound({ node: 'a' }),
    /bindings\[0\]: there is no 'node'; there is identities, role, nodes/,
  ],
  [
    'an unknown role',
    bound({ role: 'boss' }),
    /bindings\[0\]\.role: there is no role 'boss'; there are observer, operator, admin$/,
  ],
  [
    'an unknown verb',
    bound({}, { x: { verbs: ['node.fly'] } }),
    /roles\.x\.verbs\[0\]: 'node\.fly' means no verb; there are node\.read/,
  ],
  ['a verb of agents', bound({}, { x: { verbs: ['agent.attach'] } }), /comes with the token of an agent/],
  ['a verb without its sight', bound({}, { x: { verbs: ['power.off'] } }), /has power\.off without node\.read/],
  ['a built-in role', bound({}, { admin: { verbs: ['*'] } }), /roles\.admin: every conductor has a role of this name/],
  ['an agent', bound({ identities: ['agent:north'] }), /agents attach for the zones of their tokens/],
  ['a name without a method', bound({ identities: ['alice'] }), /identities\[0\]: 'alice' is the name of no identity/],
  ['no labels', bound({ labels: {} }), /bindings\[0\]\.labels: name at least one label/],
  ['half a range', bound({ nodes: ['r7n[1-'] }), /bindings\[0\]\.nodes\[0\]: /],
];
for (const [what, document, sentence] of WRONG)
  test(`a file is refused for ${what}`, (t) => {
    t.throws(() => parseAccess(document, 'access.yaml'), { code: 'CONFIGURATION_INVALID', message: sentence } as never);
  });

test('new rules end the streams of those who may do something else, and of no one else', async (t) => {
  const changing = new Access(rules);
  const streams = new OpenStreams(changing);
  const cancellation = openCancellation([]);
  const looking = streams.lookOn(new VirtualClock(), cancellation.signal);
  const ended: string[] = [];
  const enter = (name: string) => {
    const identity = client(name);
    const rights = changing.rightsOf(identity).text;
    return streams.enter({ identity, rights, end: ({ code }) => ended.push(`${name} ${code}`) });
  };
  enter('jwt:bob');
  enter('basic:alice');
  const leave = enter('jwt:carol');
  leave();
  const north = { role: 'observer', zones: ['north', 'south'] };
  const same = [
    { identities: ['basic:alice'], role: 'operator', nodes: ['r7n[1-4]', 'uuid of far'] },
    { identities: ['basic:*'], ...north },
  ];
  changing.replace(parseAccess({ bindings: same }, 'access.yaml'));
  t.deepEqual(ended, ['jwt:bob PERMISSION_DENIED']);
  t.false(changing.rightsOf(client('jwt:bob')).may('node.read'));
  cancellation.abort(fail('SHUTTING_DOWN', 'the test is over'));
  await looking;
});

test('a stream whose identity is not good any more ends at the next look', (t) => {
  const streams = new OpenStreams(access);
  let objection: string | null = null;
  const identity = { ...client('token:ci'), objection: () => objection };
  const ended: string[] = [];
  streams.enter({ identity, rights: access.rightsOf(identity).text, end: ({ message }) => ended.push(message) });
  streams.look();
  t.deepEqual(ended, []);
  objection = 'the token ci has expired';
  streams.look();
  t.deepEqual(ended, ['the token ci has expired; the stream has ended, and the work goes on']);
});
