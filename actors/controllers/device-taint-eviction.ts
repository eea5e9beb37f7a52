/**
 * device-taint-eviction-controller: deletes pods whose devices have a NoExecute taint that their claim does not tolerate, at
 * once or when the shortest of the tolerationSeconds is over. Keyed by pod.
 *
 * @see kubernetes/pkg/controller/devicetainteviction/device_taint_eviction.go
 */
import type { Pod, ResourceClaim } from '../../src/api/index.ts';
import { pods, resourceClaims, resourceSlices } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  disrupt,
  isPodFinished,
  keyFor,
  type Reconciler,
  splitKey,
  timeMs,
  tolerates,
} from '../../src/controller/index.ts';

const claimIndex = 'resource-claims';
const poolIndex = 'pool';

export const deviceTaintEvictionController: ControllerDefinition = {
  name: 'device-taint-eviction-controller',
  interests: [{ resource: pods, interest: 'claiming' }],
  create: createReconciler,
};

type Results = NonNullable<NonNullable<NonNullable<ResourceClaim['status']>['allocation']>['devices']>['results'];

const resultsOf = (claim: ResourceClaim | undefined): NonNullable<Results> =>
  claim?.status?.allocation?.devices?.results ?? [];

const poolsOf = (claim: ResourceClaim): readonly string[] => [
  ...new Set(resultsOf(claim).map(({ driver, pool }) => `${driver}/${pool}`)),
];

/** The claims of a pod, by name, as far as they are made. */
function claimsOf({ metadata, spec, status }: Pod): readonly string[] {
  return (spec?.resourceClaims ?? []).flatMap(({ name, resourceClaimName }) => {
    const claim =
      resourceClaimName ?? status?.resourceClaimStatuses?.find((each) => each.name === name)?.resourceClaimName;
    return claim === undefined ? [] : `${metadata?.namespace}/${claim}`;
  });
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, enqueue, events } = dependencies;
  const { clock } = context;
  const slices = dependencies.lister(resourceSlices);
  const claims = dependencies.lister(resourceClaims);
  dependencies.index(resourceSlices, poolIndex, ({ spec }) => [`${spec.driver}/${spec.pool.name}`]);
  dependencies.index(resourceClaims, poolIndex, poolsOf);
  /** Pods are followed only from the first tainted device on: most clusters have none. */
  let follows = false;

  dependencies.observe(resourceSlices, (change) => {
    const { driver, pool } = change.object.spec;
    const devices = change.object.spec.devices ?? [];
    const before = change.type === 'updated' ? (change.previous.spec.devices ?? []) : [];
    const isTainted = ({ taints }: { taints?: unknown[] | undefined }) => (taints?.length ?? 0) > 0;
    if (![...devices, ...before].some(isTainted)) return;
    if (!follows) follow();
    for (const claim of claims.byIndex(poolIndex, `${driver}/${pool.name}`)) enqueueUsers(claim);
  });
  dependencies.observe(resourceClaims, ({ object }) => {
    if (follows) enqueueUsers(object);
  });

  function follow(): void {
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

  /** Pods, by uid, that were seen to be due later. */
  const scheduled = new Set<string>();

  /** A device of the pool as the newest of its slices say; slices of an earlier generation count no more. */
  function deviceOf({ driver, pool, device }: NonNullable<Results>[number]) {
    const all = slices.byIndex(poolIndex, `${driver}/${pool}`);
    const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
    return all
      .filter(({ spec }) => spec.pool.generation === newest)
      .flatMap(({ spec }) => spec.devices ?? [])
      .find(({ name }) => name === device);
  }

  /** When the pod must go, in milliseconds since the epoch; undefined when it may stay. */
  function evictionMs(pod: Pod): number | undefined {
    let earliest: number | undefined;
    for (const key of claimsOf(pod)) {
      const { namespace, name } = splitKey(key);
      const claim = claims.get(namespace, name);
      // Of a claim that others use, or that is left from an earlier pod of this name, its devices say nothing.
      if (claim?.status?.reservedFor?.some(({ uid }) => uid === pod.metadata?.uid) !== true) continue;
      for (const result of resultsOf(claim)) {
        const { tolerations = [] } = result;
        const found = deviceOf(result);
        for (const taint of found?.taints ?? []) {
          if (taint.effect !== 'NoExecute') continue;
          const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
          const limits = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
          if (limits.length < matching.length) continue;
          const stayMs = matching.length === 0 ? 0 : Math.max(0, Math.min(...limits)) * 1000;
          const dueMs = timeMs(taint.timeAdded) + stayMs;
          earliest = Math.min(earliest ?? dueMs, dueMs);
        }
      }
    }
    return earliest;
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      await dependencies.synced();
      const pod = podLister().get(namespace, name);
      if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined || isPodFinished(pod)) return undefined;
      const { uid = '' } = pod.metadata ?? {};
      const dueMs = pod.spec?.nodeName ? evictionMs(pod) : undefined;
      if (dueMs === undefined) {
        if (scheduled.delete(uid)) events.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Cancelling deletion');
        return undefined;
      }
      const leftMs = dueMs - clock.now();
      if (leftMs > 0) {
        scheduled.add(uid);
        return { requeueAfterMs: leftMs, background: true };
      }
      scheduled.delete(uid);
      events.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Marking for deletion');
      const message = 'Device Taint manager: deleting due to NoExecute taint';
      await disrupt(client, pod, clock.now(), { reason: 'DeletionByDeviceTaintManager', message });
      return undefined;
    },
  };
}
