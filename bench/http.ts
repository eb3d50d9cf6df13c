/**
 * What does HTTP cost beside our own gRPC, and beside a real Ironic: a list of 1,000 nodes, and 100 orders until no node has a
 * target any more? HTTP should have at least 0.6 of gRPC's rate, so its times at most 1.7 of gRPC's; Ironic's rows should be 20 x
 * ours. Ironic is started here; with COUNTERMAND_BENCH_IRONIC=http://HOST:PORT one without authentication that runs elsewhere is
 * asked: nodes are enrolled there, with its driver fake-hardware, and these alone are deleted afterwards.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { asCountermandError } from '../src/core/errors.ts';
import { sleep } from '../src/core/signals.ts';
import { PowerTarget } from '../src/gen/countermand/v1/power.ts';
import { whileEnrolled } from './enrolled.ts';
import { type Row, table, timed } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';
import { freePort, type Ironic, startIronic } from './ironic.ts';
import { cpuOf } from './rpcs/probe.ts';

const NODES = 1000;
const ORDERS = 100;
const LISTS = 20;
const ROUNDS = 6;
/** The first calls of a process pay for its compiler. */
const UNMEASURED = 5;
/** Each look is a list of every node: the door that is looked at more often is slower. */
const LOOK_MS = 100;
const AT_ONCE = 20;
/** A round of Ironic's takes half a minute. */
const IRONIC_ROUNDS = 3;
const CPU = ', processor time of the conductor';

/** Tables of both questions. */
export async function http(signal: AbortSignal): Promise<string> {
  const door = `127.0.0.1:${await freePort()}`;
  const ours = await withFleet(['--http-listen', door], (fleet) => measureOurs(`http://${door}`, fleet), signal);
  try {
    return table([...ours, ...(await measureIronic(ours, signal))]);
  } catch (error) {
    const { code, message } = asCountermandError(error);
    if (code !== 'COMMAND_MISSING') throw error;
    return `${table(ours)}\n\nNo Ironic was measured: ${message}.`;
  }
}

/** Sends a request, and answers its body; what is refused ends the measurement. */
async function ask(base: string, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json', 'X-OpenStack-Ironic-API-Version': '1.78' };
  const response = await fetch(`${base}${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text.slice(0, 300)}`);
  return text === '' ? null : JSON.parse(text);
}

interface Listed {
  readonly nodes: readonly { readonly name: string; readonly target_power_state?: string | null }[];
}

const listNodes = (base: string): Promise<unknown> => ask(base, 'GET', '/v1/nodes');

/** Orders all of them at once, and looks until none has a target. */
async function orderAll(base: string, names: readonly string[], target: string, signal: AbortSignal): Promise<void> {
  await Promise.all(names.map((name) => ask(base, 'PUT', `/v1/nodes/${name}/states/power`, { target })));
  for (;;) {
    const { nodes } = (await ask(base, 'GET', '/v1/nodes?fields=name,target_power_state')) as Listed;
    const ordered = new Set(names);
    if (nodes.every((node) => !ordered.has(node.name) || node.target_power_state === null)) return;
    await sleep(LOOK_MS, systemClock, signal);
  }
}

async function orderAllByGrpc({ conductor }: Fleet, names: readonly string[], target: PowerTarget): Promise<void> {
  const watch = async (node: string): Promise<void> => {
    for await (const _ of conductor.power.setPowerState({ node, target }));
  };
  await Promise.all(names.map(watch));
}

/** The times of some work, and the processor time that it took a conductor: none if its process is not known. */
interface Costs {
  readonly times: readonly number[];
  readonly cpu: readonly number[];
}

async function costs(
  work: (round: number) => Promise<unknown>,
  rounds: number,
  unmeasured: number,
  pid: number | null,
): Promise<Costs> {
  const times: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < rounds + unmeasured; round += 1) {
    const before = pid === null ? 0 : await cpuOf(pid);
    const time = await timed(() => work(round));
    if (round < unmeasured) continue;
    times.push(time);
    if (pid !== null) cpu.push((await cpuOf(pid)) - before);
  }
  return { times, cpu };
}

