/**
 * Validation of the defaults in a structural schema: each is what its place allows, has no more than that, and keeps its rules.
 * Defaults of additional properties are not looked at.
 * @see apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { defaultRuleErrors } from './object-rules.ts';
import { prune } from './pruning.ts';
import { type CustomSchema, isJsonObject, objectMembers } from './structural.ts';
import { validateValue } from './value-validation.ts';

export function defaultErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  checkLevel(schema, path, true, false, errors);
  return errors;
}

function checkLevel(
  schema: CustomSchema,
  path: FieldPath,
  hasMeta: boolean,
  inMeta: boolean,
  errors: FieldError[],
): void {
  const embedded = hasMeta || schema['x-kubernetes-embedded-resource'] === true;
  const inside = inMeta && !embedded;
  if (schema.default !== undefined && schema.default !== null)
    checkDefault(schema, path.child('default'), inside, errors);
  if (schema.items !== undefined) checkLevel(schema.items, path.child('items'), false, inside, errors);
  for (const name of Object.keys(schema.properties ?? {}).sort()) {
    const below = path.child('properties').key(name);
    const meta = inside || (embedded && objectMembers.has(name));
    checkLevel(schema.properties?.[name] ?? {}, below, false, meta, errors);
  }
}

function checkDefault(schema: CustomSchema, path: FieldPath, inMeta: boolean, errors: FieldError[]): void {
  const value = schema.default;
  if (!inMeta && prune({ value }, { properties: { value: schema } }).unknown.length > 0)
    errors.push(fieldErrors.invalid(path, value, 'must not have unknown fields'));
  if (schema['x-kubernetes-embedded-resource'] === true && isJsonObject(value)) {
    const missing = ['apiVersion', 'kind'].filter((name) => !value[name]);
    errors.push(...missing.map((name) => fieldErrors.required(path.child(name), '')));
    if (missing.length > 0) return;
  }
  const found: FieldError[] = [];
  validateValue(value, schema, '', undefined, found);
  for (const error of found) {
    const separator = error.field === '' || error.field.startsWith('[') ? '' : '.';
    errors.push({ ...error, field: error.field === '<nil>' ? error.field : `${path}${separator}${error.field}` });
  }
  if (found.length === 0) errors.push(...defaultRuleErrors(schema, path));
}
