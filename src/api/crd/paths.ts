/** Paths into custom objects, as their errors print them, and the members that a schema says something about. */
import { type CustomSchema, type JsonObject, memberSchema, ownProperty } from './structural.ts';

export function pathText(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Members of `object` that the schema knows, in the order of their names: name, schema, path. Additional ones print as keys of a map. */
export function itemsOf(
  object: JsonObject,
  schema: CustomSchema,
  path: string,
): [name: string, schema: CustomSchema, path: string][] {
  const items: [string, CustomSchema, string][] = [];
  for (const name of Object.keys(object).sort()) {
    const member = memberSchema(schema, name);
    if (member === undefined || member === 'unknown') continue;
    const named = ownProperty(schema, name) !== undefined;
    items.push([name, member, named || path === '' ? pathText(path, name) : `${path}[${name}]`]);
  }
  return items;
}
