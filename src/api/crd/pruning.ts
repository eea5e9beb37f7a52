/**
 * Takes out of a custom object what its schema does not name, and brings the metadata of objects and of embedded ones into form.
 * The decoder calls it for bodies and conversions call it for stored objects. Makes a new object with its keys in order, as
 * upstream prints them, and never changes its input.
 * @see apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go, objectmeta/algorithm.go
 */
import { conform, setMember } from '../conform.ts';
import { explain } from '../explain.ts';
import { quote } from '../go-text.ts';
import { jsonNodeOf } from '../json-text.ts';
import { type Schema, schemaOf } from '../schema.ts';
import { type CustomSchema, isJsonObject, type JsonObject, memberSchema, objectMembers } from './structural.ts';

export interface Pruned {
  readonly value: JsonObject;
  /** `unknown field "spec.x"`, by path. */
  readonly unknown: readonly string[];
  /** Why the object cannot be decoded: metadata of a wrong type. */
  readonly error?: string | undefined;
}

interface State {
  readonly unknown: string[];
  error: string | undefined;
}

/** Prunes an object by the schema of its version. */
export function prune(object: JsonObject, schema: CustomSchema): Pruned {
  const state: State = { unknown: [], error: undefined };
  const value = pruneObject(object, schema, '', true, state);
  return { value, unknown: state.unknown.sort().map((path) => `unknown field ${quote(path)}`), error: state.error };
}

function pruneValue(value: unknown, schema: CustomSchema | undefined, path: string, state: State): unknown {
  if (Array.isArray(value)) return value.map((item, at) => pruneValue(item, schema?.items, `${path}[${at}]`, state));
  if (!isJsonObject(value)) return value;
  return pruneObject(value, schema, path, schema?.['x-kubernetes-embedded-resource'] === true, state);
}

function pruneObject(
  object: JsonObject,
  schema: CustomSchema | undefined,
  path: string,
  embedded: boolean,
  state: State,
): JsonObject {
  const preserves = schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  const pruned: JsonObject = {};
  for (const name of Object.keys(object).sort()) {
    const value = object[name];
    if (value === undefined) continue;
    const at = path === '' ? name : `${path}.${name}`;
    if (embedded && objectMembers.has(name)) {
      const kept = name === 'metadata' ? conformMetadata(value, at, state) : value;
      if (kept !== undefined) pruned[name] = kept;
      continue;
    }
    const member = memberSchema(schema, name);
    if (member !== 'unknown') setMember(pruned, name, pruneValue(value, member, at, state));
    else if (preserves) setMember(pruned, name, copyOf(value));
    else state.unknown.push(at);
  }
  return pruned;
}

/** Deep copies of what nothing is known about. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isJsonObject(value)) return value;
  const copy: JsonObject = {};
  for (const name of Object.keys(value).sort())
    if (value[name] !== undefined) setMember(copy, name, copyOf(value[name]));
  return copy;
}

let metadataSchema: Schema | undefined;

/** Metadata of custom objects has the same form as everybody's. */
export function objectMetaSchema(): Schema {
  metadataSchema ??= schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
  return metadataSchema;
}

function conformMetadata(value: unknown, path: string, state: State): unknown {
  const schema = objectMetaSchema();
  const conformed = conform(value, schema);
  if (!conformed.malformed && !conformed.unknown) return conformed.value;
  const found = explain(jsonNodeOf(value), schema);
  state.error ??= found.error;
  for (const text of found.strict) {
    const name = /^unknown field "(.*)"$/.exec(text)?.[1];
    if (name !== undefined) state.unknown.push(`${path}.${name}`);
  }
  return conformed.value;
}
