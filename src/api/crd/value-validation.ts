/**
 * Checks a value against the schema of a custom kind, with the texts of upstream's validator and in its order: a level's type and
 * bounds, then its members by name, then members that are missing. What is as it was is not checked again.
 * @see k8s.io/kube-openapi/pkg/validation/validate, apiextensions-apiserver/pkg/apiserver/validation/ratcheting.go
 */
import { patternOf } from '../cel/regex.ts';
import { CelError } from '../cel/values.ts';
import { type FieldError, fieldErrors, fieldErrorText } from '../field-errors.ts';
import { goJson } from '../go-text.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { correlatedItems, isUnchanged } from './correlation.ts';
import { formatHolds } from './formats.ts';
import { itemsOf, pathText } from './paths.ts';
import { type CustomSchema, isJsonObject, type JsonObject } from './structural.ts';

/**
 * Adds what is wrong with `value` to `errors`. `previous` is its correlated old value, undefined when there is none. The result is how
 * many checks there were: of several alternatives that all fail, the one with most is told of.
 */
export function validateValue(
  value: unknown,
  schema: CustomSchema,
  path: string,
  previous: unknown,
  errors: FieldError[],
): number {
  if (isUnchanged(value, previous, schema)) return 0;
  checkType(value, schema, path, errors);
  let checks = schema.type || schema.format ? 3 : 2;
  if (value === null) {
    // Null is none of the allowed values, not even where it is named as one.
    if (schema.enum?.length) errors.push(fieldErrors.notSupported(path, 'null', supportedOf(schema.enum)));
    return checks;
  }
  checks += 1 + checkCombinations(value, schema, path, errors);
  if (typeof value === 'string') {
    checkString(value, schema, path, errors);
    checkFormat(value, schema, path, errors);
  } else if (typeof value === 'number') checkNumber(value, schema, path, errors);
  else if (Array.isArray(value)) checks += checkArray(value, schema, path, previous, errors);
  checkEnum(value, schema, path, errors);
  if (isJsonObject(value)) checks += checkObject(value, schema, path, previous, errors);
  return checks;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** The format that upstream infers of a value where its schema asks for one. */
const inferredFormats: Readonly<Record<string, string>> = { integer: 'int64', number: 'float64' };

function checkType(value: unknown, schema: CustomSchema, path: string, errors: FieldError[]): void {
  const found = typeOf(value);
  if (value === null && schema.nullable === true) return;
  const wanted = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : (schema.type ?? '');
  const { format } = schema;
  const refuse = (expected: string, given: string) => {
    const detail = `${path} in body must be of type ${expected}: ${goJson(given)}`;
    errors.push(fieldErrors.typeInvalid(path, given, detail));
  };
  const fits = wanted === '' || wanted.split(',').includes(found) || (wanted === 'number' && found === 'integer');
  if (fits) return;
  if (value === null || !format || typeof value === 'string') refuse(wanted, found);
  // Upstream does not look at lists where the schema has a format, other than of a number.
  else if (Array.isArray(value)) {
    if (/\b(integer|number)\b/.test(wanted)) refuse(wanted, found);
  } else if (inferredFormats[found] !== format) refuse(format, inferredFormats[found] ?? '');
  else refuse(wanted, found);
}

/** Beyond what a format can hold. @see validate.IsValueValidAgainstRange */
function isOutOfRange(value: number, { type, format }: CustomSchema): boolean {
  if (type === 'integer') {
    if (!Number.isInteger(value)) return true;
    const [low, high] = integerRanges[format ?? ''] ?? int64Range;
    return value < low || value > high;
  }
  return (format === 'float' || format === 'float32') && !Number.isFinite(Math.fround(value));
}

const int64Range = [-(2 ** 63), 2 ** 63] as const;
const integerRanges: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 64],
};

