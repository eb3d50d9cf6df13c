/**
 * Orders a soft power off, watches it, aborts it, and prints the outcome of the abort. Plain JavaScript: the contract is
 * read from proto/ when the program starts, and no code is generated.
 *
 *   node examples/proto_loader/soft_off.js 127.0.0.1:7077 r7n1
 *
 * It uses @grpc/grpc-js and @grpc/proto-loader; elsewhere, install these and copy proto/.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const [address, node] = process.argv.slice(2);
if (!address || !node) {
  console.error('usage: soft_off.js HOST:PORT NODE');
  process.exit(2);
}
const proto = fileURLToPath(new URL('../../proto', import.meta.url));
// Names as in the proto files, enums as their names.
const options = { includeDirs: [proto], keepCase: true, enums: String, longs: String, defaults: true };
const { countermand } = loadPackageDefinition(loadSync('countermand/v1/power.proto', options));
const power = new countermand.v1.PowerService(address, credentials.createInsecure());

/** An abort is an order too. Its stream ends when the aborted task is at rest, with the outcome in the last message. */
async function abort(taskUuid) {
  const order = { node, target: 'POWER_TARGET_ABORT_SOFT_POWER_OFF', aborts_task_uuid: taskUuid };
  let last;
  for await (const { task } of power.SetPowerState(order)) last = task;
  console.log(`abort: ${last.abort.outcome}: ${last.abort.reason}`);
}

/** The stream sends the power task as it is now, then each change, until it is at rest. */
async function orderAndAbort() {
  let aborted = false;
  // With a request_id of ours we may order again if the connection breaks: the same id twice is one order.
  const order = { node, target: 'POWER_TARGET_SOFT_POWER_OFF', timeout: 300, request_id: randomUUID() };
  for await (const { task } of power.SetPowerState(order)) {
    console.log(`power task ${task.uuid}: ${task.state}`);
    if (task.error_message) console.log(`error: ${task.error_message}`);
    // The BMC has the order. It can be aborted at any time; here, at once.
    if (task.state === 'POWER_TASK_STATE_CONFIRMING' && !aborted) {
      aborted = true;
      await abort(task.uuid);
    }
  }
}

try {
  await orderAndAbort();
} catch (error) {
  // The exact code, as docs/errors.md lists it, travels beside the gRPC status.
  const [code = 'no code'] = error.metadata?.get('countermand-error-code') ?? [];
  console.error(`error: ${error.details ?? error.message} (${code})`);
  process.exitCode = 1;
} finally {
  power.close();
}
