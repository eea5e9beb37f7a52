/**
 * Taints of nodes as controllers change them: only their own, on the version that they saw, and again on the latest one after a
 * lost race.
 *
 * @see kubernetes/pkg/controller/controller_utils.go, AddOrUpdateTaintOnNode and RemoveTaintOffNode
 */
import type { Node, Taint } from '../api/index.ts';
import { type Client, nodes, retryOnConflict } from '../client/index.ts';
import type { Clock } from '../runtime/index.ts';
import { sameTaint } from './taints.ts';

/** Makes `add` stand on the node and `remove` not. Writes nothing when that is so already. */
export function changeTaints(
  client: Client,
  clock: Clock,
  seen: Node,
  add: readonly Taint[],
  remove: readonly Taint[],
): Promise<void> {
  const { name = '' } = seen.metadata ?? {};
  let cached: Node | undefined = seen;
  return retryOnConflict(clock, async () => {
    const node = cached ?? (await client.get(nodes, { name }));
    cached = undefined;
    const current = node.spec?.taints ?? [];
    const kept = current.filter((taint) => !remove.some((other) => sameTaint(taint, other)));
    const added = add.filter((taint) => !current.some((other) => sameTaint(taint, other)));
    if (added.length === 0 && kept.length === current.length) return;
    const taints = [...kept, ...added];
    const { resourceVersion } = node.metadata ?? {};
    const patch = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
    await client.patch(nodes, { name }, 'merge', patch);
  });
}
