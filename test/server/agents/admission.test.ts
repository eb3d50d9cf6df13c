/** Which agents may attach, by who they are. */
import test from 'ava';
import type { Hello } from '../../../src/gen/countermand/v1/agent.ts';
import type { Identity } from '../../../src/server/access/identity.ts';
import { Admission, type SecondAgent } from '../../../src/server/agents/admission.ts';

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
