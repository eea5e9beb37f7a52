/**
 * Roles and RoleBindings in the system's namespaces: data only.
 * @see plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go
 */
import { EVENTS, type PolicyRule, READ, rule } from './rules.ts';

export interface NamespaceRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

export interface NamespaceBinding {
  readonly namespace: string;
  readonly name: string;
  readonly role: string;
  /** As in the bindings of cluster-roles.ts. */
  readonly subjects: readonly string[];
}

const SYSTEM = 'kube-system';
const SIGNER = 'system:controller:bootstrap-signer';

function leaderLocking(component: string): NamespaceRole {
  const verbs = 'get watch list create update';
  return {
    namespace: SYSTEM,
    name: `system::leader-locking-${component}`,
    rules: ['leases', 'leasecandidates'].map((resource) => rule(verbs, 'coordination.k8s.io', resource)),
  };
}

export const namespaceRoles: readonly NamespaceRole[] = [
  {
    namespace: SYSTEM,
    name: 'extension-apiserver-authentication-reader',
    rules: [rule(READ, 'core', 'configmaps', 'extension-apiserver-authentication')],
  },
  { namespace: SYSTEM, name: SIGNER, rules: [rule(READ, 'core', 'secrets')] },
  {
    namespace: SYSTEM,
    name: 'system:controller:cloud-provider',
    rules: [rule('create get list watch', 'core', 'configmaps')],
  },
  {
    namespace: SYSTEM,
    name: 'system:controller:token-cleaner',
    rules: [rule('get list watch delete', 'core', 'secrets'), EVENTS],
  },
  leaderLocking('kube-controller-manager'),
  leaderLocking('kube-scheduler'),
  {
    namespace: 'kube-public',
    name: SIGNER,
    rules: [rule(READ, 'core', 'configmaps'), rule('update', 'core', 'configmaps', 'cluster-info'), EVENTS],
  },
];

function toItself(name: string, ...subjects: string[]): NamespaceBinding {
  return { namespace: SYSTEM, name, role: name, subjects };
}

export const namespaceBindings: readonly NamespaceBinding[] = [
  {
    namespace: SYSTEM,
    name: 'system::extension-apiserver-authentication-reader',
    role: 'extension-apiserver-authentication-reader',
    subjects: ['User:system:kube-controller-manager', 'User:system:kube-scheduler'],
  },
  toItself(
    'system::leader-locking-kube-controller-manager',
    'User:system:kube-controller-manager',
    'ServiceAccount:kube-system/kube-controller-manager',
    'ServiceAccount:kube-system/leader-election-controller',
  ),
  toItself(
    'system::leader-locking-kube-scheduler',
    'User:system:kube-scheduler',
    'ServiceAccount:kube-system/kube-scheduler',
  ),
  toItself(SIGNER, 'ServiceAccount:kube-system/bootstrap-signer'),
  toItself('system:controller:cloud-provider', 'ServiceAccount:kube-system/cloud-provider'),
  toItself('system:controller:token-cleaner', 'ServiceAccount:kube-system/token-cleaner'),
  {
    namespace: 'kube-public',
    name: SIGNER,
    role: SIGNER,
    subjects: ['ServiceAccount:kube-system/bootstrap-signer'],
  },
];
