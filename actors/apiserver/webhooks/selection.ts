/**
 * Whether a webhook's selectors and conditions select a request that its rules are about.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go ShouldCallHook
 */
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import type { Attributes } from '../admission/plugin.ts';
import type { Server } from '../server.ts';
import type { MatchedHook } from './hooks.ts';
import { namespaceOf } from './review.ts';

type Labels = Readonly<Record<string, string>>;

/** @throws StatusError 404 when the namespace whose labels it takes is not there */
export function selectsRequest({ hook }: MatchedHook, attributes: Attributes, server: Server): boolean {
  if (hook.selectsObjects) {
    const { object, previous } = attributes;
    const selected = [object, previous].some(
      (each) => each !== undefined && hook.objectSelector.matches(labelsOf(each)),
    );
    if (!selected) return false;
  }
  if (!hook.selectsNamespaces) return true;
  const labels = namespaceLabels(attributes, server);
  return labels === undefined || hook.namespaceSelector.matches(labels);
}

function labelsOf(object: ApiObject): Labels {
  return (object.metadata.labels ?? {}) as Labels;
}

/** Undefined for what is in no namespace: that is never exempt. */
function namespaceLabels(attributes: Attributes, server: Server): Labels | undefined {
  const { kind, object, operation } = attributes;
  const isNamespace = kind.group === '' && kind.plural === 'namespaces';
  if (!kind.namespaced && !isNamespace) return undefined;
  if (isNamespace && (operation === 'CREATE' || operation === 'UPDATE') && object !== undefined)
    return labelsOf(object);
  const name = namespaceOf(attributes);
  const cache = server.caches.cacheOf('/registry/namespaces', false);
  const entry = cache.get(cache.keyOf(undefined, name));
  if (entry === undefined) throw StatusError.notFound({ group: '', name: 'namespaces' }, name);
  return labelsOf(entry.object);
}
