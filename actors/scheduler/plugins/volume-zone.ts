/** A bound volume with zone or region labels is usable on nodes with those labels only. @see plugins/volumezone */
import type { PersistentVolume } from '../../../src/api/index.ts';
import {
  Action,
  boundVolumeName,
  claimsOf,
  type PluginDefinition,
  skip,
  stateKey,
  unresolvable,
  volumeListers,
} from '../../../src/scheduling/index.ts';

const name = 'VolumeZone';
const conflict = unresolvable('node(s) had no available volume zone');

/** Zone labels of volumes, with the label that nodes may carry instead. */
const labels: readonly (readonly [key: string, alternative: string])[] = [
  ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'],
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
];

interface Demand {
  readonly key: string;
  readonly alternative: string;
  readonly values: ReadonlySet<string>;
}

const demandsKey = stateKey<readonly Demand[]>(name);

/** What the labels of a volume ask of a node; several zones are written `a__b`. */
function demandsOf({ metadata }: PersistentVolume): Demand[] {
  return labels.flatMap(([key, alternative]) => {
    const value = metadata?.labels?.[key];
    return value === undefined ? [] : [{ key, alternative, values: new Set(value.split('__')) }];
  });
}

export const volumeZone: PluginDefinition = {
  name,
  create({ nodes, informers }) {
    const listers = volumeListers(informers);
    return {
      name,
      preFilter(cycle, { namespace, pod }) {
        const demands: Demand[] = [];
        for (const reference of claimsOf(pod)) {
          const claim = listers?.claims.get(namespace, reference.name);
          const volumeName = claim && boundVolumeName(claim);
          const volume = volumeName ? listers?.volumes.get(undefined, volumeName) : undefined;
          if (volume) demands.push(...demandsOf(volume));
        }
        if (demands.length === 0) return skip;
        cycle.write(demandsKey, demands);
        return undefined;
      },
      filter(cycle, _info, row) {
        const present = nodes.nodes[row]?.metadata?.labels ?? {};
        for (const { key, alternative, values } of cycle.need(demandsKey)) {
          const value = present[key] ?? present[alternative];
          if (value === undefined || !values.has(value)) return conflict;
        }
        return undefined;
      },
      events: () => [
        { resource: 'StorageClass', action: Action.Add },
        { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel },
        { resource: 'PersistentVolumeClaim', action: Action.Add | Action.Update },
        { resource: 'PersistentVolume', action: Action.Add | Action.Update },
      ],
    };
  },
};
