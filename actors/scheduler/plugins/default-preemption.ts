/**
 * PostFilter: makes room for a pod by evicting pods of lower priority, in the background; the pod is nominated for the
 * node meanwhile. @see plugins/defaultpreemption/default_preemption.go and KEP-4832 (asynchronous preemption)
 */
import { isNotFound, type PodDisruptionBudget } from '../../../src/api/index.ts';
import { podDisruptionBudgets, pods } from '../../../src/client/index.ts';
import {
  Action,
  type Candidate,
  Code,
  candidatesWanted,
  conditionPatch,
  type Diagnosis,
  dryRunPreemption,
  type Extender,
  type PluginDefinition,
  type PluginHandle,
  type PodInfo,
  type PostFilterAnswer,
  pickCandidate,
  unresolvable,
  unschedulable,
  type Verdict,
} from '../../../src/scheduling/index.ts';

const name = 'DefaultPreemption';
const inProgress = unresolvable('waiting for the preemption for this pod to be finished');

/** Says where a message comes from; absent: there is nothing to say. */
const preempting = (given: Verdict): Verdict => ({
  code: given.code,
  reasons: given.reasons.map((reason, i) => (i === 0 ? `preemption: ${reason}` : reason)),
});

function terminatingByPreemption({ pod }: PodInfo): boolean {
  if (!pod.metadata?.deletionTimestamp) return false;
  return (pod.status?.conditions ?? []).some(
    ({ type, status, reason }) =>
      type === 'DisruptionTarget' && status === 'True' && reason === 'PreemptionByScheduler',
  );
}

