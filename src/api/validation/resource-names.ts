/**
 * Names of resources and their amounts: which names containers, quotas and limit ranges know, and what the requests of a container may be.
 * @see pkg/apis/core/helper/helpers.go, validateResourceRequirements
 */
import type { ResourceRequirements } from '../generated/types.ts';
import { validateQualifiedName } from '../names.ts';
import { compareQuantities, parseQuantity, quantityMilliValue } from '../quantity.ts';
import { at, type Check, keyed, notNegative, notPositive, type Path } from './check.ts';

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage']);
const countedResources = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);
const quotaResources = new Set([
  ...containerResources,
  ...countedResources,
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
]);
const standardResources = new Set([...quotaResources, 'storage']);

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith('requests.hugepages-');
/** Upstream's own: without a prefix, or of kubernetes.io. */
export const isNativeResource = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
export const isOvercommitAllowed = (name: string): boolean => isNativeResource(name) && !isHugePages(name);

export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith('requests.')) return false;
  return validateQualifiedName(`requests.${name}`).length === 0;
}

const isStandardResource = (name: string): boolean => standardResources.has(name) || isQuotaHugePages(name);
export const isStandardQuotaResource = (name: string): boolean => quotaResources.has(name) || isQuotaHugePages(name);
const isStandardContainerResource = (name: string): boolean => containerResources.has(name) || isHugePages(name);
const isCounted = (name: string): boolean => countedResources.has(name) || isExtendedResource(name);

/** Negative, zero or positive as `left` is less than, equal to or more than `right`. */
export function compareAmounts(left: string, right: string): number {
  if (left === right) return 0;
  const difference = quantityMilliValue(left) - quantityMilliValue(right);
  return difference === 0 ? compareQuantities(left, right) : difference;
}

export const isNegativeAmount = (amount: string): boolean => amount.startsWith('-') && parseQuantity(amount).nanos < 0n;

/** A name that some resource could have; false when it was refused. */
export function checkResourceName(check: Check, path: Path, name: string): boolean {
  const messages = validateQualifiedName(name);
  if (messages.length > 0) {
    check.all(path, '', name, messages);
    return false;
  }
  if (name.includes('/') || isStandardResource(name)) return true;
  check.invalid(path, '', name, 'must be a standard resource type or fully qualified');
  return false;
}

export function checkContainerResourceName(check: Check, path: Path, name: string): void {
  checkResourceName(check, path, name);
  if (!name.includes('/')) {
    if (!isStandardContainerResource(name)) check.invalid(path, '', name, 'must be a standard resource for containers');
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    check.invalid(path, '', name, "doesn't follow extended resource name standard");
  }
}

export function checkQuotaResourceName(check: Check, path: Path, name: string): void {
  checkResourceName(check, path, name);
  if (!name.includes('/') && !isStandardQuotaResource(name)) {
    check.invalid(path, '', name, 'must be a standard resource for quota');
  }
}

function checkPodResourceName(check: Check, path: Path, name: string): void {
  if (!checkResourceName(check, path, name)) return;
  if (name !== 'cpu' && name !== 'memory' && !isHugePages(name)) {
    check.notSupported(path, '', name, ['cpu', 'hugepages-', 'memory']);
  }
}

/** Not negative, and whole where things are counted. */
export function checkAmount(check: Check, path: Path, name: string, amount: string): void {
  if (isNegativeAmount(amount)) check.invalid(path, '', amount, notNegative);
  if (!containerResources.has(name) && isCounted(name) && quantityMilliValue(amount) % 1000 !== 0) {
    check.invalid(path, '', amount, 'must be an integer');
  }
}

export function checkPositiveAmount(check: Check, path: Path, amount: string): boolean {
  if (parseQuantity(amount).nanos > 0n) return true;
  check.invalid(path, '', amount, notPositive);
  return false;
}

