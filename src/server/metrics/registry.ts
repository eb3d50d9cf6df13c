/** The table of metrics in the hands of prom-client, which counts and prints. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { VERSION } from '../../core/version.ts';
import { METRICS, type MetricName, type MetricRow } from './table.ts';

/** The labels of one series. */
export type Labels = Readonly<Record<string, string>>;

/** What is counted. The names and labels are those of the table. */
export class MetricRegistry {
  readonly #registry = new Registry();
  readonly #metrics = new Map<string, Counter | Gauge | Histogram>();

  constructor() {
    for (const [name, row] of Object.entries(METRICS)) this.#metrics.set(name, this.#make(name, row));
    this.move('countermand_info', { version: VERSION }, 1);
  }

  #make(name: string, { kind, says, labels, buckets }: MetricRow): Counter | Gauge | Histogram {
    const given = { name, help: `${says}.`, labelNames: [...labels], registers: [this.#registry] };
    if (kind === 'counter') return new Counter(given);
    return kind === 'gauge' ? new Gauge(given) : new Histogram({ ...given, buckets: [...(buckets ?? [])] });
  }

  /** Adds to a counter. */
  add(name: MetricName, labels: Labels, count = 1): void {
    (this.#metrics.get(name) as Counter).inc({ ...labels }, count);
  }

  /** Moves a gauge up or down. */
  move(name: MetricName, labels: Labels, by: number): void {
    (this.#metrics.get(name) as Gauge).inc({ ...labels }, by);
  }

  /** Adds a time to a histogram. */
  observe(name: MetricName, labels: Labels, seconds: number): void {
    (this.#metrics.get(name) as Histogram).observe({ ...labels }, seconds);
  }

  /** Sets all series of a gauge, or of a counter that is counted elsewhere; those that are not named are gone. */
  set(name: MetricName, series: Iterable<readonly [labels: Labels, value: number]>): void {
    const metric = this.#metrics.get(name) as Counter | Gauge;
    metric.reset();
    for (const [labels, value] of series) metric.inc({ ...labels }, value);
  }

  /** Drops what gauges say of a fleet that is another's now. */
  forgetGauges(): void {
    for (const [name, row] of Object.entries(METRICS))
      if (row.kind === 'gauge' && name !== 'countermand_info') this.#metrics.get(name)?.reset();
  }

  /** Counts memory, processor, open files and the delay of the event loop of this process as well. Call it once in a process. */
  countProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
    // Gauges whose names say that they are counters, and whose labels are names of classes.
    for (const name of ['handles', 'requests', 'resources'])
      for (const suffix of ['', '_total']) this.#registry.removeSingleMetric(`nodejs_active_${name}${suffix}`);
  }

  /** Everything, in the text format of Prometheus 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
