/** The client of a compute service. */
import type * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import { asCountermandError, type CountermandError, fail } from '../core/errors.ts';
import type { Cloud } from './cloud.ts';
import type {
  Clouds,
  Compute,
  ComputeService,
  Instance,
  InstanceAction,
  InstanceMigration,
  InstanceOrder,
  Sent,
  ServicePatch,
} from './compute.ts';
import { garbled, refusal, type Speaker } from './faults.ts';
import { jsonOf } from './login.ts';
import { type Asked, type Came, Session } from './session.ts';
import type { Transport } from './transport.ts';
import { ANSWERS, actionOf, instanceOf, migrationOf, serviceOf, showsHosts } from './wire.ts';

/** How many servers are asked for at once. */
const PAGE = 500;
/** More pages than any host has; a service that never ends its list does not hold us. */
const MOST_PAGES = 100;
/** How many migrations of one instance, or of one host, are looked at. */
const MIGRATIONS_SEEN = 20;
const MIGRATIONS_AT_HOST = 1000;

/** The clouds of a configuration, each with a client of its own. @param transportOf how a cloud is reached */
export function openClouds(clouds: readonly Cloud[], transportOf: (cloud: Cloud) => Transport, clock: Clock): Clouds {
  return cloudsOf(clouds.map((cloud) => new Client(cloud, transportOf(cloud), clock)));
}

function cloudsOf(all: readonly Compute[]): Clouds {
  const names = all.map(({ cloud }) => cloud);
  return {
    names,
    of(name) {
      const found = all.find(({ cloud }) => cloud === name);
      if (found) return found;
      const there = names.length === 0 ? 'the conductor has no clouds_file' : `clouds_file has ${names.join(', ')}`;
      throw fail('CLOUD_UNKNOWN', `there is no cloud '${name}'; ${there}`);
    },
  };
}

/** Of a conductor without a file of clouds. */
export const NO_CLOUDS: Clouds = cloudsOf([]);

/** A client of one cloud. Nothing is sent before it is asked something. */
class Client implements Compute {
  readonly cloud: string;
  readonly #session: Session;

  constructor(cloud: Cloud, transport: Transport, clock: Clock) {
    this.cloud = cloud.name;
    this.#session = new Session(cloud, transport, clock);
  }

