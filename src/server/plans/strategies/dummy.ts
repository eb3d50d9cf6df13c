import * as z from 'zod';
import { defineStrategy, propose } from './strategy.ts';

/** The strategy `dummy`, as Watcher has it: three actions that change nothing. For trying audits out. */
export const dummy = defineStrategy({
  uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a11',
  name: 'dummy',
  displayName: 'Dummy strategy',
  meaning: 'proposes to do nothing, to wait, and to do nothing again',
  goal: {
    uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a12',
    name: 'dummy',
    displayName: 'Dummy goal',
    indicators: [],
  },
  actsOnScope: false,
  schema: z.strictObject({
    para1: z.number().min(0).max(86_400).default(3.2).describe('How long the wait is, in seconds.'),
    para2: z.string().max(1000).default('hello').describe('What the last action says.'),
  }),
  propose: (_nodes, { para1, para2 }) => ({
    actions: [
      propose('begin', 'nop', { message: 'hello World' }),
      propose('wait', 'sleep', { duration: para1 }, ['begin']),
      propose('end', 'nop', { message: para2 }, ['wait']),
    ],
    efficacy: {},
  }),
});
