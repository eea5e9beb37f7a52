/**
 * OwnerReferencesPermissionEnforcement: who sets owners could have the object deleted, so they must be allowed to delete it;
 * and who keeps an owner from going must be allowed to change its finalizers.
 * @see plugin/pkg/admission/gc/gc_admission.go
 */
import type { ApiObject } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly blockOwnerDeletion?: boolean;
}

export const ownerReferencesPermissionEnforcement: AdmissionPlugin = {
  name: 'OwnerReferencesPermissionEnforcement',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    (operation === 'CREATE' || operation === 'UPDATE') &&
    !(kind.storagePrefix === '/registry/pods' && subresource === 'status'),
  async validate(attributes, server) {
    const { object, previous, kind, subresource, namespace, name } = attributes;
    const owners = ownersOf(object);
    if (sameValue(owners, ownersOf(previous))) return;
    const user = attributes.call.user;
    const decision = await server.authorization.ask({
      user,
      verb: 'delete',
      group: kind.group,
      version: kind.version,
      resource: kind.plural,
      subresource,
      namespace: namespace ?? '',
      name,
    });
    if (!decision.allowed) {
      throw refusal(attributes, `cannot set an ownerRef on a resource you can't delete: ${decision.reason}, <nil>`);
    }
    const before = ownersOf(previous);
    const blocking = owners.filter(
      (owner) =>
        owner.blockOwnerDeletion === true && before.find(({ uid }) => uid === owner.uid)?.blockOwnerDeletion !== true,
    );
    for (const owner of blocking) await checkFinalizers(attributes, owner, server);
  },
};

function ownersOf(object: ApiObject | undefined): readonly OwnerReference[] {
  return (object?.metadata['ownerReferences'] as readonly OwnerReference[] | undefined) ?? [];
}

async function checkFinalizers(attributes: Attributes, owner: OwnerReference, server: Server): Promise<void> {
  const slash = owner.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : owner.apiVersion.slice(0, slash);
  const version = owner.apiVersion.slice(slash + 1);
  const kind = server.registry.byKind(group, version, owner.kind);
  if (kind === undefined) {
    const matches = `no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`;
    throw refusal(
      attributes,
      `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}: ${matches}`,
    );
  }
  const decision = await server.authorization.ask({
    user: attributes.call.user,
    verb: 'update',
    group,
    version,
    resource: kind.plural,
    subresource: 'finalizers',
    namespace: kind.namespaced ? (attributes.namespace ?? '') : '',
    name: owner.name,
  });
  if (decision.allowed) return;
  throw refusal(
    attributes,
    `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${decision.reason}, <nil>`,
  );
}
