/** A conductor with roles, and callers who have them: over gRPC, Connect and the routes of HTTP. */
import { writeFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import bcrypt from 'bcryptjs';
import { ChannelCredentials, createChannel, createClientFactory, Metadata } from 'nice-grpc';
import { stringify } from 'yaml';
import { GRANTABLE, type Verb } from '../../src/server/access/verbs.ts';
import { SERVED } from '../../src/server/api/services.ts';
import { newFolder } from '../counterparts/folder.ts';
import { Refusal, refusals } from './client.ts';
import { openHouse } from './house.ts';
import { ask } from './http.ts';

/** What came of a call. */
export interface Outcome {
  /** Our code; OK if it was not refused. */
  readonly code: string;
  readonly message: string;
  /** The verb that the refusal names; empty if it names none. */
  readonly verb: string;
  /** The node that it names. */
  readonly node: string;
  /** The first answer, if there was one. */
  readonly answer: unknown;
}

type Methods = Readonly<Record<string, (request: object, options: object) => unknown>>;

/** What a user sends. */
export const basic = (user: string): string => `Basic ${Buffer.from(`${user}:secret`).toString('base64')}`;

/** Sights, which the verbs of a thing are worth nothing without. */
const SIGHT: Readonly<Record<string, Verb>> = {
  node: 'node.read',
  power: 'node.read',
  plan: 'plan.read',
  audit: 'audit.read',
};

/** Every verb but this one, and those that are worth nothing without it. */
export const verbsWithout = (verb: Verb): Verb[] =>
  GRANTABLE.filter((each) => each !== verb && SIGHT[each.split('.')[0] ?? ''] !== verb);

/** The identity that has every verb but this one. */
export const without = (verb: Verb): string => `without-${verb}`;

/** Who has what in every house: `root` everything, `rack7` everything on rack 7, `seer` sight everywhere, `nobody` nothing. */
export const ACCESS = {
  roles: {
    ...Object.fromEntries(GRANTABLE.map((verb) => [without(verb), { verbs: verbsWithout(verb) }])),
    watcher: { verbs: ['*.read'] },
  },
  bindings: [
    ...GRANTABLE.map((verb) => ({ identities: [`basic:${without(verb)}`], role: without(verb) })),
    { identities: ['basic:root', 'token:ci'], role: 'admin' },
    { identities: ['basic:rack7'], role: 'admin', labels: { rack: '7' } },
    { identities: ['basic:seer'], role: 'watcher' },
    { identities: ['basic:seer'], role: 'admin', labels: { rack: '7' } },
  ],
};

/** The users of every house. */
const USERS = ['root', 'rack7', 'seer', 'nobody', ...GRANTABLE.map(without)];

/** Opens a house with these roles. */
export async function openRoleHouse(t: ExecutionContext, access: object = ACCESS) {
  const folder = await newFolder(t);
  const hash = bcrypt.hashSync('secret', 4);
  await writeFile(`${folder}/htpasswd`, USERS.map((user) => `${user}:${hash}\n`).join(''));
  const accessFile = `${folder}/access.yaml`;
  await writeFile(accessFile, stringify(access));
  const settings = { htpasswd_file: `${folder}/htpasswd`, access_file: accessFile };
  const house = await openHouse(t, { here: true, http: true, settings });
  const channel = createChannel(house.address, ChannelCredentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  t.teardown(() => channel.close());
  const factory = createClientFactory().use(refusals);
  const clients = new Map<string, Methods>(
    Object.values(SERVED).map((service) => [service.fullName, factory.create(service, channel) as unknown as Methods]),
  );
  /** Calls an RPC as one of the users: what came of it, and of a stream its first answer. */
  const call = (user: string, path: string, request: object, said: object = {}): Promise<Outcome> => {
    const [, service = '', name = ''] = path.split('/');
    const method = clients.get(service)?.[`${name[0]?.toLowerCase()}${name.slice(1)}`];
    const metadata = Metadata({ authorization: basic(user), ...said });
    return outcomeOf(async (signal) => method?.(request, { metadata, signal }));
  };
  const http = (user: string, line: string, body?: unknown, said: object = {}) =>
    ask(house.http, line, { headers: { authorization: basic(user), ...said }, ...(body !== undefined && { body }) });
  /** The answer to an RPC, which must not be refused. */
  const answer = async <Answer>(user: string, path: string, request: object): Promise<Answer> => {
    const { code, message, answer: answered } = await call(user, path, request);
    if (code !== 'OK') throw new Error(`${path}: ${code}: ${message}`);
    return answered as Answer;
  };
  /** All answers of a stream as one of the users, until it ends. */
  const stream = (authorization: string, path: string, request: object): AsyncIterable<unknown> => {
    const [, service = '', name = ''] = path.split('/');
    const method = clients.get(service)?.[`${name[0]?.toLowerCase()}${name.slice(1)}`];
    return method?.(request, { metadata: Metadata({ authorization }) }) as AsyncIterable<unknown>;
  };
  return { call, answer, stream, http, accessFile, address: house.address, base: house.http };
}

/** A house with roles. */
export type RoleHouse = Awaited<ReturnType<typeof openRoleHouse>>;

async function outcomeOf(start: (signal: AbortSignal) => Promise<unknown>): Promise<Outcome> {
  const leaving = new AbortController();
  try {
    const answered = (await start(leaving.signal)) as AsyncIterable<unknown> | object | undefined;
    let answer: unknown = answered;
    if (answered && Symbol.asyncIterator in answered) {
      const { value } = await answered[Symbol.asyncIterator]().next();
      answer = value;
    }
    return { code: 'OK', message: '', verb: '', node: '', answer };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { verb = '', node = '' } = error.info?.metadata ?? {};
    return { code: error.code || error.status, message: error.message, verb, node, answer: undefined };
  } finally {
    leaving.abort();
  }
}

/** Enrols a node in a rack, as root. */
export async function enrolIn(house: RoleHouse, name: string, rack: string, zone = 'default'): Promise<void> {
  const node = { name, driver: 'fake', driverInfo: { fake_address: name }, labels: { rack }, zone };
  const { code, message } = await house.call('root', '/countermand.v1.NodeService/CreateNode', node);
  if (code !== 'OK') throw new Error(message);
}
