/**
 * The list of errors that one validation gathers, with the checks that every kind needs. Paths are put together only when there is
 * something to say, so a check of a sound field costs a comparison. Called by all files of this folder.
 */
import { type FieldError, FieldPath, fieldErrors } from '../field-errors.ts';
import {
  validateDnsLabel,
  validateDnsSubdomain,
  validateLabelValue,
  validatePortName,
  validatePortNumber,
  validateQualifiedName,
} from '../names.ts';

/** Where an object stands; undefined for the root. */
export type Path = FieldPath | undefined;
/** A member by name, a list item by index, or '' for the object itself. */
export type Step = string | number;

export const notNegative = 'must be greater than or equal to 0';
export const notPositive = 'must be greater than zero';
export const immutableField = 'field is immutable';

/** The path of a member or item. */
export function at(path: Path, step: Step): FieldPath {
  if (step === '') return path ?? new FieldPath(undefined, '', false);
  return new FieldPath(path, step, typeof step === 'number');
}

/** The path of a map's entry: `path[key]`. */
export const keyed = (path: Path, key: string): FieldPath => new FieldPath(path, key, true);

/** Bounds as upstream words them. */
export const between = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`;

export class Check {
  readonly errors: FieldError[] = [];

  required(path: Path, step: Step, detail = ''): void {
    this.errors.push(fieldErrors.required(at(path, step), detail));
  }

  invalid(path: Path, step: Step, value: unknown, detail: string): void {
    this.errors.push(fieldErrors.invalid(at(path, step), value, detail));
  }

  forbidden(path: Path, step: Step, detail: string): void {
    this.errors.push(fieldErrors.forbidden(at(path, step), detail));
  }

  duplicate(path: Path, step: Step, value: unknown): void {
    this.errors.push(fieldErrors.duplicate(at(path, step), value));
  }

  notFound(path: Path, step: Step, value: unknown): void {
    this.errors.push(fieldErrors.notFound(at(path, step), value));
  }

  tooLong(path: Path, step: Step, bytesMax: number): void {
    this.errors.push(fieldErrors.tooLong(at(path, step), bytesMax));
  }

  tooMany(path: Path, step: Step, count: number, countMax: number): void {
    this.errors.push(fieldErrors.tooMany(at(path, step), count, countMax));
  }

  notSupported(path: Path, step: Step, value: unknown, supported: readonly string[]): void {
    this.errors.push(fieldErrors.notSupported(at(path, step), value, supported));
  }

  /** One error for each message of a rule. */
  all(path: Path, step: Step, value: unknown, messages: readonly string[]): void {
    for (const message of messages) this.invalid(path, step, value, message);
  }

  /** The value is one of those supported. */
  oneOf(path: Path, step: Step, value: string | undefined, supported: readonly string[]): void {
    if (!supported.includes(value ?? '')) this.notSupported(path, step, value ?? '', supported);
  }

  /** The value is given, and one of those supported. */
  requiredOneOf(path: Path, step: Step, value: string | undefined, supported: readonly string[]): void {
    if (!value) this.required(path, step);
    else if (!supported.includes(value)) this.notSupported(path, step, value, supported);
  }

  /** The text is there. */
  present(path: Path, step: Step, value: string | undefined, detail = ''): void {
    if (!value) this.required(path, step, detail);
  }

  nonNegative(path: Path, step: Step, value: number | undefined): void {
    if (value !== undefined && value < 0) this.invalid(path, step, value, notNegative);
  }

  inRange(path: Path, step: Step, value: number | undefined, low: number, high: number): void {
    if (value !== undefined && (value < low || value > high)) this.invalid(path, step, value, between(low, high));
  }

  dnsLabel(path: Path, step: Step, value: string): void {
    this.all(path, step, value, validateDnsLabel(value));
  }

  dnsSubdomain(path: Path, step: Step, value: string): void {
    this.all(path, step, value, validateDnsSubdomain(value));
  }

  qualifiedName(path: Path, step: Step, value: string): void {
    this.all(path, step, value, validateQualifiedName(value));
  }

  labelValue(path: Path, step: Step, value: string): void {
    this.all(path, step, value, validateLabelValue(value));
  }

  portNumber(path: Path, step: Step, value: number | undefined): void {
    this.all(path, step, value ?? 0, validatePortNumber(value ?? 0));
  }

  portNumberOrName(path: Path, step: Step, value: number | string | undefined): void {
    if (typeof value === 'string') this.all(path, step, value, validatePortName(value));
    else this.portNumber(path, step, value);
  }

  /** Both are the same; the new value is named otherwise. */
  unchanged(path: Path, step: Step, value: unknown, same: boolean): void {
    if (!same) this.invalid(path, step, value, immutableField);
  }
}

/** Runs a validation over a new list. */
export function collect(run: (check: Check) => void): FieldError[] {
  const check = new Check();
  run(check);
  return check.errors;
}

/** True for undefined, null and empty text, list and object. */
export function isBlank(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
}
