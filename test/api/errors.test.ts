import { describe, expect, it } from 'vitest';
import {
  aggregateText,
  fieldErrors,
  isConflict,
  isExpired,
  isNotFound,
  isStatusError,
  StatusError,
} from '../../src/api/index.ts';

const pods = { group: '', name: 'pods' };
const deployments = { group: 'apps', name: 'deployments' };

describe('StatusError', () => {
  it.each([
    [StatusError.notFound(deployments, 'x'), 404, 'NotFound', 'deployments.apps "x" not found'],
    [StatusError.alreadyExists(pods, 'x'), 409, 'AlreadyExists', 'pods "x" already exists'],
    [
      StatusError.staleObject(pods, 'x'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on pods "x": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [StatusError.forbidden(pods, 'x', 'no'), 403, 'Forbidden', 'pods "x" is forbidden: no'],
    [StatusError.forbidden(pods, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no'],
    [StatusError.forbidden({ group: '', name: '' }, '', 'no'), 403, 'Forbidden', 'forbidden: no'],
    [
      StatusError.methodNotSupported(pods, 'create'),
      405,
      'MethodNotAllowed',
      'create is not supported on resources of kind "pods"',
    ],
    [StatusError.expired('too old'), 410, 'Expired', 'too old'],
    [StatusError.requestEntityTooLarge('3'), 413, 'RequestEntityTooLarge', 'Request entity too large: 3'],
    [StatusError.internalError('x'), 500, 'InternalError', 'Internal error occurred: x'],
    [StatusError.timeout('x'), 504, 'Timeout', 'Timeout: x'],
    [StatusError.serviceUnavailable('x'), 503, 'ServiceUnavailable', 'x'],
  ])('%s', (error, code, reason, message) => {
    expect([error.code, error.reason, error.message]).toEqual([code, reason, message]);
    expect(error.toStatus()).toMatchObject({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' });
  });

  it('names the object in its details, without empty members', () => {
    expect(StatusError.notFound(pods, 'x').toStatus().details).toEqual({ name: 'x', kind: 'pods' });
    expect(StatusError.notFound(deployments, 'x').toStatus().details).toEqual({
      name: 'x',
      group: 'apps',
      kind: 'deployments',
    });
    expect(StatusError.tooManyRequests('x', 5).toStatus().details).toEqual({ retryAfterSeconds: 5 });
  });

  it('gives a cause for each field error, and repeated messages once', () => {
    const error = StatusError.invalid({ group: 'apps', name: 'Deployment' }, 'd', [
      fieldErrors.required('spec.a'),
      fieldErrors.invalid('spec.b', -1, 'must be positive'),
      fieldErrors.invalid('spec.b', -1, 'must be positive'),
    ]);
    expect(error.message).toBe(
      'Deployment.apps "d" is invalid: [spec.a: Required value, spec.b: Invalid value: -1: must be positive]',
    );
    expect(error.toStatus().details?.causes).toHaveLength(3);
    expect(aggregateText(['a'])).toBe('a');
  });

  it('is told by predicates and survives the wire', () => {
    const received: unknown = StatusError.fromStatus(StatusError.expired('x').toStatus());
    expect(isExpired(received)).toBe(true);
    expect(isNotFound(received)).toBe(false);
    expect(isConflict(new Error('Conflict'))).toBe(false);
    expect(isStatusError({ status: {} })).toBe(false);
    expect(StatusError.fromStatus({}).toStatus()).toMatchObject({ status: 'Failure', code: 500 });
  });
});
