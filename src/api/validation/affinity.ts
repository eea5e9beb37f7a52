/**
 * Where pods want to run and what they put up with: node selectors, affinity, tolerations and spreading.
 * @see validateAffinity, ValidateTolerations, validateTopologySpreadConstraints
 */
import type {
  Affinity,
  LabelSelector,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../generated/types.ts';
import { validateDnsLabel, validateLabelValue } from '../names.ts';
import { at, type Check, notPositive, type Path, type Step } from './check.ts';
import { checkLabelSelector } from './label-selector.ts';

const notOperator = 'not a valid selector operator';
export const taintEffects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function checkRequirement(check: Check, path: Path, requirement: NodeSelectorRequirement, anyValue: boolean): void {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) check.required(path, 'values', "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0)
        check.forbidden(path, 'values', "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1)
        check.required(path, 'values', "must be specified single value when `operator` is 'Lt' or 'Gt'");
      break;
    default:
      check.invalid(path, 'operator', requirement.operator ?? '', notOperator);
  }
  check.qualifiedName(path, 'key', requirement.key ?? '');
  if (anyValue) return;
  values.forEach((value, index) => {
    check.labelValue(at(path, 'values'), index, value);
  });
}

function checkFieldRequirement(
  check: Check,
  path: Path,
  { key, operator, values = [] }: NodeSelectorRequirement,
): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1)
      check.required(
        path,
        'values',
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      );
  } else check.invalid(path, 'operator', operator ?? '', notOperator);
  if (key !== 'metadata.name') check.invalid(path, 'key', key ?? '', 'not a valid field selector key');
  else
    values.forEach((value, index) => {
      check.dnsSubdomain(at(path, 'values'), index, value);
    });
}

/** One term. `anyValue`: values that no label can have are let through, as preferences are. */
function checkTerm(check: Check, path: Path, term: NodeSelectorTerm, anyValue: boolean): void {
  term.matchExpressions?.forEach((requirement, index) => {
    checkRequirement(check, at(at(path, 'matchExpressions'), index), requirement, anyValue);
  });
  term.matchFields?.forEach((requirement, index) => {
    checkFieldRequirement(check, at(at(path, 'matchFields'), index), requirement);
  });
}

export function checkNodeSelector(check: Check, path: Path, selector: NodeSelector): void {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) {
    check.required(path, 'nodeSelectorTerms', 'must have at least one node selector term');
    return;
  }
  terms.forEach((term, index) => {
    checkTerm(check, at(at(path, 'nodeSelectorTerms'), index), term, false);
  });
}

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

function checkWeight(check: Check, path: Path, weight: number | undefined): void {
  if (!weight || weight < 0 || weight > 100) check.invalid(path, 'weight', weight ?? 0, 'must be in the range 1-100');
}

export function checkAffinity(check: Check, path: Path, affinity: Affinity | undefined): void {
  if (!affinity) return;
  const { nodeAffinity } = affinity;
  if (nodeAffinity) {
    const here = at(path, 'nodeAffinity');
    if (nodeAffinity[required]) checkNodeSelector(check, at(here, required), nodeAffinity[required]);
    nodeAffinity[preferred]?.forEach((term, index) => {
      const place = at(at(here, preferred), index);
      checkWeight(check, place, term.weight);
      checkTerm(check, at(place, 'preference'), term.preference ?? {}, true);
    });
  }
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const rules = affinity[field];
    if (!rules) continue;
    const here = at(path, field);
    rules[required]?.forEach((term, index) => {
      checkAffinityTerm(check, at(at(here, required), index), term);
    });
    rules[preferred]?.forEach((term, index) => {
      const place = at(at(here, preferred), index);
      checkWeight(check, place, term.weight);
      checkAffinityTerm(check, at(place, 'podAffinityTerm'), term.podAffinityTerm ?? {});
    });
  }
}

function checkAffinityTerm(check: Check, path: Path, term: Partial<PodAffinityTerm>): void {
  checkLabelSelector(check, term.labelSelector, path, 'labelSelector');
  checkLabelSelector(check, term.namespaceSelector, path, 'namespaceSelector');
  for (const name of term.namespaces ?? []) check.all(path, 'namespace', name, validateDnsLabel(name));
  checkKeysAndSelector(check, path, term.matchLabelKeys, term.mismatchLabelKeys, term.labelSelector);
  if (!term.topologyKey) check.required(path, 'topologyKey', 'can not be empty');
  check.qualifiedName(path, 'topologyKey', term.topologyKey ?? '');
}

