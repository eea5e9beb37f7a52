/** A claim with access mode ReadWriteOncePod serves one pod in the whole cluster. @see plugins/volumerestrictions */
import type { Pod } from '../../../src/api/index.ts';
import {
  Action,
  claimsOf,
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

interface Conflicts {
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
        if (exclusive.length === 0) return skip;
        const claims = new Set(exclusive.map((reference) => reference.name));
        let users = 0;
        for (let row = 0; row < nodes.rowCount; row++) {
          for (const other of nodes.pods[row]!) if (uses(other, namespace, claims)) users++;
        }
        cycle.write(conflictsKey, { claims, users });
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
      filter: (cycle) => (cycle.need(conflictsKey).users > 0 ? inUse : undefined),
      events: () => [
        {
          resource: 'AssignedPod',
          action: Action.Delete,
          hint: (info, previous) => {
            const pod = previous as Pod | undefined;
            const claims = new Set(claimsOf(info.pod).map((reference) => reference.name));
            return (
              pod?.metadata?.namespace === info.namespace &&
              claimsOf(pod).some((reference) => claims.has(reference.name))
            );
          },
        },
        { resource: 'Node', action: Action.Add },
        { resource: 'PersistentVolumeClaim', action: Action.Add | Action.Update },
      ],
    };
  },
};
