/** Checks what a file would change with the conductor, and writes it: a few nodes at a time. */
import { asCountermandError, type CountermandError } from '../../core/errors.ts';
import { Node } from '../../gen/countermand/v1/node.ts';
import { type Call, present } from '../shared/asking.ts';
import { openLiveText } from '../shared/live_text.ts';
import { endsAll, forEachNode, inParallel } from '../shared/many.ts';
import { type Step, updateOf } from './compare.ts';
import type { Notes } from './wanted.ts';

/** This many nodes are asked about, or written, at once. */
const AT_ONCE = 16;

const createOf = ({ wanted: { name, driver, driverInfo, zone = '', labels, uuid } }: Step, validateOnly: boolean) => ({
  name,
  driver,
  driverInfo: { ...driverInfo },
  zone,
  labels: { ...labels },
  uuid,
  validateOnly,
});

/** True if a step writes something. */
export const writes = ({ node, differences }: Step): boolean => node === null || differences.length > 0;

/**
 * Lets the conductor and the drivers check each change, and finds nodes of the file that are behind one BMC. Nothing is written.
 * @throws what ends the connection or the call; what is refused is noted with its place
 */
export async function checkSteps(steps: readonly Step[], notes: Notes, { conductor }: Call): Promise<void> {
  const faults = new Map<Step, CountermandError>();
  const bmcs = new Map<Step, string>();
  await inParallel(steps.filter(writes), AT_ONCE, async (step) => {
    try {
      const { bmc } = await (step.node === null
        ? conductor.nodes.createNode(createOf(step, true))
        : conductor.nodes.updateNode({ ...updateOf(step), validateOnly: true }));
      bmcs.set(step, bmc);
    } catch (thrown) {
      const error = asCountermandError(thrown);
      if (endsAll(error)) throw error;
      faults.set(step, error);
    }
  });
  const firstAt = new Map<string, Step>();
  for (const step of steps) {
    const { place, name } = step.wanted;
    const refused = faults.get(step);
    if (refused) notes.fault(`${place} (${name})`, refused.message);
    const bmc = bmcs.get(step) ?? '';
    const twin = firstAt.get(bmc)?.wanted;
    if (bmc !== '' && twin)
      notes.fault(
        `${place} (${name})`,
        `it is behind the BMC of '${twin.name}', ${twin.place}: ${bmc}; a BMC belongs to one node`,
      );
    if (!twin) firstAt.set(bmc, step);
  }
}

/**
 * Writes what the steps change. A node that fails is told, and the others are gone on with.
 * @throws one error for all that failed
 */
export async function writeSteps(steps: readonly Step[], call: Call): Promise<void> {
  const { output } = call;
  const left = new Map(steps.filter(writes).map((step) => [step.wanted.name, step]));
  const live = output.live ? await openLiveText(call) : null;
  // Live text writes over whatever is said below it.
  const kept: string[] = [];
  const tell = live ? (line: string) => void kept.push(line) : output.say;
  let done = 0;
  const write = async (name: string): Promise<null> => {
    const step = left.get(name) as Step;
    const node = await writeStep(step, call);
    done += 1;
    if (live) live.show(() => `${done} of ${left.size} nodes`);
    else output.message(Node, node, () => `${node.name}: ${step.node === null ? 'enrolled' : 'changed'}`);
    return null;
  };
  try {
    await forEachNode([...left.keys()], write, { atOnce: AT_ONCE, failed: 'could not be written', tell }, call);
  } finally {
    live?.end();
    for (const line of kept) output.say(line);
  }
}

async function writeStep(step: Step, { conductor }: Call): Promise<Node> {
  if (step.node !== null) return present((await conductor.nodes.updateNode(updateOf(step))).node, 'a node');
  const node = present((await conductor.nodes.createNode(createOf(step, false))).node, 'a node');
  const { maintenance, maintenanceReason } = step.wanted;
  if (maintenance !== true) return node;
  const answer = await conductor.nodes.updateNode({ node: node.uuid, maintenance, maintenanceReason });
  return present(answer.node, 'a node');
}
