/**
 * Evicts a pod: a delete that asks its PodDisruptionBudgets first. The budget is charged in its status, so that several
 * evictions at once cannot overdraw it before the disruption controller has counted again.
 * @see pkg/registry/core/pod/storage/eviction.go
 */
import {
  type ApiObject,
  type KindDefinition,
  type LabelSelector,
  labelSelectorOf,
  StatusError,
} from '../../../src/api/index.ts';
import { copyOf, type Entry } from '../cache/entry.ts';
import type { Call, DeleteOptionsBody } from '../call.ts';
import { notFoundOf, plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import { keyOf } from '../stages/decode.ts';
import { putObject } from '../verbs/commit.ts';
import { deleteEntry } from '../verbs/delete.ts';
import type { SubresourceHandler } from './handler.ts';

interface Budget {
  metadata: { name: string; generation?: number };
  spec?: { selector?: LabelSelector; unhealthyPodEvictionPolicy?: string };
  status?: {
    observedGeneration?: number;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    expectedPods?: number;
    disruptedPods?: Record<string, string>;
    conditions?: {
      type: string;
      status: string;
      reason?: string;
      message?: string;
      lastTransitionTime?: string;
      observedGeneration?: number;
    }[];
  };
}

interface PodView {
  metadata: Record<string, unknown> & { labels?: Record<string, string> };
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
}

const ATTEMPTS_MAX = 20;
/** Bound of the names that a budget's status remembers until the controller has seen the deletions. */
const DISRUPTED_PODS_MAX = 2000;

export const eviction: SubresourceHandler = {
  name: 'eviction',
  kinds: ['/registry/pods'],
  async create(call, server) {
    const body = call.part as unknown as { metadata: { name?: string }; deleteOptions?: DeleteOptionsBody };
    if ((body.metadata.name ?? '') !== call.name) {
      throw StatusError.badRequest('name in URL does not match name in Eviction object');
    }
    const entry = server.cacheOf(call.kind).get(keyOf(call, server));
    if (entry === undefined) throw notFoundOf(call.kind, call.name as string);
    const options = body.deleteOptions ?? {};
    const dryRun = call.dryRun || (options.dryRun ?? []).includes('All');
    if (!canIgnoreBudgets(entry)) await chargeBudget(call, server, entry, dryRun);
    await deleteEntry(server, call.kind, entry, options, dryRun);
    call.answer = {
      type: 'object',
      code: 201,
      object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
    };
  },
};

/** Pods that are finished, not yet running, or already going disturb nobody. */
function canIgnoreBudgets(entry: Entry): boolean {
  const pod = entry.object as unknown as PodView;
  const phase = pod.status?.phase;
  return (
    phase === 'Succeeded' ||
    phase === 'Failed' ||
    phase === 'Pending' ||
    pod.metadata['deletionTimestamp'] !== undefined
  );
}

async function chargeBudget(call: Call, server: Server, entry: Entry, dryRun: boolean): Promise<void> {
  const kind = server.registry.byResource('policy', 'v1', 'poddisruptionbudgets') as KindDefinition;
  const cache = server.cacheOf(kind);
  const pod = entry.object as unknown as PodView;
  const budgets = cache.list(call.namespace).filter((budget) => selects(budget, pod));
  if (budgets.length === 0) return;
  if (budgets.length > 1) {
    throw plainError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const key = (budgets[0] as Entry).key;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const current = cache.get(key);
    if (current === undefined) return;
    const budget = current.object as unknown as Budget;
    if (mayEvictUnhealthy(budget, pod)) return;
    const charged = charge(copyOf(budget), call.name as string, server.strategyContext(false).now);
    if (
      dryRun ||
      (await putObject(server, cache, key, charged as unknown as ApiObject, current.revision)) !== undefined
    )
      return;
  }
  throw StatusError.tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 10);
}

function selects(entry: Entry, pod: PodView): boolean {
  const { selector } = (entry.object as unknown as Budget).spec ?? {};
  return selector !== undefined && labelSelectorOf(selector).matches(pod.metadata.labels);
}

/** A running pod that is not ready may go when that does not make matters worse. */
function mayEvictUnhealthy({ spec, status }: Budget, pod: PodView): boolean {
  const ready =
    pod.status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
  if (ready) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** Takes one disruption from the budget, or refuses. */
function charge(budget: Budget, podName: string, now: string): Budget {
  budget.status ??= {};
  const { status } = budget;
  const name = budget.metadata.name;
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
    throw StatusError.tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 10, [
      { reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` },
    ]);
  }
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw StatusError.forbidden({ group: '', name: '' }, '', 'pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > DISRUPTED_PODS_MAX) {
    throw StatusError.forbidden(
      { group: '', name: '' },
      '',
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    );
  }
  if (allowed === 0) {
    const insufficient = status.conditions?.find(({ type }) => type === 'DisruptionAllowed');
    const message =
      insufficient?.reason === 'SyncFailed'
        ? `The disruption budget ${name} does not need disruptions: ${insufficient.message ?? ''}`
        : `The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`;
    throw StatusError.tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0, [
      { reason: 'DisruptionBudget', message },
    ]);
  }
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...status.disruptedPods, [podName]: now };
  if (status.disruptionsAllowed === 0) {
    status.conditions = [
      ...(status.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed'),
      {
        type: 'DisruptionAllowed',
        status: 'False',
        observedGeneration: status.observedGeneration ?? 0,
        lastTransitionTime: now,
        reason: 'InsufficientPods',
        message: '',
      },
    ];
  }
  return budget;
}
