/**
 * What controllers do to pods that must go from a node: say why in the condition DisruptionTarget, then delete. Shared by the
 * pod garbage collector and the taint eviction controller.
 */
import { isNotFound, type Pod } from '../api/index.ts';
import { type Client, keyOf, pods } from '../client/index.ts';
import { timeText } from './times.ts';

export interface Disruption {
  readonly reason: string;
  readonly message: string;
  /** Also sets the phase Failed, for pods that nobody runs any more. */
  readonly fail?: boolean;
  /** Default: the pod's own. */
  readonly gracePeriodSeconds?: number;
}

/** Name of the index of pods by node. */
export const nodeIndexName = 'node';

export function nodeIndex(pod: Pod): readonly string[] {
  const node = pod.spec?.nodeName;
  return node === undefined || node === '' ? [] : [node];
}

/** Of a pod that no kubelet will speak for any more. */
export function failedStatus({ metadata }: Pod): NonNullable<Pod['status']> {
  const { generation } = metadata ?? {};
  return { phase: 'Failed', ...(generation === undefined ? {} : { observedGeneration: generation }) };
}

/** Resolves when the pod is deleted, or gone already. */
export async function disrupt(client: Client, pod: Pod, nowMs: number, disruption: Disruption): Promise<void> {
  const key = keyOf(pod);
  const { uid, generation } = pod.metadata ?? {};
  const { reason, message, fail, gracePeriodSeconds } = disruption;
  const known = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    status: 'True',
    reason,
    message,
    lastTransitionTime: (known?.status === 'True' ? known.lastTransitionTime : undefined) ?? timeText(nowMs),
  };
  const running = pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
  try {
    // One condition of the list, so that the pod may have changed since it was read: who calls may follow parts of pods only.
    const status = { conditions: [condition], ...(fail && running ? failedStatus(pod) : {}) };
    await client.patch(pods, key, 'strategic', { metadata: { uid }, status }, { subresource: 'status' });
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    await client.delete(pods, key, { ...options, ...(uid === undefined ? {} : { preconditions: { uid } }) });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
