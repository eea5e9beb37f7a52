/**
 * From the usage of pods to a number of replicas: which pods count, what ratio of usage to target they have, and how many
 * replicas bring it to the target. Pure; the horizontal pod autoscaler calls it.
 *
 * @see kubernetes/pkg/controller/podautoscaler/replica_calculator.go
 */
import { type Pod, quantityMilliValue } from '../api/index.ts';
import { podCondition } from './pods.ts';
import { addAmounts, podAmounts } from './quota-pods.ts';
import { timeMs } from './times.ts';

/** Usage of one pod in thousandths, and since when it was measured. */
export interface PodUsage {
  readonly milli: number;
  readonly timeMs: number;
  readonly windowMs: number;
}

/** Ratios this near to 1 change nothing; upstream's default is 0.1 on both sides. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export interface UsageTarget {
  /** `AverageValue` compares usage with an amount; `Utilization` with a percentage of what the pods request. */
  readonly type: 'AverageValue' | 'Utilization';
  /** Thousandths, or per cent. */
  readonly amount: number;
}

export interface UsageOutcome {
  readonly replicas: number;
  /** Per cent of the requests; undefined for amounts. */
  readonly utilization: number | undefined;
  /** Average usage in thousandths. */
  readonly averageMilli: number;
}

const cpuInitializationMs = 300_000;
const initialReadinessMs = 30_000;

interface Groups {
  readonly ready: number;
  readonly unready: Set<string>;
  readonly missing: Set<string>;
  readonly ignored: Set<string>;
}

function groupPods(
  pods: readonly Pod[],
  usage: ReadonlyMap<string, PodUsage>,
  resource: string,
  nowMs: number,
): Groups {
  const groups = { ready: 0, unready: new Set<string>(), missing: new Set<string>(), ignored: new Set<string>() };
  for (const pod of pods) {
    const name = pod.metadata?.name ?? '';
    if (pod.metadata?.deletionTimestamp !== undefined || pod.status?.phase === 'Failed') groups.ignored.add(name);
    else if (pod.status?.phase === 'Pending') groups.unready.add(name);
    else if (!usage.has(name)) groups.missing.add(name);
    else if (resource === 'cpu' && isWarmingUp(pod, usage.get(name), nowMs)) groups.unready.add(name);
    else groups.ready++;
  }
  return groups;
}

/** The CPU that a pod burns while it starts says nothing about its load. */
function isWarmingUp(pod: Pod, usage: PodUsage | undefined, nowMs: number): boolean {
  const condition = podCondition(pod, 'Ready');
  const startMs = timeMs(pod.status?.startTime);
  if (condition === undefined || startMs === 0 || usage === undefined) return true;
  const changedMs = timeMs(condition.lastTransitionTime);
  if (startMs + cpuInitializationMs > nowMs) {
    return condition.status === 'False' || usage.timeMs < changedMs + usage.windowMs;
  }
  return condition.status === 'False' && startMs + initialReadinessMs > changedMs;
}

/** What the pod, or one container of it, requests in thousandths. @throws Error naming the container without a request */
function requestOf(pod: Pod, resource: string, container: string | undefined): number {
  const { name } = pod.metadata ?? {};
  if (container === undefined && Object.keys(pod.spec?.resources?.requests ?? {}).length > 0) {
    return wholeRequestOf(pod, resource);
  }
  let sum = 0;
  let found = false;
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const each of [...(pod.spec?.containers ?? []), ...sidecars]) {
    if (container !== undefined && container !== each.name) continue;
    const request = each.resources?.requests?.[resource];
    if (request === undefined) {
      throw new Error(`missing request for ${resource} in container ${each.name} of Pod ${name}`);
    }
    sum += quantityMilliValue(request);
    found = true;
  }
  if (container !== undefined && !found) throw new Error(`container ${container} not found in Pod ${name}`);
  return sum;
}

/** Of a pod that requests as a whole: with what its containers request besides, and what running it costs. @throws Error */
function wholeRequestOf(pod: Pod, resource: string): number {
  const requests = podAmounts(pod, 'requests');
  addAmounts(requests, pod.spec?.overhead);
  const request = requests[resource];
  if (request === undefined) throw new Error(`missing pod-level request for ${resource} in Pod ${pod.metadata?.name}`);
  return quantityMilliValue(request);
}

