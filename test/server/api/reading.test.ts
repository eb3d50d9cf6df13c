/** From bytes to messages: a plan is read action by action, in between others are served, and the result is that of the codec. */
import test from 'ava';
import fc from 'fast-check';
import { CountermandError } from '../../../src/core/errors.ts';
import { SENT_LIMITS } from '../../../src/core/limits.ts';
import {
  ActionPlanServiceDefinition,
  CreateActionPlanRequest,
  FailurePolicy,
  PreviewActionPlanRequest,
} from '../../../src/gen/countermand/v1/action_plan.ts';
import { ListNodesRequest, NodeServiceDefinition } from '../../../src/gen/countermand/v1/node.ts';
import { readMessage, unread } from '../../../src/server/api/reading.ts';

const RPCS = unread(ActionPlanServiceDefinition).methods;
const CREATE = '/countermand.v1.ActionPlanService/CreateActionPlan';
const PREVIEW = '/countermand.v1.ActionPlanService/PreviewActionPlan';

const create = (bytes: Uint8Array) => readMessage(RPCS.createActionPlan.requestType.decode(bytes), CREATE);
const preview = (bytes: Uint8Array) => readMessage(RPCS.previewActionPlan.requestType.decode(bytes), PREVIEW);

const action = fc.record({
  name: fc.string(),
  actionType: fc.string(),
  inputParameters: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
  parents: fc.array(fc.string()),
});
const plan = fc.record({
  name: fc.string(),
  actions: fc.array(action),
  maxParallel: fc.nat(1000),
  onFailure: fc.constantFrom(FailurePolicy.STOP, FailurePolicy.CONTINUE),
  reason: fc.string(),
  start: fc.boolean(),
});

const bytesOf = (message: object) =>
  CreateActionPlanRequest.encode(CreateActionPlanRequest.fromPartial(message)).finish();

test('a plan is read as the codec reads it, also as a preview, and in pieces in any order', async (t) => {
  await fc.assert(
    fc.asyncProperty(plan, plan, async (one, two) => {
      const both = Buffer.concat([bytesOf(one), bytesOf(two)]);
      // It is refused as a key and as a name, which another test shows; fast-check likes it.
      fc.pre(!both.includes('__proto__'));
      t.deepEqual(await create(both), CreateActionPlanRequest.decode(both));
      const wanted = PreviewActionPlanRequest.encode(
        PreviewActionPlanRequest.fromPartial({ actionPlan: 'x', wanted: one as object, queue: true }),
      ).finish();
      t.deepEqual(await preview(wanted), PreviewActionPlanRequest.decode(wanted));
    }),
    { numRuns: 50 },
  );
  t.deepEqual(await preview(new Uint8Array()), PreviewActionPlanRequest.decode(new Uint8Array()));
});

test('bytes are a message or an error, for any bytes', async (t) => {
  const whole = bytesOf({ name: 'p', actions: [{ name: 'a', actionType: 'nop', parents: ['b'] }], reason: 'why' });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(whole.length), async (noise, at) => {
      for (const bytes of [noise, Buffer.concat([whole.subarray(0, at), noise, whole.subarray(at)])])
        for (const read of [create, preview])
          await read(bytes).catch((error: unknown) => {
            if (!(error instanceof CountermandError)) throw error;
            t.is(error.code, 'ARGUMENT_INVALID');
          });
    }),
    { numRuns: 300 },
  );
});

test('others are served while a plan of the most parts is refused, and while one of 20,000 actions is read', async (t) => {
  const turns = async (bytes: Uint8Array) => {
    let served = 0;
    let isDone = false;
    const count = (): void => {
      served += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const result = await create(bytes).catch((error: unknown) => error);
    isDone = true;
    return { served, result };
  };
  const { limit } = SENT_LIMITS.message_parts;
  // Two parts each: the field, and its length of nothing.
  const empty = Buffer.alloc(limit + 2, Uint8Array.of(0x12, 0x00));
  const refused = await turns(empty);
  t.regex((refused.result as Error).message, /more than 4000000 parts|actions: 2000001/);
  t.true(refused.served >= 300, `${refused.served}`);
  const actions = Array.from({ length: 20_000 }, (_, at) => ({ name: `a${at}`, actionType: 'nop', parents: ['a'] }));
  const read = await turns(bytesOf({ name: 'p', actions }));
  t.is((read.result as CreateActionPlanRequest).actions.length, 20_000);
  t.true(read.served >= 10, `${read.served}`);
});

test('what is decoded in one go is small: an action, and a plan without its actions', async (t) => {
  const large = 'x'.repeat(SENT_LIMITS.message_bytes.limit);
  const refusal = async (message: object) => (await t.throwsAsync(create(bytesOf(message)))).message;
  t.regex(
    await refusal({ actions: [{ name: 'a' }, { name: large }] }),
    /^actions\[1\]: \d+ bytes; at most 1048576 are/,
  );
  t.regex(await refusal({ name: large }), /^the plan without its actions: \d+ bytes; at most 1048576 are/);
});

test('a label that the decoder would lose is refused: alone in a filter it would find every node', async (t) => {
  const { listNodes } = unread(NodeServiceDefinition).methods;
  const entry = (key: string): Buffer =>
    Buffer.concat([Buffer.from([0x0a, key.length]), Buffer.from(key), Buffer.from([0x12, 1, 0x78])]);
  const { labels } = ListNodesRequest.fromPartial({ labels: { rack: '7' } });
  t.deepEqual(labels, { rack: '7' });
  const [tag = 0] = ListNodesRequest.encode(ListNodesRequest.fromPartial({ labels })).finish();
  const bytes = (key: string): Buffer => Buffer.concat([Buffer.from([tag, entry(key).length]), entry(key)]);
  const path = '/countermand.v1.NodeService/ListNodes';
  t.like(await readMessage(listNodes.requestType.decode(bytes('rack')), path), { labels: { rack: 'x' } });
  await t.throwsAsync(readMessage(listNodes.requestType.decode(bytes('__proto__')), path), {
    message: 'countermand.v1.NodeService/ListNodes: __proto__ can be neither a key nor a name',
  });
});
