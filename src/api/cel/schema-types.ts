/**
 * The types of values that a custom schema describes, with their sizes, for rules in `x-kubernetes-validations`. What has no type
 * (unknown fields that are kept) is not there for rules.
 * @see k8s.io/apiserver/pkg/cel/common/schemas.go, k8s.io/apiserver/pkg/cel/limits.go, escaping.go
 */
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  type StructFieldType,
  stringType,
  timestampType,
} from './types.ts';

/** The members of a custom schema that types come from. */
export interface TypedSchema {
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, TypedSchema>>;
  readonly additionalProperties?: TypedSchema | boolean;
  readonly items?: TypedSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

/** The largest request, in bytes: no list or text can be longer. */
export const REQUEST_BYTES_MAX = 3 * 1024 * 1024;

/** How often a value of at least so many bytes of JSON fits into a request. */
export const cardinalityMax = (bytesMin: number): number => Math.floor(REQUEST_BYTES_MAX / (bytesMin + 1));

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

const replaced: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** The name by which rules call a property: `a-b` is `a__dash__b`, `namespace` is `__namespace__`. Undefined when they cannot. */
export function escapeName(name: string): string | undefined {
  if (!/^[a-zA-Z_][a-zA-Z0-9_./-]*$/.test(name)) return undefined;
  if (reserved.has(name)) return `__${name}__`;
  return name.replace(/__|[./-]/g, (found) => replaced[found] ?? found);
}

/** The name of the root's type, which error texts show. */
const ROOT = 'selfType';

/** The type of a schema's values; `root`: of whole objects, which have a name and a kind whatever their schema says. */
export function typeOfSchema(schema: TypedSchema, root = false): CelType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return { ...dynType, elementsMax: REQUEST_BYTES_MAX - 2, bytesMin: 1 };
  }
  switch (schema.type) {
    case 'array': {
      const element = schema.items === undefined ? undefined : typeOfSchema(schema.items, isEmbedded(schema.items));
      if (element === undefined) return undefined;
      const elementsMax = schema.maxItems ?? Math.floor((REQUEST_BYTES_MAX - 2) / ((element.bytesMin ?? 1) + 1));
      return {
        kind: 'list',
        element,
        elementsMax: Math.max(0, elementsMax),
        bytesMin: 2,
        listType: schema['x-kubernetes-list-type'],
        listMapKeys: schema['x-kubernetes-list-map-keys'],
      };
    }
    case 'object':
      return objectType(schema, root);
    case 'string':
      return textType(schema);
    case 'boolean':
      return { ...boolType, bytesMin: 4 };
    case 'number':
      return { ...doubleType, bytesMin: 1 };
    case 'integer':
      return { ...intType, bytesMin: 1 };
    default:
      return undefined;
  }
}

export const isEmbedded = (schema: TypedSchema): boolean => schema['x-kubernetes-embedded-resource'] === true;

function textType({ format, maxLength, enum: values }: TypedSchema): CelType {
  switch (format) {
    case 'byte':
      return { ...bytesType, elementsMax: maxLength ?? REQUEST_BYTES_MAX - 2, bytesMin: 2 };
    case 'duration':
      return { ...durationType, elementsMax: 32, bytesMin: 3 };
    case 'date':
      return { ...timestampType, elementsMax: 12, bytesMin: 12 };
    case 'date-time':
      return { ...timestampType, elementsMax: 32, bytesMin: 22 };
  }
  const longest = Math.max(
    0,
    ...(values ?? []).map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)),
  );
  // A character takes up to four bytes.
  const elementsMax =
    maxLength !== undefined ? Math.max(0, maxLength) * 4 : values?.length ? longest : REQUEST_BYTES_MAX - 2;
  return { ...stringType, elementsMax, bytesMin: 2 };
}

const text: TypedSchema = { type: 'string' };
const objectMeta: TypedSchema = { type: 'object', properties: { name: text, generateName: text } };

function objectType(schema: TypedSchema, root: boolean): CelType | undefined {
  const { additionalProperties, properties, maxProperties } = schema;
  if (typeof additionalProperties === 'object') {
    const value = typeOfSchema(additionalProperties, isEmbedded(additionalProperties));
    if (value === undefined) return undefined;
    const elementsMax = maxProperties ?? Math.floor((REQUEST_BYTES_MAX - 2) / ((value.bytesMin ?? 1) + 6));
    const key: CelType = { ...stringType, elementsMax: REQUEST_BYTES_MAX - 2 };
    return { kind: 'map', key, value, elementsMax: Math.max(0, elementsMax), bytesMin: 2 };
  }
  const all = root
    ? { kind: text, apiVersion: text, metadata: objectMeta, ...withMetadata(properties) }
    : (properties ?? {});
  const required = new Set([...(schema.required ?? []), ...(root ? ['kind', 'apiVersion', 'metadata'] : [])]);
  const fields = new Map<string, StructFieldType>();
  let bytesMin = 2;
  for (const [member, property] of Object.entries(all)) {
    const type = typeOfSchema(property, isEmbedded(property));
    if (type === undefined) continue;
    const name = escapeName(member);
    if (name !== undefined) fields.set(name, { type, member });
    if (required.has(member) && property.default === undefined) bytesMin += member.length + (type.bytesMin ?? 0) + 4;
  }
  return { kind: 'struct', name: root ? ROOT : 'object', fields, bytesMin };
}

/** What a schema restricts of metadata does not add to what rules see of it. */
function withMetadata(properties: TypedSchema['properties']): Record<string, TypedSchema> {
  const { metadata: _, ...rest } = properties ?? {};
  return rest;
}
