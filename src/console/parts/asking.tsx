/** The question before an order, as a dialog: nothing behind it can be reached until it is answered. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Question } from '../context.ts';

interface AskingProps {
  readonly question: Question;
  /** @param reason why, which may be empty; null: nothing is done */
  answer(reason: string | null): void;
}

/** The dialog. It begins at the button that does nothing, and Escape is that button. */
export function Asking({ question, answer }: AskingProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const nothing = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    nothing.current?.focus();
  }, []);
  /** The browser gives the focus back to where it was. */
  const end = (said: string | null): void => {
    dialog.current?.close();
    answer(said);
  };
  const isRight = question.typed === undefined || typed.trim() === String(question.typed);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question"
      onCancel={(event) => {
        event.preventDefault();
        end(null);
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isRight) end(reason);
        }}
      >
        <h2 id="question">{question.title}</h2>
        {question.body}
        {question.typed !== undefined && (
          <label>
            This takes more running nodes down than one look confirms. Type the number of them, {question.typed}:
            <input
              inputMode="numeric"
              autocomplete="off"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        {question.takesReason && (
          <label>
            Why, for those who read it later
            <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        )}
        <div class="buttons">
          <button type="button" ref={nothing} onClick={() => end(null)}>
            Do nothing
          </button>
          <button type="submit" class="danger" disabled={!isRight}>
            {question.yes}
          </button>
        </div>
      </form>
    </dialog>
  );
}
