/** The web server of one iRMC: SCCI at /config, and Redfish. */
import type * as http from 'node:http';
import { bodyOf, listenToWeb, type TlsIdentity, type WebServer } from '../web.ts';
import { Door } from './door.ts';
import type { WebFault } from './faults.ts';
import { readRedfish } from './redfish.ts';
import type { SimIrmc } from './sim_irmc.ts';
import { LOGIN_PAGE, say, type WebAnswer } from './web_faults.ts';

/** No client sends an iRMC more. */
const MAX_BODY_BYTES = 64 * 1024;
/** S6 iRMCs have nothing to say without TLS (their release notes, 2.00). */
const ONLY_WITH_TLS = 'S6';

/**
 * Lets an iRMC listen: with TLS if it is given an identity. Port 0 is any that is free.
 * @throws LISTEN_FAILED if it cannot
 */
export function listenToIrmc(
  irmc: SimIrmc,
  place: { readonly address: string; readonly port: number },
  tls: TlsIdentity | null,
): Promise<WebServer> {
  const door = new Door(irmc.parts.login, irmc.parts.chance);
  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    answer(request, response, irmc, door).catch(() => response.destroy());
  };
  return listenToWeb(listener, place, tls, 'a simulated iRMC');
}

type Request = http.IncomingMessage;
type Response = http.ServerResponse;

async function answer(request: Request, response: Response, irmc: SimIrmc, door: Door): Promise<void> {
  const { generation } = irmc.parts;
  response.setHeader('Server', `iRMC ${generation} Server`);
  const { url = '/', method = '' } = request;
  const [path = '/'] = url.split('?');
  const isScci = path === '/config';
  const fault = isScci ? irmc.faults.scci : irmc.faults.redfish;
  const body = await bodyOf(request, MAX_BODY_BYTES);
  if (refuseAtOnce(response, fault, irmc)) return;
  if (generation === ONLY_WITH_TLS && !('encrypted' in request.socket)) refuse(response, 404);
  else if (!isScci && !path.startsWith('/redfish/')) refuse(response, 404);
  else if (method !== (isScci ? 'POST' : 'GET')) refuse(response.setHeader('Allow', isScci ? 'POST' : 'GET'), 405);
  else if (!door.lets(request.headers.authorization ?? '', method, url)) refuseLogin(request, response, irmc, door);
  else if (body === null) refuse(response, 413);
  else if (isScci) scci(response, body, irmc, fault);
  else redfish(response, path, irmc, fault);
}

function scci(response: Response, body: string, irmc: SimIrmc, fault: WebFault): void {
  const { clock } = irmc.parts;
  const answer: WebAnswer = { contentType: 'text/xml', body: irmc.receiveScci(body) };
  const { holdsMs } = irmc.faults;
  if (holdsMs === 0) say(response, answer, fault, clock);
  else {
    const timer = clock.after(holdsMs, () => say(response, answer, fault, clock));
    response.once('close', () => timer.cancel());
  }
}

function redfish(response: Response, path: string, irmc: SimIrmc, fault: WebFault): void {
  const body = readRedfish(path, irmc.host, irmc.bmc.guid, irmc.faults.redfishPower);
  if (body === null) refuse(response, 404);
  else say(response, { contentType: 'application/json', body }, fault, irmc.parts.clock);
}

/** @returns true if there is nothing more to say: the request is not looked at */
function refuseAtOnce(response: Response, fault: WebFault, irmc: SimIrmc): boolean {
  if (fault === 'stalls') return true;
  if (fault === 'redirects') refuse(response.setHeader('Location', 'http://127.0.0.1:9/config'), 302);
  else if (fault === 'unavailable' || irmc.isAway) {
    response.writeHead(503, { 'Content-Type': 'application/json' });
    response.end('{"error":{"code":"Base.1.0.ServiceTemporarilyUnavailable","message":"Try again later."}}');
  } else return false;
  return true;
}

function refuseLogin(request: Request, response: Response, irmc: SimIrmc, door: Door): void {
  if (request.headers.authorization !== undefined) irmc.refusedLogins += 1;
  if (irmc.faults.refusesLoginWith === 'page') response.writeHead(200, { 'Content-Type': 'text/html' });
  else response.writeHead(401, { 'Content-Type': 'text/html', 'WWW-Authenticate': door.challenges() });
  response.end(LOGIN_PAGE);
}

function refuse(response: Response, status: number): void {
  response.writeHead(status);
  response.end();
}
