/**
 * JSON merge patch: null deletes, objects merge, all else replaces. What the patch does not reach is shared with the input.
 *
 * @see RFC 7386
 */
import { setMember } from './conform.ts';
import { sortedCopy } from './patch-json.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The target with the patch applied; neither is changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return isObject(target) ? patch : patch.map(withoutNulls);
  if (!isObject(patch)) return patch;
  const result: Json = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === undefined) continue;
    if (value === null) delete result[key];
    else setMember(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return sortedCopy(result);
}

/** An item of a list that is put in as a whole: upstream takes the nulls out of its objects, and leaves those that are items themselves. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  return isObject(value) ? applyMergePatch(undefined, value) : value;
}
