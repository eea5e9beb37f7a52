/** What a host keeps about actors that it exchanges envelopes with: the other side of calls and streams, and the routes to addresses. */
import type { Envelope } from './envelope.ts';
import { BusError } from './errors.ts';
import type { Producer } from './streams.ts';
import type { Caller, ServeContext } from './types.ts';

/** The way to another host. */
export interface Link {
  /** Numbers of this host's actors that the other side was told of. */
  readonly introduced: Set<number>;
  /** Envelopes that went over it, this way and that. */
  sent: number;
  received: number;
  send(message: Envelope): void;
  /** Sends what was gathered since the last flush, as one frame. */
  flush(): void;
  close(): void;
}

/** The serving side of a peer's calls and streams: the bus of one actor of this host. */
export interface Server {
  onGone(peer: Peer): void;
}

/** An actor that sent something to an actor of this host: an actor of the same host (no link), or one behind a link. */
export class Peer {
  readonly number: number;
  readonly caller: Caller;
  readonly link: Link | undefined;
  /** Calls of this peer that an asynchronous handler still works on, by the peer's number for the call. */
  readonly calls = new Map<number, ServerCall>();
  /** Streams that this peer opened at actors of this host. */
  readonly streams = new Map<number, Producer>();
  /** Actors of this host that work, or worked, for this peer. */
  readonly servers = new Set<Server>();

  constructor(number: number, caller: Caller, link: Link | undefined) {
    this.number = number;
    this.caller = caller;
    this.link = link;
  }

  /** `server` is gone: what it did for this peer is cancelled, without a word to the peer. */
  forget(server: Server): void {
    this.servers.delete(server);
    for (const [id, call] of [...this.calls]) {
      if (call.server !== server) continue;
      this.calls.delete(id);
      call.cancel();
    }
    for (const stream of [...this.streams.values()]) {
      if (stream.call.server === server) stream.cancel();
    }
  }
}

/** The context of one served call or stream. Its signal is made on first use: most handlers never ask for it. */
export class ServerCall implements ServeContext {
  readonly caller: Caller;
  readonly server: Server;
  /** Whether its handler is not counted as working any more. */
  finished = false;
  private controller: AbortController | undefined;
  private cancelled = false;

  constructor(caller: Caller, server: Server) {
    this.caller = caller;
    this.server = server;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelled) this.controller.abort(cancelReason());
    }
    return this.controller.signal;
  }

  cancel(): void {
    this.cancelled = true;
    this.controller?.abort(cancelReason());
  }
}

function cancelReason(): BusError {
  return new BusError('Cancelled', 'the caller does not wait for the answer any more');
}

/** Something that waits for an answer from the actor behind a route. */
export interface Waiter {
  /** Called once, when the actor behind the route is gone. */
  unavailable(reason: string): void;
}

/** How this host reaches an address: asked for once, kept until the actor there is gone. */
export class Route {
  readonly address: string;
  /** The actor's number; 0 while the supervisor has not answered. */
  number = 0;
  link: Link | undefined;
  /** What is sent when the supervisor answers. */
  held: ((number: number) => Envelope)[] = [];
  readonly waiters = new Set<Waiter>();

  constructor(address: string) {
    this.address = address;
  }
}
