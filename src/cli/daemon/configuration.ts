/**
 * Reading the configuration: flags win over environment variables, these over the file, and the file over the defaults.
 * Each of them is checked whole, also where another one wins.
 */
import { homedir, hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { fail } from '../../core/errors.ts';
import { readAtStart } from '../../core/small_file.ts';
import type { IdentityLimits } from '../../server/api/identity_limits.ts';
import type { Keep, Retention } from '../../server/retention.ts';
import type { Environment } from '../shared/terminal.ts';
import type { TlsFiles } from '../shared/tls_files.ts';
import { wordsOfYamlFault } from '../shared/yaml_fault.ts';
import { CONFIGURATION_KEYS, flagOf, KEY_NAMES, type KeyName, variableOf } from './configuration_keys.ts';
import type { ConfigurationKey } from './configuration_kinds.ts';
import { standardEndpoint } from './trace_keys.ts';
import type { VaultPlace } from './vault.ts';

/** The configuration of a daemon. Times are in milliseconds here, and in seconds where they are written. */
export interface Configuration {
  readonly listen: string;
  /** Null: not at all. */
  readonly httpListen: string | null;
  /** Where other conductors reach this one; null: as `listen` says. */
  readonly advertise: string | null;
  /** What the conductor shows on both ports; no certificate: plaintext. */
  readonly tls: TlsFiles;
  /** Null: as the methods say. */
  readonly authentication: 'required' | 'none' | null;
  readonly secondAgent: 'refuse' | 'replace';
  /** The file of roles; null: there is none. */
  readonly accessFile: string | null;
  /** The file of clouds; null: there is none. */
  readonly cloudsFile: string | null;
  /** The file of the token of an agent on its own. */
  readonly tokenFile: string | null;
  /** Null: no JSON Web Token is accepted. */
  readonly jwtIssuer: string | null;
  /** A path or a URL. */
  readonly jwtKeys: string | null;
  readonly jwtAudience: string;
  readonly jwtClockSkewMs: number;
  /** Null: no password is accepted. */
  readonly htpasswdFile: string | null;
  /** What an agent on its own shows its conductor, and whom it trusts. */
  readonly agentTls: TlsFiles;
  /** The name that the certificate of the conductor must have; null: the host of its address. */
  readonly serverName: string | null;
  readonly dataFolder: string;
  /** The PostgreSQL database; null: a file in the data folder. */
  readonly databaseUrl: string | null;
  /** The file with the password of its user; null if none is named. */
  readonly databasePasswordFile: string | null;
  /** Where the key is that driver_info is sealed with; null: in the data folder. */
  readonly secretsKey: string | null;
  readonly secretsKeyPrevious: string | null;
  readonly zone: string;
  readonly logLevel: Values['log_level'];
  readonly softPowerOffTimeoutMs: number;
  readonly softPowerOffTimeoutLimitMs: number;
  readonly powerStateChangeTimeoutLimitMs: number;
  readonly powerStateChangeTimeoutMs: number;
  /** 0 is off. */
  readonly syncPowerStateIntervalMs: number;
  readonly syncPowerStateWorkers: number;
  readonly startTimeoutMs: number;
  readonly abortTimeoutMs: number;
  readonly recallConfirmMs: number;
  readonly repetitionWindowMs: number;
  readonly agentLeaseMs: number;
  readonly leaderLeaseMs: number;
  /** How long calls may take to end when the process is to stop. */
  readonly drainTimeoutMs: number;
  /** How long the client of a stream may leave messages unread. */
  readonly streamReadTimeoutMs: number;
  readonly windowReadIntervalMs: number;
  readonly cancelDeadlineMs: number;
  readonly rollbackWindowMs: number;
  /** 0 is off. */
  readonly actionPlanExpiryMs: number;
  readonly checkPeriodicIntervalMs: number;
  readonly confirmAbove: number;
  /** How long what is stored is kept. */
  readonly retention: Retention;
  /** Null: each driver's own. */
  readonly minCommandIntervalMs: number | null;
  /** 0 keeps no session. */
  readonly ipmiKeepSessionMs: number;
  /** Null: no `file:` value can be read. */
  readonly secretsFolder: string | null;
  /** What each identity may have. */
  readonly identityLimits: IdentityLimits;
  /** Null: no `_verify_ca` value may name a file. */
  readonly bmcCaFolder: string | null;
  /** Where an agent reads `vault:` values. */
  readonly vault: VaultPlace;
  /** The file that says what an agent may reach; null: everything. */
  readonly bmcAccess: string | null;
  /** The file that says where sinks may send events to; null: there is none. */
  readonly sinkAccess: string | null;
  readonly agentName: string;
  /** Where traces go; null: nowhere. */
  readonly tracesEndpoint: string | null;
  readonly tracesSampleRatio: number;
}

type Rules = { readonly [Key in KeyName]: z.infer<ReturnType<(typeof CONFIGURATION_KEYS)[Key]['rule']>> };
/** The keys that always have a value: a fallback, or one that is found at the start. */
type Sure =
  | { [Key in KeyName]: 'fallback' extends keyof (typeof CONFIGURATION_KEYS)[Key] ? Key : never }[KeyName]
  | Found;
type Found = keyof ReturnType<typeof findDefaults>;
/** The values of all keys that have one, as they are written. */
export type Values = Pick<Rules, Sure> & Partial<Omit<Rules, Sure>>;
/** What one source says. */
type Given = Partial<Rules>;

/** One place from which values come, and how it calls a key. */
interface Source {
  readonly values: unknown;
  nameOf(key: string): string;
}

function check({ values, nameOf }: Source): Given {
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw fail('CONFIGURATION_INVALID', `${nameOf('')} must be a list of KEY: VALUE lines`);
  const given = values as Readonly<Record<string, unknown>>;
  const wrong = KEY_NAMES.flatMap((key) => {
    const row: ConfigurationKey = CONFIGURATION_KEYS[key];
    if (given[key] === undefined || row.rule().safeParse(given[key]).success) return [];
    const is = row.hidden ? 'something else' : JSON.stringify(given[key]);
    return [`${nameOf(key)} must be ${row.type}; given: ${is}`];
  });
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(CONFIGURATION_KEYS, key));
  if (unknown.length > 0)
    wrong.push(`${unknown.map(nameOf).join(', ')} is no key; the keys are ${KEY_NAMES.join(', ')}`);
  if (wrong.length > 0) throw fail('CONFIGURATION_INVALID', wrong.join('; '));
  return given as Given;
}

