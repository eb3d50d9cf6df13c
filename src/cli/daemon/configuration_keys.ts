/**
 * The keys of the configuration, as data: the schema, the flags, the environment variables and docs/configuration.md
 * come from this table. Keys that Ironic has keep their names.
 */
import * as z from 'zod';
import { LOG_LEVELS, type LogLevelName } from '../../core/log_levels.ts';
import { isKeySetUrl } from '../../server/access/methods.ts';
import { isAddress } from '../shared/address.ts';
import { type ConfigurationKey, file, folder, name, seconds, wholeSeconds } from './configuration_kinds.ts';
import { IDENTITY_KEYS } from './identity_keys.ts';
import { RETENTION_KEYS } from './retention_keys.ts';
import { SECRET_KEYS } from './secret_keys.ts';
import { TRACE_KEYS } from './trace_keys.ts';

/** The table of keys. */
export const CONFIGURATION_KEYS = {
  listen: {
    type: 'HOST:PORT, with an IPv6 host in brackets; port 0 takes any free one',
    placeholder: 'host:port',
    rule: () => z.string().refine((text) => isAddress(text, true)),
    fallback: '127.0.0.1:7077',
    readBy: 'conductor',
    meaning:
      'where the conductor listens for gRPC. An address that other hosts can reach needs TLS, and callers who say who they are, unless `--insecure` is given',
  },
  http_listen: {
    type: 'HOST:PORT, with an IPv6 host in brackets; port 0 takes any free one; or none',
    placeholder: 'host:port|none',
    rule: () => z.string().refine((text) => text === 'none' || isAddress(text, true)),
    fallback: '127.0.0.1:7078',
    readBy: 'conductor',
    meaning:
      'where the conductor listens for HTTP; `none` switches it off. An address that other hosts can reach needs TLS, and callers who say who they are, unless `--insecure` is given',
  },
  advertise: {
    type: 'HOST:PORT, with an IPv6 host in brackets',
    placeholder: 'host:port',
    rule: () => z.string().refine((text) => isAddress(text)),
    fallbackWords: '`listen`, with the name of the host where that is a wildcard',
    readBy: 'conductor',
    meaning:
      'where several conductors stand on one PostgreSQL: the address at which the others reach this one for gRPC; its HTTP door is looked for on the same host. No address that several share, as of a load balancer',
  } satisfies ConfigurationKey<string>,
  tls_certificate: file({
    fallbackWords: 'none: plaintext, which is for loopback addresses',
    readBy: 'conductor',
    meaning:
      'PEM file with the certificate that the conductor shows over gRPC and HTTP, and those of intermediate authorities behind it. With it, both ports speak TLS 1.2 or later, and nothing else. A new file is used within seconds, without a restart; open connections stay as they are',
  }),
  tls_key: file({
    fallbackWords: 'none',
    readBy: 'conductor',
    meaning: 'PEM file with the key of `tls_certificate`, not encrypted',
  }),
  tls_client_ca: file({
    fallbackWords: 'none: clients are not asked for a certificate',
    readBy: 'conductor',
    meaning:
      'PEM file with the authorities that may vouch for clients. With it, a client can say who it is by its certificate, and every caller must say who it is',
  }),
  htpasswd_file: file({
    fallbackWords: 'none',
    readBy: 'conductor',
    meaning:
      'file of users and passwords, as `htpasswd -B` writes it (bcrypt). With it, a client can say who it is by HTTP basic, and every caller must say who it is. A change is used within seconds',
  }),
  jwt_issuer: {
    type: 'a text of 1 to 255 characters',
    placeholder: 'issuer',
    rule: () => z.string().min(1).max(255),
    fallbackWords: 'none',
    readBy: 'conductor',
    meaning:
      'what `iss` of a JSON Web Token must be. With it, a client can say who it is by a bearer token of this issuer, and every caller must say who it is',
  } satisfies ConfigurationKey<string>,
  jwt_keys: {
    type: 'the path of a file, or an https URL without a user',
    placeholder: 'file|url',
    rule: () =>
      z
        .string()
        .min(1)
        .regex(/^[^\0]*$/)
        .refine((text) => !text.includes('://') || isKeySetUrl(text)),
    hidden: true,
    fallbackWords: 'none',
    readBy: 'conductor',
    meaning: 'the public keys of `jwt_issuer`: a JWKS file, a public key in PEM, or the URL of a JWKS',
  } satisfies ConfigurationKey<string>,
  jwt_audience: {
    type: 'a text of 1 to 255 characters',
    placeholder: 'audience',
    rule: () => z.string().min(1).max(255),
    fallback: 'countermand',
    readBy: 'conductor',
    meaning: 'what must be among `aud` of a JSON Web Token',
  } satisfies ConfigurationKey<string>,
  jwt_clock_skew: {
    type: 'a number of seconds from 0 to 300',
    placeholder: 'seconds',
    rule: () => z.number().min(0).max(300),
    fallback: 30,
    readBy: 'conductor',
    meaning: 'by how much the clocks of `jwt_issuer` and the conductor may differ',
  } satisfies ConfigurationKey<number>,
  authentication: {
    type: 'required or none',
    placeholder: 'required|none',
    rule: () => z.enum(['required', 'none']),
    fallbackWords: '`required` with `tls_client_ca`, `jwt_issuer` or `htpasswd_file`; else `none`',
    readBy: 'conductor',
    meaning:
      'whether every caller must say who it is. Where it must, tokens of `countermand token create` are accepted; make the first one before, over loopback',
  } satisfies ConfigurationKey<'required' | 'none'>,
  access_file: file({
    fallbackWords: 'none: every caller that says who it is may do everything',
    readBy: 'conductor',
    meaning:
      'YAML file of roles, and of who has which over which nodes; see [security](security.md). With it, a caller that it names nowhere may do nothing. A change is used within seconds; a file that is wrong then changes nothing',
  }),
  clouds_file: file({
    fallbackWords: 'none: plans move no instances',
    readBy: 'conductor',
    meaning:
      'YAML file of the OpenStack clouds whose compute services the conductor may speak to, in the form of `clouds.yaml`; see [OpenStack](openstack.md)',
  }),
  second_agent: {
    type: 'refuse or replace',
    placeholder: 'refuse|replace',
    rule: () => z.enum(['refuse', 'replace']),
    fallback: 'refuse',
    readBy: 'conductor',
    meaning:
      'what becomes of an agent that attaches with the token of one that is attached: it is refused, or it replaces the first',
  } satisfies ConfigurationKey<'refuse' | 'replace'>,
  data: folder({
    fallbackWords: '`/var/lib/countermand` for root; else `$XDG_DATA_HOME/countermand` or `~/.local/share/countermand`',
    readBy: 'conductor',
    meaning: 'the folder of the database; made if it is not there; one conductor at a time uses it',
  }),
  database: {
    type: 'postgres://USER@HOST:PORT/NAME, without a password',
    placeholder: 'url',
    rule: () => z.string().regex(/^postgres(ql)?:\/\/\S+$/),
    fallbackWords: 'none: a SQLite file in `data`',
    readBy: 'conductor',
    hidden: true,
    meaning:
      'the PostgreSQL database (version 14 or later) that is used instead of a file; several conductors may stand on it. `?sslmode=` is `disable`, `require`, `verify-ca` or `verify-full`; without it, a database on another host is `verify-full`. `sslrootcert`, `sslcert` and `sslkey` name files; `?host=/run/postgresql` names a Unix socket',
  } satisfies ConfigurationKey<string>,
  database_password_file: file({
    fallbackWords:
      'none: the environment variable `COUNTERMAND_DATABASE_PASSWORD`, else `PGPASSWORD` or `~/.pgpass`, as for any client of PostgreSQL',
    readBy: 'conductor',
    meaning:
      'the file whose first line is the password of the user that `database` names. It is read for each connection, so a password that has changed needs no restart',
  }),
  zone: name({
    fallback: 'default',
    readBy: 'agent',
    meaning: 'the part of the BMC network that the agent reaches',
  }),
  log_level: {
    type: `one of ${LOG_LEVELS.join(', ')}`,
    placeholder: 'level',
    rule: () => z.enum(LOG_LEVELS),
    fallback: 'info',
    readBy: 'both',
    meaning: 'the least severe level that is logged',
  } satisfies ConfigurationKey<LogLevelName>,
  soft_power_off_timeout: wholeSeconds(1, {
    fallback: 600,
    readBy: 'conductor',
    meaning:
      'when a soft power off, and the first half of a soft reboot, times out, unless the order says otherwise; afterwards the node is watched as long again',
  }),
  power_state_change_timeout: wholeSeconds(1, {
    fallback: 60,
    readBy: 'conductor',
    meaning: 'when all other targets, and the second half of a soft reboot, time out, unless the order says otherwise',
  }),
  soft_power_off_timeout_limit: wholeSeconds(1, {
    fallback: 86_400,
    readBy: 'conductor',
    meaning: 'the longest timeout that a soft order may name',
  }),
  power_state_change_timeout_limit: wholeSeconds(1, {
    fallback: 3600,
    readBy: 'conductor',
    meaning: 'the longest timeout that any other order may name, and so the longest time that it can hold a node',
  }),
  sync_power_state_interval: seconds(0, {
    fallback: 120,
    readBy: 'conductor',
    meaning: 'how often every node is read, varied a little; 0 switches it off',
  }),
  sync_power_state_workers: {
    type: 'a whole number from 1 to 1000',
    placeholder: 'count',
    rule: () => z.int().min(1).max(1000),
    fallback: 8,
    readBy: 'conductor',
    meaning: 'how many nodes are read at the same time',
  },
  start_timeout: seconds(0.1, {
    fallback: 60,
    readBy: 'conductor',
    meaning: 'how long an order may wait to be sent; after that it ends FAILED, and nothing was sent',
  }),
  abort_timeout: seconds(0.1, {
    fallback: 30,
    readBy: 'conductor',
    meaning: 'how long an agent may take to answer an abort; after that the outcome is FAILED',
  }),
  recall_confirm: seconds(0, {
    fallback: 15,
    readBy: 'conductor',
    meaning:
      'how long the host must be seen running after the BMC accepted a recall; only then is the outcome RECALLED. Shorter than abort_timeout',
  }),
  repetition_window: seconds(0, {
    fallback: 15,
    readBy: 'conductor',
    meaning:
      'how long a request over HTTP that brings no id, and equals one before it, is taken for a repetition of that; the clients of OpenStack repeat a request whose connection broke for 12 seconds',
  }),
  agent_lease: seconds(0.1, {
    fallback: 15,
    readBy: 'conductor',
    meaning:
      'an agent that has had no contact with the conductor for this long sends nothing more; after twice this time another agent takes over its BMCs',
  }),
  leader_lease: seconds(0.5, {
    fallback: 3,
    readBy: 'conductor',
    meaning:
      'where several conductors stand on one PostgreSQL: one that leads stops when its database has not answered for this long; a conductor that stands by takes over after that. The same for all of them; where two differ, as while it is being changed, each leader is borne with for its own',
  }),
  drain_timeout: seconds(0, {
    fallback: 30,
    readBy: 'conductor',
    meaning:
      'after SIGTERM: how long calls over gRPC that are under way may take to end; then they are cut off, and what they have begun is carried on after the next start. Streams end at once. Requests over HTTP get 5 s. All of the shutdown together takes 20 s more at most: what hangs then is named in the log, and the process ends with exit code 7',
  }),
  stream_read_timeout: seconds(1, {
    fallback: 300,
    readBy: 'conductor',
    meaning:
      'how long the client of a stream may read nothing while messages wait for it; then the stream is ended with STREAM_NOT_READ, and whoever comes again goes on after the last event that it read. Any other answer has to be read as a whole within this time, or its connection over HTTP, or its call over gRPC, is ended',
  }),
  window_read_interval: seconds(0.1, {
    fallback: 10,
    readBy: 'conductor',
    meaning: 'how often to read a node whose given-up order may still take effect',
  }),
  cancel_deadline: seconds(0.1, {
    fallback: 120,
    readBy: 'conductor',
    meaning: 'after the cancel of a plan: how long to wait for an action that cannot be aborted before it ends FAILED',
  }),
  action_plan_expiry: {
    type: 'a number of hours from 0 to 8760',
    placeholder: 'hours',
    rule: () => z.number().min(0).max(8760),
    fallback: 24,
    readBy: 'conductor',
    meaning: 'hours after which a plan that was not launched is superseded; 0 switches it off',
  },
  check_periodic_interval: seconds(1, {
    fallback: 1800,
    readBy: 'conductor',
    meaning: 'how often to look for plans that have expired',
  }),
  confirm_above: {
    type: 'a whole number from 0 to 1000000',
    placeholder: 'nodes',
    rule: () => z.int().min(0).max(1_000_000),
    fallback: 20,
    readBy: 'conductor',
    meaning:
      'an order that takes more running nodes down than this states the number: `expect_taken_down` in the RPCs and routes, without which it is refused. `--yes` alone does not confirm it: a person answers on the terminal, or a script says `--yes=N`',
  },
  rollback_window: wholeSeconds(0, {
    fallback: 3600,
    readBy: 'conductor',
    meaning: 'how long after its end a plan can be rolled back',
  }),
  min_command_interval: seconds(0, {
    fallbackWords: "the driver's own: see [drivers](drivers.md)",
    readBy: 'agent',
    meaning: 'the rest between two commands to one BMC',
  }),
  ipmi_keep_session: seconds(0, {
    fallback: 180,
    readBy: 'agent',
    meaning: 'how long an idle IPMI session is kept open, one for each BMC; 0 opens one for each command',
  }),
  ...RETENTION_KEYS,
  ...IDENTITY_KEYS,
  ...SECRET_KEYS,
  ...TRACE_KEYS,
  ca: file({
    fallbackWords: 'the authorities of the system',
    readBy: 'agent',
    everywhere: true,
    meaning:
      'of an agent on its own: PEM file with the authorities that may vouch for the conductor. Without it, and without `certificate` and `server_name`, a conductor on a loopback address is spoken to in plaintext',
  }),
  certificate: file({
    fallbackWords: 'none',
    readBy: 'agent',
    everywhere: true,
    meaning:
      'of an agent on its own: PEM file with the certificate that it shows its conductor. A new file is used when the agent attaches again',
  }),
  key: file({
    fallbackWords: 'none',
    readBy: 'agent',
    everywhere: true,
    meaning: 'of an agent on its own: PEM file with the key of `certificate`, not encrypted',
  }),
  token_file: file({
    fallbackWords: 'none',
    readBy: 'agent',
    everywhere: true,
    meaning:
      'of an agent on its own: file with the token that it shows its conductor, as `countermand agent token create` prints it. It is read each time that the agent attaches',
  }),
  server_name: name({
    fallbackWords: 'the host of its address',
    readBy: 'agent',
    everywhere: true,
    meaning: 'of an agent on its own: the name that the certificate of the conductor must have',
  }),
  agent_name: name({
    fallbackWords: 'the name of the host',
    readBy: 'agent',
    meaning: 'the name by which people know the agent',
  }),
} as const satisfies Record<string, ConfigurationKey<never> | ConfigurationKey<string> | ConfigurationKey<number>>;

/** The name of a key. */
export type KeyName = keyof typeof CONFIGURATION_KEYS;

/** The names of all keys. */
export const KEY_NAMES = Object.keys(CONFIGURATION_KEYS) as readonly KeyName[];

/** The names of the keys that a daemon reads. */
export function keysReadBy(reader: 'conductor' | 'agent'): KeyName[] {
  return KEY_NAMES.filter((key) => [reader, 'both'].includes(CONFIGURATION_KEYS[key].readBy));
}

/** The environment variable of a key. */
export function variableOf(key: KeyName): string {
  return `COUNTERMAND_${key.toUpperCase()}`;
}

/** The flag of a key. */
export function flagOf(key: KeyName): string {
  return `--${key.replaceAll('_', '-')}`;
}
