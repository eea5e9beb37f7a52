import { describe, expect, it } from 'vitest';
import { type AddressSpec, type Family, settleFamilies } from '../../../../actors/apiserver/allocation/families.ts';

const single: readonly Family[] = ['IPv4'];
const dual: readonly Family[] = ['IPv4', 'IPv6'];

/** The families and the policy that come of it, or the refusals. */
function settled(configured: readonly Family[], given: AddressSpec, before?: AddressSpec) {
  const spec = structuredClone(given);
  const errors = settleFamilies(spec, before, configured);
  if (errors.length > 0) return errors.map(({ field, detail }) => `${field}: ${detail}`);
  return `${spec.ipFamilyPolicy} ${spec.ipFamilies} ${spec.clusterIPs ?? ''}`.trim();
}

describe('the families of a new Service', () => {
  it.each<[string, readonly Family[], AddressSpec, string | string[]]>([
    ['one that asks for nothing', single, {}, 'SingleStack IPv4'],
    ['in a cluster of both', dual, {}, 'SingleStack IPv4'],
    ['in a cluster of IPv6 first', ['IPv6', 'IPv4'], {}, 'SingleStack IPv6'],
    ['preferring two where there is one', single, { ipFamilyPolicy: 'PreferDualStack' }, 'PreferDualStack IPv4'],
    ['preferring two', dual, { ipFamilyPolicy: 'PreferDualStack' }, 'PreferDualStack IPv4,IPv6'],
    [
      'asking for IPv6 first',
      dual,
      { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] },
      'PreferDualStack IPv6,IPv4',
    ],
    [
      'with an address that tells its family',
      dual,
      { clusterIP: 'fd00::9', clusterIPs: ['fd00::9'] },
      'SingleStack IPv6 fd00::9',
    ],
    [
      'requiring two where there is one',
      single,
      { ipFamilyPolicy: 'RequireDualStack' },
      ['spec.ipFamilyPolicy: this cluster is not configured for dual-stack services'],
    ],
    [
      'of a family that is not there',
      single,
      { ipFamilies: ['IPv6'] },
      ['spec.ipFamilies[0]: not configured on this cluster'],
    ],
    [
      'with an address of a family that is not there',
      single,
      { clusterIP: 'fd00::9', clusterIPs: ['fd00::9'] },
      ['spec.clusterIPs[0]: IPv6 is not configured on this cluster'],
    ],
    [
      'with two families and no policy',
      dual,
      { ipFamilies: ['IPv4', 'IPv6'] },
      ["spec.ipFamilyPolicy: must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"],
    ],
    ['headless', dual, { clusterIP: 'None', clusterIPs: ['None'], selector: { a: 'b' } }, 'SingleStack IPv4 None'],
    [
      'headless without a selector, whatever the cluster is',
      single,
      { clusterIP: 'None', clusterIPs: ['None'] },
      'RequireDualStack IPv4,IPv6 None',
    ],
  ])('%s', (_, configured, spec, wanted) => {
    expect(settled(configured, spec)).toEqual(wanted);
  });
});

describe('the families of a Service that changes', () => {
  const both: AddressSpec = {
    ipFamilyPolicy: 'RequireDualStack',
    ipFamilies: ['IPv4', 'IPv6'],
    clusterIPs: ['10.96.0.9', 'fd00::9'],
  };
  const one: AddressSpec = { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.9'] };

  it.each<[string, AddressSpec, AddressSpec, string | string[]]>([
    ['takes the second', { ...one, ipFamilyPolicy: 'PreferDualStack' }, one, 'PreferDualStack IPv4,IPv6 10.96.0.9'],
    ['gives up the second', { ...both, ipFamilyPolicy: 'SingleStack' }, both, 'SingleStack IPv4 10.96.0.9'],
    [
      'does not lose the second by leaving it out',
      { ...both, clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'] },
      both,
      [
        "spec.ipFamilyPolicy: must be 'SingleStack' to release the secondary cluster IP",
        "spec.ipFamilyPolicy: must be 'SingleStack' to release the secondary IP family",
      ],
    ],
    [
      'keeps one that prefers two as it is',
      { ...one, ipFamilyPolicy: 'PreferDualStack' },
      { ...one, ipFamilyPolicy: 'PreferDualStack' },
      'PreferDualStack IPv4 10.96.0.9',
    ],
    [
      'keeps the policy that a PUT leaves out',
      { clusterIPs: both.clusterIPs as string[] },
      both,
      'RequireDualStack IPv4,IPv6 10.96.0.9,fd00::9',
    ],
  ])('%s', (_, spec, before, wanted) => {
    expect(settled(dual, spec, before)).toEqual(wanted);
  });
});
