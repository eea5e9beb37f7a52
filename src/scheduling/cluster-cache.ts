/**
 * The scheduler's picture of the cluster: nodes and the pods that count on them, fed by informers, with pods that were
 * decided but are not bound yet ("assumed") counted already. Tells the queue what happened.
 * @see kubernetes/pkg/scheduler/eventhandlers.go and backend/cache
 */
import type { Node, Pod } from '../api/index.ts';
import type { Change } from '../client/index.ts';
import { Action, type ClusterEvent, clusterEvent, events } from './cluster-events.ts';
import { NodeTable } from './node-table.ts';
import { Nominator } from './nominator.ts';
import { groupNameOf, PodGroupMembers } from './pod-groups.ts';
import { makePodInfo, type PodInfo } from './pod-info.ts';
import type { SchedulingQueue } from './queue.ts';
import { requestOf } from './requests.ts';

const uidOf = (pod: Pod) => pod.metadata?.uid ?? `${pod.metadata?.namespace}/${pod.metadata?.name}`;

function sameRecord(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  let count = 0;
  for (const key in a) {
    if (a[key] !== b[key]) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

/** Runs with what its spec asks for, as far as its kubelet has said: its status then changes no request. */
function runsAsAsked({ spec, status }: Pod): boolean {
  for (const { name, resources, allocatedResources } of status?.containerStatuses ?? []) {
    const running = resources?.requests;
    if (!running && !allocatedResources) continue;
    const asked = spec?.containers.find((container) => container.name === name)?.resources?.requests;
    if (running && !sameRecord(running, asked)) return false;
    if (allocatedResources && !sameRecord(allocatedResources, asked)) return false;
  }
  return true;
}

const resizeText = (pod: Pod) =>
  JSON.stringify([
    pod.status?.conditions?.find(({ type }) => type === 'PodResizePending'),
    pod.status?.containerStatuses?.map((status) => [status.resources?.requests, status.allocatedResources]),
  ]);

/** Did anything change that requests, affinity or labels are made of? Status changes do not count. */
function differs(before: Pod, after: Pod): boolean {
  const a = before.metadata;
  const b = after.metadata;
  if (a?.generation !== b?.generation || a?.generation === undefined) {
    if (JSON.stringify(before.spec) !== JSON.stringify(after.spec)) return true;
  }
  if ((a?.deletionTimestamp === undefined) !== (b?.deletionTimestamp === undefined)) return true;
  if (!sameRecord(a?.labels, b?.labels)) return true;
  return !(runsAsAsked(before) && runsAsAsked(after)) && resizeText(before) !== resizeText(after);
}

function scaledDown(before: PodInfo, after: PodInfo): boolean {
  return before.requests.dimensions.some(
    (dimension) => requestOf(after.requests, dimension) < requestOf(before.requests, dimension),
  );
}

export interface ClusterCacheOptions {
  readonly queue: () => SchedulingQueue;
  /** Is the pod for one of this scheduler's profiles? */
  readonly responsible: (schedulerName: string) => boolean;
  /** Told when a pending pod went away, so that one held back by Permit is let go. */
  readonly onPendingGone?: (uid: string) => void;
  /** Told how long it took to take in what happened, from `monotonic()` on. */
  readonly onHandled?: (event: ClusterEvent, startedMs: number) => void;
  readonly monotonic?: () => number;
}

export class ClusterCache {
  readonly nodes = new NodeTable();
  readonly groups = new PodGroupMembers();
  readonly nominator = new Nominator((nodeName) => this.nodes.touch(this.nodes.rowOf(nodeName)));
  readonly #options: ClusterCacheOptions;
  /** Pods that count on a node, by uid. */
  readonly #placed = new Map<string, PodInfo>();
  readonly #assumed = new Set<string>();
  /** The newest object of each pod of ours without a node. */
  readonly #pending = new Map<string, Pod>();

  constructor(options: ClusterCacheOptions) {
    this.#options = options;
  }

  sizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number } {
    return { nodes: this.nodes.nodeCount, pods: this.#placed.size, assumed_pods: this.#assumed.size };
  }

  get placedCount(): number {
    return this.#placed.size;
  }

  placed(uid: string): PodInfo | undefined {
    return this.#placed.get(uid);
  }

  /**
   * The pod as it is now, for an attempt that failed: the same info, or a new one when the pod changed meanwhile.
   * Undefined: it was deleted, or somebody placed it.
   */
  stillPending(info: PodInfo): PodInfo | undefined {
    const pod = this.#pending.get(info.uid);
    if (!pod || this.#placed.has(info.uid)) return undefined;
    if (differs(info.pod, pod)) return makePodInfo(pod, this.nodes.index);
    info.pod = pod;
    return info;
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  /** Counts a decided pod on its node before the API knows. */
  assume(info: PodInfo, nodeName: string): void {
    this.nodes.addPod(info, nodeName);
    this.#placed.set(info.uid, info);
    this.#assumed.add(info.uid);
    this.groups.set(info, 'assumed');
    this.nominator.remove(info.uid);
  }

  /** Binding failed: the pod counts nowhere again. False when the API has placed it meanwhile. */
  forget(info: PodInfo): boolean {
    if (!this.#assumed.delete(info.uid)) return false;
    const placed = this.#placed.get(info.uid);
    if (placed) this.nodes.removePod(placed);
    this.#placed.delete(info.uid);
    if (this.#pending.has(info.uid)) this.groups.set(info, 'waiting');
    return true;
  }

  nodeChanged(change: Change<Node>): void {
    const startedMs = this.#options.monotonic?.() ?? 0;
    const event = this.#takeNode(change);
    if (event) this.#options.onHandled?.(event, startedMs);
  }

  podChanged(change: Change<Pod>): void {
    const startedMs = this.#options.monotonic?.() ?? 0;
    const event = this.#takePod(change);
    this.#options.onHandled?.(event, startedMs);
  }

  #takeNode(change: Change<Node>): ClusterEvent | undefined {
    const queue = this.#options.queue();
    if (change.type === 'deleted') {
      this.nodes.removeNode(change.object.metadata?.name ?? '');
      queue.move(events.nodeDelete, change.object, undefined);
      return events.nodeDelete;
    }
    const changed = this.nodes.setNode(change.object);
    if (changed === 0) return undefined;
    const event = clusterEvent('Node', changed);
    const previous = change.type === 'updated' && changed !== Action.Add ? change.previous : undefined;
    queue.move(event, previous, change.object);
    return event;
  }

  #takePod(change: Change<Pod>): ClusterEvent {
    const { object } = change;
    const assigned = Boolean(object.spec?.nodeName);
    if (change.type === 'deleted') {
      this.#podGone(object);
      return assigned ? events.assignedPodDelete : events.unscheduledPodDelete;
    }
    if (change.type === 'updated' && uidOf(change.previous) !== uidOf(object)) this.#podGone(change.previous);
    else if (change.type === 'updated' && assigned && change.previous.spec?.nodeName) {
      return this.#assignedChanged(change.previous, object);
    } else if (change.type === 'updated' && !assigned) {
      this.#pendingChanged(change.previous, object);
      return events.unscheduledPodUpdate;
    }
    if (assigned) this.#assignedArrived(object);
    else if (this.#mine(object)) {
      const info = makePodInfo(object, this.nodes.index);
      this.#pending.set(info.uid, object);
      const nominated = object.status?.nominatedNodeName;
      if (nominated) this.nominator.nominate(info, nominated);
      this.#options.queue().add(info);
      if (groupNameOf(object) !== undefined) {
        this.groups.set(info, 'waiting');
        // It may be the one that its group has waited for; it was added first, so that it is moved with the others.
        this.#options.queue().move(events.unscheduledPodAdd, undefined, object);
      }
    }
    return assigned ? events.assignedPodAdd : events.unscheduledPodAdd;
  }

  #mine(pod: Pod): boolean {
    return this.#options.responsible(pod.spec?.schedulerName || 'default-scheduler');
  }

  #assignedArrived(pod: Pod): void {
    const uid = uidOf(pod);
    const known = this.#placed.get(uid);
    const nodeName = pod.spec!.nodeName!;
    this.#assumed.delete(uid);
    this.#pending.delete(uid);
    this.groups.set({ uid, pod }, 'assigned');
    if (known && this.nodes.names[known.row] === nodeName && !differsWhenBound(known.pod, pod)) known.pod = pod;
    else {
      if (known) this.nodes.removePod(known);
      const info = makePodInfo(pod, this.nodes.index);
      this.nodes.addPod(info, nodeName);
      this.#placed.set(uid, info);
    }
    this.nominator.remove(uid);
    const queue = this.#options.queue();
    // Its own attempt may still be under way at another place (a second scheduler, or a reply that was lost).
    queue.delete(uid);
    queue.move(events.assignedPodAdd, undefined, pod);
  }

  #assignedChanged(previous: Pod, pod: Pod): ClusterEvent {
    const known = this.#placed.get(uidOf(pod));
    if (!known) {
      this.#assignedArrived(pod);
      return events.assignedPodAdd;
    }
    if (!differs(known.pod, pod)) {
      // The time since which a victim runs says how important it is.
      if (known.pod.status?.startTime !== pod.status?.startTime) this.nodes.touch(known.row);
      known.pod = pod;
      return events.assignedPodUpdate;
    }
    const info = makePodInfo(pod, this.nodes.index);
    const nodeName = this.nodes.names[known.row]!;
    this.nodes.removePod(known);
    this.nodes.addPod(info, nodeName);
    this.#placed.set(info.uid, info);
    let action = 0;
    if (info.labelClass !== known.labelClass) action |= Action.UpdatePodLabel;
    if (scaledDown(known, info)) action |= Action.UpdatePodScaleDown;
    if (action === 0) return events.assignedPodUpdate;
    const event = clusterEvent('AssignedPod', action);
    this.#options.queue().move(event, previous, pod);
    return event;
  }

  #pendingChanged(previous: Pod, pod: Pod): void {
    const uid = uidOf(pod);
    if (!this.#mine(pod)) return;
    this.#pending.set(uid, pod);
    if (this.#assumed.has(uid)) return;
    const queue = this.#options.queue();
    const queued = queue.get(uid);
    const before = queued?.info;
    if (before && !differs(before.pod, pod)) {
      before.pod = pod;
      this.#renominate(before, previous, pod);
      if (pod.spec?.resourceClaims?.length && claimText(previous) !== claimText(pod)) {
        queue.update(before, previous, [generatedClaim]);
      }
      return;
    }
    const info = makePodInfo(pod, this.nodes.index);
    this.#renominate(info, previous, pod);
    queue.update(info, previous, before ? pendingEvents(before, info, previous, pod) : []);
  }

  /** Follows a nomination that was written by somebody, but keeps the one in memory while nothing is written yet. */
  #renominate(info: PodInfo, previous: Pod, pod: Pod): void {
    const written = pod.status?.nominatedNodeName ?? '';
    const before = previous.status?.nominatedNodeName ?? '';
    if (written !== before) {
      if (written === '') this.nominator.remove(info.uid);
      else this.nominator.nominate(info, written);
      if (before !== '') this.#nominationGone(previous);
      return;
    }
    const kept = this.nominator.nodeOf(info.uid);
    if (kept !== undefined) this.nominator.nominate(info, kept);
  }

  /** Others of its priority or below had to leave room for it, as if it had been there. */
  #nominationGone(pod: Pod): void {
    const priority = pod.spec?.priority ?? 0;
    this.#options.queue().move(events.assignedPodDelete, pod, undefined, (other) => other.priority <= priority);
  }

  #podGone(pod: Pod): void {
    const uid = uidOf(pod);
    const queue = this.#options.queue();
    this.nominator.remove(uid);
    this.#pending.delete(uid);
    this.groups.remove(uid, pod);
    if (pod.spec?.nodeName) {
      const known = this.#placed.get(uid);
      if (known) {
        this.nodes.removePod(known);
        this.#placed.delete(uid);
        this.#assumed.delete(uid);
      }
      queue.delete(uid);
      queue.move(events.assignedPodDelete, pod, undefined);
      return;
    }
    // An assumed pod is forgotten when its binding fails, which it will.
    queue.delete(uid);
    this.#options.onPendingGone?.(uid);
    if (pod.status?.nominatedNodeName) this.#nominationGone(pod);
    queue.move(events.unscheduledPodDelete, pod, undefined);
  }
}

