import test from 'ava';
import { confirmOrder } from '../../src/cli/confirming.ts';
import { fail } from '../../src/core/errors.ts';
import { openCaptured } from './captured.ts';

for (const answer of ['y\n', 'Yes\n', ' YES \n']) {
  test(`${JSON.stringify(answer)} goes on`, async (t) => {
    const captured = openCaptured(true);
    captured.stdin.write(answer);
    await confirmOrder('n1', 'power off', false, captured.terminal);
    t.is(captured.stderr(), 'n1: power the node off, hard; it cannot be taken back once sent. Go on? [y/N] ');
  });
}

for (const answer of ['n\n', '\n', 'yesterday\n']) {
  test(`${JSON.stringify(answer)} orders nothing`, async (t) => {
    const captured = openCaptured(true);
    captured.stdin.write(answer);
    const asked = confirmOrder('n1', 'rebooting', false, captured.terminal);
    await t.throwsAsync(asked, { message: 'nothing was ordered' });
  });
}

test('the end of the input orders nothing', async (t) => {
  const captured = openCaptured(true);
  captured.stdin.end();
  const asked = confirmOrder('n1', 'inject nmi', false, captured.terminal);
  await t.throwsAsync(asked, { message: '\nnothing was ordered' });
  t.regex(captured.stderr(), /an abort only stops waiting/);
});

test('Ctrl-C orders nothing', async (t) => {
  const captured = openCaptured(true);
  const asked = confirmOrder('n1', 'power off', false, captured.terminal);
  captured.interrupt.abort(fail('CALL_ENDED', 'stopped'));
  await t.throwsAsync(asked, { message: '\nnothing was ordered' });
});

test('nothing is asked before what can be taken back, without a person, and of programs', async (t) => {
  for (const target of ['power on', 'soft power off', 'soft rebooting', 'abort inject nmi'] as const)
    await confirmOrder('n1', target, false, openCaptured(true).terminal);
  await confirmOrder('n1', 'power off', false, openCaptured(false).terminal);
  await confirmOrder('n1', 'power off', true, openCaptured(true).terminal);
  t.pass();
});
