/**
 * Numbers that may be percentages: how many pods may be missing or extra.
 * @see ValidatePositiveIntOrPercent, IsNotMoreThan100Percent
 */
import { validatePercent } from '../names.ts';
import { at, type Check, type Path } from './check.ts';

export type IntOrPercent = number | string;

/** Zero or more, or a percentage. */
export function checkCount(check: Check, path: Path, step: string, value: IntOrPercent): void {
  if (typeof value === 'string') check.all(path, step, value, validatePercent(value));
  else check.nonNegative(path, step, value);
}

export function checkAtMostAll(check: Check, path: Path, step: string, value: IntOrPercent): void {
  if (typeof value === 'string' && /^[0-9]+%$/.test(value) && Number(value.slice(0, -1)) > 100)
    check.invalid(at(path, step), '', value, 'must not be greater than 100%');
}

/** The number, whichever way it is written; 0 when there is none. */
export function countOf(value: IntOrPercent | undefined): number {
  if (typeof value === 'number') return value;
  return value !== undefined && /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : 0;
}
