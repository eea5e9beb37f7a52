/**
 * Merges what a mutating policy made into an object, as server-side apply would, without any owners.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go
 */
import type { ApiObject, CustomForm } from './kinds/types.ts';
import { type Schema, schemaOf } from './schema.ts';
import { typedError } from './typed-errors.ts';
import { isLeaf, mergeValues, resolveSchema } from './typed-value.ts';

/** A configuration that cannot be merged; `message` says why in upstream's words. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/**
 * A new object. What the schema does not have, and lists and maps that are replaced as a whole, cannot be merged.
 * @throws ConfigurationError
 */
export function mergeConfiguration(
  object: ApiObject,
  configuration: Record<string, unknown>,
  definition: string,
  custom: CustomForm | undefined,
): ApiObject {
  const schema = custom?.schema ?? schemaOf(definition);
  const wrong = schema === undefined ? undefined : typedError(configuration, schema);
  if (wrong !== undefined) {
    throw new ConfigurationError(`error applying patch: failed to convert patch object to typed object: ${wrong}`);
  }
  const atomics = atomicsIn(configuration, schema, '');
  if (atomics.length > 0) {
    const list = atomics.join(', ');
    throw new ConfigurationError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${list}`,
    );
  }
  return mergeValues(object, configuration, schema) as ApiObject;
}

/** Paths of what is only ever replaced as a whole. */
function atomicsIn(value: unknown, given: Schema | undefined, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const schema = resolveSchema(given, value);
  const isAtomic = schema !== undefined && isLeaf(schema) && ['object', 'map', 'array'].includes(schema.kind);
  const own = path !== '' && isAtomic ? [path] : [];
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((item, index) => atomicsIn(item, schema?.element, `${path}[${index}]`))];
  }
  // Upstream does not look into maps.
  const { fields } = schema?.object ?? {};
  const below = Object.entries(value).flatMap(([name, member]) => {
    const field = fields?.get(name);
    return field === undefined ? [] : atomicsIn(member, field.schema, `${path}.${name}`);
  });
  return [...own, ...below];
}
