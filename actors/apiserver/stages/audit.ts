/** Begins the record of a request where the audit policy wants one; the doors end it. */
import { annotate } from '../audit/event.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export function audit(call: Call, server: Server): void | Promise<void> {
  if (server.auditor === undefined) return;
  call.audit = server.auditor.begin(call);
  const warning = call.kind.deprecationWarning;
  if (call.audit === undefined) return;
  if (warning !== undefined && call.door !== 'bus') {
    annotate(call.audit, 'k8s.io/deprecated', 'true');
    const removed = /unavailable in v(\d+\.\d+)\+/.exec(warning)?.[1];
    if (removed !== undefined) annotate(call.audit, 'k8s.io/removed-release', removed);
  }
  return server.auditor.settled(call.audit);
}

/** Tells the record what was sent, before anything of this server is added to it. */
export function auditContent(call: Call, server: Server): void {
  if (call.audit !== undefined && call.attempt === 1 && call.verb !== 'patch')
    server.auditor?.decoded(call.audit, call);
}
