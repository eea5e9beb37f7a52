/** Runs the mutating half of the admission chain. */
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export function admitMutating(call: Call, server: Server): void | Promise<void> {
  return server.admission.mutate(call, server);
}
