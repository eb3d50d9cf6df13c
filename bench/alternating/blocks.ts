/**
 * Orders in short blocks, to one conductor that does without a part of itself in every other block: what a part costs is the difference. The
 * blocks are short, because the processor is half as fast at some moments as at others, and two that follow each other mostly meet the same.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, withConductor } from '../../src/cli/shared/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { PowerTarget, PowerTaskState } from '../../src/gen/countermand/v1/power.ts';
import { orderUntil } from '../fleet.ts';

/** What the conductor can do without: the log and the metrics; who calls, with its limits, and whether that is allowed; the audit trail. */
export type WithoutPart = 'observing' | 'rights' | 'trail';

/** What the conductor says when its agent is attached: where it is, and the tokens of two callers. */
export interface Started {
  readonly address: string;
  readonly enrols: string;
  readonly orders: string;
}

/** Microseconds of its processor for an order, agent inside, one for each block. Those at the same place were measured one after the other. */
export interface Blocks {
  readonly whole: readonly number[];
  readonly without: ReadonlyMap<WithoutPart, readonly number[]>;
}

/** Orders of a block; all of them are given at once. */
const ORDERS = 20;
const BLOCKS = Number(process.env.BLOCKS ?? 400);
/** Not counted: they compile what is called. */
const FIRST_BLOCKS = 40;

const CONDUCTOR = fileURLToPath(new URL('./conductor.ts', import.meta.url));
/** Where files are in memory: the disk is not what is measured. */
const IN_MEMORY = '/dev/shm';

/** Measures it with everything, and without each of `parts`. */
export async function alternate(parts: readonly WithoutPart[], signal: AbortSignal): Promise<Blocks> {
  const folder = await mkdtemp(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), 'countermand-bench-'));
  const child = fork(CONDUCTOR, [folder], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  child.stderr?.resume();
  const ended = once(child, 'exit');
  try {
    const [started] = (await Promise.race([once(child, 'message', { signal }), ended.then(failed)])) as [Started];
    const { address, enrols, orders } = started;
    const usedSoFar = async (part: WithoutPart | null): Promise<number> => {
      const answer = once(child, 'message', { signal });
      child.send(part ?? 'nothing');
      return ((await answer) as [number])[0];
    };
    const call = <T>(token: string, work: (conductor: Client) => Promise<T>): Promise<T> =>
      withConductor({ address, tls: null, token }, work, { clock: systemClock, signal });
    const nodes = Array.from({ length: ORDERS }, (_, at) => `fake${at + 1}`);
    await call(enrols, async ({ nodes: service }) => {
      for (const name of nodes) {
        const labels = { fleet: 'bench' };
        await service.createNode({ name, driver: 'fake', driverInfo: { fake_address: name }, labels });
        for await (const { reason } of service.refreshNodes({ nodes: [name] }))
          if (reason !== '') throw new Error(`${name} was not read: ${reason}`);
      }
    });
    return await call(orders, (conductor) => measure(parts, usedSoFar, (target) => give(nodes, target, conductor)));
  } finally {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

function failed(): never {
  throw new Error('the conductor that is measured has ended');
}

async function measure(
  parts: readonly WithoutPart[],
  usedSoFar: (part: WithoutPart | null) => Promise<number>,
  orderAll: (target: PowerTarget) => Promise<void>,
): Promise<Blocks> {
  const variants = [null, ...parts];
  const found = new Map<WithoutPart | null, number[]>(variants.map((part) => [part, []]));
  let isOn = true;
  for (let block = 0; block < FIRST_BLOCKS + BLOCKS; block += 1) {
    // Neither is always the first.
    const turn = block % 2 === 0 ? variants : variants.toReversed();
    for (const part of turn) {
      isOn = !isOn;
      const before = await usedSoFar(part);
      await orderAll(isOn ? PowerTarget.ON : PowerTarget.OFF);
      const used = ((await usedSoFar(part)) - before) / ORDERS;
      if (block >= FIRST_BLOCKS) found.get(part)?.push(used);
    }
  }
  const without = new Map(parts.map((part) => [part, found.get(part) ?? []]));
  return { whole: found.get(null) ?? [], without };
}

async function give(nodes: readonly string[], target: PowerTarget, conductor: Client): Promise<void> {
  const all = nodes.map((node) => orderUntil(node, target, PowerTaskState.SUCCEEDED, { conductor }).atRest);
  const wrong = (await Promise.all(all)).find(({ state }) => state !== PowerTaskState.SUCCEEDED);
  if (wrong) throw new Error(`an order for ${wrong.nodeName} failed: ${wrong.errorMessage}`);
}
