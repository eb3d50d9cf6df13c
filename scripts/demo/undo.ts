/** The sixth scene: a rack goes into maintenance, which supersedes another plan, and is rolled back, each node to what it was. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../src/cli/shared/connection.ts';
import { ERROR_TABLE } from '../../src/core/errors.ts';
import { ActionPlanState } from '../../src/gen/countermand/v1/action_plan.ts';
import { PowerState } from '../../src/gen/countermand/v1/power.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import type { Stage } from './stage.ts';
import type { NodeName } from './story.ts';
import { expect } from './waiting.ts';

/** What the scene is played with. */
export interface UndoProps {
  readonly stage: Stage;
  /** For the data. */
  readonly conductor: Client;
  /** The BMC of each node, by the node's name. */
  readonly bmcs: Readonly<Record<NodeName, IpmiSim>>;
  /** Where the commands run. */
  readonly folder: string;
}

const NAMES: readonly NodeName[] = ['r7n1', 'r7n2', 'r7n3'];
/** This one is off before, and must stay off. */
const OFF_BEFORE: NodeName = 'r7n2';

/** The plan that an audit makes bears the name of the audit. */
const SERVICE = 'rack 7 service';
const AUDIT = `countermand audit create --name '${SERVICE}' --strategy host_maintenance --nodes 'r7n[1-3]' --parameter wave_size=2 reason='rack work'`;
/** What a colleague has prepared before. */
const RESTART = 'restart r7n3';
const RESTART_PLAN = `name: ${RESTART}
actions:
  - name: restart
    action_type: change_node_power_state
    input_parameters: {resource_id: r7n3, state: soft rebooting}
`;

/** Plays the scene. @throws an Error with one sentence that says what did not happen; the reason of the abort */
export async function undoService(props: UndoProps, signal: AbortSignal): Promise<void> {
  const { stage, conductor, bmcs } = props;
  stage.heading(
    '6. A rack goes into maintenance; a plan that this makes stale knows it; then each node back to what it was',
  );
  const on = await stage.run('countermand node power r7n1 on', signal);
  expect(on === 0, 'r7n1 could not be powered on');
  stage.say('Now r7n1 and r7n3 are on, and r7n2 is off.');
  const ordersBefore = await ordersTo(bmcs[OFF_BEFORE]);
  await serveRack(props, signal);

  stage.say('The work is put off. What would a rollback do?');
  const previewed = await stage.run(`countermand plan rollback '${SERVICE}' --dry-run`, signal);
  expect(previewed === 0, 'the rollback could not be previewed');
  const undone = await stage.run(`countermand plan rollback '${SERVICE}' --yes`, signal);
  expect(undone === 0, 'the plan was not rolled back');
  await stage.run('countermand node list | head -4', signal);
  await expectNodes({ r7n1: 'on', r7n2: 'off', r7n3: 'on' }, false, conductor);
  const orders = await ordersTo(bmcs[OFF_BEFORE]);
  expect(orders === ordersBefore, 'r7n2 was off before, and was ordered to do something all the same');
  stage.say('r7n2 had been off before, and stays off: neither plan has sent its BMC an order, by its own log.');
}

/** A strategy makes the plan for the rack. As it is launched, another plan about r7n3 is superseded; a client watches that. */
async function serveRack({ stage, conductor, folder }: UndoProps, signal: AbortSignal): Promise<void> {
  await writeFile(join(folder, 'restart.yaml'), RESTART_PLAN);
  stage.say('A colleague has prepared something for later, and watches it in a second terminal:');
  const prepared = await stage.run('countermand plan create restart.yaml', signal);
  expect(prepared === 0, `'${RESTART}' was not made`);
  const watching = stage.begin(`countermand plan watch '${RESTART}'`, signal);
  await watching.spoke;
  watching.hold();

  stage.say('Rack 7 is taken out of service: maintenance, then off, two nodes at a time. A strategy writes the plan:');
  const made = await stage.run(AUDIT, signal);
  expect(made === 0, `no plan '${SERVICE}' was made`);
  const done = await stage.run(`countermand plan start '${SERVICE}' --yes`, signal);
  expect(done === 0, 'rack 7 was not taken out of service');
  await expectNodes({ r7n1: 'off', r7n2: 'off', r7n3: 'off' }, true, conductor);

  stage.say('In the second terminal, as that was launched:');
  watching.release();
  await watching.ended;
  const { actionPlan } = await conductor.plans.getActionPlan({ actionPlan: RESTART });
  expect(actionPlan?.state === ActionPlanState.SUPERSEDED, `'${RESTART}' was not superseded`);
  const late = await stage.run(`countermand plan start '${RESTART}' --yes`, signal);
  expect(late === ERROR_TABLE.ACTION_PLAN_STATE.exitCode, `'${RESTART}' is stale, and could be started all the same`);
}

/** How many orders a BMC has received. */
async function ordersTo(bmc: IpmiSim): Promise<number> {
  return (await bmc.received()).filter((command) => command !== 'status').length;
}

async function expectNodes(
  power: Readonly<Record<NodeName, 'on' | 'off'>>,
  maintenance: boolean,
  { nodes }: Client,
): Promise<void> {
  for (const name of NAMES) {
    const { node } = await nodes.getNode({ node: name });
    const isSo = node?.powerState === (power[name] === 'on' ? PowerState.ON : PowerState.OFF);
    expect(isSo, `${name} is not ${power[name]}`);
    expect(node.maintenance === maintenance, `${name} is ${maintenance ? 'not ' : ''}in maintenance`);
  }
}
