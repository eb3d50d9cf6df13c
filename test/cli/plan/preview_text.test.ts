/** What a rollback would do, as people see it. */
import test from 'ava';
import { previewText } from '../../../src/cli/plan/preview_text.ts';
import { PreviewRollbackResponse, type Undo, UndoKind } from '../../../src/gen/countermand/v1/action_plan.ts';

const OPTIONS = { skipIrreversible: false, acceptDrift: false, command: 'countermand' };
const ACTION: Partial<Undo> = { actionName: 'n1', nodeName: 'n1', kind: UndoKind.ACTION, what: 'power on' };
const NOTHING: Partial<Undo> = { actionName: 'n2', nodeName: 'n2', kind: UndoKind.NOTHING, what: 'nothing was sent' };
const NMI: Partial<Undo> = {
  actionName: 'nmi',
  nodeName: 'n3',
  kind: UndoKind.IRREVERSIBLE,
  what: 'an NMI cannot be taken back',
};
const DRIFTED: Partial<Undo> = { ...ACTION, actionName: 'n4', nodeName: 'n4', drift: 'n4 is power on' };

const answer = (undos: readonly Partial<Undo>[], refused = ''): PreviewRollbackResponse =>
  PreviewRollbackResponse.fromPartial({
    actionPlan: { uuid: 'plan-1', name: 'p', state: 5 },
    undos: [...undos],
    refused,
  });

/** All but the first two lines. */
const textOf = (undos: readonly Partial<Undo>[], options: Partial<typeof OPTIONS> = {}, refused = ''): string[] =>
  previewText(answer(undos, refused), { ...OPTIONS, ...options })
    .split('\n')
    .slice(2);

test('a row for each action, and how to order it', (t) => {
  t.regex(previewText(answer([ACTION]), OPTIONS), /^plan 'p' \(plan-1\) SUCCEEDED\n\n/);
  t.deepEqual(textOf([ACTION, NOTHING]), [
    'ACTION   NODE   WHAT WOULD BE DONE',
    'n1       n1     power on',
    'n2       n2     left as it is: nothing was sent',
    '',
    'possible: countermand plan rollback plan-1',
  ]);
});

test('what is in the way, and what to say', (t) => {
  t.deepEqual(textOf([ACTION, NMI, DRIFTED]), [
    'ACTION   NODE   WHAT WOULD BE DONE                              DRIFT',
    'n1       n1     power on',
    'nmi      n3     cannot be undone: an NMI cannot be taken back',
    'n4       n4     power on                                        n4 is power on',
    '',
    "It would be refused as it is (cannot be undone: 'nmi'; changed since: 'n4'); possible: " +
      'countermand plan rollback plan-1 --skip-irreversible --accept-drift',
  ]);
  t.is(
    textOf([ACTION, NMI], { skipIrreversible: true }).at(-1),
    'possible: countermand plan rollback plan-1 --skip-irreversible',
  );
});

test('only the first few are named', (t) => {
  const many = Array.from({ length: 6 }, (_, at) => ({ ...DRIFTED, actionName: `n${at}` }));
  t.regex(textOf(many).at(-1) ?? '', /\(changed since: 'n0', 'n1', 'n2', 'n3' and 2 more\)/);
});

test('what would be refused whatever is said', (t) => {
  t.is(textOf([NMI], {}, 'plan p is ONGOING').at(-1), 'It would be refused: plan p is ONGOING');
});
