/** The house as tables: who may import whom, where each package lives, what is banned, how long things may be. */
import type { ClockRules } from './clocks.ts';
import type { Banned } from './code.ts';
import type { Homes, Layers, Rooms } from './imports.ts';

/** The folders of src, and from which each may import. `server` never imports `drivers`: a process lies between. */
export const LAYERS: Layers = {
  core: [],
  gen: [],
  drivers: ['core'],
  compute: ['core'],
  sim: ['core', 'drivers'],
  agent: ['core', 'gen', 'drivers'],
  sinks: ['core'],
  server: ['core', 'gen', 'compute'],
  http: ['core', 'gen', 'server/access', 'server/api'],
  // It runs in browsers. The words for people are those of the command line.
  console: ['core', 'gen', 'cli/shared'],
  cli: ['core', 'gen', 'drivers', 'compute', 'sim', 'agent', 'server', 'http', 'sinks'],
};

/** The rooms of the conductor. The store is the ground; the API is imported by what opens its sockets alone. */
export const SERVER_ROOMS: Rooms = {
  parent: 'src/server',
  rooms: {
    store: [],
    access: ['store', 'log.ts'],
    events: ['store'],
    agents: ['store', 'access'],
    nodes: ['store', 'events', 'agents'],
    power: ['store', 'events', 'agents', 'nodes', 'log.ts', 'retry.ts'],
    plans: ['store', 'events', 'nodes', 'power', 'log.ts', 'retry.ts'],
    audits: ['store', 'nodes', 'plans', 'retry.ts'],
    sinks: ['store', 'log.ts', 'retry.ts'],
    clouds: ['store', 'plans', 'audits', 'retry.ts'],
    metrics: ['store', 'agents', 'sinks', 'clouds'],
    api: [
      'store',
      'access',
      'events',
      'agents',
      'nodes',
      'power',
      'plans',
      'audits',
      'sinks',
      'clouds',
      'metrics',
      'conductor.ts',
      'disk.ts',
      'log.ts',
    ],
  },
  closed: ['api'],
};

/** The rooms of the command line: one for each group of commands, and what they share. */
export const CLI_ROOMS: Rooms = {
  parent: 'src/cli',
  rooms: {
    shared: [],
    daemon: ['shared'],
    sim: ['shared'],
    completion: ['shared'],
    conductor: ['shared'],
    certificates: ['shared'],
    token: ['shared'],
    trail: ['shared'],
    freeze: ['shared'],
    log_level: ['shared'],
    sink: ['shared'],
    context: ['shared'],
    events: ['shared'],
    power: ['shared'],
    plan: ['shared'],
    node: ['shared', 'power', 'plan', 'events'],
    node_files: ['shared', 'node'],
    audit: ['shared', 'plan'],
  },
  closed: [],
};

/** Folders behind an interface, and who alone imports them: what puts the parts together. Tests may. */
export const IMPLEMENTATIONS: Homes = {
  'src/server/store/postgres/': ['src/cli/daemon/open_database.ts', 'src/cli/daemon/backups.ts'],
  'src/server/store/sqlite/': ['src/cli/daemon/open_database.ts', 'src/cli/daemon/backups.ts'],
};

/** The files outside src that src imports, and the only places that do. */
export const OUTSIDE: Homes = { 'package.json': ['src/core/version.ts'] };

/** Files whose exports are offered whole, used or not: the commands of the IPMI client, which stands for itself. */
export const OFFERED = ['src/drivers/ipmi/rmcp/commands.ts'];

/** Files of src that are started, not imported. */
export const ENTRIES = ['src/cli/start.ts', 'src/cli/main.ts', 'src/console/main.tsx'];

