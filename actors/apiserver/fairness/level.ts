/**
 * One limited priority level: its seats, and the queues in which requests wait for them. A flow is dealt a hand of queues by
 * its hash and waits in the shortest of them; the next request is the one that would end first had every queue its fair share
 * of the work, so that a flow which fills its queues delays nobody whose hand has another queue.
 *
 *     flow "flooder" → queues 3 9 12      3: ■■■■■■■■   9: ■■■■■■■■   12: ■■■■■■■■   waits behind itself
 *     flow "quiet"   → queues 7 9 15      7: ■                                       the next free seat is its own
 *
 * Most requests run to their end within one turn of the event loop, so seats alone would never be short: after so many seats or
 * so much time a level also waits until the event loop has read what came in the meantime.
 *
 * @see staging/src/k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset/queueset.go
 */

export interface LevelSpec {
  readonly name: string;
  readonly uid: string;
  /** Seats of its own. */
  readonly seats: number;
  /** Seats that one request takes at most. */
  readonly widthMax: number;
  /** Seats of its own that others cannot have. */
  readonly seatsKept: number;
  /** Seats that it may take of others while those do not need them. */
  readonly seatsBorrowedMax: number;
  /** Omitted: what finds no seat is refused. */
  readonly queuing?: { readonly queues: number; readonly handSize: number; readonly queueLengthLimit: number };
}

export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled';

/** A request as its level sees it. The level tells it of its place. */
export interface LevelRequest {
  readonly width: number;
  /** What its queue is charged when it begins, in seconds of a seat. */
  readonly work: number;
  /** Where it waits or waited; undefined for one that found a seat at once. */
  queue: Served | undefined;
  /** Stands for its flow. */
  hash(): number;
  /** Called once: a request that waited has its seat. */
  settle(): void;
}

/** What a queue had. */
export interface Served {
  readonly waiting: { readonly length: number };
  /** Its requests that have begun, and the seats that they have. */
  running: number;
  executing: number;
  /** How much it was served, in seconds of a seat; idle queues catch up with the level. */
  served: number;
}

export interface Queue<Request> extends Served {
  readonly waiting: Request[];
}

/** What levels share: how many seats there are and how many are taken. */
export interface SeatPool {
  readonly seats: number;
  taken: number;
  /** Requests that wait in queues, over all levels. */
  waiting: number;
}

/** Seats that a level with queues fills before the event loop comes round: eight gets, or one list of many objects. */
const TURN_SEATS_MAX = 8;
/** How long its requests may run before the event loop comes round, however few they are. */
const TURN_MS_MAX = 2;
/** What a request is taken for before it has run, in seconds of a seat, as upstream. */
export const ESTIMATED_SECONDS = 0.003;

export class Level<Request extends LevelRequest = LevelRequest> {
  spec: LevelSpec;
  executing = 0;
  waiting = 0;
  readonly #pool: SeatPool;
  readonly #afterInput: (callback: () => void) => void;
  /** What this turn had so far, and whether the event loop is asked to end it. */
  #turnSeats = 0;
  #turnMs = 0;
  #isTurnCalled = false;
  #queues: Queue<Request>[] = [];
  readonly #busy = new Set<Queue<Request>>();
  /** How much the queue that was served last had had: where idle queues begin. */
  #served = 0;

  /** `afterInput` calls back when the event loop has looked at its sockets. */
  constructor(spec: LevelSpec, pool: SeatPool, afterInput: (callback: () => void) => void) {
    this.spec = spec;
    this.#pool = pool;
    this.#afterInput = afterInput;
    this.#shape();
  }

  /** Takes up a changed configuration; requests that wait keep their places. */
  configure(spec: LevelSpec): void {
    const changed = spec.queuing?.queues !== this.spec.queuing?.queues;
    this.spec = spec;
    if (changed) this.#shape();
    this.dispatch();
  }

  get queues(): readonly Queue<Request>[] {
    return this.#queues;
  }

