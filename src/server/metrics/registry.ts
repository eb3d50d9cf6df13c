/** The table of metrics in the hands of prom-client, which counts and prints. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { VERSION } from '../../core/version.ts';
import { METRICS, type MetricName, type MetricRow } from './table.ts';

/** The labels of one series. */
export type Labels = Readonly<Record<string, string>>;

/** How many are told to prom-client at once. */
const TOLD_AT_ONCE = 500;

/** Something that was counted. */
interface Counted {
  readonly name: MetricName;
  readonly labels: Labels;
  readonly value: number;
}

let ofProcess: Registry | null = null;

/** Memory, processor, open files and the delay of the event loop. What measures them never ends: a process has it once. */
function processRegistry(): Registry {
  if (ofProcess) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  // Gauges whose names say that they are counters, and whose labels are names of classes.
  for (const name of ['handles', 'requests', 'resources'])
    for (const suffix of ['', '_total']) ofProcess.removeSingleMetric(`nodejs_active_${name}${suffix}`);
  return ofProcess;
}

/** What is counted. The names and labels are those of the table. */
export class MetricRegistry {
  readonly #registry = new Registry();
  readonly #metrics = new Map<string, Counter | Gauge | Histogram>();
  #ofProcess: Registry | null = null;
  /** What was counted since prom-client was last told. */
  #untold: Counted[] = [];

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
    this.#count({ name, labels, value: count });
  }

  /** Moves a gauge up or down. */
  move(name: MetricName, labels: Labels, by: number): void {
    this.#count({ name, labels, value: by });
  }

  /** Adds a time to a histogram. */
  observe(name: MetricName, labels: Labels, seconds: number): void {
    this.#count({ name, labels, value: seconds });
  }

  /** Many are told in one go, when their code is in the caches of the processor: a single one costs several times as much. */
  #count(counted: Counted): void {
    this.#untold.push(counted);
    if (this.#untold.length >= TOLD_AT_ONCE) this.#tell();
  }

  #tell(): void {
    const untold = this.#untold;
    this.#untold = [];
    for (const { name, labels, value } of untold) {
      const metric = this.#metrics.get(name);
      if (metric instanceof Histogram) metric.observe({ ...labels }, value);
      else metric?.inc({ ...labels }, value);
    }
  }

  /** Sets all series of a gauge, or of a counter that is counted elsewhere; those that are not named are gone. */
  set(name: MetricName, series: Iterable<readonly [labels: Labels, value: number]>): void {
    this.#tell();
    const metric = this.#metrics.get(name) as Counter | Gauge;
    metric.reset();
    for (const [labels, value] of series) metric.inc({ ...labels }, value);
  }

  /** Drops what gauges say of a fleet that is another's now. */
  forgetGauges(): void {
    this.#tell();
    for (const [name, row] of Object.entries(METRICS))
      if (row.kind === 'gauge' && name !== 'countermand_info') this.#metrics.get(name)?.reset();
  }

  /** Tells of memory, processor, open files and the delay of the event loop of this process as well. */
  countProcess(): void {
    this.#ofProcess = processRegistry();
  }

  /** Everything, in the text format of Prometheus 0.0.4. */
  async text(): Promise<string> {
    this.#tell();
    const registries = this.#ofProcess ? [this.#registry, this.#ofProcess] : [this.#registry];
    return (await Promise.all(registries.map((each) => each.metrics()))).join('\n');
  }
}
