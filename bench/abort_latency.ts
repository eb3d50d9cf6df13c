/**
 * How long does an abort take, from the call to the answer, with 100 orders in flight and watched? The answer is given
 * when the agent's waiter has stopped and the outcome is on the disk. `recall_confirm` is 0 here: how long a host is
 * watched after a recall is a choice, not a cost.
 */
import { AbortOutcome, PowerTarget, PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import { durableWrite } from './durable_write.ts';
import { type Row, timed } from './figures.ts';
import { type Fleet, orderUntil, withFleet } from './fleet.ts';

const IN_FLIGHT = 100;
const AIM = { median: 5, max: 50 };
/** Unmeasured, so that the conductor is as one that has run for a while: the first calls pay for the compiler. */
const WARM_UP_ROUNDS = 3;

interface Question {
  readonly what: string;
  readonly order: PowerTarget;
  readonly abort: PowerTarget;
  readonly outcome: AbortOutcome;
  readonly aim?: Row['aim'];
}

const RECALLED: Question = {
  what: 'fake, soft power off, RECALLED',
  order: PowerTarget.SOFT_POWER_OFF,
  abort: PowerTarget.ABORT_SOFT_POWER_OFF,
  outcome: AbortOutcome.RECALLED,
  aim: AIM,
};
const NMI: Question = {
  what: 'fake, inject nmi, STOPPED_WAITING',
  order: PowerTarget.INJECT_NMI,
  abort: PowerTarget.ABORT_INJECT_NMI,
  outcome: AbortOutcome.STOPPED_WAITING,
  aim: AIM,
};
const IPMI: Question = {
  what: 'ipmi, soft power off, STOPPED_WAITING',
  order: PowerTarget.SOFT_POWER_OFF,
  abort: PowerTarget.ABORT_SOFT_POWER_OFF,
  outcome: AbortOutcome.STOPPED_WAITING,
};

/** The rows: each question, with one abort after the other and with all at once. */
export async function abortLatency(signal: AbortSignal): Promise<Row[]> {
  const peer = await durableWrite();
  const onFake = async (fleet: Fleet): Promise<Row[]> => {
    const nodes = await fleet.enrolFake(IN_FLIGHT, { fake_soft_ms: 'never', fake_start_ms: 'never' });
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await ask(RECALLED, nodes, fleet, peer);
    return [...(await ask(RECALLED, nodes, fleet, peer)), ...(await ask(NMI, nodes, fleet, peer))];
  };
  const onIpmi = async (fleet: Fleet): Promise<Row[]> => {
    const bmcs = await fleet.enrolIpmi(IN_FLIGHT);
    return ask(IPMI, [...bmcs.keys()], fleet);
  };
  const flags = ['--recall-confirm', '0'];
  return [peer, ...(await withFleet(flags, onFake, signal)), ...(await withFleet(flags, onIpmi, signal))];
}

async function ask(question: Question, nodes: readonly string[], fleet: Fleet, peer?: Row): Promise<Row[]> {
  const { what, aim } = question;
  const abortOne = (node: string): Promise<number> => timed(() => abort(node, question, fleet));
  const inTurn = await whileInFlight(nodes, question, fleet, async () => {
    const times: number[] = [];
    for (const node of nodes) times.push(await abortOne(node));
    return times;
  });
  const atOnce = await whileInFlight(nodes, question, fleet, () => Promise.all(nodes.map(abortOne)));
  return [
    { what: `${what}; one after the other`, times: inTurn, aim, peer },
    { what: `${what}; all at once`, times: atOnce, aim, peer },
  ];
}

/** Orders every node about, measures when all BMCs have their order, and waits until all is at rest. */
async function whileInFlight(
  nodes: readonly string[],
  { order }: Question,
  fleet: Fleet,
  measure: () => Promise<number[]>,
): Promise<number[]> {
  const orders = nodes.map((node) => orderUntil(node, order, PowerTaskState.CONFIRMING, fleet));
  for (const { state, errorMessage } of await Promise.all(orders.map(({ reached }) => reached)))
    if (state !== PowerTaskState.CONFIRMING) throw new Error(`an order is not in flight: ${errorMessage}`);
  const times = await measure();
  await Promise.all(orders.map(({ atRest }) => atRest));
  return times;
}

async function abort(node: string, { abort: target, outcome }: Question, { conductor }: Fleet): Promise<void> {
  let came: AbortOutcome | undefined;
  for await (const { task } of conductor.power.setPowerState({ node, target })) came = task?.abort?.outcome;
  if (came !== outcome) throw new Error(`the abort at ${node} has outcome ${came}, not ${outcome}`);
}
