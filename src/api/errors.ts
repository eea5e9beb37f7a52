/**
 * API failures. A `StatusError` is what every refused request is answered with, built only by the named constructors here and
 * tested by the predicates, never by text. Reasons, codes, messages and details are upstream's.
 *
 * @see k8s.io/apimachinery/pkg/api/errors
 */
import { aggregateText, type FieldError, fieldErrorBody, fieldErrorText } from './field-errors.ts';
import type { Status, StatusCause, StatusDetails } from './generated/types.ts';
import { quote } from './go-text.ts';

/** A resource or a kind with its group; its text is `deployments.apps`, or `pods` in the core group. */
export interface GroupName {
  readonly group: string;
  readonly name: string;
}

const groupText = ({ group, name }: GroupName): string => (group === '' ? name : `${name}.${group}`);

/** The Status of a failure, as it goes over the wire. */
export interface FailureStatus extends Status {
  kind: 'Status';
  apiVersion: 'v1';
  status: 'Failure';
  message: string;
  /** Left out by a few answers. */
  reason?: string | undefined;
  code: number;
}

function failure(code: number, reason: string, message: string, details?: StatusDetails): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** Details with empty members left out, as upstream encodes them. */
function details(name: string, { group, name: kind }: GroupName, more: StatusDetails = {}): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
    ...more,
  };
}

/** Retry delays of zero are not written. */
const retry = (retryAfterSeconds: number): StatusDetails => (retryAfterSeconds > 0 ? { retryAfterSeconds } : {});

