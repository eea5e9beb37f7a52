/**
 * A schema as upstream's errors print it: all members of its internal type under their names in Go, in their order there.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/types_jsonschema.go
 */
import { type CustomSchema, isJsonObject, type JsonObject } from './structural.ts';

type Form = 'plain' | 'schema' | 'schemas' | 'named' | 'orArray' | 'orBool' | 'docs' | 'rules';

/** Name in Go, name in JSON, what it is when it is not there, and its form. */
const members: readonly (readonly [go: string, json: string, zero: unknown, form?: Form])[] = [
  ['ID', 'id', ''],
  ['Schema', '$schema', ''],
  ['Ref', '$ref', null],
  ['Description', 'description', ''],
  ['Type', 'type', ''],
  ['Nullable', 'nullable', false],
  ['Format', 'format', ''],
  ['Title', 'title', ''],
  ['Default', 'default', null],
  ['Maximum', 'maximum', null],
  ['ExclusiveMaximum', 'exclusiveMaximum', false],
  ['Minimum', 'minimum', null],
  ['ExclusiveMinimum', 'exclusiveMinimum', false],
  ['MaxLength', 'maxLength', null],
  ['MinLength', 'minLength', null],
  ['Pattern', 'pattern', ''],
  ['MaxItems', 'maxItems', null],
  ['MinItems', 'minItems', null],
  ['UniqueItems', 'uniqueItems', false],
  ['MultipleOf', 'multipleOf', null],
  ['Enum', 'enum', null],
  ['MaxProperties', 'maxProperties', null],
  ['MinProperties', 'minProperties', null],
  ['Required', 'required', null],
  ['Items', 'items', null, 'orArray'],
  ['AllOf', 'allOf', null, 'schemas'],
  ['OneOf', 'oneOf', null, 'schemas'],
  ['AnyOf', 'anyOf', null, 'schemas'],
  ['Not', 'not', null, 'schema'],
  ['Properties', 'properties', null, 'named'],
  ['AdditionalProperties', 'additionalProperties', null, 'orBool'],
  ['PatternProperties', 'patternProperties', null, 'named'],
  ['Dependencies', 'dependencies', null],
  ['AdditionalItems', 'additionalItems', null, 'orBool'],
  ['Definitions', 'definitions', null, 'named'],
  ['ExternalDocs', 'externalDocs', null, 'docs'],
  ['Example', 'example', null],
  ['XPreserveUnknownFields', 'x-kubernetes-preserve-unknown-fields', null],
  ['XEmbeddedResource', 'x-kubernetes-embedded-resource', false],
  ['XIntOrString', 'x-kubernetes-int-or-string', false],
  ['XListMapKeys', 'x-kubernetes-list-map-keys', null],
  ['XListType', 'x-kubernetes-list-type', null],
  ['XMapType', 'x-kubernetes-map-type', null],
  ['XValidations', 'x-kubernetes-validations', null, 'rules'],
];

export function internalSchema(schema: CustomSchema): JsonObject {
  const given = schema as JsonObject;
  return Object.fromEntries(members.map(([go, json, zero, form]) => [go, shown(given[json] ?? zero, form)]));
}

/** The names in Go of members that the schema sets, in their order. */
export function setMembers(schema: CustomSchema): string[] {
  const given = schema as JsonObject;
  return members
    .filter(([, json, zero]) => given[json] !== undefined && given[json] !== null && given[json] !== zero)
    .map(([go]) => go);
}

function shown(value: unknown, form: Form | undefined): unknown {
  if (value === null || form === undefined) return value;
  const schemaOf = (one: unknown) => (isJsonObject(one) ? internalSchema(one as CustomSchema) : one);
  switch (form) {
    case 'schemas':
      return Array.isArray(value) ? value.map(schemaOf) : value;
    case 'named':
      return Object.fromEntries(
        Object.entries(value as JsonObject)
          .sort(([left], [right]) => (left < right ? -1 : 1))
          .map(([name, one]) => [name, schemaOf(one)]),
      );
    case 'orArray':
      return Array.isArray(value)
        ? { Schema: null, JSONSchemas: value.map(schemaOf) }
        : { Schema: schemaOf(value), JSONSchemas: null };
    case 'orBool':
      return { Allows: value !== false, Schema: isJsonObject(value) ? schemaOf(value) : null };
    case 'docs': {
      const { description = '', url = '' } = value as { description?: string; url?: string };
      return { Description: description, URL: url };
    }
    case 'rules':
      return Array.isArray(value) ? value.map(internalRule) : value;
    default:
      return schemaOf(value);
  }
}

/** A rule as upstream's errors print it. */
export function internalRule(rule: JsonObject): JsonObject {
  return {
    Rule: rule['rule'] ?? '',
    Message: rule['message'] ?? '',
    MessageExpression: rule['messageExpression'] ?? '',
    Reason: rule['reason'] ?? null,
    FieldPath: rule['fieldPath'] ?? '',
    OptionalOldSelf: rule['optionalOldSelf'] ?? null,
  };
}