interface Ratio {
  /** Of usage to target. */
  readonly ratio: number;
  readonly averageMilli: number;
  readonly utilization: number | undefined;
}

function usageRatio(amounts: ReadonlyMap<string, number>, target: UsageTarget): Ratio {
  const used = [...amounts.values()].reduce((sum, milli) => sum + milli, 0);
  const averageMilli = Math.trunc(used / amounts.size);
  return { ratio: averageMilli / target.amount, averageMilli, utilization: undefined };
}

/** Of what was measured, that of pods without requests here is of pods that are gone. @throws Error when nothing is requested */
function shareRatio(
  amounts: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
  target: UsageTarget,
): Ratio {
  let used = 0;
  let asked = 0;
  let count = 0;
  for (const [name, milli] of amounts) {
    const request = requests.get(name);
    if (request === undefined) continue;
    used += milli;
    asked += request;
    count++;
  }
  if (asked === 0) throw new Error('no metrics returned matched known pods');
  const utilization = Math.trunc((used * 100) / asked);
  return { ratio: utilization / target.amount, averageMilli: Math.trunc(used / count), utilization };
}

function within(ratio: number, { up, down }: Tolerances): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

/**
 * Replicas that bring usage to the target. Pods without usage count as idle when it would scale up and as on target when it would
 * scale down; pods that are not ready count as idle when it would scale up.
 * @throws Error with upstream's text when there is nothing to count with
 */
export function replicasForUsage(options: {
  readonly pods: readonly Pod[];
  readonly usage: ReadonlyMap<string, PodUsage>;
  readonly resource: string;
  readonly container?: string | undefined;
  readonly target: UsageTarget;
  readonly currentReplicas: number;
  readonly tolerances: Tolerances;
  readonly nowMs: number;
}): UsageOutcome {
  const { pods, resource, container, target, currentReplicas, tolerances, nowMs } = options;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const groups = groupPods(pods, options.usage, resource, nowMs);
  // Whatever was measured counts, be it of pods that are no longer there.
  const amounts = new Map<string, number>();
  for (const [name, { milli }] of options.usage) {
    if (!groups.ignored.has(name) && !groups.unready.has(name)) amounts.set(name, milli);
  }
  if (amounts.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const requests = new Map<string, number>();
  if (target.type === 'Utilization') {
    for (const pod of pods) requests.set(pod.metadata?.name ?? '', requestOf(pod, resource, container));
  }
  const ratioOf = () =>
    target.type === 'AverageValue' ? usageRatio(amounts, target) : shareRatio(amounts, requests, target);
  const first = ratioOf();
  const outcome = (replicas: number): UsageOutcome => ({
    replicas,
    utilization: first.utilization,
    averageMilli: first.averageMilli,
  });
  const countUnready = groups.unready.size > 0 && first.ratio > 1;
  if (!countUnready && groups.missing.size === 0) {
    if (within(first.ratio, tolerances)) return outcome(currentReplicas);
    return outcome(Math.ceil(first.ratio * groups.ready));
  }
  for (const name of groups.missing) {
    const onTarget =
      target.type === 'AverageValue'
        ? target.amount
        : Math.trunc(((requests.get(name) ?? 0) * Math.max(100, target.amount)) / 100);
    if (first.ratio < 1) amounts.set(name, onTarget);
    else if (first.ratio > 1) amounts.set(name, 0);
  }
  if (countUnready) for (const name of groups.unready) amounts.set(name, 0);
  const { ratio } = ratioOf();
  const turned = (first.ratio < 1 && ratio > 1) || (first.ratio > 1 && ratio < 1);
  if (within(ratio, tolerances) || turned) return outcome(currentReplicas);
  const replicas = Math.ceil(ratio * amounts.size);
  const backwards = (ratio < 1 && replicas > currentReplicas) || (ratio > 1 && replicas < currentReplicas);
  return outcome(backwards ? currentReplicas : replicas);
}
