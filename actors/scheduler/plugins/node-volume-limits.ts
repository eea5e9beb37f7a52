/**
 * A node takes as many volumes of a CSI driver as its CSINode says. Volumes that pods on the node use already, or that are
 * still attached to it, are not counted twice. @see plugins/nodevolumelimits/csi.go
 */
import type {
  CSINode,
  PersistentVolumeClaim,
  PersistentVolumeSpec,
  Pod,
  VolumeAttachment,
} from '../../../src/api/index.ts';
import { csiNodes, volumeAttachments } from '../../../src/client/index.ts';
import {
  Action,
  type CsiVolume,
  claimsOf,
  classNameOf,
  countedOn,
  csiProvisioner,
  csiVolumeOf,
  hasClaims,
  isMigratable,
  isOwnClaim,
  namesClaim,
  type PluginDefinition,
  skip,
  unschedulable,
  type VolumeListers,
  volumeListers,
} from '../../../src/scheduling/index.ts';

const name = 'NodeVolumeLimits';
const exceeded = unschedulable('node(s) exceed max volume count');

/** By driver, what a node takes; drivers without a limit are left out. */
function limitsOf(node: CSINode | undefined): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { name: driver, allocatable } of node?.spec?.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(driver, allocatable.count);
  }
  return limits;
}

const uniqueName = ({ driver, handle }: CsiVolume) => `${driver}/${handle}`;

const sourceOf = (spec: PersistentVolumeSpec | undefined, node: CSINode | undefined): CsiVolume | undefined => {
  if (!spec) return undefined;
  return spec.csi ? { driver: spec.csi.driver, handle: spec.csi.volumeHandle } : csiVolumeOf(spec, node);
};

/** What a claim is to a node: its volume, or the one that will be made for it. */
function claimedVolume(
  { volumes, classes }: VolumeListers,
  claim: PersistentVolumeClaim,
  node: CSINode | undefined,
): CsiVolume | undefined {
  const volume = claim.spec?.volumeName ? volumes.get(undefined, claim.spec.volumeName) : undefined;
  if (volume) return sourceOf(volume.spec, node);
  const provisioner = classes.get(undefined, classNameOf(claim))?.provisioner;
  const driver = provisioner && csiProvisioner(provisioner, node);
  if (!driver) return undefined;
  // No volume has such a handle.
  return { driver, handle: `unbound ${claim.metadata?.namespace}/${claim.metadata?.name}` };
}

/** Unique volume → driver, for the volumes of a pod that are attached. @throws Error for a new pod without its claim */
function collect(
  listers: VolumeListers,
  pod: Pod,
  node: CSINode | undefined,
  isNew: boolean,
  into: Map<string, string>,
): void {
  const namespace = pod.metadata?.namespace;
  const add = (found: CsiVolume | undefined) => {
    if (found) into.set(uniqueName(found), found.driver);
  };
  for (const volume of pod.spec?.volumes ?? []) {
    if (!volume.persistentVolumeClaim && !volume.ephemeral) add(csiVolumeOf(volume, node));
  }
  for (const { name: claimName, ephemeral } of claimsOf(pod)) {
    const claim = listers.claims.get(namespace, claimName);
    if (!claim) {
      if (!isNew) continue;
      const missing = `persistentvolumeclaim ${JSON.stringify(claimName)} not found`;
      throw new Error(`looking up PVC ${namespace}/${claimName}: ${missing}`);
    }
    if (isNew && ephemeral && !isOwnClaim(pod, claim)) {
      throw new Error(
        `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata?.name} (pod is not owner)`,
      );
    }
    add(claimedVolume(listers, claim, node));
  }
}

function countByDriver(volumes: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const driver of volumes.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  return counts;
}

export const nodeVolumeLimits: PluginDefinition = {
  name,
  create({ nodes, informers }) {
    const listers = volumeListers(informers);
    const csi = informers?.informer(csiNodes).lister;
    const attachments = informers?.informer(volumeAttachments).lister;

    /** What is attached to the node by name, besides what its pods use. */
    const collectAttached = (nodeName: string, node: CSINode | undefined, into: Map<string, string>): void => {
      for (const { spec } of attachments?.list() ?? []) {
        if (spec?.nodeName !== nodeName) continue;
        const { persistentVolumeName, inlineVolumeSpec } = spec.source;
        const source = persistentVolumeName
          ? listers!.volumes.get(undefined, persistentVolumeName)?.spec
          : inlineVolumeSpec;
        const found = sourceOf(source, node);
        if (found) into.set(uniqueName(found), found.driver);
      }
    };

    return {
      name,
      preFilter: (_cycle, { pod }) => (hasClaims(pod) || pod.spec?.volumes?.some(isMigratable) ? undefined : skip),
      filter(_cycle, info, row) {
        if (!listers) return undefined;
        const nodeName = nodes.names[row]!;
        const node = csi?.get(undefined, nodeName);
        const wanted = new Map<string, string>();
        collect(listers, info.pod, node, true, wanted);
        const limits = limitsOf(node);
        if (wanted.size === 0 || limits.size === 0) return undefined;
        const attached = new Map<string, string>();
        for (const other of nodes.pods[row]!) collect(listers, other.pod, node, false, attached);
        collectAttached(nodeName, node, attached);
        for (const volume of attached.keys()) wanted.delete(volume);
        const used = countByDriver(attached);
        for (const [driver, count] of countByDriver(wanted)) {
          const limit = limits.get(driver);
          if (limit !== undefined && (used.get(driver) ?? 0) + count > limit) return exceeded;
        }
        return undefined;
      },
      events: () => [
        { resource: 'CSINode', action: Action.Add },
        {
          resource: 'CSINode',
          action: Action.Update,
          hint(_info, previous, current) {
            const before = limitsOf(previous as CSINode | undefined);
            return [...limitsOf(current as CSINode | undefined)].some(
              ([driver, limit]) => limit > (before.get(driver) ?? 0),
            );
          },
        },
        {
          resource: 'AssignedPod',
          action: Action.Delete,
          hint(_info, previous) {
            const pod = previous as Pod | undefined;
            if (!pod || !countedOn(pod)) return false;
            return hasClaims(pod) || (pod.spec?.volumes?.some(isMigratable) ?? false);
          },
        },
        {
          resource: 'PersistentVolumeClaim',
          action: Action.Add,
          hint: ({ pod }, _previous, current) => namesClaim(pod, current as PersistentVolumeClaim | undefined),
        },
        {
          resource: 'VolumeAttachment',
          action: Action.Delete,
          // The volume that left may be any: what matters is whether the pod waits for room for one.
          hint: ({ pod }, previous) => {
            const { persistentVolumeName } = (previous as VolumeAttachment).spec?.source ?? {};
            return persistentVolumeName ? hasClaims(pod) : (pod.spec?.volumes?.some(isMigratable) ?? false);
          },
        },
      ],
    };
  },
};
