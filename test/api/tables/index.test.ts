import { describe, expect, it } from 'vitest';
import { type ApiObject, createKindRegistry } from '../../../src/api/kinds/index.ts';
import { defaultTable, fieldDoc, tableOfKind } from '../../../src/api/tables/index.ts';

const registry = createKindRegistry();
const nowMs = Date.parse('2026-01-01T01:00:00Z');

function tableFor(group: string, version: string, plural: string) {
  return tableOfKind(registry.byResource(group, version, plural)!);
}

function cells(group: string, plural: string, object: Record<string, unknown>): unknown[] {
  const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:55:00Z', ...(object.metadata as object) };
  return tableFor(group, 'v1', plural).row({ apiVersion: 'v1', kind: '', ...object, metadata } as ApiObject, { nowMs });
}

describe('tables of all kinds', () => {
  it('have as many cells as columns, even for an object that says nothing', () => {
    for (const kind of registry.all()) {
      const table = tableOfKind(kind);
      const object = { apiVersion: '', kind: kind.kind, metadata: { name: 'x' } };
      // Upstream's rows of these end with an age that has no column.
      const surplus = kind.kind === 'IPAddress' ? 1 : 0;
      expect(table.row(object, { nowMs }), kind.definition).toHaveLength(table.columns.length + surplus);
    }
  });

  it('describe every column, except one that upstream leaves empty', () => {
    for (const kind of registry.all()) {
      for (const column of tableOfKind(kind).columns) {
        if (kind.kind === 'RuntimeClass' && column.name === 'Handler') continue;
        expect(column.description, `${kind.definition} ${column.name}`).not.toBe('');
      }
    }
  });

  it('look descriptions up without the list of values', () => {
    expect(fieldDoc('io.k8s.api.core.v1.PodSpec', 'dnsPolicy')).not.toContain('Possible enum values');
    expect(fieldDoc('io.k8s.api.core.v1.PodSpec', 'nothing')).toBe('');
    expect(fieldDoc('no.such.definition', 'name')).toBe('');
  });

  it('show name and creation time of kinds without a table', () => {
    expect(tableFor('', 'v1', 'limitranges')).toBe(defaultTable);
    expect(cells('', 'limitranges', {})).toEqual(['x', '2026-01-01T00:55:00Z']);
  });
});

