/**
 * The first four scenes of the demo. Each shows commands, then makes sure by data, and not by what they printed, that it has
 * happened.
 */
import type { Client } from '../../src/cli/shared/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { asCountermandError, ERROR_TABLE } from '../../src/core/errors.ts';
import { sleep } from '../../src/core/signals.ts';
import type { Node } from '../../src/gen/countermand/v1/node.ts';
import {
  AbortOutcome,
  PowerState,
  PowerTarget,
  type PowerTask,
  PowerTaskState,
} from '../../src/gen/countermand/v1/power.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import type { Stage } from './stage.ts';
import { expect, untilConfirming, untilNode } from './waiting.ts';

/** All that the story is told with. */
export interface Props {
  readonly stage: Stage;
  /** For the data. */
  readonly conductor: Client;
  /** The BMC of each node, by the node's name. */
  readonly bmcs: Readonly<Record<NodeName, IpmiSim>>;
}

/** The nodes of the story. */
export type NodeName = 'r7n1' | 'r7n2' | 'r7n3';

/** Where the agent finds the password of the BMCs: in its environment. */
export const PASSWORD_VARIABLE = 'COUNTERMAND_SECRET_BMC';

/** How long the viewer looks at an order that hangs. */
const WATCHED_FOR_MS = 2000;

/** Tells the story. @throws an Error with one sentence that says what did not happen; the reason of the abort */
export async function tellStory(props: Props, signal: AbortSignal): Promise<void> {
  await enrolNodes(props, signal);
  await completeSoftly(props, signal);
  const task = await abortWhatHangs(props, signal);
  await recordLateChange(task, props, signal);
}

async function enrolNodes({ stage, conductor, bmcs }: Props, signal: AbortSignal): Promise<void> {
  stage.heading('1. Three nodes are enrolled');
  const [first = '', ...others] = Object.entries(bmcs).map(([name, bmc]) => createCommand(name, bmc));
  const codes = [await stage.run(first, signal)];
  for (const other of others) codes.push(await stage.runUnseen(other, signal));
  expect(
    codes.every((code) => code === 0),
    'a node was not enrolled',
  );
  for (const name of Object.keys(bmcs))
    await untilNode(name, ({ powerState }) => powerState === PowerState.ON, 'the first reading', conductor, signal);
  stage.say('The same for r7n2 and r7n3. Each BMC is asked at once what its node is.');
  await stage.run('countermand node list', signal);
}

/** The driver_info of a node with this BMC. */
export function infoOf({ address, port, username }: IpmiSim): Record<string, string> {
  return {
    ipmi_address: address,
    ipmi_port: String(port),
    ipmi_username: username,
    ipmi_password: `env:${PASSWORD_VARIABLE}`,
  };
}

function createCommand(name: string, bmc: IpmiSim): string {
  const pairs = Object.entries(infoOf(bmc)).map(([key, value]) => `${key}=${value}`);
  return `countermand node create ${name} --driver ipmi --info ${pairs.join(' ')}`;
}

async function completeSoftly({ stage, conductor, bmcs }: Props, signal: AbortSignal): Promise<void> {
  stage.heading('2. A soft power off that completes: the operating system of r7n1 needs 2 s');
  const code = await stage.run('countermand node power r7n1 soft_off', signal);
  const { tasks } = await conductor.power.listPowerTasks({ node: 'r7n1' });
  expect(code === 0 && tasks[0]?.state === PowerTaskState.SUCCEEDED, 'the soft power off of r7n1 did not succeed');
  expect((await bmcs.r7n1.power()) === 'power off', 'r7n1 is not off, though its soft power off succeeded');
}

