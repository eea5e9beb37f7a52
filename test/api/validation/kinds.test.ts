import { describe, expect, it } from 'vitest';
import { builtinKinds } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { type Body, errorsOf } from './context.ts';

const cases: readonly (readonly [what: string, definition: string, body: Body, errors: readonly string[]])[] = [
  [
    'a key that cannot name a file',
    'core.v1.ConfigMap',
    { data: { '..': 'x' } },
    [`data[..]: Invalid value: "..": must not be '..'`],
  ],
  [
    'a TLS secret without its key',
    'core.v1.Secret',
    { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
    ['data[tls.key]: Required value'],
  ],
  [
    'a taint twice',
    'core.v1.Node',
    {
      spec: {
        taints: [
          { key: 'k', effect: 'NoSchedule' },
          { key: 'k', effect: 'NoSchedule' },
        ],
      },
    },
    [
      'metadata.taints[1]: Duplicate value: {"Key":"k","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    ],
  ],
  [
    'a minimum above the maximum',
    'core.v1.LimitRange',
    { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
    ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
  ],
  [
    'a scope that fits no services',
    'core.v1.ResourceQuota',
    { spec: { hard: { services: '1' }, scopes: ['BestEffort'] } },
    ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
  ],
  [
    'a claim without size',
    'core.v1.PersistentVolumeClaim',
    { spec: { accessModes: ['ReadWriteOnce'] } },
    ['spec.resources[storage]: Required value'],
  ],
  [
    'a budget with both bounds',
    'policy.v1.PodDisruptionBudget',
    { spec: { minAvailable: 1, maxUnavailable: 1 } },
    [
      'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
    ],
  ],
  [
    'a rule without resources',
    'rbac.v1.Role',
    { rules: [{ verbs: ['get'], apiGroups: [''] }] },
    ['rules[0].resources: Required value: resource rules must supply at least one resource'],
  ],
  [
    'a relative path',
    'networking.v1.Ingress',
    {
      spec: {
        rules: [
          {
            http: {
              paths: [{ path: 'x', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }],
            },
          },
        ],
      },
    },
    ['spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'],
  ],
  [
    'an exception outside its block',
    'networking.v1.NetworkPolicy',
    { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }] }] } },
    ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
  ],
  [
    'a lease of no time',
    'coordination.v1.Lease',
    { spec: { leaseDurationSeconds: 0 } },
    ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
  ],
  [
    'an address of the wrong family',
    'discovery.v1.EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['::2'] }], ports: null },
    ['endpoints[0].addresses[0]: Invalid value: "::2": must be an IPv4 address'],
  ],
];

describe('validation of kinds', () => {
  for (const [what, definition, body, errors] of cases) {
    it(`refuses ${what}`, () => {
      expect(errorsOf(definition, body)).toEqual(errors);
    });
  }

  it('knows each of its definitions in the list of kinds', () => {
    const known = builtinKinds.filter(({ definition }) => validationOf(definition) !== undefined);
    expect(known.length).toBeGreaterThan(35);
    for (const { definition, strategy } of known) {
      const validation = validationOf(definition)!;
      if (validation.validate) expect(strategy?.validate, definition).toBe(validation.validate);
    }
  });

  it('freezes what is marked immutable', () => {
    expect(
      errorsOf('core.v1.ConfigMap', { immutable: true, data: { a: '2' } }, { immutable: true, data: { a: '1' } }),
    ).toEqual(['data: Forbidden: field is immutable when `immutable` is set']);
  });

  it('keeps the role that a binding refers to', () => {
    const binding = (name: string): Body => ({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    });
    expect(errorsOf('rbac.v1.RoleBinding', binding('b'), binding('a'))).toEqual([
      'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"b"}: cannot change roleRef',
    ]);
  });

  it('keeps the address of a service', () => {
    const service = (address: string): Body => ({
      spec: {
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        clusterIP: address,
        clusterIPs: [address],
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      },
    });
    expect(errorsOf('core.v1.Service', service('10.96.0.8'), service('10.96.0.9'))).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set',
    ]);
    expect(errorsOf('core.v1.Service', service('10.96.0.9'), service('10.96.0.9'))).toEqual([]);
  });
});

describe('events', () => {
  const event = { metadata: { name: 'e', namespace: 'n' }, involvedObject: { kind: 'Pod', namespace: 'n' } };

  it('are held to less by the core group than by their own', () => {
    const reported = { ...event, eventTime: '2026-01-01T00:00:00.000000Z' };
    expect(errorsOf('core.v1.Event', { ...event, involvedObject: { namespace: 'm' } })).toEqual([
      'involvedObject.namespace: Invalid value: "m": does not match event.namespace',
    ]);
    expect(errorsOf('core.v1.Event', reported)[0]).toBe('reportingComponent: Required value');
    const strict = errorsOf('core.v1.Event', { ...reported, type: 'X', count: 2 }, undefined, {
      requestGroup: 'events.k8s.io',
    });
    expect(strict[0]).toBe('reportingController: Required value');
    expect(strict.slice(-2)).toEqual([
      'type: Invalid value: "": has invalid value: X',
      'count: Invalid value: "": needs to be unset',
    ]);
  });

  it('keep what they said', () => {
    const before = { ...event, reason: 'A', type: 'Normal' };
    const after = { ...before, involvedObject: { ...event.involvedObject, name: 'x' }, reason: 'B' };
    expect(errorsOf('core.v1.Event', after, before, { requestGroup: 'events.k8s.io' })).toEqual([
      'involvedObject: Invalid value: {"Kind":"Pod","Namespace":"n","Name":"x","UID":"","APIVersion":"","ResourceVersion":"","FieldPath":""}: field is immutable',
      'reason: Invalid value: "B": field is immutable',
      'reason: Invalid value: "B": field is immutable',
    ]);
    expect(errorsOf('core.v1.Event', after, before)).toEqual([]);
  });
});
