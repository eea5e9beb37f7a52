/**
 * The scheduler's histograms over a measured stretch: what they counted since its beginning, aggregated and split by labels as
 * upstream's scheduler_perf does. Quantiles are interpolated inside a bucket, as Prometheus does.
 * @see kubernetes/test/integration/scheduler_perf/util.go (metricsCollector)
 */
import type { ActorInspection } from '../src/runtime/index.ts';
import type { Distribution } from './collector.ts';
import type { MetricsToCollect } from './config.ts';

export type Series = ActorInspection['metrics'][number];

/** One histogram, or the part of it with these labels, in milliseconds. */
export interface HistogramFigures {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ms: Distribution;
  readonly count: number;
}

/** What upstream reports when a test case names nothing; an empty list of values stands for all there are. */
export const defaultMetrics: MetricsToCollect = {
  scheduler_framework_extension_point_duration_seconds: [{ label: 'extension_point', values: [] }],
  scheduler_scheduling_attempt_duration_seconds: [{ label: 'result', values: [] }],
  scheduler_pod_scheduling_sli_duration_seconds: null,
  scheduler_plugin_execution_duration_seconds: [
    { label: 'plugin', values: [] },
    { label: 'extension_point', values: [] },
  ],
  scheduler_queueing_hint_execution_duration_seconds: [
    { label: 'plugin', values: [] },
    { label: 'event', values: [] },
  ],
  scheduler_event_handling_duration_seconds: [{ label: 'event', values: [] }],
};

const keyOf = ({ name, labels }: Series): string =>
  `${name}\n${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

/** Series of the scheduler out of an inspection of all actors; those of equal name and labels are added up. */
export function schedulerHistograms(rows: readonly ActorInspection[]): Series[] {
  const merged = new Map<string, Series>();
  for (const series of rows.flatMap(({ metrics }) => metrics)) {
    if (series.kind !== 'histogram' || !series.name.startsWith('scheduler_')) continue;
    const before = merged.get(keyOf(series));
    const values = before === undefined ? series.values : series.values.map((value, at) => value + before.values[at]!);
    merged.set(keyOf(series), { ...series, values });
  }
  return [...merged.values()];
}

/** The series' values less what they were `before`. */
export function since(after: readonly Series[], before: readonly Series[]): Series[] {
  const known = new Map(before.map((series) => [keyOf(series), series.values]));
  return after.map((series) => {
    const base = known.get(keyOf(series));
    return base === undefined ? series : { ...series, values: series.values.map((value, at) => value - base[at]!) };
  });
}

/** The quantile of bucket counts (the last one beyond all bounds), linear within a bucket; the last bound when it lies beyond. */
export function bucketQuantile(share: number, bounds: readonly number[], counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const rank = share * total;
  let below = 0;
  for (const [at, bound] of bounds.entries()) {
    const count = counts[at] ?? 0;
    if (below + count >= rank && count > 0) {
      const start = bounds[at - 1] ?? 0;
      return start + (bound - start) * ((rank - below) / count);
    }
    below += count;
  }
  return bounds.at(-1) ?? 0;
}

function figures(metric: string, labels: Readonly<Record<string, string>>, series: readonly Series[]) {
  const [first] = series;
  if (first === undefined) return undefined;
  const bounds = first.buckets;
  const values = first.values.map((_, at) => series.reduce((sum, one) => sum + (one.values[at] ?? 0), 0));
  const counts = values.slice(0, bounds.length + 1);
  const count = counts.reduce((sum, value) => sum + value, 0);
  if (count === 0) return undefined;
  const quantile = (share: number) => bucketQuantile(share, bounds, counts) * 1000;
  const average = ((values[bounds.length + 1] ?? 0) / count) * 1000;
  const ms = { average, p50: quantile(0.5), p90: quantile(0.9), p95: quantile(0.95), p99: quantile(0.99) };
  return { metric, labels, ms, count };
}

/** Every combination of the labels' values that has samples, in the order of the labels. */
export function histogramFigures(
  series: readonly Series[],
  wanted: MetricsToCollect = defaultMetrics,
): HistogramFigures[] {
  return Object.entries(wanted).flatMap(([metric, split]) => {
    const group = series.filter(({ name }) => name === metric);
    if (split === null) return figures(metric, {}, group) ?? [];
    const combinations = new Map<string, { labels: Record<string, string>; members: Series[] }>();
    for (const one of group) {
      const labels = Object.fromEntries(split.map(({ label }) => [label, one.labels[label] ?? '']));
      if (split.some(({ label, values }) => values.length > 0 && !values.includes(labels[label] ?? ''))) continue;
      const key = JSON.stringify(labels);
      const known = combinations.get(key) ?? { labels, members: [] };
      known.members.push(one);
      combinations.set(key, known);
    }
    return [...combinations.values()].flatMap(({ labels, members }) => figures(metric, labels, members) ?? []);
  });
}

/** Mean milliseconds of a histogram's samples with these labels; undefined without any. */
export function meanMs(
  series: readonly Series[],
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const meant = series.filter(
    (one) => one.name === metric && Object.entries(labels).every(([name, value]) => one.labels[name] === value),
  );
  return figures(metric, labels, meant)?.ms.average;
}
