/**
 * Validation of the list and map types that a custom schema declares.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { type CustomSchema, ownProperty } from './structural.ts';

const LIST_TYPE = 'x-kubernetes-list-type';
const MAP_TYPE = 'x-kubernetes-map-type';
const KEYS = 'x-kubernetes-list-map-keys';

function typeErrors(schema: CustomSchema, wanted: string, marker: string, path: FieldPath): FieldError[] {
  if (schema.type === wanted) return [];
  const detail = `must be ${wanted} if ${marker} is specified`;
  const at = path.child('type');
  return [schema.type ? fieldErrors.invalid(at, schema.type, detail) : fieldErrors.required(at, detail)];
}

export function mapErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const mapType = schema[MAP_TYPE];
  if (mapType === undefined) return [];
  const errors = typeErrors(schema, 'object', MAP_TYPE, path);
  if (mapType !== 'atomic' && mapType !== 'granular')
    errors.push(fieldErrors.notSupported(path.child(MAP_TYPE), mapType, ['atomic', 'granular']));
  return errors;
}

export function listErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const listType = schema[LIST_TYPE];
  const keys = schema[KEYS] ?? [];
  const errors: FieldError[] = [];
  if (listType !== undefined) {
    const wrong = typeErrors(schema, 'array', LIST_TYPE, path);
    errors.push(...wrong);
    if (wrong.length === 0 && listType === 'set') errors.push(...setItemErrors(schema.items, path.child('items')));
    if (!['atomic', 'set', 'map'].includes(listType))
      errors.push(fieldErrors.notSupported(path.child(LIST_TYPE), listType, ['atomic', 'set', 'map']));
  }
  if (keys.length > 0 && listType !== 'map') {
    const detail = `must be map if ${KEYS} is non-empty`;
    const at = path.child(LIST_TYPE);
    errors.push(listType === undefined ? fieldErrors.required(at, detail) : fieldErrors.invalid(at, listType, detail));
  }
  if (listType === 'map') errors.push(...mapListErrors(schema, keys, path));
  if (listType === 'map' || listType === 'set') errors.push(...itemErrors(schema, listType, keys, path));
  return errors;
}

/** Items of a set are compared as wholes. */
function setItemErrors(items: CustomSchema | undefined, path: FieldPath): FieldError[] {
  const detail = `must be atomic as item of a list with ${LIST_TYPE}=set`;
  const listType = items?.[LIST_TYPE];
  if (items?.type === 'array' && listType !== undefined && listType !== 'atomic')
    return [fieldErrors.invalid(path.child(LIST_TYPE), listType, detail)];
  // Upstream shows the list type here too, and writes "null" where there is none.
  if (items?.type === 'object' && items[MAP_TYPE] !== 'atomic')
    return [fieldErrors.invalid(path.child(MAP_TYPE), listType ?? 'null', detail)];
  return [];
}

function mapListErrors({ items }: CustomSchema, keys: readonly string[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (keys.length === 0)
    errors.push(fieldErrors.required(path.child(KEYS), `must not be empty if ${LIST_TYPE} is map`));
  if (items === undefined)
    return [...errors, fieldErrors.required(path.child('items'), `must have a schema if ${LIST_TYPE} is map`)];
  if (items.type !== 'object') {
    const detail = `must be object if parent array's ${LIST_TYPE} is map`;
    return [...errors, fieldErrors.invalid(path.child('items', 'type'), items.type ?? '', detail)];
  }
  for (const [index, key] of keys.entries()) {
    const property = ownProperty(items, key);
    if (property === undefined)
      errors.push(fieldErrors.invalid(path.child(KEYS), keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const detail = `must be a scalar type if parent array's ${LIST_TYPE} is map`;
      const at = path.child('items', 'properties').key(key).child('type');
      errors.push(fieldErrors.invalid(at, items.type, detail));
    }
    if (keys.indexOf(key) < index)
      errors.push(fieldErrors.invalid(path.child(KEYS), keys, 'must not contain duplicate entries'));
  }
  return errors;
}

/** No item, and no key of an item, may be null or absent. */
function itemErrors({ items }: CustomSchema, listType: string, keys: readonly string[], path: FieldPath): FieldError[] {
  if (items === undefined || Array.isArray(items)) return [];
  const errors: FieldError[] = [];
  if (items.nullable === true) {
    const detail = `cannot be nullable when ${LIST_TYPE} is ${listType}`;
    errors.push(fieldErrors.forbidden(path.child('items', 'nullable'), detail));
  }
  if (listType === 'set') return errors;
  for (const key of keys) {
    const property = ownProperty(items, key);
    if (property === undefined) continue;
    const at = path.child('items', 'properties').key(key);
    if (property.default === undefined && items.required?.includes(key) !== true) {
      const detail = `this property is in ${KEYS}, so it must have a default or be a required property`;
      errors.push(fieldErrors.required(at.child('default'), detail));
    }
    if (property.nullable === true)
      errors.push(fieldErrors.forbidden(at.child('nullable'), `this property is in ${KEYS}, so it cannot be nullable`));
  }
  return errors;
}
