/** The fifth scene: an action plan over a rack, cancelled half way, and the outcome of each of its actions. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../src/cli/shared/connection.ts';
import { ERROR_TABLE } from '../../src/core/errors.ts';
import { type Action, ActionState } from '../../src/gen/countermand/v1/action_plan.ts';
import type { ChassisFaults } from '../../src/sim/chassis.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import type { Stage } from './stage.ts';
import { infoOf } from './story.ts';
import { expect, untilConfirming, untilEvent, untilNode, untilPlan } from './waiting.ts';

/** The nodes of the rack. */
export type RackNode = 'r8n1' | 'r8n2' | 'r8n3' | 'r8n4' | 'r8n5' | 'r8n6';

/** How the operating system of each takes a soft power off. */
export const RACK: Readonly<Record<RackNode, Partial<ChassisFaults>>> = {
  r8n1: { softOffDelayS: 1 },
  r8n2: { softOffDelayS: 1 },
  r8n3: { softOffDelayS: 'never' },
  r8n4: { softOffDelayS: 'never' },
  r8n5: { softOffDelayS: 'never' },
  r8n6: {},
};
const NAMES = Object.keys(RACK) as RackNode[];
const DONE: readonly RackNode[] = ['r8n1', 'r8n2'];
const HANGING: readonly RackNode[] = ['r8n3', 'r8n4', 'r8n5'];

/** What the scene is played with. */
export interface RackProps {
  readonly stage: Stage;
  /** For the data. */
  readonly conductor: Client;
  readonly rack: Readonly<Record<RackNode, IpmiSim>>;
  /** Where the commands run. */
  readonly folder: string;
}

const PLAN = `name: rack 8 down
max_parallel: 3
actions:
${NAMES.map(
  (node) => `  - name: ${node}
    action_type: change_node_power_state
    input_parameters: {resource_id: ${node}, state: soft power off}
`,
).join('')}  - name: lights out
    action_type: nop
    parents: [${NAMES.join(', ')}]
`;

/** Plays the scene. @throws an Error with one sentence that says what did not happen; the reason of the abort */
export async function cancelRack(props: RackProps, signal: AbortSignal): Promise<void> {
  const { stage, conductor, folder } = props;
  await enrolRack(props, signal);
  await writeFile(join(folder, 'rack8.yaml'), PLAN);
  stage.heading('5. A plan over a rack of six, cancelled half way');
  await stage.run('head -9 rack8.yaml', signal);
  stage.say('And so on, to r8n6; then `lights out`, with all of them as its parents. At most three run at once.');
  const watching = stage.begin('countermand plan create rack8.yaml --start --yes', signal);
  await untilHalfWay(conductor, signal);

  watching.hold();
  stage.say('It is the wrong rack. In a second terminal:');
  const cancelled = await stage.run("countermand plan cancel 'rack 8 down' --reason 'wrong rack' --no-wait", signal);
  expect(cancelled === 0, 'the plan could not be cancelled');
  stage.say('Back in the first terminal:');
  watching.release();
  const code = await watching.ended;
  expect(code === ERROR_TABLE.ACTION_PLAN_CANCELLED.exitCode, 'those who watched were not told that it was cancelled');
  await stage.run("countermand plan show 'rack 8 down' | tail -8", signal);
  await checkEnds(props, signal);
}

async function enrolRack({ conductor, rack }: RackProps, signal: AbortSignal): Promise<void> {
  const enrol = async (name: RackNode): Promise<void> => {
    await conductor.nodes.createNode({ name, driver: 'ipmi', driverInfo: infoOf(rack[name]) });
    await untilNode(
      name,
      ({ powerStateReadAt }) => powerStateReadAt !== undefined,
      'its first reading',
      conductor,
      signal,
    );
  };
  await Promise.all(NAMES.map(enrol));
}

/** Two are off, and three have been ordered to go and hang. */
async function untilHalfWay(conductor: Client, signal: AbortSignal): Promise<void> {
  const isHalfWay = (_: unknown, actions: ReadonlyMap<string, Action>): boolean =>
    DONE.every((name) => actions.get(name)?.state === ActionState.SUCCEEDED) &&
    HANGING.every((name) => actions.get(name)?.state === ActionState.ONGOING);
  await untilEvent('action_plan.create', conductor, signal);
  await untilPlan('rack 8 down', isHalfWay, 'half of the rack being off', conductor, signal);
  for (const name of HANGING) {
    const { heldBy } = await untilNode(name, (node) => node.heldBy !== '', `the order for ${name}`, conductor, signal);
    await untilConfirming(heldBy, conductor, signal);
  }
}

async function checkEnds({ stage, conductor, rack }: RackProps, signal: AbortSignal): Promise<void> {
  const actions = await untilPlan('rack 8 down', (plan) => plan.endedAt !== undefined, 'its end', conductor, signal);
  const endOf = (name: string): string => {
    const action = actions.get(name);
    const began = action?.startedAt === undefined ? 'never begun' : String(action.result?.abort_outcome ?? 'done');
    return `${action?.state} ${began}`;
  };
  const { SUCCEEDED, CANCELLED } = ActionState;
  for (const name of DONE) expect(endOf(name) === `${SUCCEEDED} done`, `${name} was not left alone by the cancel`);
  for (const name of HANGING)
    expect(endOf(name) === `${CANCELLED} STOPPED_WAITING`, `the soft power off of ${name} was not aborted`);
  for (const name of ['r8n6', 'lights out'])
    expect(endOf(name) === `${CANCELLED} never begun`, `'${name}' was not cancelled before it began`);
  const received = await rack.r8n6.received();
  expect(!received.some((command) => command !== 'status'), 'r8n6 was ordered to do something after all');
  stage.say(
    'The BMC of r8n6 has received no order, by its own log. The other three may still go down: that is watched.',
  );
}
