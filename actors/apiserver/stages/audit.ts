/** Counts the request for the audit metrics. Policies and sinks of audit events stand here when they are configured. */
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export function audit(_call: Call, server: Server): void {
  server.metrics.audited.add(1);
}
