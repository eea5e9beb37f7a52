/**
 * The bus of one actor: what it serves and feeds to others, and the calls and streams that it has open at others.
 * Its host carries the envelopes; see actor-host.ts.
 */
import { Observable } from 'rxjs';
import type { Cell } from './cell.ts';
import { packPooled, unpackRange } from './codec.ts';
import type { Expiring } from './deadlines.ts';
import { type Envelope, type EnvelopeKind, envelope, Kind, noBytes } from './envelope.ts';
import { BusError, type ErrorParts, fromErrorParts, toErrorParts } from './errors.ts';
import { type Peer, type Route, ServerCall, type Waiter } from './peer.ts';
import { Consumer, Producer } from './streams.ts';
import type { Bus, CallChannel, CallOptions, FeedOptions, ServeContext, StreamChannel } from './types.ts';

const deadlineDefaultMs = 30_000;

type Handler = (request: unknown, context: ServeContext) => unknown;

interface Feed {
  readonly handler: (request: unknown, context: ServeContext) => Observable<unknown>;
  readonly options: FeedOptions<unknown> | undefined;
}

export class CellBus implements Bus {
  /** Calls that an asynchronous handler works on. */
  working = 0;
  private readonly cell: Cell;
  private readonly handlers = new Map<string, Handler>();
  private readonly feeds = new Map<string, Feed>();
  private readonly calls = new Map<number, PendingCall>();
  private readonly consumers = new Map<number, Consumer>();
  /** Peers with calls or streams at this actor, now or earlier. */
  private readonly served = new Set<Peer>();
  private lastId = 0;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  get address(): string {
    return this.cell.address;
  }

  // --- The caller's and consumer's side.

