/**
 * The limits on what can be sent, stored, opened or waited for, in one table. docs/limits.md is printed from it, and a
 * test sends one more than each. Whoever checks a limit takes the number from here.
 */
import { type CountermandError, type ErrorCode, fail, failAt } from './errors.ts';

/** One limit. */
export interface LimitRow {
  readonly limit: number;
  /** What is counted, in the plural. */
  readonly unit: string;
  /** What the limit is on, for people. */
  readonly what: string;
  /** The error that tells of it. */
  readonly error: ErrorCode;
  /** The configuration key that changes it; none if it cannot be changed. */
  readonly key?: string;
}

const row = (limit: number, unit: string, what: string, error: ErrorCode = 'ARGUMENT_INVALID'): LimitRow => ({
  limit,
  unit,
  what,
  error,
});

const KIB = 1024;
const MIB = 1024 * KIB;

/** The limits on what a client sends. */
export const SENT_LIMITS = {
  message_bytes: row(
    MIB,
    'bytes',
    'a message, except CreateActionPlan and PreviewActionPlan, whose actions are held to it one by one',
    'MESSAGE_TOO_LARGE',
  ),
  plan_message_bytes: row(64 * MIB, 'bytes', 'a CreateActionPlan or PreviewActionPlan message', 'MESSAGE_TOO_LARGE'),
  message_parts: row(
    4_000_000,
    'parts',
    'a message: each field, each entry of a list or map, and each length that it announces is a part',
    'MESSAGE_TOO_LARGE',
  ),
  name: row(255, 'characters', 'the name of a node, zone, driver, action plan, action or audit; a request_id'),
  text: row(
    1000,
    'characters',
    'a reason or another text; the name of an event type; a key of a payload or of parameters',
  ),
  list: row(
    10_000,
    'entries',
    'a list in a request, or the keys of a payload or of parameters, that has no limit of its own',
  ),
  nesting: row(32, 'levels', 'the nesting of a payload or of parameters'),
  named_nodes: row(100_000, 'names', 'the nodes that one request names, all its ranges counted together'),
  named_characters: row(
    8_000_000,
    'characters',
    'the names of these nodes together, each as long as the longest of its range',
  ),
  range_digits: row(15, 'digits', 'a number in a node range'),
  range_pattern: row(1000, 'characters', 'one name or pattern in a node range'),
  label_count: row(100, 'labels', 'the labels of a node, and those by which a request chooses nodes'),
  label_key: row(255, 'characters', 'the name of a label, or a key of driver_info'),
  label_value: row(1000, 'characters', 'the value of a label'),
  info_count: row(100, 'keys', 'the driver_info of a node', 'DRIVER_INFO_INVALID'),
  info_value: row(4096, 'characters', 'a value of driver_info', 'DRIVER_INFO_INVALID'),
  scope_criteria: row(1000, 'criteria', 'a scope, all its sections counted together', 'SCOPE_INVALID'),
  page_size: row(1000, 'rows', 'a page of a list'),
  page_token: row(64 * KIB, 'characters', 'a page token'),
  event_types: row(100, 'globs', 'the event types of a subscription'),
  actions: row(50_000, 'actions', 'an action plan', 'ACTION_PLAN_INVALID'),
  parents: row(500_000, 'parents', 'all actions of a plan together', 'ACTION_PLAN_INVALID'),
  max_parallel: row(10_000, 'actions', 'max_parallel of a plan', 'ACTION_PLAN_INVALID'),
  action_timeout_s: row(2_592_000, 'seconds', 'the timeout of an action', 'ACTION_PLAN_INVALID'),
  audit_interval_s: row(31_536_000, 'seconds', 'the interval of a continuous audit', 'AUDIT_INVALID'),
} as const satisfies Record<string, LimitRow>;

/** The limits on what an agent sends. */
export const AGENT_LIMITS = {
  hello_ms: row(10_000, 'milliseconds', 'the wait for the first message of an agent', 'TOOK_TOO_LONG'),
  zones: row(100, 'zones', 'the zones of an agent'),
  drivers: row(50, 'drivers', 'the drivers of an agent'),
  zone_drivers: row(1000, 'pairs', 'the zones of an agent times its drivers'),
  driver_schema: row(64 * KIB, 'characters', 'the JSON Schema of a driver_info'),
  targets: row(100, 'targets', 'a list of power targets; in a report or an answer the rest is cut'),
  agent_uuid: row(36, 'characters', 'the uuid of an agent'),
  driver_name: row(63, 'characters', 'the name of a driver'),
  bmc_key: row(511, 'characters', 'the key of a BMC, as the answer to a driver_info', 'DRIVER_INFO_INVALID'),
} as const satisfies Record<string, LimitRow>;

