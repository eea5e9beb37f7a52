/**
 * Which old value a part of a custom object replaces, and whether it is as it was: errors in such parts are let through. Only what the
 * schema names can be told to be as it was, and only items of map lists are found again, wherever they stand now.
 * @see apiserver/pkg/cel/common/equality.go CorrelatedObject, KEP-4008
 */
import { sameJson } from '../typed-value.ts';
import { type CustomSchema, isJsonObject, memberSchema } from './structural.ts';

/** Finds the old item that one of a map list replaces; undefined for any other list. */
export function correlatedItems(schema: CustomSchema, previous: unknown): ((item: unknown) => unknown) | undefined {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys?.length || !Array.isArray(previous)) return undefined;
  const keyOf = (item: unknown): string | undefined =>
    isJsonObject(item) && keys.every((key) => Object.hasOwn(item, key))
      ? JSON.stringify(keys.map((key) => item[key]))
      : undefined;
  const known = new Map<string, unknown>();
  for (const item of previous as readonly unknown[]) {
    const key = keyOf(item);
    // Of several with one key the first counts.
    if (key !== undefined && !known.has(key)) known.set(key, item);
  }
  return (item) => {
    const key = keyOf(item);
    return key === undefined ? undefined : known.get(key);
  };
}

/** Whether `value` is what `previous` was, as far as `schema` can tell; false when there is no old value. */
export function isUnchanged(value: unknown, previous: unknown, schema: CustomSchema): boolean {
  if (previous === undefined) return false;
  if (Array.isArray(value)) return Array.isArray(previous) && isUnchangedList(value, previous, schema);
  if (!isJsonObject(value)) return sameJson(value, previous);
  if (!isJsonObject(previous)) return false;
  const names = Object.keys(value);
  if (names.length !== Object.keys(previous).length) return false;
  return names.every((name) => {
    if (!Object.hasOwn(previous, name)) return false;
    const member = memberSchema(schema, name);
    return typeof member === 'object' && isUnchanged(value[name], previous[name], member);
  });
}

function isUnchangedList(value: readonly unknown[], previous: readonly unknown[], schema: CustomSchema): boolean {
  if (value.length !== previous.length) return false;
  const before = correlatedItems(schema, previous);
  const { items } = schema;
  if (before === undefined || items === undefined) return sameJson(value, previous);
  return value.every((item) => isUnchanged(item, before(item), items));
}
