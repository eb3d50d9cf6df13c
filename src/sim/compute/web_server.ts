/** A pretended cloud on a port: the identity service below `/identity/v3`, the compute service below `/compute/v2.1`. */
import type * as http from 'node:http';
import { bodyOf, listenToWeb, type WebServer } from '../web.ts';
import type { ServiceParts, ServiceTraits } from './call.ts';
import { answer } from './service.ts';

const MAX_BODY_BYTES = 64 * 1024;

/** Lets a pretended cloud listen. Port 0 is any that is free. @throws LISTEN_FAILED if it cannot */
export function listenToCloud(
  parts: ServiceParts,
  traits: ServiceTraits,
  place: { readonly address: string; readonly port: number },
): Promise<WebServer> {
  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    serve(request, response, parts, traits).catch(() => response.destroy());
  };
  return listenToWeb(listener, place, null, 'a simulated compute service');
}

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  parts: ServiceParts,
  traits: ServiceTraits,
): Promise<void> {
  const text = await bodyOf(request, MAX_BODY_BYTES);
  const { method = '', url: path = '/' } = request;
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const body = text ? JSON.parse(text) : undefined;
  const given = answer({ method, path, headers, body }, `http://${request.headers.host}`, parts, traits);
  if (given === null) {
    response.destroy();
    return;
  }
  for (const [name, value] of Object.entries(given.headers ?? {})) response.setHeader(name, value);
  response.statusCode = given.status;
  if (given.body === undefined) response.end();
  else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(given.body));
}
