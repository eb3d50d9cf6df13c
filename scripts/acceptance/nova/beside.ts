/**
 * What a Nova needs beside it, in this process: Keystone (logins, tokens, the catalog), Glance with one image, Neutron and Cinder with nothing in them.
 * And the way to Nova that the catalog names: a proxy on which requests can be lost, and answers.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemChance } from '../../../src/core/chance.ts';
import { systemClock } from '../../../src/core/clock.ts';

/** The only image. */
export const IMAGE = '0aaaaaaa-0000-4000-8000-000000000001';
/** The only project. */
export const PROJECT = 'a'.repeat(32);
/** The application credential of the admin. */
export const CREDENTIAL = { id: 'acceptance', secret: 'the credential' };

/** A request of the conductor on its way to Nova. */
export interface Passing {
  readonly method: string;
  /** Below the endpoint, with the query. */
  readonly path: string;
  readonly body: string;
}

/** The services beside Nova. */
export interface Beside {
  /** Such as http://127.0.0.1:5000. */
  readonly url: string;
  /** What happens to what passes to Nova; each resolves to false to break the connection, before it is sent or before it is answered. */
  readonly hooks: { before: (request: Passing) => Promise<boolean>; after: (request: Passing) => Promise<boolean> };
  /** The version that Nova is said to speak at most; null: as it says. */
  version: string | null;
  /** Logins so far, by user. */
  readonly logins: Map<string, number>;
  /** Forgets the tokens of a user. */
  forget(user: string): void;
  stop(): Promise<void>;
}

const TOKEN_S = 36_000;

interface Token {
  readonly user: string;
  readonly until: number;
  readonly body: object;
}

