/**
 * What a measured stretch of a workload gives: pods bound per second in one-second samples as upstream defines it, the same over
 * the whole stretch, CPU, memory, and how long pods stayed in each stage.
 * @see kubernetes/test/integration/scheduler_perf/util.go (throughputCollector)
 */

/** Values of one quantity and what people ask of them. */
export interface Distribution {
  readonly average: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

/** Percentiles by upstream's rule: the value at index `ceil(n × p) - 1` of the sorted samples. Zeros when there are none. */
export function distribution(samples: readonly number[]): Distribution {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    average: sorted.length === 0 ? 0 : sum / sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
  };
}

export interface Measurement {
  /** Pods per second in each one-second sample, from the first one with a bound pod on. */
  readonly samples: readonly number[];
  readonly podsBound: number;
  /** From the first create to the last binding seen. */
  readonly seconds: number;
  /** Of the whole process, all threads, user and system. */
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  /** Milliseconds in each stage, by name. */
  readonly stages: Readonly<Record<string, Distribution>>;
}

/** Time that a collector reads; the process's own by default. */
export interface Stopwatch {
  monotonic(): number;
  every(intervalMs: number, callback: () => void): { cancel(): void };
}

interface PodTimes {
  asked: number;
  created: number;
}

/** Collects from {@link start} to {@link stop}. Feed it with what happens to pods; others than those asked for are ignored. */
export class Collector {
  private readonly pods = new Map<string, PodTimes>();
  private readonly createMs: number[] = [];
  private readonly boundMs: number[] = [];
  private readonly readyMs: number[] = [];
  private readonly samples: number[] = [];
  private bound = 0;
  private boundBefore = 0;
  private sampleStart: number;
  private lastBound: number;
  private readonly begun: number;
  private readonly cpuBefore = process.cpuUsage();
  private peakRss = process.memoryUsage.rss();
  private readonly timer: { cancel(): void };

  constructor(
    private readonly stopwatch: Stopwatch,
    /** Whether a bound pod of this namespace and these labels counts. */
    private readonly counts: (namespace: string, labels: Readonly<Record<string, string>>) => boolean,
  ) {
    this.begun = this.sampleStart = this.lastBound = stopwatch.monotonic();
    this.timer = stopwatch.every(1000, () => this.sample());
  }

  /** The create call of a pod went out at `asked` and its answer came at `created` (stopwatch milliseconds). */
  podCreated(uid: string, asked: number, created: number): void {
    this.pods.set(uid, { asked, created });
    this.createMs.push(created - asked);
  }

  /** The watch showed the pod with a node. */
  podBound(uid: string, namespace: string, labels: Readonly<Record<string, string>>): void {
    if (!this.counts(namespace, labels)) return;
    this.bound++;
    this.lastBound = this.stopwatch.monotonic();
    const times = this.pods.get(uid);
    // A pod may be seen bound before the answer to its create is handled here.
    if (times !== undefined) this.boundMs.push(Math.max(0, this.lastBound - times.created));
  }

  /** The watch showed the pod Ready. */
  podReady(uid: string): void {
    const times = this.pods.get(uid);
    if (times !== undefined) this.readyMs.push(Math.max(0, this.stopwatch.monotonic() - times.created));
  }

  private sample(): void {
    const now = this.stopwatch.monotonic();
    this.peakRss = Math.max(this.peakRss, process.memoryUsage.rss());
    const fresh = this.bound - this.boundBefore;
    const elapsed = (now - this.sampleStart) / 1000;
    this.sampleStart = now;
    this.boundBefore = this.bound;
    // As upstream: the wait before the first pod is not a sample.
    if (fresh === 0 && this.samples.length === 0) return;
    this.samples.push(fresh / elapsed);
  }

  /** Ends the stretch. `schedulerStages` are the scheduler's own histograms, summed up. */
  stop(schedulerStages: Readonly<Record<string, Distribution>>): Measurement {
    this.timer.cancel();
    this.peakRss = Math.max(this.peakRss, process.memoryUsage.rss());
    const { user, system } = process.cpuUsage(this.cpuBefore);
    const seconds = (this.lastBound - this.begun) / 1000;
    // A stretch of less than a second has no sample; its one figure is the total.
    const samples =
      this.samples.length > 0 ? this.samples : this.bound > 0 && seconds > 0 ? [this.bound / seconds] : [];
    return {
      samples,
      podsBound: this.bound,
      seconds,
      cpuMs: (user + system) / 1000,
      peakRssBytes: this.peakRss,
      stages: {
        create: distribution(this.createMs),
        ...schedulerStages,
        'create to bound': distribution(this.boundMs),
        ...(this.readyMs.length === 0 ? {} : { 'create to ready': distribution(this.readyMs) }),
      },
    };
  }
}
