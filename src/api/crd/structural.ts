/**
 * The schema of a custom kind as its CustomResourceDefinition writes it, and the questions that pruning, defaulting and
 * validation ask of it. Schemas are read as they are: nothing is built ahead, so a thousand definitions cost nothing until used.
 * @see apiextensions-apiserver/pkg/apiserver/schema/structural.go
 */

/** JSON Schema as CustomResourceDefinitions have it. */
export interface CustomSchema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, CustomSchema>>;
  readonly additionalProperties?: CustomSchema | boolean;
  readonly items?: CustomSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly CustomSchema[];
  readonly anyOf?: readonly CustomSchema[];
  readonly oneOf?: readonly CustomSchema[];
  readonly not?: CustomSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly unknown[];
}

export type JsonObject = Record<string, unknown>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members that every embedded object has beside what its schema says. */
export const objectMembers: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** The schema of a member: a property's, or that of all additional ones. `unknown` when the schema has no such member. */
export function memberSchema(schema: CustomSchema | undefined, name: string): CustomSchema | undefined | 'unknown' {
  const property = ownProperty(schema, name);
  if (property !== undefined) return property;
  const additional = schema?.additionalProperties;
  if (additional === undefined || additional === false) return 'unknown';
  return additional === true ? undefined : additional;
}

/** Also right for members named like those of Object.prototype. */
export function ownProperty(schema: CustomSchema | undefined, name: string): CustomSchema | undefined {
  const properties = schema?.properties;
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}