/** Text of a flag or a variable as a value: a number where the key is one. */
function fromText(key: KeyName, text: string): string | number {
  const numeric = CONFIGURATION_KEYS[key].rule() instanceof z.ZodNumber;
  return numeric && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function fromTexts(textOf: (key: KeyName) => unknown, nameOf: (key: KeyName) => string): Given {
  const texts = KEY_NAMES.map((key) => [key, textOf(key)] as const);
  const given = texts.filter(([, text]) => typeof text === 'string');
  const values = Object.fromEntries(given.map(([key, text]) => [key, fromText(key, String(text))]));
  return check({ values, nameOf: (key) => nameOf(key as KeyName) });
}

function readText(path: string): string {
  try {
    return readAtStart(path);
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `the configuration file ${path} cannot be read: ${(error as Error).message}`);
  }
}

/** The keys that are paths: in a file, relative ones begin at its own folder. */
const PATHS = KEY_NAMES.filter((key) => /^(file|folder)\b/.test(CONFIGURATION_KEYS[key].placeholder));

function fromFile(path: string): Given {
  const values = check({ values: parseYaml(path), nameOf: (key) => (key === '' ? path : `${path}: ${key}`) });
  const paths = PATHS.flatMap((key) => {
    const named = values[key];
    return typeof named !== 'string' || isUrl(named) ? [] : [[key, resolve(dirname(path), named)]];
  });
  const keys = (['secrets_key', 'secrets_key_previous'] as const).flatMap((key) => {
    const [, named] = /^file:(.+)$/.exec(values[key] ?? '') ?? [];
    return named === undefined ? [] : [[key, `file:${resolve(dirname(path), named)}`]];
  });
  return { ...values, ...Object.fromEntries([...paths, ...keys]) };
}

