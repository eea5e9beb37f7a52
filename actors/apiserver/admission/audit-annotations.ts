/** What admission notes about a request for the audit log. The first value of a key stays. */
import { annotate as note } from '../audit/event.ts';
import type { Call } from '../call.ts';

export function annotate({ audit }: Call, key: string, value: string): void {
  if (audit !== undefined && audit.annotations?.[key] === undefined) note(audit, key, value);
}
