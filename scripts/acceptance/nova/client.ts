/** What Nova itself says, asked without any code of the product. Its user is another one than the conductor's. */
import { systemClock } from '../../../src/core/clock.ts';
import { openCancellation, sleep } from '../../../src/core/signals.ts';
import { IMAGE, USERS } from './beside.ts';

/** An instance as Nova shows it, as far as the checks look at it. */
export interface Server {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly host: string | null;
  readonly task: string | null;
}

/** One row of the migrations. */
export interface MigrationRow {
  readonly id: number;
  readonly type: string;
  readonly status: string;
  readonly from: string;
  readonly to: string | null;
}

/** One nova-compute. */
export interface ServiceRow {
  readonly id: string;
  readonly host: string;
  readonly status: string;
  readonly state: string;
  readonly reason: string | null;
  readonly forcedDown: boolean;
  /** Changes with each report. */
  readonly updatedAt: string;
}

/** Ends a hang. */
const LIMIT_MS = 180_000;
const LOOK_MS = 250;
const VERSION = 'compute 2.90';

// biome-ignore lint/suspicious/noExplicitAny: answers of a service in which only what is asked for is looked at
type Json = any;

/** Talks to one Nova. */
export class NovaClient {
  readonly #nova: string;
  readonly #keystone: string;
  readonly #signal: AbortSignal;
  #token: string | null = null;

  constructor(nova: string, keystone: string, signal: AbortSignal) {
    this.#nova = nova;
    this.#keystone = keystone;
    this.#signal = signal;
  }

