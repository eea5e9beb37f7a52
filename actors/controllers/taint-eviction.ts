/**
 * taint-eviction-controller: deletes pods from nodes with NoExecute taints that they do not tolerate, at once or when the
 * shortest of their tolerationSeconds is over; a taint that goes away in time cancels it.
 *
 * @see kubernetes/pkg/controller/tainteviction/taint_eviction.go
 */
import type { Node, Pod, Taint, Toleration } from '../../src/api/index.ts';
import { nodes, pods } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  disrupt,
  type Key,
  keyFor,
  nodeIndex,
  nodeIndexName,
  type Reconciler,
  splitKey,
  tolerates,
} from '../../src/controller/index.ts';

export const taintEvictionController: ControllerDefinition = {
  name: 'taint-eviction-controller',
  serviceAccount: 'node-controller',
  workers: 8,
  create: createReconciler,
};

const noExecuteTaints = (node: Node | undefined): Taint[] =>
  (node?.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');

const taintsKey = (taints: readonly Taint[]): string =>
  taints
    .map(({ key, value = '' }) => `${key}=${value}`)
    .sort()
    .join();

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const nodeLister = dependencies.lister(nodes);
  /** Since when each pod on its way out has been; tolerationSeconds count from here. */
  const scheduled = new Map<Key, { readonly uid: string | undefined; readonly sinceMs: number }>();

  const tainted = dependencies.parts(pods, 'node', (change) => {
    const pod = change.object;
    const key = keyFor(pod);
    if (change.type === 'deleted') {
      scheduled.delete(key);
      return;
    }
    const { nodeName } = pod.spec ?? {};
    if (nodeName === undefined || noExecuteTaints(nodeLister.get(undefined, nodeName)).length === 0) return;
    const moved = change.type === 'added' || change.previous.spec?.nodeName !== nodeName;
    if (moved || change.previous.spec?.tolerations?.length !== pod.spec?.tolerations?.length) dependencies.enqueue(key);
  });
  const podLister = tainted.lister;
  tainted.addIndex(nodeIndexName, nodeIndex);

  dependencies.observe(nodes, (change) => {
    const before = change.type === 'updated' ? taintsKey(noExecuteTaints(change.previous)) : '';
    const after = change.type === 'deleted' ? '' : taintsKey(noExecuteTaints(change.object));
    if (before === after) return;
    const { name = '' } = change.object.metadata ?? {};
    const placed = podLister.byIndex(nodeIndexName, name);
    if (after !== '') {
      void tainted.want(name);
      for (const pod of placed) dependencies.enqueue(keyFor(pod));
      return;
    }
    for (const pod of placed) cancel(pod, keyFor(pod));
    tainted.drop(name);
  });

  async function evict(pod: Pod, key: Key): Promise<void> {
    scheduled.delete(key);
    events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    const message = 'Taint manager: deleting due to NoExecute taint';
    await disrupt(client, pod, clock.now(), { reason: 'DeletionByTaintManager', message });
  }

  function cancel(pod: Pod, key: Key): void {
    if (!scheduled.delete(key)) return;
    events.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const pod = podLister.get(namespace, name);
      if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) {
        scheduled.delete(key);
        return undefined;
      }
      const taints = noExecuteTaints(nodeLister.get(undefined, pod.spec?.nodeName ?? ''));
      if (taints.length === 0) {
        cancel(pod, key);
        return undefined;
      }
      const stayMs = tolerationMs(taints, pod.spec?.tolerations ?? []);
      if (stayMs === undefined) {
        await evict(pod, key);
        return undefined;
      }
      if (stayMs === Number.POSITIVE_INFINITY) {
        cancel(pod, key);
        return undefined;
      }
      const { uid } = pod.metadata ?? {};
      const known = scheduled.get(key);
      const sinceMs = known?.uid === uid && known !== undefined ? known.sinceMs : clock.now();
      scheduled.set(key, { uid, sinceMs });
      const leftMs = sinceMs + stayMs - clock.now();
      if (leftMs > 0) return { requeueAfterMs: leftMs, background: true };
      await evict(pod, key);
      return undefined;
    },
  };
}

/** How long the tolerations let a pod stay: undefined when a taint is not tolerated, infinity without a limit. */
function tolerationMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number | undefined {
  let shortest = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return undefined;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
    }
  }
  return shortest;
}
