/**
 * What does HTTP cost beside our own gRPC: a list of 1,000 nodes, and 100 orders until no node has a target any more? The
 * peer is gRPC in the same run; HTTP should have at least 0.6 of its rate, so its times at most 1.7 of gRPC's. With
 * COUNTERMAND_BENCH_IRONIC=http://HOST:PORT an Ironic without authentication is asked the same; its nodes are enrolled
 * for that, with its driver fake-hardware, and deleted afterwards.
 */
import { createServer } from 'node:net';
import { systemClock } from '../src/core/clock.ts';
import { sleep } from '../src/core/signals.ts';
import { PowerTarget } from '../src/gen/countermand/v1/power.ts';
import { type Row, table, timed } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';
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

/** Tables of both questions. */
export async function http(signal: AbortSignal): Promise<string> {
  const door = `127.0.0.1:${await freePort()}`;
  const ours = await withFleet(['--http-listen', door], (fleet) => measureOurs(`http://${door}`, fleet), signal);
  const ironic = process.env.COUNTERMAND_BENCH_IRONIC;
  if (ironic === undefined) return `${table(ours)}\n\nNo Ironic was measured: COUNTERMAND_BENCH_IRONIC names none.`;
  return table([...ours, ...(await measureIronic(ironic, ours, signal))]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
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

/** The times of some work, and the processor time that it took the conductor. */
async function costs(work: (round: number) => Promise<unknown>, rounds: number, pid: number | null) {
  const times: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < rounds + UNMEASURED; round += 1) {
    const before = pid === null ? 0 : await cpuOf(pid);
    const time = await timed(() => work(round));
    if (round < UNMEASURED) continue;
    times.push(time);
    cpu.push(pid === null ? 0 : (await cpuOf(pid)) - before);
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
    const { times, cpu } = await costs(work, rounds, pid);
    const peer = peers.get(what.split(':')[0] ?? '');
    const wall: Row = { what, times, ...(peer && { peer: peer.wall }) };
    const ours: Row = { what: `${what}, processor time of the conductor`, times: cpu, ...(peer && { peer: peer.cpu }) };
    if (!peer) peers.set(what.split(':')[0] ?? '', { wall, cpu: ours });
    rows.push(wall, ours);
  }
  return rows;
}

async function measureIronic(base: string, ours: readonly Row[], signal: AbortSignal): Promise<Row[]> {
  const names = Array.from({ length: NODES }, (_, at) => `bench${at}`);
  const each = async (work: (name: string) => Promise<unknown>): Promise<void> => {
    for (let from = 0; from < names.length; from += AT_ONCE)
      await Promise.all(names.slice(from, from + AT_ONCE).map(work));
  };
  await each((name) => ask(base, 'POST', '/v1/nodes', { name, driver: 'fake-hardware' }));
  try {
    const few = names.slice(0, ORDERS);
    const lists = await costs(() => listNodes(base), LISTS, null);
    const orders = await costs(
      (round) => orderAll(base, few, round % 2 === 0 ? 'power off' : 'power on', signal),
      ROUNDS,
      null,
    );
    const peerOf = (what: string): Row | undefined => ours.find((row) => row.what === what);
    const row = (what: string, times: readonly number[], peer: Row | undefined): Row => ({
      what: `${what}: Ironic`,
      times,
      ...(peer && { peer }),
    });
    return [
      row(`${NODES} nodes`, lists.times, peerOf(`${NODES} nodes: GET /v1/nodes`)),
      row(`${ORDERS} orders`, orders.times, peerOf(`${ORDERS} orders: PUT states/power`)),
    ];
  } finally {
    await each((name) => ask(base, 'DELETE', `/v1/nodes/${name}`).catch(() => {}));
  }
}
