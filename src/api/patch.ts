/**
 * A PATCH request's body applied to an object: decodes the patch, applies it by its media type, and decodes what came out as the
 * kind. The API server calls it for every patch but server-side apply (apply.ts).
 *
 * @see k8s.io/apiserver/pkg/endpoints/handlers/patch.go
 */

import { conform } from './conform.ts';
import {
  countKeys,
  type Decoded,
  decodePatched,
  type ExpectedKind,
  type FieldValidation,
  syntaxError,
} from './decode.ts';
import { StatusError } from './errors.ts';
import { explain } from './explain.ts';
import { fieldErrors } from './field-errors.ts';
import { goJson, goKind, goValueText } from './go-text.ts';
import { parseJsonNode } from './json-text.ts';
import type { ApiObject } from './kinds/types.ts';
import { applyJsonPatch } from './patch-json.ts';
import { applyMergePatch } from './patch-merge.ts';
import { applyStrategicMergePatch } from './patch-strategic.ts';
import type { Schema } from './schema.ts';
import { inStructOrder } from './struct-order.ts';

export const patchMediaTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export interface ParsedPatch {
  readonly type: 'json' | 'merge' | 'strategic';
  readonly value: unknown;
  /** Fields that the patch's text repeats. */
  readonly repeated: readonly string[];
}

const free: Schema = { kind: 'any', typeName: 'interface {}' };

/**
 * The patch of a request's text.
 * @throws StatusError 400
 */
export function parsePatch(
  type: ParsedPatch['type'],
  body: Uint8Array,
  validation: FieldValidation = 'Warn',
): ParsedPatch {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw StatusError.badRequest(`error decoding patch: ${syntaxError(text)}`);
  }
  const repeated = conform(value, free).keys === countKeys(text) ? [] : explain(parseJsonNode(text), free).strict;
  if (validation === 'Strict' && repeated.length > 0) {
    throw StatusError.badRequest(`error decoding patch: strict decoding error: ${repeated.join(', ')}`);
  }
  return checkPatch(type, value, repeated);
}

/**
 * The patch of a value that was never text.
 * @throws StatusError 400
 */
export function patchOf(type: ParsedPatch['type'], value: unknown): ParsedPatch {
  return checkPatch(type, value, []);
}

function checkPatch(type: ParsedPatch['type'], value: unknown, repeated: readonly string[]): ParsedPatch {
  const isArray = Array.isArray(value);
  if (value === null && type !== 'json') {
    throw StatusError.badRequest(type === 'merge' ? 'Invalid JSON Patch' : 'Invalid patch');
  }
  const fits = type === 'json' ? isArray : typeof value === 'object' && !isArray;
  if (value !== null && !fits) {
    const found = isArray ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    const wanted = type === 'json' ? '[]interface {}' : 'map[string]interface {}';
    throw StatusError.badRequest(
      `error decoding patch: json: cannot unmarshal ${found} into Go value of type ${wanted}`,
    );
  }
  const odd = type === 'json' && isArray ? value.find((item) => item !== null && goKind(item) !== 'map') : undefined;
  if (odd !== undefined) {
    const found = Array.isArray(odd) ? 'array' : typeof odd === 'boolean' ? 'bool' : typeof odd;
    throw StatusError.badRequest(`json: cannot unmarshal ${found} into Go value of type jsonpatch.Operation`);
  }
  return { type, value: value ?? [], repeated };
}

/**
 * The object that the patch makes of `current`, which is not changed. With `shares` its spec and other members that the patch leaves
 * alone are those of `current`: for writers that replace such members and never change them.
 * @throws StatusError 413, 422 and what the patch types throw
 */
export function applyPatch(
  current: ApiObject,
  patch: ParsedPatch,
  expected: ExpectedKind,
  validation: FieldValidation = 'Warn',
  shares = false,
): Decoded {
  // These two are worked on in place.
  const live = shares ? Object.assign({}, current, { metadata: {}, status: {} }) : undefined;
  const quick = patch.type === 'strategic' ? quickly(current, patch, expected, live) : undefined;
  if (quick !== undefined) return quick;
  const patched = patchedBy(patch, current, expected.schema);
  const refuse = (reason: string): StatusError => {
    const strategic = patch.type === 'strategic';
    const quoted = strategic ? goValueText(patch.value) : quotedResult(patch, current, expected.schema);
    const detail = strategic ? (restoreError(patched, expected.schema) ?? reason) : reason;
    return StatusError.invalid({ group: '', name: '' }, '', [fieldErrors.invalid('patch', quoted, detail)]);
  };
  const { object, warnings } = decodePatched(patched, expected, validation, refuse, live);
  return { object, warnings: validation === 'Warn' ? [...patch.repeated, ...warnings] : [] };
}

/** The same without putting anything in order that decoding orders anyway; undefined when there is something to tell of the result. */
function quickly(
  current: ApiObject,
  { value, repeated }: ParsedPatch,
  expected: ExpectedKind,
  live: ApiObject | undefined,
): Decoded | undefined {
  if (repeated.length > 0 || expected.custom !== undefined) return undefined;
  const patched = applyStrategicMergePatch(current, value as Record<string, unknown>, expected.schema, true);
  const conformed = conform(patched, expected.schema, live);
  if (conformed.malformed || conformed.unknown) return undefined;
  const object = conformed.value as ApiObject;
  const apiVersion = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  return object.kind === expected.kind && object.apiVersion === apiVersion ? { object, warnings: [] } : undefined;
}

function patchedBy({ type, value }: ParsedPatch, current: ApiObject, schema: Schema): unknown {
  switch (type) {
    case 'json':
      return applyJsonPatch(current, value);
    case 'merge':
      return applyMergePatch(current, value);
    case 'strategic':
      return applyStrategicMergePatch(current, value as Record<string, unknown>, schema);
  }
}

/** The result as upstream quotes it: what the patch touched by its keys, all else as its types declare it. */
const quotedResult = (patch: ParsedPatch, current: ApiObject, schema: Schema): string =>
  goJson(patchedBy(patch, inStructOrder(current, schema) as ApiObject, schema));

/** Why upstream's converter refuses a value that a strategic merge patch has made; undefined for what it leaves to decoders. */
function restoreError(value: unknown, schema: Schema): string | undefined {
  if (value === null || value === undefined) return undefined;
  const kind = goKind(value);
  switch (schema.kind) {
    case 'object':
      if (kind !== 'map') return `cannot restore struct from: ${kind}`;
      return firstError(Object.entries(value as object), (key) => schema.object?.fields.get(key)?.schema);
    case 'map':
      if (kind !== 'map') return `cannot restore map from ${kind}`;
      return firstError(Object.entries(value as object), () => schema.element);
    case 'array':
      if (kind !== 'slice') return `cannot restore slice from ${kind}`;
      return firstError(Object.entries(value as object), () => schema.element);
    case 'string':
      return kind === 'string' ? undefined : `cannot convert ${kind} to ${schema.typeName}`;
    case 'boolean':
      return kind === 'bool' ? undefined : `cannot convert ${kind} to ${schema.typeName}`;
    case 'int32':
    case 'int64':
      return kind === 'int64' ? undefined : `cannot convert ${kind} to ${schema.typeName}`;
    default:
      return undefined;
  }
}

function firstError(
  entries: readonly [string, unknown][],
  schemaFor: (key: string) => Schema | undefined,
): string | undefined {
  for (const [key, member] of entries) {
    const schema = schemaFor(key);
    const found = schema === undefined ? undefined : restoreError(member, schema);
    if (found !== undefined) return found;
  }
  return undefined;
}
