/**
 * Where the components of one process are not told apart as finely as upstream's. Each exception is named here with its reason;
 * there are no others.
 */
import type { Call, Identity } from '../call.ts';
import type { AccessRequest } from './types.ts';

/** Who reads for all controllers: upstream's shared informers use the manager's own credential, not the controller's. */
export const CONTROLLER_MANAGER: Identity = {
  user: 'system:kube-controller-manager',
  groups: ['system:authenticated'],
};

/**
 * The questions that may be asked instead when a component of this process was refused:
 *
 * - A list or watch of a controller is asked for the controller manager: its informers are shared.
 * - A patch of a controller or the scheduler is asked as an update: upstream's write whole objects in some places where these
 *   send the change alone, which is never more than an update may do.
 */
export function askedInstead(
  call: Call,
  request: Extract<AccessRequest, { resource: string }>,
): Extract<AccessRequest, { resource: string }> | undefined {
  if (call.door !== 'bus') return undefined;
  const controller = call.userAgent === 'kube-controller-manager';
  if (controller && (call.verb === 'list' || call.verb === 'watch')) return { ...request, user: CONTROLLER_MANAGER };
  if ((controller || call.userAgent === 'kube-scheduler') && call.verb === 'patch') {
    return { ...request, verb: 'update' };
  }
  return undefined;
}
