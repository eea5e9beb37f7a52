/**
 * Jobs.
 * @see pkg/apis/batch/validation/validation.go
 */
import { type FieldError, fieldPath, omittedValue } from '../field-errors.ts';
import type {
  Container,
  Job,
  JobSpec,
  LabelSelector,
  PodFailurePolicyRule,
  PodSpec,
  SuccessPolicyRule,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDnsLabel } from '../names.ts';
import { labelSelectorOf } from '../selectors.ts';
import { at, Check, collect, keyed, type Path } from './check.ts';
import { countIndexes } from './index-ranges.ts';
import { internalForm } from './internal-form.ts';
import { checkJobStatus } from './job-status.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkStandardFinalizers } from './metadata.ts';
import { checkDomainPrefixed } from './networking.ts';
import { checkPodTemplate } from './pod-spec.ts';

const specPath = fieldPath('spec');
const parallelismMax = 100_000;
const indexesMax = 100_000;
const manyIndexesMax = 10_000;
const rulesMax = 20;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

/** What jobs and templates of jobs share. */
export function checkJobFields(check: Check, path: Path, spec: Partial<JobSpec>): void {
  const numbers = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const;
  for (const field of numbers) check.nonNegative(path, field, spec[field]);
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    check.required(path, 'backoffLimitPerIndex', 'when maxFailedIndexes is specified');
  if (spec.managedBy !== undefined) checkManager(check, path, spec.managedBy);
  checkCompletion(check, path, spec);
  if (spec.podFailurePolicy) {
    const rules = spec.podFailurePolicy.rules ?? [];
    const here = at(at(path, 'podFailurePolicy'), 'rules');
    if (rules.length > rulesMax) check.tooMany(here, '', rules.length, rulesMax);
    rules.forEach((rule, index) => {
      checkFailureRule(check, at(here, index), rule, spec);
    });
  }
  if (spec.successPolicy) checkSuccessPolicy(check, at(path, 'successPolicy'), spec);
  checkReplacement(check, path, spec);
  checkPodTemplate(check, at(path, 'template'), spec.template);
  const place = at(at(path, 'template'), 'spec');
  const policy = spec.template?.spec?.restartPolicy ?? '';
  // Nobody asks for Always here: it is what defaulting made of nothing.
  if (policy === '' || policy === 'Always')
    check.required(place, 'restartPolicy', 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never')
    check.notSupported(place, 'restartPolicy', policy, ['OnFailure', 'Never']);
  else if (spec.podFailurePolicy && policy !== 'Never')
    check.invalid(place, 'restartPolicy', policy, 'only "Never" is supported when podFailurePolicy is specified');
}

function checkManager(check: Check, path: Path, name: string): void {
  if (name === '') check.required(path, 'managedBy');
  else checkDomainPrefixed(check, path, 'managedBy', name);
  if (name.length > 63) check.tooLong(path, 'managedBy', 63);
}

function checkCompletion(check: Check, path: Path, spec: Partial<JobSpec>): void {
  const { completionMode: mode, completions, parallelism, maxFailedIndexes, backoffLimitPerIndex } = spec;
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed')
    check.notSupported(path, 'completionMode', mode, ['NonIndexed', 'Indexed']);
  if (mode === 'Indexed') {
    if (completions === undefined) check.required(path, 'completions', 'when completion mode is Indexed');
    if (parallelism !== undefined && parallelism > parallelismMax)
      check.invalid(
        path,
        'parallelism',
        parallelism,
        `must be less than or equal to ${parallelismMax} when completion mode is Indexed`,
      );
    if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions)
      check.invalid(path, 'maxFailedIndexes', maxFailedIndexes, 'must be less than or equal to completions');
    if (maxFailedIndexes !== undefined && maxFailedIndexes > indexesMax)
      check.invalid(path, 'maxFailedIndexes', maxFailedIndexes, `must be less than or equal to ${indexesMax}`);
    if (backoffLimitPerIndex !== undefined && completions !== undefined && completions > indexesMax)
      checkManyIndexes(check, path, spec);
    return;
  }
  if (backoffLimitPerIndex !== undefined)
    check.invalid(path, 'backoffLimitPerIndex', backoffLimitPerIndex, 'requires indexed completion mode');
  if (maxFailedIndexes !== undefined)
    check.invalid(path, 'maxFailedIndexes', maxFailedIndexes, 'requires indexed completion mode');
}