/** The packages that src imports, and the only places that do. A folder ends in a slash. */
export const HOMES: Homes = {
  '@bufbuild/protobuf': ['src/http/rpcs.ts', 'src/server/api/reading.ts'],
  '@connectrpc/connect': ['src/http/message.ts', 'src/http/rpcs.ts'],
  '@connectrpc/connect-node': ['src/http/rpcs.ts'],
  '@hono/node-server': ['src/http/door.ts', 'src/http/app.ts'],
  '@grpc/grpc-js': [
    'src/server/api/grpc.ts',
    'src/server/api/grpc_tls.ts',
    'src/server/api/packing.ts',
    'src/server/api/call_places.ts',
    'src/server/api/stream_of.ts',
    'src/server/api/unread_streams.ts',
  ],
  '@opentelemetry/api': ['src/cli/daemon/otlp.ts'],
  '@opentelemetry/exporter-trace-otlp-proto': ['src/cli/daemon/otlp.ts'],
  '@opentelemetry/resources': ['src/cli/daemon/otlp.ts'],
  '@opentelemetry/sdk-trace': ['src/cli/daemon/otlp.ts'],
  amqplib: ['src/sinks/rabbitmq/'],
  bcryptjs: ['src/server/access/passwords.ts'],
  '@peculiar/x509': ['src/cli/certificates/make.ts'],
  'better-sqlite3': ['src/server/store/sqlite/'],
  commander: ['src/cli/'],
  execa: ['src/drivers/ipmi/ipmitool/captive.ts'],
  'fast-string-width': ['src/cli/shared/table.ts'],
  'fast-xml-parser': ['src/drivers/irmc/reply.ts', 'src/sim/irmc/request.ts'],
  hono: ['src/http/app.ts'],
  jose: ['src/server/access/jwt.ts'],
  knex: ['src/server/store/'],
  'log-update': ['src/cli/shared/live_text.ts'],
  'net-snmp': ['src/drivers/irmc/snmp.ts', 'src/sim/irmc/'],
  'nice-grpc': [
    'src/agent/dial.ts',
    'src/agent/secure_channel.ts',
    'src/cli/shared/connection.ts',
    'src/cli/shared/others.ts',
    'src/server/api/',
  ],
  'nice-grpc-web': ['src/console/calls.ts'],
  'nice-grpc-server-health': ['src/server/api/grpc.ts'],
  'nice-grpc-server-reflection': ['src/server/api/reflection.ts'],
  pg: ['src/server/store/postgres/'],
  pino: [
    'src/cli/daemon/log.ts',
    'src/cli/daemon/run_agent.ts',
    'src/cli/daemon/run_conductor.ts',
    'src/cli/daemon/term.ts',
  ],
  preact: ['src/console/'],
  'prom-client': ['src/server/metrics/registry.ts'],
  'reflect-metadata': ['src/cli/certificates/make.ts'],
  undici: ['src/compute/http_client.ts', 'src/drivers/http_client.ts', 'src/sinks/http_client.ts'],
  yaml: [
    'src/cli/daemon/access_watch.ts',
    'src/cli/daemon/clouds.ts',
    'src/cli/daemon/configuration.ts',
    'src/cli/shared/order_file.ts',
    'src/cli/shared/yaml_text.ts',
  ],
  zod: [
    'src/cli/audit/file.ts',
    'src/cli/daemon/bmc_access.ts',
    'src/cli/daemon/clouds.ts',
    'src/cli/daemon/configuration.ts',
    'src/cli/daemon/configuration_keys.ts',
    'src/cli/daemon/configuration_kinds.ts',
    'src/cli/daemon/identity_keys.ts',
    'src/cli/daemon/secret_keys.ts',
    'src/cli/daemon/sinks.ts',
    'src/cli/daemon/retention_keys.ts',
    'src/cli/daemon/trace_keys.ts',
    'src/cli/shared/order_file.ts',
    'src/cli/plan/file.ts',
    'src/compute/',
    'src/drivers/',
    'src/http/',
    'src/server/access/access_file.ts',
    'src/server/access/approval_rule.ts',
    'src/server/plans/actions/',
    'src/server/plans/scope.ts',
    'src/server/plans/strategies/',
  ],

  'node:async_hooks': ['src/server/store/writing.ts'],
  'node:child_process': ['src/sim/'],
  'node:crypto': [
    'src/cli/certificates/make.ts',
    'src/core/chance.ts',
    'src/core/digest.ts',
    'src/drivers/ipmi/rmcp/cipher_suites.ts',
    'src/drivers/irmc/digest.ts',
    'src/server/access/certificate.ts',
    'src/server/access/jwt.ts',
    'src/server/access/tokens.ts',
    'src/server/store/sealing.ts',
    'src/sinks/signature.ts',
    'src/sim/irmc/door.ts',
  ],
  'node:diagnostics_channel': ['src/server/api/connections.ts'],
  'node:http2': [
    'src/server/api/connections.ts',
    'src/server/api/call_places.ts',
    'src/server/api/stream_of.ts',
    'src/server/api/unread_streams.ts',
  ],
  'node:dgram': ['src/drivers/ipmi/ipmitool/probe.ts', 'src/drivers/ipmi/rmcp/udp.ts', 'src/sim/'],
  'node:dns': ['src/drivers/ipmi/ipmitool/probe.ts'],
  'node:dns/promises': [
    'src/drivers/ipmi/ipmitool/probe.ts',
    'src/drivers/ipmi/rmcp/udp.ts',
    'src/drivers/lookups.ts',
    'src/sinks/receiver.ts',
  ],
  'node:events': ['src/sim/'],
  'node:tty': ['src/cli/early_hangup.ts'],
  'node:fs': [
    'src/agent/secrets.ts',
    'src/cli/bundle/',
    'src/cli/certificates/commands.ts',
    'src/cli/daemon/secrets_keys.ts',
    'src/cli/shared/contexts.ts',
    'src/cli/shared/lost_reader.ts',
    'src/cli/shared/muted_keys.ts',
    'src/cli/shared/order_file.ts',
    'src/cli/shared/process_terminal.ts',
    'src/server/access/certificate.ts',
    'src/core/folders.ts',
    'src/core/small_file.ts',
    'src/core/durable_file.ts',
    'src/drivers/authorities.ts',
    'src/server/api/image.ts',
    'src/server/store/sqlite/data_folder.ts',
    'src/server/store/sqlite/file.ts',
    'src/server/store/own_process.ts',
    'src/server/store/sqlite/reserve.ts',
    'src/server/store/sqlite/backup.ts',
    'src/server/store/sqlite/check.ts',
    'src/server/store/sqlite/lock.ts',
  ],
  'node:fs/promises': [
    'src/http/console.ts',
    'src/drivers/authorities.ts',
    'src/server/store/sqlite/reserve.ts',
    'src/sim/',
  ],
  'node:http': ['src/http/door.ts', 'src/http/rpcs.ts', 'src/http/on_demand.ts', 'src/http/unread.ts', 'src/sim/'],
  'node:https': ['src/http/door.ts', 'src/sim/web.ts'],
  'node:module': ['src/cli/bundle/'],
  'node:net': [
    'src/agent/bmc_access.ts',
    'src/agent/parsed_bmcs.ts',
    'src/agent/secure_channel.ts',
    'src/cli/certificates/make.ts',
    'src/cli/daemon/sinks.ts',
    'src/cli/shared/lost_reader.ts',
    'src/core/pinned.ts',
    'src/drivers/',
    'src/http/caller.ts',
    'src/http/rpcs.ts',
    'src/server/api/connections.ts',
    'src/server/api/relay.ts',
    'src/sim/web.ts',
    'src/sinks/rabbitmq/broker.ts',
    'src/sinks/receiver.ts',
  ],
  'node:os': [
    'src/cli/certificates/commands.ts',
    'src/cli/daemon/configuration.ts',
    'src/cli/daemon/otlp.ts',
    'src/cli/daemon/run_among_others.ts',
    'src/cli/daemon/term.ts',
    'src/server/store/own_process.ts',
  ],
  'node:path': [
    'src/agent/bmc_access.ts',
    'src/agent/secrets.ts',
    'src/cli/bundle/',
    'src/cli/certificates/commands.ts',
    'src/core/folders.ts',
    'src/cli/daemon/clouds.ts',
    'src/cli/daemon/configuration.ts',
    'src/cli/daemon/database.ts',
    'src/cli/daemon/secrets_keys.ts',
    'src/cli/shared/contexts.ts',
    'src/cli/shared/place.ts',
    'src/drivers/authorities.ts',
    'src/server/store/sqlite/data_folder.ts',
    'src/server/store/sqlite/file.ts',
    'src/server/store/sqlite/reserve.ts',
    'src/server/store/sqlite/backup.ts',
    'src/cli/daemon/backups.ts',
    'src/sim/',
  ],
  'node:readline': ['src/cli/shared/confirming.ts'],
  'node:stream': ['src/cli/shared/terminal.ts', 'src/sim/irmc/web_faults.ts'],
  'node:tls': [
    'src/agent/secure_channel.ts',
    'src/cli/shared/tls_files.ts',
    'src/server/access/certificate.ts',
    'src/cli/sim/identity.ts',
    'src/compute/transport.ts',
    'src/drivers/authorities.ts',
    'src/drivers/https.ts',
    'src/server/store/postgres/address.ts',
  ],
  'node:stream/promises': ['src/sim/irmc/web_faults.ts'],
  'node:util': ['src/http/console.ts', 'src/cli/daemon/tls_watch.ts', 'src/http/message.ts', 'src/http/repeated.ts'],
  'node:vm': ['src/cli/bundle/'],
  'node:zlib': ['src/cli/bundle/', 'src/http/console.ts', 'src/http/message.ts'],
  'node:url': ['src/cli/bundle/', 'src/drivers/ipmi/ipmitool/command.ts'],
};

