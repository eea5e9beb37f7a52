import { describe, expect, it } from 'vitest';
import { created, kindOf, updated, warningsOf } from '../fixtures.ts';

const policies = kindOf('networking.k8s.io', 'networkpolicies');
const slices = kindOf('discovery.k8s.io', 'endpointslices');

describe('network policies', () => {
  it('speak of ingress always, of egress only when they have rules for it', () => {
    const podSelector = {};
    expect(created(policies, { spec: { podSelector } }).spec).toMatchObject({ policyTypes: ['Ingress'] });
    const egress = [{ ports: [{ port: 53 }] }];
    expect(created(policies, { spec: { podSelector, egress } }).spec).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
    });
    expect(created(policies, { spec: { podSelector, policyTypes: ['Egress'] } }).spec).toMatchObject({
      policyTypes: ['Egress'],
    });
  });

  it('warn of ranges with bits beyond the prefix', () => {
    const ingress = [{ from: [{ ipBlock: { cidr: '10.0.0.1/24', except: ['10.0.0.0/25', '2001:DB8::/32'] } }] }];
    expect(warningsOf(policies, { spec: { podSelector: {}, ingress } })).toEqual([
      'spec.ingress[0].from[0].ipBlock.cidr: CIDR value "10.0.0.1/24" is ambiguous in this context (should be "10.0.0.0/24" or "10.0.0.1/32"?)',
      'spec.ingress[0].from[0].ipBlock.except[1]: IPv6 CIDR value "2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32")',
    ]);
  });
});

describe('endpoint slices', () => {
  const fields = { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] };

  it('name their ports, if only with an empty name', () => {
    expect(created(slices, fields)).toMatchObject({
      metadata: { generation: 1 },
      endpoints: [{ conditions: {} }],
      ports: [{ name: '', protocol: 'TCP', port: 80 }],
    });
  });

  it('count changes of labels too', () => {
    expect(updated(slices, fields, fields).metadata['generation']).toBe(1);
    expect(updated(slices, fields, { ...fields, metadata: { annotations: { a: 'b' } } }).metadata['generation']).toBe(
      1,
    );
    expect(updated(slices, fields, { ...fields, metadata: { labels: { a: 'b' } } }).metadata['generation']).toBe(2);
    expect(updated(slices, fields, { ...fields, endpoints: [] }).metadata['generation']).toBe(2);
  });
});

describe('ingresses', () => {
  it('warn of the annotation that a field replaced', () => {
    const annotations = { 'kubernetes.io/ingress.class': 'nginx' };
    expect(warningsOf(kindOf('networking.k8s.io', 'ingresses'), { metadata: { annotations } })).toEqual([
      `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
    ]);
  });
});
