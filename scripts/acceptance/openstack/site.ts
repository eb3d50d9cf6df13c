/** The product beside a real Nova: a conductor with its agent, and a node with a simulated BMC for each host. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { driverInfoOf } from '../../../bench/fleet.ts';
import { Conductor } from '../../../bench/postgres/conductors.ts';
import { Persistence } from '../../../bench/postgres/persist.ts';
import type { Client } from '../../../src/cli/shared/connection.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation, sleep } from '../../../src/core/signals.ts';
import {
  type Action,
  ActionPlanState,
  actionPlanStateToJSON,
  actionStateToJSON,
} from '../../../src/gen/countermand/v1/action_plan.ts';
import { AuditType } from '../../../src/gen/countermand/v1/audit.ts';
import { PowerState } from '../../../src/gen/countermand/v1/power.ts';
import { type IpmiSim, startIpmiSim } from '../../../src/sim/ipmi_sim.ts';
import { ownAddress, takePort } from '../../../src/sim/loopback.ts';
import { CREDENTIAL, USERS } from '../nova/beside.ts';
import type { Nova } from '../nova/nova.ts';

const LOOK_MS = 300;
/** How long an operating system takes to stop, and a host from its power on to the start of its nova-compute. */
const SOFT_OFF_S = 1;
const BOOT_MS = 2000;
/** After a cancel an action that cannot be aborted is waited for at most this long. */
export const CANCEL_DEADLINE_S = 40;

/** One action of a plan: name, type, parameters without the node. */
export interface Wanted {
  readonly name?: string;
  readonly type: string;
  readonly parameters?: Record<string, unknown>;
  /** n1 if not said. */
  readonly node?: string;
}

/** What became of an action: its state, and what it says. */
export type Came = Pick<Action, 'name' | 'statusMessage' | 'errorCode' | 'errorMessage' | 'result' | 'actionType'> & {
  readonly state: string;
};

/** What became of a plan. */
export interface End {
  readonly uuid: string;
  readonly state: string;
  readonly message: string;
  readonly rolledBackBy: string;
  readonly actions: readonly Came[];
}

const AT_REST: readonly ActionPlanState[] = [
  ActionPlanState.SUCCEEDED,
  ActionPlanState.FAILED,
  ActionPlanState.CANCELLED,
  ActionPlanState.SUPERSEDED,
];

