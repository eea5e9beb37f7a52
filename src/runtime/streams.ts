/**
 * The two ends of a stream. The producer's end sends items while it has credits and queues them, packed, when it has none;
 * the consumer's end returns credits when half of the window was processed. So what is under way on a stream never exceeds
 * the window, and what waits never exceeds the producer's bound, however slow the consumer is.
 *
 *     Observable ──next──► Producer ──items──► Consumer ──next──► subscriber
 *                             ▲ └ queue ≤ itemsMax, bytesMax        │
 *                             └──────────────── credits ◄───────────┘
 */
import type { Observable, Subscriber, Subscription } from 'rxjs';
import { packPooled, unpackRange } from './codec.ts';
import { type Envelope, Kind, noBytes } from './envelope.ts';
import { BusError, type ErrorParts, fromErrorParts, toErrorParts } from './errors.ts';
import type { ServerCall } from './peer.ts';
import type { FeedOptions } from './types.ts';

/** Items and bytes that may be under way on one stream. */
export const windowItems = 4096;
export const windowBytes = 1024 * 1024;
const itemsMaxDefault = 65_536;
const bytesMaxDefault = 64 * 1024 * 1024;

/** What an end of a stream needs of its actor. */
export interface StreamEnd {
  post(kind: Envelope['kind'], bytes: Uint8Array, items: number, size: number): void;
  /** The stream is over; forget it. */
  closed(): void;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** The producing end of one opened stream. */
export class Producer {
  readonly call: ServerCall;
  private readonly end: StreamEnd;
  private readonly itemsMax: number;
  private readonly bytesMax: number;
  private readonly sizeOf: ((item: unknown) => number) | undefined;
  private creditItems = windowItems;
  private creditBytes = windowBytes;
  private queue: Waiting[] = [];
  private head = 0;
  private queuedBytes = 0;
  private last: { readonly kind: Envelope['kind']; readonly bytes: Uint8Array } | undefined;
  private over = false;
  private subscription: Subscription | undefined;

  constructor(call: ServerCall, end: StreamEnd, options: FeedOptions<unknown> | undefined) {
    this.call = call;
    this.end = end;
    this.itemsMax = options?.itemsMax ?? itemsMaxDefault;
    this.bytesMax = options?.bytesMax ?? bytesMaxDefault;
    this.sizeOf = options?.sizeOf;
  }

  /** Items that wait for credits. */
  get waiting(): number {
    return this.queue.length - this.head;
  }

  subscribe(source: Observable<unknown>): void {
    const subscription = source.subscribe({
      next: (item) => this.next(item),
      error: (error) => this.finish(Kind.fail, packPooled(toErrorParts(error))),
      complete: () => this.finish(Kind.end, noBytes),
    });
    if (this.over) subscription.unsubscribe();
    else this.subscription = subscription;
  }

  /** Fails the stream with what the handler or the observable threw, after the items that wait. */
  fail(error: unknown): void {
    this.finish(Kind.fail, packPooled(toErrorParts(error)));
  }

  credit(items: number, bytes: number): void {
    this.creditItems += items;
    this.creditBytes += bytes;
    while (this.head < this.queue.length && this.creditItems > 0 && this.creditBytes > 0) {
      const waiting = this.queue[this.head]!;
      this.head++;
      this.queuedBytes -= waiting.size;
      this.send(waiting.bytes, waiting.size);
    }
    if (this.head === this.queue.length) {
      this.queue = [];
      this.head = 0;
      if (this.last !== undefined) this.close(this.last.kind, this.last.bytes);
    } else if (this.head > 1024 && this.head * 2 > this.queue.length) {
      this.queue.splice(0, this.head);
      this.head = 0;
    }
  }

  /** The consumer is gone or wants no more: nothing is sent any more. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.queue = [];
    this.head = 0;
    this.end.closed();
    this.subscription?.unsubscribe();
    this.call.cancel();
  }

  private next(item: unknown): void {
    if (this.over || this.last !== undefined) return;
    let bytes: Uint8Array;
    let size: number;
    try {
      bytes = packPooled(item);
      size = this.sizeOf === undefined ? bytes.length : this.sizeOf(item);
    } catch (error) {
      this.fail(error);
      this.subscription?.unsubscribe();
      return;
    }
    if (this.head === this.queue.length && this.creditItems > 0 && this.creditBytes > 0) {
      this.send(bytes, size);
      return;
    }
    this.queue.push({ bytes, size });
    this.queuedBytes += size;
    if (this.waiting > this.itemsMax || this.queuedBytes > this.bytesMax) this.overflow();
  }

  private overflow(): void {
    const error = new BusError(
      'ResourceExhausted',
      `the consumer did not keep up: ${this.waiting} items of ${this.queuedBytes} bytes wait ` +
        `(bounds: ${this.itemsMax} items, ${this.bytesMax} bytes)`,
    );
    const subscription = this.subscription;
    this.queue = [];
    this.head = 0;
    this.close(Kind.fail, packPooled(toErrorParts(error)));
    subscription?.unsubscribe();
  }

  private finish(kind: Envelope['kind'], bytes: Uint8Array): void {
    if (this.over || this.last !== undefined) return;
    if (this.head === this.queue.length) this.close(kind, bytes);
    else this.last = { kind, bytes };
  }

  private close(kind: Envelope['kind'], bytes: Uint8Array): void {
    this.over = true;
    this.end.post(kind, bytes, 0, 0);
    this.end.closed();
    this.call.cancel();
  }

  private send(bytes: Uint8Array, size: number): void {
    this.creditItems--;
    this.creditBytes -= size;
    this.end.post(Kind.item, bytes, 0, size);
  }
}

/** The consuming end of one opened stream. */
export class Consumer {
  private readonly subscriber: Subscriber<unknown>;
  private readonly end: StreamEnd;
  private items = 0;
  private bytes = 0;
  private over = false;

  constructor(subscriber: Subscriber<unknown>, end: StreamEnd) {
    this.subscriber = subscriber;
    this.end = end;
  }

  item(message: Envelope): void {
    this.subscriber.next(unpackRange(message.bytes, message.start, message.end));
    if (this.over) return;
    this.items++;
    this.bytes += message.size;
    if (this.items * 2 >= windowItems || this.bytes * 2 >= windowBytes) {
      this.end.post(Kind.credit, noBytes, this.items, this.bytes);
      this.items = 0;
      this.bytes = 0;
    }
  }

  complete(): void {
    if (!this.finish()) return;
    this.subscriber.complete();
  }

  fail(parts: ErrorParts): void {
    if (!this.finish()) return;
    this.subscriber.error(fromErrorParts(parts));
  }

  unavailable(reason: string): void {
    this.fail({ code: 'ServiceUnavailable', message: reason });
  }

  /** The subscriber unsubscribed: the producer is told, unless the stream is over anyway. */
  unsubscribed(): void {
    if (!this.finish()) return;
    this.end.post(Kind.cancel, noBytes, 0, 0);
  }

  /** The consuming actor is gone. */
  drop(): void {
    this.unsubscribed();
    this.subscriber.unsubscribe();
  }

  private finish(): boolean {
    if (this.over) return false;
    this.over = true;
    this.end.closed();
    return true;
  }
}
