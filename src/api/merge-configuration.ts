/**
 * Merges what a mutating policy made into an object, as server-side apply would, without any owners.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go
 */
import { StatusError } from './errors.ts';
import type { ApiObject, CustomForm } from './kinds/types.ts';
import { type Schema, schemaOf } from './schema.ts';
import { isLeaf, mergeValues, resolveSchema } from './typed-value.ts';

/**
 * A new object. Lists and maps that are replaced as a whole cannot be merged.
 * @throws StatusError 400
 */
export function mergeConfiguration(
  object: ApiObject,
  configuration: Record<string, unknown>,
  definition: string,
  custom: CustomForm | undefined,
): ApiObject {
  const schema = custom?.schema ?? schemaOf(definition);
  checkMergeable(configuration, schema, '');
  return mergeValues(object, configuration, schema) as ApiObject;
}

function checkMergeable(value: unknown, given: Schema | undefined, path: string): void {
  if (typeof value !== 'object' || value === null) return;
  const schema = resolveSchema(given, value);
  if (path !== '' && isLeaf(schema) && schema !== undefined && ['object', 'map', 'array'].includes(schema.kind)) {
    throw StatusError.badRequest(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${path}`);
  }
  if (Array.isArray(value)) {
    for (const item of value) checkMergeable(item, schema?.element, path);
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const below = schema?.kind === 'object' ? schema.object?.fields.get(name)?.schema : schema?.element;
    checkMergeable(member, below, `${path}.${name}`);
  }
}
