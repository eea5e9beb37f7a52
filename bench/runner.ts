/**
 * Runs one workload on a cluster of its own: the store, the API server and the scheduler, with nodes that are objects alone, as
 * in upstream's scheduler_perf. At the end every bound pod is looked up in the store itself.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Pod, storedObject } from '../src/api/index.ts';
import { namespaces, pods as podResource } from '../src/client/resources.ts';
import { Cluster, type ClusterOptions } from '../src/cluster/index.ts';
import { unpack } from '../src/runtime/index.ts';
import { type RangeResult, remoteStore } from '../src/store/index.ts';
import { cannotRun, claimsDevices, gatesOf, runtimeConfigOf } from './abilities.ts';
import { Collector, type Distribution, distribution, type Measurement } from './collector.ts';
import { BenchConfigError, type ThresholdMetricSelector, type Workload } from './config.ts';
import { beginExternal, type ExternalScheduler } from './external.ts';
import { type HeapFigures, HeapSampler } from './heap.ts';
import {
  type HistogramFigures,
  histogramFigures,
  meanMs,
  type Series,
  schedulerHistograms,
  since,
} from './histograms.ts';
import { type MakeObject, objectsFrom } from './objects.ts';
import { type CreatedNode, type Measured, operations, type Run } from './operations/index.ts';
import { PodTracker } from './pod-tracker.ts';
import { type PlacementQuality, readQuality } from './quality.ts';
import type { TemplateValues } from './template.ts';

export interface MeasuredStretch extends Measurement {
  readonly name: string;
  readonly collectors: readonly string[];
  readonly histograms: readonly HistogramFigures[];
  readonly heap: HeapFigures;
}

export interface WorkloadResult {
  readonly case: string;
  readonly workload: string;
  readonly threshold: number;
  readonly thresholdMetric: ThresholdMetricSelector;
  /** One for each stretch that the workload measures. */
  readonly measurements: readonly MeasuredStretch[];
  readonly podsBound: number;
  /** Bound pods of the measured namespaces found in the store, read past the API server. */
  readonly podsVerified: number;
  readonly notes: readonly string[];
  readonly quality: PlacementQuality;
  /** Of a workload that had a process of its own: the most that it ever had, setup included. */
  readonly peakRssBytes?: number;
}

export interface RunOptions {
  /** Where the actors live. Default `auto`. */
  readonly threads?: ClusterOptions['threads'];
  /** Used instead of the one that the workload names. */
  readonly schedulerConfiguration?: Readonly<Record<string, unknown>>;
  /** Start no scheduler: one outside does the work. It is told where the API server is, or started, before anything is created. */
  readonly external?: ExternalScheduler;
  /** Run a kubelet on every node, so that pods become Ready and the time until then is measured. Default false, as upstream. */
  readonly kubelets?: boolean;
  /** Seed of names and everything else random. Default 1. */
  readonly seed?: number;
}

