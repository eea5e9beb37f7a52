/**
 * Decides what becomes of each event that a component reports, so that a loop cannot flood the API: per object a token
 * bucket; many events that differ only in their message become one "(combined from similar events)"; the same event again
 * raises the count of the one that is already there. Owned by the event recorder; all tables are bounded.
 *
 * @see client-go/tools/record/events_cache.go
 */
import type { Event, EventSource, ObjectMeta } from '../api/index.ts';

/** A v1 Event with the members that a recorder always sets. */
export interface EventObject extends Event {
  metadata: ObjectMeta & { name: string; namespace: string };
  source: EventSource;
  firstTimestamp: string;
  message: string;
  count: number;
}

/** An event that exists already: to be patched by name. */
interface Observation {
  readonly name: string;
  count: number;
  readonly firstTimestamp: string;
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

interface Similar {
  /** Most groups have one message for ever: a set comes with the second. */
  messages: string | Set<string>;
  lastMs: number;
}

/** `create` writes the event; `patch` raises the count of the event named; `drop` writes nothing. */
export type Verdict = 'create' | 'patch' | 'drop';

const bucketSize = 25;
const refillPerMs = 1 / 300_000;
const similarMax = 10;
const similarWindowMs = 600_000;
const entriesMax = 4_096;

export class EventCorrelator {
  readonly #buckets = new Map<string, Bucket>();
  readonly #similar = new Map<string, Similar>();
  readonly #observed = new Map<string, Observation>();

  /** Changes `event` (message, name, count, first time) to what is to be written. */
  correlate(event: EventObject, nowMs: number): Verdict {
    const object = event.involvedObject;
    const regarding = [
      event.source.component,
      event.source.host,
      object.kind,
      object.namespace,
      object.name,
      object.uid,
      object.apiVersion,
    ].join('\u0000');
    // Events of several containers of a pod are similar: the part of the object that an event is about is not looked at.
    const group = [regarding, event.type, event.reason, event.reportingComponent, event.reportingInstance].join(
      '\u0000',
    );
    const combined = this.#combine(group, event.message, nowMs);
    const key = combined ? group : `${group}\u0000${object.fieldPath ?? ''}\u0000${event.message}`;
    if (combined) event.message = `(combined from similar events): ${event.message}`;
    const observed = this.#observed.get(key);
    let verdict: Verdict = 'create';
    if (observed !== undefined) {
      verdict = 'patch';
      observed.count++;
      event.metadata.name = observed.name;
      event.count = observed.count;
      event.firstTimestamp = observed.firstTimestamp;
      remember(this.#observed, key, observed);
    } else {
      const { firstTimestamp } = event;
      remember(this.#observed, key, { name: event.metadata.name, count: 1, firstTimestamp });
    }
    return this.#takeToken(regarding, nowMs) ? verdict : 'drop';
  }

  #combine(group: string, message: string, nowMs: number): boolean {
    let similar = this.#similar.get(group);
    if (similar === undefined || nowMs - similar.lastMs > similarWindowMs)
      similar = { messages: message, lastMs: nowMs };
    similar.lastMs = nowMs;
    const combined = isOneOfMany(similar, message);
    remember(this.#similar, group, similar);
    return combined;
  }

  #takeToken(regarding: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(regarding) ?? { tokens: bucketSize, filledMs: nowMs };
    bucket.tokens = Math.min(bucketSize, bucket.tokens + (nowMs - bucket.filledMs) * refillPerMs);
    bucket.filledMs = nowMs;
    remember(this.#buckets, regarding, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}

/** Takes the message in; true when there have been so many that they become one event, and the oldest is let go of. */
function isOneOfMany(similar: Similar, message: string): boolean {
  if (similar.messages === message) return false;
  if (typeof similar.messages === 'string') similar.messages = new Set([similar.messages]);
  const { messages } = similar;
  messages.add(message);
  if (messages.size < similarMax) return false;
  messages.delete(messages.values().next().value ?? '');
  return true;
}

/** Sets the key as the most recent one and lets go of the oldest beyond the bound. */
export function remember<Value>(table: Map<string, Value>, key: string, value: Value): void {
  table.delete(key);
  table.set(key, value);
  if (table.size > entriesMax) table.delete(table.keys().next().value ?? '');
}
