import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command } from 'commander';
import fc from 'fast-check';
import { addConfigurationOptions, readConfiguration } from '../../../src/cli/daemon/configuration.ts';
import {
  CONFIGURATION_KEYS,
  flagOf,
  KEY_NAMES,
  type KeyName,
  keysReadBy,
  variableOf,
} from '../../../src/cli/daemon/configuration_keys.ts';
import type { ConfigurationKey } from '../../../src/cli/daemon/configuration_kinds.ts';
import { CountermandError } from '../../../src/core/errors.ts';

/** A configuration file in a folder of its own. */
function fileOf(t: ExecutionContext, text: string): { config: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'countermand-configuration-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'countermand.yaml');
  writeFileSync(config, text);
  return { config, folder };
}

function refusal(read: () => unknown, t: ExecutionContext): string {
  const error = t.throws(read, { instanceOf: CountermandError });
  t.is(error.code, 'CONFIGURATION_INVALID');
  t.is(error.row.exitCode, 2);
  return error.message;
}

test('the defaults', (t) => {
  const { dataFolder, ...rest } = readConfiguration({}, { XDG_DATA_HOME: '/xdg' });
  t.true(['/xdg/countermand', '/var/lib/countermand'].includes(dataFolder));
  t.deepEqual(rest, {
    ...{ databaseUrl: null, databasePasswordFile: null },
    cancelDeadlineMs: 120_000,
    rollbackWindowMs: 3_600_000,
    actionPlanExpiryMs: 86_400_000,
    checkPeriodicIntervalMs: 1_800_000,
    confirmAbove: 20,
    listen: '127.0.0.1:7077',
    httpListen: '127.0.0.1:7078',
    advertise: null,
    leaderLeaseMs: 3000,
    drainTimeoutMs: 30_000,
    streamReadTimeoutMs: 300_000,
    tls: { certificate: null, key: null, ca: null },
    agentTls: { certificate: null, key: null, ca: null },
    serverName: null,
    accessFile: null,
    cloudsFile: null,
    authentication: null,
    secondAgent: 'refuse',
    tokenFile: null,
    jwtIssuer: null,
    jwtKeys: null,
    jwtAudience: 'countermand',
    jwtClockSkewMs: 30_000,
    htpasswdFile: null,
    secretsKey: null,
    secretsKeyPrevious: null,
    zone: 'default',
    logLevel: 'info',
    softPowerOffTimeoutMs: 600_000,
    softPowerOffTimeoutLimitMs: 86_400_000,
    powerStateChangeTimeoutLimitMs: 3_600_000,
    powerStateChangeTimeoutMs: 60_000,
    syncPowerStateIntervalMs: 120_000,
    syncPowerStateWorkers: 8,
    startTimeoutMs: 60_000,
    abortTimeoutMs: 30_000,
    recallConfirmMs: 15_000,
    repetitionWindowMs: 15_000,
    agentLeaseMs: 15_000,
    windowReadIntervalMs: 10_000,
    retention: {
      events: { forMs: 90 * 86_400_000, rows: 5_000_000 },
      tasks: { forMs: 365 * 86_400_000, rows: 1_000_000 },
      plans: { forMs: 365 * 86_400_000, rows: 100_000 },
      audits: { forMs: 365 * 86_400_000, rows: 100_000 },
      trail: { forMs: 730 * 86_400_000, rows: 10_000_000 },
    },
    minCommandIntervalMs: null,
    ipmiKeepSessionMs: 180_000,
    secretsFolder: null,
    identityLimits: {
      ...{ identity_calls: 10_000, identity_streams: 10_000, identity_plans: 10_000 },
      ...{ identity_actions: 5_000_000, identity_nodes: 1_000_000 },
    },
    bmcCaFolder: null,
    vault: {
      ...{ address: null, tokenFile: null, roleIdFile: null, secretIdFile: null, ca: null, namespace: null },
      ...{ timeoutMs: 5000, cacheMs: 300_000 },
    },
    bmcAccess: null,
    sinkAccess: null,
    agentName: hostname(),
    ...{ tracesEndpoint: null, tracesSampleRatio: 1 },
  });
});