export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: FailureStatus;

  constructor(status: FailureStatus) {
    super(status.message);
    this.status = status;
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }

  /** The answer's body. */
  toStatus(): FailureStatus {
    return this.status;
  }

  /** From a Status that a server answered with; members that it left out are filled. */
  static fromStatus(status: Status): StatusError {
    return new StatusError({
      ...status,
      kind: 'Status',
      apiVersion: 'v1',
      metadata: status.metadata ?? {},
      status: 'Failure',
      message: status.message ?? '',
      code: status.code ?? 500,
    });
  }

  /** 400. */
  static badRequest(message: string): StatusError {
    return failure(400, 'BadRequest', message);
  }

  /** 401. */
  static unauthorized(message = 'Unauthorized'): StatusError {
    return failure(401, 'Unauthorized', message);
  }

  /** 403: `pods "x" is forbidden: message`. Admission refuses with it too. */
  static forbidden(resource: GroupName, name: string, message: string): StatusError {
    const what = resource.name === '' ? '' : groupText(resource);
    const text =
      what === ''
        ? `forbidden: ${message}`
        : name === ''
          ? `${what} is forbidden: ${message}`
          : `${what} ${quote(name)} is forbidden: ${message}`;
    return failure(403, 'Forbidden', text, details(name, resource));
  }

  /** 404: `pods "x" not found`. */
  static notFound(resource: GroupName, name: string): StatusError {
    return failure(404, 'NotFound', `${groupText(resource)} ${quote(name)} not found`, details(name, resource));
  }

  /** 404 for a path that nothing is served under. */
  static noSuchPath(): StatusError {
    return failure(404, 'NotFound', 'the server could not find the requested resource', {});
  }

  /** 405: `create is not supported on resources of kind "pods"`. */
  static methodNotSupported(resource: GroupName, verb: string): StatusError {
    const message = `${verb} is not supported on resources of kind ${quote(groupText(resource))}`;
    return failure(405, 'MethodNotAllowed', message, details('', resource));
  }

  /** 406. */
  static notAcceptable(accepted: readonly string[]): StatusError {
    const message = `only the following media types are accepted: ${accepted.join(', ')}`;
    return failure(406, 'NotAcceptable', message);
  }

  /** 409: `pods "x" already exists`, or that it is on its way out. */
  static alreadyExists(resource: GroupName, name: string, isBeingDeleted = false): StatusError {
    const message = `${isBeingDeleted ? 'object is being deleted: ' : ''}${groupText(resource)} ${quote(name)} already exists`;
    return failure(409, 'AlreadyExists', message, details(name, resource));
  }

  /** 409 of an object with a `generateName` when no free name was found, or the one that it came with is taken. */
  static generateNameConflict(resource: GroupName, name: string, isBeingDeleted = false): StatusError {
    const deleted = isBeingDeleted ? 'object is being deleted: ' : '';
    const message = `${deleted}${groupText(resource)} ${quote(name)} already exists, the server was not able to generate a unique name for the object`;
    return failure(409, 'AlreadyExists', message, details(name, resource, retry(1)));
  }

  /** 409: `Operation cannot be fulfilled on pods "x": message`. */
  static conflict(resource: GroupName, name: string, message: string): StatusError {
    const text = `Operation cannot be fulfilled on ${groupText(resource)} ${quote(name)}: ${message}`;
    return failure(409, 'Conflict', text, details(name, resource));
  }

  /** 409 of an update whose resourceVersion is not the current one. */
  static staleObject(resource: GroupName, name: string): StatusError {
    const message = 'the object has been modified; please apply your changes to the latest version and try again';
    return StatusError.conflict(resource, name, message);
  }

  /** 409 of a server-side apply that would change fields owned by others; a cause a field. */
  static applyConflict(causes: readonly StatusCause[], message: string): StatusError {
    return failure(409, 'Conflict', message, { causes: [...causes] });
  }

  /** 410 `Gone`. */
  static gone(message: string): StatusError {
    return failure(410, 'Gone', message);
  }

  /** 410 `Expired`: the resourceVersion or continue token is too old. */
  static expired(message: string): StatusError {
    return failure(410, 'Expired', message);
  }

  /** 413. */
  static requestEntityTooLarge(message: string): StatusError {
    return failure(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);
  }

  /** 415. */
  static unsupportedMediaType(accepted: readonly string[]): StatusError {
    const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
    return failure(415, 'UnsupportedMediaType', message);
  }

  /** 422 with a cause for each field error. `kind` is the object's kind with its group. */
  static invalid(kind: GroupName, name: string, errors: readonly FieldError[]): StatusError {
    const causes = errors.map((error) => ({
      reason: error.type,
      message: fieldErrorBody(error),
      field: error.field,
    }));
    const what = `${groupText(kind)} ${quote(name)} is invalid`;
    const message = errors.length === 0 ? what : `${what}: ${aggregateText(errors.map(fieldErrorText))}`;
    return failure(422, 'Invalid', message, details(name, kind, causes.length > 0 ? { causes } : {}));
  }

  /** 422 without causes: a patch that cannot be applied to the object. */
  static unprocessable(message = 'the server rejected our request due to an error in our request'): StatusError {
    return failure(422, 'Invalid', message, {});
  }

  /** 429. */
  static tooManyRequests(message: string, retryAfterSeconds = 0, causes: readonly StatusCause[] = []): StatusError {
    return failure(429, 'TooManyRequests', message, {
      ...retry(retryAfterSeconds),
      ...(causes.length > 0 ? { causes: [...causes] } : {}),
    });
  }

  /** 500. */
  static internalError(message: string): StatusError {
    return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
  }

  /** 500 `ServerTimeout`: the operation could not be done in time and may be tried again. */
  static serverTimeout(resource: GroupName, operation: string, retryAfterSeconds = 0): StatusError {
    const message = `The ${operation} operation against ${groupText(resource)} could not be completed at this time, please try again.`;
    return failure(500, 'ServerTimeout', message, details(operation, resource, retry(retryAfterSeconds)));
  }

  /** 503. */
  static serviceUnavailable(message: string): StatusError {
    return failure(503, 'ServiceUnavailable', message);
  }

  /** 504. */
  static timeout(message: string, retryAfterSeconds = 0): StatusError {
    return failure(504, 'Timeout', `Timeout: ${message}`, retry(retryAfterSeconds));
  }

  /** Any other answer, by its parts. */
  static other(code: number, reason: string, message: string, about?: StatusDetails): StatusError {
    return failure(code, reason, message, about);
  }
}

export function isStatusError(error: unknown): error is StatusError {
  return error instanceof StatusError;
}

const hasReason =
  (reason: string) =>
  (error: unknown): error is StatusError =>
    error instanceof StatusError && error.status.reason === reason;

export const isNotFound = hasReason('NotFound');
export const isAlreadyExists = hasReason('AlreadyExists');
export const isConflict = hasReason('Conflict');
export const isInvalid = hasReason('Invalid');
export const isForbidden = hasReason('Forbidden');
export const isUnauthorized = hasReason('Unauthorized');
export const isExpired = hasReason('Expired');
export const isGone = hasReason('Gone');
export const isBadRequest = hasReason('BadRequest');
export const isTooManyRequests = hasReason('TooManyRequests');
export const isServiceUnavailable = hasReason('ServiceUnavailable');
export const isTimeout = hasReason('Timeout');
export const isServerTimeout = hasReason('ServerTimeout');
export const isInternalError = hasReason('InternalError');
export const isMethodNotSupported = hasReason('MethodNotAllowed');
