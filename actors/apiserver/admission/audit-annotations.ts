/** What admission notes about a request for the audit log. The first value of a key stays. */
import type { Call } from '../call.ts';

export function annotate(call: Call, key: string, value: string): void {
  call.auditAnnotations ??= {};
  call.auditAnnotations[key] ??= value;
}
