/**
 * The condition EvictionInProgress of a DeviceTaintRule, in upstream's words: what is left to evict, what was, or what would be.
 *
 * @see kubernetes/pkg/controller/devicetainteviction/device_taint_eviction.go
 */
import type { Pod } from '../api/index.ts';

export interface EvictionState {
  /** `NoExecute`, `None`, or another one, which evicts nobody. */
  readonly effect: string;
  /** Pods that must go because of the rule, or would have to if it evicted. */
  readonly pending: readonly Pod[];
  /** Pods that went because of it, since the controller began. */
  readonly evicted: number;
  /** Devices that it selects. */
  readonly selected: { readonly published: number; readonly allocated: number };
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** Without times and generation, which whoever writes it adds. */
export function evictionCondition({ effect, pending, evicted, selected }: EvictionState) {
  const namespaces = new Set(pending.map(({ metadata }) => metadata?.namespace)).size;
  const where = counted(namespaces, 'namespace', 'different namespaces');
  const said: string[] = [];
  let reason = 'OtherEffect';
  if (effect === 'NoExecute') {
    reason = pending.length > 0 ? 'PodsPendingEviction' : evicted > 0 ? 'Completed' : 'NotStarted';
    if (pending.length > 0)
      said.push(`${counted(pending.length, 'pod needs', 'pods need')} to be evicted in ${where}.`);
  } else if (effect === 'None') {
    reason = 'NoEffect';
    said.push(
      `${counted(selected.published, 'published device', 'published devices')} selected.`,
      `${counted(selected.allocated, 'allocated device', 'allocated devices')} selected.`,
      `${counted(pending.length, 'pod', 'pods')} would be evicted in ${where} if the effect was NoExecute.`,
      'This information will not be updated again. Recreate the DeviceTaintRule to trigger an update.',
    );
  } else said.push('Eviction only happens for the NoExecute effect.');
  if (evicted > 0) said.push(`${counted(evicted, 'pod', 'pods')} evicted since starting the controller.`);
  const status = reason === 'PodsPendingEviction' ? 'True' : 'False';
  return { type: 'EvictionInProgress', status, reason, message: said.join(' ') };
}
