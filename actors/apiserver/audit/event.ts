/** One request as the audit log tells of it: filled in as the request goes on, written at each stage that the policy wants. */
import type { ApiObject } from '../../../src/api/index.ts';
import type { Identity } from '../call.ts';
import type { AuditStage, Verdict } from './policy.ts';

export interface AuditUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** audit.k8s.io/v1 Event. */
export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: string;
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly impersonatedUser?: AuditUser;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly responseStatus?: object;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A request that is being recorded. */
export interface AuditRecord {
  readonly verdict: Verdict;
  readonly auditId: string;
  readonly requestUri: string;
  readonly verb: string;
  readonly user: Identity;
  readonly sourceIps: readonly string[];
  readonly userAgent: string;
  objectRef: Record<string, string> | undefined;
  readonly receivedMs: number;
  impersonatedUser?: Identity;
  requestObject?: ApiObject;
  /** Set once it is told at this stage, so that nothing is told twice. */
  completed?: true;
  annotations?: Record<string, string>;
}

export function annotate(record: AuditRecord, key: string, value: string): void {
  record.annotations ??= {};
  record.annotations[key] = value;
}

/** What authorization said. */
export function noteDecision(record: AuditRecord, allowed: boolean, reason: string): void {
  annotate(record, 'authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
  annotate(record, 'authorization.k8s.io/reason', reason);
}

let lastMs = -1;
let lastText = '';

/** Microseconds, of which a clock of milliseconds knows only the first three digits. */
export function microTime(nowMs: number): string {
  const whole = Math.floor(nowMs);
  if (whole !== lastMs) {
    lastMs = whole;
    lastText = `${new Date(whole).toISOString().slice(0, -1)}000Z`;
  }
  return lastText;
}

export function auditUser({ user, uid, groups, extra }: Identity): AuditUser {
  return {
    username: user,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}
