/** The class that is marked as the default by one of the annotations: of several the newest, then the first by name. */
import type { KindCache } from '../cache/kind-cache.ts';

export function newestDefault(classes: KindCache, annotations: readonly string[]): string | undefined {
  if (classes.size === 0) return undefined;
  let best: { readonly name: string; readonly created: string } | undefined;
  for (const { name, object } of classes.list()) {
    const marks = object.metadata.annotations as Readonly<Record<string, string>> | undefined;
    if (!annotations.some((annotation) => marks?.[annotation] === 'true')) continue;
    const created = String(object.metadata['creationTimestamp'] ?? '');
    if (best === undefined || created > best.created) best = { name, created };
  }
  return best?.name;
}
