/** Upstream's JSON data items, as perf-dash reads them. @see kubernetes/test/integration/scheduler_perf/util.go (DataItem) */
import { type Distribution, distribution } from '../collector.ts';
import type { WorkloadResult } from '../runner.ts';

export interface DataItem {
  readonly data: Readonly<Record<string, number>>;
  readonly unit: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface DataItems {
  readonly version: 'v1';
  readonly dataItems: readonly DataItem[];
}

type MeasuredResult = WorkloadResult['measurements'][number];

const buckets = ({ average, p50, p90, p95, p99 }: Distribution) => ({
  Average: average,
  Perc50: p50,
  Perc90: p90,
  Perc95: p95,
  Perc99: p99,
});

/** What upstream's collectors give for one measured stretch; `collectors` of the stretch choose among them. */
function itemsOf(result: WorkloadResult, measurement: MeasuredResult): DataItem[] {
  const name = `BenchmarkPerfScheduling/${result.case}/${result.workload}/${measurement.name}`;
  const item = (metric: string, unit: string, data: DataItem['data'], labels: DataItem['labels'] = {}): DataItem => ({
    data,
    unit,
    labels: { Metric: metric, Name: name, ...labels },
  });
  const { heap, histograms, samples, seconds, collectors } = measurement;
  const byCollector: Readonly<Record<string, () => readonly DataItem[]>> = {
    Throughput: () =>
      samples.length === 0 ? [] : [item('SchedulingThroughput', 'pods/s', buckets(distribution(samples)))],
    Metrics: () => histograms.map(({ metric, labels, ms }) => item(metric, 'ms', buckets(ms), labels)),
    Memory: () => [
      item('heap_memory_usage', 'MB', { ...buckets(heap), Max: heap.max }),
      item('memory_growth_rate', 'MB/min', { GrowthRate: heap.growthPerMinute }),
    ],
    SchedulingDuration: () => [item('SchedulingDuration', 's', { Duration: seconds })],
  };
  const chosen = collectors.length === 0 ? Object.keys(byCollector) : collectors;
  return chosen.flatMap((collector) => byCollector[collector]?.() ?? []);
}

/** Whether a figure with a threshold reached it. */
export interface ThresholdVerdict {
  readonly name: string;
  readonly metric: string;
  readonly bucket: string;
  readonly threshold: number;
  readonly value: number;
  readonly isMet: boolean;
}

/** The items of a result; those that a threshold is for carry it, as upstream's `AverageThreshold`. */
function withThresholds(result: WorkloadResult): { items: DataItem[]; verdicts: ThresholdVerdict[] } {
  const { threshold, thresholdMetric: wanted } = result;
  const verdicts: ThresholdVerdict[] = [];
  const items = result.measurements
    .flatMap((measurement) => itemsOf(result, measurement))
    .map((item) => {
      const isMeant =
        threshold !== 0 &&
        item.labels['Metric'] === wanted.name &&
        Object.entries(wanted.labels).every(([name, value]) => item.labels[name] === value);
      const value = item.data[wanted.dataBucket];
      if (!isMeant || value === undefined) return item;
      verdicts.push({
        name: item.labels['Name'] ?? '',
        metric: wanted.name,
        bucket: wanted.dataBucket,
        threshold,
        value,
        isMet: wanted.expectLower ? value < threshold : value > threshold,
      });
      return { ...item, data: { ...item.data, [`${wanted.dataBucket}Threshold`]: threshold } };
    });
  return { items, verdicts };
}

/** As upstream: perf-dash shows an item only when it has every label that any item has. */
const missingLabel = 'not applicable';

export function dataItems(results: readonly WorkloadResult[]): DataItems {
  const items = results.flatMap((result) => withThresholds(result).items);
  const names = [...new Set(items.flatMap(({ labels }) => Object.keys(labels)))];
  const blank = Object.fromEntries(names.map((name) => [name, missingLabel]));
  return { version: 'v1', dataItems: items.map((item) => ({ ...item, labels: { ...blank, ...item.labels } })) };
}

export const thresholdVerdicts = (result: WorkloadResult): ThresholdVerdict[] => withThresholds(result).verdicts;

/** The name by which perf-dash finds the file, with the time in upstream's form. */
export const dataItemsFile = (topic: string, at: Date): string =>
  `BenchmarkPerfScheduling_benchmark_${topic}_${at.toISOString().replace(/\.\d+Z$/, 'Z')}.json`;
