/** Applies the four kinds of patches to an object: JSON, merge, strategic merge, and server-side apply. */
import { type ApiObject, StatusError } from '../../src/api/index.ts';
import { type NamedKind, parseBody } from './bodies.ts';
import { copyOf } from './cache/entry.ts';
import type { Call } from './call.ts';
import type { Server } from './server.ts';

export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const;

/** The patched object, a new one. `base` is undefined when an apply creates. */
export function patchObject(call: Call, kind: NamedKind, base: ApiObject | undefined, _server: Server): ApiObject {
  const patch = parseBody(call.body);
  if (call.patchType === 'application/merge-patch+json') {
    return mergePatch(copyOf(base ?? {}), patch) as ApiObject;
  }
  throw StatusError.unsupportedMediaType([...PATCH_TYPES].filter(() => kind.kind !== ''));
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result = (typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {}) as Record<
    string,
    unknown
  >;
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}
