/** Clients of the HTTP door that send whatever comes: to every route, with bodies that fit its schema, nearly fit it, or are none. */
import { Agent, type IncomingMessage, request } from 'node:http';
import * as z from 'zod';
import { isErrorCode } from '../../src/core/errors.ts';
import { ROUTES } from '../../src/http/routes.ts';
import type { SeededChance } from '../world/chance.ts';
import type { Tally } from './callers.ts';
import type { Messages } from './messages.ts';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

/** The part of a JSON Schema that is looked at. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema | readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** What a request body is if a route has one, by the schema of the route. */
const bodies = ROUTES.map(({ body }) =>
  body === null ? null : (z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }) as Schema),
);

/** Bodies that no parser should be brought down by. */
const HOSTILE: readonly (() => string)[] = [
  () => '['.repeat(100_000) + ']'.repeat(100_000),
  () => `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
  () => `{"name":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
  () => `[${'1,'.repeat(100_000)}1]`,
  () => `{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":${at}`).join(',')}}`,
  () => `"${'x'.repeat(900_000)}"`,
  () => '{"__proto__":{"target":"power on"},"constructor":{"prototype":1}}',
  () => '{"target":',
  () => '\ufeff{}',
  () => '1e400',
  () => 'null',
];

/** Stands for a value that is nested too deeply to be written by JSON.stringify. */
const DEEP = 'deep';

/** One client with a connection of its own. */
export class HttpCaller {
  readonly #base: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #messages: Messages;
  readonly #chance: SeededChance;
  readonly #tally: Tally;

  constructor(base: string, messages: Messages, chance: SeededChance, tally: Tally) {
    this.#base = new URL(base);
    this.#messages = messages;
    this.#chance = chance;
    this.#tally = tally;
  }

  /** Sends a random request and resolves when that is over, however it ends. Never rejects. */
  async call(): Promise<void> {
    const sent = this.#request();
    this.#tally.overHttp += 1;
    const answered = await this.#send(sent);
    if (answered !== null) this.#note(sent, answered);
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(): Sent {
    const chance = this.#chance;
    const at = chance.between(0, ROUTES.length - 1);
    const { method, path: pattern, query } = ROUTES[at] as (typeof ROUTES)[number];
    const path = pattern.replaceAll(/\{\w+\}/g, () => this.#inPath());
    const headers: Record<string, string> = { Host: this.#base.host };
    if (chance.happens(0.03)) headers['X-OpenStack-Ironic-API-Version'] = chance.pick(['1.1', '1.999', 'x', '']);
    return {
      method: chance.happens(0.05) ? chance.pick(['PATCH', 'OPTIONS', 'HEAD', 'PUT']) : method,
      path: path + this.#query(Object.keys(query.shape)),
      headers,
      body: method === 'GET' ? null : this.#body(bodies[at] ?? null),
    };
  }

  #inPath(): string {
    if (this.#chance.happens(0.05)) return this.#chance.pick(['%00', '%zz', '%ff%fe', '..', '%2e%2e%2f', '%', '*']);
    return encodeURIComponent(this.#messages.text().toWellFormed()).slice(0, 3000);
  }

  #query(keys: readonly string[]): string {
    const chance = this.#chance;
    const chosen = [...keys, 'nope'].filter(() => chance.happens(0.2));
    const many = chance.happens(0.02) ? Array.from({ length: 500 }, (_, at) => `k${at}`) : [];
    const pairs = [...chosen, ...many].map(
      (key) => `${key}=${encodeURIComponent(this.#messages.text().toWellFormed()).slice(0, 20)}`,
    );
    return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  }

  #body(schema: Schema | null): string | null {
    const chance = this.#chance;
    if (chance.happens(0.1)) return chance.pick(HOSTILE)();
    if (schema === null) return chance.happens(0.9) ? null : '{}';
    return (
      JSON.stringify(this.#value(schema, 0))?.replaceAll(
        `"${DEEP}"`,
        '[{"a":'.repeat(20_000) + '}]'.repeat(20_000).replace('}', '1}'),
      ) ?? null
    );
  }

  /** A value of this schema; now and then one that is not. */
  #value(schema: Schema, depth: number): unknown {
    const chance = this.#chance;
    if (depth > 6 || chance.happens(0.05))
      return chance.pick([null, 0, -1, 1e300, '', true, [], {}, DEEP, 'x'.repeat(5000)]);
    const choice = schema.anyOf ?? schema.oneOf;
    if (choice) return this.#value(chance.pick(choice), depth + 1);
    if (schema.enum) return chance.pick(schema.enum);
    if ('const' in schema) return schema.const;
    if (schema.type === 'object') return this.#object(schema, depth);
    if (schema.type === 'array') {
      const items = Array.isArray(schema.items) ? schema.items : [schema.items ?? {}];
      return Array.from({ length: chance.pick([0, 1, 1, 3]) }, () => this.#value(chance.pick(items), depth + 1));
    }
    if (schema.type === 'boolean') return chance.happens(0.5);
    if (schema.type === 'integer' || schema.type === 'number') return chance.pick([0, 1, 5, 60, -1, 2 ** 53]);
    return this.#messages.text();
  }

  #object({ properties = {} }: Schema, depth: number): Record<string, unknown> {
    const chosen = Object.entries(properties).filter(() => this.#chance.happens(0.6));
    const more = this.#chance.happens(0.05) ? [[this.#messages.text(), 1]] : [];
    return Object.fromEntries([...chosen.map(([key, each]) => [key, this.#value(each, depth + 1)]), ...more]);
  }

  /** Null if the connection broke: the conductor was killed, or the client itself has left. */
  #send({
    method,
    path,
    headers,
    body,
  }: Sent): Promise<{ readonly answer: IncomingMessage; readonly text: string } | null> {
    const { hostname, port } = this.#base;
    return new Promise((resolve) => {
      const asked = request({ hostname, port, method, path, headers, agent: this.#agent }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', () => resolve(null));
        answer.on('end', () => resolve({ answer, text: Buffer.concat(parts).toString() }));
      });
      asked.on('error', () => resolve(null));
      asked.on('close', () => resolve(null));
      if (body !== null && this.#chance.happens(0.03)) {
        // It says that there is more, and leaves.
        asked.setHeader('Content-Length', Buffer.byteLength(body) + 10);
        asked.write(body, () => asked.destroy());
        return;
      }
      asked.end(body ?? undefined);
    });
  }

  #note({ method, path }: Sent, { answer, text }: { readonly answer: IncomingMessage; readonly text: string }): void {
    const status = answer.statusCode ?? 0;
    const code = String(answer.headers['countermand-error-code'] ?? '');
    const said = `HTTP ${status} ${code}`.trim();
    this.#tally.answers.set(said, (this.#tally.answers.get(said) ?? 0) + 1);
    // Nodes are known by their names: the one of the client that does its work is none of them, and is left to it.
    if (!path.includes('/nodes'))
      for (const found of text.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)?.slice(0, 5) ?? [])
        this.#messages.learn(found);
    const isFault = code === 'INTERNAL' || (status === 500 && !isErrorCode(code));
    if (isFault) this.#tally.faults.push(`${method} ${path.slice(0, 300)}: ${said}: ${text.slice(0, 300)}`);
  }
}
