/**
 * The plugin interface: one tiny optional hook for each extension point, in upstream's order. A plugin is a literal of
 * {@link PluginDefinition} in a file of its own and one line in the registry; `create` is called once a profile.
 *
 * A hook that accepts returns `undefined`; success allocates nothing. Hooks of the scheduling cycle (PreFilter to
 * Permit) are synchronous: nothing else moves in the cluster's picture while one pod is decided. Those of the binding
 * cycle may return promises. Filter and Score have an all-nodes form (`filterRows`, `scoreRows`) for hot plugins;
 * both forms must give the same answers.
 *
 * A node is a row of the {@link NodeTable}: a small integer that is valid during the cycle.
 * @see kube-scheduler/framework/interface.go
 */
import type { Client, EventRecorder, Informers } from '../client/index.ts';
import type { Clock, Log, Random } from '../runtime/index.ts';
import type { EventRegistration } from './cluster-events.ts';
import type { Cycle } from './cycle-state.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Extender } from './extender.ts';
import type { FeatureGates } from './feature-gates.ts';
import type { NodeTable } from './node-table.ts';
import type { Nominator } from './nominator.ts';
import type { PodGroupMembers } from './pod-groups.ts';
import type { PodInfo } from './pod-info.ts';
import type { QueuedPod } from './queue.ts';
import type { Verdict } from './verdict.ts';

/** Success, a rejection, Skip, or success that leaves only some nodes (by name) to look at. */
export type PreFilterAnswer = Verdict | { readonly nodeNames: ReadonlySet<string> } | undefined;

/** What PostFilter did: a node nominated for the pod (empty: clear the nomination; absent: leave it) and a verdict. */
export interface PostFilterAnswer {
  readonly nominatedNodeName?: string | undefined;
  readonly verdict: Verdict | undefined;
}

/** Permit's answer when the pod must wait: up to `timeoutMs`. */
export interface PermitAnswer {
  readonly verdict: Verdict;
  readonly timeoutMs?: number;
}

type MaybePromise<Value> = Value | Promise<Value>;

export interface Plugin {
  readonly name: string;

  /** QueueSort: does `a` come before `b`? One plugin a scheduler; must be a strict total order together with time. */
  less?(a: QueuedPod, b: QueuedPod): boolean;
  /** PreEnqueue: a verdict keeps the pod out of the active queue. */
  preEnqueue?(pod: PodInfo): Verdict | undefined;
  /** Cluster events that may make a pod rejected by this plugin schedulable. Absent: every event. */
  events?(): readonly EventRegistration[];

  /**
   * What `filter` and `score` look at in a pod, as text; undefined: this pod's answers must not be shared. Only for plugins
   * that look at nothing but the pod and the row (its node and the pods there): their answers are remembered a row and
   * given to every pod that signs alike. Without this hook nothing of a plugin is shared.
   */
  sign?(pod: PodInfo): string | undefined;
  preFilter?(cycle: Cycle, pod: PodInfo): PreFilterAnswer;
  /** Keeps this plugin's cycle state right while `other` is tried on (or taken off) `row` by preemption or nomination. */
  addPod?(cycle: Cycle, pod: PodInfo, other: PodInfo, row: number): void;
  removePod?(cycle: Cycle, pod: PodInfo, other: PodInfo, row: number): void;
  filter?(cycle: Cycle, pod: PodInfo, row: number): Verdict | undefined;
  /**
   * All-nodes form: writes `mark` into `failed[i]` for each `rows[i]`, i < count, that fails and is still 0.
   * The reason is asked of `filter` later, only when no node fits.
   */
  filterRows?(cycle: Cycle, pod: PodInfo, rows: Int32Array, count: number, failed: Uint8Array, mark: number): void;
  /** A promise only when something outside has to be asked: no other pod is attempted meanwhile. */
  postFilter?(cycle: Cycle, pod: PodInfo, diagnosis: Diagnosis): MaybePromise<PostFilterAnswer>;

  preScore?(cycle: Cycle, pod: PodInfo, rows: Int32Array, count: number): Verdict | undefined;
  /** An integer; within 0..100 after `normalizeScore`. */
  score?(cycle: Cycle, pod: PodInfo, row: number): number;
  /** All-nodes form: writes the score of `rows[i]` into `scores[i]`. */
  scoreRows?(cycle: Cycle, pod: PodInfo, rows: Int32Array, count: number, scores: Float64Array): void;
  normalizeScore?(cycle: Cycle, pod: PodInfo, rows: Int32Array, count: number, scores: Float64Array): void;

  reserve?(cycle: Cycle, pod: PodInfo, nodeName: string): Verdict | undefined;
  /** Undoes `reserve`; must be idempotent and must not fail. */
  unreserve?(cycle: Cycle, pod: PodInfo, nodeName: string): void;
  permit?(cycle: Cycle, pod: PodInfo, nodeName: string): PermitAnswer | undefined;
  /** True when `preBind` has work to do for this pod; absent means it always has. */
  preBindNeeded?(cycle: Cycle, pod: PodInfo, nodeName: string): boolean;
  preBind?(cycle: Cycle, pod: PodInfo, nodeName: string): MaybePromise<Verdict | undefined>;
  bind?(cycle: Cycle, pod: PodInfo, nodeName: string): MaybePromise<Verdict | undefined>;
  postBind?(cycle: Cycle, pod: PodInfo, nodeName: string): void;
}

/** What a plugin may use. */
export interface PluginHandle {
  readonly nodes: NodeTable;
  readonly nominator: Nominator;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent when the framework runs without an API (pure tests and core benchmarks). */
  readonly client?: Client | undefined;
  readonly informers?: Informers | undefined;
  readonly recorder?: EventRecorder | undefined;
  readonly featureGates: FeatureGates;
  /** Who is in which pod group, and how far. */
  readonly groupMembers: PodGroupMembers;
  /** Name of the profile that this instance belongs to. */
  readonly profile: string;
  /** The pod as the cache has it now, placed or pending. */
  podByUid(uid: string): PodInfo | undefined;
  /** Runs the active Filter plugins for one row, nominated pods included, as the table stands right now. */
  filterRow(cycle: Cycle, pod: PodInfo, row: number): Verdict | undefined;
  /** Tries `other` on the row, or takes it off, for the length of a what-if; every plugin's state follows. */
  tryAddPod(cycle: Cycle, pod: PodInfo, other: PodInfo, row: number): void;
  tryRemovePod(cycle: Cycle, pod: PodInfo, other: PodInfo): void;
  /** Moves a pending pod to the active queue at once. */
  activate(pod: PodInfo): void;
  /** Lets a pod that waits in Permit go on, as far as this plugin is concerned. */
  allowWaiting(uid: string, plugin: string): void;
  /** Rejects a pod that waits in Permit; false when it does not wait. */
  rejectWaiting(uid: string, plugin: string, message: string): boolean;
  /** Writes a pod's nominated node (empty: clears it) to the API, without waiting. */
  clearNomination(pod: PodInfo): void;
  /** Programs of the user's own that the configuration names. */
  readonly extenders: readonly Extender[];
  /** Counts what the preemption did. */
  readonly preemptionMetrics: {
    victims(count: number): void;
    attempt(): void;
    /** Evictions in the background have ended; they began at `startedMs` of the monotonic clock. */
    evicted(succeeded: boolean, startedMs: number): void;
  };
}

/** A plugin as data: its name, and how an instance is made from its arguments. */
export interface PluginDefinition {
  readonly name: string;
  /** Throws a ConfigurationError when the arguments are invalid. */
  create(handle: PluginHandle, args: Readonly<Record<string, unknown>>): Plugin;
}
