/** What a release left behind: its database, and what its API said of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  createFileRegistry,
  type DescMethodStreaming,
  type DescMethodUnary,
  type DescService,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toJson,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ROOT } from '../tidy/sources.ts';

const CONTRACTS = join(ROOT, 'proto/released');
const RELEASED = join(ROOT, 'test/upgrade/released');

/** A message, as protobuf writes it in JSON. */
export type Said = JsonObject;
/** What a conductor says of an installation, by kind. Kinds that a contract does not have are left out. */
export type Answers = Readonly<Record<string, readonly Said[]>>;

/** The versions whose contract is kept. */
export function releasedVersions(): string[] {
  return readdirSync(CONTRACTS).map((name) => name.replace(/\.binpb$/, ''));
}

/** The versions that have left a database. */
export function versionsWithDatabase(): string[] {
  return readdirSync(RELEASED).flatMap((name) => (name.endsWith('.db.gz') ? [name.replace(/\.db\.gz$/, '')] : []));
}

/** Where the parts of a release are. */
export const pathsOf = (version: string) => ({
  database: join(RELEASED, `${version}.db.gz`),
  answers: join(RELEASED, `${version}.answers.json.gz`),
});

/** The SQLite file that a conductor of this version wrote. */
export const databaseOf = (version: string): Buffer => gunzipSync(readFileSync(pathsOf(version).database));

/** What that conductor said over gRPC of what stands in this file. */
export const answersIn = (version: string): Answers =>
  JSON.parse(gunzipSync(readFileSync(pathsOf(version).answers)).toString());

/** A client that knows what a version knew, and nothing newer. */
export class ReleasedClient {
  readonly #contract: FileRegistry;
  readonly #transport: Transport;
  readonly #calls = new AbortController();

  /** @param address the host and port of a conductor without TLS */
  constructor(version: string, address: string) {
    const image = readFileSync(join(CONTRACTS, `${version}.binpb`));
    this.#contract = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
    this.#transport = createGrpcTransport({ baseUrl: `http://${address}` });
  }

  /** Whether the contract of the version has a method. */
  has(service: string, method: string): boolean {
    return this.#serviceOf(service)?.methods.some(({ name }) => name === method) ?? false;
  }

  /** A unary call. @throws ConnectError as it came */
  async call(service: string, name: string, request: JsonValue = {}): Promise<Said> {
    const method = this.#methodOf(service, name) as DescMethodUnary;
    const message = fromJson(method.input, request, { registry: this.#contract });
    const answer = await this.#transport.unary(method, this.#calls.signal, undefined, undefined, message);
    return this.#plain(method, answer.message);
  }

  /** A call that streams its answers. The call ends when the caller leaves the loop. @throws ConnectError as it came */
  async *stream(service: string, name: string, request: JsonValue = {}): AsyncGenerator<Said> {
    const method = this.#methodOf(service, name) as DescMethodStreaming;
    const message = fromJson(method.input, request, { registry: this.#contract });
    const call = new AbortController();
    const signal = AbortSignal.any([call.signal, this.#calls.signal]);
    const once = (async function* only() {
      yield message;
    })();
    try {
      const answers = await this.#transport.stream(method, signal, undefined, undefined, once);
      for await (const answer of answers.message) yield this.#plain(method, answer);
    } finally {
      call.abort();
    }
  }

  /** All pages of a list. */
  async list(service: string, name: string, items: string, request: JsonObject = {}): Promise<Said[]> {
    const all: Said[] = [];
    for (let token: JsonValue = ''; ; ) {
      const page = await this.call(service, name, { ...request, page_token: token });
      all.push(...((page[items] ?? []) as Said[]));
      token = page.next_page_token ?? '';
      if (token === '') return all;
    }
  }

  /** Ends the calls that are under way. */
  close(): void {
    this.#calls.abort();
  }

  #serviceOf(service: string): DescService | undefined {
    return this.#contract.getService(`countermand.v1.${service}`);
  }

  #methodOf(service: string, name: string) {
    const method = this.#serviceOf(service)?.methods.find((one) => one.name === name);
    if (!method) throw new Error(`the contract has no ${service}/${name}`);
    return method;
  }

  #plain(method: DescMethodUnary | DescMethodStreaming, message: object): Said {
    const options = { registry: this.#contract, useProtoFieldName: true, alwaysEmitImplicit: true };
    return toJson(method.output, message as never, options) as Said;
  }
}

/** Every list that a contract may have: its service, its method, and where its items are. */
const LISTS = {
  nodes: ['NodeService', 'ListNodes', 'nodes'],
  model_changes: ['NodeService', 'ListModelChanges', 'changes'],
  freezes: ['NodeService', 'ListFreezes', 'freezes'],
  power_tasks: ['PowerService', 'ListPowerTasks', 'tasks'],
  action_plans: ['ActionPlanService', 'ListActionPlans', 'action_plans'],
  audits: ['AuditService', 'ListAudits', 'audits'],
  audit_templates: ['AuditService', 'ListAuditTemplates', 'audit_templates'],
  tokens: ['AccessService', 'ListTokens', 'tokens'],
  sinks: ['NotificationService', 'ListSinks', 'sinks'],
} as const;

/** Lists that are answered whole. */
const WHOLE: readonly string[] = ['ListTokens', 'ListFreezes', 'ListSinks'];

/** All that the conductor says of what it keeps, in the words of the client's contract. */
export async function answersOf(client: ReleasedClient): Promise<Answers> {
  const answers: Record<string, Said[]> = {};
  for (const [kind, [service, method, items]] of Object.entries(LISTS)) {
    if (!client.has(service, method)) continue;
    answers[kind] = WHOLE.includes(method)
      ? ((await client.call(service, method))[items] as Said[])
      : await client.list(service, method, items);
  }
  const plans = answers.action_plans ?? [];
  const actions = plans.map(({ uuid }) =>
    client.list('ActionPlanService', 'GetActionPlan', 'actions', { action_plan: uuid as string }),
  );
  answers.actions = (await Promise.all(actions)).flat();
  answers.events = [];
  const present = { from_sequence: '1', stop_at_present: true };
  for await (const { event } of client.stream('NotificationService', 'Subscribe', present))
    if (event) answers.events.push(event as Said);
  return answers;
}
