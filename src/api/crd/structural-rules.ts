/**
 * Whether a custom schema is structural: every level has a type, combinations only restrict what stands outside of them, and metadata
 * is left alone. The errors are sorted by their text.
 * @see apiextensions-apiserver/pkg/apiserver/schema/validation.go, complete.go, KEP-1152
 */
import { type FieldError, type FieldPath, fieldErrors, fieldErrorText } from '../field-errors.ts';
import { patternProblem } from './pattern-rules.ts';
import { type CustomSchema, type JsonObject, ownProperty } from './structural.ts';

type Level = 'root' | 'item' | 'field';

const missingType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

export function structuralErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  checkLevel(schema, 'root', path, errors);
  checkComplete(schema, schema, path, path, errors);
  return errors
    .map((error) => ({ error, text: fieldErrorText(error) }))
    .sort((left, right) => (left.text < right.text ? -1 : left.text > right.text ? 1 : 0))
    .map(({ error }) => error);
}

function checkLevel(schema: CustomSchema, level: Level, path: FieldPath, errors: FieldError[]): void {
  const { type, items, properties, additionalProperties } = schema;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (type === 'array' && items === undefined)
    errors.push(fieldErrors.required(path.child('items'), 'must be specified'));
  if (items !== undefined) checkLevel(items, 'item', path.child('items'), errors);
  for (const name of Object.keys(properties ?? {}))
    checkLevel(properties?.[name] ?? {}, 'field', path.child('properties').key(name), errors);
  if (additionalProperties !== undefined) {
    const at = path.child('additionalProperties');
    if (level === 'root') errors.push(fieldErrors.forbidden(at, 'must not be used at the root'));
    if (typeof additionalProperties === 'object') checkLevel(additionalProperties, 'field', at, errors);
    if (embedded) errors.push(fieldErrors.forbidden(at, 'must not be used if x-kubernetes-embedded-resource is set'));
  }
  if (intOrString) {
    const detail = 'must be false if x-kubernetes-int-or-string is true';
    for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
      if (schema[name] === true) errors.push(fieldErrors.invalid(path.child(name), true, detail));
  }
  checkRestrictions(schema, spellsOutTypes(schema.anyOf), spellsOutTypes(schema.allOf?.[0]?.anyOf), path, errors);
  if (embedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    const at = path.child('type');
    errors.push(type ? fieldErrors.invalid(at, type, detail) : fieldErrors.required(at, detail));
  } else if (!type && !intOrString && !preserves)
    errors.push(fieldErrors.required(path.child('type'), missingType[level]));
  if (level === 'root' && type && type !== 'object')
    errors.push(fieldErrors.invalid(path.child('type'), type, 'must be object at the root'));
  checkObjectMembers(schema, level, embedded, path, errors);
  if (embedded && !preserves && Object.keys(properties ?? {}).length === 0) {
    const detail =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(fieldErrors.required(path.child('properties'), detail));
  }
}

/** What every object has is not for schemas to redefine. */
function checkObjectMembers(
  schema: CustomSchema,
  level: Level,
  embedded: boolean,
  path: FieldPath,
  errors: FieldError[],
): void {
  const isObject = level === 'root' || embedded;
  if (!isObject) return;
  for (const [name, wanted] of [
    ['kind', 'string'],
    ['apiVersion', 'string'],
    ['metadata', 'object'],
  ] as const) {
    const property = ownProperty(schema, name);
    if (property === undefined || property.type === wanted) continue;
    const at = path.child('properties').key(name).child('type');
    errors.push(fieldErrors.invalid(at, property.type ?? '', `must be ${wanted}`));
  }
  const metadata = ownProperty(schema, 'metadata');
  if (level !== 'root' || metadata === undefined || restrictsNamesOnly(metadata)) return;
  const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
  errors.push(fieldErrors.forbidden(path.child('properties').key('metadata'), detail));
}

/** What a schema may say of metadata beside the two names; the last two are not kept. */
const harmless = ['type', 'default', 'example', 'externalDocs'];

function restrictsNamesOnly(metadata: CustomSchema): boolean {
  const { properties, ...more } = metadata;
  if (Object.keys(properties ?? {}).some((name) => name !== 'name' && name !== 'generateName')) return false;
  return Object.entries(more).every(
    ([name, value]) =>
      harmless.includes(name) || value === undefined || value === null || value === '' || value === false,
  );
}

