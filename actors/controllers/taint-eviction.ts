/**
 * taint-eviction-controller: deletes pods from nodes with NoExecute taints that they do not tolerate, at once or when the
 * shortest of their tolerationSeconds is over; a taint that goes away in time cancels it.
 *
 * @see kubernetes/pkg/controller/tainteviction/taint_eviction.go
 */
import { isStatusError, type Node, type Pod, type Taint, type Toleration } from '../../src/api/index.ts';
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

/** A pod on its way out. As upstream, a later change of taints or tolerations does not move it. */
interface Plan {
  readonly uid: string | undefined;
  readonly node: string;
  readonly dueMs: number;
}

/** An eviction is tried so often, so much later each time; then it takes another change of the node or the pod. */
const triesMax = 5;
const tryAgainMs = 10;

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock, log, signal } = context;
  const metrics = controllerMetrics(context.metrics, 'taint_eviction_controller_');
  const nodeLister = dependencies.lister(nodes);
  const scheduled = new Map<Key, Plan>();

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
    const { name = '' } = change.object.metadata ?? {};
    // What was to go from a node that is gone still goes.
    if (change.type === 'deleted') {
      release(name);
      return;
    }
    const after = noExecuteTaints(change.object);
    if (change.type === 'updated' && semanticallyEqual(noExecuteTaints(change.previous), after)) return;
    const placed = podLister.byIndex(nodeIndexName, name);
    if (after.length > 0) {
      void tainted.want(name);
      for (const pod of placed) dependencies.enqueue(keyFor(pod));
      return;
    }
    for (const pod of placed) cancel(keyFor(pod));
    tainted.drop(name);
  });

  /** The pods of a node that is gone are followed as long as one of them is on its way out. */
  function release(node: string): void {
    if (nodeLister.get(undefined, node) !== undefined) return;
    for (const plan of scheduled.values()) if (plan.node === node) return;
    tainted.drop(node);
  }

  /** About the pod by its name alone, as upstream. */
  function tell(key: Key, what: string): void {
    const { namespace, name } = splitKey(key);
    const reference = { apiVersion: 'v1', kind: 'Pod', name, ...(namespace === undefined ? {} : { namespace }) };
    events.event(reference, 'Normal', 'TaintManagerEviction', `${what} ${key}`);
  }

  async function evict(pod: Pod, key: Key, dueMs: number): Promise<void> {
    tell(key, 'Marking for deletion Pod');
    const message = 'Taint manager: deleting due to NoExecute taint';
    for (let left = triesMax; left > 0; left--) {
      try {
        await disrupt(client, pod, clock.now(), { reason: 'DeletionByTaintManager', message });
        metrics.count('taint_eviction_controller_pod_deletions_total');
        const lateSeconds = (clock.now() - dueMs) / 1000;
        metrics.observe('taint_eviction_controller_pod_deletion_duration_seconds', [], lateSeconds);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isStatusError(error)) throw error;
        log.warn('pod not evicted', { pod: key, error: error.message, triesLeft: left - 1 });
      }
      await clock.sleep(tryAgainMs);
    }
  }

  function cancel(key: Key): void {
    const plan = scheduled.get(key);
    if (plan === undefined) return;
    scheduled.delete(key);
    tell(key, 'Cancelling deletion of Pod');
    release(plan.node);
  }

  /** When the pod is to go, given what is planned already; undefined when it stays. */
  function plan(pod: Pod, key: Key): number | undefined {
    const nowMs = clock.now();
    const { uid } = pod.metadata ?? {};
    const node = pod.spec?.nodeName ?? '';
    const known = scheduled.get(key);
    if (known !== undefined && known.dueMs <= nowMs) return known.dueMs;
    const taints = noExecuteTaints(nodeLister.get(undefined, node));
    // Taints that went have cancelled what they began, and a node that went has not.
    if (taints.length === 0) return known?.dueMs;
    const stayMs = tolerationMs(taints, pod.spec?.tolerations ?? []);
    if (stayMs === undefined || stayMs === Number.POSITIVE_INFINITY || known?.uid !== uid) cancel(key);
    if (stayMs === Number.POSITIVE_INFINITY) return undefined;
    const dueMs = scheduled.get(key)?.dueMs ?? nowMs + (stayMs ?? 0);
    scheduled.set(key, { uid, node, dueMs });
    return dueMs;
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const pod = podLister.get(namespace, name);
      const dueMs = pod === undefined ? undefined : plan(pod, key);
      if (pod === undefined || dueMs === undefined) return undefined;
      if (dueMs > clock.now()) return { requeueAfterMs: dueMs - clock.now(), background: true };
      scheduled.delete(key);
      await evict(pod, key, dueMs);
      release(pod.spec?.nodeName ?? '');
      return undefined;
    },
  };
}

/** How long the first toleration of each taint lets a pod stay: infinity without a limit, undefined when a taint is not tolerated. */
function tolerationMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number | undefined {
  let shortest = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const toleration = tolerations.find((candidate) => tolerates(candidate, taint));
    if (toleration === undefined) return undefined;
    const { tolerationSeconds } = toleration;
    if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
  }
  return shortest;
}
