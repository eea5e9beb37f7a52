/** One object a workload, for scripts (`--json`) and for the records in results.ndjson. */
import { distribution } from '../collector.ts';
import type { WorkloadResult } from '../runner.ts';
import { type ThresholdVerdict, thresholdVerdicts } from './data-items.ts';

export interface Summary {
  readonly case: string;
  readonly workload: string;
  /** By upstream's one-second samples; `total` is all pods over all the time. */
  readonly podsPerSecond: {
    readonly average: number;
    readonly p50: number;
    readonly p90: number;
    readonly p95: number;
    readonly p99: number;
    readonly total: number;
  };
  /** User and system time of all threads, for each pod bound. */
  readonly cpuMsPerPod: number;
  /** While measuring; of a workload with a process of its own, at any time. */
  readonly peakRssBytes: number;
  readonly podsBound: number;
  readonly podsVerified: number;
  /** How well they were placed. */
  readonly quality: Readonly<Record<string, number>>;
  /** Mean milliseconds by stage. */
  readonly stagesMs: Readonly<Record<string, number>>;
  /** Most of the heaps of all threads, in mebibytes. */
  readonly heapMaxMiB: number;
  /** The thresholds of the file, if it has any. */
  readonly thresholds?: readonly Omit<ThresholdVerdict, 'name'>[];
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

export function summarize(result: WorkloadResult): Summary {
  const samples = result.measurements.flatMap((measurement) => measurement.samples);
  const { average, p50, p90, p95, p99 } = distribution(samples);
  const seconds = result.measurements.reduce((sum, measurement) => sum + measurement.seconds, 0);
  const cpuMs = result.measurements.reduce((sum, measurement) => sum + measurement.cpuMs, 0);
  const stages: Record<string, number> = {};
  for (const { stages: measured } of result.measurements) {
    for (const [stage, values] of Object.entries(measured)) stages[stage] = round(values.average, 3);
  }
  const pods = result.podsBound;
  const thresholds = thresholdVerdicts(result).map(({ name: _, value, ...verdict }) => ({
    ...verdict,
    value: round(value),
  }));
  return {
    case: result.case,
    workload: result.workload,
    podsPerSecond: {
      average: round(average),
      p50: round(p50),
      p90: round(p90),
      p95: round(p95),
      p99: round(p99),
      total: seconds === 0 ? 0 : round(pods / seconds),
    },
    cpuMsPerPod: pods === 0 ? 0 : round(cpuMs / pods, 3),
    peakRssBytes:
      result.peakRssBytes ?? Math.max(0, ...result.measurements.map((measurement) => measurement.peakRssBytes)),
    podsBound: pods,
    podsVerified: result.podsVerified,
    quality: Object.fromEntries(Object.entries(result.quality).map(([name, value]) => [name, round(value, 4)])),
    stagesMs: stages,
    heapMaxMiB: round(Math.max(0, ...result.measurements.map(({ heap }) => heap.max)), 1),
    ...(thresholds.length > 0 ? { thresholds } : {}),
  };
}