function parseYaml(path: string): unknown {
  const document = parseDocument(readText(path));
  try {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() ?? {};
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `${path} is not valid YAML: ${wordsOfYamlFault(error)}`);
  }
}

/** Where the data belongs by default. */
function defaultDataFolder(environment: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/countermand';
  return join(environment.XDG_DATA_HOME || join(homedir(), '.local/share'), 'countermand');
}

function defaults(environment: Environment): Given {
  const fixed = KEY_NAMES.flatMap((key) => {
    const row: ConfigurationKey = CONFIGURATION_KEYS[key];
    return row.fallback === undefined ? [] : [[key, row.fallback]];
  });
  return { ...Object.fromEntries(fixed), ...findDefaults(environment) };
}

/** The defaults that depend on this host. */
const findDefaults = (environment: Environment) => ({ data: defaultDataFolder(environment), agent_name: hostname() });

/** What the standard variables of other programs say. */
function standardValues(environment: Environment): Given {
  const standard = standardEndpoint(environment);
  return standard === null ? {} : check({ values: { traces_endpoint: standard.url }, nameOf: () => standard.variable });
}

const camelCase = (key: KeyName): string => key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/**
 * What flags, variables, the file and the defaults say together, by key.
 * @param options the options of its command as commander read them; `config` names the file
 * @throws CONFIGURATION_INVALID naming the flag, the variable or the key in the file, and what its value must be
 */
export function readValues(options: Readonly<Record<string, unknown>>, environment: Environment): Values {
  const file = options.config ?? environment.COUNTERMAND_CONFIG;
  const values = {
    ...defaults(environment),
    ...standardValues(environment),
    ...(typeof file === 'string' && file !== '' ? fromFile(file) : {}),
    ...fromTexts((key) => environment[variableOf(key)] || undefined, variableOf),
    ...fromTexts((key) => options[camelCase(key)], flagOf),
  };
  return values as Values;
}

/** The configuration of a daemon. @throws as `readValues` */
export function readConfiguration(options: Readonly<Record<string, unknown>>, environment: Environment): Configuration {
  return configurationOf(readValues(options, environment));
}

const pathOf = (path: string | undefined): string | null => (path === undefined ? null : resolve(path));

/** `jwt_keys` may be one. */
const isUrl = (text: string): boolean => /^https?:\/\//.test(text);

const milliseconds = (seconds: number): number => Math.round(seconds * 1000);

function vaultOf(values: Values): VaultPlace {
  return {
    address: values.vault_address ?? null,
    tokenFile: pathOf(values.vault_token_file),
    roleIdFile: pathOf(values.vault_role_id_file),
    secretIdFile: pathOf(values.vault_secret_id_file),
    ca: pathOf(values.vault_ca),
    namespace: values.vault_namespace ?? null,
    timeoutMs: milliseconds(values.vault_timeout),
    cacheMs: milliseconds(values.vault_cache),
  };
}

function retentionOf(values: Values): Retention {
  return {
    events: keep(values.events_keep, values.events_keep_rows),
    tasks: keep(values.tasks_keep, values.tasks_keep_rows),
    plans: keep(values.plans_keep, values.plans_keep_rows),
    audits: keep(values.audits_keep, values.audits_keep_rows),
    trail: keep(values.trail_keep, values.trail_keep_rows),
  };
}

const keep = (days: number, rows: number): Keep => ({ forMs: milliseconds(days * 86_400), rows });

function checkTogether({ recall_confirm: confirm, abort_timeout: timeout }: Values): void {
  if (confirm >= timeout)
    throw fail(
      'CONFIGURATION_INVALID',
      `recall_confirm (${confirm} s) must be shorter than abort_timeout (${timeout} s): every recall would end FAILED`,
    );
}