describe('rows', () => {
  it('of services show addresses and ports by type', () => {
    const ports = [
      { port: 80, protocol: 'TCP', nodePort: 30777 },
      { port: 53, protocol: 'UDP' },
    ];
    const spec = { type: 'NodePort', clusterIPs: ['10.96.0.9'], ports, selector: { b: '2', a: '1' } };
    expect(cells('', 'services', { spec })).toEqual([
      'x',
      'NodePort',
      '10.96.0.9',
      '<none>',
      '80:30777/TCP,53/UDP',
      '5m',
      'a=1,b=2',
    ]);
    const balancer = { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'] };
    expect(cells('', 'services', { spec: balancer })[3]).toBe('<pending>');
    const status = { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }, { ip: '5.6.7.8' }] } };
    expect(cells('', 'services', { spec: { ...balancer, externalIPs: ['9.9.9.9'] }, status })[3]).toBe(
      '5.6.7.8,lb.example.com,9.9.9.9',
    );
    expect(
      cells('', 'services', { spec: { type: 'ExternalName', externalName: 'e.example.com' } }).slice(1, 5),
    ).toEqual(['ExternalName', '<none>', 'e.example.com', '<none>']);
  });

  it('of nodes show status, roles and addresses', () => {
    const node = {
      metadata: { labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'edge', other: 'x' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'False' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.36.2', osImage: 'Linux' },
      },
    };
    expect(cells('', 'nodes', node)).toEqual([
      'x',
      'NotReady,SchedulingDisabled',
      'edge,worker',
      '5m',
      'v1.36.2',
      '10.0.0.1',
      '<none>',
      'Linux',
      '<unknown>',
      '<unknown>',
    ]);
    expect(cells('', 'nodes', {}).slice(1, 3)).toEqual(['Unknown', '<none>']);
  });

  it('of deployments show replicas and the selector', () => {
    const spec = {
      replicas: 3,
      selector: { matchLabels: { app: 'x' }, matchExpressions: [{ key: 't', operator: 'In', values: ['b', 'a'] }] },
      template: {
        spec: {
          containers: [
            { name: 'c', image: 'i' },
            { name: 'd', image: 'j' },
          ],
        },
      },
    };
    const status = { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 };
    expect(cells('apps', 'deployments', { spec, status })).toEqual([
      'x',
      '1/3',
      2,
      1,
      '5m',
      'c,d',
      'i,j',
      'app=x,t in (a,b)',
    ]);
  });

  it('of jobs show how they stand', () => {
    const spec = { completions: 3 };
    const job = (status: object, more: object = {}) => cells('batch', 'jobs', { spec, status, ...more }).slice(1, 4);
    expect(job({ startTime: '2026-01-01T00:59:00Z', succeeded: 1 })).toEqual(['Running', '1/3', '60s']);
    expect(job({ conditions: [{ type: 'Failed', status: 'True' }] })).toEqual(['Failed', '0/3', '']);
    expect(job({ conditions: [{ type: 'Suspended', status: 'True' }] })[0]).toBe('Suspended');
    expect(job({}, { metadata: { deletionTimestamp: '2026-01-01T00:59:00Z' } })[0]).toBe('Terminating');
    expect(cells('batch', 'jobs', { spec: { parallelism: 2 }, status: {} })[2]).toBe('0/1 of 2');
  });

  it('of events show when and about what', () => {
    const event = {
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec' },
      eventTime: '2026-01-01T00:50:00.000000Z',
      reportingComponent: 'c',
      reportingInstance: 'i',
      message: ' hello\n',
      type: 'Normal',
      reason: 'r',
      series: { count: 4, lastObservedTime: '2026-01-01T00:58:00.000000Z' },
    };
    expect(cells('', 'events', event)).toEqual(['2m', 'Normal', 'r', 'pod/p', 'spec', 'c, i', 'hello', '10m', 4, 'x']);
    const old = { involvedObject: { kind: 'Pod' }, firstTimestamp: '2026-01-01T00:50:00Z', source: { component: 'k' } };
    expect(cells('', 'events', old)).toEqual(['10m', '', '', 'pod', '', 'k', '', '10m', 1, 'x']);
  });

  it('of claims show capacity only when bound', () => {
    const claim = {
      spec: { volumeName: 'pv', storageClassName: 'fast', volumeMode: 'Filesystem' },
      status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
    };
    expect(cells('', 'persistentvolumeclaims', claim)).toEqual([
      'x',
      'Bound',
      'pv',
      '1Gi',
      'RWO,RWX',
      'fast',
      '<unset>',
      '5m',
      'Filesystem',
    ]);
    expect(cells('', 'persistentvolumeclaims', { status: { phase: 'Pending' } }).slice(1, 6)).toEqual([
      'Pending',
      '',
      '',
      '',
      '',
    ]);
  });

  it('of endpoints name three and count the rest', () => {
    const addresses = [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }];
    const subsets = [{ addresses, ports: [{ port: 80 }, { port: 81 }] }];
    expect(cells('', 'endpoints', { subsets })[1]).toBe('10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...');
    expect(cells('', 'endpoints', { subsets: [{ addresses: [{ ip: 'fd00::1' }], ports: [{ port: 80 }] }] })[1]).toBe(
      '[fd00::1]:80',
    );
    expect(cells('', 'endpoints', {})[1]).toBe('<none>');
    const slice = {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2', '10.0.0.3', '10.0.0.4'] }],
      ports: [{ port: 80 }, { name: 'x' }, {}],
    };
    expect(cells('discovery.k8s.io', 'endpointslices', slice).slice(1, 4)).toEqual([
      'IPv4',
      '80,x,*',
      '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...',
    ]);
    expect(cells('discovery.k8s.io', 'endpointslices', {}).slice(2, 4)).toEqual(['<unset>', '<unset>']);
  });

  it('of autoscalers pair current values with targets', () => {
    const table = tableFor('autoscaling', 'v2', 'horizontalpodautoscalers');
    const object = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x' },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'd' },
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
          {
            type: 'External',
            external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '5' } },
          },
          { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } } },
        ],
      },
      status: { currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7 } } }] },
    };
    expect(table.row(object, { nowMs })).toEqual([
      'x',
      'Deployment/d',
      'cpu: 7%/80%, <unknown>/5 (avg) + 1 more...',
      '<unset>',
      3,
      0,
      '<unknown>',
    ]);
  });

  it('of flow schemas come in the order in which they are tried', () => {
    const { compare } = tableFor('flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas');
    const schema = (name: string, matchingPrecedence: number) =>
      ({ metadata: { name }, spec: { matchingPrecedence } }) as unknown as ApiObject;
    const sorted = [schema('b', 500), schema('c', 1), schema('a', 500)].sort(compare);
    expect(sorted.map(({ metadata }) => metadata.name)).toEqual(['c', 'a', 'b']);
  });

  it('of bindings list subjects by kind', () => {
    const binding = {
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's', namespace: 'd' },
        { kind: 'User', name: 'v' },
      ],
    };
    expect(cells('rbac.authorization.k8s.io', 'rolebindings', binding)).toEqual([
      'x',
      'ClusterRole/view',
      '5m',
      'u, v',
      '',
      'd/s',
    ]);
  });

  it('of certificate requests sum their conditions up', () => {
    const request = {
      spec: { signerName: 's', username: 'u', expirationSeconds: 3600 },
      status: { conditions: [{ type: 'Approved' }], certificate: 'QQ==' },
    };
    expect(cells('certificates.k8s.io', 'certificatesigningrequests', request)).toEqual([
      'x',
      '5m',
      's',
      'u',
      '60m',
      'Approved,Issued',
    ]);
  });
});
