/**
 * One attempt for a whole pod group: its waiting pods are decided one after the other, each seeing the earlier ones on the
 * nodes they were given, and only when Permit lets one of them through is any of them bound. Otherwise everything is undone
 * and all go back to the queue. Used for pods with `spec.schedulingGroup` while the gate GenericWorkload is on.
 * @see kubernetes/pkg/scheduler/schedule_one_podgroup.go and KEP-4671
 */
import type { Log, Random } from '../runtime/index.ts';
import { runPermit } from './binding-cycle.ts';
import type { ClusterCache } from './cluster-cache.ts';
import { Cycle } from './cycle-state.ts';
import { type Diagnosis, noNodesMessage } from './diagnosis.ts';
import type { AttemptExplanation, Choice } from './explanations.ts';
import { askExtenders, diagnoseExtenders, type Extender } from './extender.ts';
import type { GroupAttemptResult } from './metrics.ts';
import { groupKeyOf } from './pod-groups.ts';
import type { PodInfo } from './pod-info.ts';
import type { Found, Profile } from './profile.ts';
import { noNodes, type QueuedPod, type SchedulingQueue } from './queue.ts';
import { selectRow } from './scoring-run.ts';
import { Code, errorVerdict, isRejected, type Verdict, verdictMessage } from './verdict.ts';

/** What deciding one pod of the group came to. */
export type GroupChoice =
  | { readonly cycle: Cycle; readonly nodeName: string; readonly explanation: AttemptExplanation | undefined }
  | { readonly cycle: Cycle; readonly diagnosis: Diagnosis; readonly nominatedNodeName: string | undefined }
  | { readonly noNodes: true }
  | { readonly error: Verdict };

export interface PodGroupCycleDependencies {
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  profileOf(schedulerName: string): Profile | undefined;
  readonly extenders: readonly Extender[];
  readonly random: Random;
  readonly log: Log;
  /** Looks for nodes that fit, from where the last search ended. */
  search(cycle: Cycle, queued: QueuedPod, profile: Profile): Found;
  /** The pod has no part in this attempt (it is being deleted, or decided already). */
  isSkipped(queued: QueuedPod): boolean;
  /** Goes on to bind a pod that is assumed and reserved. */
  bind(queued: QueuedPod, profile: Profile, cycle: Cycle, nodeName: string, startedAt: number): void;
  /** Reserve or Permit said no to this pod. */
  refused(queued: QueuedPod, profile: Profile, startedAt: number, given: Verdict): void;
  /** Not this pod's own fault; an empty name clears its nomination. */
  rejected(
    queued: QueuedPod,
    profile: Profile,
    startedAt: number,
    message: string,
    plugin: string,
    nominatedNodeName: string,
  ): void;
  unfit(
    queued: QueuedPod,
    profile: Profile,
    startedAt: number,
    diagnosis: Diagnosis,
    nominatedNodeName: string | undefined,
  ): void;
  errored(queued: QueuedPod, profile: Profile, startedAt: number, given: Verdict): void;
  /** Why a node was chosen; undefined while nobody wants to know. */
  explain(choice: Choice): AttemptExplanation | undefined;
  explained(info: PodInfo, explanation: AttemptExplanation): void;
  /** The group's attempt is over; its pods had been decided after `algorithmSeconds`. */
  attempted(result: GroupAttemptResult, profile: string, seconds: number, algorithmSeconds: number): void;
  /** Milliseconds by a clock that only goes on. */
  now(): number;
}

/** A pod of the group and how it fared. */
interface Member {
  readonly queued: QueuedPod;
  readonly startedAt: number;
  readonly choice?: GroupChoice;
  /** Where it counts for the length of this attempt. */
  readonly assumedOn?: string | undefined;
  /** It got there only by evicting others. */
  readonly preempts?: boolean;
  /** Reserve or Permit said no. */
  readonly refused?: Verdict | undefined;
  readonly permitMessage?: string;
}

const waitsForPreemption = 'pod group is waiting for preemption to complete';
/** Whose events bring back pods that only their group kept from being bound. */
const gangPlugin = 'GangScheduling';
const failure = (message: string): Verdict => ({ code: Code.Error, reasons: [message] });

export class PodGroupCycle {
  readonly #deps: PodGroupCycleDependencies;