/** The configuration that values make. @throws CONFIGURATION_INVALID for values that do not go together */
export function configurationOf(values: Values): Configuration {
  checkTogether(values);
  return {
    listen: values.listen,
    httpListen: values.http_listen === 'none' ? null : values.http_listen,
    advertise: values.advertise ?? null,
    tls: { certificate: pathOf(values.tls_certificate), key: pathOf(values.tls_key), ca: pathOf(values.tls_client_ca) },
    authentication: values.authentication ?? null,
    secondAgent: values.second_agent,
    accessFile: pathOf(values.access_file),
    cloudsFile: pathOf(values.clouds_file),
    tokenFile: pathOf(values.token_file),
    jwtIssuer: values.jwt_issuer ?? null,
    jwtKeys:
      values.jwt_keys === undefined || isUrl(values.jwt_keys) ? (values.jwt_keys ?? null) : resolve(values.jwt_keys),
    jwtAudience: values.jwt_audience,
    jwtClockSkewMs: milliseconds(values.jwt_clock_skew),
    htpasswdFile: pathOf(values.htpasswd_file),
    agentTls: { certificate: pathOf(values.certificate), key: pathOf(values.key), ca: pathOf(values.ca) },
    serverName: values.server_name ?? null,
    dataFolder: resolve(values.data),
    databaseUrl: values.database ?? null,
    databasePasswordFile: pathOf(values.database_password_file),
    secretsKey: values.secrets_key ?? null,
    secretsKeyPrevious: values.secrets_key_previous ?? null,
    zone: values.zone,
    logLevel: values.log_level,
    softPowerOffTimeoutMs: milliseconds(values.soft_power_off_timeout),
    softPowerOffTimeoutLimitMs: milliseconds(values.soft_power_off_timeout_limit),
    powerStateChangeTimeoutLimitMs: milliseconds(values.power_state_change_timeout_limit),
    powerStateChangeTimeoutMs: milliseconds(values.power_state_change_timeout),
    syncPowerStateIntervalMs: milliseconds(values.sync_power_state_interval),
    syncPowerStateWorkers: values.sync_power_state_workers,
    startTimeoutMs: milliseconds(values.start_timeout),
    abortTimeoutMs: milliseconds(values.abort_timeout),
    recallConfirmMs: milliseconds(values.recall_confirm),
    repetitionWindowMs: milliseconds(values.repetition_window),
    agentLeaseMs: milliseconds(values.agent_lease),
    leaderLeaseMs: milliseconds(values.leader_lease),
    drainTimeoutMs: milliseconds(values.drain_timeout),
    streamReadTimeoutMs: milliseconds(values.stream_read_timeout),
    windowReadIntervalMs: milliseconds(values.window_read_interval),
    cancelDeadlineMs: milliseconds(values.cancel_deadline),
    rollbackWindowMs: milliseconds(values.rollback_window),
    actionPlanExpiryMs: milliseconds(values.action_plan_expiry * 3600),
    checkPeriodicIntervalMs: milliseconds(values.check_periodic_interval),
    confirmAbove: values.confirm_above,
    retention: retentionOf(values),
    minCommandIntervalMs: values.min_command_interval === undefined ? null : milliseconds(values.min_command_interval),
    ipmiKeepSessionMs: milliseconds(values.ipmi_keep_session),
    secretsFolder: pathOf(values.secrets_dir),
    identityLimits: {
      identity_calls: values.identity_calls,
      identity_streams: values.identity_streams,
      identity_plans: values.identity_plans,
      identity_actions: values.identity_actions,
      identity_nodes: values.identity_nodes,
    },
    bmcCaFolder: pathOf(values.bmc_ca_dir),
    vault: vaultOf(values),
    bmcAccess: pathOf(values.bmc_access),
    sinkAccess: pathOf(values.sink_access),
    agentName: values.agent_name,
    tracesEndpoint: (values.traces_endpoint ?? 'none') === 'none' ? null : (values.traces_endpoint ?? null),
    tracesSampleRatio: values.traces_sample_ratio,
  };
}

/** Adds `--config` and a flag for each of these keys to a command, but for those that stand at every command. */
export function addConfigurationOptions(command: Command, keys: readonly KeyName[]): Command {
  command.option('--config <file>', 'the configuration file (YAML); else COUNTERMAND_CONFIG, else none');
  for (const key of keys) {
    const { placeholder, meaning, everywhere }: ConfigurationKey = CONFIGURATION_KEYS[key];
    if (!everywhere) command.option(`${flagOf(key)} <${placeholder}>`, meaning);
  }
  return command;
}
