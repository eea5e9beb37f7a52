/** What PodSecurity says about namespaces: their labels must be right, and pods that are there already may break a new level. */
import { type ApiObject, type FieldError, StatusError } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import type { Attributes } from './plugin.ts';
import { type SecurityPod, violationReasons } from './pod-security-evaluation.ts';
import type { SecuritySpec } from './pod-security-pods.ts';
import {
  compareLevels,
  type LevelVersion,
  policyOf,
  policyText,
  SECURITY_LABEL,
  type SecurityConfiguration,
  type SecurityPolicy,
} from './pod-security-policy.ts';

/** Pods that are looked at when a namespace takes a new level. */
const PODS_MAX = 3000;

type Labels = Readonly<Record<string, string>>;

/** @throws StatusError 422 for labels that cannot be */
export function admitNamespace(attributes: Attributes, server: Server, configuration: SecurityConfiguration): void {
  const { call, name, object, previous } = attributes;
  const labels = (object?.metadata.labels ?? {}) as Labels;
  const now = policyOf(labels, configuration.defaults);
  const isExempt = configuration.namespaces.includes(name);
  if (previous === undefined) {
    if (now.errors.length > 0) throw invalid(name, now.errors);
    if (isExempt && call.attempt <= 1) warnExempt(attributes, now.policy, labels);
    return;
  }
  const before = policyOf((previous.metadata.labels ?? {}) as Labels, configuration.defaults);
  if (now.errors.length > 0 && !sameValue(now.errors, before.errors)) throw invalid(name, now.errors);
  const [level, old] = [now.policy.enforce, before.policy.enforce];
  if (call.attempt > 1 || sameValue(level, old) || level.level === 'privileged') return;
  if (level.minor === old.minor && compareLevels(level.level, old.level) < 1) return;
  if (isExempt) warnExempt(attributes, now.policy, labels);
  else call.warnings.push(...warningsOf(server, name, level, configuration));
}

function invalid(name: string, errors: readonly FieldError[]): StatusError {
  return StatusError.invalid({ group: '', name: 'Namespace' }, name, errors);
}

function warnExempt({ call, name }: Attributes, policy: SecurityPolicy, labels: Labels): void {
  const modes = (['enforce', 'audit', 'warn'] as const).filter(
    (mode) => labels[SECURITY_LABEL + mode] !== undefined && policy[mode].level !== 'privileged',
  );
  if (modes.length === 0) return;
  const list = modes.map((mode) => `${mode}=${policyText(policy[mode])}`).join(', ');
  call.warnings.push(
    `namespace ${JSON.stringify(name)} is exempt from Pod Security, and the policy (${list}) will be ignored`,
  );
}

/** What the pods of the namespace break: one line for each kind of offence, with the first pod's name. */
function warningsOf(
  server: Server,
  namespace: string,
  level: LevelVersion,
  { runtimeClasses }: SecurityConfiguration,
): string[] {
  const pods = prioritized(server.caches.cacheOf('/registry/pods', true).list(namespace), runtimeClasses);
  const groups = new Map<string, { first: string; count: number }>();
  for (const { name, object } of pods.slice(0, PODS_MAX)) {
    const reasons = violationReasons(level, object as ApiObject & SecurityPod);
    if (reasons === '') continue;
    const group = groups.get(reasons);
    if (group === undefined) groups.set(reasons, { first: name, count: 1 });
    else {
      group.count++;
      if (name < group.first) group.first = name;
    }
  }
  const warnings: string[] = [];
  if (pods.length > PODS_MAX) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${PODS_MAX} of ${pods.length} existing pods`,
    );
  }
  if (groups.size === 0) return warnings;
  warnings.push(
    `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level "${policyText(level)}"`,
  );
  const lines = [...groups].map(([reasons, { first, count }]) => {
    const others = count === 1 ? '' : count === 2 ? ' (and 1 other pod)' : ` (and ${count - 1} other pods)`;
    return `${first}${others}: ${reasons}`;
  });
  return [...warnings, ...lines.sort()];
}

/** The pods that are not exempt: one of each controller's first, since the others will break the same. */
function prioritized(pods: readonly Entry[], exempt: readonly string[]): readonly Entry[] {
  const controllers = new Set<string>();
  const others: Entry[] = [];
  const first = pods.filter((entry) => {
    const spec = entry.object['spec'] as SecuritySpec;
    if (exempt.includes(spec.runtimeClassName ?? '')) return false;
    const owners = (entry.object.metadata['ownerReferences'] ?? []) as readonly { uid: string; controller?: boolean }[];
    const owner = owners.find(({ controller }) => controller === true)?.uid;
    if (owner === undefined || !controllers.has(owner)) {
      if (owner !== undefined) controllers.add(owner);
      return true;
    }
    others.push(entry);
    return false;
  });
  return [...first, ...others];
}
