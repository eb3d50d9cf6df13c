/** Text from elsewhere: of a BMC, of other people, of the conductor. It is shown as text, and cannot turn around what stands beside it. */
import { harmless } from '../../cli/shared/harmless.ts';

/** A text from elsewhere. */
export function Said({ text }: { readonly text: string }) {
  return <bdi>{harmless(text)}</bdi>;
}

/** A state: its name, with a colour that says the same. */
export function State({ name, tone }: { readonly name: string; readonly tone: string }) {
  return <span class={`state ${tone}`}>{name}</span>;
}

/** A sentence about what was refused or went wrong; nothing if there is none. */
export function Refused({ sentence }: { readonly sentence: string }) {
  if (sentence === '') return null;
  return (
    <p class="notice bad" role="alert">
      <Said text={sentence} />
    </p>
  );
}
