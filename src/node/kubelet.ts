/**
 * The kubelet: brings node registration, lease, pod source, pod workers, status writer and container runtime together. The
 * kubelet actor starts one; it ends with the actor's signal. An idle one holds its Node, one open watch and two timers.
 */
import { lastValueFrom, map, Observable, toArray } from 'rxjs';
import { quantityValue } from '../api/index.ts';
import { createBusClient, createEventRecorder, type EventRecorder, EventSink, TokenBucket } from '../client/index.ts';
import { AddressPools } from '../network/index.ts';
import { type ActorContext, SharingDecoder } from '../runtime/index.ts';
import { logContainerId, readLog, refuse } from './container-logs.ts';
import { type KubeletFacts, KubeletHttp } from './kubelet-http.ts';
import { MirrorKeeper } from './mirror-keeper.ts';
import { NodeLease } from './node-lease.ts';
import { nodeAddresses, nodeAllocatable, nodePodCidrs } from './node-object.ts';
import { NodeRegistration } from './node-registration.ts';
import type { KubeletOptions } from './options.ts';
import { type BoundPod, isMirrorPod, isStaticPod, sameRecord } from './pod.ts';
import { PodAdmission } from './pod-admission.ts';
import { createPodContent } from './pod-content.ts';
import { PodEvents } from './pod-events.ts';
import { PodSource } from './pod-source.ts';
import { PodVolumes } from './pod-volumes.ts';
import { isOlder, PodWorker, type PodWorkerHost } from './pod-worker.ts';
import { type NodeLogsRequest, type NodeSummary, nodeChannels } from './protocol.ts';
import type { ContainerEvent, RuntimeService } from './runtime.ts';
import { openSession, type SessionHost } from './sessions.ts';
import { ImageCatalog } from './simulated/images.ts';
import { SimulatedRuntime } from './simulated/runtime.ts';
import { staticPod } from './static-pods.ts';
import { StatusWriter } from './status-writer.ts';
import { awaitedVolumes } from './volume-sources.ts';

const leaseDurationDefaultSeconds = 40;

/** Starts a kubelet. Resolves when its Node is registered, its lease held and the pods that are bound to it known. */
export async function startKubelet(context: ActorContext, options: KubeletOptions): Promise<void> {
  if (options.registerDelayMs !== undefined && options.registerDelayMs > 0) {
    await context.clock.sleep(options.registerDelayMs, { signal: context.signal });
  }
  const kubelet = new Kubelet(context, options);
  await kubelet.start();
}

