import { describe, expect, it } from 'vitest';
import { isKwokRecording, parseKwokRecording } from '../../../src/cli/trace/kwok.ts';

const recording = `
apiVersion: v1
kind: Pod
metadata: { name: before, namespace: default, creationTimestamp: "$(time-offset-nanosecond -60000000000)" }
spec: { nodeName: node-0, containers: [{ name: c, image: busybox }] }
status: { phase: Running }
---
apiVersion: v1
kind: Node
metadata: { name: node-0, uid: "1" }
status: { capacity: { cpu: "4" }, nodeInfo: { kubeletVersion: x } }
---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
method: create
durationNanosecond: 1500000000
resource: { group: apps, version: v1, resource: deployments }
target: { name: web, namespace: default }
template:
  apiVersion: apps/v1
  kind: Deployment
  metadata: { name: web, namespace: default, uid: "7", annotations: { example.com/since: "$(time-offset-nanosecond 1000000000)" } }
  spec: { replicas: 1 }
  status: { replicas: 1 }
---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
method: create
durationNanosecond: 1600000000
resource: { version: v1, resource: pods }
target: { name: web-1, namespace: default }
template:
  kind: Pod
  metadata: { name: web-1, namespace: default, ownerReferences: [{ apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: "8", controller: true }] }
  spec: { containers: [] }
---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
method: patch
durationNanosecond: 1700000000
resource: { version: v1, resource: pods }
target: { name: web-1, namespace: default }
template: { metadata: { labels: { a: b } } }
---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
method: patch
durationNanosecond: 1800000000
resource: { group: apps, version: v1, resource: deployments }
target: { name: web, namespace: default }
template: { metadata: { generation: 2, managedFields: null }, spec: { replicas: 3 }, status: { replicas: 3 } }
---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
method: patch
durationNanosecond: 1900000000
resource: { version: v1, resource: pods }
target: { name: before, namespace: default }
template: { status: { phase: Succeeded } }
---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
method: delete
durationNanosecond: 2000000000
resource: { version: v1, resource: pods }
target: { name: before, namespace: default }
`;

describe('a recording of kwok', () => {
  const nowMs = Date.UTC(2026, 0, 1);

  it('becomes the requests of its users, the objects of the beginning in the order of their kinds', () => {
    const events = parseKwokRecording(recording, { nowMs });
    expect(events.map(({ atMs, verb, resource, name }) => [atMs, verb, resource, name])).toEqual([
      [0, 'create', 'nodes', 'node-0'],
      [0, 'create', 'pods', 'before'],
      [1500, 'create', 'deployments', 'web'],
      [1800, 'patch', 'deployments', 'web'],
      [2000, 'delete', 'pods', 'before'],
    ]);
    expect(events[0]?.object).toMatchObject({ kind: 'Node', status: { capacity: { cpu: '4' } } });
    expect(events[1]?.object).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'before', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'busybox' }] },
    });
    expect(events[2]).toMatchObject({
      group: 'apps',
      namespace: 'default',
      object: { metadata: { annotations: { 'example.com/since': '2026-01-01T00:00:01.000Z' } } },
    });
    expect(events[2]?.object).not.toHaveProperty('status');
    expect(events[3]).toMatchObject({ patchType: 'strategic', patch: { spec: { replicas: 3 } } });
    expect(events[3]?.patch).toEqual({ spec: { replicas: 3 } });
  });

  it('keeps what controllers made when asked to', () => {
    const names = parseKwokRecording(recording, { nowMs, owned: true }).map(({ verb, name }) => `${verb} ${name}`);
    expect(names).toEqual(expect.arrayContaining(['create web-1', 'patch web-1']));
  });

  it('is told from a trace by its first character', () => {
    expect(isKwokRecording(recording)).toBe(true);
    expect(isKwokRecording('{"kind":"Trace"}')).toBe(false);
  });

  it('is refused with the document when it is none', () => {
    const patch = (text: string) => () =>
      parseKwokRecording(`apiVersion: action.kwok.x-k8s.io/v1alpha1\nkind: ResourcePatch\n${text}`, { nowMs });
    expect(patch('method: create')).toThrow(/document 1: a ResourcePatch needs/);
    const about = 'resource: { version: v1, resource: pods }\ntarget: { name: x }\n';
    expect(patch(`${about}method: sing`)).toThrow(/method must be create, patch or delete, not "sing"/);
    expect(() => parseKwokRecording('kind: Gadget\napiVersion: v1\nmetadata: {}', { nowMs })).toThrow(/Gadget of v1/);
    expect(() => parseKwokRecording('a: [', { nowMs })).toThrow(/document 1/);
  });
});
