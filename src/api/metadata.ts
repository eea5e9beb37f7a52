/**
 * The order of an object's metadata. Servers add members to what was decoded (uid, resourceVersion, …); upstream writes them all
 * in one order, so this puts them there.
 */
import { metadataOrder } from './schema.ts';

/** A copy with its members in upstream's order. Members that upstream does not have follow; undefined ones are left out. */
export function orderedMetadata<Metadata extends object>(metadata: Metadata): Metadata {
  const given = metadata as Record<string, unknown>;
  const ordered: Record<string, unknown> = {};
  for (const name of metadataOrder) {
    const value = given[name];
    if (value !== undefined) ordered[name] = value;
  }
  for (const name of Object.keys(given)) {
    if (given[name] !== undefined && !metadataOrder.includes(name)) ordered[name] = given[name];
  }
  return ordered as Metadata;
}
