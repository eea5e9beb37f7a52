/**
 * Which objects a ResourceQuota is about: pods and claims of volumes by the scopes that it names.
 *
 * @see kubernetes/pkg/quota/v1/evaluator/core, k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go Matches
 */
import {
  compareQuantities,
  type PersistentVolumeClaim,
  type Pod,
  type ResourceQuota,
  type ScopedResourceSelectorRequirement as ScopeRequirement,
} from '../api/index.ts';
import type { KubernetesObject } from '../client/index.ts';

/** The scopes that a quota is about; each has to match what counts against it. */
export function scopesOfQuota({ spec }: ResourceQuota): readonly ScopeRequirement[] {
  const named = (spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' }));
  return [...named, ...(spec?.scopeSelector?.matchExpressions ?? [])];
}

/** Whether the object counts against the quota, as the quota's scopes say. */
export function quotaSelects(quota: ResourceQuota, resource: string, object: KubernetesObject): boolean {
  return scopesOfQuota(quota).every((scope) => isInScope(scope, resource, object));
}

/** Whether the object of the group resource is in the scope. Kinds that know no scopes are in none. */
export function isInScope(scope: ScopeRequirement, resource: string, object: KubernetesObject): boolean {
  if (scope.scopeName === 'VolumeAttributesClass') {
    return resource === 'persistentvolumeclaims' && inAttributesClass(object as PersistentVolumeClaim, scope);
  }
  return resource === 'pods' && podInScope(object as Pod, scope);
}

/** Any of the classes that the claim has, had or is to have will do; one without a class matches as a claim of none. */
function inAttributesClass({ spec, status }: PersistentVolumeClaim, requirement: ScopeRequirement): boolean {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== '');
  if (names.length === 0) return nameMatches(undefined, requirement);
  return names.some((name) => nameMatches(name, requirement));
}

function nameMatches(name: string | undefined, { operator, values }: ScopeRequirement): boolean {
  const named = name !== undefined && name !== '';
  if (operator === 'Exists') return named;
  if (operator === 'DoesNotExist') return !named;
  const listed = named && (values ?? []).includes(name);
  return operator === 'In' ? listed : !listed;
}

function podInScope(pod: Pod, requirement: ScopeRequirement): boolean {
  const { spec } = pod;
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminatingPod(pod);
    case 'NotTerminating':
      return !isTerminatingPod(pod);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      return nameMatches(spec?.priorityClassName, requirement);
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

/** Whether the pod may run for a time only. */
export function isTerminatingPod({ spec }: Pod): boolean {
  return spec?.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
}

function isBestEffort(pod: Pod): boolean {
  const { containers = [], initContainers = [], resources } = pod.spec ?? {};
  const asks = (list: Readonly<Record<string, string>> | undefined) =>
    ['cpu', 'memory'].some((name) => list?.[name] !== undefined && compareQuantities(list[name] ?? '0', '0') > 0);
  return ![resources, ...[...containers, ...initContainers].map((container) => container.resources)].some(
    (each) => asks(each?.requests) || asks(each?.limits),
  );
}

function reachesOtherNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm }) => podAffinityTerm,
      ),
    ].some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined),
  );
}