test('flags win over variables, variables over the file, the file over the defaults', (t) => {
  const { config } = fileOf(t, 'zone: from-file\nlisten: 127.0.0.1:1\nstart_timeout: 1.5\nlog_level: warn\n');
  const environment = {
    COUNTERMAND_LISTEN: '127.0.0.1:2',
    COUNTERMAND_START_TIMEOUT: '2.5',
    COUNTERMAND_CONFIG: config,
  };
  const read = readConfiguration({ startTimeout: '3' }, environment);
  t.like(read, {
    zone: 'from-file',
    listen: '127.0.0.1:2',
    startTimeoutMs: 3000,
    logLevel: 'warn',
    abortTimeoutMs: 30_000,
  });
  const { config: other } = fileOf(t, 'zone: other');
  t.is(readConfiguration({ config: other }, environment).zone, 'other');
});

/** A value for each key that is not its default. */
const SAMPLES: Readonly<Record<KeyName, string | number>> = {
  listen: '[::1]:9',
  http_listen: 'none',
  advertise: 'db7.example:7077',
  tls_certificate: '/samples/server.pem',
  tls_key: '/samples/server.key',
  tls_client_ca: '/samples/clients.pem',
  htpasswd_file: '/samples/htpasswd',
  secrets_key: 'file:/samples/secrets.key',
  secrets_key_previous: 'env:OLD_KEY',
  jwt_issuer: 'https://issuer.example',
  jwt_keys: '/samples/jwks.json',
  jwt_audience: 'rack7',
  jwt_clock_skew: 5,
  authentication: 'required',
  access_file: '/x/access.yaml',
  clouds_file: '/x/clouds.yaml',
  sink_access: '/x/sinks.yaml',
  second_agent: 'replace',
  token_file: '/samples/token',
  data: '/samples/data',
  database: 'postgres://countermand@db7/countermand',
  database_password_file: '/samples/password',
  zone: 'rack7',
  log_level: 'debug',
  soft_power_off_timeout: 7,
  power_state_change_timeout: 7,
  soft_power_off_timeout_limit: 7000,
  power_state_change_timeout_limit: 700,
  sync_power_state_interval: 0.5,
  sync_power_state_workers: 7,
  start_timeout: 0.5,
  abort_timeout: 20,
  recall_confirm: 0.5,
  repetition_window: 20,
  agent_lease: 0.5,
  leader_lease: 5,
  drain_timeout: 7,
  stream_read_timeout: 70,
  window_read_interval: 0.5,
  cancel_deadline: 60,
  rollback_window: 600,
  action_plan_expiry: 0.5,
  check_periodic_interval: 60,
  confirm_above: 5,
  events_keep: 7,
  events_keep_rows: 7000,
  tasks_keep: 8,
  tasks_keep_rows: 8000,
  plans_keep: 9,
  plans_keep_rows: 9000,
  audits_keep: 10,
  audits_keep_rows: 10_000,
  trail_keep: 800,
  trail_keep_rows: 2_000_000,
  min_command_interval: 0.5,
  ipmi_keep_session: 60,
  bmc_ca_dir: '/samples/bmc_ca',
  secrets_dir: '/samples/secrets',
  identity_calls: 7,
  identity_streams: 8,
  identity_plans: 9,
  identity_actions: 10,
  identity_nodes: 11,
  bmc_access: '/samples/bmc_access.yaml',
  vault_address: 'https://vault.example:8200',
  vault_token_file: '/samples/vault.token',
  vault_role_id_file: '/samples/role_id',
  vault_secret_id_file: '/samples/secret_id',
  vault_ca: '/samples/vault.pem',
  vault_namespace: 'racks',
  vault_timeout: 7,
  vault_cache: 60,
  ca: '/samples/ca.pem',
  certificate: '/samples/client.pem',
  key: '/samples/client.key',
  server_name: 'conductor.example',
  agent_name: 'host7',
  traces_endpoint: 'http://collector.example:4318',
  traces_sample_ratio: 0.5,
};
for (const key of KEY_NAMES) {
  test(`${key} can be given by flag, variable and file`, (t) => {
    const value = SAMPLES[key];
    const command = addConfigurationOptions(new Command(), KEY_NAMES);
    const { everywhere }: ConfigurationKey = CONFIGURATION_KEYS[key];
    if (everywhere) command.option(`${flagOf(key)} <value>`);
    command.parse([flagOf(key), String(value)], { from: 'user' });
    const byFlag = readConfiguration(command.opts(), {});
    t.notDeepEqual(byFlag, readConfiguration({}, {}));
    t.deepEqual(readConfiguration({}, { [variableOf(key)]: String(value) }), byFlag);
    const { config } = fileOf(t, `${key}: ${JSON.stringify(value)}`);
    t.deepEqual(readConfiguration({ config }, {}), byFlag);
  });
}

