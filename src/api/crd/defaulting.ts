/**
 * Fills in what the schema of a custom kind says about values that nobody gave. Runs on what clients send and on what is read from
 * the store, so that a default added later shows on old objects. Changes the object in place.
 * @see apiextensions-apiserver/pkg/apiserver/schema/defaulting/algorithm.go
 */
import { setMember } from '../conform.ts';
import { type CustomSchema, isJsonObject, type JsonObject, memberSchema, objectMembers } from './structural.ts';

/** Sets defaults, and drops nulls that the schema does not allow and that no default replaces. */
export function setCustomDefaults(object: JsonObject, schema: CustomSchema): void {
  if (!changesAnything(schema)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!objectMembers.has(name)) fill(object, name, property);
  }
}

const changing = new WeakMap<CustomSchema, boolean>();

/** Every schema without defaults still drops nulls; only one without members has nothing to do. */
function changesAnything(schema: CustomSchema): boolean {
  let found = changing.get(schema);
  if (found === undefined) {
    found = schema.properties !== undefined || schema.items !== undefined || isSchema(schema.additionalProperties);
    changing.set(schema, found);
  }
  return found;
}

const isSchema = (value: CustomSchema | boolean | undefined): value is CustomSchema => typeof value === 'object';

/** Brings one member into place and goes on below it. */
function fill(object: JsonObject, name: string, schema: CustomSchema): void {
  const given = Object.hasOwn(object, name) ? object[name] : undefined;
  const absent = given === undefined || (given === null && schema.nullable !== true);
  if (absent && schema.default !== undefined && schema.default !== null) {
    setMember(object, name, JSON.parse(JSON.stringify(schema.default)));
  } else if (given === null && absent) {
    delete object[name];
    return;
  }
  if (Object.hasOwn(object, name)) fillBelow(object[name], schema);
}

function fillBelow(value: unknown, schema: CustomSchema): void {
  if (!changesAnything(schema)) return;
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) fillBelow(item, schema.items);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) fill(value, name, property);
  if (!isSchema(schema.additionalProperties)) return;
  for (const name of Object.keys(value)) {
    if (schema.properties === undefined || !Object.hasOwn(schema.properties, name)) {
      const member = memberSchema(schema, name);
      if (member !== undefined && member !== 'unknown') fill(value, name, member);
    }
  }
}
