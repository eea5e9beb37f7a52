/**
 * node-lifecycle-controller: a node whose lease and status are not renewed becomes Unknown; conditions become taints, of
 * which NoExecute evicts pods, at the rate that the state of the node's zone allows. Also keeps the beta labels of os and
 * architecture. Labels and NoSchedule follow each change of a node; health is looked at every five seconds, all nodes at once.
 *
 * @see kubernetes/pkg/controller/nodelifecycle/node_lifecycle_controller.go
 */
import {
  isConflict,
  isNotFound,
  isStatusError,
  type Lease,
  type Node,
  type Pod,
  type Taint,
} from '../../src/api/index.ts';
import { keyOf, leases, nodes, pods } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  changeTaints,
  conditionOf,
  controllerMetrics,
  DisruptionZones,
  isExcludedFromDisruption,
  isPodReady,
  messageOf,
  NodeHealths,
  type Reconciler,
  timeText,
  unknownConditions,
  type ZoneCount,
  zoneOf,
} from '../../src/controller/index.ts';

const monitorGraceMs = 50_000;
const monitorPeriodMs = 5_000;
/** Nodes that are written to at the same time in one look at all of them. */
const monitorWorkers = 8;
/** A node's status is written again this often, this much later, before the next look. */
const healthWritesMax = 5;
const healthWriteAgainMs = 20;
const leaseNamespace = 'kube-node-lease';

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';
const noExecute = (key: string): Taint => ({ key, effect: 'NoExecute' });

/** Taint key by condition type and status. */
const conditionTaints: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReady, Unknown: unreachable },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
};
const unschedulable = 'node.kubernetes.io/unschedulable';
const ownNoSchedule: readonly string[] = [
  unschedulable,
  ...Object.values(conditionTaints).flatMap((byStatus) => Object.values(byStatus)),
];

const betaLabels = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const;

export const nodeLifecycleController: ControllerDefinition = {
  name: 'node-lifecycle-controller',
  queue: 'node_lifecycle_controller',
  component: 'node-controller',
  serviceAccount: 'node-controller',
  emits: ['NodeNotReady', 'RegisteredNode', 'RemovingNode'],
  reconciles: nodes,
  workers: 8,
  create: createReconciler,
};

