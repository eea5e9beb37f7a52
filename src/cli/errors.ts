/** Errors that a person can mend: printed as one line, without a stack. */

/** A wrong flag or value: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Everything else that is not a bug: exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
