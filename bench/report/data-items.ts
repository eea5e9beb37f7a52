/** Upstream's JSON data items, as perf-dash reads them. @see kubernetes/test/integration/scheduler_perf/util.go (DataItem) */
import { distribution } from '../collector.ts';
import type { WorkloadResult } from '../runner.ts';

export interface DataItems {
  readonly version: 'v1';
  readonly dataItems: readonly {
    readonly data: Readonly<Record<string, number>>;
    readonly unit: string;
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

export function dataItems(results: readonly WorkloadResult[]): DataItems {
  return {
    version: 'v1',
    dataItems: results.flatMap((result) =>
      result.measurements.flatMap((measurement) => {
        const labels = {
          Name: `BenchmarkPerfScheduling/${result.case}/${result.workload}/${measurement.name}`,
          TestCase: result.case,
          Workload: result.workload,
        };
        const { average, p50, p90, p95, p99 } = distribution(measurement.samples);
        return [
          {
            data: { Average: average, Perc50: p50, Perc90: p90, Perc95: p95, Perc99: p99 },
            unit: 'pods/s',
            labels: { Metric: 'SchedulingThroughput', ...labels },
          },
          ...Object.entries(measurement.stages).map(([stage, values]) => ({
            data: {
              Average: values.average,
              Perc50: values.p50,
              Perc90: values.p90,
              Perc95: values.p95,
              Perc99: values.p99,
            },
            unit: 'ms',
            labels: { Metric: `stage ${stage}`, ...labels },
          })),
        ];
      }),
    ),
  };
}
