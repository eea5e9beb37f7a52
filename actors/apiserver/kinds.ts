/** Questions about kinds that the verbs ask all the time, answered once per kind. */
import type { KindDefinition, KindRegistry, SubresourceDefinition } from '../../src/api/index.ts';
import { storedKindOf as findStoredKind } from '../../src/api/index.ts';

const stored = new WeakMap<KindDefinition, KindDefinition>();

/**
 * The kind that objects are stored as: itself, or for other versions the one that they are converted to. What a webhook converts
 * keeps to the rules of its own version until it is written.
 */
export function storedKindOf(kind: KindDefinition, registry: KindRegistry): KindDefinition {
  if (kind.conversion === undefined || kind.conversion.webhook !== undefined) return kind;
  let found = stored.get(kind);
  if (found === undefined) {
    found = findStoredKind(registry, kind);
    stored.set(kind, found);
  }
  return found;
}

export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

const DEFAULT_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Whether the kind, or its subresource, is served with that verb. */
export function serves(kind: KindDefinition, subresource: SubresourceDefinition | undefined, verb: string): boolean {
  return (subresource?.verbs ?? kind.verbs ?? DEFAULT_VERBS).includes(verb);
}
