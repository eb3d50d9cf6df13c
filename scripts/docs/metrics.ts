/** docs/metrics.md and the dashboard for Grafana, from the table of metrics. */
import { METRICS, type MetricName, type MetricRow } from '../../src/server/metrics/table.ts';
import { printJson } from './json.ts';
import { code, markdownTable, page } from './markdown.ts';

/** The page. */
export function printMetrics(): string {
  const rows = Object.entries(METRICS).map(([name, row]: [string, MetricRow]) => [
    code(name),
    row.kind,
    row.labels.map(code).join(', '),
    row.says,
  ]);
  return page('Metrics', 'src/server/metrics/table.ts', [
    [
      'The HTTP door answers them at `/metrics` in the text format of Prometheus, to whoever may call it (see [security](security.md)). With',
      'them come those of the process: `process_…` for processor, memory and open files, `nodejs_eventloop_lag_…` for how late the',
      'conductor is, and those of the garbage collector. Counters and histograms begin at 0 when the process starts.',
    ].join('\n'),
    markdownTable(['metric', 'kind', 'labels', 'what it says'], rows),
    [
      'Each label has few values: RPCs, states, targets, codes and drivers are fixed lists. The 100 zones with most nodes have series of their own;',
      'the others are counted together as the zone `(others)`. No series is about a single node, plan or client: [events](notifications/README.md) and the log are.',
    ].join('\n'),
    [
      '`packaging/prometheus/countermand.rules.yaml` has rules for alerts, and [a page for each](operations/alerts.md) says what to do.',
      '`packaging/grafana/countermand.json` is a dashboard. A job for Prometheus:',
    ].join('\n'),
    [
      '```yaml',
      'scrape_configs:',
      '  - job_name: countermand',
      '    authorization: {credentials_file: /etc/prometheus/countermand.token}',
      '    static_configs: [{targets: ["conductor-1.example:7078", "conductor-2.example:7078"]}]',
      '```',
    ].join('\n'),
  ]);
}

/** One panel of the dashboard: lines with their legends, in a unit of Grafana. */
interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly (readonly [expression: string, legend: string])[];
}

const p95 = (metric: MetricName, ...by: readonly string[]): string =>
  `histogram_quantile(0.95, sum by (${['le', ...by].join(', ')}) (rate(${metric}_bucket[$__rate_interval])))`;

/** The panels, two in a row. */
const PANELS: readonly Panel[] = [
  {
    title: 'Nodes by power state',
    unit: 'short',
    lines: [['sum by (power_state) (countermand_nodes)', '{{power_state}}']],
  },
  {
    title: 'Agents that serve a zone',
    unit: 'short',
    lines: [['countermand_zone_agents', '{{zone}}']],
  },
  {
    title: 'Power tasks under way',
    unit: 'short',
    lines: [['sum by (state) (countermand_power_tasks)', '{{state}}']],
  },
  {
    title: 'Power tasks that ended, each second',
    unit: 'ops',
    lines: [['sum by (state) (rate(countermand_power_tasks_total[$__rate_interval]))', '{{state}}']],
  },
  {
    title: 'From the order to the BMC, and to the end, 95th percentile',
    unit: 's',
    lines: [
      [p95('countermand_power_task_queued_seconds'), 'until it may be sent'],
      [p95('countermand_power_task_sent_seconds', 'target'), '{{target}}'],
    ],
  },
  {
    title: 'Aborts and cancels, 95th percentile',
    unit: 's',
    lines: [
      [p95('countermand_power_task_abort_seconds', 'outcome'), 'abort {{outcome}}'],
      [p95('countermand_action_plan_cancel_seconds'), 'cancel of a plan'],
    ],
  },
  {
    title: 'Oldest power task that waits',
    unit: 's',
    lines: [['countermand_queue_age_seconds', '{{zone}}']],
  },
  {
    title: 'Failures, each minute',
    unit: 'short',
    lines: [
      ['sum by (code) (rate(countermand_power_task_failures_total[$__rate_interval])) * 60', '{{code}}'],
      [
        'sum by (driver, code) (rate(countermand_node_problems_total[$__rate_interval])) * 60',
        'cannot be read: {{driver}} {{code}}',
      ],
    ],
  },
  {
    title: 'Action plans under way',
    unit: 'short',
    lines: [['sum by (state) (countermand_action_plans)', '{{state}}']],
  },
  {
    title: 'Actions that ended, each second',
    unit: 'ops',
    lines: [['sum by (state) (rate(countermand_actions_total[$__rate_interval]))', '{{state}}']],
  },
  {
    title: 'Calls, each second',
    unit: 'ops',
    lines: [['sum by (code) (rate(countermand_calls_total[$__rate_interval]))', '{{code}}']],
  },
  {
    title: 'Calls and database, 95th percentile',
    unit: 's',
    lines: [
      [p95('countermand_call_seconds'), 'calls'],
      [p95('countermand_database_seconds', 'kind'), 'write: {{kind}}'],
    ],
  },
  {
    title: 'Sessions with BMCs',
    unit: 'short',
    lines: [['sum by (driver) (countermand_bmc_sessions)', '{{driver}}']],
  },
  {
    title: 'Events that wait for who reads them',
    unit: 'short',
    lines: [
      ['countermand_sink_lag_events', 'sink {{sink}}'],
      ['countermand_subscriber_lag_events', 'the subscriber furthest behind'],
    ],
  },
  {
    title: 'How late the conductor is',
    unit: 's',
    lines: [['nodejs_eventloop_lag_p99_seconds', '{{instance}}']],
  },
  {
    title: 'Memory',
    unit: 'bytes',
    lines: [['process_resident_memory_bytes', '{{instance}}']],
  },
];

/** The dashboard, as Grafana imports it. */
export function printDashboard(): string {
  // A variable of the dashboard, not of this text.
  const datasource = { type: 'prometheus', uid: `\${datasource}` };
  const panels = PANELS.map(({ title, unit, lines }, at) => ({
    id: at + 1,
    type: 'timeseries',
    title,
    datasource,
    gridPos: { x: (at % 2) * 12, y: Math.floor(at / 2) * 8, w: 12, h: 8 },
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: lines.map(([expr, legendFormat], line) => ({
      refId: String.fromCharCode(65 + line),
      datasource,
      expr,
      legendFormat,
    })),
  }));
  const dashboard = {
    uid: 'countermand',
    title: 'Countermand',
    tags: ['countermand'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }] },
    panels,
  };
  return printJson(dashboard);
}
