/** A route as a row of a table: the door serves it, docs/http.md and openapi.json are printed from it. */
import * as z from 'zod';
import { failWith } from '../core/errors.ts';
import { fieldOf, pathText } from '../core/fault_places.ts';
import type { Clients } from '../server/api/in_process.ts';
import type { Services } from '../server/api/services.ts';
import type { Answer } from './answer.ts';
import { Refusal } from './errors.ts';

/** The methods that routes have. HEAD is answered as GET without its body. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a route says of itself. */
export interface RouteText {
  readonly method: Method;
  /** As OpenAPI writes it: `/v1/nodes/{node}`. */
  readonly path: string;
  /** Which chapter of docs/http.md it belongs to. */
  readonly chapter: Chapter;
  /** What it does, in a sentence without its end. */
  readonly says: string;
  /** The command of the client of OpenStack that sends it; absent if none does. */
  readonly command?: string;
  /** The RPCs that it calls. */
  readonly calls?: string;
  /** What differs from Ironic or Watcher, and why; absent if nothing does. */
  readonly differs?: string;
  /** The status of its answer when it is not refused. */
  readonly status: number;
  /** The content type of an answer that is text; absent: JSON, or nothing. */
  readonly textType?: string;
}

/** The chapters of docs/http.md. */
export type Chapter = 'door' | 'ironic' | 'watcher';

/** A request as a route sees it. */
export interface Ask<Query = unknown, Body = unknown> {
  /** The parts of the path that are variable, by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** What links begin with: `http://127.0.0.1:7078`. */
  readonly base: string;
  /** Path and query as they were sent. */
  readonly url: URL;
  /** The client's own id of what it asks for; empty if it sent none. */
  readonly requestId: string;
  /** The services, for this caller. */
  readonly conductor: Clients;
  /** The client takes an answer that is compressed by gzip. */
  readonly acceptsGzip: boolean;
  readonly isRecent: Services['isRecent'];
  /** How ready the conductor is. It rejects with the reason if it takes no new work now. */
  readonly readiness: Services['readiness'];
  /** The metrics, as Prometheus reads them. */
  readonly metrics: () => Promise<string>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** A request before its route has looked at query and body. */
export type RawAsk = Ask<Readonly<Record<string, string>>, unknown>;

/** A row of the table. */
export interface Route extends RouteText {
  readonly query: z.ZodObject;
  readonly body: z.ZodType | null;
  /** What it answers with its status; null if it answers no body. */
  readonly answer: z.ZodType | null;
  run(ask: RawAsk): Promise<Answer>;
}

/** A row as it is written: `handle` sees query and body as their schemas make them. */
export interface RouteRow<Query extends z.ZodObject, Body extends z.ZodType> extends RouteText {
  readonly query?: Query;
  readonly body?: Body;
  readonly answer?: z.ZodType;
  handle(ask: Ask<z.infer<Query>, z.infer<Body>>): Promise<Answer> | Answer;
}

const NOTHING = z.strictObject({});

/** A row of the table. Without `query` it takes no query parameter; without `body`, what is sent as one is not looked at. */
export function route<Query extends z.ZodObject = typeof NOTHING, Body extends z.ZodType = z.ZodUndefined>(
  row: RouteRow<Query, Body>,
): Route {
  const { query, body, answer, handle, ...text } = row;
  const queryRule = (query ?? NOTHING) as z.ZodObject;
  const place = `${text.method} ${text.path}`;
  return {
    ...text,
    query: queryRule,
    body: body ?? null,
    answer: answer ?? null,
    async run(ask) {
      const parsedQuery = parse(queryRule, ask.query, 'query parameter', place);
      const parsedBody = body === undefined ? undefined : parse(body, ask.body, 'key', place);
      return handle({ ...ask, query: parsedQuery as z.infer<Query>, body: parsedBody as z.infer<Body> });
    },
  };
}

/**
 * What was sent, as its schema makes it.
 * @throws ARGUMENT_INVALID naming each place that is wrong, at most five; its field is the first
 */
function parse(rule: z.ZodType, sent: unknown, what: string, place: string): unknown {
  const parsed = rule.safeParse(sent);
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.slice(0, 5).map((issue) => sentenceOf(issue, rule, what, place));
  const field = fieldOf(parsed.error.issues[0]);
  throw failWith('ARGUMENT_INVALID', sentences.join('; '), field === '' ? {} : { field });
}

function sentenceOf(issue: z.core.$ZodIssue, rule: z.ZodType, what: string, place: string): string {
  const at = pathText(issue.path);
  // What no schema says of its own: the library's words are not for people.
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input'))
    return `${at === '' ? 'the body' : `${at}:`} must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
  if (issue.code !== 'unrecognized_keys') return at === '' ? issue.message : `${at}: ${issue.message}`;
  const whole = rule instanceof z.ZodOptional ? rule.unwrap() : rule;
  const known = whole instanceof z.ZodObject && at === '' ? Object.keys(whole.shape).join(', ') : '';
  const unknown = issue.keys
    .slice(0, 10)
    .map((key) => key.slice(0, 100))
    .join(', ');
  return `${at === '' ? '' : `${at}: `}unknown ${what}: ${unknown}; ${place} takes ${known || 'none'}`;
}

/** A route of OpenStack that has nothing behind it here: 501, which no client repeats, and a sentence that says so. */
export function notHere(text: Omit<RouteText, 'status' | 'says'> & { readonly says: string }): Route {
  return route({
    ...text,
    status: 501,
    query: z.looseObject({}),
    handle() {
      throw new Refusal(501, `countermand does not ${text.says}`);
    },
  });
}