  constructor(dependencies: PodGroupCycleDependencies) {
    this.#deps = dependencies;
  }

  /** Attempts the group of a pod that was just popped. */
  async run(first: QueuedPod): Promise<void> {
    const { profileOf, errored, now } = this.#deps;
    const group = this.#collect(first);
    if (group.length === 0) return;
    const startedAt = now();
    const { schedulerName } = group[0]!.info;
    const stranger = group.find(({ info }) => info.schedulerName !== schedulerName)?.info.schedulerName;
    if (stranger !== undefined) {
      const text = `all pods in a single pod group should have the same .spec.schedulerName set, got: ${JSON.stringify(schedulerName)} and ${JSON.stringify(stranger)}`;
      for (const queued of group) errored(queued, profileOf(queued.info.schedulerName)!, startedAt, failure(text));
      return;
    }
    const profile = profileOf(schedulerName)!;
    const members: Member[] = [];
    let isAllowed = false;
    let preempts = false;
    let error: Verdict | undefined;
    for (const queued of group) {
      const member = await this.#decide(queued, profile);
      members.push(member);
      if (member.choice && 'error' in member.choice) error = member.choice.error;
      else if (member.refused && !isRejected(member.refused)) error = member.refused;
      if (error) break;
      if (member.assumedOn === undefined) continue;
      preempts ||= member.preempts === true;
      if (member.permitMessage === '') isAllowed = true;
    }
    const decidedAt = now();
    if (error || !isAllowed || preempts) this.#undo(members, profile);
    for (const [i, queued] of group.entries()) {
      const member = members[i] ?? { queued, startedAt: now() };
      if (error) this.#failed(member, profile, error);
      else this.#settle(member, profile, isAllowed, isAllowed && preempts);
    }
    const unplaced = isAllowed ? 'waiting_on_preemption' : 'unschedulable';
    const result = error ? 'error' : isAllowed && !preempts ? 'scheduled' : unplaced;
    this.#deps.attempted(result, profile.name, (now() - startedAt) / 1000, (decidedAt - startedAt) / 1000);
  }

