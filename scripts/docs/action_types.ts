/** docs/action_types.md, from the list of action types. */
import { type ActionType, jsonSchemaOf } from '../../src/server/plans/actions/action_type.ts';
import { ACTION_TYPES } from '../../src/server/plans/actions/list.ts';
import { block, page } from './markdown.ts';
import { parameterTable } from './parameters.ts';

function chapter(type: ActionType): string[] {
  return [
    `## ${type.name}`,
    `It ${type.meaning}. When its plan is cancelled: ${type.whenCancelled}.`,
    parameterTable(jsonSchemaOf(type)),
  ];
}

const EXAMPLE = `actions:
  - name: drain
    action_type: set_node_maintenance
    input_parameters: {resource_id: r7n1, maintenance: true, reason: rack work}
  - name: down
    action_type: change_node_power_state
    input_parameters: {resource_id: r7n1, state: soft power off, timeout: 300}
    parents: [drain]`;

/** The page. */
export function printActionTypes(): string {
  return page('Action types', 'src/server/plans/actions', [
    'What an action of a plan can do. `input_parameters` are checked when the plan is created, with all that can be ' +
      'known then: that the node is there, and that its driver can do the target.',
    block(EXAMPLE, 'yaml'),
    'Every action has a `timeout` beside its parameters: seconds that it may take, waiting included; an hour if it is ' +
      'absent. One that takes longer is taken back as if it were cancelled, and ends FAILED, or SUCCEEDED if it turns ' +
      'out to be done. What it was like before is stored in `before_image` before anything is changed, and what came ' +
      'of it in `result`.',
    ...ACTION_TYPES.flatMap(chapter),
  ]);
}