  #shape(): void {
    const count = this.spec.queuing?.queues ?? 0;
    this.#queues = Array.from({ length: count }, () => ({
      waiting: [],
      running: 0,
      executing: 0,
      served: this.#served,
    }));
  }

  #mayTake(width: number): boolean {
    const { seats, seatsKept, seatsBorrowedMax } = this.spec;
    if (this.#turnSeats >= TURN_SEATS_MAX || this.#turnMs >= TURN_MS_MAX) return false;
    const wanted = this.executing + width;
    // A request that is wider than the whole level runs when it is alone.
    if (wanted <= seatsKept || this.executing === 0) return true;
    return wanted <= seats + seatsBorrowedMax && this.#pool.taken + width <= this.#pool.seats;
  }

  #waits(change: number): void {
    this.waiting += change;
    this.#pool.waiting += change;
  }

  #take(width: number): void {
    this.executing += width;
    this.#pool.taken += width;
    if (this.spec.queuing !== undefined) this.#spend(width, 0);
  }

  /**
   * Counts against the turn. Half of one used up asks for the event loop, so that the rest lasts until it has come round; less
   * is carried over, since asking costs more than a seat.
   */
  #spend(seats: number, ms: number): void {
    this.#turnSeats += seats;
    this.#turnMs += ms;
    if (this.#isTurnCalled || (this.#turnSeats < TURN_SEATS_MAX / 2 && this.#turnMs < TURN_MS_MAX / 2)) return;
    this.#isTurnCalled = true;
    this.#afterInput(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isTurnCalled = false;
    this.#turnSeats = 0;
    this.#turnMs = 0;
    this.dispatch();
  };

  /** A seat at once, a place in a queue until it is settled, or a refusal. */
  enter(request: Request): 'begun' | 'queued' | Refusal {
    const { queuing } = this.spec;
    const { width } = request;
    // Where nobody waits there is nothing to be fair about: the hand is not even dealt.
    if (this.waiting === 0 && this.#mayTake(width)) {
      this.#take(width);
      return 'begun';
    }
    if (queuing === undefined || this.#queues.length === 0) return 'concurrency-limit';
    const queue = this.#choose(request.hash(), queuing.handSize);
    if (queue.waiting.length >= queuing.queueLengthLimit) return 'queue-full';
    request.queue = queue;
    if (queue.waiting.length === 0) {
      queue.served = Math.max(queue.served, this.#served);
      this.#busy.add(queue);
    }
    queue.waiting.push(request);
    this.#waits(1);
    return 'queued';
  }

  /** Gives a place in the queue up; false when it was not there any more. */
  abandon(request: Request): boolean {
    for (const queue of this.#busy) {
      const at = queue.waiting.indexOf(request);
      if (at < 0) continue;
      queue.waiting.splice(at, 1);
      this.#waits(-1);
      if (queue.waiting.length === 0) this.#busy.delete(queue);
      return true;
    }
    return false;
  }

  /** A request gives its seat back. `turnMs`: for how much of `ranMs` it kept the event loop. */
  leave({ width, queue }: Request, ranMs: number, turnMs: number): void {
    this.executing -= width;
    this.#pool.taken -= width;
    if (queue !== undefined) {
      queue.running--;
      queue.executing -= width;
      // Who took longer than it was taken for pays for it.
      queue.served += width * Math.max(0, ranMs / 1000 - ESTIMATED_SECONDS);
    }
    if (turnMs > 0 && this.spec.queuing !== undefined) this.#spend(0, turnMs);
    this.dispatch();
  }

  /** Gives free seats to those that wait. */
  dispatch(): void {
    while (this.waiting > 0) {
      const queue = this.#next();
      const first = queue?.waiting[0];
      if (queue === undefined || first === undefined || !this.#mayTake(first.width)) return;
      queue.waiting.shift();
      this.#waits(-1);
      if (queue.waiting.length === 0) this.#busy.delete(queue);
      this.#served = Math.max(this.#served, queue.served);
      this.#take(first.width);
      queue.running++;
      queue.executing += first.width;
      queue.served += first.work;
      first.settle();
    }
  }

  #next(): Queue<Request> | undefined {
    let best: Queue<Request> | undefined;
    let end = Number.POSITIVE_INFINITY;
    for (const queue of this.#busy) {
      const ends = queue.served + (queue.waiting[0] as Request).work;
      if (ends >= end) continue;
      best = queue;
      end = ends;
    }
    return best;
  }

  #choose(hash: number, handSize: number): Queue<Request> {
    let best: Queue<Request> | undefined;
    for (const index of deal(hash, this.#queues.length, handSize)) {
      const queue = this.#queues[index] as Queue<Request>;
      if (best === undefined || loadOf(queue) < loadOf(best)) best = queue;
      if (loadOf(best) === 0) break;
    }
    return best as Queue<Request>;
  }
}

const loadOf = (queue: Queue<unknown>): number => queue.waiting.length + queue.executing;

/** A hand of different cards out of `deck`, always the same for the same hash. */
export function deal(hash: number, deck: number, handSize: number): number[] {
  let rest = hash;
  const hand: number[] = [];
  for (let dealt = 0; dealt < Math.min(handSize, deck); dealt++) {
    const left = deck - dealt;
    let card = rest % left;
    rest = Math.floor(rest / left);
    // The cards of the hand are no longer in the deck.
    for (const lower of [...hand].sort((a, b) => a - b)) if (card >= lower) card++;
    hand.push(card);
  }
  return hand;
}

/** 53 bits of a text, enough for a hand. */
export function hashOf(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
