/**
 * What does a fleet cost that nothing is ordered of? Each node is read once in an interval. Then a plan powers a twentieth of it off,
 * while the others are read on. The size grows from a tenth to the whole; nodes of the driver `fake`.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { openKeys } from '../src/cli/daemon/secrets_keys.ts';
import { systemChance } from '../src/core/chance.ts';
import { systemClock } from '../src/core/clock.ts';
import { sleep } from '../src/core/signals.ts';
import { ActionPlanState } from '../src/gen/countermand/v1/action_plan.ts';
import { openStore } from '../src/server/conductor.ts';
import { insertNode } from '../src/server/nodes/write.ts';
import { findNode } from '../src/server/store/nodes.ts';
import { portionsOf, ROWS_AT_ONCE } from '../src/server/store/portions.ts';
import { FILE } from '../src/server/store/sqlite/data_folder.ts';
import { openDatabase } from '../src/server/store/sqlite/database.ts';
import { grid } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';
import { cpuOf, memoryOf } from './rpcs/probe.ts';

const INTERVAL_S = 120;
/** Rounds of the product are an interval apart, give or take a tenth. */
const LONGEST_ROUND_S = INTERVAL_S * 1.1;
/** The conductor has made its key itself. */
const OWN_KEY = { secretsKey: null, secretsKeyPrevious: null };
const LOOK_MS = 1000;
/** One node in 20 is powered off. */
const ORDERED = 20;

const HEAD = ['nodes', 'memory', 'processor', 'oldest reading', 'power offs per second', 'oldest reading meanwhile'];

/** A table for each of these sizes. */
async function fleetOf(sizes: readonly number[], signal: AbortSignal): Promise<string> {
  const lines: string[][] = [];
  for (const size of sizes) lines.push(await ofSize(size, signal));
  return grid(HEAD, lines);
}

/** A table: 1,000 nodes, and 10,000. */
export const fleetSync = (signal: AbortSignal): Promise<string> => fleetOf([1_000, 10_000], signal);

/** A table: 10,000 nodes, and 100,000. */
export const largeFleetSync = (signal: AbortSignal): Promise<string> => fleetOf([10_000, 100_000], signal);

async function ofSize(size: number, signal: AbortSignal): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  try {
    const flags = ['--data', folder, '--sync-power-state-interval', String(INTERVAL_S)];
    await withFleet(flags, async (fleet) => void (await fleet.enrolFake(1)), signal);
    const names = await multiply(folder, size);
    const file = join(folder, FILE);
    return await withFleet(flags, (fleet) => measure(names, file, fleet), signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Adds nodes like the one that is there, without a conductor. Returns the names of all. */
async function multiply(folder: string, size: number): Promise<string[]> {
  const keys = openKeys({ dataFolder: folder, ...OWN_KEY }, false, { environment: {}, chance: systemChance });
  const database = await openDatabase(folder, undefined, keys);
  try {
    const store = openStore({ database, clock: systemClock, chance: systemChance, publisherId: 'bench' });
    const first = await findNode('fake1', database.read);
    if (first === null) throw new Error('the first node was not enrolled');
    const names = Array.from({ length: size }, (_, at) => `fake${at + 1}`);
    for (const part of portionsOf(names.slice(1), ROWS_AT_ONCE))
      await database.write(async (transaction) => {
        for (const name of part) {
          const own = { uuid: randomUUID(), name, driverInfo: { ...first.driverInfo, fake_address: name } };
          const node = { ...first, ...own, bmcKey: first.bmcKey.replace('fake1', name), heldBy: null };
          await insertNode(node, { why: 'enrolled for a measurement', planUuid: null }, transaction, store);
        }
      });
    return names;
  } finally {
    await database.close();
  }
}

async function measure(names: readonly string[], file: string, fleet: Fleet): Promise<string[]> {
  const oldestMs = openAges(file);
  try {
    // Every node is read once before anything is measured.
    const startedAt = systemClock.now();
    while (oldestMs() > systemClock.now() - startedAt) await sleep(LOOK_MS, systemClock, fleet.signal);
    const idle = await watchAges(sleep(LONGEST_ROUND_S * 1000, systemClock, fleet.signal), oldestMs, fleet);
    const memory = await memoryOf(fleet.pid);
    const ordered = names.filter((_, at) => at % ORDERED === 0);
    const busy = await watchAges(powerOff(ordered, fleet), oldestMs, fleet);
    return [
      String(names.length),
      `${memory.toFixed(0)} MB`,
      `${((100 * idle.cpuMs) / idle.wallMs).toFixed(1)} %`,
      `${(idle.oldestMs / 1000).toFixed(0)} s`,
      `${((1000 * ordered.length) / busy.wallMs).toFixed(0)} (${ordered.length} orders)`,
      `${(busy.oldestMs / 1000).toFixed(0)} s`,
    ];
  } finally {
    oldestMs.close();
  }
}

/** Answers how old the oldest reading of a free node is, past the conductor: what it is asked costs it nothing. */
function openAges(file: string): (() => number) & { close(): void } {
  const database = new BetterSqlite3(file, { readonly: true });
  const oldest = database.prepare<[], { at: number | null; unread: number }>(
    'select min(power_state_read_at) as at, sum(power_state_read_at is null) as unread from nodes where held_by is null',
  );
  const ages = (): number => {
    const found = oldest.get();
    return found?.at && found.unread === 0 ? systemClock.now() - found.at : Number.POSITIVE_INFINITY;
  };
  return Object.assign(ages, { close: () => void database.close() });
}

/** Looks how old readings become until `work` is done, and what the conductor needs meanwhile. */
async function watchAges(work: Promise<unknown>, oldestMs: () => number, { pid, signal }: Fleet) {
  const [cpuBefore, startedAt] = [await cpuOf(pid), systemClock.monotonic()];
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  let oldest = oldestMs();
  while (!isDone) {
    await Promise.race([done, sleep(LOOK_MS, systemClock, signal)]);
    oldest = Math.max(oldest, oldestMs());
  }
  const wallMs = systemClock.monotonic() - startedAt;
  return { oldestMs: oldest, wallMs, cpuMs: (await cpuOf(pid)) - cpuBefore };
}

async function powerOff(nodes: readonly string[], { conductor }: Fleet): Promise<void> {
  const actions = nodes.map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state: 'power off' },
  }));
  const wanted = { name: 'off', requestId: randomUUID(), maxParallel: 200, actions };
  const { actionPlan: plan, takesDown } = await conductor.plans.createActionPlan(wanted);
  const actionPlan = plan?.uuid ?? '';
  await conductor.plans.startActionPlan({ actionPlan, expectTakenDown: takesDown?.count });
  for await (const { actionPlan: now } of conductor.plans.watchActionPlan({ actionPlan }))
    if (now?.state === ActionPlanState.SUCCEEDED) return;
  throw new Error('the plan did not succeed');
}
