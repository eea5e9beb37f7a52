/** Paths of files and directories inside volumes and hosts. */
import type { Check, Path, Step } from './check.ts';

const leadsUp = (path: string): boolean => path.includes('..') && path.split('/').includes('..');

/** No element is `..`. @returns true when it is so. */
export function checkNoBacksteps(check: Check, path: Path, step: Step, text: string): boolean {
  if (!leadsUp(text)) return true;
  check.invalid(path, step, text, "must not contain '..'");
  return false;
}

/** Relative, and leading down. */
export function checkDescendingPath(check: Check, path: Path, step: Step, text: string): void {
  if (text.startsWith('/')) check.invalid(path, step, text, 'must be a relative path');
  checkNoBacksteps(check, path, step, text);
}

/** Likewise; names that begin with `..` are the kubelet's own. */
export function checkLocalPath(check: Check, path: Path, step: Step, text: string): void {
  checkDescendingPath(check, path, step, text);
  if (text.startsWith('..') && !text.startsWith('../')) check.invalid(path, step, text, "must not start with '..'");
}

export const fileModeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';

export function checkFileMode(check: Check, path: Path, step: Step, mode: number | undefined): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) check.invalid(path, step, mode, fileModeMessage);
}
