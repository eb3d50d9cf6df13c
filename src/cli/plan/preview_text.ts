/** What a rollback would do, in a table and a sentence. */
import { type PreviewRollbackResponse, type Undo, UndoKind } from '../../gen/countermand/v1/action_plan.ts';
import { effectText } from '../shared/effect_text.ts';
import { line } from '../shared/lines.ts';
import { possibleCommands } from '../shared/possible.ts';
import { shortId } from '../shared/short_ids.ts';
import { table } from '../shared/table.ts';
import { firstNames } from '../shared/words.ts';
import { planState, planTitle } from './lines.ts';

/** What was said to the preview, and would be to the rollback. */
interface PreviewOptions {
  readonly skipIrreversible: boolean;
  readonly acceptDrift: boolean;
  /** The beginning of a command to paste. */
  readonly command: string;
}

/** How many actions are named in a sentence. */
const NAMED = 4;

/** All of it: the plan, a row for each action, what it would mean, and whether it would be refused or how to order it. */
export function previewText(answer: PreviewRollbackResponse, options: PreviewOptions): string {
  const { actionPlan, undos, effect, takesDown } = answer;
  const head = actionPlan
    ? line(`${planTitle(actionPlan)} (${shortId(actionPlan.uuid)}) ${planState(actionPlan)}`)
    : '';
  const meaning = effect === undefined ? [] : [effectText(effect, takesDown, 'order')];
  return [head, undoTable(undos), ...meaning, sentence(answer, options)].join('\n\n');
}

/** True if a rollback with these flags would be refused now. */
export function isRefused(
  { undos, refused }: PreviewRollbackResponse,
  options: Omit<PreviewOptions, 'command'>,
): boolean {
  if (refused !== '') return true;
  const isIrreversible = undos.some(({ kind }) => kind === UndoKind.IRREVERSIBLE);
  const hasDrifted = undos.some(({ drift }) => drift !== '');
  return (isIrreversible && !options.skipIrreversible) || (hasDrifted && !options.acceptDrift);
}

function undoTable(undos: readonly Undo[]): string {
  const rows = undos.map((undo) => [undo.actionName, undo.nodeName, undoWords(undo), undo.drift]);
  const drifted = undos.some(({ drift }) => drift !== '');
  const head = ['ACTION', 'NODE', 'WHAT WOULD BE DONE', ...(drifted ? ['DRIFT'] : [])];
  return table(head, drifted ? rows : rows.map((row) => row.slice(0, head.length)));
}

function undoWords({ kind, what }: Undo): string {
  if (kind === UndoKind.ACTION) return what;
  return kind === UndoKind.IRREVERSIBLE ? `cannot be undone: ${what}` : `left as it is: ${what}`;
}

function sentence(
  { actionPlan, undos, refused, possibleOrders }: PreviewRollbackResponse,
  options: PreviewOptions,
): string {
  if (refused !== '') {
    const ways = possibleCommands(possibleOrders).map((words) => `  possible: ${options.command} ${words}`);
    return [`It would be refused: ${refused}`, ...ways].join('\n');
  }
  const isIrreversible = ({ kind }: Undo): boolean => kind === UndoKind.IRREVERSIBLE;
  const irreversible = undos.filter(isIrreversible);
  const drifted = undos.filter(({ drift }) => drift !== '');
  const inTheWay = [
    ...(options.skipIrreversible ? [] : [told(irreversible, 'cannot be undone')]),
    ...(options.acceptDrift ? [] : [told(drifted, 'changed since')]),
  ].filter((words) => words !== '');
  const flags = [
    ...(irreversible.length > 0 ? ['--skip-irreversible'] : []),
    ...(drifted.length > 0 ? ['--accept-drift'] : []),
  ];
  const order = [options.command, 'plan rollback', shortId(actionPlan?.uuid ?? ''), ...flags].join(' ');
  if (inTheWay.length === 0) return `possible: ${order}`;
  return `It would be refused as it is (${inTheWay.join('; ')}); possible: ${order}`;
}

/** Which actions are so, with the first few names. */
function told(undos: readonly Undo[], so: string): string {
  if (undos.length === 0) return '';
  const names = undos.map(({ actionName }) => `'${actionName}'`);
  return `${so}: ${firstNames(names, NAMED)}`;
}
