/** Packed requests: none is unpacked, whatever the RPC. */
import { createHook } from 'node:async_hooks';
import { connect as connectHttp2 } from 'node:http2';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { ChannelCredentials, createChannel, createClientFactory } from 'nice-grpc';
import { ActionPlanServiceDefinition, FailurePolicy } from '../../../src/gen/countermand/v1/action_plan.ts';
import { NodeServiceDefinition } from '../../../src/gen/countermand/v1/node.ts';
import { NotificationServiceDefinition } from '../../../src/gen/countermand/v1/notification.ts';
import { type Refusal, refusals } from '../../e2e/client.ts';
import { openHouse } from '../../e2e/house.ts';

/** grpc-js: deflate, gzip. */
const ALGORITHMS = [1, 2];

test.serial(
  'a client that packs is told on every RPC what the server takes; one that does not is answered as ever',
  async (t) => {
    const house = await openHouse(t, { here: true });
    for (const algorithm of ALGORITHMS) {
      const channel = createChannel(house.address, ChannelCredentials.createInsecure(), {
        'grpc.default_compression_algorithm': algorithm,
        'grpc.use_local_subchannel_pool': 1,
      });
      t.teardown(() => channel.close());
      const factory = createClientFactory().use(refusals);
      const nodes = factory.create(NodeServiceDefinition, channel);
      const plans = factory.create(ActionPlanServiceDefinition, channel);
      const events = factory.create(NotificationServiceDefinition, channel);
      const plan = { name: 'p', requestId: 'r', onFailure: FailurePolicy.STOP, actions: [] };
      // The first answer tells this client what the server takes, so the calls begin before it.
      const calls = [
        nodes.listNodes({ labels: { l: 'x'.repeat(1_000_000) } }),
        nodes
          .watchNodes({ nodes: ['n1'] })
          [Symbol.asyncIterator]()
          .next(),
        events.subscribe({ fromSequence: 1n })[Symbol.asyncIterator]().next(),
        plans.createActionPlan({ ...plan, name: 'x'.repeat(60_000_000) }),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        const error = (outcome as PromiseRejectedResult).reason as Refusal;
        t.is(error.status, 'UNIMPLEMENTED', error.message);
        t.is(error.code, 'COMPRESSION_NOT_SUPPORTED');
        t.is(error.info?.reason, 'COMPRESSION_NOT_SUPPORTED');
        t.regex(error.message, /^grpc-encoding is '(gzip|deflate)': .* without compression$/);
      }
    }
    t.deepEqual((await house.client.nodes.listNodes({})).nodes, []);
  },
);

/** One call with these bytes as its message, marked as packed; its trailing headers. */
async function sendPacked(address: string, path: string, bytes: Buffer): Promise<Record<string, unknown>> {
  const session = connectHttp2(`http://${address}`);
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const call = session.request({ ...headers, 'grpc-encoding': 'gzip' });
  const head = Buffer.from([1, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length, 1);
  call.end(Buffer.concat([head, bytes]));
  call.resume();
  const answer = await new Promise<Record<string, unknown>>((resolve, reject) => {
    call.on('response', resolve);
    call.on('error', reject);
  });
  session.destroy();
  return answer;
}

test.serial('65 kB that would be 64 MB are unpacked on no RPC', async (t) => {
  const house = await openHouse(t, { here: true });
  const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
  let unpacked = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'ZLIB') unpacked += 1;
    },
  }).enable();
  t.teardown(() => hook.disable());
  for (const path of ['NodeService/ListNodes', 'ActionPlanService/CreateActionPlan', 'AgentService/Attach']) {
    const answer = await sendPacked(house.address, `/countermand.v1.${path}`, bomb);
    t.is(answer['grpc-status'], '12', path);
    t.is(answer['grpc-accept-encoding'], 'identity', path);
  }
  t.is(unpacked, 0);
});
