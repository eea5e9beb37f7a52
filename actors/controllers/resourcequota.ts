/**
 * resourcequota-controller: adds up what is there of everything that a ResourceQuota limits, when the quota is new or changed,
 * when something goes, and every five minutes. What comes is charged by the admission plugin at once.
 *
 * @see kubernetes/pkg/controller/resourcequota/resource_quota_controller.go
 */
import {
  isNotFound,
  type PersistentVolumeClaim,
  type Pod,
  type ResourceQuota,
  type Service,
} from '../../src/api/index.ts';
import {
  deviceClasses,
  type Informer,
  type KubernetesObject,
  pods,
  type Resource,
  resourceClaims,
  resourceQuotas,
} from '../../src/client/index.ts';
import {
  type Amounts,
  addAmounts,
  type ControllerDefinition,
  type ControllerDependencies,
  countedResourcesOf,
  createResourceCatalog,
  type DeviceSurroundings,
  groupResourceText,
  isTerminatingPod,
  keyFor,
  podCounts,
  quotaSelects,
  quotaUsageOf,
  type Reconciler,
  resourceClaimsText,
  semanticallyEqual,
  splitKey,
} from '../../src/controller/index.ts';

/** Every quota is added up anew this often. */
const resyncMs = 300_000;

export const resourceQuotaController: ControllerDefinition = {
  name: 'resourcequota-controller',
  queue: 'resourcequota_primary',
  serviceAccount: 'resourcequota-controller',
  create: createReconciler,
};

/** What of a claim's status counts: its volume may shrink back, and come to another class. */
const taken = ({ spec, status }: PersistentVolumeClaim) => [
  status?.allocatedResources,
  spec?.volumeAttributesClassName,
  status?.currentVolumeAttributesClassName,
  status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
];

/** What a pod and its containers were given and have, which changes when they are resized, and whether they can be. */
const allocated = ({ status }: Pod) => [
  status?.containerStatuses?.map(({ allocatedResources, resources }) => [allocatedResources, resources]),
  [status?.allocatedResources, status?.resources],
  status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason,
];

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, enqueue, informers, observe } = dependencies;
  const quotaLister = dependencies.lister(resourceQuotas);
  const catalog = createResourceCatalog(dependencies);
  /** Informers start when the first quota names their resource. */
  const followed = new Set<string>();
  /** Looked at only where a quota is about devices. */
  const surroundings: DeviceSurroundings = {
    classes: () => informers.informer(deviceClasses).lister.list(),
    podOf: (namespace, name) => informers.informer(pods).lister.get(namespace, name),
    claimsIn: (namespace) => informers.informer(resourceClaims).lister.list(namespace),
  };

  observe(resourceQuotas, (change) => {
    // Admission charges a quota before there is what it is charged for: counting at that moment would give it back.
    const isCharge =
      change.type === 'updated' && semanticallyEqual(change.object.spec?.hard ?? {}, change.previous.spec?.hard ?? {});
    if (!isCharge) enqueue(keyFor(change.object));
  });

  function resourceNamed(text: string): Resource | undefined {
    return catalog.all().find((resource) => resource.namespaced && groupResourceText(resource) === text);
  }

  /** Whether an update may change what the object uses, other than by a request that admission has charged. */
  function frees(text: string, object: KubernetesObject, previous: KubernetesObject): boolean {
    if (text === 'services') return (object as Service).spec?.type !== (previous as Service).spec?.type;
    if (text === 'persistentvolumeclaims') return !semanticallyEqual(taken(object), taken(previous));
    if (text !== 'pods') return false;
    const nowMs = context.clock.now();
    if (!podCounts(object as Pod, nowMs)) return podCounts(previous as Pod, nowMs);
    if (isTerminatingPod(object as Pod) !== isTerminatingPod(previous as Pod)) return true;
    return !semanticallyEqual(allocated(object), allocated(previous));
  }

  function follow(text: string, resource: Resource): void {
    if (followed.has(text)) return;
    followed.add(text);
    const subscription = informers.informer(resource).changes$.subscribe((change) => {
      const freed =
        change.type === 'deleted' || (change.type === 'updated' && frees(text, change.object, change.previous));
      if (!freed) return;
      for (const quota of quotaLister.list(change.object.metadata?.namespace)) {
        const hard = Object.keys(quota.spec?.hard ?? {});
        if (hard.some((name) => countedResourcesOf(name, surroundings).includes(text))) enqueue(keyFor(quota));
      }
    });
    context.signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  }

  async function synced<Type extends KubernetesObject>(resource: Resource<Type>): Promise<Informer<Type>> {
    const informer = informers.informer(resource);
    if (!informer.hasSynced) await informer.synced();
    return informer;
  }

  /** Usage of everything that the quota limits. */
  async function usageUnder(quota: ResourceQuota): Promise<Amounts> {
    const { hard = {} } = quota.spec ?? {};
    const nowMs = context.clock.now();
    const total: Amounts = {};
    const counted = new Map<string, string[]>();
    // What pods request may be devices of a class, which claims ask for, too.
    const isDevice = (name: string) => name.startsWith('requests.') && name.includes('/');
    if (Object.keys(hard).some(isDevice) && catalog.byGroupKind(deviceClasses.group, deviceClasses.kind)) {
      await synced(deviceClasses);
    }
    for (const name of Object.keys(hard)) {
      for (const text of countedResourcesOf(name, surroundings)) {
        counted.set(text, [...(counted.get(text) ?? []), name]);
      }
    }
    // What nothing here counts keeps the usage that others have written, if any.
    const used: Amounts = Object.fromEntries(
      Object.entries(quota.status?.used ?? {}).filter(([name]) => hard[name] !== undefined),
    );
    for (const [text, names] of counted) {
      const resource = resourceNamed(text);
      if (resource === undefined) continue;
      follow(text, resource);
      const { lister } = await synced(resource);
      if (text === resourceClaimsText) await Promise.all([synced(deviceClasses), synced(pods)]);
      for (const object of lister.list(quota.metadata?.namespace)) {
        if (quotaSelects(quota, text, object)) addAmounts(total, quotaUsageOf(text, object, nowMs, surroundings));
      }
      for (const name of names) used[name] = total[name] ?? '0';
    }
    return used;
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const quota = quotaLister.get(namespace, name);
      if (quota === undefined) return undefined;
      const status = { hard: { ...quota.spec?.hard }, used: await usageUnder(quota) };
      if (!semanticallyEqual({ hard: quota.status?.hard ?? {}, used: quota.status?.used ?? {} }, status)) {
        try {
          await client.update(resourceQuotas, { ...quota, status }, { subresource: 'status' });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }
      return { requeueAfterMs: resyncMs, background: true };
    },
  };
}
