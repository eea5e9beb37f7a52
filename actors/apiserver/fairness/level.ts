/**
 * One limited priority level: its seats, and the queues in which requests wait for them. A flow is dealt a hand of queues by
 * its hash and waits in the shortest of them; seats go to the queue that had the least so far, so that a flow which fills its
 * queues delays nobody whose hand has another queue.
 *
 *     flow "flooder" → queues 3 9 12      3: ■■■■■■■■   9: ■■■■■■■■   12: ■■■■■■■■   waits behind itself
 *     flow "quiet"   → queues 7 9 15      7: ■                                       the next free seat is its own
 *
 * Most requests run to their end within one turn of the event loop, so seats alone would never be short: after so many starts a
 * level also waits for the turn's end, and what came in the meantime is looked at before the next ones.
 *
 * @see staging/src/k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset/queueset.go
 */

import type { TakenRequest } from './dump.ts';

export interface LevelSpec {
  readonly name: string;
  readonly uid: string;
  /** Seats of its own. */
  readonly seats: number;
  /** Seats of its own that others cannot have. */
  readonly seatsKept: number;
  /** Seats that it may take of others while those do not need them. */
  readonly seatsBorrowedMax: number;
  /** Omitted: what finds no seat is refused. */
  readonly queuing?: { readonly queues: number; readonly handSize: number; readonly queueLengthLimit: number };
}

export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled';

interface Waiting {
  readonly width: number;
  readonly queue: Queue;
  /** Who waits. */
  readonly told: () => TakenRequest;
  /** Called once: with a seat, or with why there is none. */
  readonly settle: (refusal: Refusal | undefined) => void;
}

export interface Queue {
  readonly waiting: Waiting[];
  executing: number;
  /** How much it was served, in seats; idle queues catch up with the level. */
  served: number;
}

/** What levels share: how many seats there are and how many are taken. */
export interface SeatPool {
  readonly seats: number;
  taken: number;
  /** Requests that wait in queues, over all levels. */
  waiting: number;
}

/** Requests that a level with queues starts before others get their turn of the event loop: about two milliseconds of work. */
const TURN_STARTS_MAX = 8;

export class Level {
  spec: LevelSpec;
  executing = 0;
  waiting = 0;
  readonly #pool: SeatPool;
  readonly #nextTurn: (callback: () => void) => void;
  #startedInTurn = 0;
  #queues: Queue[] = [];
  readonly #busy = new Set<Queue>();
  /** How much the queue that was served last had had: where idle queues begin. */
  #served = 0;

  /** `nextTurn` calls back in the next turn of the event loop. */
  constructor(spec: LevelSpec, pool: SeatPool, nextTurn: (callback: () => void) => void) {
    this.spec = spec;
    this.#pool = pool;
    this.#nextTurn = nextTurn;
    this.#shape();
  }

  /** Takes up a changed configuration; requests that wait keep their places. */
  configure(spec: LevelSpec): void {
    const changed = spec.queuing?.queues !== this.spec.queuing?.queues;
    this.spec = spec;
    if (changed) this.#shape();
    this.dispatch();
  }

  get queues(): readonly Queue[] {
    return this.#queues;
  }

  #shape(): void {
    const count = this.spec.queuing?.queues ?? 0;
    this.#queues = Array.from({ length: count }, () => ({ waiting: [], executing: 0, served: this.#served }));
  }

  #mayTake(width: number): boolean {
    const { seats, seatsKept, seatsBorrowedMax } = this.spec;
    if (this.#startedInTurn >= TURN_STARTS_MAX && this.spec.queuing !== undefined) return false;
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
    // Calling back costs more than a seat: only who has used a turn's starts up has to wait for the turn's end.
    if (this.spec.queuing === undefined || ++this.#startedInTurn !== TURN_STARTS_MAX) return;
    this.#nextTurn(() => {
      this.#startedInTurn = 0;
      this.dispatch();
    });
  }

  /** A seat at once (undefined), a place in a queue, or a refusal. `hash` stands for the flow. */
  enter(
    hash: () => number,
    width: number,
    settle: Waiting['settle'],
    told: Waiting['told'],
  ): { queued?: Waiting; refusal?: Refusal; leave: () => void } {
    const { queuing } = this.spec;
    if (queuing === undefined || this.#queues.length === 0) {
      if (!this.#mayTake(width)) return { refusal: 'concurrency-limit', leave: nothing };
      this.#take(width);
      return { leave: () => this.#leave(undefined, width) };
    }
    // Where nobody waits there is nothing to be fair about: the hand is not even dealt.
    if (this.waiting === 0 && this.#mayTake(width)) {
      this.#take(width);
      return { leave: () => this.#leave(undefined, width) };
    }
    const queue = this.#choose(hash(), queuing.handSize);
    if (queue.waiting.length >= queuing.queueLengthLimit) return { refusal: 'queue-full', leave: nothing };
    const queued = { width, queue, settle, told };
    if (queue.waiting.length === 0) {
      queue.served = Math.max(queue.served, this.#served);
      this.#busy.add(queue);
    }
    queue.waiting.push(queued);
    this.#waits(1);
    // Without anybody in a seat nobody will ever give one free.
    if (this.executing === 0) this.dispatch();
    return { queued, leave: () => this.#leave(queue, width) };
  }

  /** Gives a place in the queue up. */
  abandon(queued: Waiting): boolean {
    const at = queued.queue.waiting.indexOf(queued);
    if (at < 0) return false;
    queued.queue.waiting.splice(at, 1);
    this.#waits(-1);
    if (queued.queue.waiting.length === 0) this.#busy.delete(queued.queue);
    return true;
  }

  #leave(queue: Queue | undefined, width: number): void {
    this.executing -= width;
    this.#pool.taken -= width;
    if (queue !== undefined) queue.executing -= width;
    this.dispatch();
  }

  #serve(queue: Queue, width: number): void {
    queue.executing += width;
    queue.served = Math.max(queue.served, this.#served) + width;
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
      this.#serve(queue, first.width);
      first.settle(undefined);
    }
  }

  #next(): Queue | undefined {
    let least: Queue | undefined;
    for (const queue of this.#busy) if (least === undefined || queue.served < least.served) least = queue;
    return least;
  }

  #choose(hash: number, handSize: number): Queue {
    let best: Queue | undefined;
    for (const index of deal(hash, this.#queues.length, handSize)) {
      const queue = this.#queues[index] as Queue;
      if (best === undefined || loadOf(queue) < loadOf(best)) best = queue;
      if (loadOf(best) === 0) break;
    }
    return best as Queue;
  }
}

const nothing = (): void => undefined;
const loadOf = (queue: Queue): number => queue.waiting.length + queue.executing;

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
