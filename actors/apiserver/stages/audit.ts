/** Begins the record of a request where the audit policy wants one; the doors end it. */
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export function audit(call: Call, server: Server): void {
  if (server.auditor !== undefined) call.audit = server.auditor.begin(call);
}
