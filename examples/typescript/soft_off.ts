/**
 * Orders a soft power off, watches it, aborts it, and prints the outcome of the abort.
 *
 *   node examples/typescript/soft_off.ts 127.0.0.1:7077 r7n1
 *
 * It uses nice-grpc and the code that ts-proto makes from proto/ (see buf.gen.yaml). `npm ci` makes it; elsewhere, copy
 * proto/ and buf.gen.yaml and run `buf generate`. It takes Node 24 or later.
 */
import { randomUUID } from 'node:crypto';
import { ClientError, createChannel, createClient } from 'nice-grpc';
import {
  abortOutcomeToJSON,
  PowerServiceDefinition,
  PowerTarget,
  PowerTaskState,
  powerTaskStateToJSON,
} from '../../src/gen/countermand/v1/power.ts';

const [address, node] = process.argv.slice(2);
if (!address || !node) {
  console.error('usage: soft_off.ts HOST:PORT NODE');
  process.exit(2);
}
const channel = createChannel(address);
const power = createClient(PowerServiceDefinition, channel);

/** An abort is an order too. Its stream ends when the aborted task is at rest, with the outcome in the last message. */
async function abort(taskUuid: string): Promise<void> {
  const target = PowerTarget.ABORT_SOFT_POWER_OFF;
  for await (const { task } of power.setPowerState({ node, target, abortsTaskUuid: taskUuid }))
    if (task?.abort?.outcome) console.log(`abort: ${abortOutcomeToJSON(task.abort.outcome)}: ${task.abort.reason}`);
}

/** The stream sends the power task as it is now, then each change, until it is at rest. */
async function orderAndAbort(): Promise<void> {
  let aborted = false;
  // With a request_id of ours we may order again if the connection breaks: the same id twice is one order.
  const order = { node, target: PowerTarget.SOFT_POWER_OFF, timeout: 300, requestId: randomUUID() };
  for await (const { task } of power.setPowerState(order)) {
    if (!task) continue;
    console.log(`power task ${task.uuid}: ${powerTaskStateToJSON(task.state)}`);
    if (task.errorMessage) console.log(`error: ${task.errorMessage}`);
    // The BMC has the order. It can be aborted at any time; here, at once.
    if (task.state === PowerTaskState.CONFIRMING && !aborted) {
      aborted = true;
      await abort(task.uuid);
    }
  }
}

try {
  await orderAndAbort();
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.error(`error: ${error.details}`);
  process.exitCode = 1;
} finally {
  channel.close();
}
