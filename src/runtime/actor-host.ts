/**
 * A host: the actors that live in one thread, the queue between them, and the links to other hosts. The main thread has one
 * for inline actors and for the program's own connections; each worker thread has one (see host.ts). What a host does not know
 * (where an address is) it asks its supervisor; what happens to its actors it tells the supervisor.
 *
 *     actor ──► send ──► queue of this host ──► deliver ──► actor          (same host)
 *                  └───► link: frame of this turn ──► deliver ──► actor    (other host)
 */
import { Cell, type CellSpec } from './cell.ts';
import type { HostClock } from './clock.ts';
import { packPooled, unpackRange } from './codec.ts';
import { Deadlines } from './deadlines.ts';
import { type Envelope, envelope, Kind } from './envelope.ts';
import { BusError, type ErrorParts, traceOf } from './errors.ts';
import type { LogLevel, LogSink } from './log.ts';
import { type Link, Peer, Route } from './peer.ts';
import { SharedValues } from './shared-values.ts';
import { type Task, Turns } from './turns.ts';
import type { Caller } from './types.ts';
import { enter } from './unhandled.ts';

/** Where an actor is: its number, and the link to its host unless that is the asking host itself. */
export interface Target {
  readonly number: number;
  readonly link: Link | undefined;
}

/** What a host needs from outside. */
export interface HostSupervisor {
  /** Answers, now or later and once, with where the actor at `address` is; undefined when it is down or unknown. */
  resolve(address: string, answer: (target: Target | undefined) => void): void;
  /** An actor ended by a bug. */
  crashed(number: number, error: unknown): void;
}

export interface HostOptions {
  readonly id: string;
  /** For one actor alone. Default false. */
  readonly dedicated?: boolean;
  /** The first of the numbers that this host may give to cells of its own. */
  readonly firstNumber: number;
  readonly clock: HostClock;
  readonly seed: number;
  readonly log: LogSink;
  readonly logLevel: LogLevel | 'silent';
  /** Calls that one actor may have under way. */
  readonly callsMax: number;
  readonly supervisor: HostSupervisor;
}

/** What passes on its way: nothing, or every envelope before it is queued or framed. */
export type Watcher = (message: Envelope, from: string, to: string) => void;

/** May swallow or delay an envelope between actors of this host, by delivering it later itself. */
export type Gate = (message: Envelope, from: string, to: string, deliver: () => void) => void;

export class ActorHost {
  readonly id: string;
  readonly dedicated: boolean;
  readonly clock: HostClock;
  readonly seed: number;
  readonly log: LogSink;
  readonly logLevel: LogLevel | 'silent';
  readonly callsMax: number;
  readonly deadlines: Deadlines;
  readonly shared: SharedValues;
  readonly cells = new Map<number, Cell>();
  /** Sums over the host's actors: see Cell and CellBus. */
  working = 0;
  pendingCalls = 0;
  activities = 0;
  outside = 0;
  watcher: Watcher | undefined;
  gate: Gate | undefined;
  /** Called when nothing is queued and all promises settled; true when it did something. */
  onIdle: () => boolean = () => false;
  private readonly supervisor: HostSupervisor;
  private readonly turns: Turns;
  private readonly byAddress = new Map<string, Cell>();
  private readonly routes = new Map<string, Route>();
  private readonly routesByNumber = new Map<number, Route>();
  private readonly peers = new Map<number, Peer>();
  private readonly links = new Set<Link>();
  private readonly dirty = new Set<Link>();

  constructor(options: HostOptions) {
    this.id = options.id;
    this.dedicated = options.dedicated ?? false;
    this.shared = new SharedValues(this, options.firstNumber);
    this.clock = options.clock;
    this.seed = options.seed;
    this.log = options.log;
    this.logLevel = options.logLevel;
    this.callsMax = options.callsMax;
    this.supervisor = options.supervisor;
    this.deadlines = new Deadlines(options.clock);
    this.turns = new Turns({
      deliver: (message) => this.deliverLocal(message),
      flush: () => this.flush(),
      idle: () => this.onIdle(),
    });
  }

  /** Entries that wait in the queue. */
  get queued(): number {
    return this.turns.length;
  }

  /** Whether something is left to do, apart from timers and from envelopes that are on a link. */
  get busy(): boolean {
    return (
      this.turns.length > 0 || this.working > 0 || this.pendingCalls > 0 || this.activities > 0 || this.outside > 0
    );
  }

