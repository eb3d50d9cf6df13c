/** What an order would do, in sentences: those that the command line says. */
import { effectText } from '../../cli/shared/effect_text.ts';
import type { OrderEffect, TakesDown } from '../../gen/countermand/v1/action_plan.ts';
import { Said } from './said.tsx';

interface EffectProps {
  readonly effect: OrderEffect | undefined;
  readonly takesDown: TakesDown | undefined;
  /** Why it would wait for a second person; empty or absent if it would not. */
  readonly approvalWhy?: string;
}

/** The sentences, each on a line of its own. */
export function Effect({ effect, takesDown, approvalWhy = '' }: EffectProps) {
  if (effect === undefined) return null;
  const waits = approvalWhy === '' ? [] : [`It will wait for a second person: ${approvalWhy}.`];
  return (
    <ul class="effect">
      {[...waits, ...effectText(effect, takesDown, 'order').split('\n')].map((sentence) => (
        <li key={sentence}>
          <Said text={sentence} />
        </li>
      ))}
    </ul>
  );
}