async function abortWhatHangs({ stage, conductor }: Props, signal: AbortSignal): Promise<PowerTask> {
  stage.heading('3. One that hangs: watched, and aborted');
  const watching = stage.begin('countermand node power r7n2 soft_off', signal);
  const isHeld = ({ heldBy }: Node): boolean => heldBy !== '';
  const { heldBy } = await untilNode('r7n2', isHeld, 'the soft power off of r7n2', conductor, signal);
  await untilConfirming(heldBy, conductor, signal);
  await sleep(WATCHED_FOR_MS, systemClock, signal);
  const hanging = await conductor.power.getPowerTask({ task: heldBy });
  expect(hanging.task?.state === PowerTaskState.CONFIRMING, 'the soft power off of r7n2 was to hang, but it ended');

  watching.hold();
  stage.say('It was sent, and nothing happens. In a second terminal, meanwhile:');
  const refused = await stage.run('countermand node power r7n2 off --yes', signal);
  expect(refused === ERROR_TABLE.NODE_HELD.exitCode, 'an order for a node that another one holds was not refused');
  const refusal = await orderOff('r7n2', conductor);
  expect(
    refusal === 'NODE_HELD',
    `an order for a node that another one holds was answered with ${refusal}, not with NODE_HELD`,
  );

  const aborted = await stage.run('countermand node power r7n2 abort_soft_off', signal);
  stage.say('Back in the first terminal:');
  watching.release();
  const watched = await watching.ended;
  const { task } = await conductor.power.getPowerTask({ task: heldBy });
  const outcome = task?.abort?.outcome;
  expect(
    aborted === ERROR_TABLE.ABORT_STOPPED_WAITING.exitCode &&
      outcome === AbortOutcome.STOPPED_WAITING &&
      task?.state === PowerTaskState.ABORTED,
    'the soft power off of r7n2 was not aborted with outcome STOPPED_WAITING',
  );
  expect(watched === ERROR_TABLE.TASK_ABORTED.exitCode, 'those who watched were not told that it was aborted');
  await stage.run('countermand node why r7n2 | head -4', signal);
  return task;
}

/** Gives a hard order that must be refused, and answers the code of the error. */
async function orderOff(node: string, conductor: Client): Promise<string> {
  try {
    for await (const { task } of conductor.power.setPowerState({ node, target: PowerTarget.OFF }))
      return `power task ${task?.uuid}`;
    return 'nothing';
  } catch (error) {
    return asCountermandError(error).code;
  }
}

async function recordLateChange(aborted: PowerTask, { stage, conductor, bmcs }: Props, signal: AbortSignal) {
  stage.heading('4. The operating system of r7n2 gives in after all: recorded, and not reversed');
  await bmcs.r7n2.setPower('power off');
  const isOff = ({ powerState }: Node): boolean => powerState === PowerState.OFF;
  const seen = await untilNode('r7n2', isOff, 'the late change of r7n2', conductor, signal);
  const sequence = await findLateChange(aborted.uuid, conductor);
  expect(sequence !== null, 'r7n2 is off, but no event says that this is the late end of the aborted order');
  await stage.run(`countermand events --from ${sequence}`, signal);

  // Whoever would power it on again would do so by the next reading.
  let readAt = seen.powerStateReadAt;
  for (let reading = 0; reading < 2; reading += 1)
    readAt = (await untilNode('r7n2', isReadAfter(readAt), 'the next reading', conductor, signal)).powerStateReadAt;
  await stage.run('countermand node list', signal);
  const { nodes } = await conductor.nodes.listNodes({});
  const states = Object.fromEntries(nodes.map(({ name, powerState }) => [name, powerState]));
  const expected = { r7n1: PowerState.OFF, r7n2: PowerState.OFF, r7n3: PowerState.ON };
  expect(JSON.stringify(states) === JSON.stringify(expected), 'the nodes are not off, off and on at the end');
  const { tasks } = await conductor.power.listPowerTasks({ node: 'r7n2' });
  expect(tasks.length === 2, 'r7n2 was ordered to do more than the soft power off and its abort');
  await showLog(bmcs.r7n2, stage);
}

const isReadAfter =
  (before: Date | undefined) =>
  ({ powerStateReadAt }: Node): boolean =>
    (powerStateReadAt?.getTime() ?? 0) > (before?.getTime() ?? 0);

async function showLog(bmc: IpmiSim, stage: Stage): Promise<void> {
  const received = await bmc.received();
  const read = received.filter((command) => command === 'status').length;
  stage.say(`What the BMC of r7n2 received, by its own log: soft once, status ${read} times; never on, off or reset.`);
  const others = received.filter((command) => command !== 'status');
  expect(others.join() === 'soft', `the BMC of r7n2 received more than one soft power off: ${others.join(', ')}`);
}

/** The number of the event that records the late end of a task; null if there is none. */
async function findLateChange(taskUuid: string, { notifications }: Client): Promise<bigint | null> {
  const eventTypes = ['baremetal.node.power_state_corrected.success'];
  const request = { fromSequence: 1n, eventTypes, stopAtPresent: true };
  for await (const { event } of notifications.subscribe(request))
    if (event?.payload?.['ironic_object.data']?.late_change_of === taskUuid) return event.sequence;
  return null;
}