const CLOCK = ['src/core/clock.ts'];
const CHANCE = ['src/core/chance.ts'];

/** Names that src uses in one place only. */
export const BANNED: readonly Banned[] = [
  { name: 'Date.now', homes: CLOCK, instead: 'the `now()` of the Clock that was handed in' },
  { name: 'new Date', homes: CLOCK, instead: '`new Date(clock.now())`' },
  { name: 'performance', homes: CLOCK, instead: 'the `monotonic()` of the Clock that was handed in' },
  { name: 'setTimeout', homes: CLOCK, instead: 'the `after()` of the Clock, or `sleep` of core/signals.ts' },
  { name: 'setInterval', homes: CLOCK, instead: 'the `after()` of the Clock, again each time' },
  { name: 'setImmediate', homes: CLOCK, instead: 'the `after(0)` of the Clock' },
  { name: 'Math.random', homes: CHANCE, instead: 'the `fraction()` of the Chance that was handed in' },
  { name: 'randomUUID', homes: CHANCE, instead: 'the `uuid()` of the Chance that was handed in' },
  { name: 'crypto', homes: ['src/console/chance.ts'], instead: 'the Chance that was handed in' },
  { name: 'AbortSignal.timeout', homes: [], instead: '`openCancellation` of core/signals.ts with a limit' },
  { name: 'AbortSignal.any', homes: [], instead: '`openCancellation` of core/signals.ts' },
  { name: 'AbortController', homes: ['src/core/signals.ts'], instead: '`openCancellation` of core/signals.ts' },
  { name: 'process.env', homes: ['src/cli/'], instead: 'what the command line handed in' },
  { name: 'process.exit', homes: ['src/cli/main.ts'], instead: 'an error that is thrown' },
  { name: 'console', homes: [], instead: 'the log or the output that was handed in' },
];

