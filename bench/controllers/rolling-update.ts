/** A rolling update of 2000 pods, while every change of a pod is followed in the order of the store's revisions. */
import type { Client } from '../../src/client/index.ts';
import * as kinds from '../../src/client/resources.ts';
import { isPodReady } from '../../src/controller/index.ts';
import { type ControllerWorkload, deployment, quiet } from './workload.ts';

const replicas = 2_000;
/** A quarter each way, the default. */
const podsMax = 2_500;
const availableMin = 1_500;

interface Extremes {
  pods: number;
  available: number;
  readonly stop: () => void;
}

/** Counts pods that are not being deleted, and those of them that are ready, at every revision from now on. */
async function followExtremes(client: Client): Promise<Extremes> {
  const { items, resourceVersion } = await client.list(kinds.pods);
  const ready = new Map(items.map((pod) => [pod.metadata?.uid ?? '', isPodReady(pod)]));
  let available = items.filter(isPodReady).length;
  let failure: unknown;
  const extremes: Extremes = {
    pods: ready.size,
    available,
    stop() {
      subscription.unsubscribe();
      if (failure !== undefined)
        throw new Error('the watch of the pods ended: not every revision was seen', { cause: failure });
    },
  };
  const subscription = client.watch(kinds.pods, { resourceVersion }).subscribe({
    next(event) {
      if (event.type === 'BOOKMARK') return;
      const { uid = '', deletionTimestamp } = event.object.metadata ?? {};
      const isReady = event.type !== 'DELETED' && deletionTimestamp === undefined && isPodReady(event.object);
      available += Number(isReady) - Number(ready.get(uid) ?? false);
      if (event.type === 'DELETED' || deletionTimestamp !== undefined) ready.delete(uid);
      else ready.set(uid, isReady);
      extremes.pods = Math.max(extremes.pods, ready.size);
      extremes.available = Math.min(extremes.available, available);
    },
    error(error: unknown) {
      failure = error;
    },
  });
  return extremes;
}

export const rollingUpdate: ControllerWorkload = {
  name: 'RollingUpdateOf2000',
  options: { ...quiet, nodes: 100 },
  async prepare({ client }, observer) {
    await client.create(kinds.deployments, deployment('web', replicas));
    await observer.until(kinds.deployments, ({ status }) => status?.availableReplicas === replicas, 1);
  },
  stages: [
    {
      name: 'updated',
      targetMs: 10_000,
      objects: replicas,
      async run({ client }, observer) {
        const extremes = await followExtremes(client);
        const template = { metadata: { annotations: { 'example.com/version': '2' } } };
        await client.patch(kinds.deployments, { namespace: 'default', name: 'web' }, 'strategic', {
          spec: { template },
        });
        await observer.until(
          kinds.deployments,
          ({ metadata, status }) =>
            status?.observedGeneration === metadata?.generation &&
            status?.updatedReplicas === replicas &&
            status.availableReplicas === replicas &&
            status.replicas === replicas,
          1,
        );
        extremes.stop();
        const { pods, available } = extremes;
        if (pods > podsMax || available < availableMin) {
          throw new Error(
            `the rollout left its bounds: ${pods} of at most ${podsMax} pods, ${available} of at least ${availableMin} available`,
          );
        }
      },
    },
  ],
};
