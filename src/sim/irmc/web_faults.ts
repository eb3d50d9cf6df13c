/** Answers that are wrong, in the ways of `WebFault`: what a client must bear. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock, Timer } from '../../core/clock.ts';
import type { WebFault } from './faults.ts';

/** An answer, as it should be. */
export interface WebAnswer {
  readonly contentType: 'text/xml' | 'application/json';
  readonly body: string;
}

const HUGE_BYTES = 64 * 2 ** 20;
const NESTING = 100_000;
const DRIP_MS = 50;

/** The page that an iRMC shows to people who are not logged in. */
export const LOGIN_PAGE =
  '<!DOCTYPE html><html><head><title>iRMC</title></head><body><p>Login required to continue.</p></body></html>';
const A_PAGE =
  '<!DOCTYPE html><html><head><title>It works</title></head><body><p>Welcome<br>Nothing here</body></html>';

/** Ten times ten times ten ..., eleven times: a few hundred characters that would become 100 GB. */
const ENTITIES = Array.from({ length: 11 }, (_, index) => {
  const ten = index === 0 ? 'ha' : `&e${index - 1};`.repeat(10);
  return `<!ENTITY e${index} "${ten}">`;
}).join('');

/** Bodies that come instead of the right one. */
const BODIES: Partial<Record<WebFault, Record<WebAnswer['contentType'], string>>> = {
  malformed: {
    'text/xml':
      '<?xml version="1.0" encoding="UTF-8"?><Status><Value>0</Value><Severity>Information</Severity>' +
      '<Message>No Error at <CMD Context=SCCI OC="</Message></Status>',
    'application/json': '{"PowerState": "On", }',
  },
  'a page': { 'text/xml': A_PAGE, 'application/json': A_PAGE },
  entities: {
    'text/xml': `<?xml version="1.0"?><!DOCTYPE Status [${ENTITIES}]><Status><Value>&e10;</Value><Message>&e10;</Message></Status>`,
    'application/json': '{"PowerState": {"On": "Off"}}',
  },
  nested: {
    'text/xml': `<Status><Value>0</Value>${'<a>'.repeat(NESTING)}${'</a>'.repeat(NESTING)}</Status>`,
    'application/json': `${'['.repeat(NESTING)}${']'.repeat(NESTING)}`,
  },
  'no value': {
    'text/xml':
      '<?xml version="1.0" encoding="UTF-8"?><Status><Severity>Information</Severity><Message>No Error</Message></Status>',
    'application/json': '{"Id": "0"}',
  },
};

/** Says `answer`, or what `fault` makes of it. Its timers end with the connection. */
export function say(response: ServerResponse, answer: WebAnswer, fault: WebFault, clock: Clock): void {
  const { contentType, body } = answer;
  response.setHeader('Content-Type', contentType);
  switch (fault) {
    case 'stalls':
      return;
    case 'resets':
      reset(response);
      return;
    case 'truncated':
      truncate(response, body);
      return;
    case 'endless':
      drip(response, body, clock);
      return;
    case 'huge':
      pipeline(Readable.from(huge(body)), response).catch(() => {});
      return;
    default:
      response.end(BODIES[fault]?.[contentType] ?? body);
  }
}

/** RST rather than FIN, as a device that lost its state sends it. */
function reset(response: ServerResponse): void {
  const { socket } = response;
  if (socket === null) return;
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function truncate(response: ServerResponse, body: string): void {
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

function drip(response: ServerResponse, body: string, clock: Clock): void {
  let timer: Timer | null = null;
  response.once('close', () => timer?.cancel());
  const next = (): void => {
    if (response.destroyed) return;
    response.write(' ');
    timer = clock.after(DRIP_MS, next);
  };
  response.write(body.slice(0, body.length / 2), next);
}

function* huge(body: string): Generator<string> {
  const half = body.length / 2;
  yield body.slice(0, half);
  const chunk = ' '.repeat(2 ** 16);
  for (let sent = 0; sent < HUGE_BYTES; sent += chunk.length) yield chunk;
  yield body.slice(half);
}