test('relative folders in a file begin at its own folder', (t) => {
  const { config, folder } = fileOf(t, 'data: here\nsecrets_dir: ./there\n');
  t.like(readConfiguration({ config }, {}), { dataFolder: join(folder, 'here'), secretsFolder: join(folder, 'there') });
  t.is(readConfiguration({ data: 'here' }, {}).dataFolder, resolve('here'));
});

test('0 switches power sync off, and zero seconds of rest are not "as the driver says"', (t) => {
  const read = readConfiguration({ syncPowerStateInterval: '0', minCommandInterval: '0' }, {});
  t.like(read, { syncPowerStateIntervalMs: 0, minCommandIntervalMs: 0 });
});

test('an empty file and empty variables say nothing; variables of others are not looked at', (t) => {
  const { config } = fileOf(t, '# nothing\n');
  const environment = { COUNTERMAND_ZONE: '', COUNTERMAND_SECRET_R7: 'x', COUNTERMAND_PORT: 'tcp://10.0.0.1:7077' };
  t.is(readConfiguration({ config }, environment).zone, 'default');
});

const refusedFile = test.macro({
  exec: (t, text: string, says: RegExp) => {
    const { config } = fileOf(t, text);
    const message = refusal(() => readConfiguration({ config }, {}), t);
    t.true(message.startsWith(config), message);
    t.regex(message, says);
  },
  title: (title) => `a file with ${title} is refused`,
});
test('a recall that could never be confirmed in time is refused', (t) => {
  const message = refusal(() => readConfiguration({ abortTimeout: '15' }, {}), t);
  t.is(message, 'recall_confirm (15 s) must be shorter than abort_timeout (15 s): every recall would end FAILED');
});

test(
  'an unknown key',
  refusedFile,
  'sync_power_interval: 5',
  /: sync_power_interval is no key; the keys are listen, http_listen, advertise, tls_certificate, tls_key, tls_client_ca, /,
);
test(
  'a wrong type',
  refusedFile,
  'start_timeout: soon',
  /: start_timeout must be a number of seconds from .*; given: "soon"/,
);
test('a number where text belongs', refusedFile, 'zone: 7', /: zone must be a name: .*; given: 7/);
test(
  'an impossible value',
  refusedFile,
  'sync_power_state_workers: 0',
  /must be a whole number from 1 to 1000; given: 0/,
);
test('half a second where whole ones belong', refusedFile, 'soft_power_off_timeout: 1.5', /a whole number of seconds/);
test('a negative time', refusedFile, 'agent_lease: -1', /agent_lease must be/);
test('an infinite time', refusedFile, 'agent_lease: .inf', /agent_lease must be/);
test('nothing for a value', refusedFile, 'zone:', /zone must be .*; given: null/);
test(
  'no URL of PostgreSQL',
  refusedFile,
  'database: mysql://u:pw@h/d',
  /database must be .* a password; given: something else$/,
);
test(
  'no URL of Vault',
  refusedFile,
  'vault_address: https://u:pw@vault.example:8200',
  /vault_address must be an https URL .*; given: something else$/,
);
test(
  'a Vault with a password and no user',
  refusedFile,
  "vault_address: 'https://:pw@vault.example:8200'",
  /vault_address must be an https URL .*; given: something else$/,
);
test(
  'keys from a URL with a password',
  refusedFile,
  'jwt_keys: https://u:pw@issuer.example/jwks',
  /jwt_keys must be .* without a user; given: something else$/,
);
test(
  'keys from a URL of another kind',
  refusedFile,
  'jwt_keys: ftp://issuer.example/jwks',
  /jwt_keys must be .* without a user; given: something else$/,
);
test('YAML that a password breaks', refusedFile, 'zone: *pw-3', /is not valid YAML: Unresolved alias [^:]*$/);
test('a list', refusedFile, '- zone', /must be a list of KEY: VALUE lines/);
test('a text', refusedFile, 'zone', /must be a list of KEY: VALUE lines/);
test('a key given twice', refusedFile, 'zone: a\nzone: b', /is not valid YAML: Map keys must be unique/);
test('broken YAML', refusedFile, 'zone: [', /is not valid YAML: /);
test('several faults, each told', refusedFile, 'zone: 7\nlisten: here', /listen must be .*; .*zone must be/s);

