/** The refusals that name a resource or a kind, and the few whose form is this server's alone. */
import { type FieldError, type GroupName, type KindDefinition, StatusError } from '../../src/api/index.ts';

export function resourceOf(kind: KindDefinition): GroupName {
  return { group: kind.group, name: kind.plural };
}

export function kindNameOf(kind: KindDefinition): GroupName {
  return { group: kind.group, name: kind.kind };
}

/** `resource`: what the refusal names in place of the kind's. */
export function notFoundOf(kind: KindDefinition, name: string, resource = resourceOf(kind)): StatusError {
  return StatusError.notFound(resource, name);
}

/** The update was made from a version that is not the current one. */
export function conflictOf(kind: KindDefinition, name: string): StatusError {
  return StatusError.staleObject(resourceOf(kind), name);
}

/** A precondition of a delete does not hold. Upstream names the kind here, not the resource. */
export function preconditionFailed(kind: KindDefinition, name: string, message: string): StatusError {
  return StatusError.conflict({ group: '', name: kind.kind }, name, message);
}

/** The write means an object of another uid: upstream's storage refuses it, and its text comes through. */
export function otherUid(kind: KindDefinition, key: string, name: string, wanted: string, actual: string): StatusError {
  const reason = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${actual}`;
  const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${reason}`;
  return StatusError.conflict(resourceOf(kind), name, text);
}

export function invalidOf(kind: KindDefinition, name: string, errors: readonly FieldError[]): StatusError {
  return StatusError.invalid(kindNameOf(kind), name, errors);
}

export function forbiddenOf(kind: KindDefinition, name: string, message: string): StatusError {
  return StatusError.forbidden(resourceOf(kind), name, message);
}

/** Invalid options of a list, a watch, a write or a delete: `ListOptions.meta.k8s.io "" is invalid: …`. */
export function invalidOptions(kind: string, errors: readonly FieldError[]): StatusError {
  return StatusError.invalid({ group: 'meta.k8s.io', name: kind }, '', errors);
}

/** The path exists, the method is not served there. */
export function methodNotAllowed(): StatusError {
  return StatusError.other(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

/** An error that Go code returns bare: 500 without a reason. */
export function plainError(message: string): StatusError {
  return StatusError.other(500, '', message);
}

/** A wait for a revision ran out. @see staging/src/k8s.io/apiserver/pkg/storage/errors.go NewTooLargeResourceVersionError */
export function tooLargeResourceVersion(wanted: number, current: number): StatusError {
  return StatusError.other(504, 'Timeout', `Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
