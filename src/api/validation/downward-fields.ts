/**
 * References to fields and resources of a pod, from environment variables and volumes.
 * @see validateObjectFieldSelector, validateContainerResourceFieldSelector
 */
import type { ObjectFieldSelector, ResourceFieldSelector } from '../generated/types.ts';
import { at, type Check, type Path, type Step } from './check.ts';

const convertible = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.serviceAccountName',
  'spec.schedulerName',
  'status.phase',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]);
const resources = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const sizes = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

export const environmentFields: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const volumeFields: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

/** A field of the pod, one of those named or an entry of its labels or annotations. */
export function checkFieldSelector(
  check: Check,
  path: Path,
  step: Step,
  selector: ObjectFieldSelector,
  fields: readonly string[],
): void {
  const here = at(path, step);
  const { apiVersion, fieldPath } = selector;
  if (!apiVersion) {
    check.required(here, 'apiVersion');
    return;
  }
  if (!fieldPath) {
    check.required(here, 'fieldPath');
    return;
  }
  const parts = /^(.+?)\['(.*)'\]$/s.exec(fieldPath);
  const base = parts?.[1] ?? fieldPath;
  let refusal = '';
  if (apiVersion !== 'v1') refusal = `unsupported pod version: ${apiVersion}`;
  else if (parts !== null && base !== 'metadata.annotations' && base !== 'metadata.labels')
    refusal = `field label does not support subscript: ${fieldPath}`;
  else if (parts === null && base !== 'spec.host' && !convertible.has(base))
    refusal = `field label not supported: ${fieldPath}`;
  if (refusal !== '') {
    check.invalid(here, 'fieldPath', fieldPath, `error converting fieldPath: ${refusal}`);
    return;
  }
  if (parts !== null) {
    const key = parts[2] ?? '';
    check.qualifiedName(path, step, base === 'metadata.annotations' ? key.toLowerCase() : key);
    return;
  }
  const field = base === 'spec.host' ? 'spec.nodeName' : base;
  if (!fields.includes(field)) check.notSupported(here, 'fieldPath', field, fields);
}

/** A resource of a container, which `ofVolume` must name. */
export function checkResourceSelector(
  check: Check,
  path: Path,
  selector: ResourceFieldSelector,
  ofVolume: boolean,
): void {
  const { resource = '', containerName, divisor } = selector;
  const hugePages = resource.startsWith('requests.hugepages-') || resource.startsWith('limits.hugepages-');
  if (ofVolume && !containerName) check.required(path, 'containerName');
  else if (resource === '') check.required(path, 'resource');
  else if (!resources.includes(resource) && !hugePages) check.notSupported(path, 'resource', resource, resources);
  if (divisor === undefined || divisor === '0') return;
  if (resource.endsWith('.cpu')) {
    if (divisor === '1' || divisor === '1m') return;
    check.invalid(path, 'divisor', resource, "only divisor's values 1m and 1 are supported with the cpu resource");
    return;
  }
  const what = resource.endsWith('.memory')
    ? 'memory'
    : resource.endsWith('.ephemeral-storage')
      ? 'local ephemeral storage'
      : hugePages
        ? 'hugepages'
        : '';
  if (what === '' || sizes.includes(divisor)) return;
  const text = `only divisor's values ${sizes.join(', ')} are supported with the ${what} resource`;
  check.invalid(path, 'divisor', resource, text);
}