/** Multiples of the page's size, which the name ends in. */
function checkHugePages(check: Check, path: Path, name: string, amount: string): void {
  let sound = false;
  try {
    const page = parseQuantity(name.slice('hugepages-'.length)).nanos;
    sound = page > 0n && parseQuantity(amount).nanos % page === 0n;
  } catch {
    // The size is not a quantity, so nothing is a multiple of it.
  }
  if (!sound) check.invalid(path, '', amount, `${amount} is not positive integer multiple of ${name}`);
}

/** Requests and limits of a container, or with `ofPod` those of a pod as a whole. */
export function checkResourceRequirements(
  check: Check,
  path: Path,
  requirements: ResourceRequirements | undefined,
  claimNames: ReadonlySet<string> | undefined,
  ofPod = false,
): void {
  if (requirements === undefined) return;
  const { limits, requests } = requirements;
  const checkName = ofPod ? checkPodResourceName : checkContainerResourceName;
  let compute = false;
  let hugePages = false;
  for (const name in limits) {
    const amount = limits[name] as string;
    const isCompute = name === 'cpu' || name === 'memory';
    compute ||= isCompute;
    if (isCompute && !amount.startsWith('-')) continue;
    const place = keyed(at(path, 'limits'), name);
    checkName(check, place, name);
    checkAmount(check, place, name, amount);
    if (!isHugePages(name)) continue;
    hugePages = true;
    checkHugePages(check, place, name, amount);
  }
  for (const name in requests) {
    const amount = requests[name] as string;
    const isCompute = name === 'cpu' || name === 'memory';
    compute ||= isCompute;
    if (!isCompute || amount.startsWith('-')) {
      const place = keyed(at(path, 'requests'), name);
      checkName(check, place, name);
      checkAmount(check, place, name, amount);
    }
    checkAgainstLimit(check, path, name, amount, limits?.[name]);
    if (!isHugePages(name)) continue;
    hugePages = true;
    checkHugePages(check, keyed(at(path, 'requests'), name), name, amount);
  }
  if (hugePages && !compute) check.forbidden(path, '', 'HugePages require cpu or memory');
  if (requirements.claims !== undefined) checkClaims(check, at(path, 'claims'), requirements.claims, claimNames);
}

function checkAgainstLimit(check: Check, path: Path, name: string, amount: string, limit: string | undefined): void {
  if (limit === undefined) {
    if (!isOvercommitAllowed(name)) {
      check.required(path, 'limits', 'Limit must be set for non overcommitable resources');
    }
    return;
  }
  const order = compareAmounts(amount, limit);
  if (order !== 0 && !isOvercommitAllowed(name)) {
    check.invalid(path, 'requests', amount, `must be equal to ${name} limit of ${limit}`);
  } else if (order > 0) {
    check.invalid(path, 'requests', amount, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

function checkClaims(
  check: Check,
  path: Path,
  claims: readonly { readonly name: string; readonly request?: string | undefined }[],
  claimNames: ReadonlySet<string> | undefined,
): void {
  const seen = new Set<string>();
  claims.forEach(({ name, request }, index) => {
    if (!name) {
      check.required(path, index);
      return;
    }
    if (seen.has(name)) check.duplicate(path, index, name);
    else {
      let key = name;
      if (request) {
        check.dnsLabel(at(path, index), 'request', request);
        key = `${name}/${request}`;
      }
      if (seen.has(key)) check.duplicate(path, index, key);
      else if (!request) for (const other of seen) if (other.startsWith(`${name}/`)) check.duplicate(path, index, name);
      seen.add(key);
    }
    if (claimNames?.has(name)) return;
    const known = [...(claimNames ?? [])].sort();
    const detail = `must be one of the names in pod.spec.resourceClaims${known.length === 0 ? ' which is empty' : `: ${known.join(', ')}`}`;
    check.errors.push({ type: 'FieldValueNotFound', field: String(at(path, index)), value: name, detail });
  });
}
