import { describe, expect, it } from 'vitest';
import { isMade, mergePatchBetween, shapeOf } from '../../../src/cli/trace/shape.ts';

describe('the shape of an object', () => {
  it('leaves out what the cluster filled in', () => {
    const pod = {
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'u',
        resourceVersion: '7',
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: { app: 'web' },
      },
      spec: { nodeName: 'node-1', priority: 0, containers: [{ name: 'c', image: 'nginx' }] },
      status: { phase: 'Running' },
    };
    expect(shapeOf(pod as never, 'v1', 'Pod')).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'nginx' }] },
    });
  });

  it('keeps what is on a node, but neither heartbeats nor taints that tell its condition', () => {
    const node = (time: string) => ({
      metadata: { name: 'n' },
      spec: {
        podCIDR: '10.0.0.0/24',
        taints: [
          { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
          { key: 'gpu', effect: 'NoSchedule' },
        ],
      },
      status: {
        capacity: { cpu: '4' },
        conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: time }],
        nodeInfo: { kubeletVersion: 'v1' },
      },
    });
    const first = shapeOf(node('2026-01-01T00:00:00Z') as never, 'v1', 'Node');
    expect(first).toMatchObject({ spec: { taints: [{ key: 'gpu' }] }, status: { capacity: { cpu: '4' } } });
    expect(first).not.toHaveProperty('status.nodeInfo');
    expect(mergePatchBetween(first, shapeOf(node('2026-01-01T00:01:00Z') as never, 'v1', 'Node'))).toBeUndefined();
  });

  it('lets a Service and a Job be created anew', () => {
    const service = {
      metadata: { name: 's' },
      spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ port: 80, nodePort: 30001 }] },
    };
    expect(shapeOf(service as never, 'v1', 'Service')['spec']).toEqual({ ports: [{ port: 80 }] });
    const headless = { metadata: { name: 's' }, spec: { clusterIP: 'None' } };
    expect(shapeOf(headless as never, 'v1', 'Service')['spec']).toEqual({ clusterIP: 'None' });
    const job = {
      metadata: { name: 'j', labels: { 'job-name': 'j' } },
      spec: {
        selector: { matchLabels: { 'controller-uid': 'u' } },
        template: { metadata: { labels: { 'controller-uid': 'u', app: 'x' } }, spec: { containers: [] } },
      },
    };
    expect(shapeOf(job as never, 'batch/v1', 'Job')['spec']).toEqual({
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [] } },
    });
  });
});

describe('a merge patch', () => {
  it('tells what came, changed and went, lists whole', () => {
    const before = { a: 1, b: { c: 1, d: 2 }, l: [1], gone: true };
    expect(mergePatchBetween(before, { a: 1, b: { c: 1, d: 3, e: 4 }, l: [1, 2] })).toEqual({
      gone: null,
      b: { d: 3, e: 4 },
      l: [1, 2],
    });
    expect(mergePatchBetween(before, before)).toBeUndefined();
    // The order of members means nothing.
    expect(mergePatchBetween({ l: [{ a: 1, b: 2 }] }, { l: [{ b: 2, a: 1 }] })).toBeUndefined();
  });
});

it('what a controller made is told from what users made', () => {
  const owner = (controller?: boolean) => ({ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'u', controller });
  expect(isMade({ metadata: { ownerReferences: [owner(true)] } } as never, 'Pod')).toBe(true);
  expect(isMade({ metadata: { ownerReferences: [owner()] } } as never, 'Pod')).toBe(false);
  expect(isMade({ metadata: { name: 'default' } }, 'ServiceAccount')).toBe(true);
  expect(isMade({ metadata: { name: 'default' } }, 'ConfigMap')).toBe(false);
});
