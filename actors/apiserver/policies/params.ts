/**
 * The objects that a binding gives to its policy as `params`.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams
 */
import { type ApiObject, type KindDefinition, type LabelSelector, labelSelectorOf } from '../../../src/api/index.ts';
import type { Attributes } from '../admission/plugin.ts';
import type { Server } from '../server.ts';
import type { ParamKind, ParamRef } from './policies.ts';

/** A binding that cannot be carried out: its policy's failure policy says what becomes of the request. */
export class BindingError extends Error {
  override readonly name = 'BindingError';
}

/** One evaluation for each; null stands for none. @throws BindingError */
export function paramsOf(
  paramKind: ParamKind | undefined,
  reference: ParamRef | undefined,
  { namespace: requestNamespace }: Attributes,
  server: Server,
): readonly (ApiObject | null)[] {
  if (paramKind === undefined) return [null];
  const kind = kindOf(paramKind, server);
  if (kind === undefined) {
    const shown = `&ParamKind{APIVersion:${paramKind.apiVersion},Kind:${paramKind.kind},}`;
    throw new BindingError(`paramKind kind \`${shown}\` not known`);
  }
  if (reference === undefined) return [null];
  const namespace = namespaceOf(kind, reference, requestNamespace);
  const found = find(kind, reference, namespace, server);
  if (found.length === 0 && reference.parameterNotFoundAction === 'Deny') {
    throw new BindingError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}

function kindOf({ apiVersion, kind }: ParamKind, { registry }: Server): KindDefinition | undefined {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? registry.byKind('', first, kind) : registry.byKind(first, second, kind);
}

function namespaceOf(kind: KindDefinition, reference: ParamRef, requested: string | undefined): string | undefined {
  if (!kind.namespaced) {
    if (reference.namespace) {
      throw new BindingError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    }
    return undefined;
  }
  const namespace = reference.namespace || requested;
  if (!namespace) {
    throw new BindingError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  }
  return namespace;
}

function find(
  kind: KindDefinition,
  { name, selector }: ParamRef,
  namespace: string | undefined,
  server: Server,
): ApiObject[] {
  const cache = server.cacheOf(kind);
  const shown = (object: ApiObject): ApiObject =>
    kind.conversion === undefined ? object : kind.conversion.fromStored(object);
  if (name) {
    const entry = cache.get(cache.keyOf(namespace, name));
    return entry === undefined ? [] : [shown(entry.object)];
  }
  const wanted = labelSelectorOf((selector ?? {}) as LabelSelector);
  return cache
    .list(namespace)
    .filter(({ object }) => wanted.matches((object.metadata.labels ?? {}) as Record<string, string>))
    .map(({ object }) => shown(object));
}
