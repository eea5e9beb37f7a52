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
  controllerMetrics,
  disrupt,
  type Key,
  keyFor,
  nodeIndex,
  nodeIndexName,
  type Reconciler,
  semanticallyEqual,
  splitKey,
  tolerates,
} from '../../src/controller/index.ts';

export const taintEvictionController: ControllerDefinition = {
  name: 'taint-eviction-controller',
  queue: 'noexec_taint_node',
  // Nodes are looked at as they change; what waits are their pods.
  queues: [{ name: 'noexec_taint_pod', takes: (key) => key.includes('/') }],
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
  const metrics = controllerMetrics(context.metrics, 'taint_eviction_controller_');
  const nodeLister = dependencies.lister(nodes);
  /** When each pod on its way out goes. As upstream, a later change of taints or tolerations does not move it. */
  const scheduled = new Map<
    Key,
    { readonly uid: string | undefined; readonly dueMs: number; readonly told?: boolean }
  >();

  const tainted = dependencies.parts(pods, 'node', (change) => {
    const pod = change.object;
    const key = keyFor(pod);
    if (change.type === 'deleted') {
      cancel(key);
      return;
    }
    const { nodeName } = pod.spec ?? {};
    if (nodeName === undefined || noExecuteTaints(nodeLister.get(undefined, nodeName)).length === 0) return;
    const moved = change.type === 'added' || change.previous.spec?.nodeName !== nodeName;
    if (moved || !semanticallyEqual(change.previous.spec?.tolerations, pod.spec?.tolerations))
      dependencies.enqueue(key);
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
    for (const pod of placed) cancel(keyFor(pod));
    tainted.drop(name);
  });

  /** About the pod by its name alone, as upstream. */
  function tell(key: Key, what: string): void {
    const { namespace, name } = splitKey(key);
    const reference = { apiVersion: 'v1', kind: 'Pod', name, ...(namespace === undefined ? {} : { namespace }) };
    events.event(reference, 'Normal', 'TaintManagerEviction', `${what} ${key}`);
  }

  async function evict(pod: Pod, key: Key): Promise<void> {
    const { told, dueMs = clock.now() } = scheduled.get(key) ?? {};
    scheduled.delete(key);
    if (told !== true) tell(key, 'Marking for deletion Pod');
    const message = 'Taint manager: deleting due to NoExecute taint';
    try {
      await disrupt(client, pod, clock.now(), { reason: 'DeletionByTaintManager', message });
      metrics.count('taint_eviction_controller_pod_deletions_total');
      const lateSeconds = (clock.now() - dueMs) / 1000;
      metrics.observe('taint_eviction_controller_pod_deletion_duration_seconds', [], lateSeconds);
    } catch (error) {
      // Its time has come: a lost race does not give it another.
      scheduled.set(key, { uid: pod.metadata?.uid, dueMs: clock.now(), told: true });
      throw error;
    }
  }

  function cancel(key: Key): void {
    if (scheduled.delete(key)) tell(key, 'Cancelling deletion of Pod');
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
      const stayMs = taints.length === 0 ? Number.POSITIVE_INFINITY : tolerationMs(taints, pod.spec?.tolerations ?? []);
      if (stayMs === Number.POSITIVE_INFINITY) {
        cancel(key);
        return undefined;
      }
      const { uid } = pod.metadata ?? {};
      const known = scheduled.get(key);
      if (known !== undefined && (stayMs === 0 || known.uid !== uid) && known.dueMs > clock.now()) cancel(key);
      const dueMs = scheduled.get(key)?.dueMs ?? clock.now() + stayMs;
      if (dueMs <= clock.now()) {
        await evict(pod, key);
        return undefined;
      }
      scheduled.set(key, { uid, dueMs });
      return { requeueAfterMs: dueMs - clock.now(), background: true };
    },
  };
}

/** How long the first toleration of each taint lets a pod stay: 0 when a taint is not tolerated, infinity without a limit. */
function tolerationMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const toleration = tolerations.find((candidate) => tolerates(candidate, taint));
    if (toleration === undefined) return 0;
    const { tolerationSeconds } = toleration;
    if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
  }
  return shortest;
}
