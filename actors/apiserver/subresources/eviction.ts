/**
 * Evicts a pod: a delete that asks its PodDisruptionBudgets first. The budget is charged in its status, so that several
 * evictions at once cannot overdraw it before the disruption controller has counted again. The pod is told why it goes.
 * @see pkg/registry/core/pod/storage/eviction.go
 */
import {
  type ApiObject,
  conditionsOfBudget,
  disruptionAllowed,
  isConflict,
  type KindDefinition,
  labelSelectorOf,
  type Pod,
  type PodDisruptionBudget,
  StatusError,
} from '../../../src/api/index.ts';
import { copyOf, type Entry } from '../cache/entry.ts';
import type { Call, DeleteOptionsBody } from '../call.ts';
import { conflictOf, notFoundOf, plainError } from '../failures.ts';
import { trackOwnStatus } from '../field-ownership.ts';
import type { Server } from '../server.ts';
import { keyOf } from '../stages/decode.ts';
import { putObject } from '../verbs/commit.ts';
import { checkPreconditions, deleteEntry } from '../verbs/delete.ts';
import type { SubresourceHandler } from './handler.ts';

const ATTEMPTS_MAX = 20;
/** Bound of the names that a budget's status remembers until the controller has seen the deletions. */
const DISRUPTED_PODS_MAX = 2000;

const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

interface Eviction {
  readonly call: Call;
  readonly server: Server;
  readonly options: DeleteOptionsBody;
  readonly dryRun: boolean;
}

export const eviction: SubresourceHandler = {
  name: 'eviction',
  kinds: ['/registry/pods'],
  async create(call, server) {
    const body = call.part as unknown as { metadata: { name?: string }; deleteOptions?: DeleteOptionsBody };
    if ((body.metadata.name ?? '') !== call.name) {
      throw StatusError.badRequest('name in URL does not match name in Eviction object');
    }
    const options = body.deleteOptions ?? {};
    if (options.ignoreStoreReadErrorWithClusterBreakingPotential === true) {
      throw StatusError.invalid({ group: 'policy', name: 'Eviction' }, call.name ?? '', [
        {
          type: 'FieldValueInvalid',
          field: 'deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential',
          value: true,
          detail: 'can not be set for pod eviction, try after removing the option',
        },
      ]);
    }
    await evict({ call, server, options, dryRun: call.dryRun || (options.dryRun ?? []).includes('All') });
    call.answer = {
      type: 'object',
      code: 201,
      object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
    };
  },
};

async function evict(request: Eviction): Promise<void> {
  const namesVersion = request.options.preconditions?.resourceVersion !== undefined;
  for (let attempt = 1; ; attempt++) {
    const entry = podOf(request);
    if (!canIgnoreBudgets(entry)) return await evictWithinBudget(request, entry);
    try {
      // It must not become ready in between, when a budget would have a say.
      const guarded = entry.object.metadata['deletionTimestamp'] === undefined && phaseOf(entry) === 'Pending';
      return await markAndDelete(request, entry, guarded && !namesVersion);
    } catch (error) {
      if (!isConflict(error) || namesVersion || attempt >= ATTEMPTS_MAX) throw error;
    }
  }
}

async function evictWithinBudget(request: Eviction, entry: Entry): Promise<void> {
  const budget = await passBudget(request, entry);
  const unhealthy = budget !== undefined;
  try {
    await markAndDelete(request, entry, unhealthy);
  } catch (error) {
    const named = request.options.preconditions?.resourceVersion !== undefined;
    // It may be healthy by now.
    if (isConflict(error) && unhealthy && !named) throw stillProcessed(budget);
    throw error;
  }
}

function podOf({ call, server }: Eviction): Entry {
  const entry = server.cacheOf(call.kind).get(keyOf(call, server));
  if (entry === undefined) throw notFoundOf(call.kind, call.name as string);
  return entry;
}

const phaseOf = (entry: Entry): string | undefined => (entry.object as Pod).status?.phase;

/** Pods that are finished, not yet running, or already going disturb nobody. */
function canIgnoreBudgets(entry: Entry): boolean {
  const free = ['Succeeded', 'Failed', 'Pending'].includes(phaseOf(entry) ?? '');
  return free || entry.object.metadata['deletionTimestamp'] !== undefined;
}

/** Says in the pod's conditions why it goes, and deletes it. `guarded`: only as it is in `first`. */
async function markAndDelete(request: Eviction, first: Entry, guarded: boolean): Promise<void> {
  const { call, server, dryRun } = request;
  const { kind } = call;
  let options = guarded ? withVersion(request.options, first) : request.options;
  let entry = first;
  if (!dryRun) {
    entry = await markDisrupted(request, first, options);
    if (options.preconditions?.resourceVersion !== undefined) options = withVersion(options, entry);
  }
  await deleteEntry(server, kind, entry, options, dryRun);
}

function withVersion(options: DeleteOptionsBody, entry: Entry): DeleteOptionsBody {
  return { ...options, preconditions: { ...options.preconditions, resourceVersion: String(entry.revision) } };
}