const keyed = (key: string, limit: number, unit: string, what: string): LimitRow => ({
  ...row(limit, unit, what, 'IDENTITY_LIMIT'),
  key,
});

/** The limits of each identity. What takes an order or a plan back is held to none of them. */
export const IDENTITY_LIMITS = {
  identity_calls: keyed(
    'identity_calls',
    10_000,
    'calls',
    'the calls of one identity in a second, and at once after a rest',
  ),
  identity_streams: keyed('identity_streams', 10_000, 'streams', 'the open streams of one identity'),
  identity_plans: keyed(
    'identity_plans',
    10_000,
    'plans',
    'the action plans that one identity has made and that are not at rest',
  ),
  identity_actions: keyed('identity_actions', 5_000_000, 'actions', 'the actions of these plans, all counted together'),
  identity_nodes: keyed('identity_nodes', 1_000_000, 'nodes', 'the nodes that one identity has enrolled'),
} as const satisfies Record<string, LimitRow>;

/** The limits on what a BMC answers. */
export const BMC_LIMITS = {
  bmc_page_bytes: row(
    256 * KIB,
    'bytes',
    'a page of a Redfish service; good ones have some ten thousand',
    'BMC_GARBLED',
  ),
  bmc_page_parts: row(
    10_000,
    'parts',
    'a page of a Redfish service: each `{`, `[`, comma and colon outside of its texts; a page that has more counts as no page',
    'BMC_GARBLED',
  ),
  irmc_answer_bytes: row(64 * KIB, 'bytes', 'an answer of an iRMC over HTTP', 'BMC_GARBLED'),
  irmc_status_length: row(8 * KIB, 'characters', 'a status of SCCI, which has a few hundred', 'BMC_GARBLED'),
  snmp_answer_bytes: row(2 * KIB, 'bytes', 'an answer over SNMP to the one question that is asked', 'BMC_GARBLED'),
} as const satisfies Record<string, LimitRow>;

/** The limits on sinks, and on what their receivers answer. */
export const SINK_LIMITS = {
  sinks: row(20, 'sinks', 'the sinks of one installation', 'SINK_INVALID'),
  sink_setting: row(4096, 'characters', 'the value of a setting of a sink', 'SINK_INVALID'),
  sink_answer_bytes: row(
    64 * KIB,
    'bytes',
    'the body of an answer of a webhook, which is not looked at',
    'SINK_FAILED',
  ),
} as const satisfies Record<string, LimitRow>;

/** The limits on what clouds send. */
export const SOURCE_LIMITS = {
  notification_bytes: row(
    MIB,
    'bytes',
    'a notification of a cloud; a larger message is refused at the broker, and never comes again',
    'MESSAGE_TOO_LARGE',
  ),
} as const satisfies Record<string, LimitRow>;

/** The limits on what is open at the same time. */
export const OPEN_LIMITS = {
  streams: row(20_000, 'streams', 'the streams of one conductor', 'TOO_MANY_STREAMS'),
  grpc_connections: row(
    2000,
    'connections',
    'the gRPC connections of one conductor, those of attached agents not counted; at most a quarter of the files that the process may open. One more takes a spare one',
    'TOO_MANY_STREAMS',
  ),
  grpc_connections_of_address: row(
    500,
    'connections',
    'the same from one address; at most an eighth of the files that the process may open. One more takes a spare one',
    'TOO_MANY_STREAMS',
  ),
  spare_connections: row(
    100,
    'connections',
    'the gRPC connections beyond these: an agent may attach on one, everything else is refused, and it is closed after 10 s without an agent. One more is closed',
    'TOO_MANY_STREAMS',
  ),
  spare_connections_of_address: row(
    10,
    'connections',
    'the spare connections from one address. One more is closed',
    'TOO_MANY_STREAMS',
  ),
  grpc_calls: row(
    20_000,
    'calls',
    'the gRPC calls that are under way, and those whose answer was not read. A stream is counted until its first answer',
    'TOO_MANY_STREAMS',
  ),
  grpc_calls_of_address: row(10_000, 'calls', 'the same from one address', 'TOO_MANY_STREAMS'),
  grpc_bytes: row(
    256 * MIB,
    'bytes',
    'the messages of gRPC calls that have come in part, and the answers that were not read',
    'TOO_MANY_STREAMS',
  ),
  grpc_bytes_of_address: row(128 * MIB, 'bytes', 'the same from one address', 'TOO_MANY_STREAMS'),
  grpc_message_ms: row(
    30_000,
    'milliseconds',
    'the wait for the next part of the message of a gRPC call',
    'TOOK_TOO_LONG',
  ),
  fleet_watches: row(100, 'streams', 'the streams that watch every node', 'TOO_MANY_STREAMS'),
  refreshes: row(2000, 'calls', 'the RefreshNodes calls of one conductor', 'TOO_MANY_STREAMS'),
  refreshes_of_caller: row(1000, 'calls', 'the same of one caller', 'TOO_MANY_STREAMS'),
  refreshed_nodes: row(
    400_000,
    'nodes',
    'the nodes that these calls name, each counted for each call until it has been read',
    'TOO_MANY_STREAMS',
  ),
  refreshed_nodes_of_caller: row(100_000, 'nodes', 'the same of one caller', 'TOO_MANY_STREAMS'),
  bmc_sessions: row(
    4096,
    'sessions',
    'the IPMI sessions of each driver of an agent, each with a socket; at most an eighth of the files that the process may open. One more waits for a session that is not in use',
    'TOOK_TOO_LONG',
  ),
  bmc_exchanges: row(
    2048,
    'exchanges',
    'the questions and orders over HTTP and SNMP of an agent, half of them orders, each with a socket; at most an eighth of the files that the process may open. One more waits for one that ends',
    'TOOK_TOO_LONG',
  ),
  ipmitool_processes: row(
    128,
    'processes',
    'the processes of ipmitool of an agent, half of them for orders; four for each 128 files that the process may open. One more waits for one that ends',
    'TOOK_TOO_LONG',
  ),
} as const satisfies Record<string, LimitRow>;

