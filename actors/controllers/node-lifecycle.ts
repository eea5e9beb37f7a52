/**
 * node-lifecycle-controller: a node whose lease and status are not renewed becomes Unknown; conditions become taints, of
 * which NoExecute evicts pods, at the rate that the state of the node's zone allows. Also keeps the beta labels of os and
 * architecture.
 *
 * @see kubernetes/pkg/controller/nodelifecycle/node_lifecycle_controller.go
 */
import { isNotFound, type Node, type NodeCondition, type Pod, type Taint } from '../../src/api/index.ts';
import { keyOf, leases, nodes, pods } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  conditionOf,
  controllerMetrics,
  DisruptionZones,
  isPodReady,
  type Reconciler,
  sameTaint,
  timeText,
  zoneOf,
} from '../../src/controller/index.ts';

const monitorGraceMs = 50_000;
const monitorPeriodMs = 5_000;
/** A node that never reported gets this long. */
const startupGraceMs = 60_000;
const leaseNamespace = 'kube-node-lease';

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';

/** Taint key by condition type and status. */
const conditionTaints: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReady, Unknown: unreachable },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
};
const unschedulable = 'node.kubernetes.io/unschedulable';
const ownNoSchedule: ReadonlySet<string> = new Set([
  unschedulable,
  ...Object.values(conditionTaints).flatMap((byStatus) => Object.values(byStatus)),
]);
const ownNoExecute: ReadonlySet<string> = new Set([notReady, unreachable]);

const betaLabels = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const;

const watchedConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export const nodeLifecycleController: ControllerDefinition = {
  name: 'node-lifecycle-controller',
  queue: 'node_lifecycle_controller',
  component: 'node-controller',
  serviceAccount: 'node-controller',
  reconciles: nodes,
  workers: 8,
  create: createReconciler,
};