/** Runs `workload`; rejects when an operation fails or a bound pod is not in the store. `onStep` hears of each operation. */
export async function runWorkload(
  workload: Workload,
  onStep: (text: string) => void,
  options: RunOptions = {},
): Promise<WorkloadResult> {
  const reason = cannotRun(workload);
  if (reason !== undefined) throw new BenchConfigError(`${workload.case}/${workload.workload}: ${reason}`);
  const { external } = options;
  const configuration =
    options.schedulerConfiguration ??
    (workload.schedulerConfigPath === undefined
      ? undefined
      : parse(readFileSync(workload.schedulerConfigPath, 'utf8')));
  const { gates, notes } = gatesOf(workload);
  const cluster = await Cluster.start({
    nodes: 0,
    components: [
      'apiserver',
      ...(external === undefined ? ['scheduler'] : []),
      ...(claimsDevices(workload) ? ['resourceclaim-controller', 'garbage-collector-controller'] : []),
      ...(options.kubelets === true ? ['nodes'] : []),
    ],
    threads: options.threads ?? 'auto',
    seed: options.seed ?? 1,
    ...(external === undefined ? { https: false } : { http: { port: 0 } }),
    runtimeConfig: runtimeConfigOf(workload),
    featureGates: gates,
    // As upstream's harness: pods name their priority as a number and have no service account.
    disabledAdmissionPlugins: ['ServiceAccount', 'TaintNodesByCondition', 'Priority'],
    // As upstream's harness, which lets its clients write 5000 times a second.
    schedulerConfiguration: { clientConnection: { qps: 5000, burst: 5000 }, ...configuration },
  });
  const run = new WorkloadRun(cluster, workload, options.kubelets === true);
  const server = { http: cluster.endpoints.http ?? '', kubeconfig: cluster.kubeconfig };
  const endExternal =
    external === undefined ? undefined : beginExternal(external, server, (error) => run.failWith(error));
  for (const note of notes) run.note(note);
  try {
    for (const [index, raw] of workload.operations.entries()) {
      const operation = operations.find(({ opcode }) => opcode === raw.opcode);
      const parsed = operation?.schema.safeParse(raw);
      if (operation === undefined || parsed?.success !== true) {
        throw new BenchConfigError(
          `${workload.case}: operation ${index} (${raw.opcode}): ${parsed?.error?.message ?? 'unknown'}`,
        );
      }
      onStep(`${raw.opcode}${typeof raw['count'] === 'number' ? ` ${raw['count']}` : ''}`);
      await run.orFailed(operation.run(parsed.data, run, index));
    }
    await run.orFailed(run.finish());
    const podsBound = run.measurements.reduce((sum, measurement) => sum + measurement.podsBound, 0);
    const podsVerified = await verify(cluster, run);
    if (podsVerified < podsBound) {
      throw new Error(
        `${podsBound} pods were seen bound, but only ${podsVerified} of them are in the store with a node`,
      );
    }
    const { case: name, workload: variant, threshold, thresholdMetric } = workload;
    const isMeasured = (pod: Pod) => run.measuredUids.has(pod.metadata?.uid ?? '');
    const quality = await readQuality(cluster.client, isMeasured, await cluster.actors.metricsText());
    return {
      case: name,
      workload: variant,
      threshold,
      thresholdMetric,
      measurements: run.measurements,
      podsBound,
      podsVerified,
      notes: run.notes,
      quality,
    };
  } finally {
    run.close();
    endExternal?.();
    await cluster.stop();
  }
}

/** Counts the measured pods that the store itself holds with a node. Pods deleted since are counted as they went. */
async function verify(cluster: Cluster, run: WorkloadRun): Promise<number> {
  const store = remoteStore(cluster.actors.bus, 'store');
  let bound = run.boundAndDeleted;
  for (const pod of run.measuredUids) run.unverified.add(pod);
  const prefix = '/registry/pods/';
  let from: string | undefined = prefix;
  while (from !== undefined) {
    const { kvs, more }: RangeResult = await store.range({ prefix, startKey: from, limit: 2000 });
    for (const { value } of kvs) {
      const pod = unpack(storedObject(value)) as Pod;
      if ((pod.spec?.nodeName ?? '') !== '' && run.unverified.delete(pod.metadata?.uid ?? '')) bound++;
    }
    const last: string | undefined = kvs.at(-1)?.key;
    from = more && last !== undefined ? `${last}\0` : undefined;
  }
  return bound + (await run.goneSince(run.unverified));
}

/** As upstream's memory collector. */
const heapIntervalMs = 500;

/** A workload in which nothing has happened for so long will not end by itself. */
const stalledMs = 120_000;

/** How far the watch may be behind the store on a busy machine, and how often it is asked. */
const watchLagMs = 30_000;
const watchPollMs = 50;

