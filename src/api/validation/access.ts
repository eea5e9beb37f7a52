/**
 * Roles, bindings, and the budgets and priorities that guard pods: the kinds of rbac, policy and scheduling.
 * @see pkg/apis/rbac/validation, pkg/apis/policy/validation, pkg/apis/scheduling/validation
 */
import { fieldPath } from '../field-errors.ts';
import type { ClusterRole, PodDisruptionBudget, PolicyRule, PriorityClass, RoleBinding } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDnsSubdomain, validatePathSegmentName } from '../names.ts';
import { at, type Check, collect, type Path } from './check.ts';
import { checkConditions } from './conditions.ts';
import { checkAtMostAll, checkCount } from './counts.ts';
import { internalForm } from './internal-form.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkStandardFinalizers } from './metadata.ts';

const specPath = fieldPath('spec');

function checkRule(check: Check, path: Path, rule: PolicyRule, namespaced: boolean): void {
  const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if (!rule.verbs?.length) check.required(path, 'verbs', 'verbs must contain at least one value');
  if (nonResourceURLs.length > 0) {
    if (namespaced)
      check.invalid(path, 'nonResourceURLs', nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0)
      check.invalid(
        path,
        'nonResourceURLs',
        nonResourceURLs,
        'rules cannot apply to both regular resources and non-resource URLs',
      );
    return;
  }
  if (apiGroups.length === 0) check.required(path, 'apiGroups', 'resource rules must supply at least one api group');
  if (resources.length === 0) check.required(path, 'resources', 'resource rules must supply at least one resource');
}

function roleValidation(namespaced: boolean) {
  const validate = (role: ClusterRole) =>
    collect((check) => {
      checkStandardFinalizers(check, role.metadata);
      role.rules?.forEach((rule, index) => {
        checkRule(check, at(fieldPath('rules'), index), rule, namespaced);
      });
      if (!role.aggregationRule) return;
      const path = fieldPath('aggregationRule', 'clusterRoleSelectors');
      const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
      if (selectors.length === 0)
        check.required(path, '', 'at least one clusterRoleSelector required if aggregationRule is non-nil');
      selectors.forEach((selector, index) => {
        const before = check.errors.length;
        checkLabelSelector(check, selector, path, index);
        if (check.errors.length > before) check.invalid(path, index, undefined, 'invalid label selector.');
      });
    });
  return strategyOf<ClusterRole>({ validate, validateUpdate: validate });
}

export const clusterRoleValidation = roleValidation(false);
export const roleValidationNamespaced = roleValidation(true);

const rbacGroup = 'rbac.authorization.k8s.io';

