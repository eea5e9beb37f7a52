/** The kinds of `rbac.authorization.k8s.io/v1`. Their names are path segments, since `system:node` must be one. */
import { clusterRoleBindingTable, roleBindingTable } from '../tables/access.ts';
import { rowsOf } from './row.ts';
import { roleBindingStrategy, roleStrategy } from './strategies/rbac.ts';
import type { KindDefinition } from './types.ts';

const rbac = rowsOf('rbac.authorization.k8s.io', 'v1', 'io.k8s.api.rbac.v1');

/** All resources of rbac.authorization.k8s.io/v1, in alphabetical order. */
export const rbacKinds: readonly KindDefinition[] = [
  rbac('ClusterRoleBinding', {
    plural: 'clusterrolebindings',
    namespaced: false,
    strategy: roleBindingStrategy,
    table: clusterRoleBindingTable,
  }),
  rbac('ClusterRole', { plural: 'clusterroles', namespaced: false, strategy: roleStrategy }),
  rbac('RoleBinding', { plural: 'rolebindings', strategy: roleBindingStrategy, table: roleBindingTable }),
  rbac('Role', { plural: 'roles', strategy: roleStrategy }),
];