class WorkloadRun implements Run {
  readonly client;
  readonly clock;
  readonly random;
  readonly tracker: PodTracker;
  readonly defaultPodTemplatePath: string | undefined;
  readonly declaredFeatures: readonly string[];
  readonly measurements: MeasuredStretch[] = [];
  readonly notes: string[] = [];
  readonly measuredUids = new Set<string>();
  readonly unverified = new Set<string>();
  boundAndDeleted = 0;
  private readonly templates = new Map<string, MakeObject>();
  private readonly known = new Set<string>();
  private readonly background: Promise<void>[] = [];
  private readonly stopBackground = new AbortController();
  private collector: Collector | undefined;
  private measured: Measured | undefined;
  private lastChange: number;
  private readonly watchdog: { cancel(): void };
  private heap: HeapSampler | undefined;
  private heapTimer: { cancel(): void } | undefined;
  private schedulerBefore: readonly Series[] = [];
  private fail: (error: unknown) => void = () => undefined;
  private readonly failed: Promise<never>;

  constructor(
    private readonly cluster: Cluster,
    private readonly workload: Workload,
    private readonly kubelets: boolean,
  ) {
    this.client = cluster.client;
    this.clock = cluster.clock;
    this.random = cluster.actors.random;
    this.defaultPodTemplatePath = workload.defaultPodTemplatePath;
    const features = Number(workload.params['numNodeDeclaredFeatures'] ?? 0);
    this.declaredFeatures = Array.from({ length: features }, (_, index) => `Feature${index + 1}`).sort();
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // It is raced by orFailed; between operations nobody listens.
    this.failed.catch((error: unknown) => error);
    this.tracker = new PodTracker(this.client, (error) => this.fail(error));
    this.lastChange = this.clock.monotonic();
    this.watchdog = this.clock.every(stalledMs / 10, () => this.checkStall());
    this.tracker.listener = (pod, previous) => {
      this.lastChange = this.clock.monotonic();
      if (this.collector === undefined) return;
      if (pod.bound && previous?.bound !== true) {
        this.collector.podBound(pod.uid, pod.namespace, pod.labels);
        if (this.isMeasured(pod.namespace, pod.labels)) this.measuredUids.add(pod.uid);
      }
      if (pod.ready && previous?.ready !== true) this.collector.podReady(pod.uid);
    };
    this.tracker.onDeleted = (pod) => {
      if (pod.bound && this.measuredUids.delete(pod.uid)) this.boundAndDeleted++;
    };
  }

  /** Ends the workload: what it depends on is gone. */
  failWith(error: Error): void {
    this.fail(error);
  }

