/** Runs the validating half of the admission chain. */
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export function admitValidating(call: Call, server: Server): void | Promise<void> {
  return server.admission.validate(call, server);
}
