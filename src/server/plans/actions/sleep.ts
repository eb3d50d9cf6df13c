import * as z from 'zod';
import { sleep as wait } from '../../../core/signals.ts';
import { defineActionType } from './action_type.ts';

/** The action type `sleep`: waits. A conductor that restarts meanwhile waits for the rest only. */
export const sleep = defineActionType({
  name: 'sleep',
  meaning: 'waits',
  schema: z.strictObject({ duration: z.number().min(0).max(86_400).describe('How long, in seconds.') }),
  async execute({ duration }, { action, parts }, signal) {
    const { clock } = parts.orders.store;
    const endsAt = (action.startedAt ?? clock.now()) + duration * 1000;
    await wait(Math.max(0, endsAt - clock.now()), clock, signal);
    return {};
  },
});
