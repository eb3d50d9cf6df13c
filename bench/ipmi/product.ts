/** The whole product over a fleet of real BMCs: a conductor with its agent inside, whose nodes are those BMCs. */
import { randomUUID } from 'node:crypto';
import { enumName, powerStateWord } from '../../src/cli/shared/words.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { OnOff } from '../../src/core/power.ts';
import { ActionState, FailurePolicy } from '../../src/gen/countermand/v1/action_plan.ts';
import { driverInfoOf, type Fleet, withFleet } from '../fleet.ts';
import { mustAnswer, WrongAnswers } from './answers.ts';
import type { Ground } from './ground.ts';
import type { Measured } from './measured.ts';
import { cpuMsOf } from './processes.ts';

/** What the client was told of one node, and how long after its call. */
export interface Told {
  /** A power state, the state of an action, or the code of an error. */
  readonly answer: string;
  readonly atMs: number;
}

/** A call, from its start to the end of its answer. */
export interface Course {
  /** By the address of the BMC. */
  readonly told: ReadonlyMap<string, Told>;
  readonly wallMs: number;
  /** Of the conductor and of the client, which is this process. */
  readonly cpuMs: number;
  /** Of the conductor, from its start on. */
  readonly peakMemoryMb: number;
}

/** A conductor that knows all BMCs of the fleet, and has read them. */
export interface Product {
  /** RefreshNodes over all of them. */
  refresh(): Promise<Course>;
  /** A plan that switches all of them, side by side; an action that fails stops no other. It is there before the time counts. */
  switch(target: OnOff): Promise<Course>;
}

const ENROL_AT_ONCE = 50;
const MOST_READINGS = 10;

/** Starts the product for `measure`, and ends it after that. */
export function withProduct<T>(measure: (product: Product) => Promise<T>, ground: Ground): Promise<T> {
  const withNodes = async (fleet: Fleet): Promise<T> => {
    const addresses = await enrol(fleet, ground);
    const product = productOf(addresses, fleet);
    await untilAllAreRead(product, ground);
    return await measure(product);
  };
  return withFleet([], withNodes, ground.signal);
}

/** On a busy box a first reading of a thousand BMCs may miss some. @throws WrongAnswers if it does so again and again */
async function untilAllAreRead(product: Product, { fleet }: Ground): Promise<void> {
  for (let left = MOST_READINGS; ; left -= 1) {
    try {
      mustAnswer('RefreshNodes', answersOf(await product.refresh()), 'power on', fleet);
      return;
    } catch (error) {
      if (!(error instanceof WrongAnswers) || left === 0) throw error;
    }
  }
}

/** A course as a measurement, if each BMC that is not silenced gave the right result. @throws WrongAnswers */
export function measuredCourse(what: string, course: Course, right: string, { fleet }: Ground): Measured {
  const { wallMs, cpuMs, peakMemoryMb } = course;
  return { what, operations: mustAnswer(what, answersOf(course), right, fleet), wallMs, cpuMs, peakMemoryMb };
}

const answersOf = ({ told }: Course): Map<string, string> =>
  new Map([...told].map(([address, { answer }]) => [address, answer]));

/** Resolves with the addresses of the BMCs by the names of their nodes. */
async function enrol({ conductor }: Fleet, { fleet }: Ground): Promise<Map<string, string>> {
  const bmcs = fleet.bmcs.map((bmc, index) => ({ ...bmc, name: `bmc${index + 1}` }));
  for (let at = 0; at < bmcs.length; at += ENROL_AT_ONCE) {
    const part = bmcs.slice(at, at + ENROL_AT_ONCE);
    const create = ({ name, ...bmc }: (typeof bmcs)[number]) =>
      conductor.nodes.createNode({ name, driver: 'ipmi', driverInfo: driverInfoOf({ ...fleet, ...bmc }) });
    await Promise.all(part.map(create));
  }
  return new Map(bmcs.map(({ name, address }) => [name, address]));
}

type Tell = (node: string, answer: string) => void;

function productOf(addresses: ReadonlyMap<string, string>, fleet: Fleet): Product {
  const nodes = [...addresses.keys()];
  async function course(call: (tell: Tell) => Promise<void>): Promise<Course> {
    const told = new Map<string, Told>();
    const ownBefore = process.cpuUsage();
    const cpuBefore = await cpuMsOf([fleet.pid]);
    const startedAt = systemClock.monotonic();
    const sinceStart = (): number => systemClock.monotonic() - startedAt;
    await call((node, answer) => told.set(addresses.get(node) ?? '', { answer, atMs: sinceStart() }));
    const wallMs = sinceStart();
    const cpuMs = (await cpuMsOf([fleet.pid])) - cpuBefore;
    const { user, system } = process.cpuUsage(ownBefore);
    return { told, wallMs, cpuMs: cpuMs + (user + system) / 1000, peakMemoryMb: await fleet.peakMemory() };
  }
  return {
    refresh: () =>
      course(async (tell) => {
        for await (const { node, observed, errorCode } of fleet.conductor.nodes.refreshNodes({ nodes }))
          tell(node?.name ?? '', errorCode || powerStateWord(observed));
      }),
    async switch(target) {
      const actionPlan = await createPlan(nodes, target, fleet);
      return await course((tell) => runPlan(actionPlan, tell, fleet));
    },
  };
}

async function createPlan(nodes: readonly string[], state: OnOff, { conductor }: Fleet): Promise<string> {
  const { actionPlan } = await conductor.plans.createActionPlan({
    name: state,
    requestId: randomUUID(),
    maxParallel: nodes.length,
    onFailure: FailurePolicy.CONTINUE,
    actions: nodes.map((node) => ({
      name: node,
      actionType: 'change_node_power_state',
      inputParameters: { resource_id: node, state },
    })),
  });
  return actionPlan?.uuid ?? '';
}

const AT_REST: readonly ActionState[] = [
  ActionState.SUCCEEDED,
  ActionState.FAILED,
  ActionState.SKIPPED,
  ActionState.CANCELLED,
];

/** Watches, as a person would, and tells how each action ended. */
async function runPlan(actionPlan: string, tell: Tell, { conductor: { plans } }: Fleet): Promise<void> {
  const { takesDown } = await plans.previewActionPlan({ actionPlan });
  await plans.startActionPlan({ actionPlan, expectTakenDown: takesDown?.count });
  for await (const { actions } of plans.watchActionPlan({ actionPlan }))
    for (const { name, state, errorCode } of actions)
      if (AT_REST.includes(state)) tell(name, errorCode || enumName(ActionState, state));
}
