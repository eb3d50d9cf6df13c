import test from 'ava';
import { type ManyOrder, planOf, withoutPlan } from '../../../src/cli/node/power_many.ts';
import { fail, failAt } from '../../../src/core/errors.ts';
import { FailurePolicy } from '../../../src/gen/countermand/v1/action_plan.ts';

const ORDER: ManyOrder = {
  nodes: ['r7n1', 'r7n2'],
  range: 'r7n[1-2]',
  typed: ['r7n[1-2]'],
  target: 'soft power off',
  timeout: undefined,
  onTimeout: undefined,
  reason: '',
  requestId: undefined,
  maxParallel: undefined,
  canary: undefined,
  onFailure: undefined,
  queue: false,
  wait: true,
  asks: false,
  yes: undefined,
};

test('an order for many nodes is a plan with an action for each', (t) => {
  const plan = planOf(ORDER, 'request-1');
  t.like(plan, { name: 'soft_off r7n[1-2]', requestId: 'request-1', onFailure: FailurePolicy.STOP, maxParallel: 0 });
  t.deepEqual(plan.actions, [
    {
      name: 'r7n1',
      actionType: 'change_node_power_state',
      inputParameters: { resource_id: 'r7n1', state: 'soft power off' },
      parents: [],
      timeout: undefined,
    },
    {
      name: 'r7n2',
      actionType: 'change_node_power_state',
      inputParameters: { resource_id: 'r7n2', state: 'soft power off' },
      parents: [],
      timeout: undefined,
    },
  ]);
});

test('what was said of the order stands in each action, and the reason beside the name', (t) => {
  const more = { timeout: 7200, onTimeout: 'force', onFailure: 'continue', maxParallel: 8, canary: 1 } as const;
  const plan = planOf({ ...ORDER, ...more, reason: 'rack work' }, 'r');
  t.like(plan, {
    name: 'soft_off r7n[1-2]',
    reason: 'rack work',
    onFailure: FailurePolicy.CONTINUE,
    maxParallel: 8,
    canary: 1,
  });
  t.is(planOf({ ...ORDER, onFailure: 'rollback' }, 'request-2').onFailure, FailurePolicy.ROLLBACK);
  t.like(plan.actions[0]?.inputParameters, { timeout: 7200, on_timeout: 'FORCE' });
  t.is(plan.actions[0]?.timeout, 10_800, 'there is time left to wait until the node is free');
});

test('names and times have their ends', (t) => {
  const plan = planOf({ ...ORDER, timeout: 2 ** 31 - 1, range: 'x'.repeat(1000) }, 'r');
  t.is(plan.name.length, 255);
  t.is(plan.actions[0]?.timeout, 2_592_000);
});

test('an error says nothing of a plan that no person has written, and a target in two words is pointed out', (t) => {
  const told = (node: string, key: string, rule: string, typed = ['n[1-2]', node]) => {
    const words = ['actions', 'wanted.actions'].map((actions) => {
      const field = `${actions}[1].input_parameters.${key}`;
      const sent = failAt('NODE_NOT_FOUND', field, `actions[1] '${node}': a place and ${rule}`, rule);
      return (withoutPlan(sent, typed, { nodes: ['n1', node], target: 'power off' }) as Error).message;
    });
    t.is(words[0], words[1]);
    return words[0];
  };
  const absent = (node: string, typed?: string[]) => told(node, 'resource_id', `there is no node '${node}'`, typed);
  t.is(absent('soft'), "there is no node 'soft'; did you mean: countermand node power 'n[1-2]' soft_off");
  t.is(absent('power'), "there is no node 'power'; did you mean: countermand node power 'n[1-2]' off");
  t.is(absent('soft', ['soft', 'n1']), "there is no node 'soft'");
  t.is(absent('n9'), "there is no node 'n9'");
  t.is(told('n2', 'timeout', 'must be less'), 'n2: timeout: must be less');
  const other = fail('INTERNAL', 'there is no agent');
  const order = { nodes: ['n1'], target: 'power off' } as const;
  t.is(withoutPlan(other, ['n1'], order), other);
  for (const field of ['actions[1].input_parameters.timeout', 'actions[0].timeout', 'max_parallel']) {
    const elsewhere = failAt('ACTION_PLAN_INVALID', field, 'a sentence', 'a rule');
    t.is(withoutPlan(elsewhere, ['n1'], order), elsewhere);
  }
});