  /** The work, or the first failure of the watch or of what goes on in the background. */
  orFailed<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([work, this.failed]);
  }

  objects(path: string, params: TemplateValues = {}): MakeObject {
    const key = `${path}\n${JSON.stringify(params)}`;
    let make = this.templates.get(key);
    if (make === undefined) {
      make = objectsFrom(path, params);
      this.templates.set(key, make);
    }
    return make;
  }

  async ensureNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void> {
    if (this.known.has(name) || name === 'default') return;
    this.known.add(name);
    await this.client.create(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, ...(labels === undefined ? {} : { labels: { ...labels } }) },
    });
  }

  private isMeasured(namespace: string, labels: Readonly<Record<string, string>>): boolean {
    if (this.measured === undefined) return false;
    const { namespaces: measured, labelSelector = {} } = this.measured;
    return (
      (measured.length === 0 || measured.includes(namespace)) &&
      Object.entries(labelSelector).every(([key, value]) => labels[key] === value)
    );
  }

  async startMeasuring(measured: Measured): Promise<void> {
    if (this.collector !== undefined)
      throw new BenchConfigError(`measuring "${measured.name}" begins before "${this.measured?.name}" has ended`);
    this.measured = measured;
    const rows = await this.cluster.actors.inspect();
    this.schedulerBefore = schedulerHistograms(rows);
    const heap = new HeapSampler(() => this.clock.monotonic());
    heap.add(rows);
    this.heap = heap;
    // An inspection asks every actor: with thousands of kubelets that would be measured too.
    if (!this.kubelets) this.heapTimer = this.clock.every(heapIntervalMs, () => void this.sampleHeap(heap));
    this.collector = new Collector(this.clock, (namespace, labels) => this.isMeasured(namespace, labels));
  }

  /** A cluster that is going down has no heap to tell of. */
  private async sampleHeap(heap: HeapSampler): Promise<void> {
    const rows = await this.cluster.actors.inspect().catch(() => undefined);
    if (rows !== undefined) heap.add(rows);
  }

  async stopMeasuring(): Promise<void> {
    const { collector, measured, heap } = this;
    if (collector === undefined || measured === undefined || heap === undefined)
      throw new BenchConfigError('stopCollectingMetrics without a start');
    this.collector = undefined;
    this.heapTimer?.cancel();
    const stretch = collector.stop();
    const rows = await this.cluster.actors.inspect();
    heap.add(rows);
    const series = since(schedulerHistograms(rows), this.schedulerBefore);
    this.measurements.push({
      ...stretch,
      name: measured.name,
      collectors: measured.collectors ?? [],
      stages: withScheduling(stretch.stages, series),
      histograms: histogramFigures(series, this.workload.metrics),
      heap: heap.figures(),
    });
    this.measured = undefined;
  }

  private checkStall(): void {
    if (this.clock.monotonic() - this.lastChange < stalledMs) return;
    const waiting = [...this.tracker.pods()].filter((pod) => !pod.bound);
    const example = waiting[0] === undefined ? '' : `, such as ${waiting[0].namespace}/${waiting[0].name}`;
    this.fail(new Error(`no pod has changed for ${stalledMs / 1000} s; ${waiting.length} have no node${example}`));
  }

  /**
   * How many of these pods turn out to be deleted: one that went when the work ended is not in the store any more, but the watch
   * may not have told of it yet.
   */
  async goneSince(uids: ReadonlySet<string>): Promise<number> {
    const gone = () => [...uids].filter((uid) => !this.measuredUids.has(uid)).length;
    for (let waited = 0; waited < watchLagMs && gone() < uids.size; waited += watchPollMs)
      await this.clock.sleep(watchPollMs);
    return gone();
  }

  inBackground(work: (signal: AbortSignal) => Promise<void>): void {
    const going = work(this.stopBackground.signal);
    going.catch((error) => this.fail(error));
    this.background.push(going);
  }

  async nodesCreated(nodes: readonly CreatedNode[]): Promise<void> {
    if (this.kubelets) await this.cluster.addNodes(nodes);
  }

  async createPod(pod: Pod): Promise<Pod> {
    const asked = this.clock.monotonic();
    const created = await this.client.create(podResource, pod, { shared: true });
    this.collector?.podCreated(created.metadata?.uid ?? '', asked, this.clock.monotonic());
    return created;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  /** Ends a measurement that the file left open, and what goes on in the background. */
  async finish(): Promise<void> {
    if (this.collector !== undefined) await this.stopMeasuring();
    this.stopBackground.abort();
    await Promise.all(this.background);
  }

  close(): void {
    this.stopBackground.abort();
    this.watchdog.cancel();
    this.heapTimer?.cancel();
    this.tracker.close();
  }
}

/**
 * Puts the stages of a pod's way in their order, with the scheduler's own means. `queue` is what is left of the time from the
 * answer to the create until the binding is seen: the way to the scheduler, the wait for its turn, and the way back.
 */
function withScheduling(
  stages: Readonly<Record<string, Distribution>>,
  series: readonly Series[],
): Record<string, Distribution> {
  const { create, ...rest } = stages;
  const schedule = meanMs(series, 'scheduler_scheduling_algorithm_duration_seconds');
  const bind = meanMs(series, 'scheduler_framework_extension_point_duration_seconds', { extension_point: 'Bind' });
  const total = stages['create to bound']?.average ?? 0;
  const queue = Math.max(0, total - (schedule ?? 0) - (bind ?? 0));
  return {
    ...(create === undefined ? {} : { create }),
    queue: distribution(total === 0 ? [] : [queue]),
    ...(schedule === undefined ? {} : { schedule: distribution([schedule]) }),
    ...(bind === undefined ? {} : { bind: distribution([bind]) }),
    ...rest,
  };
}
