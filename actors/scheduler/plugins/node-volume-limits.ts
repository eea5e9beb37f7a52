/**
 * A node takes as many volumes of a CSI driver as its CSINode says. Volumes that pods on the node use already, or that are
 * still attached to it, are not counted twice. What the pods of a node use is remembered until other pods are on it, since an
 * attempt asks every node. @see plugins/nodevolumelimits/csi.go
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
  type PodInfo,
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

/**
 * Unique volume → driver, for the volumes of a pod that are attached. False: what a claim of it stands for may yet change.
 * @throws Error for a new pod without its claim
 */
function collect(
  listers: VolumeListers,
  pod: Pod,
  node: CSINode | undefined,
  isNew: boolean,
  into: Map<string, string>,
): boolean {
  const namespace = pod.metadata?.namespace;
  let isFinal = true;
  const add = (found: CsiVolume | undefined) => {
    if (found) into.set(uniqueName(found), found.driver);
  };
  for (const volume of pod.spec?.volumes ?? []) {
    if (!volume.persistentVolumeClaim && !volume.ephemeral) add(csiVolumeOf(volume, node));
  }
  for (const { name: claimName, ephemeral } of claimsOf(pod)) {
    const claim = listers.claims.get(namespace, claimName);
    if (!claim) {
      if (!isNew) {
        isFinal = false;
        continue;
      }
      const missing = `persistentvolumeclaim ${JSON.stringify(claimName)} not found`;
      throw new Error(`looking up PVC ${namespace}/${claimName}: ${missing}`);
    }
    if (isNew && ephemeral && !isOwnClaim(pod, claim)) {
      throw new Error(
        `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata?.name} (pod is not owner)`,
      );
    }
    add(claimedVolume(listers, claim, node));
    isFinal &&= listers.volumes.get(undefined, claim.spec?.volumeName ?? '') !== undefined;
  }
  return isFinal;
}

function countByDriver(volumes: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const driver of volumes.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  return counts;
}

/** What the pods of a node use. */
interface Used {
  readonly pods: readonly PodInfo[];
  readonly node: CSINode | undefined;
  readonly volumes: ReadonlyMap<string, string>;
  readonly byDriver: ReadonlyMap<string, number>;
}

const isSame = (a: readonly PodInfo[], b: readonly PodInfo[]): boolean =>
  a.length === b.length && a.every((info, at) => info === b[at]);

const byNode = 'node';

export const nodeVolumeLimits: PluginDefinition = {
  name,
  create({ nodes, informers }) {
    const listers = volumeListers(informers);
    const csi = informers?.informer(csiNodes).lister;
    const attachments = informers?.informer(volumeAttachments);

    attachments?.addIndex(byNode, ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []));

    const known: (Used | undefined)[] = [];
    const usedOn = (row: number, node: CSINode | undefined): Used => {
      const pods = nodes.pods[row]!;
      const before = known[row];
      // By the pods themselves and not by a version: what-ifs change them too.
      if (before?.node === node && before && isSame(before.pods, pods)) return before;
      const volumes = new Map<string, string>();
      let isFinal = true;
      for (const { pod } of pods) isFinal = collect(listers!, pod, node, false, volumes) && isFinal;
      const used = { pods: [...pods], node, volumes, byDriver: countByDriver(volumes) };
      known[row] = isFinal ? used : undefined;
      return used;
    };

    /** The same with what is attached to the node besides. */
    const attachedTo = (row: number, node: CSINode | undefined): Pick<Used, 'volumes' | 'byDriver'> => {
      const used = usedOn(row, node);
      const besides = attachments?.lister.byIndex(byNode, nodes.names[row]!) ?? [];
      if (besides.length === 0) return used;
      const volumes = new Map(used.volumes);
      for (const { spec } of besides) {
        const { persistentVolumeName, inlineVolumeSpec } = spec?.source ?? {};
        const source = persistentVolumeName
          ? listers!.volumes.get(undefined, persistentVolumeName)?.spec
          : inlineVolumeSpec;
        const found = sourceOf(source, node);
        if (found) volumes.set(uniqueName(found), found.driver);
      }
      return { volumes, byDriver: countByDriver(volumes) };
    };

    return {
      name,
      preFilter: (_cycle, { pod }) => (hasClaims(pod) || pod.spec?.volumes?.some(isMigratable) ? undefined : skip),
      filter(_cycle, info, row) {
        if (!listers) return undefined;
        const node = csi?.get(undefined, nodes.names[row]!);
        const wanted = new Map<string, string>();
        collect(listers, info.pod, node, true, wanted);
        const limits = limitsOf(node);
        if (wanted.size === 0 || limits.size === 0) return undefined;
        const { volumes, byDriver } = attachedTo(row, node);
        for (const volume of wanted.keys()) if (volumes.has(volume)) wanted.delete(volume);
        for (const [driver, count] of countByDriver(wanted)) {
          const limit = limits.get(driver);
          if (limit !== undefined && (byDriver.get(driver) ?? 0) + count > limit) return exceeded;
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
