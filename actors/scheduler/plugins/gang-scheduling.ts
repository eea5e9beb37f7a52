/**
 * All or nothing for the pods of a group: none is attempted before `minCount` of them are here, and none is bound before
 * `minCount` of them have a node. Off by default, as upstream. @see plugins/gangscheduling and KEP-4671
 */
import type { PodGroup } from '../../../src/api/index.ts';
import { podGroups } from '../../../src/client/index.ts';
import {
  Action,
  Code,
  groupKeyOf,
  groupNameOf,
  type PluginDefinition,
  type PodInfo,
  unresolvable,
  verdict,
} from '../../../src/scheduling/index.ts';

const name = 'GangScheduling';
const quorumTimeoutMs = 300_000;
const tooFew = unresolvable('waiting for minCount pods from a gang to appear in scheduling queue');
const waiting = verdict(Code.Wait, 'waiting for minCount pods from a gang to be scheduled');

export const gangScheduling: PluginDefinition = {
  name,
  create({ informers, groupMembers, allowWaiting, activate, podByUid }) {
    const lister = informers?.informer(podGroups).lister;
    const groupOf = ({ namespace, pod }: PodInfo): PodGroup | undefined => lister?.get(namespace, groupNameOf(pod)!);
    const minCountOf = (group: PodGroup | undefined) => group?.spec.schedulingPolicy.gang?.minCount;
    const isGroupOf = ({ namespace, pod }: PodInfo, group: PodGroup | undefined): boolean =>
      group?.metadata?.namespace === namespace && group.metadata?.name === groupNameOf(pod);
    const joins = (info: PodInfo, _previous: unknown, current: unknown): boolean =>
      groupKeyOf(info.pod) !== undefined && groupKeyOf(info.pod) === groupKeyOf(current as PodInfo['pod']);

    return {
      name,
      preEnqueue(info) {
        const groupName = groupNameOf(info.pod);
        if (groupName === undefined) return undefined;
        const group = groupOf(info);
        if (!group) {
          return unresolvable(
            `waiting for pods's pod group ${JSON.stringify(groupName)} to appear in scheduling queue`,
          );
        }
        return groupMembers.count(groupKeyOf(info.pod)!) < (minCountOf(group) ?? 0) ? tooFew : undefined;
      },
      permit(_cycle, info) {
        const groupName = groupNameOf(info.pod);
        if (groupName === undefined) return undefined;
        const group = groupOf(info);
        if (!group) {
          const text = `podgroup.scheduling.k8s.io ${JSON.stringify(groupName)} not found`;
          throw new Error(`failed to get podGroup ${info.namespace}/${groupName}: ${text}`);
        }
        const minCount = minCountOf(group);
        if (minCount === undefined) return undefined;
        const key = groupKeyOf(info.pod)!;
        if (groupMembers.uids(key, 'assumed', 'assigned').length < minCount) {
          for (const uid of groupMembers.uids(key, 'waiting')) {
            const other = podByUid(uid);
            if (other) activate(other);
          }
          return { verdict: waiting, timeoutMs: quorumTimeoutMs };
        }
        for (const uid of groupMembers.uids(key, 'assumed')) allowWaiting(uid, name);
        return undefined;
      },
      events: () => [
        { resource: 'UnscheduledPod', action: Action.Add, hint: joins },
        { resource: 'AssignedPod', action: Action.Add, hint: joins },
        {
          resource: 'PodGroup',
          action: Action.Add,
          hint: (info, _previous, current) => isGroupOf(info, current as PodGroup | undefined),
        },
        {
          resource: 'PodGroup',
          action: Action.Update,
          hint(info, previous, current) {
            if (!isGroupOf(info, current as PodGroup | undefined)) return false;
            const before = minCountOf(previous as PodGroup | undefined);
            const after = minCountOf(current as PodGroup | undefined);
            return before === undefined || after === undefined || after < before;
          },
        },
      ],
    };
  },
};
