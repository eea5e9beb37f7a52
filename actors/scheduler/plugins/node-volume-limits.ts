/**
 * A node takes as many volumes of a CSI driver as its CSINode says. Volumes that pods on the node use already are not
 * counted twice. @see plugins/nodevolumelimits/csi.go
 */
import type { Pod } from '../../../src/api/index.ts';
import { csiNodes } from '../../../src/client/index.ts';
import {
  Action,
  boundVolumeName,
  claimsOf,
  hasClaims,
  type PluginDefinition,
  skip,
  unschedulable,
  volumeListers,
} from '../../../src/scheduling/index.ts';

const name = 'NodeVolumeLimits';
const exceeded = unschedulable('node(s) exceed max volume count');

export const nodeVolumeLimits: PluginDefinition = {
  name,
  create({ nodes, informers }) {
    const listers = volumeListers(informers);
    const csi = informers?.informer(csiNodes).lister;

    /** Unique volume → driver, for the CSI volumes of a pod. */
    const collect = (pod: Pod, into: Map<string, string>): void => {
      const namespace = pod.metadata?.namespace;
      for (const volume of pod.spec?.volumes ?? []) {
        if (volume.csi) into.set(`${namespace}/${pod.metadata?.name}/${volume.name}`, volume.csi.driver);
      }
      for (const reference of claimsOf(pod)) {
        const claim = listers?.claims.get(namespace, reference.name);
        if (!claim) continue;
        const volumeName = boundVolumeName(claim);
        const source = volumeName ? listers?.volumes.get(undefined, volumeName)?.spec?.csi : undefined;
        if (source) into.set(`${source.driver}/${source.volumeHandle}`, source.driver);
        else if (!volumeName) {
          const provisioner = listers?.classes.get(undefined, claim.spec?.storageClassName ?? '')?.provisioner;
          if (provisioner) into.set(`${namespace}/${reference.name}`, provisioner);
        }
      }
    };

    return {
      name,
      preFilter: (_cycle, { pod }) =>
        hasClaims(pod) || pod.spec?.volumes?.some((volume) => volume.csi) ? undefined : skip,
      filter(_cycle, info, row) {
        const limits = csi?.get(undefined, nodes.names[row]!)?.spec?.drivers;
        if (!limits?.some((driver) => driver.allocatable?.count !== undefined)) return undefined;
        const wanted = new Map<string, string>();
        collect(info.pod, wanted);
        if (wanted.size === 0) return undefined;
        const attached = new Map<string, string>();
        for (const other of nodes.pods[row]!) collect(other.pod, attached);
        for (const { name: driver, allocatable } of limits) {
          if (allocatable?.count === undefined) continue;
          let used = 0;
          for (const one of attached.values()) if (one === driver) used++;
          let added = 0;
          for (const [volume, one] of wanted) if (one === driver && !attached.has(volume)) added++;
          if (added > 0 && used + added > allocatable.count) return exceeded;
        }
        return undefined;
      },
      events: () => [
        { resource: 'CSINode', action: Action.Add | Action.Update },
        { resource: 'AssignedPod', action: Action.Delete, hint: (_info, previous) => hasClaims(previous as Pod) },
        { resource: 'PersistentVolumeClaim', action: Action.Add },
      ],
    };
  },
};
