/**
 * NamespaceLifecycle: nothing is created in a namespace that does not exist or is going away, and the namespaces of the
 * system stay. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go
 */
import { type KindDefinition, StatusError } from '../../../src/api/index.ts';
import { forbiddenOf, resourceOf } from '../failures.ts';
import { NAMESPACES } from '../verbs/delete-namespace.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

/** Namespaces that cannot be deleted. */
const IMMORTAL = ['default', 'kube-system', 'kube-public'];

/** Reviews say nothing about content, so they may be asked anywhere. */
const REVIEW_GROUPS = ['authorization.k8s.io', 'authentication.k8s.io'];

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles(kind, operation) {
    if (kind.storagePrefix === NAMESPACES) return operation === 'DELETE';
    return kind.namespaced && operation === 'CREATE' && !REVIEW_GROUPS.includes(kind.group);
  },
  mutate(attributes, server) {
    if (attributes.operation === 'DELETE') return refuseImmortal(attributes);
    const namespace = attributes.namespace ?? '';
    const kind = server.registry.byResource('', 'v1', 'namespaces') as KindDefinition;
    const cache = server.cacheOf(kind);
    const entry = cache.get(cache.keyOf(undefined, namespace));
    if (entry === undefined) throw StatusError.notFound(resourceOf(kind), namespace);
    const terminating = (entry.object['status'] as { phase?: string } | undefined)?.phase === 'Terminating';
    if (terminating) throw refuseNew(attributes, namespace);
  },
};

function refuseImmortal({ kind, name }: Attributes): void {
  if (IMMORTAL.includes(name)) throw forbiddenOf(kind, name, 'this namespace may not be deleted');
}

function refuseNew(attributes: Attributes, namespace: string): StatusError {
  const error = refusal(
    attributes,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const { details } = error.status;
  if (details !== undefined) {
    details.causes = [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ];
  }
  return error;
}
