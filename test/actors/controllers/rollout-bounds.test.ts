import { Subscription } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { deployments, pods } from '../../../src/client/index.ts';
import { isPodReady } from '../../../src/controller/index.ts';
import { startCluster } from './cluster.ts';
import { disturbing } from './contract.ts';

const namespace = 'default';
const labels = { app: 'web' };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image }] } });

interface Bounds {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/**
 * Rolls a Deployment out while every change of a pod is followed in the order of the store's revisions, and answers the most pods
 * that there were at any revision and the fewest that were available.
 */
async function rollOut({ replicas, maxSurge, maxUnavailable }: Bounds, seed: number, disturbed: boolean) {
  const cluster = await startCluster(['deployment-controller', 'replicaset-controller'], {}, { seed });
  const { client, system } = cluster;
  const subscription = new Subscription();
  try {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
    const spec = { replicas, selector: { matchLabels: labels }, template: template('web:1'), strategy };
    await client.create(deployments, { metadata: { name: 'web', namespace }, spec });
    await system.settled();
    await cluster.runPods(namespace);
    if (disturbed) system.intercept(disturbing(seed));
    const alive = new Map<string, boolean>();
    const most = { pods: 0, available: Number.POSITIVE_INFINITY };
    const { items, resourceVersion } = await client.list(pods, { namespace });
    for (const pod of items) alive.set(pod.metadata?.uid ?? '', isPodReady(pod));
    let revisions = 0;
    subscription.add(
      client.watch(pods, { namespace, resourceVersion }).subscribe((event) => {
        if (event.type === 'BOOKMARK') return;
        const { metadata } = event.object;
        const gone = event.type === 'DELETED' || metadata?.deletionTimestamp !== undefined;
        if (gone) alive.delete(metadata?.uid ?? '');
        else alive.set(metadata?.uid ?? '', isPodReady(event.object));
        revisions++;
        most.pods = Math.max(most.pods, alive.size);
        most.available = Math.min(most.available, [...alive.values()].filter(Boolean).length);
      }),
    );
    await client.patch(deployments, { namespace, name: 'web' }, 'merge', { spec: { template: template('web:2') } });
    for (let round = 0; round < 4 * replicas; round++) {
      await system.settled();
      // Only some of the new pods become ready in each round: the middle of a rollout is what matters.
      let budget = 1 + (round % 3);
      await cluster.runPods(namespace, () => budget-- > 0);
      await cluster.finishDeletions(namespace);
      const { status } = await client.get(deployments, { namespace, name: 'web' });
      if (status?.updatedReplicas === replicas && status.availableReplicas === replicas) break;
    }
    await system.settled();
    const { status } = await client.get(deployments, { namespace, name: 'web' });
    return { most, revisions, updated: status?.updatedReplicas };
  } finally {
    subscription.unsubscribe();
    await cluster.stop();
  }
}

describe('a rolling update', () => {
  const cases: readonly Bounds[] = [
    { replicas: 40, maxSurge: 10, maxUnavailable: 10 },
    { replicas: 20, maxSurge: 1, maxUnavailable: 0 },
    { replicas: 20, maxSurge: 0, maxUnavailable: 3 },
  ];
  it.each(cases)(
    'of $replicas with surge $maxSurge and $maxUnavailable unavailable keeps its bounds at every revision',
    { timeout: 120_000 },
    async (bounds) => {
      for (const [seed, disturbed] of [
        [1, false],
        [2, true],
        [3, true],
      ] as const) {
        const { most, revisions, updated } = await rollOut(bounds, seed, disturbed);
        expect(updated, `seed ${seed}`).toBe(bounds.replicas);
        expect(revisions).toBeGreaterThan(2 * bounds.replicas);
        expect(most.pods, `seed ${seed}`).toBeLessThanOrEqual(bounds.replicas + bounds.maxSurge);
        expect(most.available, `seed ${seed}`).toBeGreaterThanOrEqual(bounds.replicas - bounds.maxUnavailable);
      }
    },
  );
});
