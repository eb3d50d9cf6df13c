/**
 * Makes an action plan that takes a node off softly and then waits, starts it, watches it, cancels it while it runs, and
 * prints the outcome of each action. Plain JavaScript: the contract is read from proto/ when the program starts, and no
 * code is generated.
 *
 *   node examples/proto_loader/plan.js 127.0.0.1:7077 r7n1
 *
 * It uses @grpc/grpc-js and @grpc/proto-loader; elsewhere, install these and copy proto/.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const [address, node] = process.argv.slice(2);
if (!address || !node) {
  console.error('usage: plan.js HOST:PORT NODE');
  process.exit(2);
}
const proto = fileURLToPath(new URL('../../proto', import.meta.url));
// Names as in the proto files, enums as their names.
const options = { includeDirs: [proto], keepCase: true, enums: String, longs: String, defaults: true };
const { countermand } = loadPackageDefinition(loadSync('countermand/v1/action_plan.proto', options));
const plans = new countermand.v1.ActionPlanService(address, credentials.createInsecure());

/** input_parameters are a google.protobuf.Struct, which proto-loader does not make from a plain object. */
const structOf = (parameters) => ({
  fields: Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => [
      key,
      typeof value === 'number' ? { numberValue: value } : { stringValue: value },
    ]),
  ),
});

const action = (name, type, parameters, parents = []) => ({
  name,
  action_type: type,
  input_parameters: structOf(parameters),
  parents,
});

/** Nothing is started yet. The whole plan is checked: here an unknown node, or a cycle, would be refused. */
async function createPlan() {
  const { action_plan } = await promisify(plans.CreateActionPlan).call(plans, {
    name: `${node} down`,
    // With a request_id of ours we may ask again if the connection breaks: the same id twice is one plan.
    request_id: randomUUID(),
    actions: [
      action('down', 'change_node_power_state', { resource_id: node, state: 'soft power off', timeout: 300 }),
      action('settle', 'sleep', { duration: 60 }, ['down']),
    ],
  });
  return action_plan.uuid;
}

/** The first answer comes when the cancel is durable; the stream ends when the plan is at rest. */
async function cancel(uuid) {
  for await (const { action_plan } of plans.CancelActionPlan({ action_plan: uuid, reason: 'only an example' }))
    console.log(`cancel: ${action_plan.state}`);
}

/** The stream sends the plan with all its actions as they are now, then each change, until the plan is at rest. */
async function watchAndCancel(uuid) {
  let cancelled = false;
  for await (const { actions } of plans.WatchActionPlan({ action_plan: uuid })) {
    for (const { name, state, status_message, error_message } of actions) {
      const message = error_message || status_message;
      console.log(`action ${name}: ${state}${message ? `: ${message}` : ''}`);
    }
    // The plan can be cancelled at any time; here, as soon as something runs.
    if (!cancelled && actions.some(({ state }) => state === 'ACTION_STATE_ONGOING')) {
      cancelled = true;
      await cancel(uuid);
    }
  }
}

try {
  const uuid = await createPlan();
  console.log(`plan ${uuid}`);
  await promisify(plans.StartActionPlan).call(plans, { action_plan: uuid });
  await watchAndCancel(uuid);
} catch (error) {
  // The exact code, as docs/errors.md lists it, travels beside the gRPC status.
  const [code = 'no code'] = error.metadata?.get('countermand-error-code') ?? [];
  console.error(`error: ${error.details ?? error.message} (${code})`);
  process.exitCode = 1;
} finally {
  plans.close();
}
