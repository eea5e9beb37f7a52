/**
 * Validation of the schemas in a CustomResourceDefinition: whether the whole is structural and its defaults are valid, what each level
 * may say at all, and once all that holds, whether its rules compile and may be afforded.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go, pkg/apiserver/schema/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { defaultErrors } from './default-rules.ts';
import { internalSchema, setMembers } from './internal-schema.ts';
import { listErrors, mapErrors } from './list-rules.ts';
import { ruleCheckErrors } from './rule-checks.ts';
import { ruleErrors } from './rule-rules.ts';
import { type CustomSchema, isJsonObject, type JsonObject, objectMembers } from './structural.ts';
import { structuralErrors } from './structural-rules.ts';

/** Everything that is wrong with the schema of a version. `hasStatus`: the version has the status subresource. */
export function schemaErrors(schema: CustomSchema, path: FieldPath, hasStatus = false): FieldError[] {
  const errors: FieldError[] = hasStatus ? rootErrors(schema, path) : [];
  if (schema.nullable === true)
    errors.push(fieldErrors.forbidden(path.child('nullable'), 'nullable cannot be true at the root'));
  const unreadable = unreadableIn(schema);
  const structural = unreadable === undefined ? structuralErrors(schema, path) : [];
  const defaults = unreadable === undefined && structural.length === 0 ? defaultErrors(schema, path) : [];
  const levels = new LevelCheck();
  levels.check(schema, path, { isRoot: true, inMeta: false, defaultsForbidden: undefined });
  errors.push(...structural, ...defaults, ...levels.errors);
  if (unreadable !== undefined) return errors.length === 0 ? [fieldErrors.invalid(path, '', unreadable)] : errors;
  if (structural.length > 0 || defaults.length > 0) return errors;
  return [...errors, ...ruleCheckErrors(schema, path, levels.broken)];
}

const allowedAtRoot =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';

/** The schema of the status is taken out of the whole: what stands beside the properties would be lost to it. */
function rootErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const allowed = allowedAtRoot.split(' ');
  for (const name of setMembers(schema)) {
    if (name === 'Type' && schema.type !== 'object') {
      const detail =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      return [fieldErrors.invalid(path.child('type'), schema.type, detail)];
    }
    if (allowed.includes(name)) continue;
    const detail = `only [${allowedAtRoot}] fields are allowed at the root of the schema if the status subresource is enabled`;
    return [fieldErrors.invalid(path, internalSchema(schema), detail)];
  }
  return [];
}

/** Members of JSON Schema that custom schemas do not have. */
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && !(isJsonObject(value) && Object.keys(value).length === 0);

/** What keeps a schema from being read as a structural one at all. @see apiserver/schema/convert.go */
function unreadableIn(schema: CustomSchema): string | undefined {
  const given = schema as JsonObject;
  for (const name of ['id', '$schema', ...unsupported.slice(1)])
    if (isSet(given[name])) return `OpenAPIV3Schema '${name === '$schema' ? 'schema' : name}' is not supported`;
  if (given['x-kubernetes-preserve-unknown-fields'] === false)
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  if (Array.isArray(given['items'])) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  for (const part of partsOf(schema)) {
    const found = unreadableIn(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

function partsOf({ not, allOf, anyOf, oneOf, additionalProperties, items, properties }: CustomSchema): CustomSchema[] {
  return [
    ...(not === undefined ? [] : [not]),
    ...(allOf ?? []),
    ...(anyOf ?? []),
    ...(oneOf ?? []),
    ...(typeof additionalProperties === 'object' ? [additionalProperties] : []),
    ...(items === undefined ? [] : [items]),
    ...Object.values(properties ?? {}),
  ];
}

interface Place {
  readonly isRoot: boolean;
  /** Below the type or the metadata of an object. */
  readonly inMeta: boolean;
  /** Why no default may be set. */
  readonly defaultsForbidden: string | undefined;
}

class LevelCheck {
  readonly errors: FieldError[] = [];
  /** Levels that have errors, or have such below them: their rules are not looked at. */
  readonly broken = new Set<CustomSchema>();

  check(schema: CustomSchema, path: FieldPath, place: Place): void {
    const before = this.errors.length;
    this.#form(schema, path, place);
    this.#members(schema, path, { ...place, isRoot: false }, place.isRoot);
    const { errors } = this;
    if (schema['x-kubernetes-preserve-unknown-fields'] === false)
      errors.push(
        fieldErrors.invalid(path.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'),
      );
    errors.push(...mapErrors(schema, path), ...listErrors(schema, path), ...ruleErrors(schema, path));
    if (errors.length > before) this.broken.add(schema);
  }

  #form(schema: CustomSchema, path: FieldPath, { inMeta, defaultsForbidden }: Place): void {
    const { errors } = this;
    if (schema.type && !types.includes(schema.type))
      errors.push(fieldErrors.notSupported(path.child('type'), schema.type, types));
    if (schema.default !== undefined && defaultsForbidden !== undefined)
      errors.push(fieldErrors.forbidden(path.child('default'), `must not be set ${defaultsForbidden}`));
    for (const name of unsupported) {
      if (isSet((schema as JsonObject)[name]))
        errors.push(fieldErrors.forbidden(path.child(name), `${name} is not supported`));
    }
    if (schema.type === 'null') {
      const detail = 'type cannot be set to null, use nullable as an alternative';
      errors.push(fieldErrors.forbidden(path.child('type'), detail));
    }
    if (Array.isArray(schema.items))
      errors.push(fieldErrors.forbidden(path.child('items'), 'items must be a schema object and not an array'));
    if (inMeta && schema['x-kubernetes-embedded-resource'] === true)
      errors.push(
        fieldErrors.forbidden(path.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'),
      );
    if (schema.uniqueItems === true) {
      const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
      errors.push(fieldErrors.forbidden(path.child('uniqueItems'), detail));
    }
  }

  #members(schema: CustomSchema, path: FieldPath, place: Place, isRoot: boolean): void {
    const { additionalProperties, properties, items } = schema;
    if (
      additionalProperties !== undefined &&
      additionalProperties !== true &&
      Object.keys(properties ?? {}).length > 0
    ) {
      const detail = 'additionalProperties and properties are mutual exclusive';
      this.errors.push(fieldErrors.forbidden(path.child('additionalProperties'), detail));
    }
    if (typeof additionalProperties === 'object') {
      const inside = 'inside additionalProperties applying to object metadata';
      const below = place.inMeta ? { ...place, defaultsForbidden: inside } : place;
      this.check(additionalProperties, path.child('additionalProperties'), below);
    }
    for (const name of Object.keys(properties ?? {}).sort()) {
      let below = place;
      if ((isRoot || schema['x-kubernetes-embedded-resource'] === true) && objectMembers.has(name))
        below = { ...place, inMeta: true, ...(isRoot ? { defaultsForbidden: `in top-level ${name}` } : {}) };
      this.check(properties?.[name] ?? {}, path.child('properties').key(name), below);
    }
    if (schema.not !== undefined) this.check(schema.not, path.child('not'), place);
    for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
      for (const [index, part] of (schema[name] ?? []).entries())
        this.check(part, path.child(name).index(index), place);
    }
    if (items !== undefined && !Array.isArray(items)) this.check(items, path.child('items'), place);
  }
}
