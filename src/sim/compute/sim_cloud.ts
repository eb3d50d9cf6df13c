/** A pretended cloud: hosts, instances, and what orders do to them. It is held to what a real compute service was seen to do. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import { type ComputeTimes, HEALTHY_INSTANCE, type InstanceFaults, USUAL_TIMES } from './faults.ts';
import type { SimAction, SimComputeHost, SimInstance, SimMigration } from './model.ts';

/** What a pretended cloud is made from. */
interface SimCloudParts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly times?: Partial<ComputeTimes>;
}

/** An order as it arrived: what tests count. */
interface ArrivedOrder {
  readonly kind: string;
  readonly instance: string;
  readonly host: string | null;
  readonly globalRequestId: string | null;
}

/** An order, as the action that it makes. */
interface NewAction {
  readonly action: string;
  /** Of the answer. */
  readonly requestId: string;
  readonly host: string | null;
  readonly globalRequestId: string | null;
}

/** Between two reports of a nova-compute. */
const REPORT_MS = 10_000;

const NO_VALID_HOST = 'No valid host was found. There are not enough hosts available.';

/** One cloud. Its clock goes on whoever looks. */
export class SimCloud {
  readonly clock: Clock;
  readonly times: ComputeTimes;
  readonly hosts = new Map<string, SimComputeHost>();
  readonly instances = new Map<string, SimInstance>();
  /** The newest last. */
  readonly migrations: SimMigration[] = [];
  /** Every order that arrived, whatever became of it. */
  readonly arrived: ArrivedOrder[] = [];
  /** Faults of single instances, by uuid. */
  readonly faults = new Map<string, Partial<InstanceFaults>>();
  /** Called when a nova-compute starts: what it left is tidied up by whoever runs it. */
  readonly restarts = new Set<(host: SimComputeHost) => void>();
  readonly #chance: Chance;

  constructor({ clock, chance, times }: SimCloudParts) {
    this.clock = clock;
    this.#chance = chance;
    this.times = { ...USUAL_TIMES, ...times };
  }

  addHost(name: string, capacity = 1000): SimComputeHost {
    const host: SimComputeHost = {
      name,
      serviceUuid: this.#chance.uuid(),
      status: 'enabled',
      reason: null,
      forcedDown: false,
      alive: true,
      diedAt: 0,
      evacuated: false,
      capacity,
    };
    this.hosts.set(name, host);
    return host;
  }

  addInstance(name: string, host: string, vmState: SimInstance['vmState'] = 'active'): SimInstance {
    const instance: SimInstance = {
      uuid: this.#chance.uuid(),
      name,
      host,
      vmState,
      taskState: null,
      fault: null,
      before: vmState === 'stopped' ? 'stopped' : 'active',
      actions: [],
      group: null,
    };
    this.instances.set(instance.uuid, instance);
    return instance;
  }

  newRequestId(): string {
    return `req-${this.#chance.uuid()}`;
  }

  faultsOf({ uuid }: SimInstance): InstanceFaults {
    return { ...HEALTHY_INSTANCE, ...this.faults.get(uuid) };
  }

  /** As the service computes it: silence counts only after a while. */
  stateOf({ forcedDown, alive, diedAt }: SimComputeHost): 'up' | 'down' {
    const silent = !alive && this.clock.monotonic() - diedAt >= this.times.downAfterMs;
    return forcedDown || silent ? 'down' : 'up';
  }

  /** When it last reported, as the service writes it; each ten seconds while it runs. */
  reportedAt({ alive, diedAt }: SimComputeHost): string {
    const sinceMs = alive ? 0 : this.clock.monotonic() - diedAt;
    const at = this.clock.now() - sinceMs;
    return new Date(at - (at % REPORT_MS)).toISOString();
  }

  /** The process of a nova-compute ends. What it was doing stands still. */
  killHost(name: string): void {
    const host = this.#host(name);
    host.alive = false;
    host.diedAt = this.clock.monotonic();
  }

  /** It starts again: live migrations from it that stood still end in error, and evacuated instances are forgotten. */
  restartHost(name: string): void {
    const host = this.#host(name);
    host.alive = true;
    host.evacuated = false;
    for (const tidy of this.restarts) tidy(host);
    for (const migration of this.migrations)
      if (migration.type === 'evacuation' && migration.source === name && migration.status === 'done')
        migration.status = 'completed';
  }

  #host(name: string): SimComputeHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** Notes an order, and the action that it makes. */
  begin(instance: SimInstance, { action, host, requestId, globalRequestId }: NewAction): SimAction {
    this.arrived.push({ kind: action, instance: instance.uuid, host, globalRequestId });
    const entry: SimAction = { action, requestId, message: null, events: [] };
    instance.actions.push(entry);
    return entry;
  }

  newMigration(type: SimMigration['type'], instance: SimInstance, status: string): SimMigration {
    const migration: SimMigration = {
      id: this.migrations.length + 1,
      uuid: this.#chance.uuid(),
      type,
      instance: instance.uuid,
      source: instance.host,
      dest: null,
      status,
    };
    this.migrations.push(migration);
    return migration;
  }

  /** The host that an instance goes to; null if there is none. @param wanted null for whatever the scheduler chooses */
  schedule(instance: SimInstance, wanted: string | null): string | null {
    const fits = [...this.hosts.values()].filter((host) => this.#fits(instance, host));
    if (wanted !== null) return fits.some(({ name }) => name === wanted) ? wanted : null;
    const count = (host: SimComputeHost): number => this.on(host.name).length;
    const [best] = fits.sort((one, other) => count(one) - count(other) || (one.name < other.name ? -1 : 1));
    return best?.name ?? null;
  }

  #fits(instance: SimInstance, host: SimComputeHost): boolean {
    const there = this.on(host.name);
    const isNeighbour = there.some(({ group }) => group !== null && group === instance.group);
    const isOpen = host.status === 'enabled' && this.stateOf(host) === 'up';
    return isOpen && host.name !== instance.host && there.length < host.capacity && !isNeighbour;
  }

  /** The instances on a host. */
  on(host: string): SimInstance[] {
    return [...this.instances.values()].filter((each) => each.host === host);
  }

  /** The newest migration of an instance. */
  newestOf({ uuid }: SimInstance): SimMigration | null {
    return this.migrations.findLast(({ instance }) => instance === uuid) ?? null;
  }
}

/** Says of an action that it failed. */
export function failAction(action: SimAction, event: string, details: string | null = NO_VALID_HOST): void {
  action.message = 'Error';
  action.events.push({ event, result: 'Error', details });
}
