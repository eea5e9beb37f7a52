/**
 * persistentvolume-binder-controller: binds claims to volumes, releases and reclaims volumes whose claim is gone, and has
 * volumes provisioned. The provisioner {@link simulatedProvisioner} is served right here; all others are waited for.
 * Claims are keyed `namespace/name`, volumes by their name.
 *
 * @see kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go
 */
import {
  isNotFound,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type StorageClass,
} from '../../src/api/index.ts';
import {
  type KubernetesObject,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../../src/client/index.ts';
import {
  bestVolumeFor,
  betaStorageProvisioner,
  bindCompleted,
  boundByController,
  type ControllerDefinition,
  type ControllerDependencies,
  collectCounts,
  countedVolumes,
  differInMode,
  hasClassAnnotation,
  isPodTerminated,
  isReservedFor,
  keyFor,
  migratedDriver,
  mismatchOf,
  provisionedBy,
  type Reconciler,
  selectedNode,
  semanticallyEqual,
  splitKey,
  storageClassNameOf,
  storageProvisioner,
  volumeClaimIndex,
  volumeClaimsOf,
} from '../../src/controller/index.ts';

/** Storage classes with this provisioner get their volumes at once. */
export const simulatedProvisioner = 'simulated.kubehive.io';

/** What Kubernetes itself once provisioned; a class that names anything else of these is refused. */
const ownPrefix = 'kubernetes.io/';
/** Waits for the pods that name a claim to be scheduled are told of this late: most are scheduled at once. */
const waitPeriodMs = 15_000;
const defaultClassAnnotation = 'storageclass.kubernetes.io/is-default-class';
/** How large a volume was before it was enlarged, while the file system on it has not grown yet. */
const preResizeCapacity = 'volume.alpha.kubernetes.io/pre-resize-capacity';
const pendingIndex = 'pending-by-class';

export const persistentVolumeBinderController: ControllerDefinition = {
  name: 'persistentvolume-binder-controller',
  queue: 'claims',
  // Volumes have no namespace.
  queues: [{ name: 'volumes', takes: (key) => !key.includes('/') }],
  emits: ['ClaimLost', 'ClaimMisbound', 'WaitForFirstConsumer', 'WaitForPodScheduled'],
  component: 'persistentvolume-controller',
  serviceAccount: 'persistent-volume-binder',
  reconciles: persistentVolumeClaims,
  interests: [{ resource: pods, interest: 'claiming' }],
  // One at a time: two claims must not choose the same volume.
  workers: 1,
  create: createReconciler,
};

const isBindComplete = (claim: PersistentVolumeClaim) => claim.metadata?.annotations?.[bindCompleted] !== undefined;

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, enqueue, events } = dependencies;
  const claimLister = dependencies.lister(persistentVolumeClaims);
  const volumeLister = dependencies.lister(persistentVolumes);
  const classLister = dependencies.lister(storageClasses);
  const podLister = dependencies.lister(pods);
  collectCounts(dependencies.context.metrics, 'pv_collector_', () =>
    countedVolumes(volumeLister.list(), claimLister.list()),
  );
  dependencies.index(persistentVolumeClaims, pendingIndex, (claim) =>
    isBindComplete(claim) ? [] : [`/${storageClassNameOf(claim)}`],
  );

  dependencies.index(pods, volumeClaimIndex, volumeClaimsOf);

  dependencies.observe(persistentVolumeClaims, ({ object: claim }) => {
    if (claim.spec?.volumeName) enqueue(claim.spec.volumeName);
  });
  dependencies.observe(persistentVolumes, ({ object: volume }) => {
    enqueue(keyFor(volume));
    const reference = volume.spec?.claimRef;
    if (reference !== undefined) enqueue(`${reference.namespace}/${reference.name}`);
    else enqueuePending(storageClassNameOf(volume));
  });
  dependencies.observe(pods, ({ type, object: pod }) => {
    if (type !== 'added' || pod.spec?.nodeName) return;
    for (const key of volumeClaimsOf(pod)) {
      const { namespace, name } = splitKey(key);
      const claim = claimLister.get(namespace, name);
      if (claim === undefined || isBindComplete(claim)) continue;
      dependencies.enqueueAfter(key, waitPeriodMs, { background: true });
    }
  });
  dependencies.observe(storageClasses, ({ type, object }) => {
    if (type === 'deleted') return;
    enqueuePending(object.metadata?.name ?? '');
    if (object.metadata?.annotations?.[defaultClassAnnotation] === 'true') enqueuePending('');
  });

  function enqueuePending(className: string): void {
    for (const claim of claimLister.byIndex(pendingIndex, `/${className}`)) enqueue(keyFor(claim));
  }

  const classOf = (claim: PersistentVolumeClaim): StorageClass | undefined =>
    classLister.get(undefined, storageClassNameOf(claim));

  async function setClaimStatus(
    claim: PersistentVolumeClaim,
    phase: string,
    volume?: PersistentVolume,
  ): Promise<PersistentVolumeClaim> {
    const {
      accessModes: _modes,
      capacity: _capacity,
      currentVolumeAttributesClassName: _class,
      ...rest
    } = claim.status ?? {};
    // Once it is bound, what it has may differ from its volume: the file system is yet to grow, another class to be applied.
    const known =
      claim.status?.phase === phase ? { ...claim.status, accessModes: volume?.spec?.accessModes } : undefined;
    const status = { ...rest, ...(volume === undefined ? {} : (known ?? boundStatus(volume))), phase };
    if (semanticallyEqual(claim.status, status)) return claim;
    return client.update(persistentVolumeClaims, { ...claim, status } as PersistentVolumeClaim, {
      subresource: 'status',
    });
  }

  function boundStatus({ spec, metadata }: PersistentVolume) {
    const before = metadata?.annotations?.[preResizeCapacity];
    const name = spec?.volumeAttributesClassName;
    return {
      accessModes: spec?.accessModes,
      capacity: before === undefined ? spec?.capacity : { storage: before },
      ...(name === undefined ? {} : { currentVolumeAttributesClassName: name }),
    };
  }

  async function pend(claim: PersistentVolumeClaim): Promise<void> {
    await setClaimStatus(claim, 'Pending');
  }

  async function setVolumePhase(volume: PersistentVolume, phase: string, message = ''): Promise<PersistentVolume> {
    if (volume.status?.phase === phase && (volume.status.message ?? '') === message) return volume;
    const { lastPhaseTransitionTime } = volume.status ?? {};
    const status = { phase, ...(message === '' ? {} : { message }), lastPhaseTransitionTime };
    return client.update(persistentVolumes, { ...volume, status }, { subresource: 'status' });
  }

  async function bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const reserved = await reserve(volume, claim);
    const bound = await setVolumePhase(reserved, 'Bound');
    const annotations = { ...claim.metadata?.annotations };
    const spec = { ...claim.spec };
    if ((spec.volumeName ?? '') !== volume.metadata?.name) {
      spec.volumeName = volume.metadata?.name;
      annotations[boundByController] = 'yes';
    }
    annotations[bindCompleted] ??= 'yes';
    const wanted = { ...claim, metadata: { ...claim.metadata, annotations }, spec };
    const same = semanticallyEqual(claim.spec, spec) && semanticallyEqual(claim.metadata?.annotations, annotations);
    const updated = same ? claim : await client.update(persistentVolumeClaims, wanted);
    await setClaimStatus(updated, 'Bound', bound);
  }

  /** Writes the claim into the volume. */
  async function reserve(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<PersistentVolume> {
    if (volume.spec?.claimRef?.uid === claim.metadata?.uid && volume.spec?.claimRef !== undefined) return volume;
    const { name, namespace, uid, resourceVersion } = claim.metadata ?? {};
    const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', name, namespace, uid, resourceVersion };
    const annotations = { ...volume.metadata?.annotations };
    if (volume.spec?.claimRef === undefined) annotations[boundByController] = 'yes';
    const metadata = { ...volume.metadata, annotations };
    return client.update(persistentVolumes, { ...volume, metadata, spec: { ...volume.spec, claimRef } });
  }

  async function syncUnboundClaim(claim: PersistentVolumeClaim): Promise<void> {
    if (claim.spec?.volumeName) return syncNamedVolume(claim, claim.spec.volumeName);
    const storageClass = classOf(claim);
    const delays = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
    const volume = bestVolumeFor(claim, volumeLister.list(), delays);
    if (volume !== undefined) return bind(volume, claim);
    if (await assignDefaultClass(claim)) return;
    if (delays && claim.metadata?.annotations?.[selectedNode] === undefined) reportWait(claim);
    else if (storageClassNameOf(claim) !== '') return provision(claim, storageClass);
    else {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      events.event(about(claim), 'Normal', 'FailedBinding', message);
    }
    await pend(claim);
  }

  /** Pods that use the claim and are not done with it. */
  function usersOf(namespace: string | undefined, name: string | undefined): Pod[] {
    return podLister
      .byIndex(volumeClaimIndex, `${namespace}/${name}`)
      .filter((pod) => !isPodTerminated(pod))
      .sort((left, right) => ((left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1));
  }

  function reportWait(claim: PersistentVolumeClaim): void {
    const { namespace, name } = claim.metadata ?? {};
    const names = usersOf(namespace, name)
      .filter(({ spec }) => !spec?.nodeName)
      .map(({ metadata }) => metadata?.name);
    let [reason, message] = ['WaitForFirstConsumer', 'waiting for first consumer to be created before binding'];
    if (names.length > 0) {
      const pods = names.length > 1 ? 'pods' : 'pod';
      [reason, message] = ['WaitForPodScheduled', `waiting for ${pods} ${names.join(',')} to be scheduled`];
    }
    events.event(about(claim), 'Normal', reason, message);
  }

  async function syncNamedVolume(claim: PersistentVolumeClaim, volumeName: string): Promise<void> {
    const volume = volumeLister.get(undefined, volumeName);
    const reference = volume?.spec?.claimRef;
    if (volume === undefined) return pend(claim);
    if (reference === undefined) {
      const mismatch = mismatchOf(volume, claim);
      if (mismatch === undefined) return bind(volume, claim);
      const message = `Cannot bind to requested volume "${volumeName}": ${mismatch}`;
      events.event(about(claim), 'Warning', 'VolumeMismatch', message);
      return pend(claim);
    }
    if (isReservedFor(volume, claim)) return bind(volume, claim);
    const message = `volume "${volumeName}" already bound to a different claim.`;
    events.event(about(claim), 'Warning', 'FailedBinding', message);
    return pend(claim);
  }

  async function syncBoundClaim(claim: PersistentVolumeClaim): Promise<void> {
    const { volumeName } = claim.spec ?? {};
    const lose = async (reason: string, message: string) => {
      if (claim.status?.phase !== 'Lost') events.event(about(claim), 'Warning', reason, message);
      await setClaimStatus(claim, 'Lost');
    };
    if (!volumeName) {
      return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
    }
    const volume = volumeLister.get(undefined, volumeName);
    if (volume === undefined) {
      return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
    }
    const reference = volume.spec?.claimRef;
    if (reference === undefined || reference.uid === claim.metadata?.uid) return bind(volume, claim);
    return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
  }

  async function provision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Promise<void> {
    const className = storageClassNameOf(claim);
    if (storageClass === undefined) {
      const message = `storageclass.storage.k8s.io "${className}" not found`;
      events.event(about(claim), 'Warning', 'ProvisioningFailed', message);
      return pend(claim);
    }
    const provisioner = migratedDriver(storageClass.provisioner) ?? storageClass.provisioner;
    if (provisioner.startsWith(ownPrefix)) {
      const message = `no volume plugin matched name: ${provisioner}`;
      events.event(about(claim), 'Warning', 'ProvisioningFailed', message);
      return pend(claim);
    }
    let current = claim;
    const known = claim.metadata?.annotations ?? {};
    if (known[storageProvisioner] !== provisioner || known[betaStorageProvisioner] !== provisioner) {
      const annotations = { ...known, [storageProvisioner]: provisioner, [betaStorageProvisioner]: provisioner };
      current = await client.update(persistentVolumeClaims, {
        ...claim,
        metadata: { ...claim.metadata, annotations },
      });
    }
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    const ours = provisioner === simulatedProvisioner;
    if (ours && volumeLister.get(undefined, volumeNameFor(current)) !== undefined) return;
    events.event(about(current), 'Normal', 'ExternalProvisioning', message);
    if (ours) return createVolume(current, storageClass);
    await setClaimStatus(current, 'Pending');
  }

  async function createVolume(claim: PersistentVolumeClaim, storageClass: StorageClass): Promise<void> {
    const { name: claimName, namespace, uid, resourceVersion, deletionTimestamp } = claim.metadata ?? {};
    const name = volumeNameFor(claim);
    if (deletionTimestamp !== undefined) return;
    const claimRef = {
      kind: 'PersistentVolumeClaim',
      apiVersion: 'v1',
      name: claimName,
      namespace,
      uid,
      resourceVersion,
    };
    const { mountOptions, reclaimPolicy = 'Delete', parameters } = storageClass;
    const attributesClass = claim.spec?.volumeAttributesClassName;
    const starting = `External provisioner is provisioning volume for claim "${namespace}/${claimName}"`;
    events.event(about(claim), 'Normal', 'Provisioning', starting);
    await client.create(persistentVolumes, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name, annotations: { [provisionedBy]: simulatedProvisioner } },
      spec: {
        capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
        accessModes: claim.spec?.accessModes,
        persistentVolumeReclaimPolicy: reclaimPolicy,
        storageClassName: storageClass.metadata?.name,
        volumeMode: claim.spec?.volumeMode ?? 'Filesystem',
        ...(mountOptions === undefined ? {} : { mountOptions }),
        ...(attributesClass === undefined || attributesClass === ''
          ? {}
          : { volumeAttributesClassName: attributesClass }),
        claimRef,
        csi: {
          driver: simulatedProvisioner,
          volumeHandle: name,
          ...(parameters === undefined ? {} : { volumeAttributes: parameters }),
        },
      },
    });
    events.event(about(claim), 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`);
  }

  /** A claim made before there was a default class gets it when there is one. @returns whether it was written */
  async function assignDefaultClass(claim: PersistentVolumeClaim): Promise<boolean> {
    if (claim.spec?.storageClassName !== undefined || hasClassAnnotation(claim)) return false;
    const defaults = classLister
      .list()
      .filter(({ metadata }) => metadata?.annotations?.[defaultClassAnnotation] === 'true')
      .sort((left, right) => newestFirst(left, right));
    const storageClassName = defaults[0]?.metadata?.name;
    if (storageClassName === undefined) return false;
    await client.update(persistentVolumeClaims, { ...claim, spec: { ...claim.spec, storageClassName } });
    return true;
  }

  async function syncVolume(volume: PersistentVolume): Promise<void> {
    const reference = volume.spec?.claimRef;
    if (reference === undefined || (reference.uid ?? '') === '') {
      await setVolumePhase(volume, 'Available');
      return;
    }
    let claim = claimLister.get(reference.namespace, reference.name ?? '');
    if (claim === undefined || claim.metadata?.uid !== reference.uid) claim = await readClaim(volume);
    if (claim === undefined) return release(volume);
    if (claim.spec?.volumeName === volume.metadata?.name) {
      await setVolumePhase(volume, 'Bound');
      return;
    }
    if (claim.spec?.volumeName) return unbind(volume);
    if (!differInMode(volume, claim)) return enqueue(keyFor(claim));
    const { name } = claim.metadata ?? {};
    const why = 'due to incompatible volumeMode.';
    const ofVolume = `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${name}" ${why}`;
    events.event(about(volume), 'Warning', 'VolumeMismatch', ofVolume);
    const ofClaim = `Cannot bind PersistentVolume "${keyFor(volume)}" to requested PersistentVolumeClaim ${why}`;
    events.event(about(claim), 'Warning', 'VolumeMismatch', ofClaim);
  }

  /** The claim that the volume is bound to, from the API: the cache may not know it yet. */
  async function readClaim(volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const { namespace, name = '', uid } = volume.spec?.claimRef ?? {};
    try {
      const claim = await client.get(persistentVolumeClaims, { namespace, name });
      return claim.metadata?.uid === uid ? claim : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** The claim took another volume: this one is free again, or goes when it was made for the claim. */
  async function unbind(volume: PersistentVolume): Promise<void> {
    const { annotations = {} } = volume.metadata ?? {};
    const { claimRef, ...rest } = volume.spec ?? {};
    if (annotations[provisionedBy] !== undefined && rest.persistentVolumeReclaimPolicy === 'Delete') {
      return release(volume);
    }
    const { [boundByController]: byController, ...others } = annotations;
    const { uid: _uid, ...unbound } = claimRef ?? {};
    const spec = byController === undefined ? { ...rest, claimRef: unbound } : rest;
    const metadata = { ...volume.metadata, annotations: others };
    const updated = await client.update(persistentVolumes, { ...volume, metadata, spec } as PersistentVolume);
    await setVolumePhase(updated, 'Available');
  }

  async function release(volume: PersistentVolume): Promise<void> {
    const { phase } = volume.status ?? {};
    const released = phase === 'Released' || phase === 'Failed' ? volume : await setVolumePhase(volume, 'Released');
    const policy = volume.spec?.persistentVolumeReclaimPolicy;
    if (policy === 'Recycle') return recycle(released);
    if (policy !== 'Delete' || released.metadata?.deletionTimestamp !== undefined) return;
    const maker = volume.metadata?.annotations?.[provisionedBy] ?? '';
    // Volumes of other drivers, and of plugins that became drivers, are deleted by their provisioners.
    const isDriver = !maker.startsWith('kubernetes.io/') || migratedDriver(maker) !== undefined;
    if (maker === '' ? volume.spec?.csi !== undefined : maker !== simulatedProvisioner && isDriver) return;
    const name = keyFor(volume);
    const failure = maker === simulatedProvisioner ? undefined : deletionFailure(volume, maker);
    if (failure !== undefined) {
      if (phase !== 'Failed') events.event(about(volume), 'Warning', 'VolumeFailedDelete', failure);
      await setVolumePhase(released, 'Failed', failure);
      return;
    }
    await client.delete(persistentVolumes, { name }, { preconditions: { uid: volume.metadata?.uid ?? '' } });
  }

  async function recycle(volume: PersistentVolume): Promise<void> {
    const { namespace, name = '' } = volume.spec?.claimRef ?? {};
    const users = usersOf(namespace, name).map(({ metadata }) => `${namespace}/${metadata?.name}`);
    // A claim that is known is a new one of this name: the pods use that.
    if (users.length > 0 && claimLister.get(namespace, name) === undefined) {
      const message = `Volume is used by pods: ${users.join(',')}`;
      return events.event(about(volume), 'Normal', 'VolumeFailedRecycle', message);
    }
    if (volume.spec?.hostPath === undefined && volume.spec?.nfs === undefined) {
      const message = 'No recycler plugin found for the volume!';
      if (volume.status?.phase !== 'Failed') events.event(about(volume), 'Warning', 'VolumeFailedRecycle', message);
      await setVolumePhase(volume, 'Failed', message);
      return;
    }
    events.event(about(volume), 'Normal', 'VolumeRecycled', 'Volume recycled');
    await unbind(volume);
  }

  return {
    async reconcile(key) {
      try {
        if (!key.includes('/')) {
          const volume = volumeLister.get(undefined, key);
          if (volume !== undefined) await syncVolume(volume);
          return undefined;
        }
        const { namespace, name } = splitKey(key);
        const claim = claimLister.get(namespace, name);
        if (claim === undefined) return undefined;
        if (isBindComplete(claim)) await syncBoundClaim(claim);
        else await syncUnboundClaim(claim);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  };

  function newestFirst(left: StorageClass, right: StorageClass): number {
    const [first, second] = [left.metadata?.creationTimestamp ?? '', right.metadata?.creationTimestamp ?? ''];
    if (first !== second) return first > second ? -1 : 1;
    return (left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1;
  }
}

/** Why none of upstream's own plugins deletes the volume; undefined when the one for paths of a host does. */
function deletionFailure({ metadata, spec }: PersistentVolume, maker: string): string | undefined {
  if (maker !== '' && maker !== 'kubernetes.io/host-path') return `no volume plugin matched name: ${maker}`;
  const path = spec?.hostPath?.path;
  if (path === undefined) {
    return `error getting deleter volume plugin for volume "${metadata?.name}": no deletable volume plugin matched`;
  }
  return /\/tmp\/.+/.test(path) ? undefined : `host_path deleter only supports /tmp/.+ but received provided ${path}`;
}

const volumeNameFor = ({ metadata }: PersistentVolumeClaim): string => `pvc-${metadata?.uid}`;

/** Cached objects may come without their kind, which events need. */
function about<Type extends KubernetesObject>(object: Type): Type {
  if (object.kind !== undefined) return object;
  const kind = object.metadata?.namespace === undefined ? 'PersistentVolume' : 'PersistentVolumeClaim';
  return { ...object, apiVersion: 'v1', kind };
}