class Kubelet implements PodWorkerHost {
  readonly clock;
  readonly runtime: RuntimeService;
  readonly events: PodEvents;
  readonly hostIps: readonly string[];
  readonly #context: ActorContext;
  readonly #options: KubeletOptions;
  readonly #client;
  readonly #registration: NodeRegistration;
  readonly #admission = new PodAdmission();
  readonly #writer: StatusWriter;
  readonly #workers = new Map<string, PodWorker>();
  /** Only for kubelets with static pods. */
  #mirrors: MirrorKeeper | undefined;
  /** From the first pod on whose volumes have to be waited for. */
  #volumes: PodVolumes | undefined;
  #recorder: EventRecorder | undefined;
  #pools: AddressPools | undefined;
  #http: KubeletHttp | undefined;
  readonly #startedAtMs: number;
  #poolAskedAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: ActorContext, options: KubeletOptions) {
    const { clock, random, host } = context;
    this.#context = context;
    this.#options = options;
    this.clock = clock;
    this.#startedAtMs = clock.now();
    this.hostIps = nodeAddresses(options);
    this.#client = createBusClient(context.bus, {
      clock,
      decoder: host.share('node.decoder', () => new SharingDecoder()),
      ...(options.apiserver === undefined ? undefined : { address: options.apiserver }),
    });
    const catalog = host.share('node.images', () => new ImageCatalog());
    const bucket = host.share(
      'node.events',
      (shared) => new TokenBucket(shared.clock, options.eventsPerSecond ?? 500, options.eventsBurst ?? 2000),
    );
    const content = createPodContent({
      client: this.#client,
      hostIps: this.hostIps,
      allocatable: (resource) => nodeAllocatable(options)[resource]?.toString(),
    });
    this.runtime = new SimulatedRuntime({ clock, random, catalog, delays: options.delays, content });
    this.runtime.onEvent((event) => this.#runtimeEvent(event));
    this.events = new PodEvents(() => this.#eventRecorder(), bucket, options.events ?? 'all');
    this.#registration = new NodeRegistration({ ...this.#common(), kubelet: options, runtime: this.runtime });
    this.#admission.setAllocatable(nodeAllocatable(options));
    this.#writer = new StatusWriter({ client: this.#client, clock, log: context.log, activity: context.activity });
  }

  async start(): Promise<void> {
    const { bus } = this.#context;
    const { nodeName } = this.#options;
    bus.feed(nodeChannels.logs, (request) => this.#logs(request));
    bus.feed(nodeChannels.session, (request, { caller }) => openSession(this.#sessions(), request, caller.address));
    bus.serve(nodeChannels.summary, () => this.#summary());
    await this.#registration.start();
    if (this.#options.staticPods !== undefined) {
      this.#mirrors = new MirrorKeeper({
        ...this.#common(),
        node: () => this.#registration.node,
        changed: (worker) => this.#writer.changed(worker),
      });
    }
    if (this.#registration.volumesInUse.length > 0) this.#podVolumes();
    const cidrs = this.#registration.node.spec?.podCIDRs ?? nodePodCidrs(this.#options);
    if (cidrs.length > 0) this.#pools = new AddressPools(cidrs);
    const lease = new NodeLease({
      ...this.#common(),
      nodeName,
      nodeUid: () => this.#registration.node.metadata?.uid,
      durationSeconds: this.#options.leaseDurationSeconds ?? leaseDurationDefaultSeconds,
    });
    const source = new PodSource({
      ...this.#common(),
      nodeName,
      present: (pod) => this.#present(pod),
      gone: (uid) => this.#gone(uid),
      resynced: (uids) => {
        for (const worker of [...this.#workers.values()]) {
          const uid = worker.object?.metadata.uid;
          if (uid !== undefined && !uids.has(uid)) this.#gone(uid);
        }
      },
    });
    await Promise.all([lease.start(), source.start()]);
    this.#volumes?.adopted();
    for (const manifest of this.#options.staticPods ?? []) {
      const worker = this.#add(staticPod(manifest, nodeName));
      this.#mirrors?.add(worker);
      this.#admit(worker);
    }
  }

  addresses(): AddressPools | undefined {
    if (this.#pools === undefined) this.#lookForCidr();
    return this.#pools;
  }

  mount(worker: PodWorker, ready: () => void): boolean {
    const list = awaitedVolumes(worker.pod);
    if (list === undefined || isStaticPod(worker.pod)) return true;
    this.#podVolumes().mount(worker.pod, list, ready);
    return false;
  }

  unmount(worker: PodWorker): void {
    this.#volumes?.release(worker.uid);
  }

  statusChanged(worker: PodWorker): void {
    if (worker.stage === 'terminated') this.#admission.release(worker.uid);
    this.#writer.changed(worker);
  }

  #common() {
    const { clock, random, log, signal } = this.#context;
    return { client: this.#client, clock, random, log, signal };
  }

  #podVolumes(): PodVolumes {
    const { nodeName } = this.#options;
    const options = { ...this.#common(), nodeName, events: this.events };
    this.#volumes ??= new PodVolumes(options, this.#registration.volumesInUse);
    return this.#volumes;
  }

  #eventRecorder(): EventRecorder {
    this.#recorder ??= createEventRecorder(this.#client, this.#context, {
      component: 'kubelet',
      host: this.#options.nodeName,
      // A busy API server is to run pods before it hears of their containers: those of a thread write two at a time.
      sink: this.#context.host.share(
        'node.event-sink',
        (shared) => new EventSink(shared, { queueMax: 16_384, writesUsual: 2 }),
      ),
    });
    return this.#recorder;
  }

  /** Reads the Node for a range that a controller may have set since; at most once a second. */
  #lookForCidr(): void {
    if (this.clock.monotonic() - this.#poolAskedAtMs < 1000) return;
    this.#poolAskedAtMs = this.clock.monotonic();
    const found = (): void => {
      const cidrs = this.#registration.node.spec?.podCIDRs;
      if (cidrs === undefined || this.#pools !== undefined) return;
      this.#pools = new AddressPools(cidrs);
      for (const worker of this.#workers.values()) for (const ip of worker.podIps) this.#pools.reserve(ip);
      for (const worker of this.#workers.values()) worker.sync();
    };
    this.#registration.refresh().then(found, (error: unknown) => {
      this.#context.log.debug('node not read', { error: error instanceof Error ? error.message : String(error) });
    });
  }

  #present(pod: BoundPod): void {
    if (isMirrorPod(pod)) {
      this.#mirrors?.present(pod);
      return;
    }
    const worker = this.#workers.get(pod.metadata.uid);
    if (worker !== undefined) {
      if (!isOlder(pod, worker.pod)) this.#changed(worker, pod);
      return;
    }
    const added = this.#add(pod);
    if (added.stage === 'terminated' || pod.metadata.deletionTimestamp !== undefined) added.start();
    else if (added.hasSandbox) {
      this.#admission.hold(pod);
      added.start();
    } else this.#admit(added);
  }

  #add(pod: BoundPod): PodWorker {
    const worker = new PodWorker(this, pod);
    this.#workers.set(worker.uid, worker);
    return worker;
  }

  /** An event of the watch that only echoes our own write changes nothing that a worker acts on. */
  #changed(worker: PodWorker, pod: BoundPod): void {
    const before = worker.pod.metadata;
    const next = pod.metadata;
    const isEcho =
      before.resourceVersion === next.resourceVersion ||
      (before.generation !== undefined &&
        before.generation === next.generation &&
        before.deletionTimestamp === next.deletionTimestamp &&
        before.deletionGracePeriodSeconds === next.deletionGracePeriodSeconds &&
        sameRecord(before.annotations, next.annotations));
    if (isEcho) {
      const gates = pod.spec.readinessGates !== undefined && pod.spec.readinessGates.length > 0;
      worker.pod = pod;
      if (gates) this.statusChanged(worker);
    } else worker.update(pod);
    if (before.resourceVersion !== next.resourceVersion) this.#writer.seen(worker);
  }

  #admit(worker: PodWorker): void {
    const rejection = this.#admission.admit(worker.pod, this.#registration.node);
    if (rejection === undefined) worker.start();
    else if (rejection.reason !== 'NodeAffinity' && rejection.reason !== 'TaintToleration')
      worker.reject(rejection.reason, rejection.message);
    else {
      // Labels and taints may have changed since the node was last seen: look again before refusing.
      const again = (): void => {
        if (worker.stage !== 'syncing' || worker.abandoned) return;
        const second = this.#admission.admit(worker.pod, this.#registration.node);
        if (second === undefined) worker.start();
        else worker.reject(second.reason, second.message);
      };
      this.#registration.refresh().then(again, again);
    }
  }

  #gone(uid: string): void {
    if (this.#mirrors?.gone(uid) === true) return;
    const worker = this.#workers.get(uid);
    if (worker === undefined) return;
    this.#workers.delete(uid);
    this.#admission.release(uid);
    this.#writer.gone(worker);
    worker.abandon();
  }

  #runtimeEvent(event: ContainerEvent): void {
    const worker = this.#workers.get(event.podUid);
    if (event.type === 'exited') worker?.exited(event.containerId, event.exit);
    else worker?.probesChanged(event.containerId);
  }

  #findPod(namespace: string, name: string): PodWorker | undefined {
    for (const worker of this.#workers.values()) {
      const { metadata } = worker.pod;
      if (metadata.name === name && metadata.namespace === namespace) return worker;
    }
    return undefined;
  }

  #logs(request: NodeLogsRequest): Observable<Uint8Array> {
    return new Observable((subscriber) => {
      const worker = this.#findPod(request.namespace, request.pod);
      if (worker === undefined) throw refuse(404, 'NotFound', 'pod does not exist');
      const record = worker.containers().find(({ name }) => name === request.container);
      const id = logContainerId(record, request);
      return readLog(this.runtime, id, request, this.clock.now()).subscribe(subscriber);
    });
  }

  #sessions(): SessionHost {
    return {
      bus: this.#context.bus,
      runtime: this.runtime,
      findPod: (namespace, name) => this.#findPod(namespace, name),
      serveHttp: (socket) => {
        this.#http ??= new KubeletHttp(this.#facts());
        this.#http.serve(socket);
      },
    };
  }

  /** What the kubelet's own HTTP port tells. */
  #facts(): KubeletFacts {
    return {
      nodeName: this.#options.nodeName,
      startedAtMs: this.#startedAtMs,
      now: () => this.clock.now(),
      memoryBytes: () => quantityValue(String(nodeAllocatable(this.#options)['memory'] ?? '0')),
      pods: () => [...this.#workers.values()].map((worker) => ({ pod: worker.pod, containers: worker.containers() })),
      usage: (id) => this.runtime.usage(id),
      log: (namespace, pod, container, query) => {
        const integer = (name: string): number | undefined => {
          const text = query.get(name);
          return text === null || !/^\d+$/.test(text) ? undefined : Number(text);
        };
        const request = {
          namespace,
          pod,
          container,
          previous: query.get('previous') === 'true',
          timestamps: query.get('timestamps') === 'true',
          tailLines: integer('tailLines'),
          limitBytes: integer('limitBytes'),
          sinceSeconds: integer('sinceSeconds'),
        };
        return lastValueFrom(
          this.#logs(request).pipe(
            toArray(),
            map((chunks) => Buffer.concat(chunks)),
          ),
        );
      },
      metrics: () => this.#context.metrics.text(),
    };
  }

  #summary(): NodeSummary {
    let cpuMillis = 0;
    let memoryBytes = 0;
    const pods = [...this.#workers.values()].map((worker) => {
      const containers = worker.containers().map((record) => ({ name: record.name, ...this.runtime.usage(record.id) }));
      for (const usage of containers) {
        cpuMillis += usage.cpuMillis;
        memoryBytes += usage.memoryBytes;
      }
      const { namespace, name } = worker.pod.metadata;
      return { namespace, name, uid: worker.uid, containers };
    });
    return { nodeName: this.#options.nodeName, time: this.clock.now(), cpuMillis, memoryBytes, pods };
  }
}
