/**
 * The address families of a Service: what it asks for, what it has, and what the cluster was set up with decide. Changes
 * `ipFamilyPolicy`, `ipFamilies` and, when a second address is given up, `clusterIPs`.
 * @see pkg/registry/core/service/storage/alloc.go (initIPFamilyFields), KEP-563
 */
import { type FieldError, fieldErrors } from '../../../src/api/index.ts';

export type Family = 'IPv4' | 'IPv6';

/** What of a Service's spec decides its addresses. */
export interface AddressSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  selector?: Record<string, string>;
}

const POLICY = 'spec.ipFamilyPolicy';

export const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4');
const otherThan = (family: string): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4');
const same = (left: readonly string[] = [], right: readonly string[] = []) =>
  left.length === right.length && left.every((item, index) => item === right[index]);
/** Whether the second of two was left out. */
const isReduced = (now: readonly string[] = [], before: readonly string[] = []) =>
  now.length === 1 && before.length === 2 && now[0] === before[0];

/** A Service that prefers two families keeps what it has until it asks for something else, whatever becomes of the cluster. */
export function keepsFamilies(spec: AddressSpec, before: AddressSpec | undefined): boolean {
  return (
    before !== undefined &&
    before.type !== 'ExternalName' &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    before.ipFamilyPolicy === 'PreferDualStack' &&
    same(spec.clusterIPs, before.clusterIPs) &&
    same(spec.ipFamilies, before.ipFamilies)
  );
}

/**
 * @param configured the families that the cluster has Service addresses of, its own first
 * @returns what is wrong, in which case the Service is not to be written; otherwise its families are settled
 */
export function settleFamilies(
  spec: AddressSpec,
  before: AddressSpec | undefined,
  configured: readonly Family[],
): FieldError[] {
  if (spec.type === 'ExternalName' || keepsFamilies(spec, before)) return [];
  const isFree = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (isFree ? 'RequireDualStack' : 'SingleStack');
  const policy = spec.ipFamilyPolicy;
  const errors = before === undefined ? [] : releaseSecond(spec, before);
  if (policy === 'SingleStack') {
    for (const [list, what] of [
      [spec.clusterIPs, 'cluster IPs'],
      [spec.ipFamilies, 'IP families'],
    ] as const) {
      const text = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
      if (list?.length === 2) errors.push(fieldErrors.invalid(POLICY, policy, text));
    }
  }
  const families = [...(spec.ipFamilies ?? [])];
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === 'None') break;
    if (index < families.length) continue;
    const family = familyOf(address);
    if (configured.includes(family)) families.push(family);
    else {
      const text = `${family} is not configured on this cluster`;
      errors.push(fieldErrors.invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, text));
    }
  }
  if (errors.length > 0) return errors;
  // Who writes the endpoints of a headless Service without a selector may do so for any family.
  if (!isFree) {
    if (policy === 'RequireDualStack' && configured.length < 2) {
      errors.push(fieldErrors.invalid(POLICY, policy, 'this cluster is not configured for dual-stack services'));
    }
    for (const [index, family] of families.entries()) {
      if (configured.some((one) => one === family)) continue;
      errors.push(fieldErrors.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
    }
    if (errors.length > 0) return errors;
  }
  const first = families[0] ?? configured[0] ?? 'IPv4';
  const wantsTwo = policy !== 'SingleStack' && (isFree || configured.length === 2);
  spec.ipFamilies = families.length === 2 ? families : wantsTwo ? [first, otherThan(first)] : [first];
  return [];
}

/** Whoever says that one family is enough gives up the second; whoever leaves the second out must say so. */
function releaseSecond(spec: AddressSpec, before: AddressSpec): FieldError[] {
  const { ipFamilyPolicy: policy, clusterIPs = [], ipFamilies = [] } = spec;
  if (policy === 'SingleStack') {
    if (same(clusterIPs, before.clusterIPs) && clusterIPs.length > 1) spec.clusterIPs = clusterIPs.slice(0, 1);
    if (same(ipFamilies, before.ipFamilies) && ipFamilies.length > 1) spec.ipFamilies = ipFamilies.slice(0, 1);
    return [];
  }
  const text = (what: string) => `must be 'SingleStack' to release the secondary ${what}`;
  return [
    ...(isReduced(clusterIPs, before.clusterIPs) ? [fieldErrors.invalid(POLICY, policy, text('cluster IP'))] : []),
    ...(isReduced(ipFamilies, before.ipFamilies) ? [fieldErrors.invalid(POLICY, policy, text('IP family'))] : []),
  ];
}
