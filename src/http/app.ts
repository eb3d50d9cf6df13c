/** Serves the table of routes: what every request is held to, and what every answer carries. */
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { anonymous } from '../server/access/identity.ts';
import { sayable } from '../server/api/errors.ts';
import { clientsOf } from '../server/api/in_process.ts';
import type { Services } from '../server/api/services.ts';
import type { Answer } from './answer.ts';
import { parseJson, readBody } from './body.ts';
import { credentialsOf, refuseStrangers } from './caller.ts';
import { answerOfError, Refusal } from './errors.ts';
import type { RawAsk, Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { inRequestSpan, type RequestPlace } from './traced.ts';
import { BOUNDS, versionsFor } from './versions.ts';

/** What the app serves with. */
export interface AppParts {
  readonly services: Services;
  /** The door listens on a loopback address only. */
  readonly onLoopback: boolean;
}

type Served = Context<{ Bindings: HttpBindings }>;

/** Serves every route. */
export const appListener = (parts: AppParts): ReturnType<typeof getRequestListener> =>
  getRequestListener(createApp(ROUTES, parts).fetch, { overrideGlobalObjects: false });

/** The app of these routes; where several match, the first serves. */
function createApp(routes: readonly Route[], parts: AppParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>({ strict: false });
  const serve = (context: Served, work: () => Promise<Answer>): Promise<Response> => respond(context, work, parts);
  for (const route of routes)
    app.on(route.method, patternOf(route.path), (context) => serve(context, () => answer(context, route, parts)));
  for (const [path, allowed] of methodsByPath(routes))
    app.all(patternOf(path), (context) => serve(context, () => refuseMethod(context.req.method, path, allowed)));
  app.notFound((context) => serve(context, () => refusePath(context.req.path)));
  return app;
}

/** `/v1/nodes/{node}` as the router writes it: `/v1/nodes/:node`. */
const patternOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { method, path } of routes) {
    const known = methods.get(path) ?? [];
    methods.set(path, [...known, ...(method === 'GET' ? ['GET', 'HEAD'] : [method])]);
  }
  return methods;
}

async function refuseMethod(method: string, path: string, allowed: readonly string[]): Promise<Answer> {
  const Allow = allowed.join(', ');
  throw new Refusal(405, `${method.slice(0, 20)} is not a method of ${path}; it has ${Allow}`, { Allow });
}

async function refusePath(path: string): Promise<Answer> {
  throw new Refusal(404, `there is no route ${path.slice(0, 300)}; GET /openapi.json lists those there are`);
}

/** Routes that probes and clients ask before they know which version to ask for, or how to log in. They say nothing of this installation. */
const DISCOVERY = ['/', '/v1', '/healthz', '/readyz', '/openapi.json', '/console', '/console/{file}'];

/** Answers a request whose route is known; once its versions are known, a refusal says them as well. */
async function answer(context: Served, route: Route, parts: AppParts): Promise<Answer> {
  const { headers } = context.req.raw;
  refuseStrangers(headers, parts.onLoopback);
  // Text is answered as text to clients of text alone, and to all others.
  if (route.textType === undefined) refuseOtherTypes(headers.get('accept'));
  const versions = DISCOVERY.includes(route.path) ? {} : versionsFor(headers);
  const ask = (place: RequestPlace): Promise<Answer> =>
    askRoute(context, route, parts, place).catch((error) => told(error, context, parts));
  const answered = await inRequestSpan(context.req.raw, route, parts.services, ask);
  return { ...answered, headers: { ...versions, ...answered.headers } };
}

async function askRoute(
  { req, env }: Served,
  route: Route,
  { services }: AppParts,
  place: RequestPlace,
): Promise<Answer> {
  const { headers, signal } = req.raw;
  const credentials = credentialsOf(headers, env.incoming);
  // A conductor that stands by knows no caller, and has nothing to tell but its own process.
  const isOpen = DISCOVERY.includes(route.path) || (route.path === '/metrics' && services.elsewhere() !== null);
  const identity = isOpen ? anonymous(credentials) : await services.identify(credentials);
  const hasBody = route.body !== null && !['GET', 'HEAD'].includes(req.method);
  const body = hasBody ? parseJson(await readBody(req.raw, services.clock)) : undefined;
  const url = new URL(req.url);
  const ask: RawAsk = {
    params: req.param() as Readonly<Record<string, string>>,
    query: queryOf(url),
    body,
    base: url.origin,
    url,
    requestId: headers.get('idempotency-key') ?? headers.get('x-openstack-request-id') ?? '',
    acceptsGzip: /(^|[\s,])gzip\s*(?!;\s*q=0(\.0*)?\s*(,|$))/.test(headers.get('accept-encoding') ?? ''),
    isRecent: services.isRecent,
    readiness: services.readiness,
    metrics: () => services.metrics(identity),
    conductor: clientsOf(services, { identity, signal, peer: credentials.peer, ...place }),
    signal,
  };
  return route.run(ask);
}

/** @throws Refusal with 406 if the client takes no JSON */
function refuseOtherTypes(accept: string | null): void {
  if (accept === null || accept === '' || /(^|,)\s*(\*\/\*|application\/(\*|json))\s*(;|,|$)/.test(accept)) return;
  throw new Refusal(406, `Accept is ${accept.slice(0, 100)}; this door answers application/json`);
}

/** @throws Refusal with 400 for a parameter that is given twice */
function queryOf({ searchParams }: URL): Record<string, string> {
  const names = new Set<string>();
  const twice = [...searchParams.keys()].find((name) => names.size === names.add(name).size);
  if (twice !== undefined) throw new Refusal(400, `the query parameter ${twice.slice(0, 100)} is given twice`);
  return Object.fromEntries(searchParams);
}

/** The answer for what was thrown; the log has what is not for the client. */
function told(error: unknown, { req }: Served, { services: { log, chance } }: AppParts): Answer {
  return answerOfError(error instanceof Refusal ? error : sayable(error, req.path, log, chance));
}

/** Does the work of a request, and makes a response of what it answers or throws. */
async function respond(context: Served, work: () => Promise<Answer>, parts: AppParts): Promise<Response> {
  const { status, body, text, headers } = await work().catch((error) => told(error, context, parts));
  const json = body === undefined ? null : { type: 'application/json', content: JSON.stringify(body) };
  const said = text ?? json;
  const type = said === null ? {} : { 'Content-Type': said.type };
  const requestId = { 'Openstack-Request-Id': `req-${parts.services.chance.uuid()}`, 'Cache-Control': 'no-store' };
  return new Response(said?.content ?? null, { status, headers: { ...BOUNDS, ...requestId, ...type, ...headers } });
}