/** Why the pod may not preempt at all. */
function ineligible(info: PodInfo, diagnosis: Diagnosis, { nodes }: PluginHandle): string | undefined {
  if (info.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = info.pod.status?.nominatedNodeName;
  const row = nominated ? nodes.rowOf(nominated) : -1;
  if (row < 0 || diagnosis.of(row).code === Code.UnschedulableAndUnresolvable) return undefined;
  const waiting = nodes.pods[row]!.some((other) => other.priority < info.priority && terminatingByPreemption(other));
  return waiting ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

/** Evictions under way, by the uid of the pod that they make room for. */
class Evictions {
  readonly #handle: PluginHandle;
  /** The value is the last victim once all others are gone. */
  readonly #running = new Map<string, PodInfo | undefined>();

  constructor(handle: PluginHandle) {
    this.#handle = handle;
  }

  /** True while the pod should not be attempted again. The last victim's deletion may be seen before its answer is. */
  runningFor(uid: string): boolean {
    if (!this.#running.has(uid)) return false;
    const last = this.#running.get(uid);
    if (!last) return true;
    const current = this.#handle.podByUid(last.uid);
    return current !== undefined && !current.terminating;
  }

  async run(preemptor: PodInfo, { nodeName, victims }: Candidate): Promise<void> {
    const left = victims.filter((victim) => !victim.terminating);
    const last = left.pop();
    if (!last) return;
    const { uid } = preemptor;
    this.#running.set(uid, undefined);
    const { clock, preemptionMetrics } = this.#handle;
    const startedMs = clock.monotonic();
    try {
      for (const other of [...this.#handle.nominator.podsOn(nodeName)]) {
        if (other.priority < preemptor.priority) this.#handle.clearNomination(other);
      }
      await Promise.all(left.map((victim) => this.#evict(preemptor, victim, nodeName)));
      // Somebody else may have removed it meanwhile: its deletion, which wakes the pod up, is then over already.
      const gone = this.#handle.podByUid(last.uid) === undefined;
      this.#running.set(uid, last);
      await this.#evict(preemptor, last, nodeName);
      this.#running.delete(uid);
      preemptionMetrics.evicted(true, startedMs);
      if (gone) this.#handle.activate(preemptor);
    } catch (error) {
      this.#running.delete(uid);
      preemptionMetrics.evicted(false, startedMs);
      this.#handle.log.warn('preemption failed', { pod: preemptor.key, node: nodeName, error: String(error) });
      // Nothing else would wake the pod up.
      this.#handle.activate(preemptor);
    }
  }

  async #evict(preemptor: PodInfo, victim: PodInfo, nodeName: string): Promise<void> {
    const { client, clock, recorder } = this.#handle;
    const { namespace, name: victimName, uid, pod } = victim;
    if (this.#handle.rejectWaiting(uid, name, 'preempted')) return;
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${preemptor.schedulerName}: preempting to accommodate a higher priority pod`,
    };
    const status = conditionPatch(pod, condition, clock.now());
    const key = { namespace, name: victimName };
    try {
      const patch = { metadata: { uid }, status };
      if (status) await client!.patch(pods, key, 'strategic', patch, { subresource: 'status' });
      await client!.delete(pods, key, { preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    const related = { apiVersion: 'v1', kind: 'Pod', ...preemptor.pod };
    const message = `Preempted by pod ${preemptor.uid} on node ${nodeName}`;
    recorder?.event({ apiVersion: 'v1', kind: 'Pod', ...pod }, 'Normal', 'Preempted', message, {
      action: 'Preempting',
      related,
    });
  }
}

/** Extenders may take candidates away, and choose other victims. @throws Error when one that must answer does not */
async function askExtenders(
  extenders: readonly Extender[],
  info: PodInfo,
  candidates: readonly Candidate[],
  handle: PluginHandle,
): Promise<Candidate[]> {
  let left = [...candidates];
  for (const extender of extenders) {
    try {
      const kept = await extender.preempt(info.pod, new Map(left.map((candidate) => [candidate.nodeName, candidate])));
      left = left.flatMap((candidate) => {
        const answer = kept.get(candidate.nodeName);
        if (!answer) return [];
        const { uids, violations } = answer;
        const pods = handle.nodes.pods[candidate.row] ?? [];
        const victims = pods.filter(({ uid }) => uids.has(uid)).sort((a, b) => b.priority - a.priority);
        if (victims.length === 0 && !extender.ignorable) {
          throw new Error(`expected at least one victim pod on node ${JSON.stringify(candidate.nodeName)}`);
        }
        return victims.length === 0 ? [] : [{ ...candidate, victims, violations }];
      });
    } catch (error) {
      if (!extender.ignorable) throw error;
      handle.log.warn('extender left out', { extender: extender.name, error: String(error) });
    }
    if (left.length === 0) break;
  }
  return left;
}

export const defaultPreemption: PluginDefinition = {
  name,
  create(handle, args) {
    const percentage = (args['minCandidateNodesPercentage'] as number | undefined) ?? 10;
    const absolute = (args['minCandidateNodesAbsolute'] as number | undefined) ?? 100;
    const lister = handle.informers?.informer(podDisruptionBudgets).lister;
    const evictions = new Evictions(handle);

    const preempt = (
      info: PodInfo,
      diagnosis: Diagnosis,
      cycle: Parameters<typeof dryRunPreemption>[1],
    ): PostFilterAnswer | Promise<PostFilterAnswer> => {
      const current = handle.podByUid(info.uid) ?? info;
      const reason = ineligible(current, diagnosis, handle);
      if (reason !== undefined) return { verdict: unschedulable(reason) };
      const rows = diagnosis.rowsWith(Code.Unschedulable, handle.nodes);
      const wanted = candidatesWanted(rows.length, percentage, absolute);
      const budgets: PodDisruptionBudget[] = lister?.list() ?? [];
      const run = dryRunPreemption(handle, cycle, info, rows, wanted, budgets);
      if (run.candidates.length === 0) {
        if (run.error) return { verdict: run.error };
        return { nominatedNodeName: '', verdict: unschedulable(run.diagnosis.message()) };
      }
      const asked = handle.extenders.filter(
        (extender) => extender.configuration.preemptVerb !== undefined && extender.isInterestedIn(info.pod),
      );
      if (asked.length > 0) return askExtenders(asked, info, run.candidates, handle).then((left) => make(info, left));
      return make(info, run.candidates);
    };

    /** Evicts what the best candidate takes, in the background. */
    const make = (info: PodInfo, candidates: readonly Candidate[]): PostFilterAnswer => {
      const best = pickCandidate(candidates, handle.clock.now());
      if (!best) return { nominatedNodeName: '', verdict: unschedulable('no candidate node for preemption') };
      handle.preemptionMetrics.victims(best.victims.length);
      void evictions.run(info, best);
      return { nominatedNodeName: best.nodeName, verdict: undefined };
    };

    return {
      name,
      preEnqueue: (info) => (evictions.runningFor(info.uid) ? inProgress : undefined),
      postFilter(cycle, info, diagnosis) {
        handle.preemptionMetrics.attempt();
        const say = (answer: PostFilterAnswer) =>
          answer.verdict ? { ...answer, verdict: preempting(answer.verdict) } : answer;
        const answer = preempt(info, diagnosis, cycle);
        return answer instanceof Promise ? answer.then(say) : say(answer);
      },
      // The plugins that rejected the pod say when to try again; this one only keeps it back until its victims are told.
      events: () => [{ resource: 'AssignedPod', action: Action.Delete, hint: () => false }],
    };
  },
};
