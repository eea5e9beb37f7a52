/** The scheduler's metrics, under upstream's names. @see kubernetes/pkg/scheduler/metrics/metrics.go */
import type { Counter, Histogram, Metrics } from '../runtime/index.ts';
import { type PluginTimings, type PointTimings, type TimedPoint, timedPoints } from './cycle-state.ts';
import type { HintAnswer, QueueName } from './queue.ts';
import { codeNames, type VerdictCode } from './verdict.ts';

const exponential = (start: number, factor: number, count: number) =>
  Array.from({ length: count }, (_, i) => start * factor ** i);

const attemptBuckets = exponential(0.001, 2, 15);
const sliBuckets = exponential(0.01, 2, 20);
const pointBuckets = exponential(0.0001, 2, 12);
const pluginBuckets = exponential(0.00001, 1.5, 20);

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';
export type GroupAttemptResult = AttemptResult | 'waiting_on_preemption';

/** In one attempt of this many each plugin is timed. */
export const sampleOneIn = 10;

/** What is counted only when somebody looks. */
export interface MetricSources {
  cacheSizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number };
  bindings(): number;
  /** By label. */
  pastEvents(): ReadonlyMap<string, number>;
  /** Waiting pods by profile and rejecting plugin. */
  rejectedBy(): ReadonlyMap<string, ReadonlyMap<string, number>>;
}