interface Asked extends Passing {
  readonly headers: IncomingMessage['headers'];
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Users and their passwords; `member` alone is no admin. */
export const USERS: Readonly<Record<string, string>> = {
  admin: 'admin',
  countermand: 'the password',
  member: 'member',
  nova: 'nova',
};

const error = (status: number, title: string, message: string): Answer => ({
  status,
  body: { error: { code: status, title, message } },
});
const UNAUTHORIZED = error(401, 'Unauthorized', 'The request you have made requires authentication.');

/** Starts them. @param address where @param compute where Nova will listen, HOST:PORT @param placement the same of placement */
export async function startBeside(address: string, compute: string, placement: string): Promise<Beside> {
  const stand: { in: StandIn | null } = { in: null };
  const server = createServer((request, response) => {
    stand.in?.answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const url = `http://${address}:${(server.address() as AddressInfo).port}`;
  stand.in = new StandIn(url, compute, placement, server);
  return stand.in;
}

class StandIn implements Beside {
  readonly url: string;
  readonly hooks: Beside['hooks'] = { before: async () => true, after: async () => true };
  version: string | null = null;
  readonly logins = new Map<string, number>();
  readonly #compute: string;
  readonly #placement: string;
  readonly #server: Server;
  readonly #tokens = new Map<string, Token>();

  constructor(url: string, compute: string, placement: string, server: Server) {
    this.url = url;
    this.#compute = compute;
    this.#placement = placement;
    this.#server = server;
  }

  forget(user: string): void {
    for (const [id, token] of this.#tokens) if (token.user === user) this.#tokens.delete(id);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = 'GET', url: path = '/', headers } = request;
    const asked = { method, path, headers, body: Buffer.concat(parts).toString() };
    const answer = path.startsWith('/compute') ? await pass(asked, this, this.#compute) : this.#route(asked);
    if (answer === null) {
      response.destroy();
      return;
    }
    const { status, headers: more, body = '' } = answer;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...more }).end(text);
  }

  #route(asked: Asked): Answer {
    const [path = '/'] = asked.path.split('?');
    if (path.startsWith('/identity/v3/auth/tokens'))
      return asked.method === 'POST' ? this.#logIn(asked) : this.#token(asked);
    if (path.startsWith('/identity')) return keystoneRest(path, this.url);
    if (path.startsWith('/image')) return glance(path, this.url);
    return emptyService(path, this.url);
  }

  #logIn({ body }: Asked): Answer {
    const { identity } = JSON.parse(body).auth;
    const [method] = identity.methods;
    const given = identity[method];
    const user = method === 'password' ? String(given.user.name) : 'countermand';
    this.logins.set(user, (this.logins.get(user) ?? 0) + 1);
    const isRight =
      method === 'password'
        ? USERS[user] !== undefined && given.user.password === USERS[user]
        : given.id === CREDENTIAL.id && given.secret === CREDENTIAL.secret;
    if (!isRight) return UNAUTHORIZED;
    const id = systemChance.uuid();
    const until = systemClock.now() + TOKEN_S * 1000;
    const token = {
      user,
      until,
      body: { token: tokenBody(user, method, until, catalogOf(this.url, this.#placement)) },
    };
    this.#tokens.set(id, token);
    return { status: 201, body: token.body, headers: { 'x-subject-token': id } };
  }

  #token({ headers }: Asked): Answer {
    const id = String(headers['x-subject-token']);
    const found = this.#tokens.get(id);
    if (found === undefined || found.until < systemClock.now())
      return error(404, 'Not Found', 'This is not a recognized token');
    return { status: 200, body: found.body, headers: { 'x-subject-token': id } };
  }
}

function tokenBody(user: string, method: string, until: number, catalog: readonly object[]): object {
  const domain = { id: 'default', name: 'Default' };
  const roles = user === 'member' ? ['member', 'reader'] : ['admin', 'member', 'reader', 'service'];
  const stamp = (at: number): string => new Date(at).toISOString().replace('Z', '000Z');
  return {
    methods: [method],
    user: { id: Buffer.from(user).toString('hex').padEnd(32, '0'), name: user, domain, password_expires_at: null },
    project: { id: PROJECT, name: 'service', domain },
    is_domain: false,
    roles: roles.map((name) => ({ id: name, name })),
    catalog,
    audit_ids: [systemChance.uuid()],
    issued_at: stamp(systemClock.now()),
    expires_at: stamp(until),
  };
}

function catalogOf(url: string, placement: string): object[] {
  const entry = (type: string, name: string, at: string): object => ({
    ...{ id: name, type, name },
    endpoints: ['public', 'internal', 'admin'].map((kind) => ({
      ...{ id: `${name}-${kind}`, interface: kind, region: 'RegionOne', region_id: 'RegionOne', url: at },
    })),
  });
  return [
    entry('identity', 'keystone', `${url}/identity/v3`),
    entry('compute', 'nova', `${url}/compute/v2.1`),
    entry('placement', 'placement', `http://${placement}`),
    entry('image', 'glance', `${url}/image`),
    entry('network', 'neutron', `${url}/network`),
    entry('volumev3', 'cinderv3', `${url}/volume/v3/${PROJECT}`),
  ];
}

function keystoneRest(path: string, url: string): Answer {
  const media = [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }];
  const links = [{ rel: 'self', href: `${url}/identity/v3/` }];
  const version = { id: 'v3.14', status: 'stable', updated: '2020-04-07T00:00:00Z', links, 'media-types': media };
  const below = path.replace(/^\/identity(\/v3)?\/?/, '');
  if (below === '')
    return path.includes('v3')
      ? { status: 200, body: { version } }
      : { status: 300, body: { versions: { values: [version] } } };
  if (below.startsWith('projects/'))
    return { status: 200, body: { project: { id: PROJECT, name: 'service', enabled: true } } };
  return { status: 200, body: { [below.split('/')[0] ?? '']: [] } };
}

function glance(path: string, url: string): Answer {
  const at = `/v2/images/${IMAGE}`;
  const image = {
    ...{ id: IMAGE, name: 'tiny', status: 'active', visibility: 'public', protected: false, os_hidden: false },
    ...{ container_format: 'bare', disk_format: 'qcow2', min_disk: 0, min_ram: 0, size: 1000, virtual_size: null },
    ...{
      checksum: '0'.repeat(32),
      owner: PROJECT,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    },
    ...{ tags: [], locations: [], self: at, file: `${at}/file`, schema: '/v2/schemas/image' },
  };
  const anything = { type: ['null', 'string', 'integer', 'boolean', 'array'] };
  if (path.includes('/v2/schemas/')) {
    const properties = Object.fromEntries(Object.keys(image).map((name) => [name, anything]));
    return { status: 200, body: { name: 'image', properties, additionalProperties: { type: 'string' }, links: [] } };
  }
  if (path.includes('/v2/images/')) return { status: 200, body: image };
  if (path.includes('/v2/images')) return { status: 200, body: { images: [image] } };
  const links = [{ rel: 'self', href: `${url}/image/v2/` }];
  return { status: 300, body: { versions: [{ id: 'v2.9', status: 'CURRENT', links }] } };
}

/** A Neutron and a Cinder that have nothing. */
function emptyService(path: string, url: string): Answer {
  const [service = '', ...rest] = path.split('/').filter(Boolean);
  const last = (rest.at(-1) ?? '').replace('.json', '').replaceAll('-', '_');
  const isRoot = rest.length === 0 || /^v[\d.]+$/.test(last);
  const version = service === 'network' ? 'v2.0' : 'v3';
  const links = [{ rel: 'self', href: `${url}/${service}/${version}/` }];
  if (isRoot)
    return {
      status: 200,
      body: { versions: [{ id: version, status: 'CURRENT', version: '3.70', min_version: '3.0', links }] },
    };
  if (rest.includes('quotas')) return { status: 200, body: { quota: { port: -1 } } };
  return { status: 200, body: { [last]: [] } };
}

/** A request on its way to Nova; null to break the connection. */
async function pass(asked: Asked, beside: Beside, compute: string): Promise<Answer | null> {
  const path = asked.path.slice('/compute'.length);
  const passing: Passing = { method: asked.method, path: path.replace(/^\/v2\.1/, ''), body: asked.body };
  if (!(await beside.hooks.before(passing))) return null;
  const headers = Object.fromEntries(
    Object.entries(asked.headers).filter(([name]) => /^(x-|openstack|accept$|content-type)/.test(name)),
  ) as Record<string, string>;
  const init = { method: asked.method, headers, ...(asked.body !== '' && { body: asked.body }) };
  const came = await fetch(`http://${compute}${path}`, init);
  const text = await came.text();
  if (!(await beside.hooks.after(passing))) return null;
  const body =
    beside.version === null || path.length > 6
      ? text
      : text.replace(/"version": ?"2\.\d+"/, `"version": "${beside.version}"`);
  return { status: came.status, body, headers: keptHeaders(came.headers) };
}

const keptHeaders = (headers: Headers): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => /^(x-|openstack|www-)/.test(name)));
