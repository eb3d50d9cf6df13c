import * as z from 'zod';
import { defineStrategy } from './strategy.ts';

const action = z.strictObject({
  name: z.string(),
  action_type: z.string(),
  input_parameters: z.record(z.string(), z.unknown()).default({}),
  parents: z.array(z.string()).default([]),
  timeout: z.int().optional(),
});

/** The strategy `manual`: a client has written the actions down. It is also behind every plan that was made directly. */
export const manual = defineStrategy({
  uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a01',
  name: 'manual',
  displayName: 'Actions as given',
  meaning: 'proposes the actions that it is given',
  goal: {
    uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a02',
    name: 'manual',
    displayName: 'What the operator says',
    indicators: [],
  },
  actsOnScope: false,
  schema: z.strictObject({
    actions: z.array(action).describe('The actions, written as in a plan file.'),
  }),
  propose: (_nodes, { actions }) => ({
    actions: actions.map(({ name, action_type, input_parameters, parents, timeout }) => ({
      name,
      actionType: action_type,
      inputParameters: input_parameters,
      parents,
      timeoutMs: timeout === undefined ? null : timeout * 1000,
    })),
    efficacy: {},
  }),
});
