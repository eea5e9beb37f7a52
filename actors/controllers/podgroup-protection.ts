/**
 * podgroup-protection-controller: a PodGroup that is being deleted stays, by the finalizer that admission gave it, as long as a pod
 * that has not ended names it.
 *
 * @see kubernetes/pkg/controller/scheduling/podgroupprotection and KEP-4671
 */
import { isNotFound, type Pod } from '../../src/api/index.ts';
import { podGroups, pods } from '../../src/client/index.ts';
import { type ControllerDefinition, isPodFinished, splitKey } from '../../src/controller/index.ts';

const finalizer = 'scheduling.k8s.io/podgroup-protection';
const groupIndex = 'active-pods-of-group';

function groupOf({ metadata, spec }: Pod): string | undefined {
  const name = spec?.schedulingGroup?.podGroupName;
  return name === undefined ? undefined : `${metadata?.namespace}/${name}`;
}

export const podGroupProtectionController: ControllerDefinition = {
  name: 'podgroup-protection-controller',
  queue: 'podgroupprotection',
  needs: podGroups,
  reconciles: podGroups,
  wakes: ({ type, object }) =>
    type !== 'deleted' &&
    (object as { metadata?: { deletionTimestamp?: string } }).metadata?.deletionTimestamp !== undefined,
  create({ client, enqueue, index, lister, observe }) {
    const groups = lister(podGroups);
    const members = lister(pods);
    index(pods, groupIndex, (pod) => {
      const group = isPodFinished(pod) ? undefined : groupOf(pod);
      return group === undefined ? [] : [group];
    });
    observe(pods, (change) => {
      const { object } = change;
      const isReplaced = change.type === 'updated' && change.previous.metadata?.uid !== object.metadata?.uid;
      if (isReplaced) wake(change.previous);
      if (change.type === 'deleted' || isPodFinished(object)) wake(object);
    });

    function wake(pod: Pod): void {
      const group = groupOf(pod);
      if (group !== undefined) enqueue(group);
    }

    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const group = groups.get(namespace, name);
        const finalizers = group?.metadata?.finalizers ?? [];
        if (group?.metadata?.deletionTimestamp === undefined || !finalizers.includes(finalizer)) return undefined;
        if (members.byIndex(groupIndex, key).length > 0) return undefined;
        const left = finalizers.filter((other) => other !== finalizer);
        try {
          await client.update(podGroups, { ...group, metadata: { ...group.metadata, finalizers: left } });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
