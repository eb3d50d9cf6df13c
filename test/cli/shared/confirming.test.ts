import test from 'ava';
import { confirm, confirmTakenDown, mustConfirm, orderWords, type Yes } from '../../../src/cli/shared/confirming.ts';
import { takesDownWords } from '../../../src/cli/shared/effect_text.ts';
import { fail } from '../../../src/core/errors.ts';
import { TARGETS, type Target } from '../../../src/core/power.ts';
import { callOf, openCaptured } from '../captured.ts';

const OFF = { target: 'power off', forced: false, typed: ['n1'] } as const;

for (const answer of ['y\n', 'Yes\n', ' YES \n']) {
  test(`${JSON.stringify(answer)} goes on`, async (t) => {
    const captured = openCaptured(true);
    captured.stdin.write(answer);
    await confirm(orderWords('n1', OFF, captured.terminal), false, captured.terminal);
    t.is(captured.person(), 'n1: power the node off, hard; it cannot be taken back once sent. Go on? [y/N] ');
    t.is(captured.stdout() + captured.stderr(), '');
  });
}

for (const answer of ['n\n', '\n', 'yesterday\n']) {
  test(`${JSON.stringify(answer)} sends nothing`, async (t) => {
    const captured = openCaptured(true);
    captured.stdin.write(answer);
    const asked = confirm('n1', false, captured.terminal);
    await t.throwsAsync(asked, { code: 'NOT_CONFIRMED', message: 'nothing was sent' });
  });
}

test('the end of the input sends nothing', async (t) => {
  const captured = openCaptured(true);
  captured.stdin.end();
  const asked = confirm('n1', false, captured.terminal);
  await t.throwsAsync(asked, { code: 'NOT_CONFIRMED', message: '\nnothing was sent' });
});

test('Ctrl-C sends nothing', async (t) => {
  const captured = openCaptured(true);
  const asked = confirm('n1', false, captured.terminal);
  captured.interrupt.abort(fail('CALL_ENDED', 'stopped'));
  await t.throwsAsync(asked, { code: 'CALL_ENDED', message: '\nnothing was sent' });
});

test('without a person it is refused, whatever the input says; with yes nothing is asked', async (t) => {
  const captured = openCaptured(false);
  captured.stdin.write('y\n');
  const refused = await t.throwsAsync(confirm('n1 goes down', false, captured.terminal), { code: 'NOT_CONFIRMED' });
  t.regex(
    refused.message,
    /^n1 goes down\. There is no terminal to ask on, so nothing was sent; to go on, give --yes$/,
  );
  await confirm('n1 goes down', true, captured.terminal);
  const unseen = openCaptured(true);
  const blind = { ...unseen.terminal, showPerson: () => false };
  unseen.stdin.write('y\n');
  await t.throwsAsync(confirm('n1 goes down', false, blind), { code: 'NOT_CONFIRMED' }, 'a question that is not seen');
  const piped = openCaptured(true);
  Object.assign(piped.stdin, { isTTY: false });
  piped.stdin.write('y\n');
  await t.throwsAsync(
    confirm('n1 goes down', false, piped.terminal),
    { code: 'NOT_CONFIRMED' },
    'an answer from a pipe',
  );
});

test('what has to be confirmed: hard orders, forced ones, and what stops a node whose name is also a file', (t) => {
  const [plain, folder] = [openCaptured(true).terminal, openCaptured(true, {}, ['n1']).terminal];
  const asked = (forced: boolean, terminal: typeof plain) =>
    TARGETS.filter((target) => mustConfirm({ target, forced, typed: ['n1'] }, terminal));
  t.deepEqual(asked(false, plain), ['power off', 'rebooting', 'inject nmi']);
  const stopping: Target[] = ['power off', 'rebooting', 'soft rebooting', 'soft power off', 'inject nmi'];
  t.deepEqual(asked(true, plain), stopping);
  t.deepEqual(asked(false, folder), stopping);
  t.regex(
    orderWords('n1', OFF, folder),
    /^'n1' is also a file in this folder; .* the shell has replaced it\. n1: power/,
  );
});

test('how many running nodes go down, in words', (t) => {
  t.is(takesDownWords(undefined), 'it takes no running node down');
  t.is(takesDownWords({ count: 1, nodes: ['n1'], hard: 0, confirmAbove: 20 }), 'it takes 1 running node down (n1)');
  t.is(
    takesDownWords({ count: 22, nodes: ['n1', 'n2'], hard: 3, confirmAbove: 20 }),
    'it takes 22 running nodes down (n1, n2 and 20 more), 3 of them by orders that cannot be taken back once sent',
  );
  t.regex(
    takesDownWords({ count: 2, nodes: ['n1', 'n2'], hard: 2, confirmAbove: 20 }),
    /\(n1, n2\), by orders that cannot/,
  );
});

/** What becomes of an order that takes this many nodes down, of which two may go down by --yes alone. */
const ORDERS: readonly [count: number, yes: Yes, asks: boolean, person: boolean, becomes: number | RegExp][] = [
  [0, undefined, true, false, /go on, give --yes$/],
  [2, undefined, true, false, /it takes 2 running nodes down .*There is no terminal to ask on.*go on, give --yes$/],
  [2, true, true, false, 2],
  [2, undefined, false, false, 2],
  [3, undefined, true, false, /state the number, --yes=3, as it is more than 2 \(confirm_above\)$/],
  [3, true, true, false, /state the number, --yes=3/],
  [3, undefined, false, false, /state the number, --yes=3/],
  [3, true, true, true, /^nothing was sent$/],
  [3, undefined, false, true, /^nothing was sent$/],
  [3, 3, true, false, 3],
];
for (const [count, yes, asks, person, becomes] of ORDERS)
  test(`${count} nodes go down, --yes is ${yes}${person ? ', a person says no' : ''}${asks ? '' : ', a soft order'}: ${becomes}`, async (t) => {
    const captured = openCaptured(person);
    captured.stdin.write('n\n');
    const preview = async () => ({ count, nodes: ['n1'], hard: 0, confirmAbove: 2 });
    const given = confirmTakenDown((down) => `down: ${takesDownWords(down)}`, yes, preview, callOf(captured), asks);
    if (typeof becomes === 'number') {
      t.is(await given, becomes);
      // A script that stated the number knows it; all others are told.
      t.is(captured.stdout() !== '', yes !== count);
      return;
    }
    t.regex((await t.throwsAsync(given, { code: 'NOT_CONFIRMED' })).message, becomes);
    t.is(captured.person().includes(`it takes ${count} running nodes down`), person);
  });

test('where no running node goes down, --yes takes no number', async (t) => {
  const { terminal } = openCaptured(false);
  await t.throwsAsync(confirm('it is forgotten', 3, terminal), { code: 'ARGUMENT_INVALID', message: /^--yes=3: / });
});
