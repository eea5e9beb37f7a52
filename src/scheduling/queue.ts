/**
 * Where pending pods wait. Three places, and one way round:
 *
 *     add ─► active ─pop─► (attempt) ─fits─► bound
 *              ▲  ▲             │
 *              │  └── backoff ◄─┤ failed, or a cluster event helps
 *              │        ▲       ▼
 *              └────────┴── unschedulable (and gated: kept out by PreEnqueue)
 *
 * A pod rejected by plugins waits until an event comes that one of them registered and whose hint says yes. Waiting
 * pods are grouped by the plugins that rejected them, so that an event costs O(groups) plus the pods it may concern.
 * Ties of the QueueSort plugin are first in, first out. A pod is in one place at a time, and in none while attempted.
 * @see kubernetes/pkg/scheduler/backend/queue/scheduling_queue.go
 */
import type { KubernetesObject } from '../client/index.ts';
import type { Clock, Timer } from '../runtime/index.ts';
import { ClaimWaiters } from './claim-waiters.ts';
import { type ClusterEvent, covers, type EventRegistration, events } from './cluster-events.ts';
import { Heap } from './heap.ts';
import type { PodInfo } from './pod-info.ts';
import type { Verdict } from './verdict.ts';

export type QueueName = 'active' | 'backoff' | 'unschedulable' | 'gated';

export interface QueuedPod {
  info: PodInfo;
  /** Milliseconds since the epoch when it last entered the queue. */
  queuedAtMs: number;
  /** Breaks ties of `queuedAtMs`. */
  sequence: number;
  attempts: number;
  /** When it first came to where it can be attempted; undefined before. */
  firstAttemptAtMs: number | undefined;
  /** Failures by plugins, and failures of the machinery in a row: each has its own back-off. */
  unschedulableCount: number;
  errorsInRow: number;
  unschedulablePlugins: ReadonlySet<string>;
  pendingPlugins: ReadonlySet<string>;
  backoffUntilMs: number;
  place: QueueName | undefined;
  /** The plugin that keeps it out, while it is gated. Only events that this plugin registered can let it in. */
  gatingPlugin: string | undefined;
  /** No event but the time that had passed brought it to its last attempt. */
  flushed: boolean;
  /** Key of its group while it is unschedulable or gated. */
  group: string;
}

export interface QueueOptions {
  readonly clock: Clock;
  /** QueueSort. */
  readonly less: (a: QueuedPod, b: QueuedPod) => boolean;
  /** PreEnqueue of the pod's profile. */
  readonly preEnqueue: (info: PodInfo) => Verdict | undefined;
  /** What a plugin of the pod's profile registered; undefined: every event. */
  readonly registrations: (info: PodInfo, plugin: string) => readonly EventRegistration[] | undefined;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Unschedulable pods are tried again, and gates asked again, after this time even without an event. Default 5 minutes. */
  readonly unschedulableMaxMs?: number;
  /** Whether pods sit out their back-off although nothing else is to be done. Default true: they do not. */
  readonly popFromBackoff?: boolean;
  /** Called when a pod can be popped. */
  readonly onReady: () => void;
  /** Told of each pod that enters a queue, and of the event that brought it there, by upstream's names. */
  readonly onIncoming?: (queue: QueueName, event: string) => void;
  /** Told how long a hint took, one in {@link hintsSampledOneIn}. */
  readonly onHint?: (plugin: string, event: string, answer: HintAnswer, startedMs: number) => void;
  /** Told each size that changed. */
  readonly onSize?: (queue: QueueName, size: number) => void;
}

export type HintAnswer = 'Queue' | 'QueueSkip' | 'Error';

type Worth = 'skip' | 'afterBackoff' | 'now';

interface Group {
  readonly plugins: readonly string[];
  readonly pods: Map<string, QueuedPod>;
  /** Any pod of it, for its profile. */
  readonly sample: PodInfo;
}

interface PastEvent {
  readonly event: ClusterEvent;
  readonly previous: KubernetesObject | undefined;
  readonly current: KubernetesObject | undefined;
  /** The pod that it is about, when it concerns no other. */
  readonly only: string | undefined;
}

const noPlugins: ReadonlySet<string> = new Set();
/** The rejecting "plugin" of pods that found no node at all. */
export const noNodes = '(no nodes)';
const flushEveryMs = 30_000;
/** Back-off that ends within the same window ends at once for PopFromBackoffQ: then priority decides. */
const windowMs = 1000;
const hintsSampledOneIn = 10;
/** An attempt that ended without a node brings its pod back. */
const attemptFailed = 'ScheduleAttemptFailure';

