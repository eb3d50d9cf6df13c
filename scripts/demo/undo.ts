/** The sixth scene: a plan that has done what it should is rolled back, each node to what it was. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Conductor } from '../../src/cli/connection.ts';
import { PowerState } from '../../src/gen/countermand/v1/power.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import type { Stage } from './stage.ts';
import type { NodeName } from './story.ts';
import { expect } from './waiting.ts';

/** What the scene is played with. */
export interface UndoProps {
  readonly stage: Stage;
  /** For the data. */
  readonly conductor: Conductor;
  /** The BMC of each node, by the node's name. */
  readonly bmcs: Readonly<Record<NodeName, IpmiSim>>;
  /** Where the commands run. */
  readonly folder: string;
}

const NAMES: readonly NodeName[] = ['r7n1', 'r7n2', 'r7n3'];
/** This one is off before, and nobody is to wake it. */
const OFF_BEFORE: NodeName = 'r7n2';

const PLAN = `name: rack 7 service
actions:
${NAMES.map(
  (node) => `  - name: drain ${node}
    action_type: set_node_maintenance
    input_parameters: {resource_id: ${node}, maintenance: true, reason: rack work}
  - name: ${node}
    action_type: change_node_power_state
    input_parameters: {resource_id: ${node}, state: soft power off}
    parents: [drain ${node}]
`,
).join('')}`;

/** Plays the scene. @throws an Error with one sentence that says what did not happen; the reason of the abort */
export async function undoService(props: UndoProps, signal: AbortSignal): Promise<void> {
  const { stage, conductor, bmcs, folder } = props;
  stage.heading('6. A plan that is done is rolled back: each node to what it was');
  await writeFile(join(folder, 'rack7.yaml'), PLAN);
  const on = await stage.run('countermand node power r7n1 on', signal);
  expect(on === 0, 'r7n1 could not be powered on');
  stage.say('Now r7n1 and r7n3 are on, and r7n2 is off. Rack 7 is taken out of service: maintenance, then off.');
  await stage.run('head -9 rack7.yaml', signal);
  const ordersBefore = await ordersTo(bmcs[OFF_BEFORE]);
  const done = await stage.run('countermand plan create rack7.yaml --start', signal);
  expect(done === 0, 'rack 7 was not taken out of service');
  await expectNodes({ r7n1: 'off', r7n2: 'off', r7n3: 'off' }, true, conductor);

  stage.say('The work is put off. What would a rollback do?');
  const previewed = await stage.run("countermand plan rollback 'rack 7 service' --preview", signal);
  expect(previewed === 0, 'the rollback could not be previewed');
  const undone = await stage.run("countermand plan rollback 'rack 7 service'", signal);
  expect(undone === 0, 'the plan was not rolled back');
  await stage.run('countermand node list | head -4', signal);
  await expectNodes({ r7n1: 'on', r7n2: 'off', r7n3: 'on' }, false, conductor);
  const orders = await ordersTo(bmcs[OFF_BEFORE]);
  expect(orders === ordersBefore, 'r7n2 was off before, and was ordered to do something all the same');
  stage.say('r7n2 had been off before, and stays off: neither plan has sent its BMC an order, by its own log.');
}

/** How many orders a BMC has received. */
async function ordersTo(bmc: IpmiSim): Promise<number> {
  return (await bmc.received()).filter((command) => command !== 'status').length;
}

async function expectNodes(
  power: Readonly<Record<NodeName, 'on' | 'off'>>,
  maintenance: boolean,
  { nodes }: Conductor,
): Promise<void> {
  for (const name of NAMES) {
    const { node } = await nodes.getNode({ node: name });
    const isSo = node?.powerState === (power[name] === 'on' ? PowerState.ON : PowerState.OFF);
    expect(isSo, `${name} is not ${power[name]}`);
    expect(node.maintenance === maintenance, `${name} is ${maintenance ? 'not ' : ''}in maintenance`);
  }
}
