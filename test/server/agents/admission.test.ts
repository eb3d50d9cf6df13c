/** Which agents may attach, by who they are. */
import test from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { AttachRequest, type AttachResponse, type Hello } from '../../../src/gen/countermand/v1/agent.ts';
import type { Identity } from '../../../src/server/access/identity.ts';
import {
  Admission,
  type AttachedFrom,
  holderOf,
  nameOf,
  type SecondAgent,
} from '../../../src/server/agents/admission.ts';
import { Attachments } from '../../../src/server/agents/attachments.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { World } from '../../world/world.ts';

const hello = (agentUuid: string, ...zones: string[]): Hello => ({
  agentUuid,
  name: agentUuid,
  zones,
  drivers: [],
  embedded: false,
});
const agent = (name: string, ...agentZones: string[]): Identity => ({ name: `agent:${name}`, agentZones });

function open(secondAgent: SecondAgent = 'refuse') {
  const admission = new Admission(secondAgent);
  const attached: { hello: Hello; identity: Identity }[] = [];
  const admit = (said: Hello, identity: Identity): string[] => {
    const from = { embedded: false, identity };
    const replaced = admission.check(said, from, attached).map((other) => other.hello.agentUuid);
    admission.claim(said.agentUuid, holderOf({ embedded: false, identity: nameOf(identity) }));
    attached.push({ hello: said, identity });
    return replaced;
  };
  return { admission, admit, attached };
}

test('an agent attaches for its own zones, again and again', (t) => {
  const { admit } = open();
  t.deepEqual(admit(hello('one', 'north'), agent('n', 'north', 'south')), []);
  t.deepEqual(admit(hello('one', 'north', 'south'), agent('n', 'north', 'south')), []);
  t.deepEqual(admit(hello('two', 'north'), agent('other', 'north')), []);
});

test('a zone of others, and a caller that is no agent, are refused', (t) => {
  const { admit } = open();
  t.throws(() => admit(hello('one', 'north', 'south'), agent('n', 'north')), {
    code: 'PERMISSION_DENIED',
    message: 'agent:n cannot attach for zone south; its zones are north',
  });
  t.throws(() => admit(hello('one', 'north'), { name: 'jwt:alice', agentZones: null }), { code: 'PERMISSION_DENIED' });
  t.deepEqual(admit(hello('one', 'north'), { name: 'anonymous@::1', agentZones: 'any' }), []);
});

test('no agent takes the uuid of another, until that one certainly does nothing more', (t) => {
  const { admission, admit, attached } = open();
  admit(hello('one', 'north'), agent('n', 'north'));
  // It was lost, and may still act.
  attached.length = 0;
  t.throws(() => admit(hello('one', 'south'), agent('s', 'south')), { code: 'PERMISSION_DENIED' });
  admission.forget('one');
  t.deepEqual(admit(hello('one', 'south'), agent('s', 'south')), []);
});

test('a second agent with one identity is refused, or replaces the first', (t) => {
  const first = open();
  first.admit(hello('one', 'north'), agent('n', 'north'));
  t.throws(() => first.admit(hello('two', 'north'), agent('n', 'north')), { code: 'AGENT_IDENTITY_TAKEN' });
  const second = open('replace');
  second.admit(hello('one', 'north'), agent('n', 'north'));
  t.deepEqual(second.admit(hello('two', 'north'), agent('n', 'north')), ['one']);
});

test('an identity that has ended is refused, and a check takes no place', (t) => {
  const { admission, admit } = open();
  const ended: Identity = { ...agent('n', 'north'), objection: () => 'the token n was revoked' };
  t.throws(() => admit(hello('one', 'north'), ended), { code: 'UNAUTHENTICATED', message: 'the token n was revoked' });
  t.deepEqual(admission.check(hello('one', 'north'), { embedded: false, identity: agent('n', 'north') }, []), []);
  t.deepEqual(admit(hello('one', 'north'), agent('other', 'north')), []);
});

const DRIVER = { name: 'd', driverInfoSchema: '{}', targets: [], recalls: [], softRebootInOneCommand: false };

/** Attachments whose agents are written only when the test lets them, and what attaches to them. */
function openSlow() {
  const written = Promise.withResolvers<void>();
  const told: string[] = [];
  const cancellation = openCancellation([]);
  const attachments = new Attachments(
    'conductor',
    { agentLeaseMs: 30_000, askTimeoutMs: 30_000 },
    new VirtualClock(),
    cancellation.signal,
    new Admission('refuse'),
  );
  attachments.listen({
    attaching: (said, identity) => {
      told.push(`${said.agentUuid} ${identity}`);
      return written.promise;
    },
    attached: () => {},
    left: () => {},
    lost: () => {},
    movable: () => {},
    reported: () => {},
  });
  const attach = (agentUuid: string, identity: Identity | null, embedded = false) => {
    const stream = openCancellation([]);
    const outgoing = openChannel<AttachRequest>(stream.signal);
    outgoing.push(
      AttachRequest.fromPartial({
        message: { $case: 'hello', value: { ...hello(agentUuid, 'north'), drivers: [DRIVER] } },
      }),
    );
    return attachments.attach(outgoing, stream.signal, { embedded, identity }).next();
  };
  return { attachments, attach, written, told };
}