const readiness = (node: Node): string | undefined => conditionOf(node.status?.conditions, 'Ready')?.status;
const hasNoExecute = (node: Node, key: string): boolean =>
  node.spec?.taints?.some((taint) => taint.key === key && taint.effect === 'NoExecute') ?? false;

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events, settings } = dependencies;
  const { clock, log, signal } = context;
  const nodeLister = dependencies.lister(nodes);
  const leaseLister = dependencies.lister(leases, { namespace: leaseNamespace });
  const leaseOf = (name: string): Lease | undefined => leaseLister.get(leaseNamespace, name);
  const metrics = controllerMetrics(context.metrics, 'node_collector_');
  const healths = new NodeHealths(clock, settings.nodeMonitorGracePeriodMs ?? monitorGraceMs);
  const zones = new DisruptionZones(clock, evict);
  /** Zones that were counted last. */
  let counted: ReadonlyMap<string, ZoneCount> = new Map();
  /** Nodes as they were when they were seen last. */
  const seen = new Map<string, Node>();
  /**
   * Nodes whose pods may still have to be told that they are not ready: those that were not when this controller started, since
   * it may have stopped between the two, and those where telling failed.
   */
  const untold = new Set<string>();

  function openZone(node: Node): void {
    const zone = zoneOf(node);
    if (zones.open(zone)) metrics.count('node_collector_evictions_total', [zone], 0);
  }

  /** Whether the work was done; what the API refuses is told in the log, and comes up again with the next look. */
  async function attempt(what: string, node: Node, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!isStatusError(error)) throw error;
      const fields = { node: node.metadata?.name, error: messageOf(error) };
      // Lost races are part of the day.
      if (isConflict(error) || isNotFound(error)) log.debug(what, fields);
      else log.warn(what, fields);
      return false;
    }
  }

  /** A node's turn to lose its pods has come. */
  async function evict(name: string): Promise<boolean> {
    const node = nodeLister.get(undefined, name);
    if (node === undefined) return true;
    const key = conditionTaints['Ready']?.[readiness(node) ?? ''];
    // Ready again.
    if (key === undefined) return true;
    const done = await attempt('node not tainted', node, () => swapNoExecute(node, key)).catch(failed);
    if (done) metrics.count('node_collector_evictions_total', [zoneOf(node)]);
    return done;
  }

  /** What remains is a bug: it ends this actor. */
  function failed(error: unknown): false {
    if (!signal.aborted) context.fail(error);
    return false;
  }

  function swapNoExecute(node: Node, key: string): Promise<void> {
    const taint = { ...noExecute(key), timeAdded: timeText(clock.now()) };
    return changeTaints(client, clock, node, [taint], [noExecute(key === notReady ? unreachable : notReady)]);
  }

  function markReachable(node: Node): Promise<unknown> | undefined {
    const has = hasNoExecute(node, unreachable) || hasNoExecute(node, notReady);
    if (!has) {
      zones.remove(zoneOf(node), node.metadata?.name ?? '');
      return undefined;
    }
    return attempt('node not freed of its taints', node, async () => {
      await changeTaints(client, clock, node, [], [noExecute(unreachable), noExecute(notReady)]);
      zones.remove(zoneOf(node), node.metadata?.name ?? '');
    });
  }

  /** Nodes that came and went since the last look. */
  async function classify(all: readonly Node[]): Promise<void> {
    const present = new Set<string>();
    for (const node of all) {
      const { name = '' } = node.metadata ?? {};
      present.add(name);
      openZone(node);
      const isNew = !seen.has(name);
      seen.set(name, node);
      if (!isNew) continue;
      tell(node, 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`);
      await markReachable(node);
    }
    for (const [name, node] of seen) {
      if (present.has(name)) continue;
      tell(node, 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`);
      seen.delete(name);
      healths.forget(name);
      untold.delete(name);
      zones.remove(zoneOf(node), name);
    }
  }

  function tell(node: Node, reason: string, message: string): void {
    const { name, uid } = node.metadata ?? {};
    events.event({ kind: 'Node', apiVersion: 'v1', name, uid }, 'Normal', reason, message);
  }

  async function monitor(): Promise<void> {
    const beganMs = clock.monotonic();
    const all = nodeLister.list();
    await classify(all);
    const counts = new Map<string, ZoneCount>();
    let next = 0;
    const work = async () => {
      while (next < all.length && !signal.aborted) {
        // Most nodes are well and need no turn of the event loop.
        const pending = look(all[next++]!, counts);
        if (pending !== undefined) await pending;
      }
    };
    await Promise.all(Array.from({ length: monitorWorkers }, work));
    if (signal.aborted) return;
    await handleDisruption(counts, all);
    zones.drain();
    const seconds = (clock.monotonic() - beganMs) / 1000;
    metrics.observe('node_collector_update_all_nodes_health_duration_seconds', [], seconds);
  }

  function look(node: Node, counts: Map<string, ZoneCount>): Promise<void> | undefined {
    const { name = '' } = node.metadata ?? {};
    const beganMs = clock.monotonic();
    const done = () => {
      const seconds = (clock.monotonic() - beganMs) / 1000;
      metrics.observe('node_collector_update_node_health_duration_seconds', [], seconds);
    };
    const before = readiness(node);
    if (healths.isSilent(node, leaseOf(name)) && before !== 'Unknown') {
      return markUnknown(node)
        .then((written) => (written === undefined ? undefined : follow(written.before, written.after, counts)))
        .finally(done);
    }
    const pending = follow(node, before, counts);
    if (pending === undefined) done();
    return pending?.finally(done);
  }

  /** Writes that the node is Unknown; the node as it was, and its readiness now. Undefined when that cannot be said. */
  async function markUnknown(
    node: Node,
  ): Promise<{ readonly before: Node; readonly after: string | undefined } | undefined> {
    const { name = '' } = node.metadata ?? {};
    let current = node;
    for (let left = healthWritesMax; left > 0; left--) {
      const conditions = unknownConditions(current, clock.now());
      const wanted = { ...current, status: { ...current.status, conditions } };
      if (await attempt('node not marked Unknown', node, () => writeStatus(wanted))) {
        healths.wrote(wanted, leaseOf(name));
        return { before: current, after: 'Unknown' };
      }
      await clock.sleep(healthWriteAgainMs, { background: true, signal });
      const found = await attempt('node not read', node, async () => {
        current = await client.get(nodes, { name });
      });
      if (!found) return undefined;
      const now = readiness(current);
      if (!healths.isSilent(current, leaseOf(name)) || now === 'Unknown') return { before: current, after: now };
    }
    return undefined;
  }

  async function writeStatus(node: Node): Promise<void> {
    await client.update(nodes, node, { subresource: 'status' });
  }

  /** What comes of a node's readiness: `before` in what it said, `after` in what is known of it now. */
  function follow(node: Node, after: string | undefined, counts: Map<string, ZoneCount>): Promise<void> | undefined {
    const { name = '' } = node.metadata ?? {};
    if (!isExcludedFromDisruption(node)) {
      const zone = zoneOf(node);
      const count = counts.get(zone) ?? { ready: 0, notReady: 0 };
      if (after === 'True') count.ready++;
      else count.notReady++;
      counts.set(zone, count);
    }
    if (after === undefined) {
      untold.delete(name);
      return undefined;
    }
    const before = readiness(node) ?? 'Unknown';
    const tainting = before === 'True' ? markReachable(node) : taint(node, before);
    const fell = before === 'True' && after !== 'True';
    if (!fell && (before === 'True' || !untold.has(name))) {
      untold.delete(name);
      return tainting?.then(() => undefined);
    }
    return Promise.resolve(tainting).then(() => {
      if (fell) tell(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
      return tellPods(node);
    });
  }

  /** A node that has the other taint changes it at once; else it waits for its turn. */
  function taint(node: Node, status: string): Promise<unknown> | undefined {
    const key = conditionTaints['Ready']?.[status];
    if (key === undefined) return undefined;
    if (hasNoExecute(node, key === notReady ? unreachable : notReady)) {
      return attempt('node not tainted', node, () => swapNoExecute(node, key));
    }
    const { name = '' } = node.metadata ?? {};
    const zone = zoneOf(node);
    if (!hasNoExecute(node, key)) zones.remove(zone, name);
    zones.add(zone, name);
    return undefined;
  }

  async function tellPods(node: Node): Promise<void> {
    const { name = '' } = node.metadata ?? {};
    untold.add(name);
    const told = await attempt('pods not told', node, async () => {
      const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${name}` });
      await Promise.all(items.filter(isPodReady).map(markNotReady));
    });
    if (told) untold.delete(name);
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

  /** When none is ready, all are reachable again as far as pods are concerned; when one is, all others are given their time anew. */
  async function handleDisruption(counts: ReadonlyMap<string, ZoneCount>, all: readonly Node[]): Promise<void> {
    for (const [zone, { ready, notReady: silent }] of counts) report(zone, ready + silent, silent);
    for (const zone of counted.keys()) if (!counts.has(zone)) report(zone, 0, 0);
    counted = counts;
    const change = zones.settle(counts);
    if (change === 'left') healths.renewAll();
    if (change === 'entered') for (const node of all) await markReachable(node);
  }

  function report(zone: string, size: number, silent: number): void {
    metrics.set('node_collector_zone_size', [zone], size);
    metrics.set('node_collector_unhealthy_nodes_in_zone', [zone], silent);
    metrics.set('node_collector_zone_health', [zone], size === 0 ? 100 : (100 * (size - silent)) / size);
  }

  async function syncNoSchedule(node: Node): Promise<void> {
    const wanted = noScheduleKeys(node);
    const timeAdded = timeText(clock.now());
    const add = wanted.map((key) => ({ key, effect: 'NoSchedule', timeAdded }));
    const remove = ownNoSchedule.filter((key) => !wanted.includes(key)).map((key) => ({ key, effect: 'NoSchedule' }));
    await changeTaints(client, clock, node, add, remove);
  }

  async function syncLabels(node: Node): Promise<void> {
    const labels: Record<string, string> = {};
    for (const [primary, secondary] of betaLabels) {
      const value = node.metadata?.labels?.[primary];
      if (value !== undefined && node.metadata?.labels?.[secondary] !== value) labels[secondary] = value;
    }
    if (Object.keys(labels).length === 0) return;
    await client.patch(nodes, { name: node.metadata?.name ?? '' }, 'merge', { metadata: { labels } });
  }

  /** The next look comes its period after this one has ended. */
  function lookAgainAndAgain(): void {
    void monitor().then(() => {
      if (signal.aborted) return;
      clock.after(settings.nodeMonitorPeriodMs ?? monitorPeriodMs, lookAgainAndAgain, { background: true });
    }, failed);
  }

  return {
    start() {
      for (const node of nodeLister.list()) {
        const ready = readiness(node);
        if (ready !== undefined && ready !== 'True') untold.add(node.metadata?.name ?? '');
      }
      signal.addEventListener('abort', () => zones.stop(), { once: true });
      lookAgainAndAgain();
    },
    async reconcile(name) {
      const node = nodeLister.get(undefined, name);
      if (node === undefined) return undefined;
      try {
        await syncNoSchedule(node);
        await syncLabels(node);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  };
}

function noScheduleKeys(node: Node): string[] {
  const keys = (node.status?.conditions ?? []).flatMap(({ type, status }) => conditionTaints[type]?.[status] ?? []);
  return node.spec?.unschedulable === true ? [...keys, unschedulable] : keys;
}
