import { describe, expect, it } from 'vitest';
import { statusPatch } from '../../src/node/status-writer.ts';
import { Bench, boundPod } from './fixtures.ts';

describe('the patch of a status', () => {
  it('carries all fields and the UID the first time, and nothing once the API has them', () => {
    const bench = new Bench();
    const pod = boundPod({}, {}, { phase: 'Pending', qosClass: 'BestEffort' });
    const worker = bench.run(pod);
    const patch = statusPatch(pod, worker.status()) as { metadata: { uid: string }; status: Record<string, unknown> };
    expect(patch.metadata).toEqual({ uid: 'uid-web' });
    expect(Object.keys(patch.status).sort()).toEqual([
      '$setElementOrder/conditions',
      'conditions',
      'containerStatuses',
      'hostIP',
      'hostIPs',
      'observedGeneration',
      'phase',
      'podIP',
      'podIPs',
      'startTime',
    ]);
    const known = boundPod({}, {}, { ...worker.status(), qosClass: 'BestEffort' });
    expect(statusPatch(known, worker.status())).toBeUndefined();
  });

  it('leaves conditions of others alone and keeps their place after its own', () => {
    const bench = new Bench();
    const gate = { type: 'example.com/gate', status: 'True' };
    const pod = boundPod(
      {},
      {},
      { phase: 'Pending', conditions: [gate, { type: 'PodScheduled', status: 'True', observedGeneration: 1 }] },
    );
    const patch = statusPatch(pod, bench.run(pod).status()) as {
      status: { conditions: { type: string }[] } & Record<string, unknown>;
    };
    expect(patch.status.conditions.map(({ type }) => type)).toEqual([
      'PodReadyToStartContainers',
      'Initialized',
      'Ready',
      'ContainersReady',
    ]);
    expect(patch.status['$setElementOrder/conditions']).toEqual(
      ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled', 'example.com/gate'].map(
        (type) => ({ type }),
      ),
    );
  });

  it('removes the reason and message of a condition that has none any more', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod());
    const status = worker.status();
    const conditions = status.conditions?.map((one) =>
      one.type === 'Ready' ? { ...one, status: 'False', reason: 'ContainersNotReady', message: 'text' } : one,
    );
    const patch = statusPatch(boundPod({}, {}, { ...status, conditions }), status) as {
      status: { conditions: unknown[] };
    };
    expect(patch.status.conditions).toEqual([
      expect.objectContaining({ type: 'Ready', status: 'True', reason: null, message: null }),
    ]);
  });

  it('removes a field that is no more', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod());
    const known = boundPod({}, {}, { ...worker.status(), reason: 'Old' });
    expect(statusPatch(known, worker.status())).toEqual({ metadata: { uid: 'uid-web' }, status: { reason: null } });
  });
});
