/** Each limit of docs/limits.md is tried by a test that sends one more: a row without one does not compile. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  type AGENT_LIMITS,
  type BMC_LIMITS,
  type HTTP_LIMITS,
  type KEPT_LIMITS,
  type OPEN_LIMITS,
  SENT_LIMITS,
  type SINK_LIMITS,
  type SOURCE_LIMITS,
} from '../../src/core/limits.ts';

type Table = Readonly<Record<string, readonly [file: string, title: string]>>;
type Tested<Limits> = Readonly<Record<keyof Limits, readonly [file: string, title: string]>>;

const SENT = ['test/e2e/limits.test.ts', 'one more than each limit is refused with the error of the table'] as const;
const HELLO = 'test/server/agents/hello.test.ts';
const BOUNDS = 'test/server/agents/bounds.test.ts';
const CALLS = 'test/server/api/call_places.test.ts';
const PLACES = 'test/server/api/connection_places.test.ts';
const PAGES = 'test/drivers/bmc_texts.test.ts';
const REFRESHES = 'test/server/api/refreshes.test.ts';
const DOOR = 'test/http/door.test.ts';

const AGENT: Tested<typeof AGENT_LIMITS> = {
  hello_ms: [HELLO, 'a stream on which no hello comes ends after its limit'],
  zones: [HELLO, 'too many zones'],
  drivers: [HELLO, 'too many drivers'],
  zone_drivers: [HELLO, 'too many pairs of them'],
  agent_uuid: [HELLO, 'a uuid that is too long'],
  driver_name: [HELLO, 'a driver whose name is too long'],
  driver_schema: [HELLO, 'a schema that is too long'],
  targets: [BOUNDS, 'one more than each limit is cut, counts as absent, or is refused'],
  bmc_key: [BOUNDS, 'a BMC whose key is too long is not enrolled'],
};
const OPEN: Tested<typeof OPEN_LIMITS> = {
  streams: ['test/server/api/requests.test.ts', 'one stream more than the limit is refused'],
  grpc_calls: [CALLS, 'one call more than the limit is refused, and others are when those have ended'],
  grpc_calls_of_address: [CALLS, 'one call more than the limit is refused, and others are when those have ended'],
  grpc_bytes: [CALLS, 'bytes of messages that have come in part are limited'],
  grpc_bytes_of_address: [CALLS, 'bytes of messages that have come in part are limited'],
  grpc_message_ms: [CALLS, 'a message that does not come ends its call'],
  fleet_watches: ['test/server/api/requests.test.ts', 'streams of the whole fleet have a limit of their own'],
  refreshes: [REFRESHES, 'one call more than the limit is refused'],
  refreshes_of_caller: [REFRESHES, 'one call more than the limit of a caller is refused'],
  refreshed_nodes: [REFRESHES, 'one node more than the limit is refused'],
  refreshed_nodes_of_caller: [REFRESHES, 'one node more than the limit of a caller is refused'],
  grpc_connections: [PLACES, 'one connection more than the limit has a spare place, and one more than those has none'],
  grpc_connections_of_address: [PLACES, 'one connection more than the limit of an address has a spare place'],
  spare_connections: [PLACES, 'one connection more than the limit has a spare place, and one more than those has none'],
  spare_connections_of_address: [PLACES, 'one connection more than the limit of an address has a spare place'],
  bmc_exchanges: ['test/drivers/open_files.test.ts', 'connections of redfish, and an order waits for no question'],
  ipmitool_processes: ['test/drivers/open_files.test.ts', 'processes of ipmitool'],
  bmc_sessions: ['test/e2e/many_sessions.test.ts', 'all are read, and the API accepts connections'],
};
const BMC: Tested<typeof BMC_LIMITS> = {
  bmc_page_bytes: [PAGES, 'a page of one byte or one part more than the limit is none'],
  bmc_page_parts: [PAGES, 'a page of one byte or one part more than the limit is none'],
  irmc_answer_bytes: ['test/drivers/irmc_hostile.test.ts', 'huge'],
  snmp_answer_bytes: ['test/drivers/irmc_snmp.test.ts', 'an answer of one byte more than the limit is not read'],
  irmc_status_length: [PAGES, 'a status is a character longer than any'],
};
const SINK: Tested<typeof SINK_LIMITS> = {
  sinks: ['test/server/sinks/sinks.test.ts', 'what cannot be a sink is refused, and nothing is written'],
  sink_setting: ['test/server/sinks/sinks.test.ts', 'what cannot be a sink is refused, and nothing is written'],
  sink_answer_bytes: ['test/sinks/post.test.ts', 'no more of a body is read than its limit'],
};
const SOURCE: Tested<typeof SOURCE_LIMITS> = {
  notification_bytes: [
    'test/server/clouds/source.test.ts',
    'a message that is no notification, or is too large, is refused',
  ],
};
const HTTP: Tested<typeof HTTP_LIMITS> = {
  header_bytes: [DOOR, 'headers that are too large are refused'],
  header_ms: [DOOR, 'headers that do not come end with 408, and a connection that is not used is closed'],
  body_ms: ['test/http/body.test.ts', 'a body that does not come ends with 408 at its limit, not before'],
  patches: ['test/http/ironic_bad_input.test.ts', 'HTTP_LIMITS.patches.limit'],
  plan_body_bytes: [
    'test/http/connect.test.ts',
    'a message that is larger by one than its RPC allows is refused before it is decoded, packed or not',
  ],
  body_parts: [
    'test/http/connect.test.ts',
    'a message of more parts than the library may make objects of is refused, in every form',
  ],
  idle_ms: [DOOR, 'headers that do not come end with 408, and a connection that is not used is closed'],
  connections: [DOOR, 'HTTP connections leave three quarters of the files to gRPC, agents and BMCs'],
  connections_of_address: [DOOR, 'HTTP connections leave three quarters of the files to gRPC, agents and BMCs'],
};
const KEPT: Tested<typeof KEPT_LIMITS> = {
  agent_text: [BOUNDS, 'one more than each limit is cut, counts as absent, or is refused'],
  guid: [BOUNDS, 'a node keeps nothing of a GUID and a place that are too long'],
  place: [BOUNDS, 'a node keeps nothing of a GUID and a place that are too long'],
  change_text: ['test/server/nodes/cluster_model.test.ts', 'is cut to its limit in the history'],
  tracestate: ['test/core/tracing.test.ts', 'a context that is none, or too long, is not believed'],
  span_text: ['test/cli/daemon/otlp.test.ts', 'a text that is too long is cut'],
  answer_text: ['test/e2e/limits.test.ts', 'the sentence of an error is cut'],
};

test('every limit has a test that sends one more', (t) => {
  const sent: Table = Object.fromEntries(Object.keys(SENT_LIMITS).map((name) => [name, SENT]));
  for (const table of [sent, AGENT, BMC, SINK, SOURCE, OPEN, HTTP, KEPT] as readonly Table[])
    for (const [name, [file, title]] of Object.entries(table))
      t.true(readFileSync(file, 'utf8').includes(title), `${name}: ${file} has no test '${title}'`);
});