  /** Envelopes over the present links; what one host sent and the other did not receive yet is under way. */
  get linkTotals(): { readonly sent: number; readonly received: number } {
    let sent = 0;
    let received = 0;
    for (const link of this.links) {
      sent += link.sent;
      received += link.received;
    }
    return { sent, received };
  }

  // --- Actors.

  /** Makes the cell of an actor that is about to start, or of a connection, which is ready at once. */
  add(spec: CellSpec, external = false): Cell {
    const cell = new Cell(this, spec, external);
    this.cells.set(spec.number, cell);
    this.byAddress.set(spec.address, cell);
    this.peers.set(spec.number, new Peer(spec.number, cell.caller, undefined));
    cell.ready = external;
    return cell;
  }

  /** Number of the embedding program's connection at `address`; 0 when there is none. */
  connectionAt(address: string): number {
    const cell = this.byAddress.get(address);
    return cell?.external === true ? cell.number : 0;
  }

  /** Ends an actor: the actors that wait for it are told, after what it sent before. */
  remove(cell: Cell, reason: string, error: unknown = new BusError('Cancelled', reason)): void {
    if (!this.cells.delete(cell.number)) return;
    if (this.byAddress.get(cell.address) === cell) this.byAddress.delete(cell.address);
    cell.end(error);
    this.unroute(cell.number);
    this.shared.left(cell);
    for (const link of this.links) {
      if (link.introduced.delete(cell.number) || cell.links.has(link)) {
        this.send(link, envelope(Kind.down, '', cell.number, 0, 0, packPooled(reason)), cell);
      }
    }
    this.turns.push(() => this.gone(cell.number, reason));
  }

  crashed(cell: Cell, error: unknown): void {
    cell.log.error('actor ended by an error', { error: traceOf(error) });
    const { ready } = cell;
    this.remove(cell, `${cell.address} crashed`, error);
    // While an actor starts, whoever starts it learns of its end from the start itself.
    if (!this.shared.crashed(cell, error) && ready) this.supervisor.crashed(cell.number, error);
  }

  // --- Sending.

  /** The way from `cell` to the actor at `address`. An actor reaches itself also while it starts. */
  route(cell: Cell, address: string): Route {
    const known = this.routes.get(address);
    if (known !== undefined) return known;
    const route = new Route(address);
    const local = this.byAddress.get(address);
    if (local !== undefined && (local.ready || local === cell)) {
      route.number = local.number;
      // Others must not take the route of an actor to itself before it is ready.
      if (!local.ready) return route;
      this.routesByNumber.set(local.number, route);
    }
    this.routes.set(address, route);
    if (route.number === 0) this.supervisor.resolve(address, (target) => this.resolved(route, target));
    return route;
  }

  /** The actor is not there any more: from now on its address is asked for again. What waits for it is told in its turn. */
  unroute(number: number): void {
    const route = this.routesByNumber.get(number);
    if (route !== undefined && this.routes.get(route.address) === route) this.routes.delete(route.address);
  }

  send(link: Link | undefined, message: Envelope, from: Cell): void {
    this.watcher?.(message, from.address, this.addressOf(message.to));
    if (link === undefined) {
      if (this.gate === undefined) this.enqueue(message);
      else this.gate(message, from.address, this.addressOf(message.to), () => this.enqueue(message));
      return;
    }
    if ((message.kind === Kind.call || message.kind === Kind.open) && !link.introduced.has(from.number)) {
      link.introduced.add(from.number);
      this.sendFrame(link, envelope(Kind.introduce, '', from.number, 0, 0, packPooled(from.caller)));
    }
    this.sendFrame(link, message);
  }

  /** Calls back when what is queued now was delivered. */
  turn(task: Task): void {
    this.turns.push(task);
  }

  /** Calls back when the event loop has looked at sockets and other threads. */
  afterInput(task: Task): void {
    this.turns.pushAfterInput(task);
  }

  wake(): void {
    this.turns.wake();
  }

  // --- Links.

  attach(link: Link): void {
    this.links.add(link);
  }

  /** The other host is gone, and with it every actor there. */
  detach(link: Link, reason: string): void {
    if (!this.links.delete(link)) return;
    this.dirty.delete(link);
    link.close();
    for (const route of [...this.routesByNumber.values()]) if (route.link === link) this.gone(route.number, reason);
    for (const peer of [...this.peers.values()]) if (peer.link === link) this.gone(peer.number, reason);
  }

