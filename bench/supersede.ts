/**
 * How long does it take until the plans that a change has made stale are SUPERSEDED, and are all others left alone? A tenth
 * of the plans, never started, are about the node that an operator changes; each other is about a node of its own.
 */
import { ActionPlanState } from '../src/gen/countermand/v1/action_plan.ts';
import { durableWrite } from './durable_write.ts';
import { type Row, timed } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';

const SIZES = [100, 1000, 10_000];
const AIM = { max: 1000 };
const MAKE_AT_ONCE = 100;

/** The rows: for each size, the change with the superseding of what it makes stale, and one of a node without plans. */
export async function supersede(signal: AbortSignal): Promise<Row[]> {
  const write = await durableWrite();
  const rows = await withFleet(['--sync-power-state-interval', '0'], ask, signal);
  return [write, ...rows];
}

async function ask(fleet: Fleet): Promise<Row[]> {
  const nodes = await fleet.enrolFake(SIZES.at(-1) ?? 0);
  const rows: Row[] = [];
  for (const size of SIZES) rows.push(...(await askWith(size, nodes, fleet)));
  return rows;
}

async function askWith(size: number, nodes: readonly string[], fleet: Fleet): Promise<Row[]> {
  const [changed = '', ...others] = nodes;
  const stale = size / 10;
  await make(
    Array.from({ length: stale }, () => changed),
    fleet,
  );
  await make(others.slice(0, size - stale), fleet);
  const quiet = others.at(-1) ?? '';
  const without = await relabel(quiet, String(size), fleet);
  const took = await relabel(changed, String(size), fleet);
  const counts = await count(fleet);
  if (counts.superseded !== stale || counts.recommended !== size - stale)
    throw new Error(`${counts.superseded} are SUPERSEDED and ${counts.recommended} RECOMMENDED, of ${size}`);
  await forgetAll(fleet);
  const aim = size === 10_000 ? AIM : undefined;
  return [
    { what: `${size} plans, a node that none is about changes`, times: [without] },
    { what: `${size} plans, a node changes: ${stale} are SUPERSEDED, no other`, times: [took], aim },
  ];
}

/** Makes a plan of a nop and a maintenance about each of these nodes. */
async function make(nodes: readonly string[], { conductor }: Fleet): Promise<void> {
  for (let at = 0; at < nodes.length; at += MAKE_AT_ONCE) {
    const part = nodes.slice(at, at + MAKE_AT_ONCE);
    await Promise.all(
      part.map((node) => {
        const inputParameters = { resource_id: node, maintenance: true };
        const actions = [
          { name: 'nop', actionType: 'nop' },
          { name: 'in', actionType: 'set_node_maintenance', inputParameters, parents: ['nop'] },
        ];
        return conductor.plans.createActionPlan({ name: node, actions });
      }),
    );
  }
}

/** The answer comes after the commit, and what is stale is superseded by the same commit. */
function relabel(node: string, value: string, { conductor }: Fleet): Promise<number> {
  return timed(() => conductor.nodes.updateNode({ node, setLabels: { rack: value } }));
}

async function* everyPlan(state: ActionPlanState, { conductor }: Fleet): AsyncGenerator<string> {
  let pageToken = '';
  do {
    const page = await conductor.plans.listActionPlans({ states: [state], pageSize: 1000, pageToken });
    for (const { uuid } of page.actionPlans) yield uuid;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}

async function count(fleet: Fleet): Promise<{ superseded: number; recommended: number }> {
  const counted = { superseded: 0, recommended: 0 };
  for await (const _ of everyPlan(ActionPlanState.SUPERSEDED, fleet)) counted.superseded += 1;
  for await (const _ of everyPlan(ActionPlanState.RECOMMENDED, fleet)) counted.recommended += 1;
  return counted;
}

/** Deletes every plan, for the next size. */
async function forgetAll(fleet: Fleet): Promise<void> {
  for (const state of [ActionPlanState.SUPERSEDED, ActionPlanState.RECOMMENDED]) {
    const uuids: string[] = [];
    for await (const uuid of everyPlan(state, fleet)) uuids.push(uuid);
    for (let at = 0; at < uuids.length; at += MAKE_AT_ONCE) {
      const part = uuids.slice(at, at + MAKE_AT_ONCE);
      await Promise.all(part.map((actionPlan) => fleet.conductor.plans.deleteActionPlan({ actionPlan })));
    }
  }
}
