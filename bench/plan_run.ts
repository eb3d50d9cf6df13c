/**
 * How fast does a plan go on? Plans of actions that do nothing: what is left is the engine, four notifications an action,
 * and the disk. The peer is one durable write for each action, which is what an engine without turns would pay at least.
 */
import { randomUUID } from 'node:crypto';
import { ActionPlanState } from '../src/gen/countermand/v1/action_plan.ts';
import { durableWrite } from './durable_write.ts';
import { quantile, type Row, timed } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';

const SIZES = [100, 1000, 10_000];
const ROUNDS = 3;
/** Many plans at once. */
const PLANS = 1000;
const AIM_PER_S = 12_000;

/** The rows: the memory of one large plan, plans of several sizes, and a thousand plans side by side. */
export async function planRun(signal: AbortSignal): Promise<Row[]> {
  const write = await durableWrite();
  const perAction = quantile(write.times, 0.5);
  return [
    write,
    ...(await withFleet([], memory, signal)),
    ...(await withFleet([], (fleet) => ofSizes(fleet, perAction), signal)),
    await withFleet([], manyPlans, signal),
  ];
}

async function ofSizes(fleet: Fleet, writeMs: number): Promise<Row[]> {
  await run(1000, 1000, fleet);
  const rows: Row[] = [];
  for (const size of SIZES) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) times.push(await run(size, 1000, fleet));
    const peer = { what: '', times: [size * writeMs] };
    const aim = { median: Math.round((size / AIM_PER_S) * 1000) };
    rows.push({ what: `${size} nops, 1000 side by side`, times, peer, aim });
  }
  return [...rows, { what: '10000 nops, 10 side by side', times: [await run(10_000, 10, fleet)] }];
}

async function memory(fleet: Fleet): Promise<Row[]> {
  const before = await fleet.peakMemory();
  await run(10_000, 1000, fleet);
  const what = 'memory of the conductor, agent inside';
  return [
    { what: `${what}; at the start`, times: [before], unit: 'MB' },
    {
      what: `${what}; at most, with one plan of 10000 nops`,
      times: [await fleet.peakMemory()],
      unit: 'MB',
      aim: { max: 200 },
    },
  ];
}

async function manyPlans(fleet: Fleet): Promise<Row> {
  const uuids = await Promise.all(Array.from({ length: PLANS }, () => create(10, 10, fleet)));
  const times = [await timed(() => Promise.all(uuids.map((uuid) => startAndWatch(uuid, fleet))))];
  return { what: `${PLANS} plans of 10 nops at once`, times };
}

async function run(size: number, maxParallel: number, fleet: Fleet): Promise<number> {
  const uuid = await create(size, maxParallel, fleet);
  return timed(() => startAndWatch(uuid, fleet));
}

async function create(size: number, maxParallel: number, { conductor }: Fleet): Promise<string> {
  const actions = Array.from({ length: size }, (_, at) => ({ name: `nop ${at}`, actionType: 'nop' }));
  const name = `${size} nops`;
  const { actionPlan } = await conductor.plans.createActionPlan({
    name,
    requestId: randomUUID(),
    maxParallel,
    actions,
  });
  return actionPlan?.uuid ?? '';
}

async function startAndWatch(actionPlan: string, { conductor }: Fleet): Promise<void> {
  await conductor.plans.startActionPlan({ actionPlan });
  let state: ActionPlanState | undefined;
  for await (const message of conductor.plans.watchActionPlan({ actionPlan })) state = message.actionPlan?.state;
  if (state !== ActionPlanState.SUCCEEDED) throw new Error(`plan ${actionPlan} ended in state ${state}`);
}
