import { describe, expect, it } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { StatusWriter, statusPatch } from '../../src/node/status-writer.ts';
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

/** A running pod whose writer's API answers with the version alone; the test plays the watch. */
function writing(version: string) {
  const bench = new Bench();
  const patches: unknown[] = [];
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const client = {
    patch: async (...[, , , patch, options]: Parameters<Client['patch']>) => {
      patches.push([(patch as { status: { phase?: string } }).status.phase, options?.quiet]);
      await answered;
      return { metadata: { name: 'web', resourceVersion: version } };
    },
  } as unknown as Client;
  const silent = { begin: () => {}, end: () => {}, outside: <T>(work: T) => work };
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const writer = new StatusWriter({ client, clock: bench.clock, log, activity: silent });
  const worker = bench.run(boundPod());
  const turn = async (): Promise<void> => {
    await bench.clock.advance(0);
    for (let i = 0; i < 10; i++) await undefined;
  };
  return {
    worker,
    writer,
    patches,
    turn,
    async answer() {
      answer();
      await turn();
    },
    /** The watch tells that the pod has this version, with the status that the worker would write, or with another. */
    async tell(resourceVersion: string, status = worker.status()) {
      worker.pod = boundPod({}, { resourceVersion }, status);
      writer.seen(worker);
      await turn();
    },
  };
}

describe('a write of a running pod', () => {
  it.each(['before', 'after'])('is over when the watch tells of it %s the answer', async (when) => {
    const { worker, writer, patches, turn, answer, tell } = writing('2');
    writer.changed(worker);
    await turn();
    if (when === 'after') await answer();
    await tell('2', { phase: 'Pending' });
    if (when === 'before') await answer();
    // Nobody looks at the pod for the write's sake: what the watch told here would be written anew.
    expect(patches).toEqual([['Running', true]]);
    writer.changed(worker);
    await turn();
    expect(patches).toHaveLength(1);
  });

  it('keeps a change that came meanwhile until the watch tells of the write', async () => {
    const { worker, writer, patches, turn, answer, tell } = writing('2');
    writer.changed(worker);
    await turn();
    await answer();
    const running = worker.status();
    worker.failure = { reason: 'Evicted', message: 'text' };
    writer.changed(worker);
    await turn();
    expect(patches).toEqual([['Running', true]]);
    await tell('2', running);
    expect(patches).toEqual([
      ['Running', true],
      ['Failed', true],
    ]);
  });

  it('is followed by a look at what somebody else has written in between', async () => {
    const { worker, writer, patches, turn, answer, tell } = writing('3');
    writer.changed(worker);
    await turn();
    await tell('2', { phase: 'Pending' });
    await answer();
    expect(patches).toHaveLength(1);
    await tell('3', { ...worker.status(), phase: 'Unknown' });
    expect(patches).toEqual([
      ['Running', true],
      ['Running', true],
    ]);
  });

  it('is forgotten with its pod', async () => {
    const { worker, writer, patches, turn, answer } = writing('2');
    writer.changed(worker);
    await turn();
    await answer();
    writer.gone(worker);
    worker.pod = boundPod({}, { resourceVersion: '1' });
    writer.changed(worker);
    worker.lastPatch = undefined;
    await turn();
    expect(patches).toHaveLength(2);
  });
});
