/**
 * device-taint-eviction-controller: deletes pods whose devices have a NoExecute taint that their claim does not tolerate, at
 * once or when the shortest of the tolerationSeconds is over. Taints are those that drivers publish and, where they are served,
 * those of DeviceTaintRules, whose status says what is left to do, or what would be. Keys are pods, and names of rules.
 *
 * @see kubernetes/pkg/controller/devicetainteviction/device_taint_eviction.go
 */
import {
  type Device,
  isDeviceSelected,
  isNotFound,
  type Pod,
  type ResourceClaim,
  type ResourceV1beta2DeviceTaintRule,
} from '../../src/api/index.ts';
import { deviceTaintRules, pods, resourceClaims, resourceSlices } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  conditionOf,
  controllerMetrics,
  disrupt,
  evictionCondition,
  keyFor,
  type ReconcileResult,
  type Reconciler,
  servedVersion,
  splitKey,
  timeMs,
  timeText,
  tolerates,
} from '../../src/controller/index.ts';

const name = 'device-taint-eviction-controller';
const claimIndex = 'resource-claims';
const poolIndex = 'pool';
/** The status of a rule is written no oftener than this while its spec is the same. */
const statusPeriodMs = 10_000;

export const deviceTaintEvictionController: ControllerDefinition = {
  name: 'device-taint-eviction-controller',
  interests: [{ resource: pods, interest: 'claiming' }],
  create: createReconciler,
};

type Rule = ResourceV1beta2DeviceTaintRule;
type Results = NonNullable<NonNullable<NonNullable<ResourceClaim['status']>['allocation']>['devices']>['results'];
type Result = NonNullable<Results>[number];
type Taint = NonNullable<Device['taints']>[number];

/** When a pod must go, and the rules that are among the reasons. */
interface Eviction {
  readonly dueMs: number;
  readonly rules: readonly Rule[];
}

const resultsOf = (claim: ResourceClaim | undefined): NonNullable<Results> =>
  claim?.status?.allocation?.devices?.results ?? [];

const poolsOf = (claim: ResourceClaim): readonly string[] => [
  ...new Set(resultsOf(claim).map(({ driver, pool }) => `${driver}/${pool}`)),
];

const isEvicting = ({ spec }: Rule) => spec.taint.effect === 'NoExecute';

/** The claims of a pod, by name, as far as they are made. */
function claimsOf({ metadata, spec, status }: Pod): readonly string[] {
  return (spec?.resourceClaims ?? []).flatMap((entry) => {
    const claim =
      entry.resourceClaimName ??
      status?.resourceClaimStatuses?.find((each) => each.name === entry.name)?.resourceClaimName;
    return claim === undefined ? [] : `${metadata?.namespace}/${claim}`;
  });
}