/** The form in which an int-or-string may spell out its types. */
function spellsOutTypes(parts: readonly CustomSchema[] | undefined): boolean {
  return JSON.stringify(parts) === '[{"type":"integer"},{"type":"string"}]';
}

function checkRestrictions(
  schema: CustomSchema,
  skipAnyOf: boolean,
  skipFirstAllOf: boolean,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (!skipAnyOf)
    for (const [index, part] of (schema.anyOf ?? []).entries())
      checkNested(part, false, path.child('anyOf').index(index), errors);
  for (const [index, part] of (schema.allOf ?? []).entries())
    checkNested(part, skipFirstAllOf && index === 0, path.child('allOf').index(index), errors);
  for (const [index, part] of (schema.oneOf ?? []).entries())
    checkNested(part, false, path.child('oneOf').index(index), errors);
  if (schema.not !== undefined) checkNested(schema.not, false, path.child('not'), errors);
  const problem = schema.pattern ? patternProblem(schema.pattern) : undefined;
  if (problem !== undefined) {
    const detail = `must be a valid regular expression, but isn't: error parsing regexp: ${problem}`;
    errors.push(fieldErrors.invalid(path.child('pattern'), schema.pattern, detail));
  }
}

/** What stands outside of combinations only, and what it must be inside of them. */
const outside: readonly (readonly [name: string, wanted: string])[] = [
  ['type', 'must be empty'],
  ['additionalProperties', 'must be undefined'],
  ['default', 'must be undefined'],
  ['title', 'must be empty'],
  ['description', 'must be empty'],
  ['nullable', 'must be false'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false'],
  ['x-kubernetes-embedded-resource', 'must be false'],
  ['x-kubernetes-int-or-string', 'must be false'],
  ['x-kubernetes-list-map-keys', 'must be empty'],
  ['x-kubernetes-list-type', 'must be undefined'],
  ['x-kubernetes-map-type', 'must be undefined'],
  ['x-kubernetes-validations', 'must be empty'],
];

/** Inside a combination there are only restrictions. */
function checkNested(part: CustomSchema, skipAnyOf: boolean, path: FieldPath, errors: FieldError[]): void {
  checkRestrictions(part, skipAnyOf, false, path, errors);
  if (part.items !== undefined) checkNested(part.items, false, path.child('items'), errors);
  for (const [name, property] of Object.entries(part.properties ?? {}))
    checkNested(property, false, path.child('properties').key(name), errors);
  for (const [name, wanted] of outside) {
    const value = (part as JsonObject)[name];
    const isThere = wanted === 'must be undefined' ? value !== undefined && value !== null : isFilled(value);
    if (isThere) errors.push(fieldErrors.forbidden(path.child(name), `${wanted} to be structural`));
  }
  if (ownProperty(part, 'metadata') !== undefined) {
    const at = path.child('properties').key('metadata');
    errors.push(fieldErrors.forbidden(at, 'must not be specified in a nested context'));
  }
}

const isFilled = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== '' &&
  value !== false &&
  !(Array.isArray(value) && value.length === 0);

/** Whatever a combination restricts is specified outside of it. `part` is at `partPath` what `schema` is at `path`. */
function checkComplete(
  part: CustomSchema,
  schema: CustomSchema,
  path: FieldPath,
  partPath: FieldPath,
  errors: FieldError[],
): void {
  const below = (nested: CustomSchema, at: FieldPath) => checkNestedComplete(nested, schema, path, at, errors);
  if (part.not !== undefined) below(part.not, partPath.child('not'));
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const)
    for (const [index, nested] of (part[name] ?? []).entries()) below(nested, partPath.child(name).index(index));
}

function checkNestedComplete(
  part: CustomSchema,
  schema: CustomSchema | undefined,
  path: FieldPath,
  partPath: FieldPath,
  errors: FieldError[],
): void {
  if (schema === undefined) {
    errors.push(fieldErrors.required(path, `because it is defined in ${partPath}`));
    return;
  }
  checkComplete(part, schema, path, partPath, errors);
  if (part.items !== undefined)
    checkNestedComplete(part.items, schema.items, path.child('items'), partPath.child('items'), errors);
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const at = (around: FieldPath) => around.child('properties').key(name);
    checkNestedComplete(property, ownProperty(schema, name), at(path), at(partPath), errors);
  }
}
