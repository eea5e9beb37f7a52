/**
 * Whether a custom schema is structural: every level has a type, combinations only restrict, metadata is left alone, and defaults
 * are valid.
 * @see apiextensions-apiserver/pkg/apiserver/schema/validation.go, schema/defaulting/validation.go, KEP-1152
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import type { CustomSchema } from './structural.ts';
import { validateValue } from './value-validation.ts';

type Level = 'root' | 'item' | 'field';

const missingType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

export function structuralErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  checkLevel(schema, 'root', path, errors);
  if (errors.length === 0) checkDefaults(schema, path, errors);
  return errors;
}

function checkLevel(schema: CustomSchema, level: Level, path: FieldPath, errors: FieldError[]): void {
  const { type, items, properties, additionalProperties } = schema;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (type === 'array' && items === undefined)
    errors.push(fieldErrors.required(path.child('items'), 'must be specified'));
  if (items !== undefined) checkLevel(items, 'item', path.child('items'), errors);
  for (const name of Object.keys(properties ?? {}).sort())
    checkLevel(properties?.[name] ?? {}, 'field', path.child('properties').key(name), errors);
  if (typeof additionalProperties === 'object')
    checkLevel(additionalProperties, 'field', path.child('additionalProperties'), errors);
  if (intOrString) {
    for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
      const detail = 'must be false if x-kubernetes-int-or-string is true';
      if (schema[name] === true) errors.push(fieldErrors.forbidden(path.child(name), detail));
    }
  }
  checkCombinations(schema, intOrString, path, errors);
  if (embedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    const at = path.child('type');
    errors.push(type ? fieldErrors.invalid(at, type, detail) : fieldErrors.required(at, detail));
  } else if (!type && !intOrString && !preserves)
    errors.push(fieldErrors.required(path.child('type'), missingType[level]));
  if (level === 'root' && type && type !== 'object')
    errors.push(fieldErrors.invalid(path.child('type'), type, 'must be object at the root'));
  if (level === 'root' || embedded) checkObjectMembers(schema, path, errors);
  if (embedded && !preserves && Object.keys(properties ?? {}).length === 0) {
    const detail =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(fieldErrors.required(path.child('properties'), detail));
  }
}

/** What every object has is not for schemas to redefine. */
function checkObjectMembers({ properties }: CustomSchema, path: FieldPath, errors: FieldError[]): void {
  for (const name of ['kind', 'apiVersion']) {
    const property = properties?.[name];
    if (property === undefined || property.type === 'string') continue;
    errors.push(
      fieldErrors.invalid(path.child('properties').key(name).child('type'), property.type ?? '', 'must be string'),
    );
  }
  const metadata = properties?.['metadata'];
  if (metadata === undefined) return;
  const at = path.child('properties').key('metadata');
  if (metadata.type !== 'object')
    errors.push(fieldErrors.invalid(at.child('type'), metadata.type ?? '', 'must be object'));
  if (Object.keys(metadata.properties ?? {}).some((name) => name !== 'name' && name !== 'generateName')) {
    const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
    errors.push(fieldErrors.forbidden(at, detail));
  }
}

/** The two forms in which an int-or-string may spell out its types. */
function spellsOutTypes(parts: readonly CustomSchema[] | undefined): boolean {
  return parts?.length === 2 && parts[0]?.type === 'integer' && parts[1]?.type === 'string';
}

function checkCombinations(schema: CustomSchema, intOrString: boolean, path: FieldPath, errors: FieldError[]): void {
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    if (name === 'anyOf' && intOrString && spellsOutTypes(schema.anyOf)) continue;
    for (const [index, part] of (schema[name] ?? []).entries()) {
      if (name === 'allOf' && index === 0 && intOrString && spellsOutTypes(part.anyOf)) continue;
      checkNested(part, schema, path.child(name).index(index), errors);
    }
  }
  if (schema.not !== undefined) checkNested(schema.not, schema, path.child('not'), errors);
}

const mustBeEmpty = ['type', 'title', 'description'] as const;

/** Inside a combination only restrictions of what the schema around it has. */
function checkNested(part: CustomSchema, around: CustomSchema, path: FieldPath, errors: FieldError[]): void {
  for (const name of mustBeEmpty) {
    if ((part as Record<string, unknown>)[name])
      errors.push(fieldErrors.forbidden(path.child(name), 'must be empty to be structural'));
  }
  for (const name of ['additionalProperties', 'default'] as const) {
    if (part[name] !== undefined)
      errors.push(fieldErrors.forbidden(path.child(name), 'must be undefined to be structural'));
  }
  for (const name of [
    'nullable',
    'x-kubernetes-preserve-unknown-fields',
    'x-kubernetes-embedded-resource',
    'x-kubernetes-int-or-string',
  ] as const) {
    if (part[name] === true) errors.push(fieldErrors.forbidden(path.child(name), 'must be false to be structural'));
  }
  for (const [name, property] of Object.entries(part.properties ?? {}))
    checkNested(property, around.properties?.[name] ?? {}, path.child('properties').key(name), errors);
  if (part.items !== undefined) checkNested(part.items, around.items ?? {}, path.child('items'), errors);
  checkCombinations(part, false, path, errors);
}

function checkDefaults(schema: CustomSchema, path: FieldPath, errors: FieldError[]): void {
  const at = path.child('default');
  if (schema.default !== undefined) {
    const found: FieldError[] = [];
    validateValue(schema.default, schema, '', undefined, found);
    for (const error of found) {
      const separator = error.field === '' || error.field.startsWith('[') ? '' : '.';
      errors.push({ ...error, field: `${at}${separator}${error.field}` });
    }
  }
  for (const name of Object.keys(schema.properties ?? {}).sort())
    checkDefaults(schema.properties?.[name] ?? {}, path.child('properties').key(name), errors);
  if (schema.items !== undefined) checkDefaults(schema.items, path.child('items'), errors);
  const additional = schema.additionalProperties;
  if (typeof additional === 'object') checkDefaults(additional, path.child('additionalProperties'), errors);
}
