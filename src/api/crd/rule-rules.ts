/**
 * Validation of the form of `x-kubernetes-validations`: that rules and messages are there and well-formed.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { type CustomSchema, ownProperty } from './structural.ts';

interface Rule {
  readonly rule?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

export function ruleErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly Rule[];
  for (const [index, { rule = '', message = '', reason, fieldPath = '' }] of rules.entries()) {
    const at = path.child('x-kubernetes-validations').index(index);
    const trimmed = message.trim();
    if (rule.trim() === '') errors.push(fieldErrors.required(at.child('rule'), 'rule is not specified'));
    if (message !== '' && trimmed === '')
      errors.push(fieldErrors.invalid(at.child('message'), message, 'must be non-empty if specified'));
    else if (/[\n\r]/.test(trimmed))
      errors.push(fieldErrors.invalid(at.child('message'), message, 'must not contain line breaks'));
    if (/[\n\r]/.test(rule.trim()) && trimmed === '')
      errors.push(fieldErrors.required(at.child('message'), 'message must be specified if rule contains line breaks'));
    if (reason !== undefined && !reasons.includes(reason))
      errors.push(fieldErrors.notSupported(at.child('reason'), reason, reasons));
    if (fieldPath !== '' && !leadsSomewhere(schema, fieldPath))
      errors.push(fieldErrors.invalid(at.child('fieldPath'), fieldPath, 'must be a valid path'));
  }
  return errors;
}

/** `.a.b['c']`: names of properties or keys of maps. */
function leadsSomewhere(schema: CustomSchema, path: string): boolean {
  if (!/^(\.[^.[\]]+|\['[^']+'\])+$/.test(path)) return false;
  let current: CustomSchema | undefined = schema;
  for (const [, dotted, quoted] of path.matchAll(/\.([^.[\]]+)|\['([^']+)'\]/g)) {
    const name = dotted ?? quoted ?? '';
    const additional: CustomSchema | boolean | undefined = current?.additionalProperties;
    current = ownProperty(current, name) ?? (typeof additional === 'object' ? additional : undefined);
    if (current === undefined) return false;
  }
  return true;
}
