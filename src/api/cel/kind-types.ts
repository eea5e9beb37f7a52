/**
 * The types of built-in kinds, from the schema tables: for warnings about the types in policies. Fields are unfolded when they are
 * asked for, since kinds may contain themselves.
 * @see k8s.io/apiserver/pkg/cel/openapi
 */
import type { Schema } from '../schema.ts';
import { escapeName } from './schema-types.ts';
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  dynType,
  intType,
  listOf,
  mapOf,
  type StructFieldType,
  stringType,
  timestampType,
} from './types.ts';

const scalars: Readonly<Record<string, CelType>> = {
  string: stringType,
  boolean: boolType,
  int32: intType,
  int64: intType,
  double: doubleType,
  bytes: bytesType,
  time: timestampType,
  microtime: timestampType,
};

/** Quantities, numbers that may be texts, and free JSON are of any type. */
export function typeOfKind(schema: Schema | undefined): CelType {
  if (schema === undefined) return dynType;
  switch (schema.kind) {
    case 'array':
      return listOf(typeOfKind(schema.element));
    case 'map':
      return mapOf(stringType, typeOfKind(schema.element));
    case 'object':
      return { kind: 'struct', name: 'object', fields: new KindFields(schema) };
    default:
      return scalars[schema.kind] ?? dynType;
  }
}

class KindFields extends Map<string, StructFieldType> {
  readonly #schema: Schema;
  #members: Map<string, string> | undefined;

  constructor(schema: Schema) {
    super();
    this.#schema = schema;
  }

  override get(name: string): StructFieldType | undefined {
    const known = super.get(name);
    if (known !== undefined) return known;
    const fields = this.#schema.object?.fields;
    this.#members ??= new Map([...(fields?.keys() ?? [])].map((member) => [escapeName(member) ?? '', member]));
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const made = { type: typeOfKind(fields?.get(member)?.schema), member };
    this.set(name, made);
    return made;
  }
}
