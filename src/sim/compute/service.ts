/** The pretended compute service: requests in, answers out. What listens is elsewhere. */
import { actionPage, errorOf, migrationPage, serverPage, servicePage, type WebAnswer } from './answers.ts';
import type { Call, ServiceParts, ServiceTraits, WebRequest } from './call.ts';
import type { SimUser } from './keystone.ts';
import { orderInstance } from './orders.ts';

type Route = readonly [method: string, pattern: RegExp, answer: (call: Call) => WebAnswer | null];

const ROUTES: readonly Route[] = [
  ['GET', /^\/servers\/detail$/, listServers],
  ['GET', /^\/servers\/([^/]+)$/, showServer],
  ['GET', /^\/os-services$/, listServices],
  ['PUT', /^\/os-services\/([^/]+)$/, changeService],
  ['GET', /^\/os-migrations$/, listMigrations],
  ['GET', /^\/servers\/([^/]+)\/os-instance-actions$/, listActions],
  ['GET', /^\/servers\/([^/]+)\/os-instance-actions\/([^/]+)$/, showAction],
  ['POST', /^\/servers\/([^/]+)\/action$/, orderInstance],
  ['DELETE', /^\/servers\/([^/]+)\/migrations\/([^/]+)$/, orderInstance],
];

/** The paths below which the two services are. */
const IDENTITY = '/identity/v3';
const COMPUTE = '/compute/v2.1';

/**
 * Answers a request; null if the connection ends without an answer.
 * @param origin of the services, for the catalog: `http://127.0.0.1:8774`
 */
export function answer(
  request: WebRequest,
  origin: string,
  parts: ServiceParts,
  traits: ServiceTraits,
): WebAnswer | null {
  const url = new URL(request.path, 'http://sim');
  const path = url.pathname.replace(/(.)\/+$/, '$1');
  if (traits.unavailable) return errorOf(503, 'The service is unavailable.');
  if (request.method === 'POST' && path === `${IDENTITY}/auth/tokens`)
    return parts.keystone.logIn(request.body, `${origin}${COMPUTE}`);
  if (request.method === 'GET' && path === COMPUTE)
    return {
      status: 200,
      body: { version: { id: 'v2.1', status: 'CURRENT', version: traits.version, min_version: '2.1' } },
    };
  if (!path.startsWith(`${COMPUTE}/`)) return errorOf(404, 'The resource could not be found.');
  const user = parts.keystone.userOf(request.headers['x-auth-token']);
  if (user === null) return errorOf(401, 'The request you have made requires authentication.');
  return route(request, path.slice(COMPUTE.length), url.searchParams, user, parts);
}

function route(
  request: WebRequest,
  path: string,
  query: URLSearchParams,
  user: SimUser,
  parts: ServiceParts,
): WebAnswer | null {
  const requestId = parts.cloud.newRequestId();
  for (const [method, pattern, handle] of ROUTES) {
    const match = method === request.method ? pattern.exec(path) : null;
    if (match === null) continue;
    const caught = match.slice(1).map(decodeURIComponent);
    const given = handle({ ...parts, request, query, user, caught, requestId });
    return given && { ...given, headers: { 'x-openstack-request-id': requestId, ...given.headers } };
  }
  return errorOf(404, 'The resource could not be found.');
}

function listServers({ cloud, query, user }: Call): WebAnswer {
  const host = query.get('host');
  // Who is no admin is shown all of the project, whatever host was asked for.
  const found = [...cloud.instances.values()].filter((each) => !user.admin || host === null || each.host === host);
  const limit = Math.min(Number(query.get('limit') ?? 1000), 1000);
  const after = found.findIndex(({ uuid }) => uuid === query.get('marker'));
  const page = found.slice(after + 1, after + 1 + limit);
  const isLast = after + 1 + limit >= found.length;
  const servers = page.map((each) => serverPage(each, user.admin));
  return { status: 200, body: { servers, ...(!isLast && { servers_links: [{ rel: 'next', href: '' }] }) } };
}

function showServer({ cloud, caught: [uuid = ''], user }: Call): WebAnswer {
  const found = cloud.instances.get(uuid);
  if (found === undefined) return errorOf(404, `Instance ${uuid} could not be found.`);
  return { status: 200, body: { server: serverPage(found, user.admin) } };
}

const forbidden = (rule: string): WebAnswer =>
  errorOf(403, `Policy doesn't allow os_compute_api:${rule} to be performed.`);

function listServices({ cloud, query, user }: Call): WebAnswer {
  if (!user.admin) return forbidden('os-services:list');
  const host = query.get('host');
  const found = [...cloud.hosts.values()].filter(({ name }) => host === null || name === host);
  return { status: 200, body: { services: found.map((each) => servicePage(each, cloud)) } };
}

function changeService({ cloud, caught: [uuid = ''], request, user }: Call): WebAnswer {
  if (!user.admin) return forbidden('os-services:update');
  const host = [...cloud.hosts.values()].find(({ serviceUuid }) => serviceUuid === uuid);
  if (host === undefined) return errorOf(404, `Service ${uuid} could not be found.`);
  const {
    status,
    disabled_reason: reason,
    forced_down: down,
  } = request.body as {
    status?: 'enabled' | 'disabled';
    disabled_reason?: string;
    forced_down?: boolean;
  };
  if (status === undefined && down === undefined)
    return errorOf(400, "No updates were requested. Fields 'status' or 'forced_down' should be specified.");
  if (status === 'enabled' && reason !== undefined)
    return errorOf(400, "Specifying 'disabled_reason' with status 'enabled' is invalid.");
  if (down === false && host.evacuated)
    return errorOf(400, `Unable to set forced_down to False: the service on ${host.name} has evacuated instances.`);
  if (status !== undefined) {
    host.status = status;
    host.reason = status === 'disabled' ? (reason ?? null) : null;
  }
  if (down !== undefined) host.forcedDown = down;
  return { status: 200, body: { service: servicePage(host, cloud) } };
}

function listMigrations({ cloud, query, user }: Call): WebAnswer {
  if (!user.admin) return forbidden('os-migrations:index');
  const instance = query.get('instance_uuid');
  const host = query.get('host');
  const found = cloud.migrations.filter(
    (each) =>
      (instance === null || each.instance === instance) &&
      (host === null || each.source === host || each.dest === host),
  );
  const newest = found.toReversed().slice(0, Number(query.get('limit') ?? 1000));
  return { status: 200, body: { migrations: newest.map(migrationPage) } };
}

function listActions({ cloud, caught: [uuid = ''] }: Call): WebAnswer {
  const found = cloud.instances.get(uuid);
  if (found === undefined) return errorOf(404, `Instance ${uuid} could not be found.`);
  const instanceActions = found.actions.toReversed().map((each) => actionPage(each, false));
  return { status: 200, body: { instanceActions } };
}

function showAction({ cloud, caught: [uuid = '', requestId = ''] }: Call): WebAnswer {
  const found = cloud.instances.get(uuid)?.actions.find((each) => each.requestId === requestId);
  if (found === undefined) return errorOf(404, `Action for request_id ${requestId} on instance ${uuid} not found.`);
  return { status: 200, body: { instanceAction: actionPage(found, true) } };
}