  async #logIn(): Promise<string> {
    const user = { name: 'admin', password: USERS.admin, domain: { name: 'Default' } };
    const scope = { project: { name: 'service', domain: { name: 'Default' } } };
    const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } });
    const answer = await fetch(`${this.#keystone}/auth/tokens`, { method: 'POST', body, signal: this.#signal });
    this.#token = answer.headers.get('x-subject-token') ?? '';
    return this.#token;
  }

  /** One request. @throws an Error with Nova's words unless its status is below 300 */
  async ask(method: string, path: string, body?: object): Promise<Json> {
    const token = this.#token ?? (await this.#logIn());
    const headers = { 'x-auth-token': token, 'openstack-api-version': VERSION, 'content-type': 'application/json' };
    const init = { method, headers, signal: this.#signal, ...(body && { body: JSON.stringify(body) }) };
    const answer = await fetch(`${this.#nova}${path}`, init);
    const text = await answer.text();
    if (answer.status >= 300) throw new Error(`Nova answers ${answer.status} to ${method} ${path}: ${text}`);
    return text === '' ? {} : JSON.parse(text);
  }

  /** The newest version that it speaks. */
  async version(): Promise<string> {
    return (await this.ask('GET', '/')).version.version;
  }

  /** The flavor that the instances have. */
  async makeFlavor(): Promise<void> {
    await this.ask('POST', '/flavors', { flavor: { name: 'tiny', id: '1', ram: 64, vcpus: 1, disk: 1 } });
  }

  /** Makes instances on a host and resolves when they run. Their names are the prefix and a number. */
  async create(count: number, host: string, prefix: string): Promise<Server[]> {
    const ids: string[] = [];
    for (let at = 1; at <= count; at += 1) {
      const server = { name: `${prefix}${at}`, flavorRef: '1', imageRef: IMAGE, networks: 'none', host };
      ids.push((await this.ask('POST', '/servers', { server })).server.id);
    }
    return Promise.all(ids.map((id) => this.until(id, ({ status }) => status === 'ACTIVE', 'ACTIVE')));
  }

  /** One instance; null if there is none. */
  async server(id: string): Promise<Server | null> {
    const { server } = await this.ask('GET', `/servers/${id}`).catch((thrown: Error) => {
      if (thrown.message.includes('answers 404')) return { server: null };
      throw thrown;
    });
    return server && serverOf(server);
  }

  /** All instances. */
  async servers(): Promise<Server[]> {
    return (await this.ask('GET', '/servers/detail?all_tenants=1')).servers.map(serverOf);
  }

  /** The instances on a host. */
  async serversOn(host: string): Promise<Server[]> {
    return (await this.servers()).filter((each) => each.host === host);
  }

  /** The migrations of an instance, the oldest first. */
  async migrations(instance: string): Promise<MigrationRow[]> {
    const { migrations } = await this.ask('GET', `/os-migrations?instance_uuid=${instance}`);
    const rows = migrations.map((row: Json) => ({
      ...{ id: row.id, type: row.migration_type, status: row.status, from: row.source_compute, to: row.dest_compute },
    }));
    return rows.toSorted((one: MigrationRow, other: MigrationRow) => one.id - other.id);
  }

  /** The orders that an instance was given, the oldest first. */
  async orders(instance: string): Promise<string[]> {
    const { instanceActions } = await this.ask('GET', `/servers/${instance}/os-instance-actions`);
    return instanceActions.map(({ action }: Json) => action).toReversed();
  }

  /** The nova-computes by their hosts. */
  async services(): Promise<ReadonlyMap<string, ServiceRow>> {
    const { services } = await this.ask('GET', '/os-services?binary=nova-compute');
    return new Map(
      services.map((row: Json): [string, ServiceRow] => {
        const {
          id,
          host,
          status,
          state,
          disabled_reason: reason,
          forced_down: forcedDown,
          updated_at: updatedAt,
        } = row;
        return [host, { id, host, status, state, reason, forcedDown, updatedAt }];
      }),
    );
  }

  /** Changes a nova-compute, as an operator does. */
  async setService(host: string, patch: object): Promise<void> {
    const { id } = (await this.services()).get(host) ?? {};
    await this.ask('PUT', `/os-services/${id}`, patch);
  }

  /** Orders something of an instance, as its owner does. */
  async order(id: string, order: object): Promise<void> {
    await this.ask('POST', `/servers/${id}/action`, order);
  }

  /** Deletes instances and resolves when they are gone. */
  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.ask('DELETE', `/servers/${id}`).catch(() => {});
    await this.eventually('the instances to be gone', async () => {
      const left = await this.servers();
      return !left.some(({ id }) => ids.includes(id));
    });
  }

  /** Resolves when an instance is so. @throws an Error that says how it is, after three minutes */
  async until(id: string, so: (server: Server) => boolean, what: string): Promise<Server> {
    let last: Server | null = null;
    await this.eventually(`instance ${id} to be ${what}`, async () => {
      last = await this.server(id);
      if (last?.status === 'ERROR' && what !== 'ERROR') throw new Error(`instance ${id} is in ERROR`);
      return last !== null && so(last);
    });
    return last as unknown as Server;
  }

  /** Resolves when the newest migration of an instance is in one of these states. */
  async untilMigration(id: string, ...statuses: readonly string[]): Promise<MigrationRow> {
    let last: MigrationRow | undefined;
    await this.eventually(`the migration of ${id} to be ${statuses.join(' or ')}`, async () => {
      last = (await this.migrations(id)).at(-1);
      return last !== undefined && statuses.includes(last.status);
    });
    return last as MigrationRow;
  }

  /** Looks until it is so. @throws an Error after three minutes, or after `limitMs` */
  async eventually(what: string, so: () => Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
    const cancellation = openCancellation([this.#signal], {
      clock: systemClock,
      afterMs: limitMs,
      what: `waiting for ${what}`,
    });
    try {
      while (!(await so())) await sleep(LOOK_MS, systemClock, cancellation.signal);
    } finally {
      cancellation.end();
    }
  }
}

const serverOf = (row: Json): Server => ({
  id: row.id,
  name: row.name,
  status: row.status,
  host: row['OS-EXT-SRV-ATTR:host'],
  task: row['OS-EXT-STS:task_state'],
});
