/** Which running nodes a plan would take down. */
import test from 'ava';
import type { PowerState } from '../../../src/core/power.ts';
import { type Step, takesDown } from '../../../src/server/plans/takes_down.ts';
import { nodeRow } from '../rows.ts';

function step(name: string, state: string, powerState: PowerState | null = 'power on', more: object = {}): Step {
  const inputParameters = { resource_id: name, state, ...more };
  return { actionType: 'change_node_power_state', inputParameters, node: nodeRow({ name, powerState }) };
}

const cases: readonly [what: string, steps: Step[], count: number, hard: number][] = [
  ['nothing', [], 0, 0],
  ['a power on', [step('n1', 'power on')], 0, 0],
  ['a soft power off', [step('n1', 'soft power off')], 1, 0],
  ['a soft reboot', [step('n1', 'soft rebooting')], 1, 0],
  ['a soft power off that is forced in the end', [step('n1', 'soft_off', 'power on', { on_timeout: 'FORCE' })], 1, 1],
  ['a power off, a reboot, an NMI', [step('n1', 'off'), step('n2', 'rebooting'), step('n3', 'inject nmi')], 3, 3],
  ['a node that is off', [step('n1', 'power off', 'power off')], 0, 0],
  [
    'a node of which nothing is known, and one after an abort',
    [step('n1', 'off', null), step('n2', 'off', 'error')],
    2,
    2,
  ],
  ['a node twice', [step('n1', 'soft power off'), step('n1', 'power off'), step('n1', 'soft rebooting')], 1, 1],
  ['other actions', [{ actionType: 'nop', inputParameters: {}, node: null }], 0, 0],
  [
    'maintenance',
    [
      {
        actionType: 'set_node_maintenance',
        inputParameters: { resource_id: 'n1', maintenance: true },
        node: nodeRow(),
      },
    ],
    0,
    0,
  ],
];
for (const [what, steps, count, hard] of cases)
  test(`${what}: ${count} go down, ${hard} of them hard`, (t) => {
    const { nodes, ...counted } = takesDown(steps);
    t.deepEqual(counted, { count, hard });
    t.is(nodes.length, count);
  });

test('a hundred are named, numbers by their value; all are counted', (t) => {
  const names = Array.from({ length: 130 }, (_, at) => `n${at + 1}`);
  const { count, nodes } = takesDown(names.toReversed().map((name) => step(name, 'soft power off')));
  t.is(count, 130);
  t.deepEqual(nodes, names.slice(0, 100));
});
