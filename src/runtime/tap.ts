/** The one tap: every envelope of inline actors passes here, for tracing, for tests, and for injecting faults. */
import type { ActorHost } from './actor-host.ts';
import { type Envelope, type Kind, kindName } from './envelope.ts';
import type { Clock } from './types.ts';

export interface TapRecord {
  readonly from: string;
  readonly to: string;
  readonly kind: keyof typeof Kind;
  /** The channel of a call or an opened stream; empty for what follows them. */
  readonly channel: string;
  /** The number of the call or stream at the actor that made it. */
  readonly id: number;
  /** Length of the packed payload. */
  readonly bytes: number;
}

export type TapObserver = (record: TapRecord) => void;

/**
 * `drop`: never arrives. `duplicate`: arrives twice. `delayMs`: arrives later, and what follows it from the same actor to the
 * same actor not before it; with `scope: 'stream'` only what follows on the same call or stream waits, the rest overtakes it.
 */
export type Verdict =
  | 'deliver'
  | 'drop'
  | 'duplicate'
  | { readonly delayMs: number; readonly scope?: 'actors' | 'stream' };

export type Interceptor = (record: TapRecord) => Verdict;

export class Tap {
  private readonly host: ActorHost;
  private readonly observers = new Set<TapObserver>();
  /** Envelopes that are held back, by sender and receiver, in their order. */
  private readonly held = new Map<string, Held[]>();

  constructor(host: ActorHost) {
    this.host = host;
  }

  observe(observer: TapObserver): () => void {
    this.observers.add(observer);
    this.host.watcher = (message, from, to) => {
      this.show(recordOf(message, from, to));
    };
    return () => {
      this.observers.delete(observer);
      if (this.observers.size === 0) this.host.watcher = undefined;
    };
  }

  /** Shows a record to all observers. */
  show(record: TapRecord): void {
    for (const observer of this.observers) observer(record);
  }

  intercept(interceptor: Interceptor, clock: Clock): () => void {
    this.host.gate = (message, from, to, deliver) => {
      const verdict = interceptor(recordOf(message, from, to));
      if (verdict === 'drop') return;
      const pair = `${from}\n${to}`;
      const stream = `${pair}\n${message.id}`;
      const delayMs = typeof verdict === 'object' ? verdict.delayMs : 0;
      const alone = typeof verdict === 'object' && verdict.scope === 'stream';
      const entry: Held = { deliver, delayMs, copies: verdict === 'duplicate' ? 2 : 1 };
      const held = this.held.get(pair) ?? this.held.get(stream);
      if (held !== undefined) held.push(entry);
      else if (delayMs > 0) this.hold(alone ? stream : pair, [entry], clock);
      else release(entry);
    };
    return () => {
      this.host.gate = undefined;
    };
  }

  /** Waits for the first entry's delay, delivers it and what follows it, up to the next one with a delay of its own. */
  private hold(pair: string, entries: Held[], clock: Clock): void {
    this.held.set(pair, entries);
    clock.after(entries[0]!.delayMs, () => {
      do release(entries.shift()!);
      while (entries.length > 0 && entries[0]!.delayMs === 0);
      if (entries.length > 0) this.hold(pair, entries, clock);
      else this.held.delete(pair);
    });
  }
}

interface Held {
  readonly deliver: () => void;
  readonly delayMs: number;
  readonly copies: number;
}

function release(entry: Held): void {
  for (let copy = 0; copy < entry.copies; copy++) entry.deliver();
}

export function recordOf(message: Envelope, from: string, to: string): TapRecord {
  const { kind, channel, id } = message;
  return { from, to, kind: kindName(kind), channel, id, bytes: message.end - message.start };
}
