/**
 * The schema of a custom kind as the OpenAPI documents show it: as its definition has it, with the members that every object has,
 * also embedded ones. The second version has no word for some of it and kubectl misreads more, so that one says less.
 * The documents themselves refer its metadata to everybody's.
 * @see apiextensions-apiserver/pkg/controller/openapi/builder/builder.go, openapi/v2/conversion.go
 */
import { type Dialect, descriptionOf, type OpenApiNode, referenceTo } from '../openapi-schema.ts';
import type { CustomSchema } from './structural.ts';

/** Any kind, with the usual description of the members. */
const TYPED = 'io.k8s.api.core.v1.ConfigMap';
const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** What the description of `metadata` is, of a custom object and of an embedded one. */
const describedMetadata = (dialect: Dialect): OpenApiNode => ({
  description: `Standard object's metadata. More info: ${CONVENTIONS}#metadata`,
  ...referenceTo(OBJECT_META, dialect),
});

/** The node of a whole object, without its group, version and kind. */
export function openApiOf(schema: CustomSchema, dialect: Dialect): OpenApiNode {
  // With any members, kubectl would refuse all others.
  if (dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields'] === true) return { type: 'object' };
  const node = nodeOf(schema, dialect);
  const text = (name: string) => ({ description: descriptionOf(TYPED, name), type: 'string' });
  const properties = node['properties'] as Record<string, OpenApiNode> | undefined;
  return {
    ...node,
    properties: {
      ...properties,
      apiVersion: text('apiVersion'),
      kind: text('kind'),
      metadata: describedMetadata(dialect),
    },
  };
}

function nodeOf(schema: CustomSchema, dialect: Dialect): OpenApiNode {
  const { items, properties, additionalProperties, ...rest } = dialect === 'v2' ? withoutV3(schema) : schema;
  const node: OpenApiNode = { ...rest };
  if (items !== undefined) node['items'] = nodeOf(items, dialect);
  if (properties !== undefined) {
    node['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [name, nodeOf(member, dialect)]),
    );
  }
  if (additionalProperties !== undefined) {
    node['additionalProperties'] =
      typeof additionalProperties === 'object' ? nodeOf(additionalProperties, dialect) : additionalProperties;
  }
  return schema['x-kubernetes-embedded-resource'] === true ? embedded(node, dialect) : node;
}

/** The schema of one level without what the second version cannot say. */
function withoutV3(schema: CustomSchema): CustomSchema {
  const { allOf: _a, oneOf: _o, anyOf: _y, not: _n, nullable, ...left } = schema;
  const level: { -readonly [Key in keyof CustomSchema]: CustomSchema[Key] } = left;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (nullable === true || keepsUnknown) {
    delete level.items;
    delete level.properties;
  }
  if (
    nullable === true ||
    (level.type === 'array' && level.items === undefined) ||
    (keepsUnknown && level.type === 'object')
  )
    delete level.type;
  const { properties, additionalProperties } = level;
  const required =
    typeof additionalProperties === 'object' && additionalProperties.nullable === true
      ? []
      : level.required?.filter((name) => properties?.[name]?.nullable !== true);
  if (required?.length) level.required = required;
  else delete level.required;
  return level;
}

function embedded(node: OpenApiNode, dialect: Dialect): OpenApiNode {
  if (dialect === 'v2' && node['x-kubernetes-preserve-unknown-fields'] === true) return node;
  const required = (node['required'] ?? []) as string[];
  return {
    ...node,
    properties: {
      ...(node['properties'] as Record<string, OpenApiNode> | undefined),
      apiVersion: {
        description: `apiVersion defines the versioned schema of this representation of an object. More info: ${CONVENTIONS}#resources`,
        type: 'string',
      },
      kind: {
        description: `kind is a string value representing the type of this object. In CamelCase. More info: ${CONVENTIONS}#types-kinds`,
        type: 'string',
      },
      metadata: describedMetadata(dialect),
    },
    required: [...required, ...['kind', 'apiVersion'].filter((name) => !required.includes(name))],
  };
}
