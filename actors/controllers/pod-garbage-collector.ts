/**
 * pod-garbage-collector-controller: deletes pods that nobody else will: on nodes that are gone, terminating without a node,
 * on nodes that are out of service, and the oldest finished ones beyond a threshold.
 *
 * @see kubernetes/pkg/controller/podgc/gc_controller.go
 */
import { isNotFound, type Pod } from '../../src/api/index.ts';
import { keyOf, nodes, pods } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  conditionOf,
  controllerMetrics,
  disrupt,
  failedStatus,
  isPodFinished,
  keyFor,
  nodeIndex,
  nodeIndexName,
  type ReconcileResult,
  type Reconciler,
  splitKey,
  timeMs,
} from '../../src/controller/index.ts';

/** A node must have been missing for this long: its Node may be on its way. */
const quarantineMs = 40_000;
/** How often finished pods are counted while there are new ones. */
const countPeriodMs = 20_000;
const terminatedThreshold = 12_500;
const finishedIndex = 'finished';
const outOfServiceTaint = 'node.kubernetes.io/out-of-service';

/** How often the pods of nodes that are out of service are looked at. */
const outOfServicePeriodMs = 20_000;

/** Keys: `node/<name>` for a node to check, `out/<name>` for one that is out of service, `finished` for the threshold, `pod/<key>` for a single pod. */
const nodePrefix = 'node/';
const outPrefix = 'out/';
const podPrefix = 'pod/';
const finishedKey = 'finished';

export const podGarbageCollectorController: ControllerDefinition = {
  name: 'pod-garbage-collector-controller',
  queue: 'orphaned_pods_nodes',
  serviceAccount: 'pod-garbage-collector',
  interests: [
    {
      resource: pods,
      interest: 'assignment',
      members: ['metadata', 'spec.nodeName', 'status.phase', 'status.reason', 'status.conditions'],
    },
  ],
  create: createReconciler,
};

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, settings } = dependencies;
  const { clock } = context;
  const nodeLister = dependencies.lister(nodes);
  const podLister = dependencies.lister(pods);
  const metrics = controllerMetrics(context.metrics, 'pod_gc_collector_');
  const threshold = settings.terminatedPodThreshold ?? terminatedThreshold;
  dependencies.index(pods, nodeIndexName, nodeIndex);
  dependencies.index(pods, finishedIndex, (pod) => (isPodFinished(pod) ? ['true'] : []));

  const checkNode = (name: string) => dependencies.enqueueAfter(nodePrefix + name, quarantineMs, { background: true });

  dependencies.observe(pods, ({ type, object: pod }) => {
    if (type === 'deleted') return;
    const { nodeName } = pod.spec ?? {};
    const terminating = pod.metadata?.deletionTimestamp !== undefined;
    if (nodeName === undefined || nodeName === '') {
      if (terminating) dependencies.enqueue(podPrefix + keyFor(pod));
    } else if (nodeLister.get(undefined, nodeName) === undefined) checkNode(nodeName);
    if (isPodFinished(pod)) dependencies.enqueueAfter(finishedKey, countPeriodMs, { background: true });
  });
  dependencies.observe(nodes, ({ type, object }) => {
    const name = object.metadata?.name ?? '';
    if (type === 'deleted') checkNode(name);
    else if (isOutOfService(name)) dependencies.enqueue(outPrefix + name);
  });

  function isOutOfService(name: string): boolean {
    const node = nodeLister.get(undefined, name);
    const ready = conditionOf(node?.status?.conditions, 'Ready')?.status === 'True';
    return !ready && (node?.spec?.taints?.some((taint) => taint.key === outOfServiceTaint) ?? false);
  }

  /** The cache may lag: only the API server's own answer counts. */
  async function isGone(name: string): Promise<boolean> {
    if (nodeLister.get(undefined, name) !== undefined) return false;
    try {
      await client.get(nodes, { name });
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }

  async function collectNode(name: string): Promise<void> {
    const orphans = podLister.byIndex(nodeIndexName, name);
    if (orphans.length === 0 || !(await isGone(name))) return;
    const reason = 'DeletionByPodGC';
    const message = 'PodGC: node no longer exists';
    const collect = (pod: Pod) =>
      isPodFinished(pod)
        ? deleteNow(pod, 'orphaned')
        : measured(pod, 'orphaned', () =>
            disrupt(client, pod, clock.now(), { reason, message, fail: true, gracePeriodSeconds: 0 }),
          );
    await Promise.all(orphans.map(collect));
  }

  /** Nobody is left there to let go of the pods that are being deleted. */
  async function collectOutOfService(name: string): Promise<ReconcileResult | undefined> {
    if (!isOutOfService(name)) return undefined;
    const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${name}` });
    const terminating = items.filter(({ metadata }) => metadata?.deletionTimestamp !== undefined);
    await Promise.all(terminating.map((pod) => deleteNow(pod, 'out-of-service')));
    return { requeueAfterMs: outOfServicePeriodMs, background: true };
  }

  async function collectPod(key: string): Promise<void> {
    const { namespace, name } = splitKey(key);
    const pod = podLister.get(namespace, name);
    if (pod?.metadata?.deletionTimestamp === undefined) return;
    await deleteNow(pod, 'unscheduled');
  }

  /** Marks the pod as failed before it is deleted: no kubelet would say so any more. `why`: in the words of the metrics. */
  const deleteNow = (pod: Pod, why: string) =>
    measured(pod, why, async () => {
      try {
        if (!isPodFinished(pod)) {
          const patch = { metadata: { uid: pod.metadata?.uid }, status: failedStatus(pod) };
          await client.patch(pods, keyOf(pod), 'merge', patch, { subresource: 'status' });
        }
        await client.delete(pods, keyOf(pod), { gracePeriodSeconds: 0 });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });

  async function measured(pod: Pod, why: string, remove: () => Promise<unknown>): Promise<void> {
    const labels = [pod.metadata?.namespace ?? '', why];
    metrics.count('pod_gc_collector_force_delete_pods_total', labels);
    try {
      await remove();
    } catch (error) {
      metrics.count('pod_gc_collector_force_delete_pod_errors_total', labels);
      throw error;
    }
  }

  async function collectFinished(): Promise<void> {
    const finished = podLister.byIndex(finishedIndex, 'true');
    const surplus = finished.length - threshold;
    if (threshold <= 0 || surplus <= 0) return;
    const evictedFirst = ({ status }: Pod) => (status?.phase === 'Failed' && status.reason === 'Evicted' ? 0 : 1);
    finished.sort(
      (left, right) =>
        evictedFirst(left) - evictedFirst(right) ||
        timeMs(left.metadata?.creationTimestamp) - timeMs(right.metadata?.creationTimestamp) ||
        ((left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1),
    );
    const failures: unknown[] = [];
    // One that cannot be deleted keeps no other.
    for (const pod of finished.slice(0, surplus))
      await deleteNow(pod, 'terminated').catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  return {
    async reconcile(key) {
      if (key.startsWith(outPrefix)) return await collectOutOfService(key.slice(outPrefix.length));
      if (key === finishedKey) await collectFinished();
      else if (key.startsWith(nodePrefix)) await collectNode(key.slice(nodePrefix.length));
      else await collectPod(key.slice(podPrefix.length));
      return undefined;
    },
  };
}