  /** An envelope that came over a link. */
  receive(link: Link, message: Envelope): void {
    link.received++;
    if (message.kind === Kind.introduce) {
      const caller = unpackRange(message.bytes, message.start, message.end) as Caller;
      this.peers.set(message.from, new Peer(message.from, caller, link));
    } else if (message.kind === Kind.down) {
      this.gone(message.from, unpackRange(message.bytes, message.start, message.end) as string);
    } else this.deliver(message);
  }

  /** Ends the host: its actors, then its links. */
  close(): void {
    for (const cell of [...this.cells.values()]) this.remove(cell, `${cell.address} was stopped`);
    this.flush();
    for (const link of this.links) link.close();
    this.links.clear();
  }

  private resolved(route: Route, target: Target | undefined): void {
    if (this.routes.get(route.address) !== route || route.number !== 0) return;
    // A link may be closed already although the supervisor has not heard of the other host's end yet.
    const gone = target === undefined || (target.link !== undefined && !this.links.has(target.link));
    if (gone) {
      this.routes.delete(route.address);
      // In a turn of its own: who asked may not have joined the route's waiters yet.
      this.turns.push(() => {
        for (const waiter of [...route.waiters]) waiter.unavailable(`no actor runs at ${route.address}`);
      });
      return;
    }
    route.number = target.number;
    route.link = target.link;
    this.routesByNumber.set(target.number, route);
    const held = route.held;
    route.held = [];
    for (const make of held) {
      const message = make(target.number);
      const from = this.cells.get(message.from);
      if (from !== undefined) this.send(target.link, message, from);
    }
  }

  private sendFrame(link: Link, message: Envelope): void {
    link.sent++;
    link.send(message);
    this.dirty.add(link);
    this.turns.wake();
  }

  private flush(): void {
    if (this.dirty.size === 0) return;
    for (const link of this.dirty) link.flush();
    this.dirty.clear();
  }

  private enqueue(message: Envelope): void {
    const cell = this.cells.get(message.to);
    if (cell !== undefined) cell.queued++;
    this.turns.push(message);
  }

  private deliverLocal(message: Envelope): void {
    const cell = this.cells.get(message.to);
    if (cell !== undefined) cell.queued--;
    this.deliver(message);
  }

  private deliver(message: Envelope): void {
    const cell = this.cells.get(message.to);
    if (cell === undefined) {
      this.bounce(message);
      return;
    }
    cell.received++;
    const { bus } = cell;
    switch (message.kind) {
      case Kind.reply:
        bus.onReply(message);
        return;
      case Kind.fail:
        bus.onFail(message);
        return;
      case Kind.item:
        bus.onItem(message);
        return;
      case Kind.end:
        bus.onEnd(message);
        return;
    }
    const peer = this.peers.get(message.from);
    // The sender ended in the meantime: nobody waits for an answer.
    if (peer === undefined) return;
    if (peer.link !== undefined) cell.links.add(peer.link);
    switch (message.kind) {
      case Kind.call:
        bus.onCall(peer, message);
        return;
      case Kind.open:
        bus.onOpen(peer, message);
        return;
      case Kind.cancel:
        bus.onCancel(peer, message.id);
        return;
      case Kind.credit:
        bus.onCredit(peer, message);
        return;
    }
  }

  /** The receiver ended before this came: a caller is told, anything else is of no use to anybody. */
  private bounce(message: Envelope): void {
    if (message.kind !== Kind.call && message.kind !== Kind.open) return;
    const peer = this.peers.get(message.from);
    if (peer === undefined) return;
    const parts: ErrorParts = { code: 'ServiceUnavailable', message: 'the actor ended before it got the message' };
    const answer = envelope(Kind.fail, '', message.to, message.from, message.id, packPooled(parts));
    if (peer.link === undefined) this.enqueue(answer);
    else this.sendFrame(peer.link, answer);
  }

  /** An actor, here or elsewhere, is gone: what waits for it fails, what it waits for is cancelled. */
  private gone(number: number, reason: string): void {
    const route = this.routesByNumber.get(number);
    if (route !== undefined) {
      this.unroute(number);
      this.routesByNumber.delete(number);
      for (const waiter of [...route.waiters]) waiter.unavailable(reason);
    }
    const peer = this.peers.get(number);
    if (peer !== undefined) {
      this.peers.delete(number);
      for (const server of [...peer.servers]) server.onGone(peer);
    }
    enter(undefined);
  }

  private addressOf(number: number): string {
    return this.peers.get(number)?.caller.address ?? this.routesByNumber.get(number)?.address ?? '';
  }
}
