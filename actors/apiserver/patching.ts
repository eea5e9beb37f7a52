/** Applies a request's patch to an object. */
import {
  type ApiObject,
  applyPatch,
  type ParsedPatch,
  parsePatch,
  patchMediaTypes,
  patchOf,
  StatusError,
} from '../../src/api/index.ts';
import { unpack } from '../../src/runtime/index.ts';
import { expectedKindOf, fieldValidationOf, type NamedKind } from './bodies.ts';
import type { Call } from './call.ts';

export const PATCH_TYPES: readonly string[] = Object.values(patchMediaTypes);

const TYPES: Readonly<Record<string, ParsedPatch['type']>> = {
  [patchMediaTypes.json]: 'json',
  [patchMediaTypes.merge]: 'merge',
  [patchMediaTypes.strategic]: 'strategic',
};

/** A write of the status takes everything else from the current object: it need not be copied before. Conversions work in place. */
const sharesSpec = ({ subresource, kind }: Call): boolean =>
  subresource?.name === 'status' && kind.conversion === undefined && kind.custom === undefined;

/** The patched object, a new one. `base` is undefined when an apply creates. */
export function patchObject(call: Call, kind: NamedKind, base: ApiObject | undefined): ApiObject {
  const type = TYPES[call.patchType ?? ''];
  if (type === undefined || base === undefined) {
    throw StatusError.other(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
  const validation = fieldValidationOf(call);
  const bytes = call.body?.bytes ?? new Uint8Array();
  const patch = call.body?.form === 'packed' ? patchOf(type, unpack(bytes)) : parsePatch(type, bytes, validation);
  const { object, warnings } = applyPatch(base, patch, expectedKindOf(kind), validation, sharesSpec(call));
  if (call.attempt <= 1) call.warnings.push(...warnings);
  object.metadata ??= {};
  return object;
}
