/** Strategies of roles and their bindings: references are completed with the group they mean. @see pkg/apis/rbac/v1/defaults.go */
import type { RoleBinding } from '../../generated/types.ts';
import { strategyOf } from '../strategy-of.ts';
import type { Strategy } from '../types.ts';
import { pathSegmentName } from './name-rules.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

export const roleStrategy: Strategy = { validateName: pathSegmentName, allowCreateOnUpdate: true };

/** Of RoleBinding and ClusterRoleBinding. */
export const roleBindingStrategy = strategyOf<RoleBinding>({
  validateName: pathSegmentName,
  allowCreateOnUpdate: true,
  defaults(binding: RoleBinding) {
    if (binding.roleRef !== undefined) binding.roleRef.apiGroup ||= rbacGroup;
    for (const subject of binding.subjects ?? []) {
      if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
    }
  },
});
