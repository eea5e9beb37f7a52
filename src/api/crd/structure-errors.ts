/**
 * What types alone do not say of custom objects: objects inside them name their kind and have metadata in order, and sets and maps have
 * no item twice.
 * @see apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go, schema/listtype/validation.go
 */
import { type FieldError, fieldErrors } from '../field-errors.ts';
import type { ObjectMeta } from '../generated/types.ts';
import { validateDns1035Label, validatePathSegmentName } from '../names.ts';
import { validateMetadata } from '../validation/metadata.ts';
import { itemsOf, pathText } from './paths.ts';
import { type CustomSchema, isJsonObject, type JsonObject } from './structural.ts';

export interface StructureErrors {
  readonly embedded: FieldError[];
  readonly lists: FieldError[];
}

export function structureErrors(object: JsonObject, schema: CustomSchema): StructureErrors {
  const errors: StructureErrors = { embedded: [], lists: [] };
  check(object, schema, '', errors);
  return errors;
}

function check(value: unknown, schema: CustomSchema | undefined, path: string, errors: StructureErrors): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    checkList(value, schema, path, errors.lists);
    for (const [at, item] of value.entries()) check(item, schema.items, `${path}[${at}]`, errors);
    return;
  }
  if (!isJsonObject(value)) return;
  if (schema['x-kubernetes-embedded-resource'] === true && path !== '') checkEmbedded(value, path, errors.embedded);
  for (const [name, member, memberPath] of itemsOf(value, schema, path)) check(value[name], member, memberPath, errors);
}

function checkEmbedded(value: JsonObject, path: string, errors: FieldError[]): void {
  const { apiVersion, kind, metadata } = value;
  checkText(apiVersion, pathText(path, 'apiVersion'), errors, (text) =>
    text.split('/').length > 2 ? `unexpected GroupVersion string: ${text}` : undefined,
  );
  checkText(kind, pathText(path, 'kind'), errors, (text) => {
    const messages = validateDns1035Label(text.toLowerCase());
    return messages.length === 0 ? undefined : `may have mixed case, but should otherwise match: ${messages.join(',')}`;
  });
  if (isJsonObject(metadata)) errors.push(...metadataErrors(metadata as ObjectMeta, path));
}

function checkText(
  value: unknown,
  path: string,
  errors: FieldError[],
  problemOf: (text: string) => string | undefined,
): void {
  if (value === undefined || value === '') errors.push(fieldErrors.required(path, ''));
  else if (typeof value !== 'string') errors.push(fieldErrors.invalid(path, value, 'must be a string'));
  else {
    const problem = problemOf(value);
    if (problem !== undefined) errors.push(fieldErrors.invalid(path, value, problem));
  }
}

/** Decoding has seen to the types of metadata. */
function metadataErrors(metadata: ObjectMeta, path: string): FieldError[] {
  const { name, generateName, namespace } = metadata;
  const errors: FieldError[] = [];
  for (const [field, text] of [
    ['generateName', generateName],
    ['name', name],
  ] as const) {
    if (!text) continue;
    for (const message of validatePathSegmentName(text)) {
      // A prefix is not whole: dots may get company.
      if (field === 'generateName' && message.startsWith("may not be '")) continue;
      errors.push(fieldErrors.invalid(`${path}.metadata.${field}`, text, message));
    }
  }
  for (const error of validateMetadata(metadata, Boolean(namespace)))
    errors.push({ ...error, field: pathText(path, error.field) });
  return errors;
}

function checkList(list: readonly unknown[], schema: CustomSchema, path: string, errors: FieldError[]): void {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return;
  if (type === 'map') {
    const odd = list.findIndex((item) => item !== null && !isJsonObject(item));
    if (odd >= 0) {
      errors.push(fieldErrors.invalid(`${path}[${odd}]`, list[odd], 'must be an object for an array of list-type map'));
      return;
    }
  }
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Map<string, number>();
  for (const [at, item] of list.entries()) {
    const shown = type === 'set' ? item : keyOf(item, keys);
    const text = JSON.stringify(shown, inOrder);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    // However often an item comes again, once is told.
    if (times === 1) errors.push(fieldErrors.duplicate(`${path}[${at}]`, shown));
  }
}

/** The order of members makes no difference. */
const inOrder = (_: string, value: unknown): unknown =>
  isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;

function keyOf(item: unknown, keys: readonly string[]): JsonObject {
  const key: JsonObject = {};
  if (!isJsonObject(item)) return key;
  for (const name of keys) if (Object.hasOwn(item, name)) key[name] = item[name];
  return key;
}
