/**
 * A claim with access mode ReadWriteOncePod serves one pod in the whole cluster, and a disk that pods name themselves one pod
 * a node, unless all read only. @see plugins/volumerestrictions
 */
import type { PersistentVolumeClaim, Pod, Volume } from '../../../src/api/index.ts';
import {
  Action,
  claimsOf,
  countedOn,
  namesClaim,
  type PluginDefinition,
  type PodInfo,
  skip,
  stateKey,
  unschedulable,
  volumeListers,
} from '../../../src/scheduling/index.ts';

const name = 'VolumeRestrictions';
const inUse = unschedulable(
  'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
);

const diskTaken = unschedulable('node(s) had no available disk');

interface Disk {
  /** Two disks are one when they share a key: RBD images have one for each monitor. */
  readonly keys: readonly string[];
  readonly readOnly: boolean;
}

/** The disk that a volume names itself; undefined for all other volumes. */
function diskOf({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): Disk | undefined {
  if (gcePersistentDisk) {
    return { keys: [`gce/${gcePersistentDisk.pdName}`], readOnly: gcePersistentDisk.readOnly ?? false };
  }
  // Such a disk cannot be shared at all.
  if (awsElasticBlockStore) return { keys: [`aws/${awsElasticBlockStore.volumeID}`], readOnly: false };
  if (iscsi) return { keys: [`iscsi/${iscsi.iqn}`], readOnly: iscsi.readOnly ?? false };
  if (!rbd) return undefined;
  const image = `${rbd.pool ?? 'rbd'}/${rbd.image}`;
  return { keys: rbd.monitors.map((monitor) => `rbd/${monitor}/${image}`), readOnly: rbd.readOnly ?? false };
}

const noDisks: readonly Disk[] = [];

function disksOf(pod: Pod): readonly Disk[] {
  let disks: Disk[] | undefined;
  for (const volume of pod.spec?.volumes ?? []) {
    const disk = diskOf(volume);
    if (!disk) continue;
    disks ??= [];
    disks.push(disk);
  }
  return disks ?? noDisks;
}

const collide = (a: Disk, b: Disk): boolean =>
  !(a.readOnly && b.readOnly) && a.keys.some((key) => b.keys.includes(key));

interface Conflicts {
  readonly disks: readonly Disk[];
  readonly claims: ReadonlySet<string>;
  /** Pods that use one of the claims; what-ifs take them off and put them on again. */
  users: number;
}

const conflictsKey = stateKey<Conflicts>(name);

const uses = (info: PodInfo, namespace: string, claims: ReadonlySet<string>) =>
  info.namespace === namespace && claimsOf(info.pod).some((reference) => claims.has(reference.name));

export const volumeRestrictions: PluginDefinition = {
  name,
  create({ nodes, informers }) {
    const listers = volumeListers(informers);
    return {
      name,
      preFilter(cycle, { namespace, pod }) {
        const exclusive = claimsOf(pod).filter((reference) =>
          listers?.claims.get(namespace, reference.name)?.spec?.accessModes?.includes('ReadWriteOncePod'),
        );
        const disks = disksOf(pod);
        if (exclusive.length === 0 && disks.length === 0) return skip;
        const claims = new Set(exclusive.map((reference) => reference.name));
        let users = 0;
        for (let row = 0; row < nodes.rowCount && claims.size > 0; row++) {
          for (const other of nodes.pods[row]!) if (uses(other, namespace, claims)) users++;
        }
        cycle.write(conflictsKey, { disks, claims, users });
        return undefined;
      },
      addPod(cycle, { namespace }, other) {
        const conflicts = cycle.need(conflictsKey);
        if (uses(other, namespace, conflicts.claims)) conflicts.users++;
      },
      removePod(cycle, { namespace }, other) {
        const conflicts = cycle.need(conflictsKey);
        if (uses(other, namespace, conflicts.claims)) conflicts.users--;
      },
      filter(cycle, _info, row) {
        const { disks, users } = cycle.need(conflictsKey);
        const taken =
          disks.length > 0 &&
          nodes.pods[row]!.some(({ pod }) => disksOf(pod).some((other) => disks.some((disk) => collide(disk, other))));
        if (taken) return diskTaken;
        return users > 0 ? inUse : undefined;
      },
      events: () => [
        {
          resource: 'AssignedPod',
          action: Action.Delete,
          hint: (info, previous) => {
            const pod = previous as Pod | undefined;
            if (!pod || !countedOn(pod)) return false;
            const disks = disksOf(pod);
            if (disks.some((other) => disksOf(info.pod).some((disk) => collide(disk, other)))) return true;
            if (pod.metadata?.namespace !== info.namespace) return false;
            const claims = new Set(claimsOf(info.pod).map((reference) => reference.name));
            return claimsOf(pod).some((reference) => claims.has(reference.name));
          },
        },
        { resource: 'Node', action: Action.Add },
        {
          resource: 'PersistentVolumeClaim',
          action: Action.Add,
          hint: ({ pod }, _previous, current) => namesClaim(pod, current as PersistentVolumeClaim | undefined),
        },
      ],
    };
  },
};
