import { describe, expect, it } from 'vitest';
import { prepareForSubresourceUpdate } from '../../../../src/api/kinds/index.ts';
import { context, created, kindOf, objectOf, updated, warningsOf } from '../fixtures.ts';

describe('namespaces', () => {
  const namespaces = kindOf('', 'namespaces');

  it('are active, carry their name as a label and the finalizer of their content', () => {
    expect(created(namespaces, { spec: { finalizers: ['example.com/f'] } })).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'x' } },
      spec: { finalizers: ['example.com/f', 'kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('keep their finalizers on update, and change them through finalize', () => {
    const changed = updated(namespaces, {}, { spec: { finalizers: [] } });
    expect(changed.spec).toEqual({ finalizers: ['kubernetes'] });
    const previous = created(namespaces, { metadata: { finalizers: ['a'] } });
    const next = objectOf(namespaces, { spec: {}, status: { phase: 'Terminating' } });
    prepareForSubresourceUpdate(namespaces, 'finalize', next, previous, context);
    expect(next).toMatchObject({ metadata: { finalizers: ['a'] }, spec: {}, status: { phase: 'Active' } });
    expect(namespaces.strategy!.hasFinalizers!(next)).toBe(false);
    expect(namespaces.strategy!.hasFinalizers!(previous)).toBe(true);
  });
});

describe('nodes', () => {
  const nodes = kindOf('', 'nodes');

  it('can give away all that they have, unless they say less', () => {
    const capacity = { cpu: '4', memory: '1u' };
    expect(created(nodes, { status: { capacity } }).status).toEqual({
      capacity: { cpu: '4', memory: '1m' },
      allocatable: { cpu: '4', memory: '1m' },
    });
    expect(created(nodes, { status: { capacity, allocatable: { cpu: '1' } } }).status).toMatchObject({
      allocatable: { cpu: '1' },
    });
  });

  it('name their pod ranges in both fields', () => {
    expect(created(nodes, { spec: { podCIDR: '10.0.0.0/24' } }).spec).toMatchObject({ podCIDRs: ['10.0.0.0/24'] });
    expect(created(nodes, { spec: { podCIDRs: ['10.0.0.0/24'] } }).spec).toMatchObject({ podCIDR: '10.0.0.0/24' });
  });
});

describe('secrets', () => {
  it('turn text into bytes', () => {
    expect(created(kindOf('', 'secrets'), { data: { a: 'QQ==', b: 'QQ==' }, stringData: { b: 'p' } })).toEqual(
      objectOf(kindOf('', 'secrets'), { type: 'Opaque', data: { a: 'QQ==', b: 'cA==' } }),
    );
  });
});

describe('service accounts', () => {
  it('refer to secrets by name alone', () => {
    const accounts = kindOf('', 'serviceaccounts');
    expect(created(accounts, { secrets: [{ name: 's', namespace: 'n', uid: 'u' }] })).toMatchObject({
      secrets: [{ name: 's' }],
    });
    const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
    expect(warningsOf(accounts, { metadata: { annotations } })).toHaveLength(1);
  });
});

describe('limit ranges', () => {
  it('derive defaults of containers from limits and minima', () => {
    const limits = [
      { type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } },
      { type: 'Pod', max: { cpu: '4' } },
    ];
    expect(created(kindOf('', 'limitranges'), { spec: { limits } }).spec).toEqual({
      limits: [
        { ...limits[0], default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Mi' } },
        { type: 'Pod', max: { cpu: '4' } },
      ],
    });
  });
});

describe('endpoints', () => {
  it('speak TCP unless told otherwise', () => {
    const subsets = [{ ports: [{ port: 80 }, { port: 53, protocol: 'UDP' }] }];
    expect(created(kindOf('', 'endpoints'), { subsets })['subsets']).toEqual([
      {
        ports: [
          { port: 80, protocol: 'TCP' },
          { port: 53, protocol: 'UDP' },
        ],
      },
    ]);
    expect(kindOf('', 'endpoints').deprecationWarning).toMatch(/^v1 Endpoints is deprecated in v1\.33\+/);
  });
});

describe('field labels', () => {
  it.each([
    ['nodes', 'spec.unschedulable', { spec: { unschedulable: true } }, 'true'],
    ['nodes', 'spec.unschedulable', {}, 'false'],
    ['namespaces', 'status.phase', { status: { phase: 'Active' } }, 'Active'],
    ['secrets', 'type', { type: 'Opaque' }, 'Opaque'],
    ['services', 'spec.type', { spec: { type: 'NodePort' } }, 'NodePort'],
    ['pods', 'status.podIP', { status: { podIPs: [{ ip: '10.0.0.1' }] } }, '10.0.0.1'],
    ['pods', 'spec.hostNetwork', {}, 'false'],
    ['events', 'source', { reportingComponent: 'c' }, 'c'],
    ['events', 'involvedObject.name', { involvedObject: { name: 'p' } }, 'p'],
  ])('of %s read %s', (plural, label, fields, value) => {
    const kind = kindOf('', plural);
    expect(kind.selectableFields![label]!(objectOf(kind, fields))).toBe(value);
  });
});