  async instancesOn(host: string, signal: AbortSignal): Promise<Instance[]> {
    const found: Instance[] = [];
    let marker = '';
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const path = `/servers/detail?all_tenants=1&host=${encodeURIComponent(host)}&limit=${PAGE}${marker}`;
      const { servers, servers_links: links = [] } = await this.#get(path, ANSWERS.servers, signal);
      if (!servers.every(showsHosts)) throw seesNoHosts(this.cloud);
      found.push(...servers.map(instanceOf));
      // Whoever may not filter by host is answered with the instances of all.
      const other = found.find((each) => each.host !== host);
      if (other) throw this.#garbled(`asked for host ${host}, it names instance ${other.uuid} on ${other.host}`);
      if (servers.length === 0 || !links.some(({ rel }) => rel === 'next')) return found;
      marker = `&marker=${found.at(-1)?.uuid}`;
    }
    throw this.#garbled(`its list of the instances on ${host} does not end`);
  }

  async instance(uuid: string, signal: AbortSignal): Promise<Instance | null> {
    const found = await this.#get(pathOf(uuid), ANSWERS.server, signal).catch(unlessNotFound);
    if (found && !showsHosts(found.server)) throw seesNoHosts(this.cloud);
    return found && instanceOf(found.server);
  }

  async service(host: string, signal: AbortSignal): Promise<ComputeService | null> {
    const path = `/os-services?binary=nova-compute&host=${encodeURIComponent(host)}`;
    const { services } = await this.#get(path, ANSWERS.services, signal);
    return services.map(serviceOf).find((each) => each.host === host) ?? null;
  }

  async services(signal: AbortSignal): Promise<ComputeService[]> {
    return (await this.#get('/os-services?binary=nova-compute', ANSWERS.services, signal)).services.map(serviceOf);
  }

  migrationsOf(instance: string, signal: AbortSignal): Promise<InstanceMigration[]> {
    return this.#migrations(`instance_uuid=${encodeURIComponent(instance)}&limit=${MIGRATIONS_SEEN}`, signal);
  }

  migrationsAt(host: string, signal: AbortSignal): Promise<InstanceMigration[]> {
    return this.#migrations(`host=${encodeURIComponent(host)}&limit=${MIGRATIONS_AT_HOST}`, signal);
  }

  async #migrations(query: string, signal: AbortSignal): Promise<InstanceMigration[]> {
    const { migrations } = await this.#get(`/os-migrations?${query}`, ANSWERS.migrations, signal);
    return newestFirst(migrations.map(migrationOf));
  }

  async actionsOf(instance: string, signal: AbortSignal): Promise<InstanceAction[]> {
    const path = `${pathOf(instance)}/os-instance-actions`;
    const found = await this.#get(path, ANSWERS.actions, signal).catch(unlessNotFound);
    return found ? found.instanceActions.map(actionOf) : [];
  }

  async actionOf(instance: string, requestId: string, signal: AbortSignal): Promise<InstanceAction | null> {
    const path = `${pathOf(instance)}/os-instance-actions/${encodeURIComponent(requestId)}`;
    const found = await this.#get(path, ANSWERS.action, signal).catch(unlessNotFound);
    return found && actionOf(found.instanceAction);
  }

  async order(instance: string, order: InstanceOrder, by: string, signal: AbortSignal): Promise<Sent> {
    return sentOf(await this.#session.send({ ...requestOf(instance, order), by }, signal), this.#session.speaker);
  }

  async updateService(uuid: string, patch: ServicePatch, by: string, signal: AbortSignal): Promise<ComputeService> {
    const asked: Asked = { method: 'PUT', path: `/os-services/${encodeURIComponent(uuid)}`, body: bodyOf(patch), by };
    return serviceOf((await this.#ask(asked, ANSWERS.service, signal)).service);
  }

  #get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return this.#ask({ method: 'GET', path }, schema, signal);
  }

  async #ask<T>(asked: Asked, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const came = await this.#session.send(asked, signal);
    if (came.kind !== 'answer') throw came.error;
    const { answer } = came;
    if (answer.status !== 200) throw refusal(answer, this.#session.speaker);
    const parsed = schema.safeParse(jsonOf(answer.body));
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') || 'the answer';
    throw this.#garbled(`${asked.method} ${asked.path.split('?')[0]}: ${where} is not what it should be`);
  }

  #garbled(why: string): CountermandError {
    return garbled(this.#session.speaker, why);
  }
}

/** What is refused with a status below 500 was looked at and turned down. Of the rest it is not known how far it got. */
function sentOf(came: Came, speaker: Speaker): Sent {
  if (came.kind !== 'answer') return { kind: came.kind === 'unsent' ? 'refused' : 'unknown', error: came.error };
  const { status, headers } = came.answer;
  if (status >= 200 && status < 300)
    return {
      kind: 'accepted',
      requestId: headers['x-openstack-request-id'] ?? headers['x-compute-request-id'] ?? null,
    };
  const isRefusal = status >= 400 && status < 500 && status !== 408;
  return { kind: isRefusal ? 'refused' : 'unknown', error: refusal(came.answer, speaker) };
}

const pathOf = (instance: string): string => `/servers/${encodeURIComponent(instance)}`;

const newestFirst = <Row extends { readonly id: number }>(rows: readonly Row[]): Row[] =>
  rows.toSorted((one, other) => other.id - one.id);

function unlessNotFound(thrown: unknown): null {
  if (asCountermandError(thrown).code !== 'COMPUTE_NOT_FOUND') throw thrown;
  return null;
}

const seesNoHosts = (cloud: string): CountermandError =>
  fail('COMPUTE_FORBIDDEN', `cloud '${cloud}': its user is shown no hosts of instances; it needs the role admin`);

function bodyOf({ status, disabledReason, forcedDown }: ServicePatch): object {
  return {
    ...(status !== undefined && { status }),
    ...(disabledReason !== undefined && { disabled_reason: disabledReason }),
    ...(forcedDown !== undefined && { forced_down: forcedDown }),
  };
}

function requestOf(instance: string, order: InstanceOrder): Asked {
  const server = pathOf(instance);
  if (order.kind === 'abort') return { method: 'DELETE', path: `${server}/migrations/${order.migration}` };
  return { method: 'POST', path: `${server}/action`, body: actionBody(order) };
}

function actionBody(order: Exclude<InstanceOrder, { kind: 'abort' }>): object {
  switch (order.kind) {
    case 'live':
      return { 'os-migrateLive': { host: order.host, block_migration: 'auto' } };
    case 'cold':
      return { migrate: order.host === null ? null : { host: order.host } };
    case 'evacuate':
      return { evacuate: order.host === null ? {} : { host: order.host } };
    case 'confirm':
      return { confirmResize: null };
    case 'revert':
      return { revertResize: null };
    case 'stop':
      return { 'os-stop': null };
    case 'start':
      return { 'os-start': null };
  }
}