/** Binding changes the node's name and nothing that counts; anything else means that the pod changed meanwhile. */
function differsWhenBound(before: Pod, after: Pod): boolean {
  const a = before.metadata;
  const b = after.metadata;
  if ((a?.deletionTimestamp === undefined) !== (b?.deletionTimestamp === undefined)) return true;
  if (!sameRecord(a?.labels, b?.labels)) return true;
  if (a?.generation !== undefined && a.generation === b?.generation) return false;
  const spec = (pod: Pod) => JSON.stringify({ ...pod.spec, nodeName: undefined });
  return spec(before) !== spec(after);
}

/** The names of the claims that were made for the pod. */
const claimText = (pod: Pod) => JSON.stringify(pod.status?.resourceClaimStatuses);

const generatedClaim = clusterEvent('TargetPod', Action.UpdatePodGeneratedResourceClaim);

function pendingEvents(before: PodInfo, after: PodInfo, previous: Pod, pod: Pod): ClusterEvent[] {
  let action = 0;
  if (before.labelClass !== after.labelClass) action |= Action.UpdatePodLabel;
  if (JSON.stringify(before.tolerations) !== JSON.stringify(after.tolerations)) action |= Action.UpdatePodToleration;
  if (previous.spec?.schedulingGates?.length && !pod.spec?.schedulingGates?.length) {
    action |= Action.UpdatePodSchedulingGatesEliminated;
  }
  if (scaledDown(before, after)) action |= Action.UpdatePodScaleDown;
  if (action === 0) action = Action.Update;
  return [clusterEvent('TargetPod', action)];
}
