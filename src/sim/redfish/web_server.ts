/** The web server of one Redfish service. */
import type * as http from 'node:http';
import { say } from '../irmc/web_faults.ts';
import { bodyOf, listenToWeb, type ServerTls, type WebServer } from '../web.ts';
import { answerReset, type ResetAnswer } from './orders.ts';
import type { Page } from './page.ts';
import { errorPage, formed, pageAt, SESSIONS } from './pages.ts';
import type { SimRedfish } from './sim_redfish.ts';

const MAX_BODY_BYTES = 64 * 1024;
const RESET = /^\/redfish\/v1\/Systems\/([^/]+)\/Actions\/ComputerSystem\.Reset\/?$/;

type Request = http.IncomingMessage;
type Response = http.ServerResponse;

/**
 * Lets a service listen: with TLS if it is given an identity. Port 0 is any that is free.
 * @throws LISTEN_FAILED if it cannot
 */
export function listenToRedfish(
  redfish: SimRedfish,
  place: { readonly address: string; readonly port: number },
  tls: ServerTls | null,
): Promise<WebServer> {
  const listener = (request: Request, response: Response): void => {
    answer(request, response, redfish).catch(() => response.destroy());
  };
  return listenToWeb(listener, place, tls, 'a simulated Redfish service');
}

async function answer(request: Request, response: Response, redfish: SimRedfish): Promise<void> {
  const body = (await bodyOf(request, MAX_BODY_BYTES)) ?? '';
  const { method = '' } = request;
  const [url = '/'] = (request.url ?? '/').split('?');
  const path = decodeURI(url).replace(/(.)\/+$/, '$1');
  response.setHeader('OData-Version', '4.0');
  if (method === 'POST' && path === SESSIONS) openSession(response, body, redfish);
  else if (path !== '/redfish/v1' && !isLoggedIn(request, redfish)) refuseLogin(response, redfish);
  else if (method === 'GET') later(response, redfish, () => get(response, path, redfish));
  else if (method === 'POST' && RESET.test(url)) reset(request, response, url, body, redfish);
  else if (method === 'DELETE' && path.startsWith(`${SESSIONS}/`))
    json(response, redfish.deleteSession(path.slice(SESSIONS.length + 1)) ? 204 : 404, redfish);
  else fail(response, 405, redfish, 'ActionNotSupported', 'The method is not allowed.');
}

/** Answers a page when it is due. */
function later(response: Response, { faults, parts }: SimRedfish, answerNow: () => void): void {
  if (faults.pagesMs === 0) {
    answerNow();
    return;
  }
  const timer = parts.clock.after(faults.pagesMs, answerNow);
  response.once('close', () => timer.cancel());
}

function get(response: Response, path: string, redfish: SimRedfish): void {
  const { faults, parts } = redfish;
  const [, id = ''] = /^\/redfish\/v1\/Systems\/([^/]+)$/.exec(path) ?? [];
  if (faults.pages === 'redirects') {
    response.writeHead(308, { Location: path }).end();
    return;
  }
  if (faults.pages === 'unavailable' || redfish.system(id)?.away) {
    fail(response, 503, redfish, 'ServiceTemporarilyUnavailable', 'Retry in 30 seconds.', ['30']);
    return;
  }
  const page = pageAt(path, redfish);
  if (page === null) fail(response, 404, redfish, 'ResourceMissingAtURI', 'There is no such resource.');
  else {
    if (id !== '') response.setHeader('ETag', redfish.etag);
    say(response, { contentType: 'application/json', body: JSON.stringify(page) }, faults.pages, parts.clock);
  }
}

function reset(request: Request, response: Response, url: string, body: string, redfish: SimRedfish): void {
  const system = redfish.system(decodeURIComponent(RESET.exec(url)?.[1] ?? ''));
  const resetType = textIn(body, 'ResetType');
  if (system?.hasReset !== true) fail(response, 404, redfish, 'ResourceMissingAtURI', 'There is no such resource.');
  else if (resetType === null) fail(response, 400, redfish, 'ActionParameterMissing', 'ResetType is missing.');
  else {
    const ifMatch = request.headers['if-match'] ?? null;
    sayReset(response, answerReset({ system, resetType, ifMatch, path: url }, redfish), redfish);
  }
}

function sayReset(response: Response, given: ResetAnswer, redfish: SimRedfish): void {
  const { status, page, html, headers = {}, spoilt } = given;
  const { clock } = redfish.parts;
  const text = html ?? (page === undefined ? '' : JSON.stringify(page));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  if (spoilt === 'late') {
    const timer = clock.after(redfish.faults.lateMs, () => response.end(text));
    response.once('close', () => timer.cancel());
  } else if (spoilt !== undefined) say(response, { contentType: 'application/json', body: text }, spoilt, clock);
  else if (html === undefined) json(response, status, redfish, page);
  else response.setHeader('Content-Type', 'text/html').end(html);
}

function isLoggedIn(request: Request, redfish: SimRedfish): boolean {
  const token = request.headers['x-auth-token'];
  if (typeof token === 'string') return redfish.useSession(token);
  const [, credentials] = /^Basic\s+(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (credentials === undefined || !redfish.faults.basic) return false;
  const [username = '', ...rest] = Buffer.from(credentials, 'base64').toString().split(':');
  return redfish.logIn(username, rest.join(':'));
}

function refuseLogin(response: Response, redfish: SimRedfish): void {
  response.setHeader('WWW-Authenticate', redfish.faults.basic ? 'Basic realm="Redfish"' : 'X-Auth-Token');
  fail(response, 401, redfish, 'NoValidSession', 'There is no valid session.');
}

function openSession(response: Response, body: string, redfish: SimRedfish): void {
  const username = textIn(body, 'UserName');
  if (!redfish.logIn(username, textIn(body, 'Password'))) {
    const echo = redfish.faults.echoesLogin ? ` The request was ${body}` : '';
    fail(response, 401, redfish, 'ResourceAtUriUnauthorized', `The login failed.${echo}`);
    return;
  }
  const session = redfish.openSession();
  if (session === null) {
    fail(response, 503, redfish, redfish.faults.noSessionId, 'The maximum number of sessions is open.');
    return;
  }
  const path = `${SESSIONS}/${session.id}`;
  response.setHeader('X-Auth-Token', session.token);
  if (!redfish.faults.sessionWithoutLocation) response.setHeader('Location', path);
  json(response, 201, redfish, { '@odata.id': path, Id: session.id, UserName: username });
}

/** Answers an error with one message. */
function fail(response: Response, status: number, redfish: SimRedfish, id: string, words: string, args?: string[]) {
  json(response, status, redfish, errorPage(id, words, args));
}

function json(response: Response, status: number, { faults }: SimRedfish, page?: Page): void {
  response.statusCode = status;
  if (page === undefined) response.end();
  else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(formed(page, faults.errorForm)));
}

/** A text property of a JSON body; null if it has none. */
function textIn(body: string, name: string): string | null {
  try {
    const value = JSON.parse(body)?.[name];
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
