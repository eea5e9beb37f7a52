/**
 * Validation of custom objects: embedded objects, the schema of their version, and lists that are sets or maps.
 * On update, errors in what did not change are let through, so that a tightened schema does not lock old objects.
 * @see apiextensions-apiserver/pkg/registry/customresource/validator.go, KEP-4008
 */
import { type FieldError, fieldErrors } from '../field-errors.ts';
import type { ApiObject } from '../kinds/types.ts';
import { validateRules } from './object-rules.ts';
import { itemsOf, pathText } from './paths.ts';
import { type CustomSchema, isJsonObject, type JsonObject } from './structural.ts';
import { validateValue } from './value-validation.ts';

export interface CustomKindRules {
  readonly schema: CustomSchema;
  readonly kind: string;
}

/** Everything that is wrong with `object`; `previous` is what it replaces. */
export function validateCustomObject(
  object: ApiObject,
  previous: ApiObject | undefined,
  rules: CustomKindRules,
): FieldError[] {
  const { schema, kind } = rules;
  const errors: FieldError[] = [];
  if (object.kind !== kind) errors.push(fieldErrors.invalid('kind', object.kind, `must be ${kind}`));
  const found: FieldError[] = [];
  validateValue(object, schema, '', previous, found);
  errors.push(...found);
  checkStructure(object, schema, '', true, errors);
  const findings = validateRules(object, previous, schema, errors);
  ruleWarnings.set(object, findings.warnings);
  errors.push(...findings.errors);
  return errors;
}

/** What rules said of parts that had not changed, of the objects that were validated last. */
const ruleWarnings = new WeakMap<ApiObject, readonly string[]>();

/** Warnings of an object that has been validated. */
export function customObjectWarnings(object: ApiObject): string[] {
  return [...(ruleWarnings.get(object) ?? [])];
}

/** Embedded objects need their type; sets and maps have no item twice. */
function checkStructure(
  value: unknown,
  schema: CustomSchema | undefined,
  path: string,
  root: boolean,
  errors: FieldError[],
): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    checkList(value, schema, path, errors);
    for (const [at, item] of value.entries()) checkStructure(item, schema.items, `${path}[${at}]`, false, errors);
    return;
  }
  if (!isJsonObject(value)) return;
  if (schema['x-kubernetes-embedded-resource'] === true && !root) checkEmbedded(value, path, errors);
  for (const [name, member, memberPath] of itemsOf(value, schema, path)) {
    checkStructure(value[name], member, memberPath, false, errors);
  }
}

function checkEmbedded(value: JsonObject, path: string, errors: FieldError[]): void {
  for (const name of ['apiVersion', 'kind']) {
    if (value[name] === undefined || value[name] === '') errors.push(fieldErrors.required(pathText(path, name), ''));
  }
}

function checkList(list: readonly unknown[], schema: CustomSchema, path: string, errors: FieldError[]): void {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  for (const [at, item] of list.entries()) {
    const shown = type === 'set' ? item : keyOf(item, keys, schema.items);
    const text = JSON.stringify(shown);
    if (seen.has(text)) errors.push(fieldErrors.duplicate(`${path}[${at}]`, shown));
    seen.add(text);
  }
}

function keyOf(item: unknown, keys: readonly string[], schema: CustomSchema | undefined): JsonObject {
  const key: JsonObject = {};
  if (!isJsonObject(item)) return key;
  for (const name of keys) {
    const value = item[name] ?? schema?.properties?.[name]?.default;
    if (value !== undefined) key[name] = value;
  }
  return key;
}
