/**
 * Validation of the form of `x-kubernetes-validations`: that rules and messages are there and well-formed.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { fieldAt } from './field-paths.ts';
import type { CustomSchema } from './structural.ts';

interface Rule {
  readonly rule?: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

export function ruleErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly Rule[];
  for (const [index, { rule = '', message = '', messageExpression = '', reason, fieldPath = '' }] of rules.entries()) {
    const at = path.child('x-kubernetes-validations').index(index);
    const trimmed = message.trim();
    const fail = (name: string, value: string, detail: string) =>
      errors.push(fieldErrors.invalid(at.child(name), value, detail));
    if (rule.trim() === '') errors.push(fieldErrors.required(at.child('rule'), 'rule is not specified'));
    else if (message !== '' && trimmed === '') fail('message', message, 'must be non-empty if specified');
    else if (/[\n\r]/.test(trimmed)) fail('message', message, 'must not contain line breaks');
    else if (/[\n\r]/.test(rule.trim()) && trimmed === '')
      errors.push(fieldErrors.required(at.child('message'), 'must be specified if rule contains line breaks'));
    if (messageExpression !== '' && messageExpression.trim() === '')
      errors.push(fieldErrors.required(at.child('messageExpression'), 'must be non-empty if specified'));
    if (reason !== undefined && !reasons.includes(reason))
      errors.push(fieldErrors.notSupported(at.child('reason'), reason, reasons));
    if (fieldPath === '') continue;
    if (fieldPath.trim() === '') fail('fieldPath', fieldPath, 'must be non-empty if specified');
    if (/[\n\r]/.test(fieldPath)) fail('fieldPath', fieldPath, 'must not contain line breaks');
    if (typeof fieldAt(schema, fieldPath) === 'string') fail('fieldPath', fieldPath, 'must be a valid path');
  }
  return errors;
}
