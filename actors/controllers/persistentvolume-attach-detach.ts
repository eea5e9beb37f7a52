/**
 * persistentvolume-attach-detach-controller: asks the drivers of volumes, by VolumeAttachments, to attach them to the nodes whose
 * pods use them and to detach them from all others, and keeps what is attached in the status of the Nodes. Keyed by volume.
 *
 * @see kubernetes/pkg/controller/volume/attachdetach
 */
import { createHash } from 'node:crypto';
import { isAlreadyExists, isNotFound, type Node, type PersistentVolume, type Pod } from '../../src/api/index.ts';
import {
  csiDrivers,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttachments,
} from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  isPodFinished,
  type Reconciler,
} from '../../src/controller/index.ts';

const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';
const claimIndex = 'claims';
const volumeIndex = 'volume';
/** How soon to look again at a volume that another node or its kubelet still holds. */
const recheckMs = 2_000;

export const persistentVolumeAttachDetachController: ControllerDefinition = {
  name: 'persistentvolume-attach-detach-controller',
  component: 'attachdetach-controller',
  serviceAccount: 'attachdetach-controller',
  reconciles: persistentVolumes,
  interests: [{ resource: pods, interest: 'claiming' }],
  create: createReconciler,
};

/** The name under which kubelet and controller speak of a volume. */
const uniqueName = (volume: PersistentVolume) =>
  `kubernetes.io/csi/${volume.spec?.csi?.driver}^${volume.spec?.csi?.volumeHandle}`;

/** The name that every attacher expects for the attachment of this volume to this node. */
function attachmentName(volume: PersistentVolume, nodeName: string): string {
  const { driver, volumeHandle } = volume.spec?.csi ?? {};
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${nodeName}`).digest('hex')}`;
}

/** Claims that a pod uses, those of its ephemeral volumes included. */
function claimsOf({ metadata, spec }: Pod): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return `${metadata?.namespace}/${persistentVolumeClaim.claimName}`;
    return ephemeral === undefined ? [] : `${metadata?.namespace}/${metadata?.name}-${name}`;
  });
}

