/**
 * Checks a value against the schema of a custom kind, with the texts of upstream's validator and in its order: a level's type and
 * bounds, then its members by name, then members that are missing. What equals its previous value is not checked again.
 * @see k8s.io/kube-openapi/pkg/validation/validate, apiextensions-apiserver/pkg/apiserver/validation/ratcheting.go
 */
import { type FieldError, fieldErrors } from '../field-errors.ts';
import { goJson } from '../go-text.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { formatHolds } from './formats.ts';
import { itemsOf, pathText } from './paths.ts';
import { type CustomSchema, isJsonObject, type JsonObject } from './structural.ts';

/** Adds what is wrong with `value` to `errors`. `previous` is its correlated old value, undefined when there is none. */
export function validateValue(
  value: unknown,
  schema: CustomSchema,
  path: string,
  previous: unknown,
  errors: FieldError[],
): void {
  if (previous !== undefined && semanticEqual(value, previous)) return;
  checkType(value, schema, path, errors);
  if (value === null) return;
  if (typeof value === 'string') checkString(value, schema, path, errors);
  if (typeof value === 'number') checkNumber(value, schema, path, errors);
  if (Array.isArray(value)) checkArray(value, schema, path, previous, errors);
  checkEnum(value, schema, path, errors);
  checkCombinations(value, schema, path, errors);
  if (isJsonObject(value)) checkObject(value, schema, path, previous, errors);
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
  if (fits) {
    if (typeof value !== 'string' || format === undefined || formatHolds(format, value)) return;
    errors.push(fieldErrors.typeInvalid(path, value, `${path} in body must be of type ${format}: ${goJson(value)}`));
  } else if (value === null || !format || typeof value === 'string') refuse(wanted, found);
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

const patterns = new Map<string, RegExp | undefined>();
const PATTERNS_MAX = 1000;

/** Go's syntax is close to JavaScript's; a pattern that cannot be read lets everything through. */
function patternOf(text: string): RegExp | undefined {
  if (patterns.has(text)) return patterns.get(text);
  let pattern: RegExp | undefined;
  for (const flags of ['u', '']) {
    try {
      pattern = new RegExp(
        text
          .replace(/\\z/g, '$')
          .replace(/\\A/g, '^')
          .replace(/\(\?P</g, '(?<'),
        flags,
      );
      break;
    } catch {
      pattern = undefined;
    }
  }
  if (patterns.size >= PATTERNS_MAX) patterns.clear();
  patterns.set(text, pattern);
  return pattern;
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
  if (pattern !== undefined && patternOf(pattern)?.test(value) === false) {
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
): void {
  const { items, minItems, maxItems, uniqueItems } = schema;
  if (items !== undefined) {
    const before = correlated(schema, previous);
    for (const [at, item] of list.entries()) validateValue(item, items, `${path}[${at}]`, before(item), errors);
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
}

/** Items of maps are found again by their keys; those of other lists are not. */
function correlated(schema: CustomSchema, previous: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys === undefined || !Array.isArray(previous))
    return () => undefined;
  const keyOf = (item: unknown) => (isJsonObject(item) ? JSON.stringify(keys.map((key) => item[key] ?? null)) : '');
  const known = new Map(previous.map((item) => [keyOf(item), item]));
  return (item) => known.get(keyOf(item));
}

function checkEnum(value: unknown, schema: CustomSchema, path: string, errors: FieldError[]): void {
  if (schema.enum === undefined || schema.enum.some((allowed) => semanticEqual(allowed, value))) return;
  const supported = schema.enum.map((allowed) => (typeof allowed === 'string' ? allowed : JSON.stringify(allowed)));
  errors.push(fieldErrors.notSupported(path, value, supported));
}

const count = (value: unknown, schemas: readonly CustomSchema[], path: string): number =>
  schemas.filter((schema) => {
    const found: FieldError[] = [];
    validateValue(value, schema, path, undefined, found);
    return found.length === 0;
  }).length;

/** Upstream's errors of these name no field. */
function checkCombinations(value: unknown, schema: CustomSchema, path: string, errors: FieldError[]): void {
  const refuse = (rule: string) => errors.push(fieldErrors.invalid('<nil>', '', `${goJson(path)} must ${rule}`));
  const { allOf, anyOf, oneOf, not } = schema;
  if (anyOf !== undefined && anyOf.length > 0 && count(value, anyOf, path) === 0) {
    refuse('validate at least one schema (anyOf)');
  }
  if (oneOf !== undefined && oneOf.length > 0) {
    const holding = count(value, oneOf, path);
    if (holding === 0) refuse('validate one and only one schema (oneOf). Found none valid');
    else if (holding > 1) refuse(`validate one and only one schema (oneOf). Found ${holding} valid alternatives`);
  }
  if (allOf !== undefined) {
    const found: FieldError[] = [];
    for (const part of allOf) validateValue(value, part, path, undefined, found);
    errors.push(...found);
    if (found.length > 0) refuse('validate all the schemas (allOf)');
  }
  if (not !== undefined && count(value, [not], path) > 0) refuse('not validate the schema (not)');
}

function checkObject(
  object: JsonObject,
  schema: CustomSchema,
  path: string,
  previous: unknown,
  errors: FieldError[],
): void {
  const { minProperties, maxProperties } = schema;
  if (minProperties !== undefined || maxProperties !== undefined) {
    const size = Object.keys(object).length;
    if (minProperties !== undefined && size < minProperties) {
      errors.push(fieldErrors.invalid(path, size, `${path} in body should have at least ${minProperties} properties`));
      return;
    }
    if (maxProperties !== undefined && size > maxProperties) {
      errors.push(fieldErrors.tooMany(path, size, maxProperties));
      return;
    }
  }
  const before = isJsonObject(previous) ? previous : {};
  for (const [name, member] of itemsOf(object, schema, path)) {
    validateValue(object[name], member, pathText(path, name), before[name], errors);
  }
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(object, name) || object[name] === undefined) {
      errors.push(fieldErrors.required(pathText(path, name), ''));
    }
  }
}
