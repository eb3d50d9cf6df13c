/** The simulated iRMC, asked with Fujitsu's own client. */
import test from 'ava';
import type { BootStatus } from '../../src/sim/host.ts';
import type { IrmcFaults } from '../../src/sim/irmc/faults.ts';
import { eventually } from '../counterparts/eventually.ts';
import { ScciClient, type ScciClientCommand } from '../counterparts/scciclient.ts';
import { type NewSimIrmc, newSimIrmc } from '../counterparts/sim_irmc.ts';
import { WAIT_S } from '../counterparts/waits.ts';

const client = new ScciClient();
test.after.always(() => client.close());

const FOREVER = Number.POSITIVE_INFINITY;
/** A host in which everything that begins is seen, as none of it ends. */
const SLOW: NewSimIrmc = { host: { softMs: FOREVER, selfTestMs: FOREVER } };

const does = test.macro({
  exec: async (t, command: ScciClientCommand, name: string, before: NewSimIrmc, boot: BootStatus) => {
    const tested = await newSimIrmc(t, { ...SLOW, ...before });
    t.is(await client.ask(tested, command), 'done');
    t.is(tested.irmc.host.boot, boot);
    t.deepEqual(tested.irmc.received as readonly unknown[], [{ command: name, value: 0 }]);
  },
  title: (_, command) => `${command} is done`,
});
test(does, 'POWER_ON', 'PowerOnCabinet', { power: 'power off' }, 'self-test');
test(does, 'POWER_OFF', 'PowerOffCabinet', {}, 'off');
test(does, 'POWER_CYCLE', 'PowerOffOnCabinet', {}, 'self-test');
test(does, 'POWER_RESET', 'ResetServer', {}, 'self-test');
test(does, 'POWER_RAISE_NMI', 'RaiseNMI', {}, 'self-test');
test(does, 'POWER_SOFT_OFF', 'RequestShutdownAndOff', {}, 'os-shutdown');
test(does, 'POWER_SOFT_CYCLE', 'RequestShutdownAndReset', { host: { softMs: 0, selfTestMs: FOREVER } }, 'self-test');

test('a pending shutdown is taken back, with Digest', async (t) => {
  const tested = await newSimIrmc(t, { host: { pendingMs: FOREVER } });
  const authMethod = 'digest';
  t.is(await client.ask(tested, 'POWER_SOFT_OFF', { authMethod }), 'done');
  t.is(await client.ask(tested, 'POWER_CANCEL_SHUTDOWN', { authMethod }), 'done');
  t.is(tested.irmc.host.cancel(), 'nothing is pending');
  t.is(tested.irmc.host.boot, 'os-running');
});

test('a shutdown that has begun is not taken back: the agent has ended', async (t) => {
  const tested = await newSimIrmc(t, SLOW);
  t.is(await client.ask(tested, 'POWER_SOFT_OFF'), 'done');
  t.regex(await client.ask(tested, 'POWER_CANCEL_SHUTDOWN'), /STATUS CODE = 31.*ServerView Agent not connected/);
  t.is(tested.irmc.host.boot, 'os-shutdown');
});

for (const command of ['POWER_SOFT_OFF', 'POWER_SOFT_CYCLE', 'POWER_CANCEL_SHUTDOWN'] as const)
  test(`${command} without the agent`, async (t) => {
    const tested = await newSimIrmc(t, { faults: { agentMissing: true } });
    t.is(
      await client.ask(tested, command),
      'SCCIClientError: SCCI PROTOCOL ERROR, STATUS CODE = 31, ERROR = ServerView Agent not connected, ' +
        'MESSAGE = Error 31 (Import of settings in WinSCU XML format failed) occurred',
    );
    t.is(tested.irmc.received[0]?.value, 31);
  });

const TIMED_OUT = /Read timed out/;

const says = test.macro({
  exec: async (t, _name: string, faults: Partial<IrmcFaults>, expected: RegExp, isDone: boolean) => {
    const tested = await newSimIrmc(t, { faults });
    const waits = expected.source === TIMED_OUT.source ? { timeoutS: WAIT_S.forSilence } : {};
    t.regex(await client.ask(tested, 'POWER_OFF', waits), expected);
    // A client that gives up may do so before the order is there.
    if (isDone) await eventually('it to be done', () => tested.irmc.host.power === 'power off');
    else t.is(tested.irmc.host.power, 'power on');
  },
  title: (_, name) => `what the client says about ${name}`,
});
test(says, 'status 503', { scci: 'unavailable' }, /STATUS CODE = 503/, false);
test(says, 'a redirect', { scci: 'redirects' }, /STATUS CODE = 302/, false);
test(says, 'silence', { scci: 'stalls' }, TIMED_OUT, false);
test(says, 'an answer that is held back', { holdsMs: 60_000 }, TIMED_OUT, true);
test(says, 'a connection that is reset', { scci: 'resets' }, /Connection (reset|aborted)/, true);
test(says, 'half an answer', { scci: 'truncated' }, /IncompleteRead|no element found|unclosed token/, true);
test(says, 'what is not well-formed', { scci: 'malformed' }, /not well-formed/, true);
test(says, 'a page', { scci: 'a page' }, /mismatched tag/, true);
test(says, 'a refusal', { refusesWith: 6 }, /STATUS CODE = 6/, false);

test('a second order at once gets error 5', async (t) => {
  const tested = await newSimIrmc(t, { faults: { busyMs: 60_000 } });
  t.is(await client.ask(tested, 'POWER_OFF'), 'done');
  t.regex(await client.ask(tested, 'POWER_ON'), /STATUS CODE = 5,/);
  t.is(tested.irmc.host.power, 'power off');
  t.deepEqual(tested.irmc.received, [
    { command: 'PowerOffCabinet', value: 0 },
    { command: 'PowerOnCabinet', value: 5 },
  ]);
});

for (const authMethod of ['basic', 'digest'] as const)
  test(`a wrong password, by ${authMethod}`, async (t) => {
    const tested = await newSimIrmc(t);
    const answer = await client.ask(tested, 'POWER_OFF', { authMethod, password: 'wrong' });
    t.regex(answer, /STATUS CODE = 401/);
    t.deepEqual(tested.irmc.received, []);
  });

test('a wrong password that is answered with a page', async (t) => {
  const tested = await newSimIrmc(t, { faults: { refusesLoginWith: 'page' } });
  t.regex(await client.ask(tested, 'POWER_OFF', { password: 'wrong' }), /^AttributeError|^SCCIClientError/);
  t.deepEqual(tested.irmc.received, []);
});
