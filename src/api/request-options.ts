/**
 * The query parameters of writes, read and checked as upstream does: dryRun, fieldManager, fieldValidation, force. The API server
 * calls this before it looks at a body.
 *
 * @see k8s.io/apimachinery/pkg/apis/meta/v1/validation
 */
import type { FieldValidation } from './decode.ts';
import { StatusError } from './errors.ts';
import { type FieldError, fieldErrors } from './field-errors.ts';

export interface WriteRequestOptions {
  readonly dryRun: boolean;
  /** Named by the query, or the user agent up to its first `/`. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
}

/** A query's parameters: repeated ones as lists. */
export type QueryValues = Readonly<Record<string, string | readonly string[] | undefined>>;

const managerLengthMax = 128;

const valuesOf = (query: QueryValues, name: string): readonly string[] => {
  const value = query[name];
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
};

/** The field manager of requests that name none. */
export function managerOfUserAgent(userAgent: string): string {
  return [...(userAgent.split('/')[0] ?? '')].slice(0, managerLengthMax).join('');
}

/**
 * @param kind whose options they are; `apply` says that a patch is an apply patch
 * @throws StatusError 422 naming what is wrong
 */
export function writeRequestOptions(
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  query: QueryValues,
  userAgent: string,
  apply = false,
): WriteRequestOptions {
  const errors: FieldError[] = [];
  const [manager = ''] = valuesOf(query, 'fieldManager');
  const [validation = ''] = valuesOf(query, 'fieldValidation');
  const [forceText] = valuesOf(query, 'force');
  // Anything that is not false counts as true, as in upstream's conversion of queries.
  const force = forceText !== undefined && !/^(false|0)$/i.test(forceText);
  if (kind === 'PatchOptions') {
    if (apply && manager === '') errors.push(fieldErrors.required('fieldManager', 'is required for apply patch'));
    if (!apply && forceText !== undefined) {
      errors.push(fieldErrors.forbidden('force', 'may not be specified for non-apply patch'));
    }
  }
  errors.push(...managerErrors(manager), ...dryRunErrors(query));
  if (!['', 'Ignore', 'Strict', 'Warn'].includes(validation)) {
    errors.push(fieldErrors.notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  if (errors.length > 0) throw StatusError.invalid({ group: 'meta.k8s.io', name: kind }, '', errors);
  return {
    dryRun: valuesOf(query, 'dryRun').length > 0,
    fieldManager: manager === '' ? managerOfUserAgent(userAgent) : manager,
    fieldValidation: validation === '' ? 'Warn' : (validation as FieldValidation),
    force,
  };
}

/** What is wrong with a query's dryRun; deletes check only this. */
export function dryRunErrors(query: QueryValues): FieldError[] {
  const values = valuesOf(query, 'dryRun');
  return values.some((value) => value !== 'All') ? [fieldErrors.notSupported('dryRun', values, ['All'])] : [];
}

function managerErrors(manager: string): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > managerLengthMax) errors.push(fieldErrors.tooLong('fieldManager', managerLengthMax));
  let position = 0;
  for (const character of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      const detail = `invalid character U+${code} (at position ${position})`;
      errors.push(fieldErrors.invalid('fieldManager', manager, detail));
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}
