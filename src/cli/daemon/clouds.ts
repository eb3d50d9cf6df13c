/** The file of clouds, in the form of OpenStack's own `clouds.yaml`, read at the start of a conductor. Secrets may stand in files of their own. */
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { NO_CLOUDS, openClouds } from '../../compute/client.ts';
import type { Cloud, CloudLogin } from '../../compute/cloud.ts';
import type { Clouds } from '../../compute/compute.ts';
import { openTransport } from '../../compute/transport.ts';
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { quotedKeys } from '../../core/fault_places.ts';
import type { Inbox } from '../../core/inbox.ts';
import { readSmallFile } from '../../core/small_file.ts';
import type { WatchedCloud } from '../../server/clouds/watched.ts';
import { isBrokerUrl } from '../../sinks/rabbitmq/broker.ts';
import { rabbitInbox } from '../../sinks/rabbitmq/inbox.ts';
import { isOpenUrl } from '../shared/open_url.ts';
import { wordsOfYamlFault } from '../shared/yaml_fault.ts';

const REQUEST_TIMEOUT_S = 30;
const POLL_S = 60;

const text = z.string().min(1).max(1000);
const url = text.refine(isOpenUrl, 'must be an http or https URL without a user');
const auth = z.strictObject({
  auth_url: url.optional(),
  username: text.optional(),
  user_domain_name: text.default('Default'),
  project_name: text.optional(),
  project_domain_name: text.default('Default'),
  password: text.optional(),
  password_file: text.optional(),
  application_credential_id: text.optional(),
  application_credential_secret: text.optional(),
  application_credential_secret_file: text.optional(),
  token_file: text.optional(),
});
const word = z.string().regex(/^[\w.-]{1,200}$/, 'must be letters, digits, dots, dashes and underscores');
const notifications = z.strictObject({
  url: text.refine(
    (given) => isBrokerUrl(given) && new URL(given).username !== '',
    'must be amqps://USER@HOST:PORT/VHOST, or amqp://, without a password',
  ),
  password: text.optional(),
  password_file: text.optional(),
  cacert: text.optional(),
  exchange: word.default('nova'),
  topics: z.array(word).min(1).max(10).default(['versioned_notifications']),
  queue_type: z.enum(['classic', 'quorum']).default('classic'),
});
const cloud = z.strictObject({
  auth_type: z.enum(['password', 'v3password', 'v3applicationcredential', 'none']).default('password'),
  auth: auth.prefault({}),
  region_name: text.optional(),
  interface: z.enum(['public', 'internal', 'admin']).default('public'),
  compute_endpoint_override: url.optional(),
  cacert: text.optional(),
  timeout: z.number().min(0.1).max(600).default(REQUEST_TIMEOUT_S),
  notifications: notifications.optional(),
  poll_interval: z
    .number()
    .refine((given) => given === 0 || (given >= 5 && given <= 3600), 'must be 0, or from 5 to 3600 seconds')
    .default(POLL_S),
});
const schema = z.strictObject({
  clouds: z.record(
    z.string().regex(/^[\w.-]{1,255}$/, 'a name has letters, digits, dots, dashes and underscores'),
    cloud,
  ),
});
type Written = z.infer<typeof cloud>;

/** The clouds of a file, and how each is followed. */
interface ReadClouds {
  readonly clouds: Clouds;
  readonly watched: readonly WatchedCloud[];
}

/**
 * The clouds of a file; none without one.
 * @throws CONFIGURATION_INVALID naming the place in the file; a secret never stands in it
 */
export function readClouds(path: string | null, clock: Clock): ReadClouds {
  if (path === null) return { clouds: NO_CLOUDS, watched: [] };
  const parsed = schema.safeParse(parseYaml(path));
  if (!parsed.success) throw invalid(path, parsed.error.issues.slice(0, 5).map(describeIssue).join('; '));
  const written = new Map(Object.entries(parsed.data.clouds));
  const all = [...written].map(([name, each]) => cloudOf(name, each, path));
  const authorities = new Map(
    [...written].map(([name, { cacert }]) => [name, authorityOf(cacert, `clouds.${name}.cacert`, path)]),
  );
  const clouds = openClouds(all, ({ name }) => openTransport(authorities.get(name) ?? null), clock);
  const watched = [...written].map(([name, each]) => ({
    compute: clouds.of(name),
    inbox: each.notifications === undefined ? null : inboxOf(name, each.notifications, path, clock),
    pollMs: Math.round(each.poll_interval * 1000),
  }));
  return { clouds, watched };
}

