/**
 * simulated-csi-controller: what the simulated storage driver brings besides its provisioner. Not of upstream: a driver has such
 * components of its own (external-attacher, external-resizer). Its volumes are attached, enlarged and given another class of
 * attributes at once. Attachments are keyed by name, claims `namespace/name`.
 *
 * @see https://kubernetes-csi.github.io/docs/external-attacher.html
 * @see https://kubernetes-csi.github.io/docs/external-resizer.html
 */
import {
  compareQuantities,
  isNotFound,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../src/api/index.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  volumeAttachments,
  volumeAttributesClasses,
} from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  keyFor,
  type Reconciler,
  splitKey,
} from '../../src/controller/index.ts';

const simulatedDriver = 'simulated.kubehive.io';
const claimIndex = 'pending-modification';

export const simulatedCsiController: ControllerDefinition = {
  name: 'simulated-csi-controller',
  component: `external-resizer ${simulatedDriver}`,
  grant: {
    name: 'simulated-csi-driver',
    rules: [
      { apiGroups: ['storage.k8s.io'], resources: ['volumeattachments/status'], verbs: ['patch', 'update'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
      { apiGroups: [''], resources: ['persistentvolumes'], verbs: ['patch', 'update'] },
      { apiGroups: [''], resources: ['persistentvolumeclaims/status'], verbs: ['patch', 'update'] },
    ],
  },
  reconciles: volumeAttachments,
  create: createReconciler,
};

const classOf = ({ spec }: PersistentVolumeClaim): string => spec?.volumeAttributesClassName ?? '';
const isModified = (claim: PersistentVolumeClaim): boolean =>
  classOf(claim) !== '' && classOf(claim) !== (claim.status?.currentVolumeAttributesClassName ?? '');
const askedOf = ({ spec }: PersistentVolumeClaim): string => spec?.resources?.requests?.['storage'] ?? '0';
const isLarger = (claim: PersistentVolumeClaim): boolean =>
  compareQuantities(askedOf(claim), claim.status?.capacity?.['storage'] ?? '0') > 0;

function createReconciler({ client, enqueue, events, index, lister, observe }: ControllerDependencies): Reconciler {
  const attachments = lister(volumeAttachments);
  const claims = lister(persistentVolumeClaims);
  const volumes = lister(persistentVolumes);
  const classes = lister(volumeAttributesClasses);
  index(persistentVolumeClaims, claimIndex, (claim) => (isModified(claim) ? [classOf(claim)] : []));
  observe(persistentVolumeClaims, ({ type, object: claim }) => {
    if (type !== 'deleted' && claim.status?.phase === 'Bound' && (isModified(claim) || isLarger(claim))) {
      enqueue(keyFor(claim));
    }
  });
  observe(volumeAttributesClasses, ({ type, object }) => {
    if (type !== 'added') return;
    for (const claim of claims.byIndex(claimIndex, keyFor(object))) enqueue(keyFor(claim));
  });

  async function attach(name: string): Promise<void> {
    const attachment = attachments.get(undefined, name);
    if (attachment?.spec.attacher !== simulatedDriver || attachment.status?.attached === true) return;
    if (attachment.metadata?.deletionTimestamp !== undefined) return;
    const patch = { status: { attached: true } };
    await client.patch(volumeAttachments, { name }, 'merge', patch, { subresource: 'status' });
  }

  /** Claims without what was just written conflict, and come back. */
  const setStatus = (claim: PersistentVolumeClaim, status: object): Promise<PersistentVolumeClaim> =>
    client.update(
      persistentVolumeClaims,
      { ...claim, status: { ...claim.status, ...status } as PersistentVolumeClaim['status'] },
      { subresource: 'status' },
    );

  const setVolume = (volume: PersistentVolume, spec: object): Promise<PersistentVolume> =>
    client.update(persistentVolumes, { ...volume, spec: { ...volume.spec, ...spec } });

  async function resize(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const about = { ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
    const capacity = { storage: askedOf(claim) };
    if (compareQuantities(capacity.storage, volume.spec?.capacity?.['storage'] ?? '0') > 0) {
      await setVolume(volume, { capacity });
      events.event(about, 'Normal', 'Resizing', `External resizer is resizing volume ${keyFor(volume)}`);
    }
    await setStatus(claim, { capacity, allocatedResources: capacity });
    events.event(about, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
  }

  async function modify(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const about = { ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
    const name = classOf(claim);
    if (classes.get(undefined, name)?.driverName !== simulatedDriver) {
      const known = claim.status?.modifyVolumeStatus;
      if (known?.status === 'Pending' && known.targetVolumeAttributesClassName === name) return;
      const modifyVolumeStatus = { status: 'Pending', targetVolumeAttributesClassName: name };
      await setStatus(claim, { modifyVolumeStatus });
      events.event(about, 'Warning', 'VolumeModifyFailed', `VAC ${name} does not exist.`);
      return;
    }
    if (volume.spec?.volumeAttributesClassName !== name) {
      await setVolume(volume, { volumeAttributesClassName: name });
      const doing = `external resizer is modifying volume ${claim.metadata?.name} with vac ${name}`;
      events.event(about, 'Normal', 'VolumeModify', doing);
    }
    const { modifyVolumeStatus: _over, ...rest } = claim.status ?? {};
    await setStatus({ ...claim, status: rest }, { currentVolumeAttributesClassName: name });
    const done = `external resizer modified volume ${claim.metadata?.name} with vac ${name} successfully`;
    events.event(about, 'Normal', 'VolumeModifySuccessful', done);
  }

  return {
    async reconcile(key) {
      try {
        if (!key.includes('/')) {
          await attach(key);
          return undefined;
        }
        const { namespace, name } = splitKey(key);
        const claim = claims.get(namespace, name);
        const volume = volumes.get(undefined, claim?.spec?.volumeName ?? '');
        if (claim?.status?.phase !== 'Bound' || volume?.spec?.csi?.driver !== simulatedDriver) return undefined;
        if (isLarger(claim)) await resize(claim, volume);
        else if (isModified(claim)) await modify(claim, volume);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  };
}
