/**
 * Validation of the paths that a CustomResourceDefinition names: printer columns, scale, selectable fields.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import type { PrinterColumn } from './columns.ts';
import { fieldAt } from './field-paths.ts';
import type { CustomSchema } from './structural.ts';

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

/** Only its begin is looked at: what cannot be read leaves its column empty. */
function pathErrors(text: string, path: FieldPath): FieldError[] {
  return text.startsWith('.') ? [] : [fieldErrors.invalid(path, text, 'must be a simple json path starting with .')];
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
const selectableMax = 8;

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
    const found = fieldAt(schema ?? {}, jsonPath, false);
    if (typeof found === 'string') {
      errors.push(fieldErrors.invalid(at, jsonPath, `is an invalid path: ${found}`));
      continue;
    }
    if (found.steps[0] === 'metadata')
      errors.push(fieldErrors.invalid(at, jsonPath, 'must not point to fields in metadata'));
    if (!selectableTypes.includes(found.schema?.type ?? '')) {
      const detail =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      errors.push(fieldErrors.invalid(at, jsonPath, detail));
    }
    const form = found.steps.join('.');
    if (seen.has(form)) errors.push(fieldErrors.duplicate(at, jsonPath));
    seen.add(form);
  }
  if (seen.size > selectableMax) errors.push(fieldErrors.tooMany(path, seen.size, selectableMax));
  return errors;
}