/** When the taint ends the use of a device by who has these tolerations; undefined when it never does. */
function dueMsOf(taint: Taint, tolerations: Result['tolerations']): number | undefined {
  const matching = (tolerations ?? []).filter(
    (toleration) => toleration.effect === 'NoExecute' && tolerates(toleration, taint),
  );
  const limits = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  if (limits.length < matching.length) return undefined;
  const stayMs = matching.length === 0 ? 0 : Math.max(0, Math.min(...limits)) * 1000;
  return timeMs(taint.timeAdded) + stayMs;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, enqueue, enqueueAfter, events } = dependencies;
  const { clock } = context;
  const metrics = controllerMetrics(context.metrics, 'device_taint_eviction_controller_');
  const slices = dependencies.lister(resourceSlices);
  const claims = dependencies.lister(resourceClaims);
  dependencies.index(resourceSlices, poolIndex, ({ spec }) => [`${spec.driver}/${spec.pool.name}`]);
  dependencies.index(resourceClaims, poolIndex, poolsOf);
  /** Pods are followed only from the first tainted device or rule on: most clusters have none. */
  let follows = false;

  dependencies.observe(resourceSlices, (change) => {
    const { driver, pool } = change.object.spec;
    const devices = change.object.spec.devices ?? [];
    const before = change.type === 'updated' ? (change.previous.spec.devices ?? []) : [];
    const isTainted = ({ taints }: { taints?: unknown[] | undefined }) => (taints?.length ?? 0) > 0;
    if (![...devices, ...before].some(isTainted)) return;
    follow();
    for (const claim of claims.byIndex(poolIndex, `${driver}/${pool.name}`)) enqueueUsers(claim);
  });
  dependencies.observe(resourceClaims, ({ object }) => {
    if (follows) enqueueUsers(object);
  });

  const served = servedVersion(deviceTaintRules, dependencies.settings.runtimeConfig);
  const rules = served === undefined ? undefined : dependencies.lister(served);
  /** Pods that were evicted because of a rule, by its uid, since the start. */
  const evicted = new Map<string, number>();
  if (served !== undefined) {
    dependencies.observe(served, (change) => {
      const { object } = change;
      if (change.type === 'updated' && change.previous.metadata?.generation === object.metadata?.generation) return;
      follow();
      if (change.type === 'deleted') evicted.delete(object.metadata?.uid ?? '');
      else enqueue(object.metadata?.name ?? '');
      const changed = change.type === 'updated' ? [change.previous, object] : [object];
      for (const rule of changed) if (isEvicting(rule)) for (const claim of claimsWith(rule)) enqueueUsers(claim);
    });
  }

  function follow(): void {
    if (follows) return;
    follows = true;
    dependencies.index(pods, claimIndex, claimsOf);
    dependencies.observe(pods, ({ type, object }) => {
      if (type === 'deleted') scheduled.delete(object.metadata?.uid ?? '');
      else if ((object.spec?.resourceClaims?.length ?? 0) > 0) enqueue(keyFor(object));
    });
  }

  const podLister = () => dependencies.lister(pods);

  function enqueueUsers(claim: ResourceClaim): void {
    for (const pod of podLister().byIndex(claimIndex, keyFor(claim))) enqueue(keyFor(pod));
  }

  const claimsWith = ({ spec }: Rule): ResourceClaim[] =>
    claims.list().filter((claim) => resultsOf(claim).some((result) => isDeviceSelected(spec.deviceSelector, result)));

  /** Pods, by uid, that were seen to be due later. */
  const scheduled = new Set<string>();

  /** The slices of a pool that count: those of an earlier generation do no more. */
  function newestOf(pool: string) {
    const all = slices.byIndex(poolIndex, pool);
    const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
    return all.filter(({ spec }) => spec.pool.generation === newest);
  }

  function taintsOf({ driver, pool, device }: Result): readonly Taint[] {
    const found = newestOf(`${driver}/${pool}`)
      .flatMap(({ spec }) => spec.devices ?? [])
      .find((one) => one.name === device);
    return (found?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
  }

  /** Whether and why the pod must go, if these rules, and no others, evict. */
  function evictionOf(pod: Pod, evicting: readonly Rule[]): Eviction | undefined {
    let dueMs: number | undefined;
    const reasons = new Set<Rule>();
    const add = (taint: Taint, { tolerations }: Result): boolean => {
      const taintMs = dueMsOf(taint, tolerations);
      if (taintMs !== undefined) dueMs = Math.min(dueMs ?? taintMs, taintMs);
      return taintMs !== undefined;
    };
    for (const key of pod.spec?.nodeName ? claimsOf(pod) : []) {
      const claimKey = splitKey(key);
      const claim = claims.get(claimKey.namespace, claimKey.name);
      // Of a claim that others use, or that is left from an earlier pod of this name, its devices say nothing.
      if (claim?.status?.reservedFor?.some(({ uid }) => uid === pod.metadata?.uid) !== true) continue;
      for (const result of resultsOf(claim)) {
        for (const taint of taintsOf(result)) add(taint, result);
        for (const rule of evicting) {
          const { deviceSelector, taint } = rule.spec;
          const isMeant = isDeviceSelected(deviceSelector, result);
          if (isMeant && add({ ...taint, effect: 'NoExecute' }, result)) reasons.add(rule);
        }
      }
    }
    return dueMs === undefined ? undefined : { dueMs, rules: [...reasons] };
  }

  const evictingRules = (): readonly Rule[] => rules?.list().filter(isEvicting) ?? [];

  /** About the pod as it was meant, whatever its version. */
  function tell({ metadata }: Pod, message: string): void {
    const { namespace, name: podName, uid } = metadata ?? {};
    const reference = { apiVersion: 'v1', kind: 'Pod', namespace, name: podName, uid };
    events.event(reference, 'Normal', 'DeviceTaintManagerEviction', message);
  }

  async function reconcilePod(key: string): Promise<ReconcileResult | undefined> {
    const { namespace, name: podName } = splitKey(key);
    const pod = podLister().get(namespace, podName);
    if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return undefined;
    const { uid = '' } = pod.metadata ?? {};
    const eviction = evictionOf(pod, evictingRules());
    if (eviction === undefined) {
      if (scheduled.delete(uid)) tell(pod, 'Cancelling deletion');
      return undefined;
    }
    if (!scheduled.has(uid)) for (const { metadata } of eviction.rules) enqueue(metadata?.name ?? '');
    const lateMs = clock.now() - eviction.dueMs;
    if (lateMs < 0) {
      scheduled.add(uid);
      return { requeueAfterMs: -lateMs, background: true };
    }
    scheduled.delete(uid);
    tell(pod, 'Marking for deletion');
    const message = 'Device Taint manager: deleting due to NoExecute taint';
    await disrupt(client, pod, clock.now(), { reason: 'DeletionByDeviceTaintManager', message });
    metrics.count('device_taint_eviction_controller_pod_deletions_total');
    metrics.observe('device_taint_eviction_controller_pod_deletion_duration_seconds', [], lateMs / 1000);
    for (const { metadata } of eviction.rules) {
      evicted.set(metadata?.uid ?? '', (evicted.get(metadata?.uid ?? '') ?? 0) + 1);
      // Not at once: the cache hears of what was written after a while.
      enqueueAfter(metadata?.name ?? '', statusPeriodMs, { background: true });
    }
    return undefined;
  }

  /** Pods that must go because of the rule, as if it evicted. */
  function pendingPods(rule: Rule): readonly Pod[] {
    const found = new Map<string, Pod>();
    for (const claim of claimsWith(rule)) {
      for (const pod of podLister().byIndex(claimIndex, keyFor(claim))) found.set(keyFor(pod), pod);
    }
    return [...found.values()].filter(
      (pod) => pod.metadata?.deletionTimestamp === undefined && (evictionOf(pod, [rule])?.rules.length ?? 0) > 0,
    );
  }

  /** Devices that the rule selects: those that drivers publish now, and those that claims have. */
  function selectedDevices({ spec }: Rule) {
    const pools = new Set(slices.list().map((slice) => `${slice.spec.driver}/${slice.spec.pool.name}`));
    const isMeant = (device: Result) => isDeviceSelected(spec.deviceSelector, device);
    const published = [...pools]
      .flatMap(newestOf)
      .flatMap(({ spec: { driver, pool, devices = [] } }) =>
        devices.filter((device) =>
          isDeviceSelected(spec.deviceSelector, { driver, pool: pool.name, device: device.name }),
        ),
      );
    const allocated = claims.list().flatMap((claim) => resultsOf(claim).filter(isMeant));
    return { published: published.length, allocated: allocated.length };
  }

  async function reconcileRule(ruleName: string): Promise<ReconcileResult | undefined> {
    const rule = rules?.get(undefined, ruleName);
    if (rule === undefined || served === undefined) return undefined;
    const { uid = '', generation } = rule.metadata ?? {};
    const current = conditionOf(rule.status?.conditions, 'EvictionInProgress');
    const nowMs = clock.now();
    const sinceMs = nowMs - timeMs(current?.lastTransitionTime);
    if (current?.observedGeneration === generation && sinceMs < statusPeriodMs) {
      return { requeueAfterMs: statusPeriodMs - sinceMs, background: true };
    }
    const { effect } = rule.spec.taint;
    const condition = evictionCondition({
      effect,
      evicted: evicted.get(uid) ?? 0,
      pending: effect === 'NoExecute' || effect === 'None' ? pendingPods(rule) : [],
      selected: effect === 'None' ? selectedDevices(rule) : { published: 0, allocated: 0 },
    });
    const isSame =
      current?.observedGeneration === generation &&
      current?.status === condition.status &&
      current.reason === condition.reason &&
      current.message === condition.message;
    if (isSame) return undefined;
    const patch = {
      apiVersion: `${served.group}/${served.version}`,
      kind: served.kind,
      metadata: { name: ruleName, uid },
      status: { conditions: [{ ...condition, observedGeneration: generation, lastTransitionTime: timeText(nowMs) }] },
    };
    try {
      await client.patch(served, { name: ruleName }, 'apply', patch, {
        fieldManager: name,
        force: true,
        subresource: 'status',
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }

  return {
    async reconcile(key) {
      await dependencies.synced();
      return key.includes('/') ? reconcilePod(key) : reconcileRule(key);
    },
  };
}