  call<Request, Reply>(
    address: string,
    channel: CallChannel<Request, Reply>,
    request: Request,
    options?: CallOptions,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const { cell } = this;
      // A call of an actor that has ended never settles, as its timers never fire: nothing of it runs any more.
      if (cell.ended && !cell.external) return;
      if (cell.ended) return reject(new BusError('Cancelled', `the connection ${this.address} is closed`));
      if (this.calls.size >= cell.home.callsMax) {
        return reject(
          new BusError('ResourceExhausted', `${this.address} has ${this.calls.size} calls under way, its bound`),
        );
      }
      const signal = options?.signal;
      if (signal?.aborted) return reject(cancelled(channel.name, signal));
      const bytes = packPooled(request);
      const id = this.nextId();
      const route = cell.home.route(cell, address);
      const call = new PendingCall(this, id, channel.name, route, resolve as (reply: unknown) => void, reject);
      this.calls.set(id, call);
      cell.home.pendingCalls++;
      route.waiters.add(call);
      call.deadlineMs = options?.deadlineMs ?? deadlineDefaultMs;
      cell.home.deadlines.add(call, call.deadlineMs);
      if (signal !== undefined) call.listen(signal);
      this.post(Kind.call, channel.name, route, id, bytes);
    });
  }

  open<Request, Item>(address: string, channel: StreamChannel<Request, Item>, request: Request): Observable<Item> {
    return new Observable<unknown>((subscriber) => {
      const { cell } = this;
      if (cell.ended) {
        if (cell.external) subscriber.error(new BusError('Cancelled', `the connection ${this.address} is closed`));
        return;
      }
      const bytes = packPooled(request);
      const id = this.nextId();
      const route = cell.home.route(cell, address);
      const consumer = new Consumer(subscriber, {
        post: (kind, payload, items, size) => this.post(kind, '', route, id, payload, items, size),
        closed: () => {
          this.consumers.delete(id);
          route.waiters.delete(waiter);
        },
      });
      const waiter: Waiter = { unavailable: (reason) => cell.guard(() => consumer.unavailable(reason)) };
      this.consumers.set(id, consumer);
      route.waiters.add(waiter);
      this.post(Kind.open, channel.name, route, id, bytes);
      return () => consumer.unsubscribed();
    }) as Observable<Item>;
  }

  // --- The server's and producer's side.

  serve<Request, Reply>(
    channel: CallChannel<Request, Reply>,
    handler: (request: Request, context: ServeContext) => Reply | Promise<Reply>,
  ): void {
    if (this.handlers.has(channel.name)) throw new Error(`${this.address} serves ${channel.name} already`);
    this.handlers.set(channel.name, handler as Handler);
  }

  feed<Request, Item>(
    channel: StreamChannel<Request, Item>,
    handler: (request: Request, context: ServeContext) => Observable<Item>,
    options?: FeedOptions<Item>,
  ): void {
    if (this.feeds.has(channel.name)) throw new Error(`${this.address} feeds ${channel.name} already`);
    this.feeds.set(channel.name, { handler, options } as Feed);
  }

  // --- Envelopes that arrive.

  /** A call from `peer`: its handler runs now, its reply goes out when the handler is done. */
  onCall(peer: Peer, message: Envelope): void {
    const handler = this.handlers.get(message.channel);
    if (handler === undefined) {
      this.refuse(peer, message, 'serves');
      return;
    }
    const call = new ServerCall(peer.caller, this);
    let result: unknown;
    try {
      result = this.cell.run(() => handler(unpackRange(message.bytes, message.start, message.end), call));
    } catch (error) {
      this.answer(peer, Kind.fail, message.id, packPooled(toErrorParts(error)));
      return;
    }
    if (!(result instanceof Promise)) {
      this.reply(peer, message.id, result);
      return;
    }
    peer.calls.set(message.id, call);
    this.worksFor(peer);
    this.working++;
    this.cell.home.working++;
    result.then(
      (reply) => this.finish(peer, message.id, call) && this.reply(peer, message.id, reply),
      (error) =>
        this.finish(peer, message.id, call) &&
        this.answer(peer, Kind.fail, message.id, packPooled(toErrorParts(error))),
    );
  }

  /** A stream that `peer` opens: the handler's Observable is subscribed to now. */
  onOpen(peer: Peer, message: Envelope): void {
    const feed = this.feeds.get(message.channel);
    if (feed === undefined) {
      this.refuse(peer, message, 'feeds');
      return;
    }
    // A duplicated message: the stream is open already.
    if (peer.streams.has(message.id)) return;
    const call = new ServerCall(peer.caller, this);
    const producer = new Producer(
      call,
      {
        post: (kind, bytes, items, size) => this.answer(peer, kind, message.id, bytes, items, size),
        closed: () => {
          peer.streams.delete(message.id);
        },
      },
      feed.options,
    );
    peer.streams.set(message.id, producer);
    this.worksFor(peer);
    this.cell.run(() => {
      try {
        producer.subscribe(feed.handler(unpackRange(message.bytes, message.start, message.end), call));
      } catch (error) {
        producer.fail(error);
      }
    });
  }

  /** The peer cancels a call or stream, or is gone. */
  onCancel(peer: Peer, id: number): void {
    const call = peer.calls.get(id);
    if (call !== undefined && this.finish(peer, id, call)) this.cell.guard(() => call.cancel());
    const stream = peer.streams.get(id);
    if (stream !== undefined) this.cell.guard(() => stream.cancel());
  }

  onReply(message: Envelope): void {
    this.calls.get(message.id)?.resolved(message);
  }

  onFail(message: Envelope): void {
    const parts = unpackRange(message.bytes, message.start, message.end) as ErrorParts;
    this.calls.get(message.id)?.rejected(parts);
    const consumer = this.consumers.get(message.id);
    if (consumer !== undefined) this.cell.guard(() => consumer.fail(parts));
  }

  onItem(message: Envelope): void {
    const consumer = this.consumers.get(message.id);
    if (consumer !== undefined) this.cell.guard(() => consumer.item(message));
  }

  onEnd(message: Envelope): void {
    const consumer = this.consumers.get(message.id);
    if (consumer !== undefined) this.cell.guard(() => consumer.complete());
  }

  /** The actor is gone: what it had open is cancelled at the others, and what it worked on is forgotten. */
  end(): void {
    for (const consumer of [...this.consumers.values()]) consumer.drop();
    for (const call of [...this.calls.values()]) call.dropped(this.cell.external);
    this.cell.home.working -= this.working;
    this.working = 0;
    this.handlers.clear();
    this.feeds.clear();
    for (const peer of this.served) peer.forget(this);
    this.served.clear();
  }

  /** A peer is gone: what was worked on for it is cancelled. */
  onGone(peer: Peer): void {
    this.served.delete(peer);
    for (const [id, call] of [...peer.calls]) if (call.server === this) this.onCancel(peer, id);
    for (const [id, stream] of [...peer.streams]) if (stream.call.server === this) this.onCancel(peer, id);
  }

  /** The peer processed items of a stream. */
  onCredit(peer: Peer, message: Envelope): void {
    const stream = peer.streams.get(message.id);
    if (stream !== undefined) this.cell.guard(() => stream.credit(message.items, message.size));
  }

  // --- For pending calls.

  /** Forgets a call; true when it was still pending. */
  release(call: PendingCall): boolean {
    if (!this.calls.delete(call.id)) return false;
    const { home } = this.cell;
    home.pendingCalls--;
    home.deadlines.remove(call);
    call.route.waiters.delete(call);
    return true;
  }

  cancelAtServer(call: PendingCall): void {
    this.post(Kind.cancel, '', call.route, call.id, noBytes);
  }

  private worksFor(peer: Peer): void {
    this.served.add(peer);
    peer.servers.add(this);
  }

  private nextId(): number {
    this.lastId = (this.lastId + 1) >>> 0;
    return this.lastId;
  }

  private post(
    kind: EnvelopeKind,
    channel: string,
    route: Route,
    id: number,
    bytes: Uint8Array,
    items = 0,
    size = 0,
  ): void {
    const { cell } = this;
    cell.sent++;
    if (route.number !== 0)
      cell.home.send(route.link, envelope(kind, channel, cell.number, route.number, id, bytes, items, size), cell);
    else route.held.push((number) => envelope(kind, channel, cell.number, number, id, bytes, items, size));
  }

  /** An asynchronous handler is done, or nobody waits for it any more; true when its answer is still wanted. */
  private finish(peer: Peer, id: number, call: ServerCall): boolean {
    if (call.finished || this.cell.ended) return false;
    call.finished = true;
    this.working--;
    this.cell.home.working--;
    this.cell.home.wake();
    // A duplicated message makes two calls of one id: the later one answers.
    if (peer.calls.get(id) !== call) return false;
    peer.calls.delete(id);
    return true;
  }

  private reply(peer: Peer, id: number, reply: unknown): void {
    let kind: EnvelopeKind = Kind.reply;
    let bytes: Uint8Array;
    try {
      bytes = packPooled(reply);
    } catch (error) {
      kind = Kind.fail;
      bytes = packPooled(toErrorParts(error));
    }
    this.answer(peer, kind, id, bytes);
  }

  private refuse(peer: Peer, message: Envelope, verb: string): void {
    const parts: ErrorParts = { code: 'NotServed', message: `${this.address} ${verb} no channel ${message.channel}` };
    this.answer(peer, Kind.fail, message.id, packPooled(parts));
  }

  private answer(peer: Peer, kind: EnvelopeKind, id: number, bytes: Uint8Array, items = 0, size = 0): void {
    const { cell } = this;
    if (cell.ended) return;
    cell.sent++;
    cell.home.send(peer.link, envelope(kind, '', cell.number, peer.number, id, bytes, items, size), cell);
  }
}

