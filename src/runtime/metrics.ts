/**
 * Metrics of one actor: every cell lives in a typed array, so that an update is an array store. Snapshots are plain data that
 * cross threads; they are merged and written as Prometheus text here too.
 */
import { SUMMARY_BINS, SummaryCell, summaryQuantile } from './metric-summary.ts';
import type { Counter, Gauge, Histogram, Metrics, Summary } from './types.ts';

/**
 * One series as plain data. Histogram: `values` are the counts a bucket (not cumulative, the last one is +Inf), then the sum.
 * Summary: `buckets` are the quantiles, `values` the counts a bin, then the sum and the count.
 */
export interface MetricSeries {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: readonly number[];
  readonly values: readonly number[];
}

export type MetricsSnapshot = readonly MetricSeries[];

interface Series extends Omit<MetricSeries, 'values'> {
  values(): number[];
  readonly cell: Counter & Gauge & Summary;
}

/** The registry of one actor. Asking again for the same name and labels gives the same cell. */
export class ActorMetrics implements Metrics {
  private readonly series = new Map<string, Series>();
  private readonly updates: (() => void)[] = [];

  counter(name: string, help: string, labels: Readonly<Record<string, string>> = {}): Counter {
    return this.register('counter', name, help, [], labels);
  }

  gauge(name: string, help: string, labels: Readonly<Record<string, string>> = {}): Gauge {
    return this.register('gauge', name, help, [], labels);
  }

  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: Readonly<Record<string, string>> = {},
  ): Histogram {
    return this.register('histogram', name, help, buckets, labels);
  }

  summary(
    name: string,
    help: string,
    quantiles: readonly number[],
    labels: Readonly<Record<string, string>> = {},
  ): Summary {
    return this.register('summary', name, help, quantiles, labels);
  }

  beforeRead(update: () => void): void {
    this.updates.push(update);
  }

  snapshot(): MetricsSnapshot {
    for (const update of this.updates) update();
    return [...this.series.values()].map(({ name, kind, help, labels, buckets, values }) => ({
      name,
      kind,
      help,
      labels,
      buckets,
      values: values(),
    }));
  }

  text(): string {
    return prometheusText(this.snapshot());
  }

  private register(
    kind: MetricSeries['kind'],
    name: string,
    help: string,
    buckets: readonly number[],
    labels: Readonly<Record<string, string>>,
  ): Counter & Gauge & Summary {
    const key = seriesKey(name, labels);
    const known = this.series.get(key);
    if (known !== undefined) {
      if (known.kind !== kind) throw new Error(`metric ${name} is a ${known.kind} already and cannot become a ${kind}`);
      return known.cell;
    }
    const cell =
      kind === 'histogram' ? new HistogramCell(buckets) : kind === 'summary' ? new SummaryCell() : new NumberCell();
    this.series.set(key, { name, kind, help, labels, buckets, values: () => cell.values(), cell });
    return cell;
  }
}

class NumberCell {
  private readonly cells = new Float64Array(1);

  values(): number[] {
    return [this.cells[0]!];
  }

  add(amount = 1): void {
    this.cells[0]! += amount;
  }

  set(value: number): void {
    this.cells[0] = value;
  }

  observe(value: number): void {
    this.add(value);
  }

  endPeriod(): void {}
}

class HistogramCell {
  private readonly cells: Float64Array;
  private readonly buckets: Float64Array;

  constructor(buckets: readonly number[]) {
    this.cells = new Float64Array(buckets.length + 2);
    this.buckets = Float64Array.from(buckets);
  }

  values(): number[] {
    return Array.from(this.cells);
  }

  observe(value: number): void {
    let low = 0;
    let high = this.buckets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= this.buckets[middle]!) high = middle;
      else low = middle + 1;
    }
    this.cells[low]! += 1;
    this.cells[this.buckets.length + 1]! += value;
  }

  add(amount = 1): void {
    this.observe(amount);
  }

  set(value: number): void {
    this.observe(value);
  }

  endPeriod(): void {}
}

/** Adds up the series of several actors that have the same name and labels; the order is that of their names. */
export function mergeSnapshots(snapshots: Iterable<MetricsSnapshot>): MetricsSnapshot {
  const merged = new Map<string, MetricSeries>();
  for (const snapshot of snapshots) {
    for (const series of snapshot) {
      const key = seriesKey(series.name, series.labels);
      const known = merged.get(key);
      merged.set(
        key,
        known === undefined || known.values.length !== series.values.length
          ? series
          : { ...known, values: known.values.map((value, at) => value + series.values[at]!) },
      );
    }
  }
  return [...merged.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, series]) => series);
}

/** Prometheus' text format, version 0.0.4. Series of one name stand together, under one HELP and TYPE. */
export function prometheusText(snapshot: MetricsSnapshot): string {
  const byName = new Map<string, MetricSeries[]>();
  for (const series of snapshot) {
    const group = byName.get(series.name);
    if (group === undefined) byName.set(series.name, [series]);
    else group.push(series);
  }
  let text = '';
  for (const [name, group] of byName) {
    text += `# HELP ${name} ${group[0]!.help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${group[0]!.kind}\n`;
    for (const series of group)
      text +=
        series.kind === 'histogram'
          ? histogramText(series)
          : series.kind === 'summary'
            ? summaryText(series)
            : `${name}${labelText(series.labels)} ${series.values[0]}\n`;
  }
  return text;
}

function histogramText(series: MetricSeries): string {
  let text = '';
  let count = 0;
  for (let at = 0; at <= series.buckets.length; at++) {
    count += series.values[at]!;
    const le = at === series.buckets.length ? '+Inf' : String(series.buckets[at]);
    text += `${series.name}_bucket${labelText({ ...series.labels, le })} ${count}\n`;
  }
  const labels = labelText(series.labels);
  return `${text}${series.name}_sum${labels} ${series.values[series.buckets.length + 1]}\n${series.name}_count${labels} ${count}\n`;
}

function summaryText({ name, labels, buckets, values }: MetricSeries): string {
  let text = '';
  for (const quantile of buckets)
    text += `${name}${labelText({ ...labels, quantile: String(quantile) })} ${summaryQuantile(values, quantile)}\n`;
  const shown = labelText(labels);
  return `${text}${name}_sum${shown} ${values[SUMMARY_BINS]}\n${name}_count${shown} ${values[SUMMARY_BINS + 1]}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels);
  if (names.length === 0) return '';
  return `{${names.map((name) => `${name}="${labels[name]!.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',')}}`;
}

function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  return name + labelText(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
}