interface Health {
  /** When the node was last heard of; monotonic milliseconds. */
  probeMs: number;
  /** What it said then: changes count as signs of life. */
  said: string;
  renewed: string;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events, settings } = dependencies;
  const { clock, signal } = context;
  const nodeLister = dependencies.lister(nodes);
  const metrics = controllerMetrics(context.metrics, 'node_collector_');
  const healths = new Map<string, Health>();
  /** Nodes whose turn to be tainted NoExecute has come. */
  const allowed = new Set<string>();
  const zones = new DisruptionZones(
    clock,
    (name) => {
      allowed.add(name);
      const node = nodeLister.get(undefined, name);
      if (node !== undefined) metrics.count('node_collector_evictions_total', [zoneOf(node)]);
      dependencies.enqueue(name);
    },
    (allDisrupted) => {
      // When none is ready, all are reachable again as far as pods are concerned; when one is, all others are given their time anew.
      if (allDisrupted) allowed.clear();
      else for (const known of healths.values()) known.probeMs = clock.monotonic();
      for (const { metadata } of nodeLister.list()) dependencies.enqueue(metadata?.name ?? '');
    },
  );
  context.metrics.beforeRead(() => {
    for (const [zone, { ready, notReady }] of zones.counts()) {
      const size = ready + notReady;
      metrics.set('node_collector_zone_size', [zone], size);
      metrics.set('node_collector_unhealthy_nodes_in_zone', [zone], notReady);
      metrics.set('node_collector_zone_health', [zone], size === 0 ? 100 : (100 * ready) / size);
    }
  });
  const graceMs = settings.nodeMonitorGracePeriodMs ?? monitorGraceMs;

  /**
   * Nodes whose pods may still have to be told that they are not ready: those that were not when this controller started, since
   * it may have stopped between the two, and those where telling failed.
   */
  const untold = new Set<string>();

  function health(name: string): Health {
    let known = healths.get(name);
    if (known === undefined) {
      known = { probeMs: clock.monotonic(), said: '', renewed: '' };
      healths.set(name, known);
    }
    return known;
  }

  dependencies.observe(nodes, ({ type, object: node }) => {
    const name = node.metadata?.name ?? '';
    if (type === 'deleted') {
      healths.delete(name);
      allowed.delete(name);
      zones.remove(name);
      untold.delete(name);
      events.event(
        reference(node),
        'Normal',
        'RemovingNode',
        `Node ${name} event: Removing Node ${name} from Controller`,
      );
      return;
    }
    if (type === 'added') {
      const message = `Node ${name} event: Registered Node ${name} in Controller`;
      events.event(reference(node), 'Normal', 'RegisteredNode', message);
    }
    zones.set(node, conditionOf(node.status?.conditions, 'Ready')?.status === 'True');
    const known = health(name);
    const said = signsOfLife(node);
    if (said === known.said) return;
    known.said = said;
    known.probeMs = clock.monotonic();
  });

  dependencies.observe(leases, ({ type, object: lease }) => {
    if (type === 'deleted' || lease.metadata?.namespace !== leaseNamespace) return;
    const known = health(lease.metadata.name ?? '');
    const renewed = lease.spec?.renewTime ?? '';
    if (renewed === known.renewed) return;
    known.renewed = renewed;
    known.probeMs = clock.monotonic();
  });

  /** Whether the node has been silent for too long, and its readiness does not say so yet. */
  function isOverdue(node: Node): boolean {
    const ready = conditionOf(node.status?.conditions, 'Ready');
    if (ready?.status === 'Unknown') return false;
    const limitMs = ready === undefined ? Math.max(graceMs, startupGraceMs) : graceMs;
    return clock.monotonic() - health(node.metadata?.name ?? '').probeMs > limitMs;
  }

  function monitor(): void {
    const beganMs = clock.monotonic();
    for (const node of nodeLister.list()) if (isOverdue(node)) dependencies.enqueue(node.metadata?.name ?? '');
    const seconds = (clock.monotonic() - beganMs) / 1000;
    metrics.observe('node_collector_update_all_nodes_health_duration_seconds', [], seconds);
  }

  /** Sets what the silent kubelet used to say to Unknown. */
  async function markUnknown(node: Node): Promise<void> {
    const now = timeText(clock.now());
    const conditions = [...(node.status?.conditions ?? [])];
    for (const type of watchedConditions) {
      const at = conditions.findIndex((condition) => condition.type === type);
      const current = conditions[at];
      if (current === undefined) conditions.push(neverReported(node, type, now));
      else if (current.status !== 'Unknown') {
        const message = 'Kubelet stopped posting node status.';
        conditions[at] = {
          ...current,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message,
          lastTransitionTime: now,
        };
      }
    }
    const wasReady = conditionOf(node.status?.conditions, 'Ready')?.status === 'True';
    await client.update(nodes, { ...node, status: { ...node.status, conditions } }, { subresource: 'status' });
    if (!wasReady) return;
    const { name = '' } = node.metadata ?? {};
    events.event(reference(node), 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    untold.add(name);
    await tellPods(name);
  }

  async function tellPods(name: string): Promise<void> {
    const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${name}` });
    await Promise.all(items.filter(isPodReady).map(markNotReady));
    untold.delete(name);
  }

  async function markNotReady(pod: Pod): Promise<void> {
    const now = timeText(clock.now());
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: now } : condition,
    );
    try {
      const { resourceVersion } = pod.metadata ?? {};
      const patch = { metadata: { resourceVersion }, status: { conditions } };
      await client.patch(pods, keyOf(pod), 'merge', patch, { subresource: 'status' });
      events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The NoExecute taint that the node may have now, given its condition and its zone's rate. */
  function noExecuteKey(node: Node): string | undefined {
    const name = node.metadata?.name ?? '';
    const wanted = conditionTaints['Ready']?.[conditionOf(node.status?.conditions, 'Ready')?.status ?? ''];
    if (wanted === undefined) {
      zones.cancel(name);
      allowed.delete(name);
      return undefined;
    }
    const tainted = (node.spec?.taints ?? []).some(
      (taint) => taint.effect === 'NoExecute' && ownNoExecute.has(taint.key),
    );
    if (zones.allDisrupted) {
      zones.request(name);
      return undefined;
    }
    if (tainted || allowed.has(name)) return wanted;
    zones.request(name);
    return allowed.has(name) ? wanted : undefined;
  }

  async function syncTaints(node: Node): Promise<void> {
    const current = node.spec?.taints ?? [];
    const noExecute = noExecuteKey(node);
    const wanted: Taint[] = [
      ...noScheduleKeys(node).map((key) => ({ key, effect: 'NoSchedule' })),
      ...(noExecute === undefined ? [] : [{ key: noExecute, effect: 'NoExecute' }]),
    ];
    const kept = current.filter((taint) => !isOwn(taint) || wanted.some((other) => sameTaint(taint, other)));
    const timeAdded = timeText(clock.now());
    const added = wanted.filter((taint) => !current.some((other) => sameTaint(taint, other)));
    if (added.length === 0 && kept.length === current.length) return;
    const taints = [...kept, ...added.map((taint) => ({ ...taint, timeAdded }))];
    const { resourceVersion, name = '' } = node.metadata ?? {};
    const patch = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
    await client.patch(nodes, { name }, 'merge', patch);
  }

  async function syncLabels(node: Node): Promise<boolean> {
    const labels: Record<string, string> = {};
    for (const [primary, secondary] of betaLabels) {
      const value = node.metadata?.labels?.[primary];
      if (value !== undefined && node.metadata?.labels?.[secondary] !== value) labels[secondary] = value;
    }
    if (Object.keys(labels).length === 0) return false;
    await client.patch(nodes, { name: node.metadata?.name ?? '' }, 'merge', { metadata: { labels } });
    return true;
  }

  return {
    start() {
      for (const node of nodeLister.list()) {
        const ready = conditionOf(node.status?.conditions, 'Ready');
        if (ready !== undefined && ready.status !== 'True') untold.add(node.metadata?.name ?? '');
      }
      const timer = clock.every(settings.nodeMonitorPeriodMs ?? monitorPeriodMs, monitor, { background: true });
      const stop = () => {
        timer.cancel();
        zones.stop();
      };
      signal.addEventListener('abort', stop, { once: true });
    },
    async reconcile(name) {
      const node = nodeLister.get(undefined, name);
      if (node === undefined) return undefined;
      const beganMs = clock.monotonic();
      try {
        // Each write brings the node back here: one thing at a time, always on the latest version.
        if (isOverdue(node)) await markUnknown(node);
        else {
          if (conditionOf(node.status?.conditions, 'Ready')?.status === 'True') untold.delete(name);
          else if (untold.has(name)) await tellPods(name);
          if (!(await syncLabels(node))) await syncTaints(node);
        }
      } catch (error) {
        if (!isNotFound(error)) throw error;
      } finally {
        const seconds = (clock.monotonic() - beganMs) / 1000;
        metrics.observe('node_collector_update_node_health_duration_seconds', [], seconds);
      }
      return undefined;
    },
  };
}

function reference(node: Node) {
  const { name, uid } = node.metadata ?? {};
  return { kind: 'Node', apiVersion: 'v1', name, uid };
}

function signsOfLife(node: Node): string {
  const ready = conditionOf(node.status?.conditions, 'Ready');
  return ready === undefined ? '' : `at ${ready.lastHeartbeatTime ?? ''}`;
}

function neverReported(node: Node, type: string, now: string): NodeCondition {
  return {
    type,
    status: 'Unknown',
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
    lastHeartbeatTime: node.metadata?.creationTimestamp ?? now,
    lastTransitionTime: now,
  };
}

function noScheduleKeys(node: Node): string[] {
  const keys = (node.status?.conditions ?? []).flatMap(({ type, status }) => conditionTaints[type]?.[status] ?? []);
  return node.spec?.unschedulable === true ? [...keys, unschedulable] : keys;
}

function isOwn(taint: Taint): boolean {
  return taint.effect === 'NoExecute'
    ? ownNoExecute.has(taint.key)
    : taint.effect === 'NoSchedule' && ownNoSchedule.has(taint.key);
}