/** A call that waits for its reply. */
class PendingCall implements Expiring, Waiter {
  readonly id: number;
  readonly route: Route;
  bucket: Set<Expiring> | undefined = undefined;
  deadlineMs = 0;
  private readonly bus: CellBus;
  private readonly channel: string;
  private readonly resolve: (reply: unknown) => void;
  private readonly reject: (error: unknown) => void;
  private signal: AbortSignal | undefined;
  private onAbort: (() => void) | undefined;

  constructor(
    bus: CellBus,
    id: number,
    channel: string,
    route: Route,
    resolve: (reply: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.bus = bus;
    this.id = id;
    this.channel = channel;
    this.route = route;
    this.resolve = resolve;
    this.reject = reject;
  }

  listen(signal: AbortSignal): void {
    this.signal = signal;
    this.onAbort = () => {
      if (!this.settle()) return;
      this.bus.cancelAtServer(this);
      this.reject(cancelled(this.channel, signal));
    };
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  resolved(message: Envelope): void {
    if (!this.settle()) return;
    try {
      this.resolve(unpackRange(message.bytes, message.start, message.end));
    } catch (error) {
      this.reject(error);
    }
  }

  rejected(parts: ErrorParts): void {
    if (this.settle()) this.reject(fromErrorParts(parts));
  }

  unavailable(reason: string): void {
    this.rejected({ code: 'ServiceUnavailable', message: reason });
  }

  expire(): void {
    if (!this.settle()) return;
    this.bus.cancelAtServer(this);
    this.reject(
      new BusError(
        'DeadlineExceeded',
        `${this.route.address} did not answer ${this.channel} of ${this.bus.address} within ${this.deadlineMs} ms`,
      ),
    );
  }

  /** The calling actor is gone. */
  dropped(tell: boolean): void {
    if (!this.settle()) return;
    this.bus.cancelAtServer(this);
    if (tell) this.reject(new BusError('Cancelled', `the connection ${this.bus.address} was closed`));
  }

  private settle(): boolean {
    if (!this.bus.release(this)) return false;
    if (this.onAbort !== undefined) this.signal?.removeEventListener('abort', this.onAbort);
    return true;
  }
}

function cancelled(channel: string, signal: AbortSignal): BusError {
  return new BusError('Cancelled', `the call of ${channel} was cancelled: ${String(signal.reason)}`);
}
