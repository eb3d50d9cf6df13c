/** The file of clouds, in the form of OpenStack's own `clouds.yaml`, read at the start of a conductor. Secrets may stand in files of their own. */
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { openClouds } from '../../compute/client.ts';
import type { Cloud, CloudLogin } from '../../compute/cloud.ts';
import type { Clouds } from '../../compute/compute.ts';
import { openTransport } from '../../compute/transport.ts';
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { readSmallFile } from '../../core/small_file.ts';

const REQUEST_TIMEOUT_S = 30;

const text = z.string().min(1).max(1000);
const url = text.refine(
  (given) => URL.canParse(given) && /^https?:$/.test(new URL(given).protocol) && new URL(given).username === '',
  'must be an http or https URL without a user',
);
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
const cloud = z.strictObject({
  auth_type: z.enum(['password', 'v3password', 'v3applicationcredential', 'none']).default('password'),
  auth: auth.prefault({}),
  region_name: text.optional(),
  interface: z.enum(['public', 'internal', 'admin']).default('public'),
  compute_endpoint_override: url.optional(),
  cacert: text.optional(),
  timeout: z.number().min(0.1).max(600).default(REQUEST_TIMEOUT_S),
});
const schema = z.strictObject({
  clouds: z.record(
    z.string().regex(/^[\w.-]{1,255}$/, 'a name has letters, digits, dots, dashes and underscores'),
    cloud,
  ),
});
type Written = z.infer<typeof cloud>;

/**
 * The clouds of a file; none without one.
 * @throws CONFIGURATION_INVALID naming the place in the file; a secret never stands in it
 */
export function readClouds(path: string | null, clock: Clock): Clouds {
  if (path === null) return openClouds([], () => openTransport(null), clock);
  const parsed = schema.safeParse(parseYaml(path));
  if (!parsed.success) throw invalid(path, parsed.error.issues.slice(0, 5).map(describeIssue).join('; '));
  const written = new Map(Object.entries(parsed.data.clouds));
  const clouds = [...written].map(([name, each]) => cloudOf(name, each, path));
  const authorities = new Map([...written].map(([name, { cacert }]) => [name, authorityOf(cacert, name, path)]));
  return openClouds(clouds, ({ name }) => openTransport(authorities.get(name) ?? null), clock);
}

function authorityOf(cacert: string | undefined, name: string, path: string): string | null {
  return cacert === undefined ? null : textOf(resolve(dirname(path), cacert), `${path}: clouds.${name}.cacert`);
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
  const secretOf = (key: 'password' | 'application_credential_secret'): (() => string) => {
    const [here, file] = [given[key], given[`${key}_file`]];
    if (here !== undefined && file !== undefined) throw invalid(path, `${place}: give one of ${key} and ${key}_file`);
    return here === undefined ? secretFile(need(file, `${key}_file`), `${place}.${key}_file`, path) : () => here;
  };
  if (type === 'none') {
    if (written.compute_endpoint_override === undefined)
      throw invalid(path, `clouds.${name}.compute_endpoint_override is missing; auth_type none needs it`);
    const { token_file: file } = given;
    return { kind: 'none', secret: file === undefined ? null : secretFile(file, `${place}.token_file`, path) };
  }
  const authUrl = need(given.auth_url, 'auth_url');
  if (type === 'v3applicationcredential') {
    const id = need(given.application_credential_id, 'application_credential_id');
    return { kind: 'application_credential', url: authUrl, id, secret: secretOf('application_credential_secret') };
  }
  return {
    kind: 'password',
    url: authUrl,
    user: need(given.username, 'username'),
    userDomain: given.user_domain_name,
    project: need(given.project_name, 'project_name'),
    projectDomain: given.project_domain_name,
    secret: secretOf('password'),
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
    const [sentence] = (error as Error).message.split('\n');
    throw invalid(path, `it is not the YAML it should be: ${sentence}`);
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return `${place}: there is no key ${issue.keys.map((key) => `'${key}'`).join(', ')}`;
  if (issue.code === 'invalid_key') return `${place}: ${issue.issues[0]?.message ?? issue.message}`;
  return `${place || 'the file'}: ${issue.message}`;
}

const invalid = (path: string, sentence: string): CountermandError =>
  fail('CONFIGURATION_INVALID', `${path}: ${sentence}`);
