/** Conversions of the versions of a kind that are as the stored one, or nearly. */
import type { ApiObject, Conversion, KindDefinition } from '../types.ts';

/** What differs besides the version. Both functions return a new object, or the one they were given. */
export interface Change {
  toStored(object: ApiObject): ApiObject;
  fromStored(object: ApiObject): ApiObject;
}

const same: Change = { toStored: (object) => object, fromStored: (object) => object };

/**
 * Between `version` and the version that `stored` is of. The stored version need not be served: who switches a version on does
 * not switch on another.
 */
export function versionConversion(stored: () => KindDefinition, version: string, change: Change = same): Conversion {
  const apiVersionOf = (of: string): string => `${stored().group}/${of}`;
  return {
    get storedVersion() {
      return stored().version;
    },
    storedKind: stored,
    toStored: (object) => ({ ...change.toStored(object), apiVersion: apiVersionOf(stored().version) }),
    fromStored: (object) => ({ ...change.fromStored(object), apiVersion: apiVersionOf(version) }),
  };
}
