/**
 * Verdicts: what a plugin's hook answers. Success is `undefined`, so that the common case allocates nothing; everything
 * else is a {@link Verdict}. Plugins make their verdicts once and return the same object again and again, which also
 * lets a diagnosis count reasons by identity.
 */

/** Codes of a verdict, with upstream's names and numbers. @see kube-scheduler/framework/interface.go */
export const Code = {
  Success: 0,
  /** The plugin failed; the pod is retried with back-off. */
  Error: 1,
  /** Cannot run here now; preempting pods on this node might help. */
  Unschedulable: 2,
  /** Cannot run here, and no preemption can change that. */
  UnschedulableAndUnresolvable: 3,
  /** Permit: hold the pod back until allowed. */
  Wait: 4,
  /** PreFilter and PreScore: leave this plugin out of the rest of the cycle. Bind: somebody else should bind. */
  Skip: 5,
  /** Unschedulable until something outside happens; the pod goes back through back-off, not counted as an attempt that failed. */
  Pending: 6,
} as const;

export type VerdictCode = (typeof Code)[keyof typeof Code];

/** Upstream's names of the codes, by number. */
export const codeNames: Readonly<Record<VerdictCode, string>> = Object.freeze(
  Object.fromEntries(Object.entries(Code).map(([name, code]) => [code, name])) as Record<VerdictCode, string>,
);

export interface Verdict {
  readonly code: VerdictCode;
  readonly reasons: readonly string[];
  /** The plugin that gave it; set by the framework when it was not set by the plugin. */
  readonly plugin?: string;
  /** For `Error`: what was thrown. */
  readonly error?: unknown;
}

export function verdict(code: VerdictCode, ...reasons: string[]): Verdict {
  return { code, reasons };
}

export const unschedulable = (...reasons: string[]): Verdict => verdict(Code.Unschedulable, ...reasons);
export const unresolvable = (...reasons: string[]): Verdict => verdict(Code.UnschedulableAndUnresolvable, ...reasons);

/** The one Skip verdict. */
export const skip: Verdict = verdict(Code.Skip);

export function errorVerdict(error: unknown, plugin?: string): Verdict {
  const message = error instanceof Error ? error.message : String(error);
  return { code: Code.Error, reasons: [message], error, ...(plugin === undefined ? {} : { plugin }) };
}

/** True for the codes that say "not here" or "not now", as opposed to a failure of the plugin. */
export function isRejected(given: Verdict): boolean {
  return (
    given.code === Code.Unschedulable || given.code === Code.UnschedulableAndUnresolvable || given.code === Code.Pending
  );
}

/** Reasons joined as upstream joins them. */
export const verdictMessage = (given: Verdict | undefined): string => (given ? given.reasons.join(', ') : '');

const attributed = new WeakMap<Verdict, Verdict>();

/** Is it a verdict at all? Plugins from users may answer anything. */
function isVerdict(given: unknown): given is Verdict {
  if (typeof given !== 'object' || given === null) return false;
  const { code, reasons } = given as Partial<Verdict>;
  return typeof code === 'number' && code >= Code.Success && code <= Code.Pending && Array.isArray(reasons);
}

/** A plugin's failure, with where it happened as upstream words it: `running PreFilter plugin "X": what went wrong`. */
export function failedAt(point: string, plugin: string, problem: unknown): Verdict {
  const given = isVerdict(problem) ? problem : errorVerdict(problem);
  const where = point === 'Filter' ? `running "${plugin}" filter plugin` : `running ${point} plugin "${plugin}"`;
  const message = point === 'Score' ? `running Score plugins: plugin "${plugin}" failed with` : where;
  return { code: Code.Error, reasons: [`${message}: ${verdictMessage(given)}`], plugin, error: given.error };
}

/** A verdict that is not success, attributed to its plugin; failures and nonsense say where they come from. */
export function answerAt(point: string, plugin: string, given: unknown): Verdict {
  if (!isVerdict(given)) {
    return failedAt(
      point,
      plugin,
      new Error(`the plugin answered ${JSON.stringify(given) ?? typeof given}, which is no verdict`),
    );
  }
  return given.code === Code.Error ? failedAt(point, plugin, given) : attribute(given, plugin);
}

/** The same verdict with the plugin's name on it; the same object for the same verdict. */
export function attribute(given: Verdict, plugin: string): Verdict {
  if (given.plugin !== undefined) return given;
  const known = attributed.get(given);
  if (known?.plugin === plugin) return known;
  const named = { ...given, plugin };
  attributed.set(given, named);
  return named;
}
