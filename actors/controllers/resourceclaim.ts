/**
 * resourceclaim-controller: makes the claims of pods that name a template, gives back the devices of pods that have ended, and
 * deletes the claims that were made for them. Claims are keyed `claim:<key>`, pods `pod:<key>`.
 *
 * @see kubernetes/pkg/controller/resourceclaim/controller.go
 */
import {
  isNotFound,
  type Pod,
  type PodResourceClaim,
  type PodResourceClaimStatus,
  type ResourceClaim,
} from '../../src/api/index.ts';
import { keyOf, pods, type Resource, resourceClaims, resourceClaimTemplates } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  collectCounts,
  controllerMetrics,
  controllerReferenceTo,
  countedClaims,
  isPodFinished,
  keyFor,
  messageOf,
  type Reconciler,
  splitKey,
} from '../../src/controller/index.ts';

const finalizer = 'resource.kubernetes.io/delete-protection';
const podClaimAnnotation = 'resource.kubernetes.io/pod-claim-name';
const templateIndex = 'pods-by-claim-template';
const claimNameIndex = 'pods-by-claim';
const reservationsMax = 256;
/** As many as upstream remembers. */
const deletedMax = 500;
/** So that a dash and five random characters make a name of 63 with it. */
const prefixMax = 57;
const ownerIndex = 'claims-by-owner';

export const resourceClaimController: ControllerDefinition = {
  name: 'resourceclaim-controller',
  queue: 'resource_claim',
  component: 'resource_claim',
  serviceAccount: 'resource-claim-controller',
  interests: [{ resource: pods, interest: 'claiming' }],
  create: createReconciler,
};

/** Whether the pod needs its devices no more: it has ended, or was deleted before it came to a node. */
function isDone(pod: Pod): boolean {
  return isPodFinished(pod) || (pod.metadata?.deletionTimestamp !== undefined && !pod.spec?.nodeName);
}

/** The name of the claim behind an entry of the pod; undefined while it is not made. */
function claimNameOf(pod: Pod, entry: PodResourceClaim): string | undefined {
  if (entry.resourceClaimName !== undefined) return entry.resourceClaimName;
  return pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name)?.resourceClaimName;
}

