/**
 * Equality as upstream's strategies and validations mean it: a missing field, null and an empty list are the same. An empty
 * object is not the same as a missing one (`emptyDir: {}` says something), since decoding has dropped empty maps already.
 * Strings are compared as they stand, so quantities and times must be in canonical form, as decoding leaves them.
 */

/**
 * True when both values say the same.
 * @see apimachinery/pkg/api/equality/semantic.go
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return isEmpty(a) && isEmpty(b);
  if (a === null || b === null) return isEmpty(a) && isEmpty(b);
  if (Array.isArray(a)) {
    if (!Array.isArray(b)) return false;
    if (a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) if (!semanticEqual(a[index], b[index])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!semanticEqual(left[key], right[key])) return false;
  for (const key in right) if (!(key in left) && !isEmpty(right[key])) return false;
  return true;
}

/** Missing, null, or a list without entries. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