/** Above so many completions, what is counted for each index has bounds. */
function checkManyIndexes(check: Check, path: Path, { parallelism, maxFailedIndexes }: Partial<JobSpec>): void {
  const text = `must be less than or equal to ${manyIndexesMax} when completions are above ${indexesMax} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined)
    check.required(path, 'maxFailedIndexes', `must be specified when completions is above ${indexesMax}`);
  if (parallelism !== undefined && parallelism > manyIndexesMax) check.invalid(path, 'parallelism', parallelism, text);
  if (maxFailedIndexes !== undefined && maxFailedIndexes > manyIndexesMax)
    check.invalid(path, 'maxFailedIndexes', maxFailedIndexes, text);
}

function checkFailureRule(check: Check, path: Path, rule: PodFailurePolicyRule, spec: Partial<JobSpec>): void {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined)
      check.invalid(path, 'action', action, 'requires the backoffLimitPerIndex to be set');
  } else if (!action) check.required(path, 'action', `valid values: [${actions.map((one) => `"${one}"`).join(' ')}]`);
  else check.oneOf(path, 'action', action, actions);
  if (onExitCodes) checkExitCodes(check, at(path, 'onExitCodes'), onExitCodes, spec);
  if (onPodConditions.length > rulesMax) check.tooMany(path, 'onPodConditions', onPodConditions.length, rulesMax);
  onPodConditions.forEach(({ type, status }, index) => {
    const place = at(at(path, 'onPodConditions'), index);
    check.qualifiedName(place, 'type', type ?? '');
    if (!status) check.required(place, 'status', 'valid values: ["False" "True" "Unknown"]');
    else check.oneOf(place, 'status', status, ['False', 'True', 'Unknown']);
  });
  if (onExitCodes && onPodConditions.length > 0)
    check.invalid(path, '', omittedValue, 'specifying both OnExitCodes and OnPodConditions is not supported');
  if (!onExitCodes && onPodConditions.length === 0)
    check.invalid(path, '', omittedValue, 'specifying one of OnExitCodes and OnPodConditions is required');
}

function checkExitCodes(
  check: Check,
  path: Path,
  codes: NonNullable<PodFailurePolicyRule['onExitCodes']>,
  spec: Partial<JobSpec>,
): void {
  const { operator, containerName } = codes;
  const values = codes.values ?? [];
  if (!operator) check.required(path, 'operator', 'valid values: ["In" "NotIn"]');
  else check.oneOf(path, 'operator', operator, ['In', 'NotIn']);
  const pod = spec.template?.spec;
  const containers = [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])];
  if (containerName !== undefined && !containers.some(({ name }) => name === containerName))
    check.invalid(
      path,
      'containerName',
      containerName,
      'must be one of the container or initContainer names in the pod template',
    );
  if (values.length === 0) check.invalid(path, 'values', values, 'at least one value is required');
  else if (values.length > 255) check.tooMany(path, 'values', values.length, 255);
  const seen = new Set<number>();
  let ordered = true;
  values.forEach((value, index) => {
    const place = at(path, 'values');
    if (operator === 'In' && value === 0) check.invalid(place, index, value, 'must not be 0 for the In operator');
    if (seen.has(value)) check.duplicate(place, index, value);
    seen.add(value);
    ordered &&= index === 0 || value >= (values[index - 1] ?? 0);
  });
  if (!ordered) check.invalid(path, 'values', values, 'must be ordered');
}

function checkSuccessPolicy(check: Check, path: Path, spec: Partial<JobSpec>): void {
  const rules = spec.successPolicy?.rules ?? [];
  if (spec.completionMode !== 'Indexed') {
    const value = { Rules: rules.map((rule) => internalForm('SuccessRule', rule)) };
    check.invalid(path, '', value, 'requires indexed completion mode');
    return;
  }
  if (rules.length === 0)
    check.required(path, 'rules', 'at least one rules must be specified when the successPolicy is specified');
  if (rules.length > rulesMax) check.tooMany(path, 'rules', rules.length, rulesMax);
  rules.forEach((rule, index) => {
    checkSuccessRule(check, at(at(path, 'rules'), index), rule, spec.completions ?? 0);
  });
}

function checkSuccessRule(check: Check, path: Path, rule: SuccessPolicyRule, completions: number): void {
  const { succeededCount: count, succeededIndexes: indexes } = rule;
  if (count === undefined && indexes === undefined)
    check.required(path, '', 'at least one of succeededCount or succeededIndexes must be specified');
  let total: number | undefined;
  if (indexes !== undefined) {
    if (indexes.length > 64 * 1024) check.tooLong(path, 'succeededIndexes', 64 * 1024);
    const counted = countIndexes(indexes, completions);
    if (typeof counted === 'string')
      check.invalid(path, 'succeededIndexes', indexes, `error parsing succeededIndexes: ${counted}`);
    else total = counted;
  }
  if (count === undefined) return;
  check.nonNegative(path, 'succeededCount', count);
  if (count > completions) {
    const text = `must be less than or equal to ${completions} (the number of specified completions)`;
    check.invalid(path, 'succeededCount', count, text);
  }
  if (total !== undefined && count > total) {
    const text = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    check.invalid(path, 'succeededCount', count, text);
  }
}

function checkReplacement(check: Check, path: Path, spec: Partial<JobSpec>): void {
  const policy = spec.podReplacementPolicy;
  if (policy === undefined) return;
  // With a failure policy, what becomes of a pod is known only when it has failed.
  const supported = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  check.oneOf(path, 'podReplacementPolicy', policy, supported);
}

const generatedLabels = [
  ['controller-uid', 'uid'],
  ['job-name', 'name'],
  ['batch.kubernetes.io/controller-uid', 'uid'],
  ['batch.kubernetes.io/job-name', 'name'],
] as const;

function checkJob(check: Check, job: Job): void {
  checkStandardFinalizers(check, job.metadata);
  const spec: Partial<JobSpec> = job.spec ?? {};
  if (spec.manualSelector !== true && spec.selector) checkGenerated(check, job, spec.selector);
  checkJobSpec(check, spec);
  const { completionMode, completions = 0 } = spec;
  if (completionMode !== 'Indexed' || completions <= 0) return;
  const name = job.metadata?.name ?? '';
  const host = `${name}-${completions - 1}`;
  if (validateDnsLabel(host).length > 0) {
    const text = `will not able to create pod with invalid DNS label: ${host}`;
    check.invalid(fieldPath('metadata'), 'name', name, text);
  }
}

/** The labels by which a job knows its pods are there, and its selector is of these. */
function checkGenerated(check: Check, { metadata, spec }: Job, selector: LabelSelector): void {
  const labels = spec?.template?.metadata?.labels;
  const path = fieldPath('spec', 'template', 'metadata', 'labels');
  const expected: Record<string, string> = {};
  for (const [key, field] of generatedLabels) {
    const value = metadata?.[field] ?? '';
    expected[key] = value;
    if (labels?.[key] === undefined) check.required(keyed(path, key), '', `must be '${value}'`);
    else if (labels[key] !== value) check.invalid(keyed(path, key), '', labels, `must be '${value}'`);
  }
  const isSound = collect((inner) => checkLabelSelector(inner, selector, undefined, '')).length === 0;
  if (isSound && !labelSelectorOf(selector).matches(expected))
    check.invalid(specPath, 'selector', selector, '`selector` not auto-generated');
}

function checkJobSpec(check: Check, spec: Partial<JobSpec>): void {
  const labels = spec.template?.metadata?.labels;
  checkJobFields(check, specPath, spec);
  const before = check.errors.length;
  if (!spec.selector) check.required(specPath, 'selector');
  else checkLabelSelector(check, spec.selector, specPath, 'selector');
  if (spec.selector && check.errors.length > before) return;
  if (!spec.selector || !labelSelectorOf(spec.selector).matches(labels ?? {}))
    check.invalid(
      fieldPath('spec', 'template', 'metadata'),
      'labels',
      labels ?? {},
      '`selector` does not match template `labels`',
    );
}

/** Containers with the old resources, where they are the same ones in the same order. */
function withOldResources(now: readonly Container[], old: readonly Container[]): readonly Container[] {
  if (now.length !== old.length) return now;
  return now.map((container, index) =>
    container.name === old[index]?.name ? { ...container, resources: old[index].resources } : container,
  );
}

/** The pod with the old values of what a suspended job may change: where its pods go, and what they ask for. */
function maskPod(now: Partial<PodSpec>, old: Partial<PodSpec>): Partial<PodSpec> {
  const { podAffinity, podAntiAffinity } = now.affinity ?? {};
  const nodeAffinity = old.affinity?.nodeAffinity;
  const affinity =
    podAffinity || podAntiAffinity || nodeAffinity ? { nodeAffinity, podAffinity, podAntiAffinity } : undefined;
  const { nodeSelector, tolerations, schedulingGates } = old;
  return {
    ...now,
    affinity: old.affinity && !affinity ? {} : affinity,
    nodeSelector,
    tolerations,
    schedulingGates,
    containers: [...withOldResources(now.containers ?? [], old.containers ?? [])],
    initContainers: now.initContainers && [...withOldResources(now.initContainers, old.initContainers ?? [])],
  };
}

/** True once nothing of a suspended job runs, and it is known not to begin: it never did, or says that it stopped. */
function isAtRest({ spec, status }: Job): boolean {
  if (spec?.suspend !== true || (status?.active ?? 0) > 0) return false;
  const stopped = status?.conditions?.some((one) => one.type === 'Suspended' && one.status === 'True') === true;
  return status?.startTime === undefined || stopped;
}

/** @see https://kep.k8s.io/5440, https://kep.k8s.io/2926 */
function checkTemplateUpdate(check: Check, job: Job, previous: Job): void {
  const now = job.spec?.template;
  const old = previous.spec?.template;
  const path = at(specPath, 'template');
  if (!isAtRest(previous)) {
    const value = internalForm('PodTemplateSpec', now);
    check.unchanged(path, '', value, semanticEqual(now, old));
    return;
  }
  const same = semanticEqual(maskPod(now?.spec ?? {}, old?.spec ?? {}), old?.spec ?? {});
  check.unchanged(path, 'spec', internalForm('PodSpec', now?.spec), same);
}

function checkCompletionsUpdate(check: Check, spec: Partial<JobSpec>, before: Partial<JobSpec>): void {
  if (spec.completions === before.completions) return;
  if (spec.completionMode !== 'Indexed') check.unchanged(specPath, 'completions', spec.completions, false);
  // An indexed job without completions has been refused as such.
  else if (spec.completions !== undefined && spec.completions !== spec.parallelism)
    check.invalid(specPath, 'completions', spec.completions, 'can only be modified in tandem with spec.parallelism');
}

function validateJobUpdate(job: Job, previous: Job): FieldError[] {
  const check = new Check();
  checkJob(check, job);
  const spec: Partial<JobSpec> = job.spec ?? {};
  // Upstream looks at the spec as that of a job and again as that of an update, and tells of both.
  checkJobSpec(check, spec);
  const before: Partial<JobSpec> = previous.spec ?? {};
  checkCompletionsUpdate(check, spec, before);
  check.unchanged(specPath, 'selector', spec.selector, semanticEqual(spec.selector, before.selector));
  checkTemplateUpdate(check, job, previous);
  const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;
  for (const field of fixed) check.unchanged(specPath, field, spec[field], semanticEqual(spec[field], before[field]));
  return check.errors;
}

export const jobValidation = strategyOf<Job>({
  validate: (job: Job) => collect((check) => checkJob(check, job)),
  validateUpdate: validateJobUpdate,
  metadataOnUpdate: ['whole', 'changes'],
  status: {
    validateUpdate: (job: Job, previous: Job) => collect((check) => checkJobStatus(check, job, previous)),
  },
});