export class SchedulerMetrics {
  readonly #metrics: Metrics;
  readonly #attempts = new Map<string, Counter>();
  readonly #durations = new Map<string, Histogram>();
  readonly #handled = new Map<string, Histogram>();
  readonly #hints = new Map<string, Histogram>();
  readonly #afterFlush: Counter;
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
      metrics.gauge(
        'scheduler_pending_pods',
        "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.",
        { queue },
      );
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
    this.#afterFlush = metrics.counter(
      'scheduler_pod_scheduled_after_flush_total',
      'Number of pods that were successfully scheduled after being flushed from unschedulablePods due to timeout. This metric helps detect potential queueing hint misconfigurations or event handling issues.',
    );
  }

  attempt(result: AttemptResult, profile: string, seconds: number): void {
    const key = `${result}/${profile}`;
    const labels = { result, profile };
    let counter = this.#attempts.get(key);
    if (!counter) {
      counter = this.#metrics.counter(
        'scheduler_schedule_attempts_total',
        "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
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

  /** A pod was bound after `attempts`, `seconds` after it first came to the active queue. */
  bound(attempts: number, seconds: number): void {
    this.#podAttempts.observe(attempts);
    const label = attempts >= 15 ? '15+' : String(attempts);
    let histogram = this.#sli.get(label);
    if (!histogram) {
      histogram = this.#metrics.histogram(
        'scheduler_pod_scheduling_sli_duration_seconds',
        'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.',
        sliBuckets,
        { attempts: label },
      );
      this.#sli.set(label, histogram);
    }
    histogram.observe(seconds);
  }

  /** Where the durations of a profile's extension points go. */
  points(profile: string, monotonic: () => number): PointTimings {
    const durations = new Map<TimedPoint, (Histogram | undefined)[]>(timedPoints.map((point) => [point, []]));
    return {
      now: monotonic,
      ran: (point, code, startedMs) => {
        const byCode = durations.get(point)!;
        byCode[code] ??= this.#point(point, code, profile);
        byCode[code].observe((monotonic() - startedMs) / 1000);
      },
      counter: (plugin, point) =>
        this.#metrics.counter(
          'scheduler_plugin_evaluation_total',
          'Number of attempts to schedule pods by each plugin and the extension point (available only in PreFilter, Filter, PreScore, and Score).',
          { plugin, extension_point: point, profile },
        ),
    };
  }

  #point(point: TimedPoint, code: VerdictCode, profile: string): Histogram {
    return this.#metrics.histogram(
      'scheduler_framework_extension_point_duration_seconds',
      'Latency for running all plugins of a specific extension point.',
      pointBuckets,
      { extension_point: point, status: codeNames[code], profile },
    );
  }

  /** A plugin's time over all rows that it was asked about at once; upstream observes each node. */
  plugin(plugin: string, point: string, status: string, seconds: number): void {
    const key = `${plugin}/${point}/${status}`;
    let histogram = this.#plugins.get(key);
    if (!histogram) {
      histogram = this.#metrics.histogram(
        'scheduler_plugin_execution_duration_seconds',
        'Duration for running a plugin at a specific extension point.',
        pluginBuckets,
        { plugin, extension_point: point, status },
      );
      this.#plugins.set(key, histogram);
    }
    histogram.observe(seconds);
  }

  /** For the attempts whose plugins are timed. */
  timings(monotonic: () => number): PluginTimings {
    return {
      now: monotonic,
      took: (plugin, point, startedMs, code) =>
        this.plugin(plugin, point, codeNames[code ?? 0] ?? 'Error', (monotonic() - startedMs) / 1000),
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

  /** An eviction of victims in the background has ended. */
  evicted(result: 'success' | 'error', seconds: number): void {
    this.#metrics
      .histogram(
        'scheduler_preemption_goroutines_duration_seconds',
        'Duration in seconds for running goroutines for the preemption.',
        sliBuckets,
        { result },
      )
      .observe(seconds);
    this.#metrics
      .counter('scheduler_preemption_goroutines_execution_total', 'Number of preemption goroutines executed.', {
        result,
      })
      .add();
  }

  /** The scheduler took in what happened in the cluster. */
  handled(event: string, seconds: number): void {
    let histogram = this.#handled.get(event);
    if (!histogram) {
      histogram = this.#metrics.histogram(
        'scheduler_event_handling_duration_seconds',
        'Event handling latency in seconds.',
        pointBuckets,
        { event },
      );
      this.#handled.set(event, histogram);
    }
    histogram.observe(seconds);
  }

  hint(plugin: string, event: string, hint: HintAnswer, seconds: number): void {
    const key = `${plugin}/${event}/${hint}`;
    let histogram = this.#hints.get(key);
    if (!histogram) {
      histogram = this.#metrics.histogram(
        'scheduler_queueing_hint_execution_duration_seconds',
        'Duration for running a queueing hint function of a plugin.',
        pluginBuckets,
        { plugin, event, hint },
      );
      this.#hints.set(key, histogram);
    }
    histogram.observe(seconds);
  }

  /** Permit held a pod back, and now let it go or not. */
  permitWait(code: VerdictCode, seconds: number): void {
    this.#metrics
      .histogram('scheduler_permit_wait_duration_seconds', 'Duration of waiting on permit.', attemptBuckets, {
        result: codeNames[code],
      })
      .observe(seconds);
  }

  /** A pod was bound that only the time that had passed had brought back. */
  boundAfterFlush(): void {
    this.#afterFlush.add();
  }

  /** A pod group was attempted, and its pods decided in `algorithmSeconds`. */
  groupAttempt(result: GroupAttemptResult, profile: string, seconds: number, algorithmSeconds: number): void {
    const labels = { result, profile };
    this.#metrics
      .counter(
        'scheduler_podgroup_schedule_attempts_total',
        "Number of attempts to schedule pod group, by the result. 'unschedulable' means a pod group could not be scheduled, while 'error' means an internal scheduler problem.",
        labels,
      )
      .add();
    this.#metrics
      .histogram(
        'scheduler_podgroup_scheduling_attempt_duration_seconds',
        'Pod group scheduling attempt latency in seconds',
        attemptBuckets,
        labels,
      )
      .observe(seconds);
    this.#metrics
      .histogram(
        'scheduler_podgroup_scheduling_algorithm_duration_seconds',
        'Pod group scheduling algorithm latency in seconds',
        attemptBuckets,
      )
      .observe(algorithmSeconds);
  }

  /** Counts what `sources` know each time that somebody looks. */
  watch(sources: MetricSources): void {
    const metrics = this.#metrics;
    const size = (type: string) =>
      metrics.gauge('scheduler_cache_size', 'Number of nodes, pods, and assumed (bound) pods in the scheduler cache.', {
        type,
      });
    const nodes = size('nodes');
    const pods = size('pods');
    const assumed = size('assumed_pods');
    const binding = metrics.gauge(
      'scheduler_goroutines',
      'Number of running goroutines split by the work they do such as binding.',
      { operation: 'binding' },
    );
    const past = new Gauges((event) =>
      metrics.gauge('scheduler_inflight_events', 'Number of events currently tracked in the scheduling queue.', {
        event: event!,
      }),
    );
    const rejected = new Gauges((profile, plugin) =>
      metrics.gauge(
        'scheduler_unschedulable_pods',
        'The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.',
        { plugin: plugin!, profile: profile! },
      ),
    );
    metrics.beforeRead(() => {
      const sizes = sources.cacheSizes();
      nodes.set(sizes.nodes);
      pods.set(sizes.pods);
      assumed.set(sizes.assumed_pods);
      binding.set(sources.bindings());
      past.clear();
      for (const [event, count] of sources.pastEvents()) past.set(count, event);
      rejected.clear();
      for (const [profile, plugins] of sources.rejectedBy()) {
        for (const [plugin, count] of plugins) rejected.set(count, profile, plugin);
      }
    });
  }
}

/** Gauges by labels; those that are not set again are 0. */
class Gauges {
  readonly #make: (...labels: string[]) => { set(value: number): void };
  readonly #known = new Map<string, { set(value: number): void }>();

  constructor(make: (...labels: string[]) => { set(value: number): void }) {
    this.#make = make;
  }

  clear(): void {
    for (const gauge of this.#known.values()) gauge.set(0);
  }

  set(value: number, ...labels: string[]): void {
    const key = labels.join('/');
    const gauge = this.#known.get(key) ?? this.#make(...labels);
    this.#known.set(key, gauge);
    gauge.set(value);
  }
}
