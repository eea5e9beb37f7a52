/**
 * Validation of custom objects: embedded objects, the schema of their version, and lists that are sets or maps.
 * On update, errors in what did not change are let through, so that a tightened schema does not lock old objects.
 * @see apiextensions-apiserver/pkg/registry/customresource/validator.go, KEP-4008
 */
import { type FieldError, fieldErrors } from '../field-errors.ts';
import type { ApiObject, CustomForm } from '../kinds/types.ts';
import { validateRules } from './object-rules.ts';
import { scaleValueErrors } from './scale-values.ts';
import type { CustomSchema } from './structural.ts';
import { structureErrors } from './structure-errors.ts';
import { validateValue } from './value-validation.ts';

export interface CustomKindRules {
  readonly schema: CustomSchema;
  readonly kind: string;
  readonly scale?: NonNullable<CustomForm['scale']> | undefined;
}

/** Everything that is wrong with `object`; `previous` is what it replaces, of which only the status is new where `isStatus`. */
export function validateCustomObject(
  object: ApiObject,
  previous: ApiObject | undefined,
  rules: CustomKindRules,
  isStatus = false,
): FieldError[] {
  const { schema, kind, scale } = rules;
  const errors: FieldError[] = [];
  if (object.kind !== kind) errors.push(fieldErrors.invalid('kind', object.kind, `must be ${kind}`));
  const found: FieldError[] = [];
  validateValue(object, schema, '', previous, found);
  errors.push(...found);
  if (scale !== undefined) errors.push(...scaleValueErrors(object, scale, isStatus));
  const structure = structureErrors(object, schema);
  if (!isStatus) errors.push(...structure.embedded);
  // Lists that had an item twice before may have it still.
  if (previous === undefined || structure.lists.length === 0 || structureErrors(previous, schema).lists.length === 0)
    errors.push(...structure.lists);
  const findings = validateRules(object, previous, schema, errors);
  ruleWarnings.set(object, findings.warnings);
  errors.push(...findings.errors);
  return errors;
}

/** What rules said of parts that had not changed, of the objects that were validated last. */
const ruleWarnings = new WeakMap<ApiObject, readonly string[]>();

/** Warnings of an object that has been validated. */
export function customObjectWarnings(object: ApiObject): string[] {
  return [...(ruleWarnings.get(object) ?? [])];
}
