/**
 * The metrics of a conductor, as a table: `/metrics` and docs/metrics.md are printed from it. Names and units are those that
 * Prometheus asks for: seconds, `_total` for counters. Each label has few values, whatever the fleet does.
 */

/** What a metric is to Prometheus. */
type MetricKind = 'counter' | 'gauge' | 'histogram';

/** One metric. */
export interface MetricRow {
  readonly kind: MetricKind;
  /** What it says, in a sentence without its end. */
  readonly says: string;
  readonly labels: readonly string[];
  /** Of a histogram: the upper bounds of its buckets, in seconds. */
  readonly buckets?: readonly number[];
}

/** What a machine answers within: milliseconds to seconds. */
const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** What hardware needs: a tenth of a second to an hour. */
const LONG = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

const counter = (says: string, ...labels: readonly string[]): MetricRow => ({ kind: 'counter', says, labels });
const gauge = (says: string, ...labels: readonly string[]): MetricRow => ({ kind: 'gauge', says, labels });
const histogram = (buckets: readonly number[], says: string, ...labels: readonly string[]): MetricRow => ({
  kind: 'histogram',
  says,
  labels,
  buckets,
});

/** The metrics, by name. */
export const METRICS = {
  countermand_info: gauge('1; the label has the version', 'version'),
  countermand_leading: gauge(
    '1 while the conductor leads, 0 while it stands by; what it does not lead, it does not count',
  ),
  countermand_epoch: gauge('the epoch in which it leads, one more at each election; 0 where it is the only conductor'),
  countermand_disk_full: gauge('1 while the storage has no room and new work is refused'),

  countermand_power_tasks: gauge('the power tasks that are not at rest', 'state'),
  countermand_power_tasks_total: counter('the power tasks that have come to rest', 'target', 'state'),
  countermand_power_task_failures_total: counter('the power tasks that have failed', 'code'),
  countermand_power_task_queued_seconds: histogram(
    LONG,
    'from an order to the moment when it may be sent to the BMC',
    'target',
  ),
  countermand_power_task_sent_seconds: histogram(LONG, 'from that moment to the rest of the power task', 'target'),
  countermand_power_task_abort_seconds: histogram(LONG, 'from the abort of a power task to its rest', 'outcome'),
  countermand_queue_depth: gauge('the power tasks that are QUEUED: they wait for an agent, or at one', 'zone'),
  countermand_queue_age_seconds: gauge('how long the oldest of them has waited', 'zone'),

  countermand_action_plans: gauge('the action plans that are pending, run, or are being cancelled', 'state'),
  countermand_action_plans_total: counter('the action plans that have come to rest', 'state'),
  countermand_action_plan_seconds: histogram(LONG, 'from the start of an action plan to its rest', 'state'),
  countermand_action_plan_cancel_seconds: histogram(
    LONG,
    'from the cancel of an action plan that runs to its rest',
    'state',
  ),
  countermand_actions_total: counter('the actions that have come to rest', 'state'),
  countermand_audits_total: counter('the audits that have come to rest', 'state'),

  countermand_nodes: gauge('the nodes', 'zone', 'driver', 'power_state'),
  countermand_nodes_held: gauge('the nodes that a power task holds', 'zone'),
  countermand_nodes_maintenance: gauge('the nodes in maintenance', 'zone'),
  countermand_nodes_with_problem: gauge('the nodes that have a problem now', 'driver', 'code'),
  countermand_node_problems_total: counter('how often a node could not be read any more', 'driver', 'code'),
  countermand_agents: gauge('the agents', 'state'),
  countermand_zone_agents: gauge(
    'the attached agents that serve a zone with nodes; 0 means that none can be ordered',
    'zone',
  ),

  countermand_bmc_sessions: gauge(
    'the sessions with BMCs that attached agents have open, as they say every few seconds',
    'driver',
  ),

  countermand_database_bytes: gauge('how large the database is on its disk'),
  countermand_rows_deleted_total: counter('the rows that were deleted because they were old or too many', 'kind'),
  countermand_events_total: counter('the events that were ever stored'),
  countermand_subscriber_lag_events: gauge(
    'how many events wait for the subscriber that is furthest behind; 0 if none is behind. One that replays old events is',
  ),
  countermand_subscriber_lag_seconds: gauge('how old the event is that such a subscriber takes next'),
  countermand_sink_lag_events: gauge(
    'the numbers of events between the position of a sink and the newest event',
    'sink',
  ),
  countermand_sink_lag_seconds: gauge('how long the first event after the position of a sink has waited', 'sink'),
  countermand_sink_failing: gauge('1 while the receiver of a sink takes no events, or is off', 'sink'),
  countermand_sink_delivered_total: counter('the events that the receiver of a sink has taken over', 'sink'),
  countermand_notifications_total: counter(
    'the messages of a cloud that were read since the conductor leads: changed, repeated, ignored, or unreadable',
    'cloud',
    'result',
  ),
  countermand_notifications_connected: gauge('1 while the notifications of a cloud are read', 'cloud'),
  countermand_notification_lag_seconds: gauge('how old the last notification of a cloud was when it was read', 'cloud'),
  countermand_notification_age_seconds: gauge('how long ago the last notification of a cloud was read', 'cloud'),
  countermand_cloud_answers: gauge('1 while the compute service of a cloud answers', 'cloud'),
  countermand_compute_services: gauge('the compute services of a cloud when it last answered', 'cloud', 'state'),
  countermand_callers_refused_total: counter(
    'the calls and requests whose callers were not let in: without credentials, with wrong ones, or while none can be looked at',
    'code',
  ),
  countermand_calls_total: counter('the calls that have ended, over any protocol', 'rpc', 'code'),
  countermand_call_seconds: histogram(SHORT, 'from a call to the end of its answer; streams are not counted', 'rpc'),
  countermand_streams: gauge('the calls that are streams and open', 'rpc'),
  countermand_streams_not_read_total: counter('the streams that were ended because their clients did not read', 'rpc'),
  countermand_database_seconds: histogram(SHORT, 'from a write to its commit, by what it wrote first', 'kind'),
} as const satisfies Readonly<Record<string, MetricRow>>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;
