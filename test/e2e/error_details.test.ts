/** What a client reads of errors that was made from the proto files alone: google.rpc.Status and its details. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, type Metadata, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import test, { type ExecutionContext } from 'ava';
import { PossibleVerb } from '../../src/gen/countermand/v1/power.ts';
import { type House, openHouse } from './house.ts';
import { enrol, order, untilAtRest, untilIn } from './orders.ts';
import { createPlan, power, startPlan, untilActionIn, watchPlan } from './plans.ts';

const PROTO = join(dirname(fileURLToPath(import.meta.url)), '../../proto');
const LOADED = loadSync(
  ['countermand/v1/node.proto', 'countermand/v1/power.proto', 'countermand/v1/action_plan.proto'].concat(
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ),
  { includeDirs: [PROTO], keepCase: true, enums: String, longs: Number },
);

type Details = Readonly<Record<string, readonly Record<string, unknown>[]>>;

const messageOf = (name: string): MessageTypeDefinition<object, Record<string, unknown>> =>
  LOADED[name] as MessageTypeDefinition<object, Record<string, unknown>>;

/** The details of an error, by the name of their message. */
function detailsOf(t: ExecutionContext, metadata: Metadata, error: ServiceError): Details {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const status = messageOf('google.rpc.Status').deserialize(bytes as Buffer);
  t.is(status.code, error.code);
  t.is(status.message, error.details);
  const details = status.details as readonly { readonly type_url: string; readonly value: Buffer }[];
  const named = Map.groupBy(details, ({ type_url }) => type_url.replace('type.googleapis.com/', ''));
  return Object.fromEntries(
    [...named].map(([name, found]) => [name, found.map(({ value }) => messageOf(name).deserialize(value))]),
  );
}

/** Calls a unary RPC that is refused. */
async function refusedCall(
  t: ExecutionContext,
  { address }: House,
  [service, method]: readonly [service: string, method: string],
  request: object,
): Promise<Details> {
  const definition = LOADED[`countermand.v1.${service}`] as ServiceDefinition;
  const client = new (makeGenericClientConstructor(definition, service))(address, credentials.createInsecure());
  t.teardown(() => client.close());
  const error = await new Promise<ServiceError>((resolve, reject) => {
    const call = client[method] as (body: object, done: (error: ServiceError | null) => void) => void;
    call.bind(client)(request, (error) => (error ? resolve(error) : reject(new Error(`${method} was accepted`))));
  });
  return detailsOf(t, error.metadata, error);
}

test('an error names its code, the thing, and whether it may be tried again', async (t) => {
  const house = await openHouse(t, { here: true });
  t.deepEqual(await refusedCall(t, house, ['NodeService', 'GetNode'], { node: 'nosuch' }), {
    'google.rpc.ErrorInfo': [
      {
        reason: 'NODE_NOT_FOUND',
        domain: 'countermand',
        metadata: { retryable: 'false', resource_type: 'node', resource_name: 'nosuch' },
      },
    ],
  });
});

test('a wrong field is named', async (t) => {
  const house = await openHouse(t, { here: true });
  const details = await refusedCall(t, house, ['NodeService', 'ListNodes'], { page_size: -1 });
  t.like(details['google.rpc.ErrorInfo']?.[0], { reason: 'ARGUMENT_INVALID' });
  const [badRequest = {}] = details['google.rpc.BadRequest'] ?? [];
  const violations = badRequest.field_violations as readonly { field: string; description: string }[];
  t.deepEqual(
    violations.map(({ field }) => field),
    ['page_size'],
  );
  t.regex(violations[0]?.description ?? '', /^page_size is -1; it is 1 to /);
});

test('what is wrong with an action stands beside its place, for clients that have not written a plan', async (t) => {
  const house = await openHouse(t, { here: true });
  const fields = { resource_id: { stringValue: 'n9' }, state: { stringValue: 'power off' } };
  const actions = [{ name: 'a', action_type: 'change_node_power_state', input_parameters: { fields } }];
  const order = { name: 'p', request_id: 'r', actions };
  const details = await refusedCall(t, house, ['ActionPlanService', 'CreateActionPlan'], order);
  t.deepEqual(details['google.rpc.BadRequest'], [
    {
      field_violations: [{ field: 'actions[0].input_parameters.resource_id', description: "there is no node 'n9'" }],
    },
  ]);
});

test('what is possible instead stands beside the sentence, and when to try again', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  const runs = await startPlan(client, 'runs', [power('n1', 'soft power off')]);
  await untilActionIn(watchPlan(client, runs.uuid), 'n1', 'ONGOING');
  const waits = await createPlan(client, 'waits', [power('n1', 'power off')]);
  const details = await refusedCall(t, house, ['ActionPlanService', 'StartActionPlan'], { action_plan: 'waits' });
  t.like(details['google.rpc.ErrorInfo']?.[0], {
    reason: 'ACTION_PLAN_OVERLAPS',
    metadata: { retryable: 'true', resource_type: 'action_plan', resource_name: waits.uuid, blocked_by: runs.uuid },
  });
  t.like(details['google.rpc.RetryInfo']?.[0], { retry_delay: { seconds: 1 } });
  t.deepEqual(details['countermand.v1.Possible'], [
    { verb: 'POSSIBLE_VERB_START_ACTION_PLAN', resource: waits.uuid, queue: true },
    { verb: 'POSSIBLE_VERB_CANCEL_ACTION_PLAN', resource: runs.uuid },
  ]);
});

test('a power task names what is possible as data', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  const watch = order(house.client, 'n1', 'SOFT_POWER_OFF');
  const { uuid } = await untilIn(watch, 'CONFIRMING');
  const { task } = await house.client.power.getPowerTask({ task: uuid });
  t.is(task?.possibleOrders.length, 1);
  t.like(task?.possibleOrders[0], { verb: PossibleVerb.SET_POWER_STATE, resource: 'n1', abortsTaskUuid: uuid });
  await house.client.power.withdrawPowerTask({ task: uuid, stopWaiting: true });
  await untilAtRest(watch);
});
