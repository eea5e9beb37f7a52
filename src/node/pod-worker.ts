/**
 * Runs one pod: a state machine that is told what changed (the pod's object, a container that ended, a probe that turned) and
 * takes the next steps until nothing is left to do. Everything about a pod happens here, one thing at a time; what the API
 * should show is computed from it afterwards (pod-status.ts) and written by the status writer.
 *
 *     syncing ──── deleted, failed, or all containers done ────► terminating ──── all containers ended ────► terminated
 *
 * @see kubernetes/pkg/kubelet/pod_workers.go and pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodActions)
 */
import type { PodStatus } from '../api/index.ts';
import { formatDuration, formatTime } from '../api/index.ts';
import type { AddressPools } from '../network/index.ts';
import type { Clock, Timer } from '../runtime/index.ts';
import { BackOff } from './back-off.ts';
import { type ContainerHealth, watchHealth } from './container-health.ts';
import { type ContainerRecord, newContainerRecord, terminatedState } from './container-record.ts';
import { startContainer } from './container-start.ts';
import { type ContainerStop, podGraceSeconds, signalContainer, stopContainer } from './container-stop.ts';
import { type BoundPod, isSidecar, isStaticPod, isTerminalPhase, podText, restartsAfter, sameRecord } from './pod.ts';
import { adoptContainers, adoptStatuses } from './pod-adoption.ts';
import type { PodEvents } from './pod-events.ts';
import { hasInitialized, podStatus } from './pod-status.ts';
import { type ContainerExit, type RuntimeService, whenDone } from './runtime.ts';

/** What a worker has from its kubelet. */
export interface PodWorkerHost {
  readonly clock: Clock;
  readonly runtime: RuntimeService;
  readonly events: PodEvents;
  readonly hostIps: readonly string[];
  /** Addresses of this node's pods; undefined while the node has no CIDR, and pods wait. */
  addresses(): AddressPools | undefined;
  /** Brings the pod's volumes up. True when they are there already; otherwise calls `ready` later, when they are. */
  mount(worker: PodWorker, ready: () => void): boolean;
  /** The pod has ended: nothing of it uses its volumes any more. */
  unmount(worker: PodWorker): void;
  /** The status may differ from what the API has. Called any number of times a turn. */
  statusChanged(worker: PodWorker): void;
}

export type WorkerStage = 'syncing' | 'terminating' | 'terminated';

export class PodWorker {
  readonly uid: string;
  pod: BoundPod;
  /** For a static pod: what the API shows of it. */
  mirror: BoundPod | undefined;
  stage: WorkerStage = 'syncing';
  /** The API's object is gone: there is nobody to report to. */
  abandoned = false;
  failure: { readonly reason: string; readonly message: string } | undefined;
  rejected = false;
  /** The pod had ended before this kubelet saw it: its status is as it is. */
  #isOver = false;
  /** The API's object has been deleted (or is another one): nothing more is to be written. */
  deletionSent = false;
  /** The watch is about to tell that the API's object is gone; until it does, or a second has passed, nothing is written. */
  awaitsEnd = false;
  /** The last patch of the status that was sent; it is not sent again unless somebody else has written since. */
  lastPatch: unknown;
  readonly #host: PodWorkerHost;
  readonly #init: ContainerRecord[];
  readonly #main: ContainerRecord[];
  #ephemeral: ContainerRecord[] = [];
  #sandboxId = '';
  #sandboxBusy = false;
  #volumes: 'unasked' | 'waiting' | 'ready' = 'unasked';
  #podIps: readonly string[] = [];
  readonly #startTime: string;
  #deadline: Timer | undefined;
  #wake: Timer | undefined;
  #wakeAtMs = 0;
  #running = false;
  #again = false;

