/** A bound volume with zone or region labels is usable on nodes with those labels only. @see plugins/volumezone */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../../src/api/index.ts';
import {
  Action,
  classNameOf,
  type PluginDefinition,
  skip,
  stateKey,
  unresolvable,
  type Verdict,
  volumeListers,
} from '../../../src/scheduling/index.ts';

const name = 'VolumeZone';
const conflict = unresolvable('node(s) had no available volume zone');

/** Zone labels of volumes, with the label that nodes may carry instead: today's for those of old. */
const labels: readonly (readonly [key: string, alternative: string])[] = [
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'topology.kubernetes.io/region'],
];

interface Demand {
  readonly key: string;
  readonly alternative: string;
  readonly values: ReadonlySet<string>;
}

const demandsKey = stateKey<readonly Demand[]>(name);

/** What the labels of a volume ask of a node; several zones are written `a__b`. A label with an empty zone asks nothing. */
function demandsOf({ metadata }: PersistentVolume): Demand[] {
  return labels.flatMap(([key, alternative]) => {
    const values = metadata?.labels?.[key]?.split('__').map((value) => value.trim());
    return values === undefined || values.includes('') ? [] : [{ key, alternative, values: new Set(values) }];
  });
}

/** Claims that the pod's volumes name themselves. */
const claimNames = ({ spec }: Pod): string[] =>
  (spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);

const notFound = (kind: string, objectName: string) => unresolvable(`${kind} ${JSON.stringify(objectName)} not found`);

export const volumeZone: PluginDefinition = {
  name,
  create({ nodes, informers }) {
    const listers = volumeListers(informers);

    /** Undefined: the claim waits for its pod, and asks nothing yet. */
    const volumeOf = (claim: PersistentVolumeClaim): PersistentVolume | Verdict | undefined => {
      const volumeName = claim.spec?.volumeName;
      const storageClassName = classNameOf(claim);
      if (volumeName) {
        return listers!.volumes.get(undefined, volumeName) ?? notFound('persistentvolume', volumeName);
      }
      if (!storageClassName) return unresolvable('PersistentVolumeClaim had no pv name and storageClass name');
      const storageClass = listers!.classes.get(undefined, storageClassName);
      if (!storageClass) return notFound('storageclass.storage.k8s.io', storageClassName);
      if (!storageClass.volumeBindingMode) {
        return unresolvable(`VolumeBindingMode not set for StorageClass ${JSON.stringify(storageClassName)}`);
      }
      if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') return undefined;
      return unresolvable('PersistentVolume had no name');
    };

    return {
      name,
      preFilter(cycle, { namespace, pod }) {
        const demands: Demand[] = [];
        for (const claimName of claimNames(pod)) {
          const claim = listers?.claims.get(namespace, claimName);
          if (!claim) return notFound('persistentvolumeclaim', claimName);
          const volume = volumeOf(claim);
          if (volume && 'reasons' in volume) return volume;
          if (volume) demands.push(...demandsOf(volume));
        }
        if (demands.length === 0) return skip;
        cycle.write(demandsKey, demands);
        return undefined;
      },
      filter(cycle, _info, row) {
        const present = nodes.nodes[row]?.metadata?.labels ?? {};
        // A cluster with a single zone may not label its nodes at all.
        if (!labels.some(([key]) => present[key] !== undefined)) return undefined;
        for (const { key, alternative, values } of cycle.need(demandsKey)) {
          const value = present[key] ?? present[alternative];
          if (value === undefined || !values.has(value)) return conflict;
        }
        return undefined;
      },
      events: () => [
        {
          resource: 'StorageClass',
          action: Action.Add,
          hint: (_info, _previous, current) =>
            (current as StorageClass | undefined)?.volumeBindingMode === 'WaitForFirstConsumer',
        },
        { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel },
        {
          resource: 'PersistentVolumeClaim',
          action: Action.Add | Action.Update,
          hint: ({ namespace, pod }, _previous, current) =>
            current?.metadata?.namespace === namespace && claimNames(pod).includes(current.metadata?.name ?? ''),
        },
        {
          resource: 'PersistentVolume',
          action: Action.Add | Action.Update,
          hint: (_info, previous, current) =>
            previous === undefined ||
            labels.some(([key]) => previous.metadata?.labels?.[key] !== current?.metadata?.labels?.[key]),
        },
      ],
    };
  },
};
