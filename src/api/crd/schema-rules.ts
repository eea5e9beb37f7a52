/**
 * Validation of the schemas in a CustomResourceDefinition: first what each level may say at all, and once that holds, whether the
 * whole is structural and its defaults are valid.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go, pkg/apiserver/schema/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { listErrors, mapErrors } from './list-rules.ts';
import { defaultRuleErrors } from './object-rules.ts';
import { patternProblem } from './pattern-rules.ts';
import { ruleCheckErrors } from './rule-checks.ts';
import { ruleErrors } from './rule-rules.ts';
import type { CustomSchema } from './structural.ts';
import { structuralErrors } from './structural-rules.ts';

/** Everything that is wrong with the schema of a version. */
export function schemaErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.nullable === true)
    errors.push(fieldErrors.forbidden(path.child('nullable'), 'nullable cannot be true at the root'));
  checkLevel(schema, path, errors);
  if (errors.length === 0) errors.push(...structuralErrors(schema, path));
  if (errors.length === 0) errors.push(...ruleCheckErrors(schema, path));
  if (errors.length === 0) errors.push(...defaultRuleErrors(schema, path));
  return errors;
}

/** Members of JSON Schema that custom schemas do not have. */
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

function checkLevel(schema: CustomSchema, path: FieldPath, errors: FieldError[]): void {
  for (const name of unsupported) {
    const value = (schema as Record<string, unknown>)[name];
    if (value !== undefined && value !== null)
      errors.push(fieldErrors.forbidden(path.child(name), `${name} is not supported`));
  }
  if (schema.type === 'null') {
    const detail = 'type cannot be set to null, use nullable as an alternative';
    errors.push(fieldErrors.forbidden(path.child('type'), detail));
  }
  if (Array.isArray(schema.items))
    errors.push(fieldErrors.forbidden(path.child('items'), 'items must be a schema object and not an array'));
  if (schema.uniqueItems === true) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(fieldErrors.forbidden(path.child('uniqueItems'), detail));
  }
  checkMembers(schema, path, errors);
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    const at = path.child('x-kubernetes-preserve-unknown-fields');
    errors.push(fieldErrors.invalid(at, false, 'must be true or undefined'));
  }
  errors.push(...mapErrors(schema, path), ...listErrors(schema, path));
  if (schema.type && schema.type !== 'null' && !types.includes(schema.type))
    errors.push(fieldErrors.notSupported(path.child('type'), schema.type, types));
  const problem = schema.pattern === undefined ? undefined : patternProblem(schema.pattern);
  if (problem !== undefined) {
    const detail = `must be a valid regular expression, but isn't: error parsing regexp: ${problem}`;
    errors.push(fieldErrors.invalid(path.child('pattern'), schema.pattern, detail));
  }
  errors.push(...ruleErrors(schema, path));
}

function checkMembers(schema: CustomSchema, path: FieldPath, errors: FieldError[]): void {
  const { additionalProperties, properties, items } = schema;
  if (additionalProperties && Object.keys(properties ?? {}).length > 0) {
    const detail = 'additionalProperties and properties are mutual exclusive';
    errors.push(fieldErrors.forbidden(path.child('additionalProperties'), detail));
  }
  if (typeof additionalProperties === 'object')
    checkLevel(additionalProperties, path.child('additionalProperties'), errors);
  for (const name of Object.keys(properties ?? {}).sort())
    checkLevel(properties?.[name] ?? {}, path.child('properties').key(name), errors);
  if (schema.not !== undefined) checkLevel(schema.not, path.child('not'), errors);
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [index, part] of (schema[name] ?? []).entries()) checkLevel(part, path.child(name).index(index), errors);
  }
  if (items !== undefined && !Array.isArray(items)) checkLevel(items, path.child('items'), errors);
}