test('a token that is revoked while its agent attaches lets it in no more', async (t) => {
  const { attachments, attach, written } = openSlow();
  let objection: string | null = null;
  const first = attach('one', { ...agent('n', 'north'), objection: () => objection });
  objection = 'the token n was revoked';
  written.resolve();
  await t.throwsAsync(first, { code: 'UNAUTHENTICATED', message: 'the token n was revoked' } as never);
  t.deepEqual(attachments.list(), []);
});

test('of two agents with one identity that attach at the same moment, one is let in', async (t) => {
  const { attachments, attach, written } = openSlow();
  const both = Promise.allSettled([attach('one', agent('n', 'north')), attach('two', agent('n', 'north'))]);
  written.resolve();
  const [one, two] = await both;
  t.is(one?.status, 'fulfilled');
  t.is((two as PromiseRejectedResult).reason.code, 'AGENT_IDENTITY_TAKEN');
  t.deepEqual(
    attachments.list().map((each) => each.hello.agentUuid),
    ['one'],
  );
});

const ANONYMOUS: Identity = { name: 'anonymous@::1', agentZones: 'any' };
const FOREIGN = [agent('z', 'north'), ANONYMOUS, null];

test('the uuid of the agent inside the conductor is taken by no other, which expels nothing and leaves nothing', async (t) => {
  const { attachments, attach, written, told } = openSlow();
  written.resolve();
  await attach('inside', null, true);
  const [inside] = attachments.list();
  for (const identity of FOREIGN)
    await t.throwsAsync(attach('inside', identity), {
      code: 'PERMISSION_DENIED',
      message: /cannot attach as agent inside, which is the agent inside the conductor; start it again/,
    } as never);
  t.deepEqual(attachments.list(), [inside]);
  t.false(inside?.signal.aborted);
  t.deepEqual(told, ['inside null']);
  // It may come again itself.
  await attach('inside', null, true);
  t.true(inside?.signal.aborted);
});

test('of two identities that attach with one uuid at the same moment, the first has it', async (t) => {
  const { attachments, attach, written, told } = openSlow();
  const first = attach('one', agent('n', 'north'));
  await t.throwsAsync(attach('one', agent('z', 'north')), { code: 'PERMISSION_DENIED' } as never);
  t.true(attachments.isAttached('one'));
  written.resolve();
  await first;
  t.deepEqual(told, ['one agent:n']);
});

test('without authentication, an agent that was lost comes back from another address', async (t) => {
  const { attachments, attach, written } = openSlow();
  written.resolve();
  await attach('one', ANONYMOUS);
  await attach('one', { ...ANONYMOUS, name: 'anonymous@192.0.2.1' });
  t.is(attachments.list().length, 1);
});

/** A stream of an agent to the conductor of a world. @returns its first answer, and how to cut it */
function dial({ conductor }: World, agentUuid: string, from: AttachedFrom) {
  const stream = openCancellation([]);
  const outgoing = openChannel<AttachRequest>(stream.signal);
  const said = { ...hello(agentUuid, 'default'), drivers: [DRIVER] };
  outgoing.push(AttachRequest.fromPartial({ message: { $case: 'hello', value: said } }));
  return conductor.attachments.attach(outgoing, stream.signal, from).next();
}

test('after a restart of the conductor, the uuid of an agent is still that of its identity', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const by = (name: string): AttachedFrom => ({ embedded: false, identity: agent(name, 'default') });
  await world.finish(dial(world, 'one', by('n')));
  await world.killConductor();
  await world.startConductor();
  await t.throwsAsync(world.finish(dial(world, 'one', by('z'))), {
    code: 'PERMISSION_DENIED',
    message:
      'agent:z cannot attach as agent one, which is an agent with another identity; start it again, and it has a uuid of its own',
  } as never);
  const { value } = await world.finish(dial(world, 'one', by('n')));
  t.is((value as AttachResponse).message?.$case, 'welcome');
  t.deepEqual(
    (await world.database.read('agents')).map(({ identity }) => identity),
    ['agent:n'],
  );
});

test('a farewell on a stream that was not let in takes no agent away', async (t) => {
  const { attachments, attach, written } = openSlow();
  written.resolve();
  await attach('inside', null, true);
  const stream = openCancellation([]);
  const outgoing = openChannel<AttachRequest>(stream.signal);
  const said = { ...hello('inside', 'north'), drivers: [DRIVER] };
  outgoing.push(AttachRequest.fromPartial({ message: { $case: 'hello', value: said } }));
  outgoing.push(AttachRequest.fromPartial({ message: { $case: 'farewell', value: {} } }));
  const from = { embedded: false, identity: agent('z', 'north') };
  await t.throwsAsync(attachments.attach(outgoing, stream.signal, from).next(), { code: 'PERMISSION_DENIED' } as never);
  t.is(attachments.list().length, 1);
});
