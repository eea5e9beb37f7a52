/** What the scheduler's histograms say about a stretch, and what is made of it for perf-dash. */
import { describe, expect, it } from 'vitest';
import { bucketQuantile, histogramFigures, meanMs, type Series, since } from '../../bench/histograms.ts';
import { dataItems, dataItemsFile, thresholdVerdicts } from '../../bench/report/data-items.ts';
import type { WorkloadResult } from '../../bench/runner.ts';

const attempts = 'scheduler_scheduling_attempt_duration_seconds';
const series = (name: string, labels: Record<string, string>, values: number[]): Series => ({
  name,
  kind: 'histogram',
  help: '',
  labels,
  buckets: [0.001, 0.002, 0.004],
  values,
});

describe('histograms', () => {
  it('interpolate quantiles inside a bucket, and end at the last bound', () => {
    expect(bucketQuantile(0.5, [1, 2, 4], [0, 10, 0, 0])).toBe(1.5);
    expect(bucketQuantile(0.75, [1, 2, 4], [5, 0, 5, 0])).toBe(3);
    expect(bucketQuantile(0.99, [1, 2, 4], [1, 0, 0, 9])).toBe(4);
  });

  it('count what came since, split by the values of labels and added up over all others', () => {
    const before = [series(attempts, { result: 'scheduled', profile: 'a' }, [5, 0, 0, 0, 0.005])];
    const after = [
      series(attempts, { result: 'scheduled', profile: 'a' }, [5, 10, 0, 0, 0.02]),
      series(attempts, { result: 'scheduled', profile: 'b' }, [0, 10, 0, 0, 0.015]),
      series(attempts, { result: 'error', profile: 'a' }, [0, 0, 0, 0, 0]),
    ];
    const found = histogramFigures(since(after, before));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ metric: attempts, labels: { result: 'scheduled' }, count: 20 });
    expect(found[0]?.ms.average).toBeCloseTo(1.5);
    expect(found[0]?.ms.p50).toBeCloseTo(1.5);
    expect(meanMs(after, attempts, { profile: 'b' })).toBeCloseTo(1.5);
    expect(meanMs(after, 'nowhere')).toBeUndefined();
  });

  it('report only what a test case asks for', () => {
    const all = [
      series(attempts, { result: 'scheduled' }, [1, 0, 0, 0, 0.001]),
      series(attempts, { result: 'error' }, [1, 0, 0, 0, 0.001]),
      series('scheduler_x', {}, [1, 0, 0, 0, 0.001]),
    ];
    const wanted = { [attempts]: [{ label: 'result', values: ['error'] }], scheduler_x: null };
    expect(histogramFigures(all, wanted).map(({ metric, labels }) => [metric, labels])).toEqual([
      [attempts, { result: 'error' }],
      ['scheduler_x', {}],
    ]);
  });
});

const figures = { average: 10, p50: 9, p90: 11, p95: 12, p99: 13 };
const result = (over: Partial<WorkloadResult> = {}): WorkloadResult => ({
  case: 'Case',
  workload: 'small/1',
  threshold: 0,
  thresholdMetric: { name: 'SchedulingThroughput', labels: {}, dataBucket: 'Average', expectLower: false },
  measurements: [
    {
      name: 'namespace-2',
      collectors: [],
      samples: [10, 20],
      progress: [],
      podsBound: 30,
      seconds: 2.5,
      cpuMs: 1,
      peakRssBytes: 1,
      stages: {},
      histograms: [{ metric: attempts, labels: { result: 'scheduled' }, ms: figures, count: 30 }],
      heap: { ...figures, max: 14, growthPerMinute: -1 },
    },
  ],
  podsBound: 30,
  podsVerified: 30,
  notes: [],
  quality: {
    cpuUtilization: 0,
    cpuDeviation: 0,
    memoryUtilization: 0,
    memoryDeviation: 0,
    nodesUsed: 0,
    fragmentation: 0,
    hostSkew: 0,
    violations: 0,
    victims: 0,
  },
  ...over,
});

describe('data items', () => {
  it("have upstream's shape, units and labels", () => {
    const { version, dataItems: items } = dataItems([result()]);
    const Name = 'BenchmarkPerfScheduling/Case/small/1/namespace-2';
    const data = { Average: 10, Perc50: 9, Perc90: 11, Perc95: 12, Perc99: 13 };
    expect(version).toBe('v1');
    // A label that any item has is on all of them, since perf-dash shows no others.
    const without = { result: 'not applicable' };
    expect(items).toEqual([
      {
        data: { Average: 15, Perc50: 10, Perc90: 20, Perc95: 20, Perc99: 20 },
        unit: 'pods/s',
        labels: { Metric: 'SchedulingThroughput', Name, ...without },
      },
      { data, unit: 'ms', labels: { Metric: attempts, Name, result: 'scheduled' } },
      { data: { ...data, Max: 14 }, unit: 'MB', labels: { Metric: 'heap_memory_usage', Name, ...without } },
      { data: { GrowthRate: -1 }, unit: 'MB/min', labels: { Metric: 'memory_growth_rate', Name, ...without } },
      { data: { Duration: 2.5 }, unit: 's', labels: { Metric: 'SchedulingDuration', Name, ...without } },
    ]);
  });

  it('are those of the collectors that a workload names', () => {
    const [stretch] = result().measurements;
    const one = result({ measurements: [{ ...stretch!, collectors: ['Memory'] }] });
    expect(dataItems([one]).dataItems.map(({ labels }) => labels['Metric'])).toEqual([
      'heap_memory_usage',
      'memory_growth_rate',
    ]);
  });

  it('carry the threshold, and tell whether it is reached', () => {
    const missed = result({ threshold: 16 });
    expect(dataItems([missed]).dataItems[0]?.data).toMatchObject({ Average: 15, AverageThreshold: 16 });
    expect(thresholdVerdicts(missed)).toMatchObject([{ value: 15, threshold: 16, isMet: false }]);
    const latency = { name: attempts, labels: { result: 'scheduled' }, dataBucket: 'Perc99', expectLower: true };
    expect(thresholdVerdicts(result({ threshold: 20, thresholdMetric: latency }))).toMatchObject([{ isMet: true }]);
    expect(thresholdVerdicts(result())).toEqual([]);
  });

  it('lie in a file that perf-dash finds', () => {
    expect(dataItemsFile('misc', new Date(0))).toBe('BenchmarkPerfScheduling_benchmark_misc_1970-01-01T00:00:00Z.json');
  });
});
