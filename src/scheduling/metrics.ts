/** The scheduler's metrics, under upstream's names. @see kubernetes/pkg/scheduler/metrics/metrics.go */
import type { Counter, Histogram, Metrics } from '../runtime/index.ts';
import type { PluginTimings } from './cycle-state.ts';
import type { QueueName } from './queue.ts';

const exponential = (start: number, factor: number, count: number) =>
  Array.from({ length: count }, (_, i) => start * factor ** i);

const attemptBuckets = exponential(0.001, 2, 15);
const sliBuckets = exponential(0.01, 2, 20);
const pointBuckets = exponential(0.0001, 2, 12);
const pluginBuckets = exponential(0.00001, 1.5, 20);

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** One attempt in this many is measured by extension point. */
export const sampleOneIn = 10;

export class SchedulerMetrics {
  readonly #metrics: Metrics;
  readonly #attempts = new Map<string, Counter>();
  readonly #durations = new Map<string, Histogram>();
  readonly #points = new Map<string, Histogram>();
  readonly #plugins = new Map<string, Histogram>();
  readonly #sli = new Map<string, Histogram>();
  readonly #podAttempts: Histogram;
  readonly #incoming = new Map<string, Counter>();
  readonly #pending: Readonly<Record<QueueName, { set(value: number): void }>>;
  readonly #victims: Histogram;
  readonly #algorithm: Histogram;
  readonly #preemptions: Counter;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    const pending = (queue: string) =>
      metrics.gauge('scheduler_pending_pods', 'Number of pending pods, by the queue type.', { queue });
    this.#pending = {
      active: pending('active'),
      backoff: pending('backoff'),
      unschedulable: pending('unschedulable'),
      gated: pending('gated'),
    };
    this.#podAttempts = metrics.histogram(
      'scheduler_pod_scheduling_attempts',
      'Number of attempts to successfully schedule a pod.',
      [1, 2, 4, 8, 16],
    );
    this.#victims = metrics.histogram(
      'scheduler_preemption_victims',
      'Number of selected preemption victims',
      exponential(1, 2, 7),
    );
    this.#algorithm = metrics.histogram(
      'scheduler_scheduling_algorithm_duration_seconds',
      'Scheduling algorithm latency in seconds',
      attemptBuckets,
    );
    this.#preemptions = metrics.counter(
      'scheduler_preemption_attempts_total',
      'Total preemption attempts in the cluster till now',
    );
  }

  attempt(result: AttemptResult, profile: string, seconds: number): void {
    const key = `${result}/${profile}`;
    const labels = { result, profile };
    let counter = this.#attempts.get(key);
    if (!counter) {
      counter = this.#metrics.counter(
        'scheduler_schedule_attempts_total',
        'Number of attempts to schedule pods, by the result.',
        labels,
      );
      this.#attempts.set(key, counter);
    }
    counter.add();
    let duration = this.#durations.get(key);
    if (!duration) {
      duration = this.#metrics.histogram(
        'scheduler_scheduling_attempt_duration_seconds',
        'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
        attemptBuckets,
        labels,
      );
      this.#durations.set(key, duration);
    }
    duration.observe(seconds);
  }

  /** A node was found, and the pod assumed on it, in `seconds`. */
  algorithm(seconds: number): void {
    this.#algorithm.observe(seconds);
  }

  /** A pod was bound after `attempts`, `seconds` after the first of them began. */
  bound(attempts: number, seconds: number): void {
    this.#podAttempts.observe(attempts);
    const label = attempts >= 15 ? '15+' : String(attempts);
    let histogram = this.#sli.get(label);
    if (!histogram) {
      histogram = this.#metrics.histogram(
        'scheduler_pod_scheduling_sli_duration_seconds',
        'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue.',
        sliBuckets,
        { attempts: label },
      );
      this.#sli.set(label, histogram);
    }
    histogram.observe(seconds);
  }

  extensionPoint(point: string, status: string, profile: string, seconds: number): void {
    const key = `${point}/${status}/${profile}`;
    let histogram = this.#points.get(key);
    if (!histogram) {
      histogram = this.#metrics.histogram(
        'scheduler_framework_extension_point_duration_seconds',
        'Latency for running all plugins of a specific extension point.',
        pointBuckets,
        { extension_point: point, status, profile },
      );
      this.#points.set(key, histogram);
    }
    histogram.observe(seconds);
  }

  /** A plugin's time over all rows that it was asked about at once; upstream observes each node. */
  plugin(plugin: string, point: string, seconds: number): void {
    const key = `${plugin}/${point}`;
    let histogram = this.#plugins.get(key);
    if (!histogram) {
      histogram = this.#metrics.histogram(
        'scheduler_plugin_execution_duration_seconds',
        'Duration for running a plugin at a specific extension point.',
        pluginBuckets,
        { plugin, extension_point: point, status: 'Success' },
      );
      this.#plugins.set(key, histogram);
    }
    histogram.observe(seconds);
  }

  /** For the attempts whose plugins are timed. */
  timings(monotonic: () => number): PluginTimings {
    return {
      now: monotonic,
      took: (plugin, point, startedMs) => this.plugin(plugin, point, (monotonic() - startedMs) / 1000),
    };
  }

  /** Pods kept out by PreEnqueue count as unschedulable, as upstream has it. */
  incoming(place: QueueName, event: string): void {
    const queue = place === 'gated' ? 'unschedulable' : place;
    const key = `${queue}/${event}`;
    let counter = this.#incoming.get(key);
    if (!counter) {
      counter = this.#metrics.counter(
        'scheduler_queue_incoming_pods_total',
        'Number of pods added to scheduling queues by event and queue type.',
        { queue, event },
      );
      this.#incoming.set(key, counter);
    }
    counter.add();
  }

  pending(queue: QueueName, size: number): void {
    this.#pending[queue].set(size);
  }

  victims(count: number): void {
    this.#victims.observe(count);
  }

  preemption(): void {
    this.#preemptions.add();
  }
}
