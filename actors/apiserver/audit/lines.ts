/**
 * From records to lines: what happened to requests waits a moment here and is then written for all back ends, many events in a row.
 * One by one, between two steps of a request, each line would cost several times as much.
 */
import type { Clock, Counter, Metrics } from '../../../src/runtime/index.ts';
import type { AuditBackend } from './backends.ts';
import { type AuditRecord, eventLine, legacyLine, type Outcome, truncated } from './event.ts';
import type { AuditStage } from './policy.ts';

const WAIT_MS = 50;
const WAITING_MAX = 64;

/** What happened to a request at a stage, and when. Nothing of it changes any more. */
export interface Told {
  readonly record: AuditRecord;
  readonly stage: AuditStage;
  readonly nowMs: number;
  readonly outcome: Outcome | undefined;
}

/** Told of every back end that a request waits for. `isWritten` never rejects. */
type Waited = (isWritten: Promise<boolean>, isStrict: boolean) => void;

export interface AuditLines {
  /** Takes an event; those of one request are written in the order in which they came. */
  write(told: Told): void;
  /** Hands an event to the back ends at once, and what blocking ones make of it to `waited`. */
  writeNow(told: Told, waited?: Waited): void;
  /** Hands to the back ends what waits. */
  flush(): void;
}

export function auditErrors(metrics: Metrics, plugin: string): Counter {
  return metrics.counter(
    'apiserver_audit_error_total',
    'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
    { plugin },
  );
}

export function createAuditLines(backends: readonly AuditBackend[], clock: Clock, metrics: Metrics): AuditLines {
  const total = metrics.counter(
    'apiserver_audit_event_total',
    'Counter of audit events generated and sent to the audit backend.',
  );
  const dropped: readonly Counter[] = backends.map(({ name }) => auditErrors(metrics, name));
  const tooLarge = auditErrors(metrics, 'truncate');
  let waiting: Told[] = [];
  let isTimed = false;

  const flush = (): void => {
    const events = waiting;
    waiting = [];
    for (let index = 0; index < events.length; index++) writeNow(events[index] as Told);
  };
  // What does not fit is counted when it is written.
  metrics.beforeRead(flush);

  /** It goes on when a full list was written before: making one anew costs more than to find nothing. */
  const flushInTime = (): void => {
    isTimed = false;
    flush();
  };

  function writeNow(told: Told, waited?: Waited): void {
    const { record, stage, nowMs, outcome } = told;
    const line = eventLine(record, stage, nowMs, outcome);
    total.add(1);
    for (let index = 0; index < backends.length; index++) {
      const backend = backends[index] as AuditBackend;
      const { format, truncation } = backend;
      let text = line;
      if (truncation !== undefined && Buffer.byteLength(text) > truncation.eventBytesMax) {
        text = eventLine(truncated(record), stage, nowMs, outcome && { responseStatus: outcome.responseStatus });
        if (Buffer.byteLength(text) > truncation.eventBytesMax) {
          tooLarge.add(1);
          continue;
        }
      }
      if (format === 'legacy') text = legacyLine(record, stage, outcome);
      const taken = backend.write(text);
      if (typeof taken === 'object') waited?.(taken, backend.isStrict);
      else if (!taken) dropped[index]?.add(1);
    }
  }

  return {
    flush,
    writeNow,
    write(told) {
      waiting.push(told);
      if (waiting.length >= WAITING_MAX) flush();
      else if (!isTimed) {
        isTimed = true;
        clock.after(WAIT_MS, flushInTime, { background: true });
      }
    },
  };
}
