import * as z from 'zod';
import { defineActionType } from './action_type.ts';

/** The action type `nop`: does nothing, at once. For trying plans out. */
export const nop = defineActionType({
  name: 'nop',
  meaning: 'does nothing',
  schema: z.strictObject({
    message: z.string().max(1000).optional().describe('Anything; it is kept with the action.'),
  }),
  execute: async () => ({}),
});
