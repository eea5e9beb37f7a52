/**
 * persistentvolume-attach-detach-controller: asks the drivers of volumes, by VolumeAttachments, to attach them to the nodes whose
 * pods use them and to detach them from all others, and keeps what is attached in the status of the Nodes. Keyed by volume.
 *
 * @see kubernetes/pkg/controller/volume/attachdetach
 */
import { createHash } from 'node:crypto';
import {
  isAlreadyExists,
  isNotFound,
  type Node,
  type PersistentVolume,
  type Pod,
  type VolumeAttachment,
} from '../../src/api/index.ts';
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
  collectCounts,
  conditionOf,
  controllerMetrics,
  countedAttachments,
  isPodTerminated,
  type Reconciler,
  volumeClaimIndex,
  volumeClaimsOf,
} from '../../src/controller/index.ts';

const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';
const volumeIndex = 'volume';
const outOfServiceTaint = 'node.kubernetes.io/out-of-service';
/** How soon to look again at a volume that another node or its kubelet still holds. */
const recheckMs = 2_000;
/** A node that is not ready is not waited for any longer: its volumes are detached although it may still use them. */
const unmountWaitMs = 360_000;
/** How long a driver may take to attach a volume before the pods are told of it. */
const attachWaitMs = 120_000;

export const persistentVolumeAttachDetachController: ControllerDefinition = {
  name: 'persistentvolume-attach-detach-controller',
  queue: 'pvcs',
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

/** A volume without access modes may be attached to many nodes, as far as anybody knows. */
function isExclusive({ spec }: PersistentVolume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length > 0 && !modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, enqueue, events } = dependencies;
  const volumes = dependencies.lister(persistentVolumes);
  const drivers = dependencies.lister(csiDrivers);
  const attachments = dependencies.lister(volumeAttachments);
  const metrics = controllerMetrics(dependencies.context.metrics, 'attachdetach_controller_');
  collectCounts(dependencies.context.metrics, 'attachdetach_controller_', () => countedAttachments(attachments.list()));
  dependencies.index(volumeAttachments, volumeIndex, ({ spec }) => [spec.source.persistentVolumeName ?? '']);
  dependencies.observe(volumeAttachments, ({ object }) => {
    const name = object.spec.source.persistentVolumeName;
    if (name !== undefined) enqueue(name);
  });
  /** Pods, with a node, that were told that their volume is held elsewhere: once is enough. */
  const reported = new Set<string>();
  /** Since when a volume is to be detached, and since when one is to be attached; monotonic milliseconds, by attachment. */
  const detaching = new Map<string, number>();
  const attaching = new Map<string, { sinceMs: number; error: string }>();
  const { clock } = dependencies.context;
  /** Who uses volumes is followed only from the first volume on: most clusters have none. */
  let follows = false;
  dependencies.observe(persistentVolumes, ({ object }) => {
    if (!follows && object.spec?.csi !== undefined) follow();
  });

  function follow(): void {
    follows = true;
    const claims = dependencies.lister(persistentVolumeClaims);
    dependencies.lister(nodes);
    dependencies.index(pods, volumeClaimIndex, volumeClaimsOf);
    dependencies.observe(pods, ({ type, object: pod }) => {
      if (type === 'deleted')
        for (const name of reported) if (name.endsWith(` ${pod.metadata?.uid}`)) reported.delete(name);
      for (const key of volumeClaimsOf(pod)) {
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
    const using = dependencies.lister(pods).byIndex(volumeClaimIndex, `${namespace}/${name}`);
    return using.filter((pod) => (pod.spec?.nodeName ?? '') !== '' && !isPodTerminated(pod));
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
      const waiting = users.filter(({ spec }) => spec?.nodeName === nodeName);
      const others = users.filter(({ spec }) => elsewhere.includes(spec?.nodeName ?? ''));
      for (const pod of waiting) {
        const id = `${volume.metadata?.name} ${pod.metadata?.uid}`;
        if (!reported.has(id)) reportConflict(volume, pod, others);
        reported.add(id);
      }
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

  function reportConflict(volume: PersistentVolume, pod: Pod, others: readonly Pod[]): void {
    const names = others.map(({ metadata }) => metadata?.name).sort();
    const detail =
      names.length === 0
        ? "Volume is already exclusively attached to one node and can't be attached to another"
        : `Volume is already used by pod(s) ${names.join(', ')}`;
    const message = `Multi-Attach error for volume "${volume.metadata?.name}" ${detail}`;
    events.event(pod, 'Warning', 'FailedAttachVolume', message);
  }

  /** Tells the pods that wait for the attachment why, when its driver says so or takes too long. */
  function reportFailure(volume: PersistentVolume, attachment: VolumeAttachment, users: readonly Pod[]): void {
    const { name = '' } = attachment.metadata ?? {};
    const { driver, volumeHandle } = volume.spec?.csi ?? {};
    const nowMs = clock.monotonic();
    const known = attaching.get(name) ?? { sinceMs: nowMs, error: '' };
    const { message = '', time = '' } = attachment.status?.attachError ?? {};
    const error = `${message}${time}`;
    const late = nowMs - known.sinceMs >= attachWaitMs;
    attaching.set(name, { sinceMs: late ? nowMs : known.sinceMs, error });
    const failed = error !== '' && error !== known.error;
    if (!failed && !late) return;
    const waited = `timed out waiting for external-attacher of ${driver} CSI driver to attach volume ${volumeHandle}`;
    const text = `AttachVolume.Attach failed for volume "${volume.metadata?.name}" : ${failed ? message : waited}`;
    for (const pod of users) events.event(pod, 'Warning', 'FailedAttachVolume', text);
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

  /** Whether the kubelet says that it has the volume mounted, and is to be believed and waited for. */
  function isMounted(volume: PersistentVolume, nodeName: string): boolean {
    const node = nodeOf(nodeName);
    const name = attachmentName(volume, nodeName);
    const sinceMs = detaching.get(name) ?? clock.monotonic();
    detaching.set(name, sinceMs);
    if (node?.status?.volumesInUse?.includes(uniqueName(volume)) !== true) return false;
    if (node.spec?.taints?.some(({ key }) => key === outOfServiceTaint) === true) return false;
    const ready = conditionOf(node.status.conditions, 'Ready')?.status === 'True';
    return ready || clock.monotonic() - sinceMs <= unmountWaitMs;
  }

  /** @returns whether the volume is still mounted there */
  async function detach(volume: PersistentVolume, nodeName: string): Promise<boolean> {
    if (isMounted(volume, nodeName)) return true;
    const node = nodeOf(nodeName);
    if (node?.status?.volumesInUse?.includes(uniqueName(volume)) === true) {
      const isOut = node.spec?.taints?.some(({ key }) => key === outOfServiceTaint) === true;
      metrics.count('attachdetach_controller_forced_detaches', [isOut ? 'out-of-service' : 'timeout']);
    }
    await setAttached(nodeName, volume, false);
    const name = attachmentName(volume, nodeName);
    try {
      await client.delete(volumeAttachments, { name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    detaching.delete(name);
    attaching.delete(name);
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
      let pending = false;
      for (const attachment of existing) {
        const { nodeName } = attachment.spec;
        if (attachment.metadata?.deletionTimestamp !== undefined) continue;
        if (!wanted.has(nodeName)) {
          waiting = (await detach(volume, nodeName)) || waiting;
          continue;
        }
        const here = users.filter(({ spec }) => spec?.nodeName === nodeName);
        detaching.delete(attachment.metadata?.name ?? '');
        if (attachment.status?.attached !== true) {
          reportFailure(volume, attachment, here);
          pending = true;
          continue;
        }
        attaching.delete(attachment.metadata?.name ?? '');
        for (const { metadata } of here) reported.delete(`${name} ${metadata?.uid}`);
        if (await setAttached(nodeName, volume, true)) {
          const message = `AttachVolume.Attach succeeded for volume "${name}" `;
          for (const pod of here) events.event(pod, 'Normal', 'SuccessfulAttachVolume', message);
        }
      }
      const held = existing.map(({ spec }) => spec.nodeName);
      for (const nodeName of wanted) {
        if (held.includes(nodeName)) continue;
        waiting = (await attach(volume, nodeName, users, held)) || waiting;
        held.push(nodeName);
      }
      if (!waiting && !pending) return undefined;
      return { requeueAfterMs: waiting ? recheckMs : attachWaitMs, background: true };
    },
  };
}