/** The limits on a connection of the HTTP door, beside those on what is sent. */
export const HTTP_LIMITS = {
  header_bytes: row(16 * KIB, 'bytes', 'the headers of an HTTP request, which is answered 431', 'MESSAGE_TOO_LARGE'),
  header_ms: row(
    30_000,
    'milliseconds',
    'the wait for the headers of an HTTP request, which is answered 408',
    'TOOK_TOO_LONG',
  ),
  body_ms: row(
    30_000,
    'milliseconds',
    'the wait for the body of an HTTP request, which is answered 408',
    'TOOK_TOO_LONG',
  ),
  patches: row(200, 'patches', 'the list of a PATCH request of a node'),
  plan_body_bytes: row(
    4 * MIB,
    'bytes',
    'a CreateActionPlan or PreviewActionPlan message over HTTP, also when it is unpacked; a larger plan is made over gRPC',
    'MESSAGE_TOO_LARGE',
  ),
  body_parts: row(
    100_000,
    'parts',
    'the body of an HTTP request: each `{`, `[`, comma and colon of JSON outside of its texts, or what is a part over gRPC; a larger plan is made over gRPC',
    'MESSAGE_TOO_LARGE',
  ),
  idle_ms: row(
    60_000,
    'milliseconds',
    'the time that an HTTP connection is kept between two requests',
    'TOOK_TOO_LONG',
  ),
  connections: row(
    10_000,
    'connections',
    'the HTTP connections of one conductor, at most a quarter of the files that the process may open; one more is closed',
    'TOO_MANY_STREAMS',
  ),
  connections_of_address: row(
    5000,
    'connections',
    'the same from one address, at most an eighth of the files that the process may open; one more is closed',
    'TOO_MANY_STREAMS',
  ),
} as const satisfies Record<string, LimitRow>;

/** The limits on what is stored or shown of what others say. What is longer is cut, or counts as absent; nothing is refused. */
export const KEPT_LIMITS = {
  agent_text: row(1000, 'characters', 'a text of an agent or a BMC; the rest is cut', 'INTERNAL'),
  guid: row(63, 'characters', 'the GUID of a server; a longer one counts as none', 'INTERNAL'),
  place: row(511, 'characters', 'where a BMC really is; a longer place counts as none', 'INTERNAL'),
  change_text: row(
    1000,
    'characters',
    'the labels that a change names, before or after it; the rest is cut',
    'INTERNAL',
  ),
  tracestate: row(512, 'characters', 'the `tracestate` of a caller; a longer one is not passed on', 'INTERNAL'),
  span_text: row(255, 'characters', 'a text in a span of a trace; the rest is cut', 'INTERNAL'),
  answer_text: row(2000, 'characters', 'the sentence of an error in an answer; the rest is cut', 'INTERNAL'),
} as const satisfies Record<string, LimitRow>;

/** The error of a limit that was exceeded, at a place such as `labels` or `actions[3].name`. */
export function exceeded(row: LimitRow, place: string, found: number | string, field = place): CountermandError {
  return failAt(row.error, field, exceededWords(row, place, found));
}

/** The error of a limit that was exceeded by what is no field of a request, such as all of it. */
export function exceededWhole(row: LimitRow, what: string, found: number | string): CountermandError {
  return fail(row.error, exceededWords(row, what, found));
}

const exceededWords = ({ limit, unit }: LimitRow, place: string, found: number | string): string =>
  `${place}: ${found} ${unit}; at most ${limit} are allowed`;