/** Long names are both cut, by the same part, so that something of each is left. */
function prefixOf(podName: string, entryName: string): string {
  const whole = `${podName}-${entryName}-`;
  if (whole.length <= prefixMax) return whole;
  const cut = (text: string) => text.slice(0, Math.floor((text.length * prefixMax) / whole.length));
  return `${cut(podName)}-${cut(entryName)}`;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, enqueue, events } = dependencies;
  const metrics = controllerMetrics(dependencies.context.metrics, 'resourceclaim_controller_');
  const podLister = dependencies.lister(pods);
  const claimLister = dependencies.lister(resourceClaims);
  const templateLister = dependencies.lister(resourceClaimTemplates);
  collectCounts(dependencies.context.metrics, 'resourceclaim_controller_', () => countedClaims(claimLister.list()));
  dependencies.index(pods, templateIndex, (pod) =>
    (pod.spec?.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName }) =>
      resourceClaimTemplateName === undefined ? [] : [`${pod.metadata?.namespace}/${resourceClaimTemplateName}`],
    ),
  );
  dependencies.index(pods, claimNameIndex, (pod) =>
    (pod.spec?.resourceClaims ?? []).flatMap((entry) => {
      const name = claimNameOf(pod, entry);
      return name === undefined ? [] : [`${pod.metadata?.namespace}/${name}`];
    }),
  );
  dependencies.index(resourceClaims, ownerIndex, ({ metadata }) =>
    (metadata?.ownerReferences ?? []).map(({ uid }) => uid),
  );
  /** Uids of pods that were seen to go: nobody has to be asked whether these are still there. */
  const deleted = new Set<string>();
  function remember(uid: string): void {
    deleted.add(uid);
    const [oldest] = deleted;
    if (deleted.size > deletedMax && oldest !== undefined) deleted.delete(oldest);
  }
  dependencies.observe(pods, ({ type, object: pod }) => {
    const entries = pod.spec?.resourceClaims;
    if (entries === undefined || entries.length === 0) return;
    if (type === 'deleted') remember(pod.metadata?.uid ?? '');
    else enqueue(`pod:${keyFor(pod)}`);
    if (type !== 'deleted' && !isDone(pod)) return;
    for (const entry of entries) {
      const name = claimNameOf(pod, entry);
      if (name !== undefined) enqueue(`claim:${pod.metadata?.namespace}/${name}`);
    }
  });
  /** Names of claims that the cache does not show yet, by uid of the pod and name of the entry. */
  const justMade = new Map<string, string>();
  dependencies.observe(resourceClaims, ({ type, object: claim }) => {
    if (type !== 'deleted') enqueue(`claim:${keyFor(claim)}`);
    for (const pod of podLister.byIndex(claimNameIndex, keyFor(claim))) enqueue(`pod:${keyFor(pod)}`);
    const owner = ownerOf(claim);
    if (owner === undefined) return;
    justMade.delete(`${owner.uid}/${claim.metadata?.annotations?.[podClaimAnnotation]}`);
    enqueue(`pod:${claim.metadata?.namespace}/${owner.name}`);
  });
  dependencies.observe(resourceClaimTemplates, ({ type, object }) => {
    if (type !== 'added') return;
    for (const pod of podLister.byIndex(templateIndex, keyFor(object))) enqueue(`pod:${keyFor(pod)}`);
  });

  function ownerOf(claim: ResourceClaim) {
    return claim.metadata?.ownerReferences?.find(({ kind, controller }) => kind === 'Pod' && controller === true);
  }

  /** The claim that was made for this entry, whether or not the pod's status says so yet. */
  function madeFor(pod: Pod, entry: PodResourceClaim): ResourceClaim | undefined {
    return claimLister
      .byIndex(ownerIndex, pod.metadata?.uid ?? '')
      .find(
        (claim) =>
          ownerOf(claim)?.uid === pod.metadata?.uid &&
          claim.metadata?.annotations?.[podClaimAnnotation] === entry.name &&
          claim.metadata?.deletionTimestamp === undefined,
      );
  }

  /** @throws Error when there is no such template */
  async function makeClaim(pod: Pod, entry: PodResourceClaim): Promise<string> {
    const existing = madeFor(pod, entry);
    if (existing !== undefined) return existing.metadata?.name ?? '';
    const id = `${pod.metadata?.uid}/${entry.name}`;
    const made = justMade.get(id);
    if (made !== undefined) return made;
    const { namespace, name } = pod.metadata ?? {};
    const template = templateLister.get(namespace, entry.resourceClaimTemplateName ?? '');
    if (template === undefined) {
      const text = `resourceclaimtemplate.resource.k8s.io "${entry.resourceClaimTemplateName}" not found`;
      throw new Error(`resource claim template "${entry.resourceClaimTemplateName}": ${text}`);
    }
    const { labels, annotations } = template.spec.metadata ?? {};
    const claim = await createClaim({
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: {
        generateName: prefixOf(name ?? '', entry.name),
        namespace,
        ...(labels === undefined ? {} : { labels }),
        annotations: { ...annotations, [podClaimAnnotation]: entry.name },
        ownerReferences: [controllerReferenceTo(pod, pods as Resource)],
      },
      spec: template.spec.spec,
    });
    const claimName = claim.metadata?.name ?? '';
    if (claimLister.get(namespace, claimName) === undefined) justMade.set(id, claimName);
    return claimName;
  }

  async function createClaim(claim: ResourceClaim): Promise<ResourceClaim> {
    const admin = claim.spec.devices?.requests?.some(({ exactly }) => exactly?.adminAccess === true) ?? false;
    try {
      const created = await client.create(resourceClaims, claim);
      metrics.count('resourceclaim_controller_creates_total', ['success', `${admin}`]);
      return created;
    } catch (error) {
      metrics.count('resourceclaim_controller_creates_total', ['failure', `${admin}`]);
      // Its name was not given yet: upstream leaves a gap there.
      throw new Error(`create ResourceClaim : ${messageOf(error)}`, { cause: error });
    }
  }

  /** A pod that came to its node past the scheduler reserves the claims that are allocated. */
  async function reserve(pod: Pod, statuses: readonly PodResourceClaimStatus[]): Promise<void> {
    if (!pod.spec?.nodeName) return;
    const { name = '', namespace, uid = '' } = pod.metadata ?? {};
    for (const entry of pod.spec.resourceClaims ?? []) {
      const made = statuses.find((status) => status.name === entry.name)?.resourceClaimName;
      const claim = claimLister.get(namespace, entry.resourceClaimName ?? made ?? '');
      const reservedFor = claim?.status?.reservedFor ?? [];
      if (claim?.status?.allocation === undefined || reservedFor.some((other) => other.uid === uid)) continue;
      if (reservedFor.length >= reservationsMax) continue;
      const status = { ...claim.status, reservedFor: [...reservedFor, { resource: 'pods', name, uid }] };
      await client.update(resourceClaims, { ...claim, status } as ResourceClaim, { subresource: 'status' });
    }
  }

  async function syncPod(pod: Pod): Promise<void> {
    if (pod.metadata?.deletionTimestamp !== undefined || isDone(pod)) return;
    const known = pod.status?.resourceClaimStatuses ?? [];
    const statuses = [...known];
    for (const entry of pod.spec?.resourceClaims ?? []) {
      if (entry.resourceClaimTemplateName === undefined) continue;
      const current = statuses.find(({ name }) => name === entry.name)?.resourceClaimName;
      if (current !== undefined && claimLister.get(pod.metadata?.namespace, current) !== undefined) continue;
      try {
        const resourceClaimName = await makeClaim(pod, entry);
        const at = statuses.findIndex(({ name }) => name === entry.name);
        const status = { name: entry.name, resourceClaimName };
        if (at < 0) statuses.push(status);
        else statuses[at] = status;
      } catch (error) {
        const message = `PodResourceClaim ${entry.name}: ${messageOf(error)}`;
        events.event(pod, 'Warning', 'FailedResourceClaimCreation', message);
        throw new Error(message, { cause: error });
      }
    }
    const same = statuses.length === known.length && statuses.every((status, at) => status === known[at]);
    if (!same) {
      const patch = { status: { resourceClaimStatuses: statuses } };
      await client.patch(pods, keyOf(pod), 'strategic', patch, { subresource: 'status' });
    }
    await reserve(pod, statuses);
  }

  /** Whether a reservation still means a pod that runs or will run. */
  async function stands(namespace: string | undefined, name: string, uid: string): Promise<boolean> {
    if (deleted.has(uid)) return false;
    let pod = podLister.get(namespace, name);
    if (pod?.metadata?.uid !== uid) {
      try {
        pod = await client.get(pods, { namespace, name });
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    }
    return pod.metadata?.uid === uid && !isDone(pod);
  }

  async function syncClaim(claim: ResourceClaim): Promise<void> {
    const { namespace, name = '', deletionTimestamp } = claim.metadata ?? {};
    const reservations = claim.status?.reservedFor ?? [];
    const valid: typeof reservations = [];
    for (const reservation of reservations) {
      const foreign = (reservation.apiGroup ?? '') !== '' || reservation.resource !== 'pods';
      if (foreign || (await stands(namespace, reservation.name, reservation.uid))) valid.push(reservation);
    }
    let current = claim;
    const built = claim.metadata?.finalizers?.includes(finalizer) === true;
    const unused = valid.length === 0 && claim.status?.allocation !== undefined && built;
    const given = valid.length < reservations.length;
    if (given || (unused && deletionTimestamp !== undefined)) {
      const { allocation, reservedFor: _all, devices, ...rest } = claim.status ?? {};
      const kept = unused ? {} : { allocation, devices };
      const status = { ...rest, ...kept, ...(valid.length === 0 ? {} : { reservedFor: valid }) };
      current = await client.update(resourceClaims, { ...claim, status } as ResourceClaim, { subresource: 'status' });
    }
    const free = current.status?.allocation === undefined && (given || deletionTimestamp !== undefined);
    const finalizers = current.metadata?.finalizers ?? [];
    if (free && valid.length === 0 && finalizers.includes(finalizer)) {
      const metadata = { ...current.metadata, finalizers: finalizers.filter((other) => other !== finalizer) };
      current = await client.update(resourceClaims, { ...current, metadata });
    }
    const owner = ownerOf(claim);
    if (owner === undefined || deletionTimestamp !== undefined || valid.length > 0) return;
    const pod = podLister.get(namespace, owner.name);
    // Pods that are gone are the garbage collector's business.
    if (pod === undefined || (pod.metadata?.uid === owner.uid && !isDone(pod))) return;
    await client.delete(resourceClaims, { namespace, name }, { preconditions: { uid: claim.metadata?.uid ?? '' } });
  }

  return {
    async reconcile(key) {
      const [what, rest = ''] = key.split(':');
      const { namespace, name } = splitKey(rest);
      try {
        if (what === 'pod') {
          const pod = podLister.get(namespace, name);
          if (pod !== undefined) await syncPod(pod);
        } else {
          const claim = claimLister.get(namespace, name);
          if (claim !== undefined) await syncClaim(claim);
        }
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  };
}