function authorityOf(cacert: string | undefined, place: string, path: string): string | null {
  return cacert === undefined ? null : textOf(resolve(dirname(path), cacert), `${path}: ${place}`);
}

function inboxOf(name: string, written: z.infer<typeof notifications>, path: string, clock: Clock): Inbox {
  const { url, cacert, exchange, topics, queue_type: queueType } = written;
  const place = `clouds.${name}.notifications`;
  const password = secretOf(written, 'password', place, 'it is what the user of its url logs in with', path);
  const ca = authorityOf(cacert, `${place}.cacert`, path);
  if (ca !== null && url.startsWith('amqp:')) throw invalid(path, `${place}: cacert is for amqps, and url is amqp`);
  return rabbitInbox({ url: new URL(url), password, ca, exchange, topics, queueType }, clock);
}

/** A secret that stands in the file, or in one of its own that is read each time. */
function secretOf<Key extends string>(
  written: Readonly<Partial<Record<Key | `${Key}_file`, string | undefined>>>,
  key: Key,
  place: string,
  why: string,
  path: string,
): () => string {
  const [here, file] = [written[key], written[`${key}_file`]];
  if (here !== undefined && file !== undefined) throw invalid(path, `${place}: give one of ${key} and ${key}_file`);
  if (here !== undefined) return () => here;
  if (file === undefined) throw invalid(path, `${place}.${key}_file is missing; ${why}`);
  return secretFile(file, `${place}.${key}_file`, path);
}

function cloudOf(name: string, written: Written, path: string): Cloud {
  return {
    name,
    login: loginOf(name, written, path),
    endpoint: written.compute_endpoint_override ?? null,
    interface: written.interface,
    region: written.region_name ?? null,
    timeoutMs: Math.round(written.timeout * 1000),
  };
}

function loginOf(name: string, { auth_type: type, auth: given, ...written }: Written, path: string): CloudLogin {
  const place = `clouds.${name}.auth`;
  const need = <T>(value: T | undefined, key: string): T => {
    if (value === undefined) throw invalid(path, `${place}.${key} is missing; ${type} needs it`);
    return value;
  };
  const secret = (key: 'password' | 'application_credential_secret'): (() => string) =>
    secretOf(given, key, place, `${type} needs it`, path);
  if (type === 'none') {
    if (written.compute_endpoint_override === undefined)
      throw invalid(path, `clouds.${name}.compute_endpoint_override is missing; auth_type none needs it`);
    const { token_file: file } = given;
    return { kind: 'none', secret: file === undefined ? null : secretFile(file, `${place}.token_file`, path) };
  }
  const authUrl = need(given.auth_url, 'auth_url');
  if (type === 'v3applicationcredential') {
    const id = need(given.application_credential_id, 'application_credential_id');
    return { kind: 'application_credential', url: authUrl, id, secret: secret('application_credential_secret') };
  }
  return {
    kind: 'password',
    url: authUrl,
    user: need(given.username, 'username'),
    userDomain: given.user_domain_name,
    project: need(given.project_name, 'project_name'),
    projectDomain: given.project_domain_name,
    secret: secret('password'),
  };
}

/** A secret that is read at each login. It is read once now, so that a wrong path is told at the start. */
function secretFile(file: string, place: string, path: string): () => string {
  const whole = resolve(dirname(path), file);
  const read = (): string => {
    const [line = ''] = textOf(whole, `${path}: ${place}`).split(/\r?\n/);
    if (line === '') throw invalid(path, `${place}: ${whole} begins with an empty line; the secret is its first line`);
    return line;
  };
  read();
  return read;
}

function textOf(file: string, what: string): string {
  try {
    return readSmallFile(file);
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `${what}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parseYaml(path: string): unknown {
  const document = parseDocument(textOf(path, 'clouds_file'));
  try {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS();
  } catch (error) {
    throw invalid(path, `it is not valid YAML: ${wordsOfYamlFault(error)}`);
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') return `${place}: there is no key ${quotedKeys(issue.keys)}`;
  if (issue.code === 'invalid_key') return `${place}: ${issue.issues[0]?.message ?? issue.message}`;
  return `${place || 'the file'}: ${issue.message}`;
}

const invalid = (path: string, sentence: string): CountermandError =>
  fail('CONFIGURATION_INVALID', `${path}: ${sentence}`);
