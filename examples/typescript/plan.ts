/**
 * Makes an action plan that takes a node off softly and then waits, starts it, watches it, cancels it while it runs, and
 * prints the outcome of each action.
 *
 *   node examples/typescript/plan.ts 127.0.0.1:7077 r7n1
 *
 * It uses nice-grpc and the code that ts-proto makes from proto/ (see buf.gen.yaml). `npm ci` makes it; elsewhere, copy
 * proto/ and buf.gen.yaml and run `buf generate`. It takes Node 24 or later.
 */
import { randomUUID } from 'node:crypto';
import { ClientError, createChannel, createClient } from 'nice-grpc';
import {
  ActionPlanServiceDefinition,
  ActionState,
  actionPlanStateToJSON,
  actionStateToJSON,
} from '../../src/gen/countermand/v1/action_plan.ts';

const [address, node] = process.argv.slice(2);
if (!address || !node) {
  console.error('usage: plan.ts HOST:PORT NODE');
  process.exit(2);
}
const channel = createChannel(address);
const plans = createClient(ActionPlanServiceDefinition, channel);

/** Nothing is started yet. The whole plan is checked: here an unknown node, or a cycle, would be refused. */
async function createPlan(): Promise<string> {
  const off = { resource_id: node, state: 'soft power off', timeout: 300 };
  const { actionPlan } = await plans.createActionPlan({
    name: `${node} down`,
    // With a request_id of ours we may ask again if the connection breaks: the same id twice is one plan.
    requestId: randomUUID(),
    actions: [
      { name: 'down', actionType: 'change_node_power_state', inputParameters: off },
      { name: 'settle', actionType: 'sleep', inputParameters: { duration: 60 }, parents: ['down'] },
    ],
  });
  return actionPlan?.uuid ?? '';
}

/** The first answer comes when the cancel is durable; the stream ends when the plan is at rest. */
async function cancel(uuid: string): Promise<void> {
  for await (const { actionPlan } of plans.cancelActionPlan({ actionPlan: uuid, reason: 'only an example' }))
    if (actionPlan) console.log(`cancel: ${actionPlanStateToJSON(actionPlan.state)}`);
}

/** The stream sends the plan with all its actions as they are now, then each change, until the plan is at rest. */
async function watchAndCancel(uuid: string): Promise<void> {
  let cancelled = false;
  for await (const { actions } of plans.watchActionPlan({ actionPlan: uuid })) {
    for (const { name, state, statusMessage, errorMessage } of actions) {
      const message = errorMessage || statusMessage;
      console.log(`action ${name}: ${actionStateToJSON(state)}${message ? `: ${message}` : ''}`);
    }
    // The plan can be cancelled at any time; here, as soon as something runs.
    if (!cancelled && actions.some(({ state }) => state === ActionState.ONGOING)) {
      cancelled = true;
      await cancel(uuid);
    }
  }
}

try {
  const uuid = await createPlan();
  console.log(`plan ${uuid}`);
  await plans.startActionPlan({ actionPlan: uuid });
  await watchAndCancel(uuid);
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.error(`error: ${error.details}`);
  process.exitCode = 1;
} finally {
  channel.close();
}
