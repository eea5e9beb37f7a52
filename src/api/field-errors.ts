/**
 * Validation errors that name a field, with upstream's texts, and the paths they name. Strategies and admission return lists of
 * them; `StatusError.invalid` turns a list into the 422 answer.
 *
 * @see k8s.io/apimachinery/pkg/util/validation/field
 */
import { goJson, quote } from './go-text.ts';

/** The reason that a Status cause carries. */
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

const typeTexts: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
};

/** A value that prints as it is, as Go's types with a text of their own do. */
export class PlainValue {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** In place of a value that says nothing by itself: only the kind of error and its detail are printed. */
export const omittedValue = new PlainValue('');

export interface FieldError {
  readonly type: FieldErrorType;
  /** Such as `spec.containers[0].name`. */
  readonly field: string;
  /** What a person wrote; not printed for required, forbidden, too long and internal errors. */
  readonly value?: unknown;
  readonly detail: string;
}

/** A path into an object. Cheap to extend: the text is only put together when an error needs it. */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  readonly #step: string | number;
  readonly #bracketed: boolean;

  constructor(parent: FieldPath | undefined, step: string | number, bracketed: boolean) {
    this.#parent = parent;
    this.#step = step;
    this.#bracketed = bracketed;
  }

  /** The path of a member, or of a member's member. */
  child(...names: readonly string[]): FieldPath {
    return names.reduce<FieldPath>((path, name) => new FieldPath(path, name, false), this);
  }

  /** The path of a list item: `path[2]`. */
  index(index: number): FieldPath {
    return new FieldPath(this, index, true);
  }

  /** The path of a map entry: `path[key]`. */
  key(key: string): FieldPath {
    return new FieldPath(this, key, true);
  }

  toString(): string {
    const before = this.#parent?.toString() ?? '';
    if (this.#bracketed) return `${before}[${this.#step}]`;
    return before === '' ? String(this.#step) : `${before}.${this.#step}`;
  }
}

/** A path from the object's root: `fieldPath('spec', 'replicas')`. */
export function fieldPath(first: string, ...more: readonly string[]): FieldPath {
  return new FieldPath(undefined, first, false).child(...more);
}

/** Where an error is: a path, or its text. */
export type FieldReference = FieldPath | string;

const make = (type: FieldErrorType, field: FieldReference, value: unknown, detail: string): FieldError => ({
  type,
  field: String(field),
  value,
  detail,
});

/** The named constructors, upstream's by the same names: `fieldErrors.required(path, 'must be set')`. */
export const fieldErrors = {
  required: (field: FieldReference, detail = ''): FieldError => make('FieldValueRequired', field, '', detail),
  /** Strings print quoted, all else as JSON; undefined (Go's nil) prints `"null"`, and null (a nil slice) `null`. */
  invalid: (field: FieldReference, value: unknown, detail = ''): FieldError =>
    make('FieldValueInvalid', field, value, detail),
  typeInvalid: (field: FieldReference, value: unknown, detail = ''): FieldError =>
    make('FieldValueTypeInvalid', field, value, detail),
  notSupported: (field: FieldReference, value: unknown, supported: readonly string[] = []): FieldError =>
    make(
      'FieldValueNotSupported',
      field,
      value,
      supported.length > 0 ? `supported values: ${supported.map(quote).join(', ')}` : '',
    ),
  duplicate: (field: FieldReference, value: unknown): FieldError => make('FieldValueDuplicate', field, value, ''),
  notFound: (field: FieldReference, value: unknown): FieldError => make('FieldValueNotFound', field, value, ''),
  forbidden: (field: FieldReference, detail = ''): FieldError => make('FieldValueForbidden', field, '', detail),
  /** `lengthMax` in bytes; negative when there is no single bound to name. */
  tooLong: (field: FieldReference, lengthMax: number): FieldError =>
    make(
      'FieldValueTooLong',
      field,
      '',
      lengthMax >= 0 ? `may not be more than ${lengthMax} bytes` : 'value is too long',
    ),
  tooMany: (field: FieldReference, actual: number, countMax: number): FieldError =>
    make(
      'FieldValueTooMany',
      field,
      actual,
      countMax < 0
        ? 'has too many items'
        : countMax === 1
          ? 'must have at most 1 item'
          : `must have at most ${countMax} items`,
    ),
  internal: (field: FieldReference, detail: string): FieldError => make('InternalError', field, '', detail),
} as const;

const valueless: ReadonlySet<FieldErrorType> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'InternalError',
]);

/** The message of a Status cause: what is wrong, without the field. */
export function fieldErrorBody(error: FieldError): string {
  let text = typeTexts[error.type];
  if (!valueless.has(error.type) && error.value !== omittedValue) {
    const value = error.value === undefined ? 'null' : error.value;
    text += `: ${typeof value === 'string' ? quote(value) : value instanceof PlainValue ? value.text : goJson(value)}`;
  }
  return error.detail === '' ? text : `${text}: ${error.detail}`;
}

/** `spec.replicas: Invalid value: -1: must be …`. */
export function fieldErrorText(error: FieldError): string {
  return `${error.field}: ${fieldErrorBody(error)}`;
}

/** The texts of several errors as one: alone as it is, more in brackets, repeated ones once. */
export function aggregateText(texts: readonly string[]): string {
  const distinct = [...new Set(texts)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}