async function measureOurs(base: string, fleet: Fleet): Promise<Row[]> {
  const names = (await fleet.enrolFake(NODES)).slice(0, ORDERS);
  const { pid, conductor, signal } = fleet;
  const connect = '/countermand.v1.NodeService/ListNodes';
  const isOff = (round: number): boolean => round % 2 === 0;
  const ways: (readonly [what: string, work: (round: number) => Promise<unknown>, rounds: number])[] = [
    [`${NODES} nodes: gRPC`, () => conductor.nodes.listNodes({ pageSize: NODES }), LISTS],
    [`${NODES} nodes: GET /v1/nodes`, () => listNodes(base), LISTS],
    [`${NODES} nodes: Connect in JSON`, () => ask(base, 'POST', connect, { pageSize: NODES }), LISTS],
    [
      `${ORDERS} orders: gRPC`,
      (round) => orderAllByGrpc(fleet, names, isOff(round) ? PowerTarget.OFF : PowerTarget.ON),
      ROUNDS,
    ],
    [
      `${ORDERS} orders: PUT states/power`,
      (round) => orderAll(base, names, isOff(round) ? 'power off' : 'power on', signal),
      ROUNDS,
    ],
  ];
  const rows: Row[] = [];
  const peers = new Map<string, { readonly wall: Row; readonly cpu: Row }>();
  for (const [what, work, rounds] of ways) {
    const { times, cpu } = await costs(work, rounds, UNMEASURED, pid);
    const peer = peers.get(what.split(':')[0] ?? '');
    const wall: Row = { what, times, ...(peer && { peer: peer.wall }) };
    const ours: Row = { what: `${what}${CPU}`, times: cpu, ...(peer && { peer: peer.cpu }) };
    if (!peer) peers.set(what.split(':')[0] ?? '', { wall, cpu: ours });
    rows.push(wall, ours);
  }
  return rows;
}

/** An Ironic to be measured, and its process if it is known. */
type Asked = Pick<Ironic, 'base'> & { readonly pid: number | null };

const IRONIC_NODES = Array.from({ length: NODES }, (_, at) => `bench${at}`);

/** The Ironic that is named, or one that is started here: at first without waits for the disk, with which 1,000 nodes take minutes. */
async function measureIronic(ours: readonly Row[], signal: AbortSignal): Promise<Row[]> {
  const named = process.env.COUNTERMAND_BENCH_IRONIC;
  if (named !== undefined) {
    const asked: Asked = { base: named, pid: null };
    return enrolledIn(named, async () => [
      ...(await listsOf(asked, ours)),
      ...(await ordersOf(asked, 'Ironic', ours, signal)),
    ]);
  }
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const quick = await startIronic({ folder, waitsForDisk: false }, signal);
  after.defer(() => quick.stop());
  await eachNode((name) => enrol(quick.base, name));
  const lists = await listsOf(quick, ours);
  const quickOrders = await ordersOf(quick, 'Ironic, not waiting for its disk', ours, signal);
  await quick.stop();
  const usual = await startIronic({ folder, waitsForDisk: true }, signal);
  after.defer(() => usual.stop());
  return [...lists, ...(await ordersOf(usual, 'Ironic', ours, signal)), ...quickOrders];
}

async function eachNode(work: (name: string) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < NODES; from += AT_ONCE)
    await Promise.all(IRONIC_NODES.slice(from, from + AT_ONCE).map(work));
}

const enrol = (base: string, name: string): Promise<unknown> =>
  ask(base, 'POST', '/v1/nodes', { name, driver: 'fake-hardware' });

function enrolledIn(base: string, use: () => Promise<Row[]>): Promise<Row[]> {
  const remove = (name: string) => ask(base, 'DELETE', `/v1/nodes/${name}`);
  return whileEnrolled(IRONIC_NODES, AT_ONCE, { enrol: (name) => enrol(base, name), remove }, use);
}

async function listsOf({ base, pid }: Asked, ours: readonly Row[]): Promise<Row[]> {
  const measured = await costs(() => listNodes(base), LISTS, UNMEASURED, pid);
  return besideOurs(`${NODES} nodes: Ironic`, measured, `${NODES} nodes: GET /v1/nodes`, ours);
}

async function ordersOf(asked: Asked, who: string, ours: readonly Row[], signal: AbortSignal): Promise<Row[]> {
  const names = IRONIC_NODES.slice(0, ORDERS);
  const round = (at: number): Promise<void> =>
    orderAll(asked.base, names, at % 2 === 0 ? 'power off' : 'power on', signal);
  const measured = await costs(round, IRONIC_ROUNDS, 1, asked.pid);
  return besideOurs(`${ORDERS} orders: ${who}`, measured, `${ORDERS} orders: PUT states/power`, ours);
}

/** The peer of these rows is our own door. */
function besideOurs(what: string, { times, cpu }: Costs, peer: string, ours: readonly Row[]): Row[] {
  const rowOf = (name: string, figures: readonly number[], beside: string): Row => {
    const row = ours.find((one) => one.what === beside);
    return { what: name, times: figures, ...(row && { peer: row }) };
  };
  const wall = rowOf(what, times, peer);
  return cpu.length === 0 ? [wall] : [wall, rowOf(`${what}${CPU}`, cpu, `${peer}${CPU}`)];
}
