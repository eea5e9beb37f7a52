/**
 * NamespaceLifecycle: nothing is created in a namespace that does not exist or is going away, and the namespaces of the
 * system stay. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go
 */
import { type KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import { forbiddenOf, resourceOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { NAMESPACES } from '../verbs/delete-namespace.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

/** Namespaces that cannot be deleted. */
const IMMORTAL = ['default', 'kube-system', 'kube-public'];

/** Reviews say nothing about content, so they may be asked anywhere. */
const REVIEW_GROUPS = ['authorization.k8s.io', 'authentication.k8s.io'];

/** Namespaces that may be created in, as of a version of their cache: most requests are about the same few. */
const alive = new WeakMap<
  Server,
  { readonly cache: KindCache; readonly version: number; readonly names: Set<string> }
>();

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles(kind, operation) {
    if (kind.storagePrefix === NAMESPACES) return operation === 'DELETE';
    return kind.namespaced && operation === 'CREATE' && !REVIEW_GROUPS.includes(kind.group);
  },
  mutate(attributes, server) {
    if (attributes.operation === 'DELETE') return refuseImmortal(attributes);
    const namespace = attributes.namespace ?? '';
    const known = alive.get(server);
    if (known !== undefined && known.cache.version === known.version && known.names.has(namespace)) return;
    const kind = server.registry.byResource('', 'v1', 'namespaces') as KindDefinition;
    const cache = server.cacheOf(kind);
    const entry = cache.get(cache.keyOf(undefined, namespace));
    if (entry === undefined) throw StatusError.notFound(resourceOf(kind), namespace);
    const terminating = (entry.object['status'] as { phase?: string } | undefined)?.phase === 'Terminating';
    if (terminating) throw refuseNew(attributes, namespace);
    if (known?.cache !== cache || known.version !== cache.version)
      alive.set(server, { cache, version: cache.version, names: new Set([namespace]) });
    else known.names.add(namespace);
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
