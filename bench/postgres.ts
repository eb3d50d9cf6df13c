/**
 * What does PostgreSQL cost beside SQLite, which is its peer? Two conductors, each alone on its database, take turns in one run: orders to
 * nodes of the driver `fake`, fifty at once, and a plan of nops. Then the round trips of a turn are counted between a
 * conductor and PostgreSQL: those of each transaction while a plan moves one action and 200, and while 1, 20 and 200 orders are given at once.
 * `NOPS=1000` makes the plan smaller; `NOPS=0` only counts.
 */
import { randomUUID } from 'node:crypto';
import { ActionPlanState } from '../src/gen/countermand/v1/action_plan.ts';
import { PowerTarget, PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import { startPostgres } from '../test/counterparts/postgres_server.ts';
import { grid, quantile, type Row, table, timed } from './figures.ts';
import { type Fleet, orderUntil, withFleet } from './fleet.ts';
import { countRoundTrips } from './postgres/round_trips.ts';

const NODES = 50;
const ROUNDS = 4;
const NOPS = Number(process.env.NOPS ?? 10_000);
const MOVES = [1, 200];
const ORDERS = [1, 20, 200];

/** Both tables. */
export async function postgres(signal: AbortSignal): Promise<string> {
  await using after = new AsyncDisposableStack();
  const server = await startPostgres({ durable: true });
  after.defer(() => server.stop());
  const urlOfNew = async (name: string, place = {}): Promise<string> => {
    await server.query(`create database ${name}`);
    return server.urlOf(name, place);
  };
  const onPostgres = ['--database', await urlOfNew('speed'), '--confirm-above', '1000000'];
  const rows =
    NOPS === 0
      ? []
      : await withFleet(
          ['--confirm-above', '1000000'],
          (sqlite) => withFleet(onPostgres, (other) => besides(sqlite, other), signal),
          signal,
        );

  const counting = await countRoundTrips(server);
  after.defer(() => counting.stop());
  const lines = await withFleet(
    ['--database', await urlOfNew('turns', counting), '--confirm-above', '1000000'],
    async (fleet) => {
      const nodes = await fleet.enrolFake(Math.max(...ORDERS));
      await plan(100, fleet);
      const found: string[][] = [];
      const count = async (what: string, things: number, work: () => Promise<unknown>): Promise<void> => {
        counting.taken();
        await work();
        const taken = counting.taken();
        const total = taken.reduce((sum, one) => sum + one, 0);
        const [median, most] = [quantile(taken, 0.5), quantile(taken, 1)];
        found.push([
          `${what}, ${things} at once`,
          ...[taken.length, median, most, total].map(String),
          (total / things).toFixed(1),
        ]);
      };
      for (const moves of MOVES) await count('a plan of nops', moves, () => plan(moves, fleet));
      for (const orders of ORDERS) {
        const some = nodes.slice(0, orders).map((node) => () => carriedOut(node, PowerTarget.REBOOT, fleet));
        await count('orders', orders, () => Promise.all(some.map((order) => order())));
      }
      return found;
    },
    signal,
  );
  return `${table(rows)}\n\n${grid(['', 'transactions', 'round trips, median', 'round trips, max', 'in all', 'for each'], lines)}`;
}

async function besides(sqlite: Fleet, other: Fleet): Promise<Row[]> {
  const both = [sqlite, other];
  const orders: number[][] = [[], []];
  const plans: number[][] = [[], []];
  const nodes = await Promise.all(both.map((fleet) => fleet.enrolFake(NODES)));
  // The first round of each is not measured: it pays for the compilers.
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [at, fleet] of both.entries()) {
      const target = round % 2 === 0 ? PowerTarget.OFF : PowerTarget.ON;
      const tookMs = await timed(() => Promise.all((nodes[at] ?? []).map((node) => carriedOut(node, target, fleet))));
      if (round > 0) orders[at]?.push((NODES / tookMs) * 1000);
    }
  for (let round = 0; round < 2; round += 1)
    for (const [at, fleet] of both.entries()) {
      const tookMs = await plan(NOPS, fleet);
      if (round > 0) plans[at]?.push((NOPS / tookMs) * 1000);
    }
  const rowsOf = (what: string, [peer = [], ours = []]: number[][]): Row[] => {
    const row: Row = { what: `peer: SQLite: ${what}`, times: peer, unit: 'per s' };
    return [row, { what: `PostgreSQL: ${what}`, times: ours, unit: 'per s', peer: row }];
  };
  return [
    ...rowsOf(`orders, ${NODES} at once, until they are carried out`, orders),
    ...rowsOf(`actions of a plan of ${NOPS} nops`, plans),
  ];
}

async function carriedOut(node: string, target: PowerTarget, fleet: Fleet): Promise<void> {
  const { state } = await orderUntil(node, target, PowerTaskState.SUCCEEDED, fleet).atRest;
  if (state !== PowerTaskState.SUCCEEDED) throw new Error(`the order for ${node} ended in state ${state}`);
}

/** Milliseconds from the start of a plan of nops until its client knows that it has ended. */
async function plan(size: number, { conductor: { plans } }: Fleet): Promise<number> {
  const actions = Array.from({ length: size }, (_, at) => ({ name: `nop ${at}`, actionType: 'nop' }));
  const request = { name: `${size} nops`, requestId: randomUUID(), maxParallel: 1000, actions };
  const { actionPlan } = await plans.createActionPlan(request);
  const uuid = actionPlan?.uuid ?? '';
  return timed(async () => {
    await plans.startActionPlan({ actionPlan: uuid });
    let state: ActionPlanState | undefined;
    for await (const message of plans.watchActionPlan({ actionPlan: uuid })) state = message.actionPlan?.state;
    if (state !== ActionPlanState.SUCCEEDED) throw new Error(`plan ${uuid} ended in state ${state}`);
  });
}
