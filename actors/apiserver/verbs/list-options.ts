/**
 * The options of lists and watches, with upstream's checks and texts.
 * @see staging/src/k8s.io/apimachinery/pkg/apis/meta/internalversion/validation/validation.go
 */
import { type FieldError, fieldErrors, parseInt64, StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import { invalidOptions } from '../failures.ts';

export type VersionMatch = '' | 'Exact' | 'NotOlderThan';

export interface ListOptions {
  readonly resourceVersion: string;
  readonly match: VersionMatch;
  /** 0: no limit. */
  readonly limit: number;
  readonly continue: string;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

export function listOptionsOf(call: Call): ListOptions {
  const { query } = call;
  const options: ListOptions = {
    resourceVersion: query['resourceVersion'] ?? '',
    match: (query['resourceVersionMatch'] ?? '') as VersionMatch,
    // Fewer than none is no limit.
    limit: Math.max(integerOf(query['limit']) ?? 0, 0),
    continue: query['continue'] ?? '',
    sendInitialEvents: booleanOf(query['sendInitialEvents']),
    allowWatchBookmarks: booleanOf(query['allowWatchBookmarks']) ?? false,
    timeoutSeconds: integerOf(query['timeoutSeconds']) || undefined,
  };
  const errors = call.verb === 'watch' ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
  return options;
}

/**
 * As Go's conversion of query parameters to a 64-bit integer.
 * @throws StatusError 400
 */
export function integerOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = parseInt64(text);
  if ('error' in parsed) throw StatusError.badRequest(parsed.error);
  return Number(parsed.value);
}

/** As Go's conversion of query parameters: anything but false and 0 is true. */
export function booleanOf(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  return !(text.toLowerCase() === 'false' || text === '0');
}

const MATCH = 'resourceVersionMatch';

function listErrors({ resourceVersion, match, sendInitialEvents, ...options }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined) {
    errors.push(fieldErrors.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (match !== '') {
    if (resourceVersion === '') {
      errors.push(fieldErrors.forbidden(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (options.continue !== '') {
      errors.push(fieldErrors.forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(fieldErrors.notSupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(fieldErrors.forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  return errors;
}

function watchErrors({ match, sendInitialEvents }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      errors.push(
        fieldErrors.forbidden(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      );
      if (match !== '') errors.push(fieldErrors.notSupported(MATCH, match, ['NotOlderThan']));
    }
  } else if (match !== '') {
    errors.push(
      fieldErrors.forbidden(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
    );
  }
  return errors;
}
