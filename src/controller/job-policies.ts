/**
 * What the failure and success policies of a Job say about its pods, and sets of completion indexes in text form. Pure
 * functions.
 *
 * @see kubernetes/pkg/controller/job
 */
import type { Job, Pod, PodFailurePolicyRule } from '../api/index.ts';

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** What is to be done about a failed pod. `message` says which rule decided. */
export interface FailureVerdict {
  /** Undefined when no rule fits: the pod counts as failed. */
  readonly action: 'Count' | 'Ignore' | 'FailJob' | 'FailIndex' | undefined;
  readonly message: string;
}

const noVerdict: FailureVerdict = { action: undefined, message: '' };

/** The first rule that fits decides. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  const rules = job.spec?.podFailurePolicy?.rules ?? [];
  for (const [at, rule] of rules.entries()) {
    const what = rule.onExitCodes === undefined ? matchConditions(rule, pod) : matchExitCodes(rule, pod);
    if (what === undefined) continue;
    const action = rule.action as FailureVerdict['action'];
    return { action, message: `${what} matching ${action} rule at index ${at}` };
  }
  return noVerdict;
}

function matchExitCodes(rule: PodFailurePolicyRule, pod: Pod): string | undefined {
  const codes = rule.onExitCodes;
  if (codes === undefined) return undefined;
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  for (const { name, state } of statuses) {
    const exitCode = state?.terminated?.exitCode;
    if (exitCode === undefined || exitCode === 0) continue;
    if (codes.containerName !== undefined && codes.containerName !== name) continue;
    if (codes.values.includes(exitCode) === (codes.operator === 'In')) {
      return `Container ${name} for pod ${pod.metadata?.namespace}/${pod.metadata?.name} failed with exit code ${exitCode}`;
    }
  }
  return undefined;
}

function matchConditions(rule: PodFailurePolicyRule, pod: Pod): string | undefined {
  const wanted = rule.onPodConditions ?? [];
  const found = pod.status?.conditions?.find(({ type, status }) =>
    wanted.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  );
  return found && `Pod ${pod.metadata?.namespace}/${pod.metadata?.name} has condition ${found.type}`;
}

/** Message of the first success rule that the succeeded indexes meet. Indexes beyond the completions of today are not asked for. */
export function matchSuccessPolicy(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  if (succeeded.size === 0) return undefined;
  for (const [at, rule] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const { succeededIndexes, succeededCount = Number.POSITIVE_INFINITY } = rule;
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, job.spec?.completions);
    if (wanted?.size === 0) continue;
    const counted = wanted === undefined ? succeeded.size : [...wanted].filter((index) => succeeded.has(index)).length;
    if (counted >= Math.min(succeededCount, wanted?.size ?? succeededCount)) return `Matched rules at index ${at}`;
  }
  return undefined;
}

/** `0-2,5` as a set, without what is not below `end`. */
export function parseIndexes(text: string | undefined, end = Number.POSITIVE_INFINITY): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const [first = '', last = first] = part.split('-');
    if (first === '') continue;
    for (let index = Number(first); index <= Number(last) && index < end; index++) indexes.add(index);
  }
  return indexes;
}

/** Sorted, with runs of three or more as ranges and of two as a list, as upstream writes them. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((left, right) => left - right);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end++;
    if (end === at) parts.push(`${sorted[at]}`);
    else if (end === at + 1) parts.push(`${sorted[at]}`, `${sorted[end]}`);
    else parts.push(`${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}

export function isIndexed(job: Job): boolean {
  return job.spec?.completionMode === 'Indexed';
}

/** -1 for a pod without an index. */
export function indexOf(pod: Pod): number {
  const text = pod.metadata?.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : -1;
}
