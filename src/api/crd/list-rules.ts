/**
 * Validation of the list and map types that a custom schema declares.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import type { CustomSchema } from './structural.ts';

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
    if (wrong.length > 0) errors.push(...wrong);
    else if (!['atomic', 'map', 'set'].includes(listType))
      errors.push(fieldErrors.notSupported(path.child(LIST_TYPE), listType, ['atomic', 'map', 'set']));
  }
  if (keys.length > 0 && listType !== 'map') {
    const detail = `must be map if ${KEYS} is non-empty`;
    const at = path.child(LIST_TYPE);
    errors.push(listType === undefined ? fieldErrors.required(at, detail) : fieldErrors.invalid(at, listType, detail));
  }
  if (listType === 'map') errors.push(...mapListErrors(schema, keys, path));
  return errors;
}

function mapListErrors({ items }: CustomSchema, keys: readonly string[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (keys.length === 0)
    errors.push(fieldErrors.required(path.child(KEYS), `must not be empty if ${LIST_TYPE} is map`));
  if (items === undefined)
    return [...errors, fieldErrors.required(path.child('items'), `must have a schema if ${LIST_TYPE} is map`)];
  if (items.type !== 'object') {
    const detail = `must be object if parent array's ${LIST_TYPE} is map`;
    errors.push(fieldErrors.invalid(path.child('items', 'type'), items.type ?? '', detail));
  }
  for (const key of keys) {
    const property = items.properties?.[key];
    const at = path.child('items', 'properties').key(key);
    if (property === undefined) {
      errors.push(fieldErrors.invalid(path.child(KEYS), keys, 'entries must all be names of item properties'));
      continue;
    }
    if (property.type === 'array' || property.type === 'object') {
      const detail = `must be a scalar type if parent array's ${LIST_TYPE} is map`;
      errors.push(fieldErrors.invalid(at.child('type'), property.type, detail));
    }
    if (property.default === undefined && items.required?.includes(key) !== true) {
      const detail = `this property is in ${KEYS}, so it must have a default or be a required property`;
      errors.push(fieldErrors.required(at.child('default'), detail));
    }
    if (property.nullable === true)
      errors.push(fieldErrors.forbidden(at.child('nullable'), `this property is in ${KEYS}, so it cannot be nullable`));
  }
  if (items.nullable === true)
    errors.push(fieldErrors.forbidden(path.child('items', 'nullable'), `cannot be nullable when ${LIST_TYPE} is map`));
  return errors;
}
