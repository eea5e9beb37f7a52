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
  readonly action: 'Count' | 'Ignore' | 'FailJob' | 'FailIndex';
  readonly message: string;
}

/** The first rule that fits decides; without one the pod counts as failed. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  const rules = job.spec?.podFailurePolicy?.rules ?? [];
  for (const [at, rule] of rules.entries()) {
    const what = matchExitCodes(rule, pod) ?? matchConditions(rule, pod);
    if (what === undefined) continue;
    const action = rule.action as FailureVerdict['action'];
    return { action, message: `${what} matching ${action} rule at index ${at}` };
  }
  return { action: 'Count', message: '' };
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

/** Message of the first success rule that the succeeded indexes meet. */
export function matchSuccessPolicy(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  for (const [at, rule] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes);
    const counted = wanted === undefined ? succeeded.size : [...wanted].filter((index) => succeeded.has(index)).length;
    const needed = rule.succeededCount ?? wanted?.size;
    if (needed !== undefined && counted >= needed) return `Matched rules at index ${at}`;
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