const isExclusive = (volume: PersistentVolume): boolean =>
  !(volume.spec?.accessModes ?? []).some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, enqueue, events } = dependencies;
  const volumes = dependencies.lister(persistentVolumes);
  const drivers = dependencies.lister(csiDrivers);
  const attachments = dependencies.lister(volumeAttachments);
  dependencies.index(volumeAttachments, volumeIndex, ({ spec }) => [spec.source.persistentVolumeName ?? '']);
  dependencies.observe(volumeAttachments, ({ object }) => {
    const name = object.spec.source.persistentVolumeName;
    if (name !== undefined) enqueue(name);
  });
  /** Who uses volumes is followed only from the first volume on: most clusters have none. */
  let follows = false;
  dependencies.observe(persistentVolumes, ({ object }) => {
    if (!follows && object.spec?.csi !== undefined) follow();
  });

  function follow(): void {
    follows = true;
    const claims = dependencies.lister(persistentVolumeClaims);
    dependencies.lister(nodes);
    dependencies.index(pods, claimIndex, claimsOf);
    dependencies.observe(pods, ({ object: pod }) => {
      for (const key of claimsOf(pod)) {
        const [namespace = '', name = ''] = key.split('/');
        const volumeName = claims.get(namespace, name)?.spec?.volumeName;
        if (volumeName !== undefined) enqueue(volumeName);
      }
    });
    dependencies.observe(nodes, (change) => {
      if (change.type !== 'updated') return;
      const before = new Set(change.previous.status?.volumesInUse ?? []);
      for (const name of change.object.status?.volumesInUse ?? []) before.delete(name);
      // A kubelet has let go of something: whatever is attached to its node may be detached now.
      if (before.size === 0) return;
      for (const { spec } of attachments.list()) {
        if (spec.nodeName === change.object.metadata?.name) enqueue(spec.source.persistentVolumeName ?? '');
      }
    });
  }

  /** Pods that use the volume and have a node. */
  function usersOf(volume: PersistentVolume): Pod[] {
    const { namespace, name } = volume.spec?.claimRef ?? {};
    const using = dependencies.lister(pods).byIndex(claimIndex, `${namespace}/${name}`);
    return using.filter((pod) => (pod.spec?.nodeName ?? '') !== '' && !isPodFinished(pod));
  }

  const nodeOf = (name: string): Node | undefined => dependencies.lister(nodes).get(undefined, name);

  /** @returns whether the attachment waits for another node to let go */
  async function attach(
    volume: PersistentVolume,
    nodeName: string,
    users: readonly Pod[],
    held: readonly string[],
  ): Promise<boolean> {
    const elsewhere = held.filter((other) => other !== nodeName);
    if (isExclusive(volume) && elsewhere.length > 0) {
      for (const pod of users.filter(({ spec }) => spec?.nodeName === nodeName)) reportConflict(volume, pod, users);
      return true;
    }
    try {
      await client.create(volumeAttachments, {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'VolumeAttachment',
        metadata: { name: attachmentName(volume, nodeName) },
        spec: {
          attacher: volume.spec?.csi?.driver ?? '',
          nodeName,
          source: { persistentVolumeName: volume.metadata?.name },
        },
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return false;
  }

  function reportConflict(volume: PersistentVolume, pod: Pod, users: readonly Pod[]): void {
    const others = users.filter(({ spec }) => spec?.nodeName !== pod.spec?.nodeName);
    const near = others.filter(({ metadata }) => metadata?.namespace === pod.metadata?.namespace);
    const names = near.map(({ metadata }) => metadata?.name).sort();
    const detail =
      names.length === 0
        ? "Volume is already exclusively attached to one node and can't be attached to another"
        : `Volume is already used by pod(s) ${names.join(', ')}`;
    const message = `Multi-Attach error for volume "${volume.metadata?.name}" ${detail}`;
    events.event(pod, 'Warning', 'FailedAttachVolume', message);
  }

  /** Writes into the Node's status whether the volume is attached. True when it was written. */
  async function setAttached(nodeName: string, volume: PersistentVolume, attached: boolean): Promise<boolean> {
    const node = nodeOf(nodeName);
    if (node === undefined) return false;
    const name = uniqueName(volume);
    const known = node.status?.volumesAttached ?? [];
    if (known.some((entry) => entry.name === name) === attached) return false;
    const others = known.filter((entry) => entry.name !== name);
    const volumesAttached = attached ? [...others, { name, devicePath: '' }] : others;
    const { resourceVersion } = node.metadata ?? {};
    const patch = { metadata: { resourceVersion }, status: { volumesAttached } };
    try {
      await client.patch(nodes, { name: nodeName }, 'merge', patch, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return true;
  }

  async function detach(volume: PersistentVolume, nodeName: string): Promise<boolean> {
    if (nodeOf(nodeName)?.status?.volumesInUse?.includes(uniqueName(volume)) === true) return true;
    await setAttached(nodeName, volume, false);
    try {
      await client.delete(volumeAttachments, { name: attachmentName(volume, nodeName) });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return false;
  }

  const isAttachable = (volume: PersistentVolume): boolean =>
    volume.spec?.csi !== undefined && drivers.get(undefined, volume.spec.csi.driver)?.spec.attachRequired !== false;

  return {
    async reconcile(name) {
      const volume = volumes.get(undefined, name);
      const existing = attachments.byIndex(volumeIndex, name);
      if (volume === undefined || !isAttachable(volume)) return undefined;
      await dependencies.synced();
      const users = usersOf(volume);
      const wanted = new Set(
        users
          .map(({ spec }) => spec?.nodeName ?? '')
          .filter((nodeName) => nodeOf(nodeName)?.metadata?.annotations?.[managedAnnotation] === 'true'),
      );
      let waiting = false;
      for (const attachment of existing) {
        const { nodeName } = attachment.spec;
        if (!wanted.has(nodeName)) {
          if (attachment.metadata?.deletionTimestamp === undefined)
            waiting = (await detach(volume, nodeName)) || waiting;
        } else if (attachment.status?.attached === true && (await setAttached(nodeName, volume, true))) {
          const message = `AttachVolume.Attach succeeded for volume "${name}" `;
          for (const pod of users.filter(({ spec }) => spec?.nodeName === nodeName)) {
            events.event(pod, 'Normal', 'SuccessfulAttachVolume', message);
          }
        }
      }
      const held = existing.map(({ spec }) => spec.nodeName);
      for (const nodeName of wanted) {
        if (held.includes(nodeName)) continue;
        waiting = (await attach(volume, nodeName, users, held)) || waiting;
        held.push(nodeName);
      }
      return waiting ? { requeueAfterMs: recheckMs, background: true } : undefined;
    },
  };
}