export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #clock: Clock;
  readonly #active: Heap<QueuedPod>;
  readonly #backoff: Heap<QueuedPod>;
  /** Back-off after errors of the machinery: never cut short. */
  readonly #errorBackoff: Heap<QueuedPod>;
  /** Unschedulable and gated pods by uid. */
  readonly #waiting = new Map<string, QueuedPod>();
  readonly #groups = new Map<string, Group>();
  readonly #claimWaiters = new ClaimWaiters<QueuedPod>();
  #gated = 0;
  #sequence = 0;
  /** Pods being attempted: how many past events there were when each was popped. */
  readonly #inFlight = new Map<string, { readonly pod: QueuedPod; readonly since: number }>();
  #past: PastEvent[] = [];
  #pastDropped = 0;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #hints = 0;
  readonly #flush: Timer;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#clock = options.clock;
    const keyOf = (pod: QueuedPod) => pod.info.uid;
    const before = (a: QueuedPod, b: QueuedPod) =>
      options.less(a, b) || (!options.less(b, a) && a.sequence < b.sequence);
    const sooner = (a: QueuedPod, b: QueuedPod) =>
      a.backoffUntilMs < b.backoffUntilMs || (a.backoffUntilMs === b.backoffUntilMs && before(a, b));
    const windowOf = ({ backoffUntilMs }: QueuedPod) => Math.trunc(backoffUntilMs / windowMs);
    const inWindow = (a: QueuedPod, b: QueuedPod) =>
      windowOf(a) < windowOf(b) || (windowOf(a) === windowOf(b) && before(a, b));
    this.#active = new Heap(keyOf, before);
    this.#backoff = new Heap(keyOf, options.popFromBackoff === false ? sooner : inWindow);
    this.#errorBackoff = new Heap(keyOf, sooner);
    this.#flush = this.#clock.every(flushEveryMs, () => this.#flushUnschedulable(), { background: true });
  }

  /** Ends its timers. */
  close(): void {
    this.#timer?.cancel();
    this.#flush.cancel();
  }

  sizes(): Record<QueueName, number> {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size + this.#errorBackoff.size,
      unschedulable: this.#waiting.size - this.#gated,
      gated: this.#gated,
    };
  }

  get(uid: string): QueuedPod | undefined {
    return (
      this.#active.get(uid) ??
      this.#backoff.get(uid) ??
      this.#errorBackoff.get(uid) ??
      this.#waiting.get(uid) ??
      this.#inFlight.get(uid)?.pod
    );
  }

  /** All pods that wait anywhere, for inspection. */
  *pods(): Iterable<QueuedPod> {
    yield* this.#active.values();
    yield* this.#backoff.values();
    yield* this.#errorBackoff.values();
    yield* this.#waiting.values();
  }

  /** A new pending pod. */
  add(info: PodInfo): void {
    const now = this.#clock.now();
    const pod: QueuedPod = {
      info,
      queuedAtMs: now,
      sequence: ++this.#sequence,
      attempts: 0,
      firstAttemptAtMs: undefined,
      unschedulableCount: 0,
      errorsInRow: 0,
      unschedulablePlugins: noPlugins,
      pendingPlugins: noPlugins,
      backoffUntilMs: 0,
      place: undefined,
      gatingPlugin: undefined,
      flushed: false,
      group: '',
    };
    this.#toActive(pod, events.unscheduledPodAdd.label);
  }

  /** A pending pod changed; `occurred` says how. Pods that wait are moved when that helps them. */
  update(info: PodInfo, previous: KubernetesObject, occurred: readonly ClusterEvent[]): void {
    const pod = this.get(info.uid);
    if (!pod) {
      this.add(info);
      return;
    }
    pod.info = info;
    if (pod.place !== 'unschedulable' && pod.place !== 'gated') {
      if (pod.place === undefined) for (const event of occurred) this.#remember(event, previous, info.pod, info.uid);
      return;
    }
    this.#claimWaiters.set(pod);
    for (const event of occurred) {
      const worth = this.#worth(pod, event, previous, info.pod);
      if (worth === 'skip') continue;
      this.#requeue(pod, worth, event.label);
      return;
    }
  }

  delete(uid: string): void {
    const pod = this.get(uid);
    if (!pod) return;
    this.#leave(pod);
    this.#inFlight.delete(uid);
    this.#trimPast();
  }

  /** The next pod to attempt; its attempt must end with {@link done} or {@link addUnschedulable}. */
  pop(): QueuedPod | undefined {
    // An idle scheduler does not make pods sit out their back-off.
    const pod = this.#active.peek() ?? (this.#options.popFromBackoff === false ? undefined : this.#backoff.peek());
    return pod && this.#popped(pod);
  }

  /** A certain pod to attempt, wherever it waits; undefined when it does not, or is gated. */
  popSpecific(uid: string): QueuedPod | undefined {
    const pod = this.get(uid);
    return pod && pod.place !== undefined && pod.place !== 'gated' ? this.#popped(pod) : undefined;
  }

  #popped(pod: QueuedPod): QueuedPod {
    this.#leave(pod);
    pod.attempts++;
    pod.unschedulablePlugins = noPlugins;
    pod.pendingPlugins = noPlugins;
    this.#inFlight.set(pod.info.uid, { pod, since: this.#pastDropped + this.#past.length });
    return pod;
  }

  get ready(): boolean {
    return this.#active.size > 0 || (this.#options.popFromBackoff !== false && this.#backoff.size > 0);
  }

  /** The attempt is over, or past the point where cluster events could matter to it. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
    this.#trimPast();
  }

  /** The attempt failed. Without rejecting plugins it was an error: the pod is tried again after back-off. */
  addUnschedulable(
    pod: QueuedPod,
    unschedulablePlugins: ReadonlySet<string>,
    pendingPlugins: ReadonlySet<string>,
  ): void {
    const flight = this.#inFlight.get(pod.info.uid);
    this.#inFlight.delete(pod.info.uid);
    if (this.#waiting.has(pod.info.uid) || this.#active.get(pod.info.uid)) return;
    pod.unschedulablePlugins = unschedulablePlugins;
    pod.pendingPlugins = pendingPlugins;
    pod.flushed = false;
    pod.queuedAtMs = this.#clock.now();
    if (unschedulablePlugins.size + pendingPlugins.size === 0) {
      pod.errorsInRow++;
      this.#requeue(pod, 'afterBackoff', attemptFailed);
    } else {
      pod.errorsInRow = 0;
      pod.unschedulableCount++;
      const worth = flight ? this.#worthOfMissed(pod, flight.since) : 'skip';
      if (worth === 'skip')
        this.#toWaiting(pod, 'unschedulable', [...unschedulablePlugins, ...pendingPlugins], attemptFailed);
      else this.#requeue(pod, worth, attemptFailed);
    }
    this.#trimPast();
  }

  /** Something happened in the cluster: pods that it may help are moved to active or backoff. */
  move(
    event: ClusterEvent,
    previous: KubernetesObject | undefined,
    current: KubernetesObject | undefined,
    only?: (info: PodInfo) => boolean,
  ): void {
    if (this.#inFlight.size > 0) this.#remember(event, previous, current);
    if (this.#groups.size === 0) return;
    for (const group of [...this.#groups.values()]) {
      for (const pod of this.#concerned(group, event, previous, current)) {
        if (only && !only(pod.info)) continue;
        const worth = this.#worth(pod, event, previous, current);
        if (worth !== 'skip') this.#requeue(pod, worth, event.label);
      }
    }
  }

  /** Moves one waiting pod to active, whatever rejected it. */
  activate(uid: string): void {
    const pod = this.get(uid);
    if (!pod || pod.place === 'active') return;
    if (pod.place === undefined) {
      this.#remember(events.forceActivate, undefined, undefined, uid);
      return;
    }
    this.#leave(pod);
    this.#toActive(pod, events.forceActivate.label);
  }

  /** The pods of the group that the event may help: none, all, or those that name certain claims. */
  #concerned(
    group: Group,
    event: ClusterEvent,
    previous: KubernetesObject | undefined,
    current: KubernetesObject | undefined,
  ): Iterable<QueuedPod> {
    let named: Set<QueuedPod> | undefined;
    for (const plugin of group.plugins) {
      const registrations = this.#registrations(group.sample, plugin);
      if (!registrations) return [...group.pods.values()];
      for (const registration of registrations) {
        if (!covers(registration, event)) continue;
        const key = event.resource === '*' ? undefined : registration.claimKey?.(previous, current);
        if (key === undefined) return [...group.pods.values()];
        named ??= new Set();
        for (const pod of this.#claimWaiters.of(key)) if (group.pods.get(pod.info.uid) === pod) named.add(pod);
      }
    }
    return named ?? [];
  }

  #registrations(info: PodInfo, plugin: string): readonly EventRegistration[] | undefined {
    return plugin === noNodes ? noNodesRegistrations : this.#options.registrations(info, plugin);
  }

  #worth(
    pod: QueuedPod,
    event: ClusterEvent,
    previous: KubernetesObject | undefined,
    current: KubernetesObject | undefined,
  ): Worth {
    if (event.resource === '*') return 'afterBackoff';
    if (pod.gatingPlugin !== undefined) {
      const gate = this.#registrations(pod.info, pod.gatingPlugin);
      if (gate && !gate.some((registration) => covers(registration, event))) return 'skip';
    }
    let worth: Worth = 'skip';
    const plugins = this.#groups.get(pod.group)?.plugins ?? [...pod.unschedulablePlugins, ...pod.pendingPlugins];
    for (const plugin of plugins) {
      const registrations = this.#registrations(pod.info, plugin);
      let helps = registrations === undefined;
      for (const registration of registrations ?? []) {
        if (!covers(registration, event)) continue;
        if (!registration.hint || this.#hint(plugin, registration.hint, event, pod.info, previous, current)) {
          helps = true;
        }
      }
      if (!helps) continue;
      if (pod.pendingPlugins.has(plugin)) return 'now';
      worth = 'afterBackoff';
    }
    return worth;
  }

  #worthOfMissed(pod: QueuedPod, since: number): Worth {
    let worth: Worth = 'skip';
    for (let i = Math.max(since - this.#pastDropped, 0); i < this.#past.length; i++) {
      const { event, previous, current, only } = this.#past[i]!;
      if (only !== undefined && only !== pod.info.uid) continue;
      const now = this.#worth(pod, event, previous, current);
      if (now === 'now') return 'now';
      if (now === 'afterBackoff') worth = now;
    }
    return worth;
  }

  #remember(
    event: ClusterEvent,
    previous: KubernetesObject | undefined,
    current: KubernetesObject | undefined,
    only?: string,
  ): void {
    this.#past.push({ event, previous, current, only });
  }

  /** Asks a hint. One that throws says yes: trying once too often is better than never. */
  #hint(
    plugin: string,
    hint: NonNullable<EventRegistration['hint']>,
    event: ClusterEvent,
    ...given: Parameters<typeof hint>
  ): boolean {
    const sampled = this.#options.onHint && this.#hints++ % hintsSampledOneIn === 0;
    const startedMs = sampled ? this.#clock.monotonic() : 0;
    let helps = true;
    let answer: HintAnswer = 'Error';
    try {
      helps = hint(...given);
      answer = helps ? 'Queue' : 'QueueSkip';
    } catch {
      // Told as an error below.
    }
    if (sampled) this.#options.onHint!(plugin, event.label, answer, startedMs);
    return helps;
  }

  /** How many events are kept for the pods in flight, by label. */
  pastEvents(): ReadonlyMap<string, number> {
    const counts = new Map([['PodPopped', this.#inFlight.size]]);
    for (const { event } of this.#past) counts.set(event.label, (counts.get(event.label) ?? 0) + 1);
    return counts;
  }

  /** How many waiting pods each plugin has rejected, by profile and plugin. */
  rejectedBy(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    const counts = new Map<string, Map<string, number>>();
    for (const { info, unschedulablePlugins, pendingPlugins, gatingPlugin } of this.pods()) {
      if (unschedulablePlugins.size + pendingPlugins.size === 0 && gatingPlugin === undefined) continue;
      const ofProfile = counts.get(info.schedulerName) ?? new Map<string, number>();
      counts.set(info.schedulerName, ofProfile);
      const plugins = new Set([...unschedulablePlugins, ...pendingPlugins]);
      if (gatingPlugin !== undefined) plugins.add(gatingPlugin);
      for (const plugin of plugins) ofProfile.set(plugin, (ofProfile.get(plugin) ?? 0) + 1);
    }
    return counts;
  }

  /** Forgets the events that no attempt under way can have missed. */
  #trimPast(): void {
    if (this.#past.length === 0) return;
    let oldest = this.#pastDropped + this.#past.length;
    for (const { since } of this.#inFlight.values()) {
      // The map is in order of popping: the first is the oldest.
      oldest = since;
      break;
    }
    if (oldest > this.#pastDropped) {
      this.#past = this.#past.slice(oldest - this.#pastDropped);
      this.#pastDropped = oldest;
    }
  }

  #requeue(pod: QueuedPod, worth: 'afterBackoff' | 'now', event: string): void {
    if (pod.place !== undefined) this.#leave(pod);
    const until = pod.queuedAtMs + this.#backoffMs(pod);
    if (worth === 'afterBackoff' && this.#backoffMs(pod) > 0 && until > this.#clock.now()) {
      if (this.#gate(pod, event)) return;
      this.#options.onIncoming?.('backoff', event);
      pod.backoffUntilMs = until;
      pod.place = 'backoff';
      (pod.errorsInRow > 0 ? this.#errorBackoff : this.#backoff).push(pod);
      this.#tell('backoff');
      this.#arm();
      if (pod.errorsInRow === 0) this.#options.onReady();
      return;
    }
    this.#toActive(pod, event);
  }

  #backoffMs(pod: QueuedPod): number {
    const count = pod.errorsInRow > 0 ? pod.errorsInRow : pod.unschedulableCount;
    if (count === 0) return 0;
    const { initialBackoffMs, maxBackoffMs } = this.#options;
    return Math.min(initialBackoffMs * 2 ** Math.min(count - 1, 30), maxBackoffMs);
  }

  /** Keeps a pod out when PreEnqueue says so. */
  #gate(pod: QueuedPod, event: string): boolean {
    const given = this.#options.preEnqueue(pod.info);
    if (!given) return false;
    pod.gatingPlugin = given.plugin ?? '';
    const plugins = [...new Set([pod.gatingPlugin, ...pod.unschedulablePlugins, ...pod.pendingPlugins])];
    this.#toWaiting(pod, 'gated', plugins, event);
    return true;
  }

  #toActive(pod: QueuedPod, event: string): void {
    if (this.#gate(pod, event)) return;
    this.#options.onIncoming?.('active', event);
    pod.firstAttemptAtMs ??= this.#clock.now();
    pod.place = 'active';
    this.#active.push(pod);
    this.#tell('active');
    this.#options.onReady();
  }

  #toWaiting(pod: QueuedPod, place: 'unschedulable' | 'gated', plugins: readonly string[], event: string): void {
    this.#options.onIncoming?.(place, event);
    pod.place = place;
    pod.group = `${pod.info.schedulerName}|${place}|${[...plugins].sort().join()}`;
    let group = this.#groups.get(pod.group);
    if (!group) {
      group = { plugins, pods: new Map(), sample: pod.info };
      this.#groups.set(pod.group, group);
    }
    group.pods.set(pod.info.uid, pod);
    this.#waiting.set(pod.info.uid, pod);
    this.#claimWaiters.set(pod);
    if (place === 'gated') this.#gated++;
    this.#tell(place);
  }

  #leave(pod: QueuedPod): void {
    const { uid } = pod.info;
    const { place } = pod;
    if (place === undefined) return;
    pod.place = undefined;
    pod.gatingPlugin = undefined;
    if (place === 'active') this.#active.delete(uid);
    else if (place === 'backoff') {
      this.#backoff.delete(uid);
      this.#errorBackoff.delete(uid);
    } else {
      this.#waiting.delete(uid);
      this.#claimWaiters.delete(pod);
      if (place === 'gated') this.#gated--;
      const group = this.#groups.get(pod.group)!;
      group.pods.delete(uid);
      if (group.pods.size === 0) this.#groups.delete(pod.group);
      pod.group = '';
    }
    this.#tell(place);
  }

  #tell(queue: QueueName): void {
    if (!this.#options.onSize) return;
    let size = this.#active.size;
    if (queue === 'backoff') size = this.#backoff.size + this.#errorBackoff.size;
    else if (queue === 'gated') size = this.#gated;
    else if (queue === 'unschedulable') size = this.#waiting.size - this.#gated;
    this.#options.onSize(queue, size);
  }

  /** One timer, for the back-off that ends first. */
  #arm(): void {
    const heads = [this.#backoff.peek(), this.#errorBackoff.peek()].filter((pod) => pod !== undefined);
    if (heads.length === 0) return;
    const dueMs = Math.min(...heads.map(({ backoffUntilMs }) => backoffUntilMs));
    if (this.#timer && this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(Math.max(dueMs - this.#clock.now(), 0), () => {
      this.#timer = undefined;
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.#flushBackoff();
    });
  }

  #flushBackoff(): void {
    const now = this.#clock.now();
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      for (let pod = heap.peek(); pod && pod.backoffUntilMs <= now; pod = heap.peek()) {
        this.#leave(pod);
        this.#toActive(pod, 'BackoffComplete');
      }
    }
    this.#arm();
  }

  #flushUnschedulable(): void {
    const before = this.#clock.now() - (this.#options.unschedulableMaxMs ?? 300_000);
    for (const pod of [...this.#waiting.values()]) {
      if (pod.queuedAtMs >= before) continue;
      this.#requeue(pod, 'afterBackoff', events.unschedulableTimeout.label);
      pod.flushed = true;
    }
  }
}

const noNodesRegistrations: readonly EventRegistration[] = [{ resource: 'Node', action: events.nodeAdd.action }];