test('a fault in the file is told although a flag wins', (t) => {
  const { config } = fileOf(t, 'zone: 7');
  t.regex(
    refusal(() => readConfiguration({ config, zone: 'good' }, {}), t),
    /zone must be/,
  );
});

test('a file that is not there is refused', (t) => {
  t.regex(
    refusal(() => readConfiguration({ config: '/nowhere/c.yaml' }, {}), t),
    /^the configuration file \/nowhere\/c\.yaml cannot be read: ENOENT/,
  );
});

test('a refusal names the flag or the variable', (t) => {
  const flag = refusal(() => readConfiguration({ startTimeout: 'x' }, {}), t);
  t.regex(flag, /^--start-timeout must be a number of seconds .*; given: "x"$/);
  const variable = refusal(() => readConfiguration({}, { COUNTERMAND_LISTEN: 'nowhere' }), t);
  t.regex(variable, /^COUNTERMAND_LISTEN must be HOST:PORT.*; given: "nowhere"$/);
  t.regex(
    refusal(() => readConfiguration({ zone: '' }, {}), t),
    /^--zone must be/,
  );
});

test('whatever the file says, the answer is a configuration or CONFIGURATION_INVALID', (t) => {
  const { config } = fileOf(t, '');
  const line = fc.tuple(fc.oneof(fc.constantFrom(...KEY_NAMES), fc.string()), fc.oneof(fc.string(), fc.json()));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      writeFileSync(config, lines.map(([key, value]) => `${key}: ${value}`).join('\n'));
      try {
        return readConfiguration({ config }, {}).agentLeaseMs > 0;
      } catch (error) {
        return error instanceof CountermandError && error.code === 'CONFIGURATION_INVALID';
      }
    }),
  );
  t.pass();
});

test('an agent reads its own keys, and not those of the conductor', (t) => {
  t.deepEqual(keysReadBy('agent'), [
    'zone',
    'log_level',
    'min_command_interval',
    'ipmi_keep_session',
    'bmc_ca_dir',
    'secrets_dir',
    'vault_address',
    'vault_token_file',
    'vault_role_id_file',
    'vault_secret_id_file',
    'vault_ca',
    'vault_namespace',
    'vault_timeout',
    'vault_cache',
    'bmc_access',
    'traces_endpoint',
    'traces_sample_ratio',
    'ca',
    'certificate',
    'key',
    'token_file',
    'server_name',
    'agent_name',
  ]);
  t.true(keysReadBy('conductor').includes('listen'));
});

test('the standard variables name a receiver of traces where ours does not, and are checked as ours', (t) => {
  const endpointOf = (environment: Readonly<Record<string, string>>) =>
    readConfiguration({}, environment).tracesEndpoint;
  const [base, traces] = ['http://127.0.0.1:4318', 'https://collector.example/v1/traces'];
  t.is(endpointOf({}), null);
  t.is(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base }), base);
  t.is(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces }), traces);
  t.is(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base, COUNTERMAND_TRACES_ENDPOINT: 'none' }), null);
  t.is(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_TRACES_EXPORTER: 'none' }), null);
  t.is(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_SDK_DISABLED: 'true' }), null);
  const refused = t.throws(() => endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:pw@x' }));
  t.regex(refused.message, /^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL .*; given: something else$/);
});
