/**
 * What a measured stretch of a workload gives: pods bound per second in one-second samples as upstream defines it (the first
 * second with a bound pod is where they begin; seconds without one count with the next), the same over the whole stretch and in
 * finer steps for charts, CPU, memory, and how long pods stayed in each stage.
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

/** Pods bound so far, at a time since the beginning of the stretch. */
export interface Progress {
  readonly atMs: number;
  readonly bound: number;
}

export interface Measurement {
  /** Pods per second in upstream's one-second samples; the total alone when there is none. */
  readonly samples: readonly number[];
  /** At most {@link progressMax} points, evenly spaced, the last one at the last binding. */
  readonly progress: readonly Progress[];
  readonly podsBound: number;
  /** From the first create to the last binding seen. */
  readonly seconds: number;
  /** Of the whole process, all threads, user and system. */
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  /** Milliseconds in each stage, by name. */
  readonly stages: Readonly<Record<string, Distribution>>;
}

/** Points of a chart. When there are twice as many, every second one goes. */
export const progressMax = 200;
const progressIntervalMs = 100;

/** Pods per second in each of `steps` equal parts of the stretch, from its progress; fewer parts than that when it was short. */
export function ratesOver(progress: readonly Progress[], steps: number): number[] {
  const end = progress.at(-1)?.atMs ?? 0;
  const parts = Math.min(steps, Math.max(1, Math.floor(end / progressIntervalMs)));
  const boundAt = (ms: number): number => {
    let before: Progress = { atMs: 0, bound: 0 };
    for (const point of progress) {
      if (point.atMs < ms) {
        before = point;
        continue;
      }
      const span = point.atMs - before.atMs;
      return span === 0 ? point.bound : before.bound + ((point.bound - before.bound) * (ms - before.atMs)) / span;
    }
    return before.bound;
  };
  if (end === 0) return [];
  const width = end / parts;
  return Array.from(
    { length: parts },
    (_, part) => ((boundAt((part + 1) * width) - boundAt(part * width)) / width) * 1000,
  );
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
  private readonly timers: readonly { cancel(): void }[];
  private readonly points: Progress[] = [];
  /** One tick in this many becomes a point. */
  private stride = 1;
  private ticks = 0;
  private started = false;
  /** Whole seconds without a bound pod since the last sample. */
  private skipped = 0;

  constructor(
    private readonly stopwatch: Stopwatch,
    /** Whether a bound pod of this namespace and these labels counts. */
    private readonly counts: (namespace: string, labels: Readonly<Record<string, string>>) => boolean,
  ) {
    this.begun = this.sampleStart = this.lastBound = stopwatch.monotonic();
    this.timers = [stopwatch.every(1000, () => this.sample()), stopwatch.every(progressIntervalMs, () => this.point())];
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
    if (this.bound === 0) return;
    if (this.started && fresh === 0) {
      this.skipped++;
      return;
    }
    if (this.started) {
      const rate = fresh / ((now - this.sampleStart) / 1000);
      for (let times = 0; times <= this.skipped; times++) this.samples.push(rate);
    }
    this.started = true;
    this.skipped = 0;
    this.sampleStart = now;
    this.boundBefore = this.bound;
  }

  private point(): void {
    if (this.ticks++ % this.stride !== 0) return;
    this.points.push({ atMs: this.stopwatch.monotonic() - this.begun, bound: this.bound });
    if (this.points.length < progressMax * 2) return;
    for (let at = this.points.length - 2; at > 0; at -= 2) this.points.splice(at, 1);
    this.stride *= 2;
  }

  /** Ends the stretch. */
  stop(): Measurement {
    for (const timer of this.timers) timer.cancel();
    this.peakRss = Math.max(this.peakRss, process.memoryUsage.rss());
    const { user, system } = process.cpuUsage(this.cpuBefore);
    const seconds = (this.lastBound - this.begun) / 1000;
    // A stretch of hardly a second has no sample; its one figure is the total.
    const samples =
      this.samples.length > 0 ? this.samples : this.bound > 0 && seconds > 0 ? [this.bound / seconds] : [];
    return {
      samples,
      progress: [
        ...this.points.filter(({ atMs }) => atMs < seconds * 1000),
        { atMs: seconds * 1000, bound: this.bound },
      ],
      podsBound: this.bound,
      seconds,
      cpuMs: (user + system) / 1000,
      peakRssBytes: this.peakRss,
      stages: {
        create: distribution(this.createMs),
        'create to bound': distribution(this.boundMs),
        ...(this.readyMs.length === 0 ? {} : { 'create to ready': distribution(this.readyMs) }),
      },
    };
  }
}
