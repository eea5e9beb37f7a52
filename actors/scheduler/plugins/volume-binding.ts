/**
 * Volumes and nodes: bound volumes must be usable on the node; claims that wait for their first consumer get a volume
 * there, an existing one or one to be provisioned. The choice is reserved with the node and written before the pod is
 * bound. @see plugins/volumebinding
 */
import {
  type CSIDriver,
  type CSIStorageCapacity,
  compareQuantities,
  labelSelectorOf,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
} from '../../../src/api/index.ts';
import {
  csiDrivers,
  csiStorageCapacities,
  persistentVolumeClaims,
  persistentVolumes,
} from '../../../src/client/index.ts';
import {
  Action,
  boundVolumeName,
  Code,
  claimsOf,
  classNameOf,
  compileNodeSelector,
  errorVerdict,
  hasClaims,
  type PluginDefinition,
  skip,
  stateKey,
  unresolvable,
  type Verdict,
  verdict,
  volumeListers,
} from '../../../src/scheduling/index.ts';

const name = 'VolumeBinding';
const wrongNode = unresolvable("node(s) didn't match PersistentVolume's node affinity");
const noVolume = unresolvable("node(s) didn't find available persistent volumes to bind");
const noSpace = unresolvable('node(s) did not have enough free storage');
const volumeGone = unresolvable('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
const unboundImmediate = unresolvable('pod has unbound immediate PersistentVolumeClaims');
const notProvisioned = 'kubernetes.io/no-provisioner';
const selectedNode = 'volume.kubernetes.io/selected-node';
const boundByController = 'pv.kubernetes.io/bound-by-controller';
const migratedPlugins = 'storage.alpha.kubernetes.io/migrated-plugins';
const pollMs = 250;

interface Wanted {
  readonly bound: readonly string[];
  readonly waiting: readonly PersistentVolumeClaim[];
}

/** What a node was reserved with: claims and the volume for each (undefined: to be provisioned). */
type Choice = readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume | undefined }[];

const wantedKey = stateKey<Wanted>('VolumeBinding/wanted');
const choiceKey = stateKey<Choice>('VolumeBinding/choice');

/** How large a new volume may be. */
const volumeLimit = ({ maximumVolumeSize, capacity }: Pick<CSIStorageCapacity, 'maximumVolumeSize' | 'capacity'>) =>
  maximumVolumeSize ?? capacity;

function usableOn(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return !required || compileNodeSelector(required)(node);
}

/** One verdict a set of reasons, so that diagnoses can count them by identity. */
const together = new Map<string, Verdict>();

function joined(given: readonly Verdict[]): Verdict | undefined {
  if (given.length < 2) return given[0];
  const reasons = given.flatMap((one) => one.reasons);
  const key = reasons.join('\n');
  let known = together.get(key);
  if (!known) {
    known = unresolvable(...reasons);
    together.set(key, known);
  }
  return known;
}

const attributesOf = ({ spec }: PersistentVolume | PersistentVolumeClaim): string =>
  spec?.volumeAttributesClassName ?? '';

/** Could the volume serve the claim, wherever? One that is promised to it only has to have its class, size and mode. */
function serves(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec } = volume;
  const wanted = claim.spec;
  if (volume.metadata?.deletionTimestamp || classNameOf(volume) !== classNameOf(claim)) return false;
  const capacity = spec?.capacity?.['storage'] ?? '0';
  if (compareQuantities(capacity, wanted?.resources?.requests?.['storage'] ?? '0') < 0) return false;
  if ((spec?.volumeMode ?? 'Filesystem') !== (wanted?.volumeMode ?? 'Filesystem')) return false;
  const reference = spec?.claimRef;
  if (reference) {
    const ours = reference.name === claim.metadata?.name && reference.namespace === claim.metadata?.namespace;
    return ours && (!reference.uid || reference.uid === claim.metadata?.uid);
  }
  if (volume.status?.phase !== undefined && volume.status.phase !== 'Available') return false;
  if (attributesOf(volume) !== attributesOf(claim)) return false;
  if (!(wanted?.accessModes ?? []).every((mode) => spec?.accessModes?.includes(mode))) return false;
  return !wanted?.selector || labelSelectorOf(wanted.selector).matches(volume.metadata?.labels);
}

