/**
 * What happens to a pod once it has a node: Permit may refuse it or hold it back, then PreBind and Bind make it so. The
 * scheduler runs the first part at once and the second in the background; nothing here keeps any state.
 * @see kubernetes/pkg/scheduler/schedule_one.go bindingCycle
 */
import type { Cycle } from './cycle-state.ts';
import type { Extender } from './extender.ts';
import type { PodInfo } from './pod-info.ts';
import type { Profile } from './profile.ts';
import { answerAt, Code, errorVerdict, failedAt, type Verdict } from './verdict.ts';

/** A Permit plugin that holds a pod back, and for how long at most. */
export interface PermitWait {
  readonly name: string;
  readonly timeoutMs: number;
  /** Why, as the plugin says. */
  readonly message: string;
}

export interface PermitOutcome {
  readonly refused: Verdict | undefined;
  readonly waits: readonly PermitWait[];
}

const noWaits: readonly PermitWait[] = [];
const permitted: PermitOutcome = { refused: undefined, waits: noWaits };

/** Asks the Permit plugins in order; the first refusal ends it. */
export function runPermit(profile: Profile, cycle: Cycle, info: PodInfo, nodeName: string): PermitOutcome {
  if (profile.sets.permit.length === 0) return permitted;
  const startedMs = profile.points.now();
  const outcome = askPermit(profile, cycle, info, nodeName);
  const code = outcome.refused?.code ?? (outcome.waits.length > 0 ? Code.Wait : Code.Success);
  profile.points.ran('Permit', code, startedMs);
  return outcome;
}

function askPermit(profile: Profile, cycle: Cycle, info: PodInfo, nodeName: string): PermitOutcome {
  const waits: PermitWait[] = [];
  for (const plugin of profile.sets.permit) {
    try {
      const answer = plugin.permit!(cycle, info, nodeName);
      if (!answer) continue;
      if (answer.verdict?.code === Code.Wait) {
        waits.push({
          name: plugin.name,
          timeoutMs: answer.timeoutMs ?? 0,
          message: (answer.verdict.reasons ?? []).join(', '),
        });
        continue;
      }
      return { refused: answerAt('Permit', plugin.name, answer.verdict), waits };
    } catch (error) {
      return { refused: failedAt('Permit', plugin.name, error), waits };
    }
  }
  return { refused: undefined, waits };
}

/** PreBind and Bind: an extender that binds comes before the plugins. Undefined: the pod is bound. Never rejects. */
export async function bindPod(
  profile: Profile,
  extenders: readonly Extender[],
  cycle: Cycle,
  info: PodInfo,
  nodeName: string,
): Promise<Verdict | undefined> {
  const { points } = profile;
  const preBindMs = points.now();
  const needed = profile.preBindNeeded(cycle, info, nodeName);
  const unready = needed ? await preBind(profile, cycle, info, nodeName) : undefined;
  const bindMs = points.now();
  points.ran('PreBind', unready?.code ?? Code.Success, preBindMs);
  if (unready) return unready;
  const failure = await bind(profile, extenders, cycle, info, nodeName);
  points.ran('Bind', failure?.code ?? Code.Success, bindMs);
  return failure;
}

async function preBind(profile: Profile, cycle: Cycle, info: PodInfo, nodeName: string): Promise<Verdict | undefined> {
  for (const plugin of profile.sets.preBind) {
    try {
      if (plugin.preBindNeeded && !plugin.preBindNeeded(cycle, info, nodeName)) continue;
      const given = await plugin.preBind!(cycle, info, nodeName);
      if (given) return answerAt('PreBind', plugin.name, given);
    } catch (error) {
      return failedAt('PreBind', plugin.name, error);
    }
  }
  return undefined;
}

async function bind(
  profile: Profile,
  extenders: readonly Extender[],
  cycle: Cycle,
  info: PodInfo,
  nodeName: string,
): Promise<Verdict | undefined> {
  for (const extender of extenders) {
    if (extender.configuration.bindVerb === undefined || !extender.isInterestedIn(info.pod)) continue;
    try {
      await extender.bind(info, nodeName);
      return undefined;
    } catch (error) {
      if (!extender.ignorable) return errorVerdict(error);
    }
  }
  for (const plugin of profile.sets.bind) {
    try {
      const given = await plugin.bind!(cycle, info, nodeName);
      if (given?.code === Code.Skip) continue;
      return given && answerAt('Bind', plugin.name, given);
    } catch (error) {
      return failedAt('Bind', plugin.name, error);
    }
  }
  return { code: Code.Error, reasons: ['no bind plugin handled the pod'] };
}
