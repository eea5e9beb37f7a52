/**
 * The one error that messages between actors end with. It crosses threads as its code, message and details, so test it with
 * {@link isBusError} and its code, never by its text or class identity.
 */

/**
 * - `ServiceUnavailable`: the other actor is not there, went away, or the link closed before the answer came. Retry.
 * - `DeadlineExceeded`: no answer by the call's deadline; the handler may still have had its effect.
 * - `Cancelled`: the caller's signal was aborted, or its connection was closed.
 * - `ResourceExhausted`: a bound was reached: calls in flight, or items waiting for a slow consumer.
 * - `NotServed`: the actor is there, but serves no such channel.
 * - `HandlerFailed`: the handler threw something that was no BusError.
 */
export type BusErrorCode =
  | 'ServiceUnavailable'
  | 'DeadlineExceeded'
  | 'Cancelled'
  | 'ResourceExhausted'
  | 'NotServed'
  | 'HandlerFailed';

const brand = Symbol.for('kubehive.runtime.BusError');

/** Thrown by a handler, it reaches the caller with the same code, message and details (plain data). */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: BusErrorCode;
  readonly details: unknown;
  /** @internal */
  readonly [brand] = true;

  constructor(code: BusErrorCode, message: string, details?: unknown) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` came from the bus, and, when a code is given, with that code. */
export function isBusError(error: unknown, code?: BusErrorCode): error is BusError {
  return (
    typeof error === 'object' &&
    error !== null &&
    brand in error &&
    (code === undefined || (error as BusError).code === code)
  );
}

/** The plain form in which an error crosses threads. */
export interface ErrorParts {
  readonly code: BusErrorCode;
  readonly message: string;
  readonly details?: unknown;
}

export function toErrorParts(error: unknown): ErrorParts {
  if (isBusError(error)) {
    return error.details === undefined
      ? { code: error.code, message: error.message }
      : { code: error.code, message: error.message, details: error.details };
  }
  return { code: 'HandlerFailed', message: describeError(error) };
}

export function fromErrorParts(parts: ErrorParts): BusError {
  return new BusError(parts.code, parts.message, parts.details);
}

/** One line for a person: the class and message of an error, or the thrown value itself. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
  return String(error);
}

/** The stack of an error where there is one, for logs. */
export function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? describeError(error)) : String(error);
}