export const volumeBinding: PluginDefinition = {
  name,
  create({ nodes, informers, client, clock }, args) {
    const listers = volumeListers(informers);
    const timeoutMs = ((args['bindTimeoutSeconds'] as number | undefined) ?? 600) * 1000;
    /** Volumes promised to claims (by `namespace/name`) whose binding is not written yet. */
    const promised = new Map<string, string>();
    const keyOf = (claim: PersistentVolumeClaim) => `${claim.metadata?.namespace}/${claim.metadata?.name}`;

    const drivers = informers?.informer(csiDrivers).lister;
    const capacities = informers?.informer(csiStorageCapacities).lister;

    /** Is there room for a new volume where the node is? Drivers that do not publish their capacity always have some. */
    const hasRoom = (provisioner: string, claim: PersistentVolumeClaim, node: Node): boolean => {
      if (!drivers?.get(undefined, provisioner)?.spec.storageCapacity) return true;
      const asked = claim.spec?.resources?.requests?.['storage'];
      if (asked === undefined) return true;
      return capacities!.list().some(({ storageClassName, capacity, maximumVolumeSize, nodeTopology }) => {
        const room = volumeLimit({ maximumVolumeSize, capacity });
        if (storageClassName !== classNameOf(claim) || room === undefined || !nodeTopology) return false;
        return compareQuantities(room, asked) >= 0 && labelSelectorOf(nodeTopology).matches(node.metadata?.labels);
      });
    };

    /** Volumes for all waiting claims on one node, smallest first; a verdict when one finds none. */
    const choose = (waiting: readonly PersistentVolumeClaim[], node: Node): Choice | Verdict => {
      let cramped = false;
      const choice: { claim: PersistentVolumeClaim; volume: PersistentVolume | undefined }[] = [];
      const taken = new Set<string>();
      for (const claim of waiting) {
        const candidates = listers!.volumes
          .list()
          .filter((volume) => {
            const volumeName = volume.metadata?.name ?? '';
            const owner = promised.get(volumeName);
            if (taken.has(volumeName) || (owner !== undefined && owner !== keyOf(claim))) return false;
            return serves(volume, claim);
          })
          .sort((a, b) =>
            compareQuantities(a.spec?.capacity?.['storage'] ?? '0', b.spec?.capacity?.['storage'] ?? '0'),
          );
        // A volume that is promised to the claim is the only one for it, also where it cannot be used.
        const reserved = candidates.find(({ spec }) => spec?.claimRef);
        const eligible = reserved ? [reserved] : candidates;
        const volume = eligible.find((candidate) => usableOn(candidate, node));
        if (volume) taken.add(volume.metadata!.name!);
        else {
          const storageClass = listers!.classes.get(undefined, classNameOf(claim));
          if (!storageClass || storageClass.provisioner === notProvisioned) return noVolume;
          const topologies = storageClass.allowedTopologies ?? [];
          const labels = node.metadata?.labels ?? {};
          const allowed =
            topologies.length === 0 ||
            topologies.some((term) =>
              (term.matchLabelExpressions ?? []).every(({ key, values }) => values.includes(labels[key] ?? '')),
            );
          if (!allowed) return noVolume;
          if (!hasRoom(storageClass.provisioner, claim, node)) cramped = true;
        }
        choice.push({ claim, volume });
      }
      return cramped ? noSpace : choice;
    };

    const missing = (claimName: string, ephemeral: boolean): Verdict =>
      unresolvable(
        ephemeral
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(claimName)}`
          : `persistentvolumeclaim ${JSON.stringify(claimName)} not found`,
      );

    const writeChoice = async (choice: Choice, nodeName: string): Promise<void> => {
      for (const { claim, volume } of choice) {
        const { namespace = '', name: claimName = '' } = claim.metadata ?? {};
        if (volume) {
          const claimRef = {
            kind: 'PersistentVolumeClaim',
            apiVersion: 'v1',
            namespace,
            name: claimName,
            uid: claim.metadata?.uid,
            resourceVersion: claim.metadata?.resourceVersion,
          };
          const metadata = {
            resourceVersion: volume.metadata?.resourceVersion,
            annotations: { [boundByController]: 'yes' },
          };
          await client!.patch(persistentVolumes, { name: volume.metadata!.name! }, 'merge', {
            metadata,
            spec: { claimRef },
          });
        } else {
          const metadata = { annotations: { [selectedNode]: nodeName } };
          await client!.patch(persistentVolumeClaims, { namespace, name: claimName }, 'merge', { metadata });
        }
      }
    };

    return {
      name,
      preFilter(cycle, { namespace, name: podName, uid: podUid, pod }) {
        if (!hasClaims(pod)) return skip;
        const bound: string[] = [];
        const waiting: PersistentVolumeClaim[] = [];
        let immediate = false;
        for (const { name: claimName, ephemeral } of claimsOf(pod)) {
          const claim = listers?.claims.get(namespace, claimName);
          if (!claim) return missing(claimName, ephemeral);
          if (claim.status?.phase === 'Lost') {
            return unresolvable(
              `persistentvolumeclaim ${JSON.stringify(claimName)} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName ?? '')}`,
            );
          }
          if (claim.metadata?.deletionTimestamp) {
            return unresolvable(`persistentvolumeclaim ${JSON.stringify(claimName)} is being deleted`);
          }
          if (
            ephemeral &&
            !claim.metadata?.ownerReferences?.some(({ controller, uid }) => controller && uid === podUid)
          ) {
            const where = `${namespace}/${claimName} was not created for pod ${namespace}/${podName}`;
            return unresolvable(`PVC ${where} (pod is not owner)`);
          }
          const volumeName = boundVolumeName(claim);
          if (volumeName) bound.push(volumeName);
          else {
            const storageClass = listers?.classes.get(undefined, classNameOf(claim));
            const waits = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.spec?.volumeName;
            if (waits) waiting.push(claim);
            else immediate = true;
          }
        }
        if (immediate) return unboundImmediate;
        cycle.write(wantedKey, { bound, waiting });
        return undefined;
      },
      filter(cycle, _info, row) {
        const node = nodes.nodes[row]!;
        const { bound, waiting } = cycle.need(wantedKey);
        let wrong = false;
        for (const volumeName of bound) {
          const volume = listers?.volumes.get(undefined, volumeName);
          if (!volume) return volumeGone;
          if (!usableOn(volume, node)) wrong = true;
        }
        const choice = waiting.length === 0 ? undefined : choose(waiting, node);
        const refusals = [...(wrong ? [wrongNode] : []), ...(choice && 'code' in choice ? [choice] : [])];
        return joined(refusals);
      },
      reserve(cycle, _info, nodeName) {
        const wanted = cycle.read(wantedKey);
        if (!wanted || wanted.waiting.length === 0) return undefined;
        const choice = choose(wanted.waiting, nodes.nodes[nodes.rowOf(nodeName)]!);
        if ('code' in choice) return choice;
        for (const { claim, volume } of choice) if (volume) promised.set(volume.metadata!.name!, keyOf(claim));
        cycle.write(choiceKey, choice);
        return undefined;
      },
      unreserve(cycle) {
        for (const { volume } of cycle.read(choiceKey) ?? []) if (volume) promised.delete(volume.metadata!.name!);
      },
      preBindNeeded: (cycle) => cycle.read(choiceKey) !== undefined,
      async preBind(cycle, _info, nodeName) {
        const choice = cycle.need(choiceKey);
        try {
          await writeChoice(choice, nodeName);
          const untilMs = clock.now() + timeoutMs;
          const allBound = () =>
            choice.every(({ claim }) => {
              const current = listers!.claims.get(claim.metadata?.namespace, claim.metadata!.name!);
              return current !== undefined && boundVolumeName(current) !== undefined;
            });
          while (!allBound()) {
            if (clock.now() >= untilMs) return verdict(Code.Error, 'binding volumes: context deadline exceeded');
            await clock.sleep(pollMs, { background: true });
          }
          for (const { volume } of choice) if (volume) promised.delete(volume.metadata!.name!);
          return undefined;
        } catch (error) {
          return errorVerdict(error, name);
        }
      },
      events: () => [
        {
          resource: 'StorageClass',
          action: Action.Add | Action.Update,
          hint: (_info, previous, current) =>
            previous === undefined ||
            JSON.stringify((previous as StorageClass).allowedTopologies) !==
              JSON.stringify((current as StorageClass).allowedTopologies),
        },
        {
          resource: 'PersistentVolumeClaim',
          action: Action.Add | Action.Update,
          hint: (info, _previous, current) =>
            current?.metadata?.namespace === info.namespace &&
            claimsOf(info.pod).some((reference) => reference.name === current.metadata?.name),
        },
        { resource: 'PersistentVolume', action: Action.Add | Action.Update },
        { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel },
        {
          resource: 'CSINode',
          action: Action.Add | Action.Update,
          hint: (_info, previous, current) =>
            previous === undefined ||
            previous.metadata?.annotations?.[migratedPlugins] !== current?.metadata?.annotations?.[migratedPlugins],
        },
        {
          resource: 'CSIDriver',
          action: Action.Update,
          hint: ({ pod }, previous, current) =>
            (pod.spec?.volumes ?? []).some(({ csi }) => csi?.driver === current?.metadata?.name) &&
            (previous as CSIDriver | undefined)?.spec.storageCapacity === true &&
            (current as CSIDriver | undefined)?.spec.storageCapacity !== true,
        },
        {
          resource: 'CSIStorageCapacity',
          action: Action.Add | Action.Update,
          hint(_info, previous, current) {
            const before = previous && volumeLimit(previous as CSIStorageCapacity);
            const after = volumeLimit(current as CSIStorageCapacity);
            if (previous === undefined) return true;
            return after !== undefined && (before === undefined || compareQuantities(after, before) > 0);
          },
        },
      ],
    };
  },
};