async function markDisrupted({ call, server }: Eviction, first: Entry, options: DeleteOptionsBody): Promise<Entry> {
  const cache = server.cacheOf(call.kind);
  let entry: Entry | undefined = cache.get(first.key);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (entry === undefined) throw notFoundOf(call.kind, first.name);
    checkPreconditions(call.kind, entry, options);
    const marked = disrupted(entry, server.strategyContext(false).now);
    if (marked === undefined) return entry;
    const written = await putObject(server, cache, entry.key, marked, entry.revision);
    if (written !== undefined) return written;
    entry = cache.get(first.key);
  }
  throw conflictOf(call.kind, first.name);
}

/** The pod with the condition; undefined when it has it already. */
function disrupted(entry: Entry, now: string): ApiObject | undefined {
  const object = copyOf(entry.object);
  const pod = object as Pod;
  const conditions = pod.status?.conditions ?? [];
  const known = conditions.find(({ type }) => type === 'DisruptionTarget');
  const [reason, message] = ['EvictionByEvictionAPI', 'Eviction API: evicting'];
  if (known?.status === 'True' && known.reason === reason && known.message === message) return undefined;
  const lastTransitionTime = known?.status === 'True' ? known.lastTransitionTime : now;
  const condition = { type: 'DisruptionTarget', status: 'True', lastTransitionTime, reason, message };
  const others = conditions.map((other) => (other === known ? condition : other));
  pod.status = { ...pod.status, conditions: known === undefined ? [...conditions, condition] : others };
  return object;
}

/** Charges the pod's budget. Answers the budget's name when the pod may go for being unhealthy, and nothing was charged. */
async function passBudget({ call, server, dryRun }: Eviction, entry: Entry): Promise<string | undefined> {
  const kind = server.registry.byResource('policy', 'v1', 'poddisruptionbudgets') as KindDefinition;
  const cache = server.cacheOf(kind);
  const pod = entry.object as Pod;
  const budgets = cache.list(call.namespace).filter((budget) => selects(budget, pod));
  const [first] = budgets;
  if (first === undefined) return undefined;
  if (budgets.length > 1) {
    throw plainError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  if (mayEvictUnhealthy(first.object as PodDisruptionBudget, pod)) return first.name;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const current = cache.get(first.key);
    if (current === undefined) throw notFoundOf(kind, first.name);
    const object = copyOf(current.object);
    charge(object as PodDisruptionBudget, call.name as string, server.strategyContext(false).now);
    if (dryRun) return undefined;
    const owners = trackOwnStatus(server, kind, current, object);
    if ((await putObject(server, cache, first.key, object, current.revision, { owners })) !== undefined)
      return undefined;
  }
  throw conflictOf(kind, first.name);
}

function selects(entry: Entry, pod: Pod): boolean {
  const { selector } = (entry.object as PodDisruptionBudget).spec ?? {};
  return selector !== undefined && labelSelectorOf(selector).matches(pod.metadata?.labels);
}

/** A running pod that is not ready may go when that does not make matters worse. */
function mayEvictUnhealthy({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  const ready =
    pod.status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
  if (ready) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** Takes one disruption from the budget, in place, or refuses. */
function charge(budget: PodDisruptionBudget, podName: string, now: string): void {
  const { name = '', generation = 0 } = budget.metadata ?? {};
  budget.status ??= {};
  const { status } = budget;
  const { disruptionsAllowed: allowed = 0, disruptedPods = {}, observedGeneration = 0 } = status;
  if (observedGeneration < generation) throw stillProcessed(name);
  if (allowed < 0) throw forbidden(name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > DISRUPTED_PODS_MAX) {
    throw forbidden(name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed === 0) {
    throw StatusError.tooManyRequests(refusal, 0, [{ reason: 'DisruptionBudget', message: whyNone(name, status) }]);
  }
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...disruptedPods, [podName]: now };
  if (status.disruptionsAllowed === 0) status.conditions = conditionsOfBudget(status, now);
}

/** Why a budget allows no disruption. Its numbers mean nothing while they cannot be told. */
function whyNone(name: string, status: NonNullable<PodDisruptionBudget['status']>): string {
  const { currentHealthy = 0, desiredHealthy = 0, conditions } = status;
  const condition = disruptionAllowed(conditions);
  const told = condition?.status === 'False' && condition.message !== '' ? condition : undefined;
  const none = `The disruption budget ${name} does not allow evicting pods currently`;
  if (told?.reason === 'SyncFailed') return `${none} because it failed sync: ${told.message}`;
  if (currentHealthy <= desiredHealthy) {
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  }
  return told === undefined ? none : `${none} (${told.reason}): ${told.message}`;
}

function stillProcessed(name: string): StatusError {
  const message = `The disruption budget ${name} is still being processed by the server.`;
  return StatusError.tooManyRequests(refusal, 10, [{ reason: 'DisruptionBudget', message }]);
}

/** Upstream names the resource in the singular here. */
function forbidden(name: string, message: string): StatusError {
  return StatusError.forbidden({ group: 'policy', name: 'poddisruptionbudget' }, name, message);
}
