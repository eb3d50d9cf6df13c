/** What a rollback would do. */
import { firstNames } from '../../cli/shared/words.ts';
import { type PreviewRollbackResponse, UndoKind } from '../../gen/countermand/v1/action_plan.ts';
import { counted } from '../words.ts';
import { Effect } from './effect.tsx';
import { Said } from './said.tsx';

/** The most undos that are shown one by one. */
const SHOWN = 200;

/** What is done about each action. */
export function Undos({ preview }: { readonly preview: PreviewRollbackResponse }) {
  const { undos, effect, takesDown } = preview;
  const irreversible = undos.filter(({ kind }) => kind === UndoKind.IRREVERSIBLE).map(({ actionName }) => actionName);
  const changed = undos.filter(({ drift }) => drift !== '').map(({ actionName }) => actionName);
  return (
    <>
      <Effect effect={effect} takesDown={takesDown} />
      {irreversible.length > 0 && (
        <p class="notice warn">
          Nothing can undo: <Said text={firstNames(irreversible, 10)} />
        </p>
      )}
      {changed.length > 0 && (
        <p class="notice warn">
          Undone although the node has changed since: <Said text={firstNames(changed, 10)} />
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="scroll undos" tabIndex={0} aria-label="What is done about each action">
        <table>
          <thead>
            <tr>
              <th scope="col">Action</th>
              <th scope="col">Node</th>
              <th scope="col">What is done</th>
              <th scope="col">What changed since</th>
            </tr>
          </thead>
          <tbody>
            {undos.slice(0, SHOWN).map((undo) => (
              <tr key={undo.actionUuid}>
                <td>
                  <Said text={undo.actionName} />
                </td>
                <td>
                  <Said text={undo.nodeName} />
                </td>
                <td>
                  <Said text={undo.what} />
                </td>
                <td>
                  <Said text={undo.drift} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {undos.length > SHOWN && <p>and {counted(undos.length - SHOWN, 'more action')}</p>}
      </section>
    </>
  );
}