/** Starts the conductor of a site; it is ended by `after`. */
export async function startConductor(
  folder: string,
  clouds: object,
  after: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Conductor> {
  const data = join(folder, 'conductor');
  await mkdir(data, { mode: 0o700 });
  const cloudsFile = join(folder, 'clouds.yaml');
  // JSON is YAML.
  await writeFile(cloudsFile, JSON.stringify({ clouds }));
  const address = `${ownAddress()}:${await takePort(ownAddress())}`;
  const conductor = new Conductor(address, [
    ...['serve', '--listen', address, '--http-listen', 'none', '--data', data, '--clouds-file', cloudsFile],
    ...[
      '--cancel-deadline',
      String(CANCEL_DEADLINE_S),
      '--window-read-interval',
      '1',
      '--sync-power-state-interval',
      '5',
    ],
    ...['--confirm-above', '1000', '--recall-confirm', '2', '--log-level', 'info'],
  ]);
  conductor.start();
  after.defer(() => conductor.kill());
  await conductor.untilItLeads(signal);
  return conductor;
}

/** The clouds of the conductor: one that works, and one for each thing that can be wrong with one. */
export function cloudsOf({ beside, broker }: Nova): object {
  const keystone = `${beside.url}/identity/v3`;
  const auth = { auth_url: keystone, username: 'countermand', password: USERS.countermand, project_name: 'service' };
  // Only the cloud that works is looked at by itself: a login that is refused is one of a check.
  const region = { region_name: 'RegionOne', poll_interval: 0 };
  const { id, secret } = CREDENTIAL;
  const credential = { auth_url: keystone, application_credential_id: id, application_credential_secret: secret };
  const notifications = { url: `amqp://guest@${broker.host}:${broker.port}/`, password: 'guest' };
  return {
    default: { auth, ...region, notifications, poll_interval: 5 },
    credential: { auth_type: 'v3applicationcredential', auth: credential, ...region },
    wrong_password: { auth: { ...auth, username: 'nova', password: 'wrong' }, ...region },
    member: { auth: { ...auth, username: 'member', password: USERS.member }, ...region },
    nowhere: { auth: { ...auth, auth_url: `http://${broker.host}:1/v3` }, ...region },
    wrong_url: { auth, ...region, compute_endpoint_override: keystone.replace('/identity/v3', '/network') },
    wrong_region: { auth, ...region, region_name: 'RegionTwo' },
    old: { auth: { ...auth, username: 'admin', password: USERS.admin }, ...region },
  };
}

/** What the checks have in hand. */
export class Site {
  readonly nova: Nova;
  readonly conductor: Conductor;
  readonly client: Client;
  readonly hosts: readonly string[];
  readonly bmcs: ReadonlyMap<string, IpmiSim>;
  /** Hosts whose nova-compute stays down, whatever the power of its node. */
  readonly keptDown = new Set<string>();
  readonly signal: AbortSignal;
  readonly #persistence: Persistence;
  #plans = 0;

  constructor(parts: Pick<Site, 'nova' | 'conductor' | 'client' | 'hosts' | 'bmcs'>, signal: AbortSignal) {
    this.nova = parts.nova;
    this.conductor = parts.conductor;
    this.client = parts.client;
    this.hosts = parts.hosts;
    this.bmcs = parts.bmcs;
    this.signal = signal;
    this.#persistence = new Persistence(signal);
  }

  /** A call that is made again while the conductor is away. */
  call<T>(call: () => Promise<T>): Promise<T> {
    return this.#persistence.until(call);
  }

  /** Makes a plan, and does not start it. */
  make(...wanted: readonly Wanted[]): Promise<string> {
    return this.#create(wanted, {});
  }

  /** Makes and starts a plan. */
  start(...wanted: readonly Wanted[]): Promise<string> {
    return this.#create(wanted, { start: true });
  }

  /** Makes a plan that waits behind the plans that are in its way. */
  queue(...wanted: readonly Wanted[]): Promise<string> {
    return this.#create(wanted, { start: true, queue: true });
  }

  /** Its actions run one after the other. */
  async #create(
    wanted: readonly Wanted[],
    how: { readonly start?: boolean; readonly queue?: boolean },
  ): Promise<string> {
    this.#plans += 1;
    const names = wanted.map((each, at) => each.name ?? `${at + 1}`);
    const actions = wanted.map(({ type, parameters, node = 'n1' }, at) => ({
      name: names[at],
      actionType: type,
      inputParameters: { resource_id: node, ...parameters },
      parents: at === 0 ? [] : [names[at - 1] as string],
    }));
    const request = { name: `acceptance ${this.#plans}`, requestId: randomUUID(), actions, ...how };
    const { actionPlan } = await this.call(() => this.client.plans.createActionPlan(request));
    return actionPlan?.uuid ?? '';
  }

  /** The outcome of a plan of these actions. */
  async run(...wanted: readonly Wanted[]): Promise<End> {
    return this.end(await this.start(...wanted));
  }

  /** Resolves when a plan is at rest. */
  async end(actionPlan: string, limitMs = 600_000): Promise<End> {
    const limit = { clock: systemClock, afterMs: limitMs, what: `plan ${actionPlan}` };
    const cancellation = openCancellation([this.signal], limit);
    try {
      for (;;) {
        const seen = await this.look(actionPlan);
        if (seen !== null) return seen;
        await sleep(LOOK_MS, systemClock, cancellation.signal);
      }
    } finally {
      cancellation.end();
    }
  }

  /** What became of a plan; null while it is not at rest. */
  async look(actionPlan: string): Promise<End | null> {
    const { actionPlan: plan } = await this.call(() => this.client.plans.getActionPlan({ actionPlan, pageSize: 1000 }));
    if (plan === undefined || !AT_REST.includes(plan.state)) return null;
    return {
      uuid: plan.uuid,
      state: actionPlanStateToJSON(plan.state).replace('ACTION_PLAN_STATE_', ''),
      message: plan.statusMessage || plan.errorMessage,
      rolledBackBy: plan.rolledBackBy,
      actions: (await this.actions(actionPlan)) as Came[],
    };
  }

  /** The actions of a plan, now. */
  async actions(actionPlan: string): Promise<readonly Came[]> {
    const found = await this.call(() => this.client.plans.getActionPlan({ actionPlan, pageSize: 1000 }));
    return found.actions.map((action) => ({
      ...{ name: action.name, actionType: action.actionType, result: action.result },
      ...{ statusMessage: action.statusMessage, errorCode: action.errorCode, errorMessage: action.errorMessage },
      state: actionStateToJSON(action.state).replace('ACTION_STATE_', ''),
    }));
  }

  /** Cancels a plan; with `rollback`, what it did is undone by a plan of its own. */
  async cancel(actionPlan: string, rollback = false): Promise<void> {
    await this.call(() => this.client.plans.orderCancel({ actionPlan, reason: 'acceptance', rollback }));
  }

  /** Orders the rollback of a plan. @returns the uuid of the plan that undoes it */
  async orderRollback(actionPlan: string, skipIrreversible = false): Promise<string> {
    const request = { actionPlan, requestId: randomUUID(), skipIrreversible };
    const { actionPlan: plan } = await this.call(() => this.client.plans.orderRollback(request));
    return plan?.uuid ?? '';
  }

  /** The outcome of the rollback of a plan. */
  async rollBack(actionPlan: string, skipIrreversible = false): Promise<End> {
    return this.end(await this.orderRollback(actionPlan, skipIrreversible));
  }

  /** The time between two looks. */
  pause(): Promise<void> {
    return sleep(LOOK_MS, systemClock, this.signal);
  }

  /** Makes an audit of nodes. @returns the uuid of its plan @throws why there is none */
  async audit(strategy: string, nodes: string, parameters: Record<string, unknown> = {}): Promise<string> {
    const request = {
      ...{ name: `acceptance of ${strategy}`, requestId: randomUUID(), strategy, parameters },
      ...{ auditType: AuditType.ONESHOT, scope: [{ baremetal: [{ nodes: [nodes] }] }], maxParallel: 20 },
    };
    const { audit, actionPlan } = await this.client.audits.createAudit(request);
    if (actionPlan === undefined) throw fail('INTERNAL', `no plan was made: ${audit?.statusMessage}`);
    return actionPlan.uuid;
  }

  /** Starts a plan that an audit has made. */
  async launch(actionPlan: string): Promise<void> {
    await this.call(() => this.client.plans.startActionPlan({ actionPlan }));
  }

  /** What the conductor believes of the nodes: power and maintenance. */
  readonly nodes = async (): Promise<Record<string, string>> => {
    const { nodes } = await this.call(() => this.client.nodes.listNodes({ pageSize: 1000 }));
    const power = { [PowerState.ON]: 'on', [PowerState.OFF]: 'off' } as Record<number, string>;
    return Object.fromEntries(
      nodes
        .filter(({ driver }) => driver === 'ipmi')
        .map(({ name, powerState, maintenance }) => [
          name,
          `${power[powerState] ?? '?'}${maintenance ? ', maintenance' : ''}`,
        ]),
    );
  };

  /** Kills the conductor with SIGKILL and starts it again. */
  async restart(): Promise<void> {
    await this.conductor.kill();
    this.conductor.start();
    await this.conductor.untilItLeads(this.signal);
  }
}