  constructor(host: PodWorkerHost, pod: BoundPod) {
    this.#host = host;
    this.pod = pod;
    this.uid = pod.metadata.uid;
    this.#startTime = pod.status?.startTime ?? formatTime(host.clock.now());
    const waitingReason = (pod.spec.initContainers?.length ?? 0) > 0 ? 'PodInitializing' : 'ContainerCreating';
    this.#init = (pod.spec.initContainers ?? []).map((spec) =>
      newContainerRecord(spec, isSidecar(spec) ? 'sidecar' : 'init', waitingReason),
    );
    this.#main = pod.spec.containers.map((spec) => newContainerRecord(spec, 'main', waitingReason));
    this.#addEphemeral();
    this.#adopt();
  }

  /** The API's object that the status is written to; undefined while a static pod has no mirror. */
  get object(): BoundPod | undefined {
    return isStaticPod(this.pod) ? this.mirror : this.pod;
  }

  /** The records of all containers, for logs and usage. */
  containers(): readonly ContainerRecord[] {
    return this.#init.length === 0 && this.#ephemeral.length === 0
      ? this.#main
      : [...this.#init, ...this.#main, ...this.#ephemeral];
  }

  get podIps(): readonly string[] {
    return this.#podIps;
  }

  get hasSandbox(): boolean {
    return this.#sandboxId !== '';
  }

  /** Begins to run the pod. */
  start(): void {
    const seconds = this.pod.spec.activeDeadlineSeconds;
    if (seconds !== undefined && this.stage === 'syncing') {
      const leftMs = Date.parse(this.#startTime) + seconds * 1000 - this.#host.clock.now();
      this.#deadline = this.#host.clock.after(Math.max(0, leftMs), () => this.#deadlineExceeded(), {
        background: true,
      });
    }
    // A pod that is being deleted uses its volumes to its end.
    if (this.hasSandbox && this.stage !== 'terminated') this.#ensureVolumes();
    this.update(this.pod);
  }

  /** The API's object is now `pod`. */
  update(pod: BoundPod): void {
    const before = this.pod;
    this.pod = pod;
    if (before !== pod && before.metadata.generation !== pod.metadata.generation) this.#respec();
    if (!sameRecord(before.metadata.annotations, pod.metadata.annotations)) this.#host.runtime.podChanged(pod);
    if (pod.metadata.deletionTimestamp !== undefined) {
      const shortened =
        this.stage === 'terminating' &&
        before.metadata.deletionGracePeriodSeconds !== pod.metadata.deletionGracePeriodSeconds;
      this.stage = this.stage === 'syncing' ? 'terminating' : this.stage;
      if (shortened)
        for (const record of this.containers())
          if (record.state === 'running') signalContainer(this.#stopOptions(), record);
    }
    this.sync();
  }

  /** Ends the pod for a reason of the kubelet's own: it was rejected, evicted, or ran past its deadline. */
  fail(reason: string, message: string): void {
    if (this.stage !== 'syncing') return;
    this.failure = { reason, message };
    this.stage = 'terminating';
    this.sync();
  }

  /** Refuses the pod before anything of it ran. */
  reject(reason: string, message: string): void {
    this.failure = { reason, message: `Pod was rejected: ${message}` };
    this.rejected = true;
    this.stage = 'terminated';
    this.#host.events.warning(this.pod, undefined, reason, message);
    this.#host.statusChanged(this);
  }

  /** The API's object is gone: stop everything and report nothing. */
  abandon(): void {
    this.abandoned = true;
    if (this.stage === 'syncing') this.stage = 'terminating';
    this.sync();
    this.#release();
  }

  /** The runtime says that a container has ended. */
  exited(containerId: string, exit: ContainerExit): void {
    const record = this.#find(containerId);
    if (record === undefined || record.state === 'terminated') return;
    this.#ended(record, exit);
    this.sync();
  }

  /** The runtime says that a container's probes may answer differently. */
  probesChanged(containerId: string): void {
    this.#find(containerId)?.prober?.refresh();
  }

  /** The status that the API should show now. */
  status(): PodStatus {
    const { clock, hostIps, runtime } = this.#host;
    if (this.#isOver) return this.pod.status ?? {};
    if (this.rejected) {
      const { generation } = this.pod.metadata;
      const status: PodStatus = { ...this.failure, phase: 'Failed', startTime: this.#startTime };
      return generation === undefined ? status : { ...status, observedGeneration: generation };
    }
    return podStatus({
      pod: this.pod,
      init: this.#init,
      main: this.#main,
      ephemeral: this.#ephemeral,
      isTerminal: this.stage === 'terminated',
      sandboxReady: this.#sandboxId !== '',
      podIps: this.#podIps,
      hostIps,
      startTime: this.#startTime,
      failure: this.failure,
      runtimeName: runtime.name,
      now: formatTime(clock.now()),
    });
  }

  /** A write of the status has come back with the API's object. */
  written(pod: BoundPod): void {
    if (this.mirror !== undefined) {
      this.mirror = pod;
      return;
    }
    if (isOlder(pod, this.pod)) return;
    const { generation, deletionTimestamp } = this.pod.metadata;
    const isOwnWrite = pod.metadata.generation === generation && pod.metadata.deletionTimestamp === deletionTimestamp;
    if (isOwnWrite) this.pod = pod;
    else this.update(pod);
  }

  /** Takes all steps that can be taken now. Re-entrant calls make another round. */
  sync(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    do {
      this.#again = false;
      if (this.stage === 'syncing') this.#advance();
      if (this.stage === 'terminating') this.#terminate();
    } while (this.#again);
    this.#running = false;
    if (!this.abandoned) this.#host.statusChanged(this);
  }

  #advance(): void {
    if (this.#isDone()) {
      this.stage = 'terminating';
      return;
    }
    if (!this.#ensureVolumes() || !this.#ensureSandbox()) return;
    if (!this.#advanceInit()) return;
    for (const record of this.#main) if (!this.#advanceContainer(record)) return;
    for (const record of this.#ephemeral) {
      if (record.state === 'waiting' && !record.busy && !this.#waits(record)) this.#start(record);
    }
  }

  /** True when nothing will be started any more: all main containers have ended for good, or initialization has. */
  #isDone(): boolean {
    const { spec } = this.pod;
    const endedForGood = (record: ContainerRecord): boolean =>
      record.state === 'terminated' &&
      !record.busy &&
      !restartsAfter(spec, record.spec, record.kind, record.exit?.exitCode ?? 0);
    if (!hasInitialized(this.#main)) {
      return this.#init.some((record) => record.kind === 'init' && endedForGood(record) && record.exit?.exitCode !== 0);
    }
    return this.#main.every(endedForGood);
  }

  /** True when the volumes are mounted; they are for a pod that runs already. */
  #ensureVolumes(): boolean {
    if (this.#volumes === 'unasked') {
      const isMounted = this.#host.mount(this, () => {
        this.#volumes = 'ready';
        this.sync();
      });
      this.#volumes = isMounted ? 'ready' : 'waiting';
    }
    return this.#volumes === 'ready' || this.hasSandbox;
  }

  /** True when the sandbox is there. */
  #ensureSandbox(): boolean {
    if (this.#sandboxId !== '') return true;
    if (this.#sandboxBusy) return false;
    const { hostIps, runtime } = this.#host;
    if (this.#podIps.length === 0) {
      if (this.pod.spec.hostNetwork === true) this.#podIps = hostIps;
      else {
        const addresses = this.#host.addresses()?.allocate();
        if (addresses === undefined) {
          this.#noAddress();
          return false;
        }
        this.#podIps = addresses;
      }
    }
    this.#sandboxBusy = true;
    whenDone(
      runtime.runPodSandbox({ pod: this.pod, ips: this.#podIps }),
      (id) => {
        this.#sandboxBusy = false;
        this.#sandboxId = id;
        this.sync();
      },
      (error) => {
        this.#sandboxBusy = false;
        this.#host.events.warning(
          this.pod,
          undefined,
          'FailedCreatePodSandBox',
          `Failed to create pod sandbox: ${String(error)}`,
        );
        this.#wakeAfter(10_000);
      },
    );
    return this.#sandboxId !== '';
  }

  #noAddress(): void {
    const text =
      this.#host.addresses() === undefined
        ? 'network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized'
        : 'Failed to create pod sandbox: no IP addresses available in the range of the node';
    const reason = this.#host.addresses() === undefined ? 'NetworkNotReady' : 'FailedCreatePodSandBox';
    this.#host.events.warning(this.pod, undefined, reason, text);
    this.#wakeAfter(2000);
  }

  /** Runs the init containers in order. True when the main containers may run. */
  #advanceInit(): boolean {
    const initialized = hasInitialized(this.#main);
    for (const record of this.#init) {
      if (record.kind === 'sidecar') {
        if (!this.#advanceContainer(record)) return false;
        if (!initialized && !(record.state === 'running' && record.started)) return false;
      } else if (!initialized) {
        if (record.state === 'terminated' && record.exit?.exitCode === 0 && !record.busy) continue;
        this.#advanceContainer(record);
        if (!(record.state === 'terminated' && record.exit?.exitCode === 0 && !record.busy)) return false;
      }
    }
    return true;
  }

  /** Starts the container if it has to run and does not. False while its start is under way: containers start one by one. */
  #advanceContainer(record: ContainerRecord): boolean {
    if (record.busy) return false;
    if (record.state === 'running') return true;
    const restarts =
      record.state !== 'terminated' ||
      restartsAfter(this.pod.spec, record.spec, record.kind, record.exit?.exitCode ?? 0);
    if (!restarts || this.#waits(record)) return true;
    this.#start(record);
    return !record.busy;
  }

  /** True while a try again is not due; makes sure that the worker wakes when it is. */
  #waits(record: ContainerRecord): boolean {
    const crashed = record.state === 'terminated' || record.waitingReason === 'CrashLoopBackOff';
    if (crashed && this.#crashLoops(record)) return true;
    const leftMs = record.notBeforeMs - this.#host.clock.now();
    if (leftMs <= 0) return false;
    this.#wakeAfter(leftMs);
    return true;
  }

  /** True while the container waits in its back-off. */
  #crashLoops(record: ContainerRecord): boolean {
    const { clock, events, runtime } = this.#host;
    record.crashBackOff ??= new BackOff();
    const backOff = record.crashBackOff;
    if (!backOff.isWaiting(record.finishedAtMs, clock.now())) {
      backOff.advance(record.finishedAtMs);
      return false;
    }
    if (record.waitingReason !== 'CrashLoopBackOff' || record.state === 'terminated') {
      record.lastTermination = terminatedState(record, runtime.name);
      record.state = 'waiting';
      record.waitingReason = 'CrashLoopBackOff';
      record.waitingMessage = `back-off ${formatDuration(backOff.delayMs)} restarting failed container=${record.name} pod=${podText(this.pod)}`;
      const message = `Back-off restarting failed container ${record.name} in pod ${podText(this.pod)}`;
      events.warning(this.pod, record, 'BackOff', message);
    }
    this.#wakeAfter(backOff.remainingMs(record.finishedAtMs, clock.now()));
    return true;
  }

  #start(record: ContainerRecord): void {
    startContainer(
      {
        clock: this.#host.clock,
        runtime: this.#host.runtime,
        events: this.#host.events,
        pod: this.pod,
        sandboxId: this.#sandboxId,
        isWanted: () => this.stage === 'syncing',
        done: (retryAfterMs) => {
          record.notBeforeMs = retryAfterMs === undefined ? 0 : this.#host.clock.now() + retryAfterMs;
          if (record.state === 'running') watchHealth(this.#health(), record);
          this.sync();
        },
      },
      record,
    );
  }

  #health(): ContainerHealth {
    const { clock, events, runtime } = this.#host;
    return {
      clock,
      events,
      runtime,
      pod: () => this.pod,
      stop: (record, graceSeconds) => stopContainer(this.#stopOptions(graceSeconds), record),
      changed: () => this.sync(),
    };
  }

  /** Stops what runs: main containers at once, then sidecars in reverse order, then the sandbox. */
  #terminate(): void {
    this.#deadline?.cancel();
    this.#wake?.cancel();
    this.#wake = undefined;
    for (const record of this.containers()) {
      if (record.kind !== 'sidecar' && record.state === 'running') this.#kill(record);
    }
    if (this.containers().some((record) => record.kind !== 'sidecar' && (record.state === 'running' || record.busy)))
      return;
    for (const record of this.#init.toReversed()) {
      if (record.kind !== 'sidecar') continue;
      if (record.state === 'running') this.#kill(record);
      if (record.state === 'running' || record.busy) return;
    }
    this.stage = 'terminated';
    this.#releaseSandbox();
    if (this.#volumes !== 'unasked') this.#host.unmount(this);
  }

  #kill(record: ContainerRecord): void {
    if (record.stopping) return;
    this.#host.events.normal(this.pod, record, 'Killing', `Stopping container ${record.name}`);
    stopContainer(this.#stopOptions(), record);
  }

  #stopOptions(graceSeconds = this.abandoned ? 1 : podGraceSeconds(this.pod)): ContainerStop {
    const { events, runtime } = this.#host;
    return { runtime, events, pod: this.pod, graceSeconds, ended: (id, exit) => this.exited(id, exit) };
  }

  #ended(record: ContainerRecord, exit: ContainerExit): void {
    record.state = 'terminated';
    record.exit = exit;
    record.finishedAtMs = this.#host.clock.now();
    record.started = false;
    record.ready = false;
    record.stopping = false;
    record.prober?.stop();
    record.prober = undefined;
  }

  #releaseSandbox(): void {
    if (this.#sandboxId !== '' && this.abandoned) void this.#host.runtime.removePodSandbox(this.#sandboxId);
    if (this.pod.spec.hostNetwork !== true) {
      for (const address of this.#podIps) this.#host.addresses()?.release(address);
    }
    if (!this.abandoned) this.#lastSandboxId = this.#sandboxId;
    this.#sandboxId = '';
  }

  /** The sandbox of a pod that has ended; its containers are kept for their logs until the API's object is gone. */
  #lastSandboxId = '';

  #release(): void {
    if (this.stage === 'terminated' && this.#lastSandboxId !== '') {
      void this.#host.runtime.removePodSandbox(this.#lastSandboxId);
      this.#lastSandboxId = '';
    }
  }

  #deadlineExceeded(): void {
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#host.events.normal(this.pod, undefined, 'DeadlineExceeded', message);
    this.fail('DeadlineExceeded', message);
  }

  /** Syncs again after `delayMs`, or earlier when that was asked for before. */
  #wakeAfter(delayMs: number): void {
    const atMs = this.#host.clock.now() + delayMs;
    if (this.#wake !== undefined && this.#wakeAtMs <= atMs) return;
    this.#wake?.cancel();
    this.#wakeAtMs = atMs;
    // A pod that cannot come up is watched, not waited for.
    this.#wake = this.#host.clock.after(
      delayMs,
      () => {
        this.#wake = undefined;
        this.sync();
      },
      { background: true },
    );
  }

  /** Takes over changes of the spec that a running pod allows: resources, images, ephemeral containers. */
  #respec(): void {
    const { spec } = this.pod;
    for (const record of this.#main)
      record.spec = spec.containers.find((one) => one.name === record.name) ?? record.spec;
    for (const record of this.#init)
      record.spec = spec.initContainers?.find((one) => one.name === record.name) ?? record.spec;
    this.#addEphemeral();
  }

  #addEphemeral(): void {
    for (const spec of this.pod.spec.ephemeralContainers ?? []) {
      if (this.#ephemeral.some((record) => record.name === spec.name)) continue;
      this.#ephemeral = [...this.#ephemeral, newContainerRecord(spec, 'ephemeral', 'ContainerCreating')];
    }
  }

  /** Takes over a pod that an earlier life of this kubelet ran: its containers go on as the API's status says. */
  #adopt(): void {
    const { pod } = this;
    if (isTerminalPhase(pod.status?.phase)) {
      this.stage = 'terminated';
      this.#isOver = true;
    }
    const known = adoptStatuses(pod, this.containers());
    if (this.stage === 'terminated' || !known) return;
    this.#podIps = pod.status?.podIPs?.map(({ ip }) => ip) ?? [];
    for (const ip of this.#podIps) this.#host.addresses()?.reserve(ip);
    this.#sandboxId = adoptContainers(this.#health(), pod, this.#podIps, this.containers()) ?? '';
  }

  #find(containerId: string): ContainerRecord | undefined {
    return this.containers().find((record) => record.id === containerId);
  }
}

/** Whether `pod` is an earlier state than `than`: answers of writes and events of the watch may cross. */
export function isOlder(pod: BoundPod, than: BoundPod): boolean {
  return Number(pod.metadata.resourceVersion ?? 0) < Number(than.metadata.resourceVersion ?? 0);
}
