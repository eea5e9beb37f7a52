/**
 * persistentvolume-binder-controller: binds claims to volumes, releases and reclaims volumes whose claim is gone, and has
 * volumes provisioned. The provisioner {@link simulatedProvisioner} is served right here; all others are waited for.
 * Claims are keyed `namespace/name`, volumes by their name.
 *
 * @see kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go
 */
import {
  compareQuantities,
  isNotFound,
  type PersistentVolume,
  type PersistentVolumeClaim,
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
  isReservedFor,
  keyFor,
  mismatchOf,
  provisionedBy,
  type Reconciler,
  selectedNode,
  semanticallyEqual,
  splitKey,
  storageClassNameOf,
  storageProvisioner,
} from '../../src/controller/index.ts';

/** Storage classes with this provisioner get their volumes at once. */
export const simulatedProvisioner = 'simulated.kubehive.io';

const noProvisioner = 'kubernetes.io/no-provisioner';
const defaultClassAnnotation = 'storageclass.kubernetes.io/is-default-class';
const pendingIndex = 'pending-by-class';

export const persistentVolumeBinderController: ControllerDefinition = {
  name: 'persistentvolume-binder-controller',
  emits: ['ClaimLost', 'ClaimMisbound'],
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
  dependencies.index(persistentVolumeClaims, pendingIndex, (claim) =>
    isBindComplete(claim) ? [] : [`/${storageClassNameOf(claim)}`],
  );

  dependencies.observe(persistentVolumeClaims, ({ object: claim }) => {
    if (claim.spec?.volumeName) enqueue(claim.spec.volumeName);
  });
  dependencies.observe(persistentVolumes, ({ object: volume }) => {
    enqueue(keyFor(volume));
    const reference = volume.spec?.claimRef;
    if (reference !== undefined) enqueue(`${reference.namespace}/${reference.name}`);
    else enqueuePending(storageClassNameOf(volume));
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
    const { accessModes: _modes, capacity: known, ...rest } = claim.status ?? {};
    const bound =
      volume === undefined ? {} : { accessModes: volume.spec?.accessModes, capacity: known ?? volume.spec?.capacity };
    const status = { ...rest, phase, ...bound };
    if (semanticallyEqual(claim.status, status)) return claim;
    return client.update(persistentVolumeClaims, { ...claim, status } as PersistentVolumeClaim, {
      subresource: 'status',
    });
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
    await expand(await setClaimStatus(updated, 'Bound', bound), bound);
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

  /** The simulated provisioner also resizes: a bound claim that asks for more gets it at once when its class allows. */
  async function expand(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const asked = claim.spec?.resources?.requests?.['storage'] ?? '0';
    const ours = volume.metadata?.annotations?.[provisionedBy] === simulatedProvisioner;
    if (!ours || compareQuantities(asked, volume.spec?.capacity?.['storage'] ?? '0') <= 0) return;
    const capacity = { storage: asked };
    await client.update(persistentVolumes, { ...volume, spec: { ...volume.spec, capacity } });
    // Claims without the status that was just written conflict, and come back.
    const status = { ...claim.status, capacity };
    await client.update(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
  }

  async function syncUnboundClaim(claim: PersistentVolumeClaim): Promise<void> {
    if (claim.spec?.volumeName) return syncNamedVolume(claim, claim.spec.volumeName);
    const storageClass = classOf(claim);
    const waits =
      storageClass?.volumeBindingMode === 'WaitForFirstConsumer' &&
      claim.metadata?.annotations?.[selectedNode] === undefined;
    const volume = bestVolumeFor(claim, volumeLister.list(), waits);
    if (volume !== undefined) return bind(volume, claim);
    if (waits) reportWait(claim);
    else if (storageClassNameOf(claim) !== '') return provision(claim, storageClass);
    else {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      events.event(about(claim), 'Normal', 'FailedBinding', message);
    }
    await setClaimStatus(claim, 'Pending');
  }

  function reportWait(claim: PersistentVolumeClaim): void {
    const { namespace, name } = claim.metadata ?? {};
    const users = podLister.list(namespace).filter((pod) => {
      const uses = pod.spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === name);
      return uses === true && !pod.spec?.nodeName && pod.status?.phase === 'Pending';
    });
    const [first] = users.map((pod) => pod.metadata?.name).sort();
    if (first === undefined) {
      const message = 'waiting for first consumer to be created before binding';
      events.event(about(claim), 'Normal', 'WaitForFirstConsumer', message);
    } else {
      events.event(about(claim), 'Normal', 'WaitForPodScheduled', `waiting for pod ${first} to be scheduled`);
    }
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
    const owner = `${reference.namespace}/${reference.name}`;
    const message = `volume "${volumeName}" already bound to a different claim.`;
    if (owner !== keyFor(claim)) events.event(about(claim), 'Warning', 'FailedBinding', message);
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
    const { provisioner } = storageClass;
    if (provisioner === noProvisioner) {
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
    if (provisioner === simulatedProvisioner) return createVolume(current, storageClass);
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    events.event(about(current), 'Normal', 'ExternalProvisioning', message);
    await setClaimStatus(current, 'Pending');
  }

  async function createVolume(claim: PersistentVolumeClaim, storageClass: StorageClass): Promise<void> {
    const { name: claimName, namespace, uid, resourceVersion, deletionTimestamp } = claim.metadata ?? {};
    const name = `pvc-${uid}`;
    if (deletionTimestamp !== undefined || volumeLister.get(undefined, name) !== undefined) return;
    const claimRef = {
      kind: 'PersistentVolumeClaim',
      apiVersion: 'v1',
      name: claimName,
      namespace,
      uid,
      resourceVersion,
    };
    const { mountOptions, reclaimPolicy = 'Delete', parameters } = storageClass;
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
    const named = claim.spec?.storageClassName !== undefined || storageClassNameOf(claim) !== '';
    if (named || claim.spec?.volumeName) return false;
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
    if (!claim.spec?.volumeName) return enqueue(keyFor(claim));
    await unbind(volume);
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
    const { uid: _uid, resourceVersion: _version, ...name } = claimRef ?? {};
    const spec = byController === undefined ? { ...rest, claimRef: name } : rest;
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
    const { csi, hostPath } = volume.spec ?? {};
    const name = keyFor(volume);
    const maker = volume.metadata?.annotations?.[provisionedBy];
    // Volumes of other drivers are deleted by their own provisioners.
    if (maker !== simulatedProvisioner && (csi !== undefined || maker !== undefined)) return;
    let failure: string | undefined;
    if (maker !== simulatedProvisioner && hostPath === undefined) {
      failure = `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`;
    } else if (hostPath !== undefined && !/^\/tmp\/.+/.test(hostPath.path)) {
      failure = `host_path deleter only supports /tmp/.+ but received provided ${hostPath.path}`;
    }
    if (failure !== undefined) {
      if (phase !== 'Failed') events.event(about(volume), 'Warning', 'VolumeFailedDelete', failure);
      await setVolumePhase(released, 'Failed', failure);
      return;
    }
    await client.delete(persistentVolumes, { name }, { preconditions: { uid: volume.metadata?.uid ?? '' } });
  }

  async function recycle(volume: PersistentVolume): Promise<void> {
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
        else if (!(await assignDefaultClass(claim))) await syncUnboundClaim(claim);
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

/** Cached objects may come without their kind, which events need. */
function about<Type extends KubernetesObject>(object: Type): Type {
  if (object.kind !== undefined) return object;
  const kind = object.metadata?.namespace === undefined ? 'PersistentVolume' : 'PersistentVolumeClaim';
  return { ...object, apiVersion: 'v1', kind };
}