  /** Tells why the member got its node, or that it did not although there was one. */
  #explained({ queued, choice }: Member, message?: string): void {
    if (!choice || !('explanation' in choice) || !choice.explanation) return;
    const { nodeName, ...others } = choice.explanation;
    this.#deps.explained(
      queued.info,
      message === undefined ? { ...others, nodeName: nodeName! } : { ...others, message },
    );
  }

  /** All waiting pods of the group, in the order in which they are decided. */
  #collect(first: QueuedPod): QueuedPod[] {
    const { cache, queue, isSkipped } = this.#deps;
    const found = [first];
    for (const uid of cache.groups.uids(groupKeyOf(first.info.pod)!, 'waiting')) {
      const other = uid === first.info.uid ? undefined : queue.popSpecific(uid);
      if (other) found.push(other);
    }
    return found
      .filter((queued) => !isSkipped(queued))
      .sort(
        (a, b) =>
          b.info.priority - a.info.priority ||
          (a.firstAttemptAtMs ?? 0) - (b.firstAttemptAtMs ?? 0) ||
          a.sequence - b.sequence,
      );
  }

  async #decide(queued: QueuedPod, profile: Profile): Promise<Member> {
    const { cache, now } = this.#deps;
    const startedAt = now();
    const choice = await this.#choose(queued, profile);
    const member = { queued, startedAt, choice };
    if (!('cycle' in choice)) return member;
    const nodeName = 'nodeName' in choice ? choice.nodeName : choice.nominatedNodeName;
    if (!nodeName) return member;
    const { info } = queued;
    cache.assume(info, nodeName);
    const reserved = profile.reserve(choice.cycle, info, nodeName);
    const { refused, waits } = reserved
      ? { refused: reserved, waits: [] }
      : runPermit(profile, choice.cycle, info, nodeName);
    if (refused) {
      profile.unreserve(choice.cycle, info, nodeName);
      cache.forget(info);
      return { ...member, refused };
    }
    const permitMessage = waits.map(({ message }) => message).join(', ');
    return { ...member, assumedOn: nodeName, preempts: !('nodeName' in choice), permitMessage };
  }

  /** Looks for a node; where there is none, tries to make room. Nothing is assumed yet. */
  async #choose(queued: QueuedPod, profile: Profile): Promise<GroupChoice> {
    const { cache, extenders, random, log, search } = this.#deps;
    const { nodes } = cache;
    const { info } = queued;
    if (nodes.nodeCount === 0) return { noNodes: true };
    const cycle = new Cycle();
    const found = search(cycle, queued, profile);
    if (found.error) return { error: found.error };
    let rows: Int32Array = found.rows.slice(0, found.count);
    let diagnosis = found.diagnosis;
    let added: ReadonlyMap<string, number> = new Map();
    const asked = extenders.filter((extender) => rows.length > 0 && extender.isInterestedIn(info.pod));
    if (asked.length > 0) {
      const round = await askExtenders(
        asked,
        info.pod,
        [...rows].map((row) => nodes.nodes[row]!),
        log,
      );
      if (round.error) return { error: errorVerdict(round.error) };
      added = round.added;
      rows = Int32Array.from(
        round.left.map(({ metadata }) => nodes.rowOf(metadata?.name ?? '')).filter((row) => row >= 0),
      );
      if (rows.length === 0)
        diagnosis = diagnoseExtenders(profile, cycle, info, found.processed, nodes, round.rejected);
    }
    if (rows.length === 0) {
      const { nominatedNodeName, verdict } = await profile.postFilter(cycle, info, diagnosis!);
      diagnosis!.postFilterMessage = verdictMessage(verdict);
      return { cycle, diagnosis: diagnosis!, nominatedNodeName };
    }
    let row = rows[0]!;
    const count = rows.length;
    if (count > 1) {
      const totals = profile.score(cycle, info, rows, rows.length);
      if (!(totals instanceof Float64Array)) return { error: totals };
      for (let i = 0; i < rows.length; i++) totals[i]! += added.get(nodes.names[rows[i]!]!) ?? 0;
      row = selectRow(rows, rows.length, totals, random);
    }
    const nodeName = nodes.names[row]!;
    const evaluated = found.processed;
    const explanation = this.#deps.explain({ profile, cycle, info, rows, count, evaluated, nodeName, added });
    return { cycle, nodeName, explanation };
  }

  #undo(members: readonly Member[], profile: Profile): void {
    for (const { queued, choice, assumedOn } of [...members].reverse()) {
      if (assumedOn === undefined || !choice || !('cycle' in choice)) continue;
      profile.unreserve(choice.cycle, queued.info, assumedOn);
      this.#deps.cache.forget(queued.info);
    }
  }

  /** Some pod of the group failed otherwise than by being rejected: so do all. */
  #failed(member: Member, profile: Profile, error: Verdict): void {
    const { queued, startedAt, choice, refused } = member;
    const own = choice && 'error' in choice ? choice.error : refused && !isRejected(refused) ? refused : undefined;
    const text = `failed to schedule other pod from a pod group: ${error.reasons.join(', ')}`;
    this.#explained(member, text);
    this.#deps.errored(queued, profile, startedAt, own ?? failure(text));
  }

  #settle(member: Member, profile: Profile, isAllowed: boolean, waits: boolean): void {
    const { queued, startedAt, choice, assumedOn, preempts, refused, permitMessage = '' } = member;
    const { bind, rejected, unfit } = this.#deps;
    const placed = isAllowed && !waits && !refused;
    this.#explained(
      member,
      placed ? undefined : refused ? verdictMessage(refused) : isAllowed ? waitsForPreemption : permitMessage,
    );
    if (refused) this.#deps.refused(queued, profile, startedAt, refused);
    else if (choice && 'noNodes' in choice) rejected(queued, profile, startedAt, noNodesMessage, noNodes, '');
    else if (!choice || 'error' in choice) return;
    else if (assumedOn === undefined) {
      if ('diagnosis' in choice) unfit(queued, profile, startedAt, choice.diagnosis, choice.nominatedNodeName);
    } else if (isAllowed && !waits) bind(queued, profile, choice.cycle, assumedOn, startedAt);
    else if (!isAllowed) rejected(queued, profile, startedAt, permitMessage, gangPlugin, '');
    else if (preempts && 'diagnosis' in choice) unfit(queued, profile, startedAt, choice.diagnosis, assumedOn);
    else rejected(queued, profile, startedAt, waitsForPreemption, gangPlugin, assumedOn);
  }
}
