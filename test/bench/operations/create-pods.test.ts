/** createPods in its steady state, against an API server and a scheduler. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPods } from '../../../bench/operations/create-pods.ts';
import type { Run } from '../../../bench/operations/types.ts';
import { PodTracker } from '../../../bench/pod-tracker.ts';
import { namespaces, nodes, pods } from '../../../src/client/resources.ts';
import { type SchedulingCluster, startSchedulingCluster } from '../../support/scheduling-cluster.ts';

const namespace = 'steady';

describe('createPods with steadyState', () => {
  let harness: SchedulingCluster;
  let tracker: PodTracker;
  let failures: unknown[];
  beforeEach(async () => {
    harness = await startSchedulingCluster();
    failures = [];
    tracker = new PodTracker(harness.cluster.client, (error) => failures.push(error));
    await harness.cluster.client.create(namespaces, { metadata: { name: namespace } });
  });
  afterEach(async () => {
    tracker.close();
    await harness.cluster.stop();
    expect(failures).toEqual([]);
  });

  /** Runs the operation until `isOver`; answers the uids of the pods in the order in which they were made. */
  async function steady(count: number, isOver: () => boolean): Promise<string[]> {
    const { client, actors } = harness.cluster;
    const made: string[] = [];
    const run: Run = {
      client,
      clock: { ...harness.cluster.clock, sleep: () => tracker.until(isOver) },
      random: actors.random,
      tracker,
      objects: () => () => ({}),
      defaultPodTemplatePath: undefined,
      declaredFeatures: [],
      ensureNamespace: async () => undefined,
      startMeasuring: async () => undefined,
      stopMeasuring: async () => undefined,
      inBackground: () => undefined,
      nodesCreated: async () => undefined,
      note: () => undefined,
      async createPod(pod) {
        const created = await client.create(pods, pod);
        made.push(created.metadata?.uid ?? '');
        return created;
      },
    };
    await createPods.run({ count, namespace, steadyState: true, duration: '10s' }, run, 0);
    return made;
  }

  const addNode = () =>
    harness.cluster.client.create(nodes, {
      metadata: { name: 'n1' },
      status: {
        allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });

  it('makes as many new pods each time all are bound, takes the former ones away, and leaves the last', async () => {
    await addNode();
    const made = await steady(3, () => tracker.everBoundCount(namespace) >= 9);
    // Whether a round more was begun depends on which heard first of the ninth pod: the clock, or the operation.
    expect([9, 12]).toContain(made.length);
    await tracker.until(() => tracker.count(namespace) === 3 && tracker.boundCount(namespace) === 3);
    expect([...tracker.pods(namespace)].map(({ uid }) => uid).sort()).toEqual(made.slice(-3).sort());
    expect(tracker.everBoundCount(namespace)).toBe(made.length);
  });

  it('fails when no pod at all was bound in time', async () => {
    await expect(steady(2, () => tracker.count(namespace) === 2)).rejects.toThrow('no pod at all was bound within 10s');
  });
});