function checkBinding(check: Check, binding: RoleBinding, namespaced: boolean): void {
  checkStandardFinalizers(check, binding.metadata);
  const role = binding.roleRef ?? { apiGroup: '', kind: '', name: '' };
  const path = fieldPath('roleRef');
  check.oneOf(path, 'apiGroup', role.apiGroup, [rbacGroup]);
  check.oneOf(path, 'kind', role.kind, namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']);
  if (!role.name) check.required(path, 'name');
  else check.all(path, 'name', role.name, validatePathSegmentName(role.name));
  binding.subjects?.forEach((subject, index) => {
    const place = at(fieldPath('subjects'), index);
    check.present(place, 'name', subject.name);
    switch (subject.kind) {
      case 'ServiceAccount':
        if (subject.name) check.all(place, 'name', subject.name, validateDnsSubdomain(subject.name));
        if (subject.apiGroup) check.notSupported(place, 'apiGroup', subject.apiGroup, ['']);
        if (!namespaced || !subject.namespace) check.present(place, 'namespace', subject.namespace);
        break;
      case 'User':
      case 'Group':
        check.oneOf(place, 'apiGroup', subject.apiGroup, [rbacGroup]);
        break;
      default:
        check.notSupported(place, 'kind', subject.kind ?? '', ['ServiceAccount', 'User', 'Group']);
    }
  });
}

function bindingValidation(namespaced: boolean) {
  return strategyOf<RoleBinding>({
    validate: (binding: RoleBinding) => collect((check) => checkBinding(check, binding, namespaced)),
    validateUpdate: (binding: RoleBinding, previous: RoleBinding) =>
      collect((check) => {
        checkBinding(check, binding, namespaced);
        if (!semanticEqual(binding.roleRef, previous.roleRef))
          check.invalid(undefined, 'roleRef', internalForm('RoleRef', binding.roleRef), 'cannot change roleRef');
      }),
  });
}

export const roleBindingValidation = bindingValidation(true);
export const clusterRoleBindingValidation = bindingValidation(false);

function checkBudget(check: Check, budget: PodDisruptionBudget): void {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = budget.spec ?? {};
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    check.invalid(
      undefined,
      'spec',
      internalForm('PodDisruptionBudgetSpec', budget.spec),
      'minAvailable and maxUnavailable cannot be both set',
    );
  for (const [field, value] of [
    ['minAvailable', minAvailable],
    ['maxUnavailable', maxUnavailable],
  ] as const) {
    if (value === undefined) continue;
    checkCount(check, specPath, field, value);
    checkAtMostAll(check, specPath, field, value);
  }
  checkLabelSelector(check, selector, specPath, 'selector');
  if (unhealthyPodEvictionPolicy !== undefined)
    check.oneOf(specPath, 'unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']);
}

const validateBudget = (budget: PodDisruptionBudget) => collect((check) => checkBudget(check, budget));

export const podDisruptionBudgetValidation = strategyOf<PodDisruptionBudget>({
  // Upstream asks nothing of a budget's metadata beyond what it asks of all kinds.
  validateName: validatePathSegmentName,
  metadataOnUpdate: [],
  validate: validateBudget,
  validateUpdate: validateBudget,
  status: {
    validateUpdate: ({ status }: PodDisruptionBudget) =>
      collect((check) => {
        const path = fieldPath('status');
        checkConditions(check, at(path, 'conditions'), status?.conditions);
        for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const)
          check.nonNegative(path, field, status?.[field]);
      }),
  },
});

const systemPrefix = 'system-';
const userPriorityMax = 1_000_000_000;
const systemClasses: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

export const priorityClassValidation = strategyOf<PriorityClass>({
  validate: (priority: PriorityClass) =>
    collect((check) => {
      checkStandardFinalizers(check, priority.metadata);
      const name = priority.metadata?.name ?? '';
      if (name.startsWith(systemPrefix)) {
        if (systemClasses[name] !== (priority.value ?? 0) || priority.globalDefault)
          check.forbidden(
            fieldPath('metadata'),
            'name',
            `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${
              systemClasses[name] === undefined
                ? `${name} is not a known system priority class`
                : systemClasses[name] === (priority.value ?? 0)
                  ? `globalDefault of ${name} PriorityClass must be false`
                  : `value of ${name} PriorityClass must be ${systemClasses[name]}`
            }`,
          );
      } else if ((priority.value ?? 0) > userPriorityMax)
        check.forbidden(undefined, 'value', `maximum allowed value of a user defined priority is ${userPriorityMax}`);
      if (priority.preemptionPolicy !== undefined)
        check.requiredOneOf(undefined, 'preemptionPolicy', priority.preemptionPolicy, [
          'PreemptLowerPriority',
          'Never',
        ]);
    }),
  validateUpdate: (priority: PriorityClass, previous: PriorityClass) =>
    collect((check) => {
      if ((priority.value ?? 0) !== (previous.value ?? 0))
        check.forbidden(undefined, 'value', 'may not be changed in an update.');
      check.unchanged(
        undefined,
        'preemptionPolicy',
        priority.preemptionPolicy,
        priority.preemptionPolicy === previous.preemptionPolicy,
      );
    }),
});