/** Starts a BMC for each host, and lets the nova-compute of a host live and die with the power of its node. */
export async function startBmcs(
  hosts: readonly string[],
  folder: string,
  after: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, IpmiSim>> {
  const bmcs = new Map<string, IpmiSim>();
  for (const host of hosts) {
    const bmc = await startIpmiSim(
      { directory: join(folder, `bmc-${host}`), softOffDelayS: SOFT_OFF_S },
      systemClock,
      signal,
    );
    after.defer(() => bmc.stop());
    bmcs.set(host, bmc);
  }
  return bmcs;
}

/** Enrols a node for each host, and nodes without hardware for the clouds with which something is wrong. */
export async function enrol(site: Site, clouds: readonly string[]): Promise<void> {
  const { nodes } = site.client;
  for (const [at, host] of site.hosts.entries()) {
    const name = `n${at + 1}`;
    const bmc = site.bmcs.get(host);
    if (bmc === undefined) continue;
    await nodes.createNode({
      name,
      driver: 'ipmi',
      driverInfo: { ...driverInfoOf(bmc) },
      labels: { compute_host: host, compute_cloud: 'default' },
    });
    for (let reason = 'nothing was asked'; reason !== ''; )
      for await (const answer of nodes.refreshNodes({ nodes: [name] })) reason = answer.reason;
  }
  for (const cloud of clouds.filter((each) => each !== 'default')) {
    const labels = { compute_host: site.hosts[0] as string, compute_cloud: cloud };
    await nodes.createNode({ name: `bad-${cloud}`, driver: 'fake', driverInfo: { fake_address: cloud }, labels });
  }
  const labels = { compute_host: 'no-such-host', compute_cloud: 'default' };
  await nodes.createNode({ name: 'bad-host', driver: 'fake', driverInfo: { fake_address: 'host' }, labels });
}

/** Kills the nova-compute of a host whose node is off, and starts it a while after its node is on, until the abort. */
export async function wireToPower({ nova, hosts, bmcs, keptDown }: Site, signal: AbortSignal): Promise<void> {
  const bootedAt = new Map<string, number>();
  for (;;) {
    for (const host of hosts) {
      const [bmc, compute] = [bmcs.get(host), nova.computes.get(host)];
      if (bmc === undefined || compute === undefined) continue;
      const isOn = (await bmc.power()) === 'power on';
      if (!isOn || keptDown.has(host)) bootedAt.delete(host);
      if (!isOn && compute.runs) await compute.kill();
      if (isOn && !compute.runs && !keptDown.has(host)) {
        const since = bootedAt.get(host) ?? systemClock.monotonic();
        bootedAt.set(host, since);
        if (systemClock.monotonic() - since >= BOOT_MS) await compute.start();
      }
    }
    await sleep(LOOK_MS, systemClock, signal);
  }
}
