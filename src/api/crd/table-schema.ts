/**
 * The schema of a custom kind in the form that patches, server-side apply and field ownership read for every kind.
 * Unfolded member by member when first asked for.
 * @see apiextensions-apiserver/pkg/apiserver/customresource_handler.go (its OpenAPI models for server-side apply)
 */
import type { FieldSchema, ObjectSchema, Schema, SchemaKind } from '../schema.ts';
import { objectMetaSchema } from './pruning.ts';
import type { CustomSchema } from './structural.ts';

const anything: Schema = { kind: 'any', typeName: 'interface {}' };
const text: Schema = { kind: 'string', typeName: 'string' };

const scalars: Readonly<Record<string, SchemaKind>> = {
  string: 'string',
  boolean: 'boolean',
  integer: 'int64',
  number: 'double',
};

/** The schema of whole objects of a kind. */
export function tableSchema(schema: CustomSchema, kind: string): Schema {
  return objectOf(schema, kind, true);
}

function convert(schema: CustomSchema | undefined, name: string): Schema {
  if (schema === undefined) return anything;
  const nullable = schema.nullable === true ? { nullable: true } : {};
  if (schema['x-kubernetes-int-or-string'] === true)
    return { kind: 'any', typeName: 'intstr.IntOrString', ...nullable };
  const scalar = scalars[schema.type ?? ''];
  if (scalar !== undefined) return { kind: scalar, typeName: scalar, ...nullable };
  if (schema.type === 'array') return { ...listOf(schema, name), ...nullable };
  if (schema.type !== 'object') return { ...anything, ...nullable };
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const atomic = schema['x-kubernetes-map-type'] === 'atomic';
  if (schema.properties !== undefined || embedded) return Object.assign(objectOf(schema, name, embedded), nullable);
  const additional = schema.additionalProperties;
  if (additional !== undefined && additional !== false) {
    const element = convert(additional === true ? undefined : additional, name);
    return { kind: 'map', element, atomic, typeName: name, ...nullable };
  }
  if (preserves) return { ...anything, ...(atomic ? { atomic } : {}), ...nullable };
  return Object.assign(objectOf(schema, name, false), nullable);
}

function listOf(schema: CustomSchema, name: string): Schema {
  const listType = schema['x-kubernetes-list-type'] as Schema['listType'];
  return {
    kind: 'array',
    element: convert(schema.items, name),
    listType: listType ?? 'atomic',
    listMapKeys: schema['x-kubernetes-list-map-keys'],
    typeName: `[]${name}`,
  };
}

function objectOf(schema: CustomSchema, name: string, embedded: boolean): Schema {
  let fields: Map<string, FieldSchema> | undefined;
  const object: ObjectSchema = {
    name,
    shortName: name,
    atomic: schema['x-kubernetes-map-type'] === 'atomic',
    preserveUnknown: schema['x-kubernetes-preserve-unknown-fields'] === true,
    written: [],
    get fields() {
      fields ??= fieldsOf(schema, embedded);
      return fields;
    },
  };
  return { kind: 'object', object, atomic: object.atomic, typeName: name };
}

function fieldsOf(schema: CustomSchema, embedded: boolean): Map<string, FieldSchema> {
  const fields = new Map<string, FieldSchema>();
  const add = (name: string, member: Schema, value?: unknown): void => {
    const required = schema.required?.includes(name) === true;
    const position = fields.size;
    fields.set(name, {
      name,
      position,
      schema: member,
      required,
      presence: 'keep',
      patchStrategies: [],
      default: value,
    });
  };
  if (embedded) {
    add('apiVersion', text);
    add('kind', text);
    add('metadata', objectMetaSchema());
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!fields.has(name)) add(name, convert(property, name), property.default);
  }
  return fields;
}
