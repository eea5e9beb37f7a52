/**
 * The work queue between informers and reconcilers. Guarantees, client-go's:
 * - a key that is added several times before it is taken is handled once;
 * - a key is never handled by two workers at once; added while it is handled, it is handled again afterwards;
 * - keys are handled in the order of their first addition;
 * - a failing key comes back after 5 ms, doubling up to 1000 s, until it is forgotten.
 * Workers start a turn after the first addition, so that a burst of events becomes one reconcile.
 *
 * @see client-go/util/workqueue
 */
import type { Activity, Clock, Counter, Gauge, Histogram, Metrics, Timer } from '../runtime/index.ts';

export interface WorkQueueOptions {
  /** Label `name` of the metrics. */
  readonly name: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly activity: Activity;
  /** First delay of a failing key. Default 5. */
  readonly retryBaseMs?: number;
  /** Default 1 000 000. */
  readonly retryMaxMs?: number;
}

/**
 * Retries that wait longer than this happen in the background: a key that keeps failing (a quota that is used up) must not
 * keep `settled()` from ever resolving.
 */
const foregroundRetryMaxMs = 1_000;

const durationBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10] as const;

interface Delayed {
  readonly dueMs: number;
  readonly timer: Timer;
}

export class WorkQueue<Key = string> {
  readonly #clock: Clock;
  readonly #activity: Activity;
  readonly #retryBaseMs: number;
  readonly #retryMaxMs: number;
  /** Keys to handle, in order; each is also in `#dirty`. `#head` is the first that was not taken. */
  #ready: Key[] = [];
  #head = 0;
  /** Value: monotonic milliseconds of the addition. */
  readonly #dirty = new Map<Key, number>();
  /** Value: monotonic milliseconds of the beginning. */
  readonly #processing = new Map<Key, number>();
  readonly #delayed = new Map<Key, Delayed>();
  readonly #failures = new Map<Key, number>();
  #workers = 0;
  #handle: ((key: Key) => Promise<void>) | undefined;
  #pumpPlanned = false;
  #stopped = false;
  readonly #depth: Gauge;
  readonly #adds: Counter;
  readonly #retries: Counter;
  readonly #queueSeconds: Histogram;
  readonly #workSeconds: Histogram;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#activity = options.activity;
    this.#retryBaseMs = options.retryBaseMs ?? 5;
    this.#retryMaxMs = options.retryMaxMs ?? 1_000_000;
    const labels = { name: options.name };
    const { metrics } = options;
    this.#depth = metrics.gauge('workqueue_depth', 'Current depth of workqueue', labels);
    this.#adds = metrics.counter('workqueue_adds_total', 'Total number of adds handled by workqueue', labels);
    this.#retries = metrics.counter('workqueue_retries_total', 'Total number of retries handled by workqueue', labels);
    this.#queueSeconds = metrics.histogram(
      'workqueue_queue_duration_seconds',
      'How long in seconds an item stays in workqueue before being requested.',
      durationBuckets,
      labels,
    );
    this.#workSeconds = metrics.histogram(
      'workqueue_work_duration_seconds',
      'How long in seconds processing an item from workqueue takes.',
      durationBuckets,
      labels,
    );
    const unfinished = metrics.gauge(
      'workqueue_unfinished_work_seconds',
      "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
      labels,
    );
    const longest = metrics.gauge(
      'workqueue_longest_running_processor_seconds',
      'How many seconds has the longest running processor for workqueue been running.',
      labels,
    );
    metrics.beforeRead(() => {
      const nowMs = this.#clock.monotonic();
      const runningMs = [...this.#processing.values()].map((startedMs) => nowMs - startedMs);
      unfinished.set(runningMs.reduce((sum, ms) => sum + ms, 0) / 1000);
      longest.set(Math.max(0, ...runningMs) / 1000);
    });
  }

  /** Keys waiting for a worker; delayed keys are not counted. */
  get length(): number {
    return this.#ready.length - this.#head;
  }

  add(key: Key): void {
    if (this.#stopped || this.#dirty.has(key)) return;
    this.#activity.begin();
    this.#adds.add();
    this.#dirty.set(key, this.#clock.monotonic());
    if (this.#processing.has(key)) return;
    this.#enqueue(key);
  }

  /** Of several delayed additions of a key the earliest counts. `background`: `settled()` does not wait for it. */
  addAfter(key: Key, delayMs: number, options: { readonly background?: boolean } = {}): void {
    if (this.#stopped) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonic() + delayMs;
    const waiting = this.#delayed.get(key);
    if (waiting !== undefined) {
      if (waiting.dueMs <= dueMs) return;
      waiting.timer.cancel();
    }
    const fire = () => {
      this.#delayed.delete(key);
      this.add(key);
    };
    const timer = this.#clock.after(delayMs, fire, { background: options.background ?? false });
    this.#delayed.set(key, { dueMs, timer });
  }

  /** Adds the key after its back-off, which doubles with each call until {@link forget}. */
  addRateLimited(key: Key): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#retries.add();
    const delayMs = Math.min(this.#retryBaseMs * 2 ** failures, this.#retryMaxMs);
    this.addAfter(key, delayMs, { background: delayMs > foregroundRetryMaxMs });
  }

  /** Clears the back-off of a key. */
  forget(key: Key): void {
    this.#failures.delete(key);
  }

  /** How often the key failed since it was last forgotten. */
  retries(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Starts `workers` workers. `handle` must not reject: what to do with a failure is its own decision. Call once. */
  run(workers: number, handle: (key: Key) => Promise<void>): void {
    this.#workers = workers;
    this.#handle = handle;
    this.#planPump();
  }

  /** Drops what is queued and takes no more; keys in handling end by themselves. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const delayed of this.#delayed.values()) delayed.timer.cancel();
    this.#delayed.clear();
    for (let left = this.#dirty.size; left > 0; left--) this.#activity.end();
    this.#dirty.clear();
    this.#ready = [];
    this.#head = 0;
    this.#depth.set(0);
  }

  #enqueue(key: Key): void {
    this.#ready.push(key);
    this.#depth.set(this.length);
    if (this.#processing.size < this.#workers) this.#planPump();
  }

  #planPump(): void {
    if (this.#pumpPlanned || this.#handle === undefined || this.length === 0) return;
    this.#pumpPlanned = true;
    this.#clock.turn(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.length > 0 && this.#processing.size < this.#workers) {
      const key = this.#ready[this.#head++]!;
      if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
        this.#ready = this.#ready.slice(this.#head);
        this.#head = 0;
      }
      void this.#work(key);
    }
    this.#depth.set(this.length);
  }

  async #work(key: Key): Promise<void> {
    const startedMs = this.#clock.monotonic();
    this.#queueSeconds.observe((startedMs - (this.#dirty.get(key) ?? startedMs)) / 1000);
    this.#dirty.delete(key);
    this.#processing.set(key, startedMs);
    try {
      await this.#handle!(key);
    } finally {
      this.#processing.delete(key);
      this.#workSeconds.observe((this.#clock.monotonic() - startedMs) / 1000);
      this.#activity.end();
      if (this.#dirty.has(key)) this.#enqueue(key);
      else this.#pump();
    }
  }
}
