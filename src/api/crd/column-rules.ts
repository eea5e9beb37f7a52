/**
 * Validation of the paths that a CustomResourceDefinition names: printer columns, scale, selectable fields.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { parseJsonPath } from '../jsonpath.ts';
import type { PrinterColumn } from './columns.ts';
import { type CustomSchema, ownProperty } from './structural.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

export function columnErrors(columns: readonly PrinterColumn[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { name, type, format, jsonPath }] of (columns ?? []).entries()) {
    const at = path.index(index);
    const types = `must be one of ${columnTypes.join(',')}`;
    if (!name) errors.push(fieldErrors.required(at.child('name')));
    if (!type) errors.push(fieldErrors.required(at.child('type'), types));
    else if (!columnTypes.includes(type)) errors.push(fieldErrors.invalid(at.child('type'), type, types));
    if (format && !columnFormats.includes(format))
      errors.push(fieldErrors.invalid(at.child('format'), format, `must be one of ${columnFormats.join(',')}`));
    if (!jsonPath) errors.push(fieldErrors.required(at.child('JSONPath')));
    else errors.push(...pathErrors(jsonPath, at.child('JSONPath')));
  }
  return errors;
}

function pathErrors(text: string, path: FieldPath): FieldError[] {
  if (!text.startsWith('.')) return [fieldErrors.invalid(path, text, 'must be a simple json path starting with .')];
  try {
    parseJsonPath(text);
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [fieldErrors.invalid(path, text, `must be a simple json path: ${reason}`)];
  }
}

interface ScalePaths {
  readonly specReplicasPath?: string;
  readonly statusReplicasPath?: string;
  readonly labelSelectorPath?: string;
}

/** `path` is that of the subresources. */
export function scaleErrors(scale: ScalePaths | undefined, path: FieldPath): FieldError[] {
  if (scale === undefined) return [];
  const errors: FieldError[] = [];
  const check = (name: keyof ScalePaths, roots: readonly string[], where: string) => {
    const text = scale[name];
    const at = path.child('scale', name);
    if (!text) {
      if (name !== 'labelSelectorPath') errors.push(fieldErrors.required(at));
      return;
    }
    const wrong = pathErrors(text, at);
    if (wrong.length > 0) errors.push(...wrong);
    else if (!roots.some((root) => text.startsWith(`${root}.`)))
      errors.push(fieldErrors.invalid(at, text, `should be a json path under ${where}`));
  };
  check('specReplicasPath', ['.spec'], '.spec');
  check('statusReplicasPath', ['.status'], '.status');
  check('labelSelectorPath', ['.spec', '.status'], 'either .spec or .status');
  return errors;
}

const selectableTypes = ['string', 'boolean', 'integer'];

export function selectableFieldErrors(
  fields: readonly { readonly jsonPath: string }[] | undefined,
  schema: CustomSchema | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of (fields ?? []).entries()) {
    const at = path.index(index).child('jsonPath');
    if (!jsonPath) {
      errors.push(fieldErrors.required(at));
      continue;
    }
    if (seen.has(jsonPath)) errors.push(fieldErrors.duplicate(at, jsonPath));
    seen.add(jsonPath);
    const found = fieldAt(schema, jsonPath);
    if (found === undefined)
      errors.push(fieldErrors.invalid(at, jsonPath, 'is an invalid path: does not refer to a valid field'));
    else if (!selectableTypes.includes(found.type ?? '')) {
      const detail =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      errors.push(fieldErrors.invalid(at, jsonPath, detail));
    }
  }
  return errors;
}

/** The schema of the field that a path of names leads to. */
function fieldAt(schema: CustomSchema | undefined, path: string): CustomSchema | undefined {
  if (!path.startsWith('.') || path.startsWith('.metadata.')) return undefined;
  return path
    .slice(1)
    .split('.')
    .reduce<CustomSchema | undefined>((found, name) => ownProperty(found, name), schema);
}
