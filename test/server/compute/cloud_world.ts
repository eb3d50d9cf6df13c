/** A world with a pretended cloud beside it: nodes n1, n2, ... are its hosts cmp1, cmp2, ... */
import type { ExecutionContext } from 'ava';
import type { HttpRequest, Transport } from '../../../src/compute/transport.ts';
import { listActions } from '../../../src/server/store/actions.ts';
import type { ActionRow } from '../../../src/server/store/plan_rows.ts';
import type { ComputeTimes } from '../../../src/sim/compute/faults.ts';
import type { SimInstance } from '../../../src/sim/compute/model.ts';
import { cloudsOf, openSimCloud } from '../../counterparts/sim_cloud.ts';
import { seededChance } from '../../world/chance.ts';
import type { CloudsFor } from '../../world/conductors.ts';
import type { WorldSettings } from '../../world/settings.ts';
import { World } from '../../world/world.ts';
import { make, standing, wanted } from '../plan_making.ts';

type Sim = ReturnType<typeof openSimCloud>;

/** The two together. */
export interface CloudWorld {
  readonly world: World;
  readonly sim: Sim;
  /** Called with each request of a conductor: just before it arrives, and just before its answer does. It waits for the first. */
  readonly hooks: { before: (request: HttpRequest) => void | Promise<void>; after: (request: HttpRequest) => void };
  /** A running instance on a host. */
  vm(name: string, host: string, vmState?: SimInstance['vmState']): SimInstance;
  /** Kills the conductor and starts another. */
  restart(): Promise<void>;
}

/** How long an operating system takes to stop; a node's answers in the same time. */
const OFF_MS = 5000;
const BOOT_MS = 30_000;

/** Opens a world with this number of hosts. */
export async function openCloudWorld(
  t: ExecutionContext,
  hosts = 2,
  times: Partial<ComputeTimes> = {},
  settings: WorldSettings = {},
): Promise<CloudWorld> {
  let made: Sim | null = null;
  const hooks: CloudWorld['hooks'] = { before: () => {}, after: () => {} };
  const names = Array.from({ length: hosts }, (_, index) => `cmp${index + 1}`);
  const cloudsFor: CloudsFor = (process, own, clock) => {
    made ??= openSimCloud({ clock, chance: seededChance(7) }, names, times);
    const sim = made;
    const must = (): void => {
      if (!process.alive) throw new Error('this process is dead');
    };
    const transport: Transport = async (request, signal) => {
      must();
      const waits = hooks.before(request);
      if (waits) await waits;
      must();
      const answer = await sim.transport(request, signal);
      hooks.after(request);
      must();
      return answer;
    };
    return cloudsOf(transport, own);
  };
  const world = await World.open(t, { ...settings, cloudsFor });
  await world.startAgent('a1');
  for (const [index, host] of names.entries())
    await world.enrol(`n${index + 1}`, { fake_soft_ms: String(OFF_MS) }, { compute_host: host });
  const sim = made as unknown as Sim;
  // A nova-compute ends with its node, and starts a while after it.
  world.onReceived = ({ address, target }) => {
    const host = address.replace('n', 'cmp');
    if (target === 'power on') world.clock.after(BOOT_MS, () => sim.cloud.restartHost(host));
    else if (target.includes('off')) world.clock.after(OFF_MS, () => sim.cloud.killHost(host));
  };
  return {
    world,
    sim,
    hooks,
    vm: (name, host, vmState) => sim.cloud.addInstance(name, host, vmState),
    async restart() {
      await world.killConductor();
      await world.startConductor();
    },
  };
}

/** A plan of one action, started. */
export async function startOne(
  { world }: CloudWorld,
  actionType: string,
  inputParameters: Record<string, unknown>,
): Promise<void> {
  await make(world, 'p', [wanted('it', actionType, { resource_id: 'n1', ...inputParameters })]);
  await world.conductor.plans.start('p', false);
}

/** The only action of that plan, or the action of this name of another. */
export async function actionOf({ world }: CloudWorld, plan = 'p', name = 'it'): Promise<ActionRow> {
  const { plan: row } = await standing(world, plan);
  const actions = await listActions(row.uuid, -1, 10_000, world.database.read);
  return actions.find((each) => each.name === name) as ActionRow;
}

/** An action as its state and the first words of its outcome. */
export async function cameTo(at: CloudWorld, plan?: string, name?: string): Promise<string> {
  const { state, statusMessage } = await actionOf(at, plan, name);
  return `${state} ${statusMessage}`;
}

/** How many orders of a kind have arrived. */
export const arrived = ({ sim }: CloudWorld, kind: string): number =>
  sim.cloud.arrived.filter((each) => each.kind === kind).length;
