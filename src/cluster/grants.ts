/**
 * Roles of controllers that upstream's policy knows nothing of (the simulated cloud, the simulated storage driver): made when a
 * cluster starts, before the controllers do, as whoever installs such a component makes them.
 */
import { controllers } from '../../actors/controllers/index.ts';
import { type Client, clusterRoleBindings, clusterRoles, roleBindings, roles } from '../client/index.ts';
import type { ControllerDefinition } from '../controller/index.ts';

const fieldManager = 'kubehive';

/** Applies them: a cluster that was there before has them already. */
export async function grantRoles(client: Client, chosen: readonly string[]): Promise<void> {
  const granted = controllers.filter(({ name, grant }) => grant !== undefined && chosen.includes(name));
  await Promise.all(granted.map((definition) => grantRole(client, definition)));
}

async function grantRole(client: Client, { name, serviceAccount = name, grant }: ControllerDefinition): Promise<void> {
  if (grant === undefined) return;
  const { namespace, rules } = grant;
  const [role, binding] = namespace === undefined ? [clusterRoles, clusterRoleBindings] : [roles, roleBindings];
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const apply = (resource: typeof role | typeof binding, object: { metadata: { name: string } }) =>
    client.patch(
      resource as typeof role,
      { namespace, name: object.metadata.name },
      'apply',
      { apiVersion, kind: resource.kind, ...object },
      { fieldManager, force: true },
    );
  await apply(role, { metadata: { name: grant.name }, rules } as never);
  const subjects = [{ kind: 'ServiceAccount', namespace: 'kube-system', name: serviceAccount }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: role.kind, name: grant.name };
  await apply(binding, { metadata: { name }, roleRef, subjects } as never);
}
