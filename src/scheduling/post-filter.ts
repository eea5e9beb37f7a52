/** PostFilter: what may still be done for a pod that no node fits. Run by the profile. */
import type { Cycle } from './cycle-state.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Plugin, PostFilterAnswer } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import { answerAt, Code, failedAt, isRejected, verdict } from './verdict.ts';

/** Plugins in turn until one succeeds; what they say is joined. A promise when a plugin asks outside. */
export function runPostFilter(
  plugins: readonly Plugin[],
  cycle: Cycle,
  info: PodInfo,
  diagnosis: Diagnosis,
): PostFilterAnswer | Promise<PostFilterAnswer> {
  const reasons: string[] = [];
  let nominatedNodeName: string | undefined;
  const nominated = (name: string | undefined) => (name === undefined ? {} : { nominatedNodeName: name });
  /** The final answer, when this one is it. */
  const take = (plugin: Plugin, answer: PostFilterAnswer): PostFilterAnswer | undefined => {
    const nomination = nominated(answer.nominatedNodeName);
    if (!answer.verdict) return { ...nomination, verdict: undefined };
    const given = answerAt('PostFilter', plugin.name, answer.verdict);
    if (given.code === Code.UnschedulableAndUnresolvable) return { ...nomination, verdict: given };
    if (!isRejected(given)) return { verdict: given };
    if (answer.nominatedNodeName !== undefined) nominatedNodeName = answer.nominatedNodeName;
    reasons.push(...given.reasons);
    return undefined;
  };
  const from = (start: number): PostFilterAnswer | Promise<PostFilterAnswer> => {
    for (let i = start; i < plugins.length; i++) {
      const plugin = plugins[i]!;
      const failed = (error: unknown) => ({ verdict: failedAt('PostFilter', plugin.name, error) });
      try {
        const answer = plugin.postFilter!(cycle, info, diagnosis);
        if (answer instanceof Promise) {
          return answer.then((given) => take(plugin, given) ?? from(i + 1)).catch(failed);
        }
        const final = take(plugin, answer);
        if (final) return final;
      } catch (error) {
        return failed(error);
      }
    }
    return { ...nominated(nominatedNodeName), verdict: verdict(Code.Unschedulable, ...reasons) };
  };
  return from(0);
}
