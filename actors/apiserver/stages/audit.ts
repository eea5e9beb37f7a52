/** Begins the record of a request where the audit policy wants one; the doors end it. */
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export function audit(call: Call, server: Server): void {
  if (server.auditor !== undefined) call.audit = server.auditor.begin(call);
}

/** Tells the record what was sent, before anything of this server is added to it. */
export function auditContent(call: Call, server: Server): void {
  if (call.audit !== undefined && call.attempt === 1 && call.verb !== 'patch')
    server.auditor?.decoded(call.audit, call);
}
