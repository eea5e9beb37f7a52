import { describe, expect, it } from 'vitest';
import type { Service, ServiceSpec } from '../../../../src/api/generated/types.ts';
import {
  type ApiObject,
  createKindRegistry,
  prepareForUpdate,
  type StrategyContext,
} from '../../../../src/api/kinds/index.ts';

const kind = createKindRegistry().byResource('', 'v1', 'services')!;
const strategy = kind.strategy!;
const context = { now: '', nowMs: 0, uuid: () => '', suffix: () => '', dryRun: false } satisfies StrategyContext;

const service = (spec: object): ApiObject & Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's' },
  spec: spec as ServiceSpec,
});

function defaulted(spec: object): ServiceSpec {
  const object = service(structuredClone(spec));
  strategy.defaults!(object);
  return object.spec!;
}

function updated(previous: object, next: object): ServiceSpec {
  const before = service(defaulted(previous));
  const after = service(defaulted(next));
  prepareForUpdate(kind, after, before, context);
  return after.spec!;
}

describe('defaults of services', () => {
  it('complete a minimal one', () => {
    expect(defaulted({ ports: [{ port: 80 }] })).toEqual({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
  });

  it('depend on the type', () => {
    expect(defaulted({ type: 'LoadBalancer' })).toMatchObject({
      externalTrafficPolicy: 'Cluster',
      allocateLoadBalancerNodePorts: true,
    });
    expect(defaulted({ type: 'ExternalName', externalName: 'x' })).toEqual({
      type: 'ExternalName',
      externalName: 'x',
      sessionAffinity: 'None',
    });
    expect(defaulted({ externalIPs: ['1.2.3.4'] }).externalTrafficPolicy).toBe('Cluster');
  });

  it('give client affinity three hours', () => {
    expect(defaulted({ sessionAffinity: 'ClientIP' }).sessionAffinityConfig).toEqual({
      clientIP: { timeoutSeconds: 10800 },
    });
  });
});

describe('updates of services', () => {
  const allocated = {
    type: 'NodePort',
    clusterIP: '10.96.0.9',
    clusterIPs: ['10.96.0.9'],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    ports: [{ port: 80, nodePort: 30001 }],
  };

  it('keep what was allocated and is left out', () => {
    const spec = updated(allocated, { type: 'NodePort', ports: [{ port: 80 }, { port: 81 }] });
    expect(spec.clusterIP).toBe('10.96.0.9');
    expect(spec.clusterIPs).toEqual(['10.96.0.9']);
    expect(spec.ports!.map(({ nodePort }) => nodePort)).toEqual([30001, undefined]);
  });

  it('do not give one node port to two ports', () => {
    const spec = updated(allocated, { type: 'NodePort', ports: [{ port: 80 }, { port: 81, nodePort: 30001 }] });
    expect(spec.ports!.map(({ nodePort }) => nodePort)).toEqual([undefined, 30001]);
  });

  it('drop node ports that a new type has no use for', () => {
    const spec = updated(allocated, { ...allocated, type: 'ClusterIP' });
    expect(spec.ports).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }]);
    expect(spec.externalTrafficPolicy).toBeUndefined();
    expect(spec.clusterIP).toBe('10.96.0.9');
  });

  it('drop addresses when a service becomes a name', () => {
    const spec = updated(allocated, { ...allocated, type: 'ExternalName', externalName: 'x' });
    expect(spec).toEqual({
      type: 'ExternalName',
      externalName: 'x',
      sessionAffinity: 'None',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
  });

  it('follow the singular address when only that changed', () => {
    expect(updated(allocated, { ...allocated, clusterIP: '10.96.0.10' }).clusterIPs).toEqual(['10.96.0.10']);
  });
});

describe('warnings for services', () => {
  const warnings = (spec: object) => strategy.warnings!(service(defaulted(spec)), undefined);

  it('name deprecated and ignored fields', () => {
    expect(warnings({ trafficDistribution: 'PreferClose', externalName: 'x' })).toEqual([
      'spec.externalName is ignored when spec.type is not "ExternalName"',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ]);
    expect(warnings({ clusterIP: 'None', sessionAffinity: 'ClientIP' })).toEqual([
      'spec.SessionAffinity is ignored for headless services',
    ]);
  });

  it('name addresses in an odd form', () => {
    expect(warnings({ externalIPs: ['010.0.0.1', '2001:DB8::0:1', '1.2.3.4'] })).toEqual([
      'spec.externalIPs[0]: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      'spec.externalIPs[1]: IPv6 address "2001:DB8::0:1" should be in RFC 5952 canonical format ("2001:db8::1")',
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    ]);
  });
});
