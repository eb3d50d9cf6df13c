/** Traces: one from the call to what the BMC is asked, also over a restart, received and decoded as a collector would. */
import test, { type ExecutionContext } from 'ava';
import { Metadata } from 'nice-grpc';
import { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { eventually } from '../counterparts/eventually.ts';
import { type OtlpReceiver, openOtlpReceiver, type ReceivedSpan } from '../counterparts/otlp_receiver.ts';
import { newSimRedfish, REDFISH_PASSWORD } from '../counterparts/sim_redfish.ts';
import { plainTask, type Task } from './client.ts';
import { type House, openHouse } from './house.ts';
import { ask } from './http.ts';
import { enrolSimBmc } from './killing.ts';
import { enrol, ordersAt, untilAtRest, untilIn, watchTask } from './orders.ts';
import { createPlan, power, untilPlanEnds, watchPlan } from './plans.ts';
import { runHere } from './processes.ts';

const SECRET = 'planted-secret-7';
const HANGS = {
  host: { softMs: Number.POSITIVE_INFINITY },
  login: { users: [{ name: 'admin', password: SECRET, privilege: 'ADMINISTRATOR' }] },
} as const;

/** A caller with a trace of its own. */
class Caller {
  readonly traceId: string;
  readonly #spanId: string;

  constructor(digit: string) {
    this.traceId = digit.repeat(32);
    this.#spanId = digit.repeat(16);
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.#spanId}-01`;
  }

  metadata(more: Readonly<Record<string, string>> = {}): { readonly metadata: Metadata } {
    return { metadata: Metadata({ traceparent: this.traceparent, ...more }) };
  }

  /** What was received of its trace, as `parent > child` in names, each pair once. */
  tree({ spans }: OtlpReceiver): string[] {
    const own = spans.filter(({ traceId }) => traceId === this.traceId);
    const nameOf = (id: string): string =>
      id === this.#spanId ? 'caller' : (own.find(({ spanId }) => spanId === id)?.name ?? 'MISSING');
    return [...new Set(own.map(({ name, parentSpanId }) => `${nameOf(parentSpanId)} > ${name}`))].toSorted();
  }

  /** What the turns of the keeper did in its trace, each once. */
  did({ spans }: OtlpReceiver): unknown[] {
    const turns = spans.filter(({ traceId, name }) => traceId === this.traceId && name === 'keeper turn');
    return [...new Set(turns.map(({ attributes }) => attributes['countermand.turn.did']))].toSorted();
  }

  /** The first span of this name in its trace. */
  span({ spans }: OtlpReceiver, name: string): ReceivedSpan {
    const found = spans.find((span) => span.traceId === this.traceId && span.name === name);
    if (found === undefined) throw new Error(`no span ${name}`);
    return found;
  }
}

const [orders, aborts, starts, cancels, http] = ['a', 'b', 'c', 'd', 'e'].map((digit) => new Caller(digit)) as [
  ...[Caller, Caller, Caller, Caller, Caller],
];

/** Ends the conductor in order, which sends what waits. */
async function stop({ conductor }: House): Promise<void> {
  conductor.signal('SIGTERM');
  await conductor.ended;
}

/** An order over gRPC, a restart, and its abort over HTTP. */
async function orderAndAbort(t: ExecutionContext, house: House): Promise<Task> {
  const order = { node: 'n1', target: PowerTarget.SOFT_POWER_OFF };
  const sent = orders.metadata({ tracestate: 'vendor=7', baggage: `user=${SECRET}` });
  const { uuid } = plainTask(await house.client.power.orderPowerState(order, sent));
  const line = await house.conductor.logged.until('the order', (said) => said.includes('power order accepted'));
  t.like(JSON.parse(line), { task: uuid, trace_id: orders.traceId });
  t.regex(JSON.parse(line).peer, /^\S+:\d+$/);
  t.regex(JSON.parse(line).identity, /^anonymous@/);
  await untilIn(watchTask(house.client, uuid), 'CONFIRMING');
  await stop(house);
  await house.start('conductor');
  const { status } = await ask(house.http, 'PUT /v1/nodes/n1/states/power', {
    headers: { traceparent: aborts.traceparent },
    body: { target: 'abort soft power off' },
  });
  t.is(status, 202);
  return untilAtRest(watchTask(house.client, uuid));
}

/** A plan, cancelled by the command, which knows its trace from its environment. */
async function startAndCancel(t: ExecutionContext, { client, address }: House, reached: () => Promise<boolean>) {
  const { uuid } = await createPlan(client, 'p1', [power('n2', 'soft power off'), power('n3', 'soft power off', 'n2')]);
  await client.plans.startActionPlan({ actionPlan: uuid, expectTakenDown: 2 }, starts.metadata());
  await eventually('the order to have reached n2', reached);
  const words = ['plan', 'cancel', 'p1', '--no-wait', '--conductor', address];
  t.is((await runHere(words, { TRACEPARENT: cancels.traceparent })).exitCode, 0);
  await untilPlanEnds(watchPlan(client, uuid));
}

/** An order for a BMC over HTTP. */
async function orderOverHttp(t: ExecutionContext, { client }: House): Promise<void> {
  const { info } = await newSimRedfish(t);
  await enrol(client, 'n4', 'redfish', info);
  const given = await client.power.orderPowerState({ node: 'n4', target: PowerTarget.OFF }, http.metadata());
  await untilAtRest(watchTask(client, plainTask(given).uuid));
}

const RPC = 'countermand.v1.PowerService/OrderPowerState';

function checkOrder(t: ExecutionContext, receiver: OtlpReceiver, { uuid }: Task): void {
  // How often the node is read depends on the moment.
  const pairs = orders.tree(receiver).filter((pair) => !pair.includes('ipmi get_'));
  t.deepEqual(pairs, [
    'agent send > ipmi set_power_state',
    `caller > ${RPC}`,
    `${RPC} > power task soft power off`,
    'ipmi set_power_state > Chassis Control soft',
    'power task soft power off > agent observe',
    'power task soft power off > agent send',
    'power task soft power off > keeper turn',
  ]);
  t.true(orders.tree(receiver).includes('ipmi get_power_state > Get Chassis Status'));
  for (const did of ['order', 'send', 'accept', 'abort', 'end_abort']) t.true(orders.did(receiver).includes(did), did);
  const soft = orders.span(receiver, 'power task soft power off');
  t.like(soft, { traceState: 'vendor=7', status: 2 });
  t.like(soft.attributes, {
    'countermand.power_task.uuid': uuid,
    'countermand.node.name': 'n1',
    'countermand.power_task.state': 'ABORTED',
    'error.type': 'TASK_ABORTED',
  });
  const control = orders.span(receiver, 'Chassis Control soft');
  t.like(control, { kind: 3, status: 0, attributes: { 'rpc.system.name': 'ipmi', 'network.transport': 'udp' } });
  t.truthy(control.attributes['server.address']);
  t.true(soft.start <= control.start && control.end <= soft.end);
}

const linkTo = ({ traceId, spanId }: ReceivedSpan): string[] => [`${traceId} ${spanId}`];

function checkAbort(t: ExecutionContext, receiver: OtlpReceiver): void {
  const route = 'PUT /v1/nodes/{node}/states/power';
  t.deepEqual(
    aborts.tree(receiver).filter((pair) => !pair.includes('ipmi get_')),
    [
      `${route} > ${RPC}`,
      `caller > ${route}`,
      `${RPC} > power task abort soft power off`,
      'power task abort soft power off > agent abort',
    ],
  );
  const soft = orders.span(receiver, 'power task soft power off');
  const abort = aborts.span(receiver, 'power task abort soft power off');
  t.deepEqual(soft.links, linkTo(abort));
  t.deepEqual(abort.links, linkTo(soft));
  t.deepEqual(aborts.span(receiver, 'agent abort').links, linkTo(soft));
  const attributes = { 'http.request.method': 'PUT', 'http.route': route.slice(4), 'http.response.status_code': 202 };
  t.like(aborts.span(receiver, route), { kind: 2, attributes });
}

function checkPlan(t: ExecutionContext, receiver: OtlpReceiver): void {
  const plan = starts.span(receiver, 'action plan');
  const cancel = cancels.span(receiver, 'cancel of action plan');
  t.deepEqual(plan.links, linkTo(cancel));
  t.deepEqual(cancel.links, linkTo(plan));
  const pairs = starts.tree(receiver);
  t.true(pairs.includes('countermand.v1.ActionPlanService/StartActionPlan > action plan'));
  t.true(pairs.includes('action plan > action change_node_power_state'));
  t.true(pairs.includes('action change_node_power_state > power task soft power off'));
  t.true(cancels.tree(receiver).includes('cancel of action plan > power task abort soft power off'));
}

test('a soft power off, its abort and the cancel of a plan are traces, linked, from the call to the BMC and over a restart', async (t) => {
  const receiver = await openOtlpReceiver(t);
  const house = await openHouse(t, { here: true, http: true, settings: { traces_endpoint: receiver.endpoint } });
  const [, n2] = await Promise.all(['n1', 'n2', 'n3'].map((name) => enrolSimBmc(t, house, name, HANGS)));
  const task = await orderAndAbort(t, house);
  t.like(task, { state: 'ABORTED', abort: { outcome: 'STOPPED_WAITING' } });
  await startAndCancel(t, house, async () => n2 !== undefined && (await ordersAt(n2)).length > 0);
  await orderOverHttp(t, house);
  // What is no context refuses nothing.
  const bad = { metadata: Metadata({ traceparent: 'not-a-context' }) };
  await house.client.nodes.updateNode({ node: 'n3', maintenance: true }, bad);
  await stop(house);

  checkOrder(t, receiver, task);
  checkAbort(t, receiver);
  checkPlan(t, receiver);
  const reset = http.span(receiver, 'POST');
  t.like(reset.attributes, { 'http.request.method': 'POST', 'http.response.status_code': 204 });
  t.regex(String(reset.attributes['url.full']), /^http:\/\/[\d.:]+\/redfish\/v1\/.*ComputerSystem.Reset$/);
  t.true(http.tree(receiver).includes('redfish get_power_state > GET'));

  const [alone] = receiver.spans.filter(({ name }) => name.endsWith('NodeService/UpdateNode'));
  t.is(alone?.parentSpanId, '');
  t.false(receiver.spans.some(({ name }) => /\/(Get|Watch|List)/.test(name)));
  t.true(receiver.spans.every(({ resource }) => resource['service.name'] === 'countermand'));
  for (const secret of [SECRET, REDFISH_PASSWORD]) t.false(receiver.bodies.some((body) => body.includes(secret)));
});
