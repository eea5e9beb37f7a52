/**
 * Replicas and selector of a custom object with a scale: of the types that a Scale has, where they are there at all.
 * @see apiextensions-apiserver/pkg/registry/customresource/validator.go ValidateScaleSpec, ValidateScaleStatus
 */
import { type FieldError, fieldErrors } from '../field-errors.ts';
import { goTypeName, goValueText } from '../go-text.ts';
import type { CustomForm } from '../kinds/types.ts';
import { isJsonObject, type JsonObject } from './structural.ts';

type ScalePaths = NonNullable<CustomForm['scale']>;

const INT32_MAX = 2 ** 31 - 1;

/** What is wrong with the parts of a scale; an update of the status does not look at what is wanted. */
export function scaleValueErrors(object: JsonObject, paths: ScalePaths, isStatus: boolean): FieldError[] {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = paths;
  const errors: FieldError[] = [];
  if (!isStatus) checkReplicas(object, specReplicasPath, errors);
  checkReplicas(object, statusReplicasPath, errors);
  if (labelSelectorPath) {
    const { problem } = nested(object, labelSelectorPath, 'string');
    if (problem !== undefined) errors.push(fieldErrors.invalid(labelSelectorPath, '', problem));
  }
  return errors;
}

function checkReplicas(object: JsonObject, path: string, errors: FieldError[]): void {
  const { value, problem } = nested(object, path, 'int64');
  if (problem !== undefined) errors.push(fieldErrors.invalid(path, 0, problem));
  else if (typeof value !== 'number') return;
  else if (value < 0) errors.push(fieldErrors.invalid(path, value, 'should be a non-negative integer'));
  else if (value > INT32_MAX)
    errors.push(fieldErrors.invalid(path, value, `should be less than or equal to ${INT32_MAX}`));
}

/** The value at a path of names, or why there cannot be one: something on the way is of another type. */
function nested(object: JsonObject, path: string, wanted: string): { value?: unknown; problem?: string } {
  let value: unknown = object;
  const names = path.replace(/^\./, '').split('.');
  const refuse = (expected: string, until = names.length) => ({
    problem: `.${names.slice(0, until).join('.')} accessor error: ${goValueText(value)} is of the type ${goTypeName(value)}, expected ${expected}`,
  });
  for (const [at, name] of names.entries()) {
    // Null on the way is nothing at all.
    if (value === null) return {};
    if (!isJsonObject(value)) return refuse('map[string]interface{}', at + 1);
    if (!Object.hasOwn(value, name) || value[name] === undefined) return {};
    value = value[name];
  }
  return goTypeName(value) === wanted ? { value } : refuse(wanted);
}