/** Keys of labels whose values a selector takes from the pod itself, of affinity terms and of spread constraints. */
function checkKeysAndSelector(
  check: Check,
  path: Path,
  matchLabelKeys: readonly string[] = [],
  mismatchLabelKeys: readonly string[] = [],
  selector: LabelSelector | undefined,
): void {
  checkLabelKeys(check, path, 'matchLabelKeys', matchLabelKeys, selector);
  checkLabelKeys(check, path, 'mismatchLabelKeys', mismatchLabelKeys, selector);
  if (selector && matchLabelKeys.length > 0) {
    const seen = new Set(Object.keys(selector.matchLabels ?? {}));
    for (const { key } of selector.matchExpressions ?? []) {
      // The selector has a requirement for each of the keys already, so one more is the client's own.
      if (seen.has(key) && matchLabelKeys.includes(key))
        check.invalid(path, matchLabelKeys.lastIndexOf(key), key, 'exists in both matchLabelKeys and labelSelector');
      seen.add(key);
    }
  }
  matchLabelKeys.forEach((key, index) => {
    if (mismatchLabelKeys.includes(key))
      check.invalid(at(path, 'matchLabelKeys'), index, key, 'exists in both matchLabelKeys and mismatchLabelKeys');
  });
}

function checkLabelKeys(
  check: Check,
  path: Path,
  field: string,
  keys: readonly string[],
  selector: LabelSelector | undefined,
): void {
  if (keys.length === 0) return;
  if (!selector) {
    check.forbidden(path, field, 'must not be specified when labelSelector is not set');
    return;
  }
  keys.forEach((key, index) => {
    check.qualifiedName(at(path, field), index, key);
  });
}

/** The effect of a taint, or of a toleration that names one. */
export function checkTaintEffect(check: Check, path: Path, step: Step, effect: string): void {
  check.oneOf(path, step, effect, taintEffects);
}

export function checkTolerations(check: Check, path: Path, tolerations: readonly Toleration[]): void {
  tolerations.forEach((toleration, index) => {
    const place = at(path, index);
    const { key = '', operator = '', value = '', effect = '' } = toleration;
    if (key !== '') check.qualifiedName(place, 'key', key);
    else if (operator !== 'Exists')
      check.invalid(
        place,
        'operator',
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute')
      check.invalid(place, 'effect', effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (operator === 'Equal' || operator === '') {
      const messages = validateLabelValue(value);
      if (messages.length > 0) check.invalid(place, 'operator', value, messages.join(';'));
    } else if (operator === 'Exists') {
      if (value !== '') check.invalid(place, 'operator', value, "value must be empty when `operator` is 'Exists'");
    } else {
      // Comparisons are known and switched off, as by default upstream.
      const isComparison = operator === 'Lt' || operator === 'Gt';
      const supported = isComparison ? ['Equal', 'Exists', 'Lt', 'Gt'] : ['Equal', 'Exists'];
      check.notSupported(place, 'operator', operator, supported);
    }
    if (effect !== '') checkTaintEffect(check, place, 'effect', effect);
  });
}

export function checkTopologySpread(check: Check, path: Path, constraints: readonly TopologySpreadConstraint[]): void {
  constraints.forEach((constraint, index) => {
    const place = at(path, index);
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector } = constraint;
    if (maxSkew <= 0) check.invalid(place, 'maxSkew', maxSkew, notPositive);
    if (topologyKey === '') check.required(place, 'topologyKey', 'can not be empty');
    check.oneOf(place, 'whenUnsatisfiable', whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']);
    const repeated = constraints.some(
      (other, order) =>
        order > index &&
        (other.topologyKey ?? '') === topologyKey &&
        (other.whenUnsatisfiable ?? '') === whenUnsatisfiable,
    );
    if (repeated) check.duplicate(place, '{topologyKey, whenUnsatisfiable}', `{${topologyKey}, ${whenUnsatisfiable}}`);
    if (minDomains !== undefined) {
      if (minDomains <= 0) check.invalid(place, 'minDomains', minDomains, notPositive);
      if (whenUnsatisfiable !== 'DoNotSchedule')
        check.invalid(
          place,
          'minDomains',
          minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
        );
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      if (constraint[field] !== undefined) check.oneOf(place, field, constraint[field], ['Honor', 'Ignore']);
    }
    checkKeysAndSelector(check, place, constraint.matchLabelKeys, [], labelSelector);
    checkLabelSelector(check, labelSelector, place, 'labelSelector');
  });
}
