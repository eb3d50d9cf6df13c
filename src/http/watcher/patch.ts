/** Patches of audits and plans: the one thing that they change is the state, and its value is a wish. */
import * as z from 'zod';

/** One patch of `/state`. */
export const StatePatch = z
  .array(
    z.strictObject({
      op: z.enum(['replace', 'add'], { error: 'it is replace or add' }),
      path: z.literal('/state', { error: 'only /state can be changed' }),
      value: z.string({ error: 'it is the state that is wanted, as a text' }),
    }),
    { error: 'the body is a list with one patch' },
  )
  .length(1, 'the body is a list with one patch');

/** How many running nodes the client expects to be taken down: what takes more down than `confirm_above` is refused without it. */
export const ExpectTakenDown = z
  .int({ error: 'it is a number of nodes, from 0' })
  .min(0, 'it is a number of nodes, from 0')
  .optional();
