/**
 * clusterrole-aggregation-controller: a ClusterRole with an aggregation rule has the rules of all ClusterRoles that its selectors
 * match, in the order of their names and each rule once.
 *
 * @see kubernetes/pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go
 */
import { type ClusterRole, isNotFound, type PolicyRule } from '../../src/api/index.ts';
import { clusterRoles } from '../../src/client/index.ts';
import { type ControllerDefinition, keyFor, matcherOf, semanticallyEqual } from '../../src/controller/index.ts';

/** The rules that the role should have. */
function aggregated(role: ClusterRole, roles: readonly ClusterRole[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  const sorted = [...roles].sort((left, right) =>
    (left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1,
  );
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const matches = matcherOf(selector);
    for (const other of sorted) {
      if (other.metadata?.name === role.metadata?.name || !matches(other.metadata?.labels)) continue;
      for (const rule of other.rules ?? []) {
        if (!rules.some((known) => semanticallyEqual(known, rule))) rules.push(rule);
      }
    }
  }
  return rules;
}

export const clusterRoleAggregationController: ControllerDefinition = {
  name: 'clusterrole-aggregation-controller',
  queue: 'ClusterRoleAggregator',
  serviceAccount: 'clusterrole-aggregation-controller',
  create({ client, enqueue, lister, observe }) {
    const roleLister = lister(clusterRoles);
    observe(clusterRoles, () => {
      for (const role of roleLister.list()) if (role.aggregationRule !== undefined) enqueue(keyFor(role));
    });
    return {
      async reconcile(name) {
        const role = roleLister.get(undefined, name);
        if (role?.aggregationRule === undefined) return undefined;
        const rules = aggregated(role, roleLister.list());
        if (semanticallyEqual(role.rules, rules)) return undefined;
        // Without a rule nothing is said of rules: those that others gave the role stay.
        const said = rules.length === 0 ? {} : { rules };
        const patch = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, ...said };
        const options = { fieldManager: 'clusterrole-aggregation-controller', force: true };
        try {
          await client.patch(clusterRoles, { name }, 'apply', patch, options);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
