/** Which agents may attach, by who they are. */
import test from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { AttachRequest, type Hello } from '../../../src/gen/countermand/v1/agent.ts';
import type { Identity } from '../../../src/server/access/identity.ts';
import { Admission, type SecondAgent } from '../../../src/server/agents/admission.ts';
import { Attachments } from '../../../src/server/agents/attachments.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

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
    const replaced = admission.admit(said, identity, attached).map((other) => other.hello.agentUuid);
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
  t.deepEqual(admission.check(hello('one', 'north'), agent('n', 'north'), []), []);
  t.deepEqual(admit(hello('one', 'north'), agent('other', 'north')), []);
});

const DRIVER = { name: 'd', driverInfoSchema: '{}', targets: [], recalls: [], softRebootInOneCommand: false };

/** Attachments whose agents are written only when the test lets them, and what attaches to them. */
function openSlow() {
  const written = Promise.withResolvers<void>();
  const cancellation = openCancellation([]);
  const attachments = new Attachments(
    'conductor',
    { agentLeaseMs: 30_000, askTimeoutMs: 30_000 },
    new VirtualClock(),
    cancellation.signal,
    new Admission('refuse'),
  );
  attachments.listen({
    attaching: () => written.promise,
    attached: () => {},
    left: () => {},
    movable: () => {},
    reported: () => {},
  });
  const attach = (agentUuid: string, identity: Identity) => {
    const stream = openCancellation([]);
    const outgoing = openChannel<AttachRequest>(stream.signal);
    outgoing.push(
      AttachRequest.fromPartial({
        message: { $case: 'hello', value: { ...hello(agentUuid, 'north'), drivers: [DRIVER] } },
      }),
    );
    return attachments.attach(outgoing, stream.signal, { embedded: false, identity }).next();
  };
  return { attachments, attach, written };
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
