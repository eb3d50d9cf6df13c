import * as z from 'zod';
import { defineStrategy, softOff, softOffParameters } from './strategy.ts';

/**
 * The strategy `saving_energy`: idle nodes that are on are powered off softly, all but a reserve. Which nodes are idle,
 * a label says. Nodes in maintenance are being worked on, and left alone.
 */
export const savingEnergy = defineStrategy({
  uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a31',
  name: 'saving_energy',
  displayName: 'Saving energy',
  meaning: 'powers off softly the nodes of the scope that a label marks idle, all but a reserve',
  goal: {
    uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a32',
    name: 'saving_energy',
    displayName: 'Saving energy',
    indicators: [
      { name: 'nodes_powered_off', description: 'Nodes that the plan powers off.', unit: null },
      {
        name: 'nodes_powered_off_ratio',
        description: 'How many of the nodes in the scope that are on the plan powers off.',
        unit: '%',
      },
    ],
  },
  actsOnScope: true,
  schema: z.strictObject({
    idle_label: z.string().min(1).max(255).default('idle').describe('The label that says whether a node is idle.'),
    idle_value: z.string().max(255).default('true').describe('The value of that label on a node that is.'),
    reserve: z.int().min(0).default(0).describe('How many idle nodes stay on: the first by name.'),
    ...softOffParameters,
  }),
  propose(nodes, parameters) {
    const { idle_label: label, idle_value: value, reserve } = parameters;
    const on = nodes.filter(({ powerState }) => powerState === 'power on');
    const idle = on.filter(({ labels, maintenance }) => labels[label] === value && !maintenance);
    const spare = idle.slice(reserve);
    return {
      actions: spare.map((node) => softOff(node, parameters)),
      efficacy: {
        nodes_powered_off: spare.length,
        nodes_powered_off_ratio: on.length === 0 ? 0 : Math.round((1000 * spare.length) / on.length) / 10,
      },
    };
  },
});