const UNTIL = 'an event, a condition, or a virtual clock that is turned by hand';
const MEASURE = 'a virtual clock, a count, or the order of events';

/** Names that tests do not use: they wait for what they wait for, and measure no real time. */
export const BANNED_IN_TESTS: readonly Banned[] = [
  { name: 'setTimeout', homes: [], instead: UNTIL },
  { name: 'setInterval', homes: [], instead: UNTIL },
  { name: 'AbortSignal.timeout', homes: [], instead: UNTIL },
  { name: 'Date.now', homes: [], instead: MEASURE },
  { name: 'new Date', homes: [], instead: MEASURE },
  { name: 'performance', homes: [], instead: MEASURE },
  { name: 'process.hrtime', homes: [], instead: MEASURE },
  { name: 'process.uptime', homes: [], instead: MEASURE },
];

/** How tests deal with time. */
export const CLOCK_RULES: ClockRules = {
  realClock: 'systemClock',
  shortestLimitMs: 30_000,
  shortestTestMs: 600_000,
  exceptions: [],
};

/** How many lines there may be. Aim for far less. */
export const LIMITS = { file: 400, function: 70 };

/** Names of folders that do not say what is in them. */
export const VAGUE_FOLDERS = ['utils', 'common', 'lib', 'types', 'helpers', 'services', 'interfaces'];

/** Marks of work that was left undone. */
export const LEFTOVERS = ['TODO', 'FIXME', 'XXX'];