/** In linear time: whoever writes a pattern must not hold up the server. One that Go does not read lets everything through. */
function breaksPattern(value: string, pattern: string): boolean {
  try {
    return !patternOf(pattern).test(value);
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function checkFormat(value: string, { format }: CustomSchema, path: string, errors: FieldError[]): void {
  if (!format || formatHolds(format, value)) return;
  errors.push(fieldErrors.typeInvalid(path, value, `${path} in body must be of type ${format}: ${goJson(value)}`));
}

function checkString(value: string, schema: CustomSchema, path: string, errors: FieldError[]): void {
  const { minLength, maxLength, pattern } = schema;
  const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) {
    errors.push(fieldErrors.tooLong(path, maxLength));
    return;
  }
  if (minLength !== undefined && length < minLength) {
    errors.push(fieldErrors.invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
    return;
  }
  if (pattern !== undefined && breaksPattern(value, pattern)) {
    errors.push(fieldErrors.invalid(path, value, `${path} in body should match '${pattern}'`));
  }
}

function checkNumber(value: number, schema: CustomSchema, path: string, errors: FieldError[]): void {
  const { minimum, maximum, multipleOf, exclusiveMaximum, exclusiveMinimum } = schema;
  if (isOutOfRange(value, schema)) {
    // Upstream's error of another library, which knows of no field.
    const form = schema.format ? `with format ${schema.format}` : '(default format)';
    errors.push(
      fieldErrors.invalid('<nil>', '', `Checked value must be of type ${schema.type ?? ''} ${form} in ${path}`),
    );
  }
  const refuse = (rule: string) => errors.push(fieldErrors.invalid(path, value, `${path} in body should be ${rule}`));
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) refuse(`a multiple of ${multipleOf}`);
  if (maximum !== undefined) {
    if (exclusiveMaximum === true) {
      if (value >= maximum) refuse(`less than ${maximum}`);
    } else if (value > maximum) refuse(`less than or equal to ${maximum}`);
  }
  if (minimum !== undefined) {
    if (exclusiveMinimum === true) {
      if (value <= minimum) refuse(`greater than ${minimum}`);
    } else if (value < minimum) refuse(`greater than or equal to ${minimum}`);
  }
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor;
  return Number.isInteger(quotient) || Math.abs(quotient - Math.round(quotient)) < 1e-9;
}

function checkArray(
  list: readonly unknown[],
  schema: CustomSchema,
  path: string,
  previous: unknown,
  errors: FieldError[],
): number {
  const { items, minItems, maxItems, uniqueItems } = schema;
  let checks = 1;
  if (items !== undefined) {
    const before = correlatedItems(schema, previous);
    for (const [at, item] of list.entries())
      checks += validateValue(item, items, `${path}[${at}]`, before?.(item), errors);
  }
  if (minItems !== undefined && list.length < minItems) {
    errors.push(fieldErrors.invalid(path, list.length, `${path} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && list.length > maxItems) {
    errors.push(fieldErrors.tooMany(path, list.length, maxItems));
  }
  if (uniqueItems === true && new Set(list.map((item) => JSON.stringify(item))).size < list.length) {
    errors.push(fieldErrors.duplicate(path, list));
  }
  return checks;
}

function checkEnum(value: unknown, schema: CustomSchema, path: string, errors: FieldError[]): void {
  if (schema.enum === undefined || schema.enum.some((allowed) => semanticEqual(allowed, value))) return;
  errors.push(fieldErrors.notSupported(path, value, supportedOf(schema.enum)));
}

const supportedOf = (values: readonly unknown[]): string[] =>
  values.map((allowed) => (typeof allowed === 'string' ? allowed : JSON.stringify(allowed)));

/** What alternatives have to say of a value: how many hold, and the errors of the first or the one with most checks that does not. */
function tried(value: unknown, schemas: readonly CustomSchema[], path: string, stopsAtFirst: boolean) {
  let holding = 0;
  let checks = 0;
  let most = -1;
  let best: FieldError[] = [];
  for (const schema of schemas) {
    const found: FieldError[] = [];
    const made = validateValue(value, schema, path, undefined, found);
    if (found.length === 0) {
      if (holding++ === 0) checks = made;
      best = [];
      if (stopsAtFirst) break;
    } else if (holding === 0 && made > most) {
      most = made;
      best = found;
    }
  }
  return { holding, best, checks: holding > 0 ? checks : most };
}

/** Errors of the same text are told once. */
function addNew(errors: FieldError[], found: readonly FieldError[], from: number): void {
  for (const error of found) {
    const text = fieldErrorText(error);
    if (!errors.slice(from).some((known) => fieldErrorText(known) === text)) errors.push(error);
  }
}

/** Upstream's own errors of these name no field; those of the alternatives follow. */
function checkCombinations(value: unknown, schema: CustomSchema, path: string, errors: FieldError[]): number {
  const { allOf, anyOf, oneOf, not } = schema;
  if (anyOf === undefined && oneOf === undefined && allOf === undefined && not === undefined) return 1;
  const from = errors.length;
  const refuse = (rule: string) => errors.push(fieldErrors.invalid('<nil>', '', `${goJson(path)} must ${rule}`));
  let checks = 1;
  if (anyOf !== undefined && anyOf.length > 0) {
    const { holding, best, checks: made } = tried(value, anyOf, path, true);
    checks += made;
    if (holding === 0) refuse('validate at least one schema (anyOf)');
    addNew(errors, best, from);
  }
  if (oneOf !== undefined && oneOf.length > 0) {
    const { holding, best, checks: made } = tried(value, oneOf, path, false);
    if (holding < 2) checks += made;
    if (holding === 0) refuse('validate one and only one schema (oneOf). Found none valid');
    else if (holding > 1) refuse(`validate one and only one schema (oneOf). Found ${holding} valid alternatives`);
    addNew(errors, best, from);
  }
  if (allOf !== undefined && allOf.length > 0) {
    let holding = 0;
    for (const part of allOf) {
      const found: FieldError[] = [];
      checks += validateValue(value, part, path, undefined, found);
      if (found.length === 0) holding++;
      addNew(errors, found, from);
    }
    if (holding < allOf.length) refuse(`validate all the schemas (allOf)${holding === 0 ? '. None validated' : ''}`);
  }
  if (not !== undefined && tried(value, [not], path, true).holding > 0) refuse('not validate the schema (not)');
  return checks;
}

function checkObject(
  object: JsonObject,
  schema: CustomSchema,
  path: string,
  previous: unknown,
  errors: FieldError[],
): number {
  const { minProperties, maxProperties } = schema;
  if (minProperties !== undefined || maxProperties !== undefined) {
    const size = Object.keys(object).length;
    if (minProperties !== undefined && size < minProperties) {
      errors.push(fieldErrors.invalid(path, size, `${path} in body should have at least ${minProperties} properties`));
      return 1;
    }
    if (maxProperties !== undefined && size > maxProperties) {
      errors.push(fieldErrors.tooMany(path, size, maxProperties));
      return 1;
    }
  }
  const before = isJsonObject(previous) ? previous : {};
  let checks = 1;
  for (const [name, member] of itemsOf(object, schema, path)) {
    checks += validateValue(object[name], member, pathText(path, name), before[name], errors);
  }
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(object, name) || object[name] === undefined) {
      errors.push(fieldErrors.required(pathText(path, name), ''));
    }
  }
  return checks;
}
