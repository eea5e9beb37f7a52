/**
 * Pod groups and who is in them: the pods that name a group in `spec.schedulingGroup`, waiting, decided or on a node. Kept
 * by the cache as pods come and go; groups themselves are objects of the API that plugins ask for.
 * @see KEP-4671 (gang scheduling) and kubernetes/pkg/scheduler/backend/cache/podgroupstate.go
 */
import type { Pod } from '../api/index.ts';
import type { PodInfo } from './pod-info.ts';

/** The name of the group that the pod belongs to. */
export const groupNameOf = ({ spec }: Pod): string | undefined => spec?.schedulingGroup?.podGroupName;

/** Namespace and name of the pod's group; undefined when it is in none. */
export function groupKeyOf(pod: Pod): string | undefined {
  const name = groupNameOf(pod);
  return name === undefined ? undefined : `${pod.metadata?.namespace ?? ''}/${name}`;
}

export type MemberState = 'waiting' | 'assumed' | 'assigned';

export class PodGroupMembers {
  readonly #groups = new Map<string, Map<string, MemberState>>();

  /** The pod is in this state now. Pods without a group are not looked at. */
  set(info: Pick<PodInfo, 'uid' | 'pod'>, state: MemberState): void {
    const key = groupKeyOf(info.pod);
    if (key === undefined) return;
    const members = this.#groups.get(key) ?? new Map<string, MemberState>();
    this.#groups.set(key, members.set(info.uid, state));
  }

  remove(uid: string, pod: Pod): void {
    const key = groupKeyOf(pod);
    const members = key === undefined ? undefined : this.#groups.get(key);
    if (!members?.delete(uid)) return;
    if (members.size === 0) this.#groups.delete(key!);
  }

  /** All pods of the group. */
  count(key: string): number {
    return this.#groups.get(key)?.size ?? 0;
  }

  /** Uids of its pods in one of the states. */
  uids(key: string, ...states: readonly MemberState[]): string[] {
    const found: string[] = [];
    for (const [uid, state] of this.#groups.get(key) ?? []) if (states.includes(state)) found.push(uid);
    return found;
  }
}
