/**
 * The policy that every cluster begins with, as objects to write: roles and bindings by upstream's names. Aggregated roles
 * are written with the rules that aggregation would give them, so that they hold from the first moment.
 */
import type { SystemObject } from '../objects.ts';
import { clusterRoleBindings, clusterRoles, rolesOfPreviews, schedulerRulesOfPreviews } from './cluster-roles.ts';
import { controllerRoles, controllerRolesOfPreviews } from './controller-roles.ts';
import { namespaceBindings, namespaceRoles } from './namespace-roles.ts';
import type { PolicyRole, PolicyRule } from './rules.ts';

export type { PolicyRule } from './rules.ts';

const GROUP = 'rbac.authorization.k8s.io';
const LABEL = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const ANNOTATION = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };

type RbacKind = 'ClusterRole' | 'ClusterRoleBinding' | 'Role' | 'RoleBinding';

function objectOf(
  kind: RbacKind,
  name: string,
  fields: Record<string, unknown>,
  more: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> } = {},
): SystemObject {
  const { namespace, labels } = more;
  return {
    group: GROUP,
    version: 'v1',
    plural: `${kind.toLowerCase()}s`,
    object: {
      apiVersion: `${GROUP}/v1`,
      kind,
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...LABEL, ...labels },
        annotations: ANNOTATION,
      },
      ...fields,
    },
  };
}

function clusterRole(role: PolicyRole): SystemObject {
  const { name, labels, aggregates } = role;
  const fields =
    aggregates === undefined
      ? { rules: role.rules }
      : {
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: 'true' } }] },
          rules: aggregated(aggregates),
        };
  return objectOf('ClusterRole', name, fields, labels === undefined ? {} : { labels });
}

/** The rules of all roles with the label, each once, in the order of the roles' names. */
function aggregated(label: string): PolicyRule[] {
  const rules = new Map<string, PolicyRule>();
  const sources = clusterRoles.filter(({ labels }) => labels?.[label] === 'true');
  for (const source of [...sources].sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const own = source.aggregates === undefined ? source.rules : aggregated(source.aggregates);
    for (const rule of own) {
      const text = JSON.stringify(rule);
      if (!rules.has(text)) rules.set(text, rule);
    }
  }
  return [...rules.values()];
}

/** `Group:name`, `User:name` and `ServiceAccount:namespace/name` as subjects. */
function subjectOf(text: string): object {
  const colon = text.indexOf(':');
  const [kind, name] = [text.slice(0, colon), text.slice(colon + 1)];
  if (kind !== 'ServiceAccount') return { kind, apiGroup: GROUP, name };
  const slash = name.indexOf('/');
  return { kind, name: name.slice(slash + 1), namespace: name.slice(0, slash) };
}

function binding(
  kind: 'ClusterRoleBinding' | 'RoleBinding',
  name: string,
  role: string,
  subjects: readonly string[],
  namespace?: string,
): SystemObject {
  const roleRef = { apiGroup: GROUP, kind: kind === 'RoleBinding' ? 'Role' : 'ClusterRole', name: role };
  const fields = { roleRef, ...(subjects.length === 0 ? {} : { subjects: subjects.map(subjectOf) }) };
  return objectOf(kind, name, fields, namespace === undefined ? {} : { namespace });
}

/** Whether a kind is served that is off by default, by `group/plural`. */
export type Serves = (kind: string) => boolean;

/** The controllers' roles by account, with what they may do to kinds that are switched on. */
function rolesOfControllers(serves: Serves): ReadonlyMap<string, readonly PolicyRule[]> {
  const roles = new Map(Object.entries(controllerRoles));
  for (const [kind, ofKind] of Object.entries(controllerRolesOfPreviews)) {
    if (!serves(kind)) continue;
    for (const [account, rules] of Object.entries(ofKind))
      roles.set(account, [...(roles.get(account) ?? []), ...rules]);
  }
  return roles;
}

/** All of the policy's objects; bindings after the roles that they name. Kinds that are switched on bring rules and roles along. */
export function policyObjects(serves: Serves = () => false): readonly SystemObject[] {
  const controllers = [...rolesOfControllers(serves)].map(
    ([account, rules]) => ({ account, name: `system:controller:${account}`, rules }) as const,
  );
  const previews = Object.entries(rolesOfPreviews).flatMap(([kind, role]) => (serves(kind) ? [role] : []));
  const schedulerRules = Object.entries(schedulerRulesOfPreviews).flatMap(([kind, rule]) =>
    serves(kind) ? [rule] : [],
  );
  return [
    ...clusterRoles
      .map((role) =>
        role.name === 'system:kube-scheduler' ? { ...role, rules: [...(role.rules ?? []), ...schedulerRules] } : role,
      )
      .map(clusterRole),
    ...previews.map(({ role }) => clusterRole(role)),
    ...controllers.map(clusterRole),
    ...namespaceRoles.map(({ namespace, name, rules }) => objectOf('Role', name, { rules }, { namespace })),
    ...Object.entries(clusterRoleBindings).map(([role, subjects]) =>
      binding('ClusterRoleBinding', role, role, subjects),
    ),
    ...previews.map(({ role, subjects }) => binding('ClusterRoleBinding', role.name, role.name, subjects)),
    ...controllers.map(({ account, name }) =>
      binding('ClusterRoleBinding', name, name, [`ServiceAccount:kube-system/${account}`]),
    ),
    ...namespaceBindings.map(({ namespace, name, role, subjects }) =>
      binding('RoleBinding', name, role, subjects, namespace),
    ),
  ];
}
